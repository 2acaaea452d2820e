# %% [markdown] tags=["zh"]
# # 优化：同样的钱怎么花得更值
#
# **回答的问题** 每个商品该订多少，下一条消息该发给谁。
#
# **据此决定** 订货量、发送名单、谁不再打扰。
#
# **需要的表** `orders` 和带成本的 `order_lines`；`inventory_snapshots` 给出现货；一次随机发送的记录。缺的部分会说明需要什么。
# %% [markdown] tags=["en"]
# # Optimise: the same money, better spent
#
# **Questions** How much of each product should be ordered, and who should get the next message?
#
# **Decides** The order, the list to send to, and whom to leave alone.
#
# **Tables** `orders` and `order_lines` with costs; `inventory_snapshots` for the stock; the record of one random send. A section whose table is missing says so.

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
# ### 每个商品该订多少？
# 按毛利与剩货损失权衡，而不是按平均需求；没有库存表时按库存为 0 计算。
# %% [markdown] tags=["en"]
# ## Product
# ### How much of each product should be ordered?
# The level weighs margin against leftovers, instead of the average demand; without a stock table the stock counts as 0.
# %%
eo.product.inventory(shop)

# %% [markdown] tags=["zh"]
# ## 客户
# ### 下一条消息该发给谁？
# 把 `sends` 换成自己的随机发送记录：每人一行，`treated` 是 0 或 1，`outcome` 是期内净毛利。
# %% [markdown] tags=["en"]
# ## Customer
# ### Who should get the next message?
# Replace `sends` with your own record of a random send: one row per person, `treated` 0 or 1, `outcome` the net margin within the period.
# %%
sends = None
eo.customer.targeting(sends)
