# %% [markdown] tags=["zh"]
# # 经营分析：发生了什么，接下来做什么
#
# **回答的问题** 这段时间卖得怎么样，变化从哪里来；谁在养活店铺，新客留得住吗，多久没买算流失；货和流量各靠什么撑着，功劳该怎么分。
#
# **据此决定** 下个月先做哪几件事，哪些事要先做测试再说。
#
# **需要的表** `orders` 必需；有 `order_lines`、`traffic_daily`、`touchpoints` 时，商品、流量、归因三部分也能回答。缺表的部分会说明缺什么，其余照常运行。
# %% [markdown] tags=["en"]
# # Analyse: what happened and what to do about it
#
# **Questions** How did the shop do and where did the change come from? Who keeps it alive, do new customers stay, when is one lost? Which products and which traffic carry it, and how should credit be shared?
#
# **Decides** What to do first next month, and what to test before doing it.
#
# **Tables** `orders` is needed; `order_lines`, `traffic_daily` and `touchpoints` unlock products, traffic and attribution. A section whose table is missing says so, and the run goes on.

# %% [markdown] tags=["zh"]
# ## 数据
# 用自己的数据：把 `data` 改成文件或文件夹的路径。格式、币种和时区能认出来的不用填。
# %% [markdown] tags=["en"]
# ## Data
# For your own shop, point `data` at a file or a folder. Format, currency and time zone are recognised where the data states them.
# %% tags=["parameters", "zh"]
data = "demo"
format = None
currency = None
timezone = None
lang = "zh"
# %% tags=["parameters", "en"]
data = "demo"
format = None
currency = None
timezone = None
lang = "en"
# %% [markdown] tags=["zh"]
# 打开店铺：每张表都还在引擎里，没有一行被读进内存。
# %% [markdown] tags=["en"]
# Open the shop: its tables stay in the engine, no row is read into memory yet.
# %%
import ecomops as eo

shop = eo.open(data, format=format, currency=currency, timezone=timezone, lang=lang)
eo.report.cover(shop)

# %% [markdown] tags=["zh"]
# ## 商品
# ### 多少商品撑起了大部分销售额？
# ABC 分级看集中程度：A 类撑起 80% 的金额，B 类到 95%，其余是 C 类。
# %% [markdown] tags=["en"]
# ## Product
# ### How few products carry the sales?
# ABC classes show concentration: A carries the first 80 % of money, B up to 95 %, C the rest.
# %%
eo.product.pareto(shop.get("order_lines"))
