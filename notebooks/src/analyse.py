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
# ### 这份数据靠得住吗？
# 得分之外，看两件事：哪些订单没有计入、为什么；哪些分析现在能做，哪些还缺表。
# %% [markdown] tags=["en"]
# ### Can these data be trusted?
# Beside the score, look at two things: which orders are left out and why, and which analyses the tables carry.
# %%
check = eo.store.check(shop)
check

# %% [markdown] tags=["zh"]
# ### 之前定下了什么？
# 台账里有规划阶段的目标、还没有决定的建议，以及到期要验证的行动。
# %% [markdown] tags=["en"]
# ### What was decided before?
# The ledger holds the target of the Plan stage, advice that is still open, and actions that are due to be verified.
# %%
book = eo.report.ledger(shop, path=ledger)
book

# %% [markdown] tags=["zh"]
# ## 店铺
# ### 这段时间经营得怎么样？
# 每个指标与上一个完整的月份相比；没有过完的月份单独标出，不参与比较。
# %% [markdown] tags=["en"]
# ## Store
# ### How is the shop doing?
# Each metric against the last complete month before it; a month that is not over is marked and never compared.
# %%
scorecard = eo.store.scorecard(shop)
scorecard

# %% [markdown] tags=["zh"]
# ### 变化从哪里来？
# 把差额拆给访客数、转化率和客单价，各项相加正好等于差额。这是算术，不是因果：它说哪个数字变了，不说为什么变。
# %% [markdown] tags=["en"]
# ### Where did the change come from?
# The difference is split over visitors, conversion and value per buyer; the parts add up exactly. It is arithmetic: it says which number moved, not why.
# %%
drivers = eo.store.drivers(shop)
drivers

# %% [markdown] tags=["zh"]
# ## 客户
# ### 谁在养活店铺？
# 按最近一次购买、购买次数和金额给每位客户打分，分成十个群。分数并列的客户永远在同一格。
# %% [markdown] tags=["en"]
# ## Customer
# ### Who keeps the shop alive?
# Recency, frequency and money score every customer into ten segments. Customers who tie always share a cell.
# %%
rfm = eo.customer.rfm(shop.get("orders"))
rfm

# %% [markdown] tags=["zh"]
# ### 新客留得住吗？
# 一行是同一个月首购的客户，从左往右看他们之后每个月有多少人回来。还没到的月份留空，不是 0。
# %% [markdown] tags=["en"]
# ### Do new customers stay?
# A row is the customers whose first order fell in one month; read along it to see how many come back. Months still to come are left out: they are not 0.
# %%
cohorts = eo.customer.cohorts(shop.get("orders"))
cohorts

# %% [markdown] tags=["zh"]
# ### 多久没买，才算流失？
# 用生存分析估计下一单的时间：刚来的客户还没有机会回购，不能当作不回来。
# %% [markdown] tags=["en"]
# ### How long without an order means lost?
# Survival analysis estimates the time to the next order: a customer who has only just arrived has had no chance to return and does not count as lost.
# %%
repeat = eo.customer.repeat(shop.get("orders"))
repeat

# %% [markdown] tags=["zh"]
# ## 商品
# ### 店铺靠哪些商品撑着？
# A 类商品累计到销售额的 80%，B 类到 95%，其余是 C 类。集中有好处，也有风险。
# %% [markdown] tags=["en"]
# ## Product
# ### Which products carry the shop?
# Class A reaches 80% of sales, B 95%, C is the rest. Concentration is a strength and a risk.
# %%
pareto = eo.product.pareto(shop.get("order_lines"))
pareto

# %% [markdown] tags=["zh"]
# ## 渠道
# ### 流量从哪里来，值多少钱？
# UV 价值 = 转化率 × 客单价：同样一个访客，不同来源差几倍。
# %% [markdown] tags=["en"]
# ## Channel
# ### Where do visitors come from and what are they worth?
# Value per visitor = conversion × value per buyer: it differs severalfold between sources.
# %%
traffic = eo.channel.traffic(shop.get("traffic_daily"), currency=shop.currency)
traffic

# %% [markdown] tags=["zh"]
# ### 功劳该记给哪些渠道？
# 八种规则各分各的功劳，差得越远，越说明功劳不等于增量。有对照组时，以实测为准。
# %% [markdown] tags=["en"]
# ### Which channels deserve the credit?
# Eight rules share the same orders. The further they disagree, the less credit says about effect; where a holdout exists, trust what was measured.
# %%
attribution = eo.channel.attribution(
    shop.get("touchpoints"), margin=shop.margin, currency=shop.currency
)
attribution

# %% [markdown] tags=["zh"]
# ## 兑现
# 观察期已过的行动，在这里测一次、写进台账：有 A/B 测试或随机对照组的，以它为准；没有的，与没有改动的商品或按日历推算的此前销售相比；测不了的，记下原因。
# %% [markdown] tags=["en"]
# ## What came true
# Actions whose period is over are measured once and written down: by an A/B test or a random holdout where there is one, else against untouched products or what the days before foretold. What cannot be measured is written with its reason.
# %%
book.measure(shop)

# %% [markdown] tags=["zh"]
# ### 当初的决定，带来了预期的结果吗？
# 把采纳时写下的预期和后来测到的结果放在一起，也检验我们自己的区间准不准。还没有采纳过建议时，这一节会说怎么开始。
# %% [markdown] tags=["en"]
# ### Did what was decided bring what was expected?
# Expectations written down when advice was accepted, beside what was measured since; it also tests our own intervals. Until something was accepted, the section says how to begin.
# %%
eo.store.review(book.outcomes, as_of=book.day)

# %% [markdown] tags=["zh"]
# ## 交接
# ### 写进台账
# 这一阶段的建议交给优化阶段。
# %% [markdown] tags=["en"]
# ## Handing over
# ### Into the ledger
# The advice of this stage goes to Optimise.
# %%
book.keep([check, scorecard, drivers, rfm, cohorts, repeat, pareto, traffic, attribution])
