# %% [markdown] tags=["zh"]
# # 规划：接下来会怎样，准备做什么
#
# **回答的问题** 未来几周会卖多少，目标能完成吗；价格、选品、细分机会怎么看；预算怎么分，会员权益划不划算；接下来有哪些节点，准备做的促销要花多少钱、卖多少才不亏。
#
# **据此决定** 目标和预算定多少，押哪些商品，哪些节点投入，促销按什么力度做、先怎么测。
#
# **需要的表** `orders` 必需；`traffic_daily` 把缺口拆到渠道，`order_lines` 和 `products` 拆到品类，带成本时算毛利；`ad_reports`、`search_index`、`market_keywords` 分别用于预算、搜索和细分机会。缺表的部分会说明缺什么，其余照常运行。
# %% [markdown] tags=["en"]
# # Plan: what is coming and what to prepare
#
# **Questions** What will the coming weeks bring, and will the target be reached? What about prices, the range and niches, the advertising budget and membership benefits? Which festivals are coming, what would a promotion cost, and when does it pay?
#
# **Decides** The target and the budget, the products to back, the festivals to invest in, the depth of a promotion and how to test it.
#
# **Tables** `orders` is needed; `traffic_daily` splits the gap over channels, `order_lines` and `products` split it over categories and, with costs, give margins; `ad_reports`, `search_index` and `market_keywords` serve the budget, searches and niches. A section whose table is missing says so, and the run goes on.

# %% [markdown] tags=["zh"]
# ## 数据
# 用自己的数据：把 `data` 改成文件或文件夹的路径。格式、币种和时区能认出来的不用填。台账默认放在店铺的文件夹里，也可以用 `ledger` 指定。
# %% [markdown] tags=["en"]
# ## Data
# For your own shop, point `data` at a file or a folder. Format, currency and time zone are recognised where the data states them. The ledger lies in the shop's folder unless `ledger` names another file.
# %% tags=["parameters", "zh"]
data = "demo"
format = None
currency = None
timezone = None
ledger = None
lang = "zh"
# %% tags=["parameters", "en"]
data = "demo"
format = None
currency = None
timezone = None
ledger = None
lang = "en"
# %% [markdown] tags=["zh"]
# 打开店铺：表都还在引擎里，这时还没有一行读进内存。
# %% [markdown] tags=["en"]
# Open the shop: its tables stay in the engine, no row is read into memory yet.
# %%
import ecomops as eo

shop = eo.open(data, format=format, currency=currency, timezone=timezone, lang=lang)
eo.report.cover(shop)

# %% [markdown] tags=["zh"]
# ## 店铺
# ### 接下来会卖多少？
# 预测认得星期、季节和节日（包括农历），区间来自同一方法过去的误差。
# %% [markdown] tags=["en"]
# ## Store
# ### What will the coming weeks bring?
# The forecast knows weekdays, seasons and festivals, lunar ones included; its band comes from past errors of the same method.
# %%
forecast = eo.store.forecast(shop)
forecast

# %% [markdown] tags=["zh"]
# ### 目标能完成吗，差在哪里？
# 没有给目标时以去年同期代替，写成 `target=…` 就是自己的；缺口按访客、转化、客单价和渠道拆开。
# %% [markdown] tags=["en"]
# ### Will the target be reached, and what is missing?
# Last year's sales stand in until you say `target=…`; the gap is split over visitors, conversion, value per buyer and channels.
# %%
target = eo.store.target(shop)
target

# %% [markdown] tags=["zh"]
# ## 商品
# ### 价格动一动，销量会怎么变？
# 只用商品自己的标价变动来估计；几乎没调过价、或价格跟着需求走的商品，拒绝回答，先做测试。
# %% [markdown] tags=["en"]
# ## Product
# ### What happens to sales when a price moves?
# Only changes of a product's own list price count; a price that hardly moved or that follows demand gets no answer but a test.
# %%
price = eo.product.price(shop.get("order_lines"))
price

# %% [markdown] tags=["zh"]
# ### 哪些商品值得押，哪些该整改，哪些可以放手？
# 毛利、增长、稳定和退货一起看；权重没有标准答案，所以看排名换了权重还站不站得住。
# %% [markdown] tags=["en"]
# ### Which products to build on, which to mend, which to let go?
# Margin, growth, steadiness and returns together; no weights are right, so look at the chance to stay at the top under others.
# %%
selection = eo.product.selection(shop)
selection

# %% [markdown] tags=["zh"]
# ### 哪些需求搜的人多、卖的人少？
# 把每个人群 × 类目的搜索和在售商品各自与平常相比；按区间下限排序，走运的小格子排不到前面。
# %% [markdown] tags=["en"]
# ### What do people search for that hardly anyone sells?
# Searches and offers of each segment by category are set against the usual; ranking by the lower bound keeps lucky small cells down.
# %%
niche = eo.product.niche(shop)
niche

# %% [markdown] tags=["zh"]
# ## 渠道
# ### 大家在搜什么，旺季什么时候到？
# 百度和谷歌各用各的刻度，只比增长和季节，不比高低；农历节日按农历对齐。
# %% [markdown] tags=["en"]
# ## Channel
# ### What do people look for, and when does the season peak?
# Baidu and Google stay on their own scales: growth and season compare, levels do not; lunar festivals are aligned by the lunar calendar.
# %%
search = eo.channel.search(shop)
search

# %% [markdown] tags=["zh"]
# ### 投放预算怎么分，哪些要先测？
# 曲线有把握才挪钱，其余渠道保持占比；测试做多久，由“能看出回本”来定。
# %% [markdown] tags=["en"]
# ### How should the advertising budget be spent, and what should be tested?
# Money moves only where a curve is sure; elsewhere shares stay, and a test is as long as it takes to see spend pay for itself.
# %%
budget = eo.channel.budget(shop)
budget

# %% [markdown] tags=["zh"]
# ## 客户
# ### 会员权益要花多少钱，多买多少才划算？
# 把 `tiers` 换成自己的等级；按会员现在的购买计算成本和保本增幅，积分按会被用掉的部分算。
# %% [markdown] tags=["en"]
# ## Customer
# ### What do membership benefits cost, and how much more must members buy?
# Pass your own `tiers`; costs and break-even rest on what members buy now, and points count as far as they are used.
# %%
tiers = eo.customer.tiers(shop)
tiers

# %% [markdown] tags=["zh"]
# ## 活动
# ### 接下来有哪些节点，值得做吗？
# 净效果把预热期的观望和活动后的回落都算进去。
# %% [markdown] tags=["en"]
# ## Campaign
# ### Which festivals are coming, and are they worth it?
# The net effect takes off the waiting before and the dip after.
# %%
calendar = eo.campaign.calendar(shop)
calendar

# %% [markdown] tags=["zh"]
# ### 这个促销要花多少钱，卖多少才不亏？
# 把规则套在过去的购物车上，逐条叠加，精确到分；会不会多卖，要靠测试回答。
# %% [markdown] tags=["en"]
# ### What would this promotion cost, and when does it pay?
# The rules are replayed on past baskets, to the cent; whether more is sold is for a test to say.
# %%
promotion = eo.campaign.promotion(shop)
promotion

# %% [markdown] tags=["zh"]
# ### 下一场活动怎么安排？
# 用上面的预测、分群和试算填好简报；目标和预算请自己给，没人知道的会写“未知”。
# %% [markdown] tags=["en"]
# ### How is the next campaign set up?
# The brief is filled from the forecast and the replay above; give target and budget yourself, and what nobody knows says so.
# %%
brief = eo.campaign.brief(
    shop,
    results=[forecast, target, price, selection, niche, search, budget, tiers, calendar, promotion],
)
brief

# %% [markdown] tags=["zh"]
# ## 交接
# ### 写进台账
# 目标、预测和建议交给后面的阶段：执行按这个目标盯进度，优化把所有建议放到一起决定。同样的内容只记一次。
# %% [markdown] tags=["en"]
# ## Handing over
# ### Into the ledger
# Target, forecast and advice go to the later stages: Execute watches this target, Optimise decides over all advice at once. The same entry is written once.
# %%
book = eo.report.ledger(shop, path=ledger)
book.keep(
    [forecast, target, price, selection, niche, search, budget, tiers, calendar, promotion, brief]
)
