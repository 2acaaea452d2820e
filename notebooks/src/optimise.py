# %% [markdown] tags=["zh"]
# # 优化：同样的钱怎么花得更值
#
# **回答的问题** 每个商品该订多少；广告多花一元会怎样，同样的钱换个地方花会不会更好；消息该发给谁；接下来先试什么、先做什么。
#
# **据此决定** 订货量、预算调整、发送名单，以及采纳哪几条建议。
#
# **需要的表** `orders` 和带成本的 `order_lines`；`inventory_snapshots` 给出现货；`ad_reports` 给出投放花费，`message_sends` 记录随机发送。缺表的部分会说明缺什么，其余照常运行。
# %% [markdown] tags=["en"]
# # Optimise: the same money, better spent
#
# **Questions** How much of each product should be ordered? What does a little more advertising do, and would the same money do more elsewhere? Who should get the next message? What should be tested and done first?
#
# **Decides** The order, the moves of budget, the list to send to, and which advice to accept.
#
# **Tables** `orders` and `order_lines` with costs; `inventory_snapshots` for the stock; `ad_reports` for spend; `message_sends` for messages sent at random. A section whose table is missing says so, and the run goes on.

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
# ### 之前定下了什么？
# 台账里有规划阶段的目标、还没有决定的建议，以及到期要验证的行动。
# %% [markdown] tags=["en"]
# ### What was decided before?
# The ledger holds the target of the Plan stage, advice that is still open, and actions that are due to be verified.
# %%
book = eo.report.ledger(shop, path=ledger)
book

# %% [markdown] tags=["zh"]
# ## 商品
# ### 每个商品该订多少？
# 按毛利与剩货损失权衡，而不是按平均需求；没有库存表时按库存为 0 计算。
# %% [markdown] tags=["en"]
# ## Product
# ### How much of each product should be ordered?
# The level weighs margin against leftovers, instead of the average demand; without a stock table the stock counts as 0.
# %%
inventory = eo.product.inventory(shop)
inventory

# %% [markdown] tags=["zh"]
# ## 渠道
# ### 广告再多花一元，会怎样？
# 只有主动变动过的花费才教得了东西；做过实验就把结果放进 `experiments`，曲线会按它校准。
# %% [markdown] tags=["en"]
# ## Channel
# ### What does spending a little more on ads do?
# Only spend that was changed on purpose, not with demand, teaches anything; pass measured lifts as `experiments` and they calibrate the curves.
# %%
response = eo.channel.response(shop, experiments=None)
response

# %% [markdown] tags=["zh"]
# ### 同样的钱，换个地方花会不会更好？
# 一百种可能里有九十五种更好，才建议挪；否则先测试。
# %% [markdown] tags=["en"]
# ### Would the same money do more elsewhere?
# A move is advised only where 95 of 100 plausible cases gain; otherwise test first.
# %%
reallocate = eo.channel.reallocate(shop)
reallocate

# %% [markdown] tags=["zh"]
# ## 客户
# ### 下一条消息该发给谁？
# 从 `message_sends` 里随机发与不发的对比，学出谁会因消息而多买；按购买概率挑人，只会挑中本来就会买的。
# %% [markdown] tags=["en"]
# ## Customer
# ### Who should get the next message?
# Messages sent and held back at random (`message_sends`) tell whom a message moves; those likeliest to buy mostly buy anyway.
# %%
targeting = eo.customer.targeting(shop)
targeting

# %% [markdown] tags=["zh"]
# ### 沉默的老客，发消息叫得回来吗？
# 本来就会回来的人不算；只认随机留一部分人不发的记录（`message_sends`），没有就先测。
# %% [markdown] tags=["en"]
# ### Does a message bring silent customers back?
# Those who return anyway do not count; only messages held back from some at random (`message_sends`) can tell, else test first.
# %%
winback = eo.customer.winback(shop)
winback

# %% [markdown] tags=["zh"]
# ### 要叫回来的人，在你熟悉的分群里是哪些？
# 同样看最近、次数和金额，国内常分成八类（重要价值、重要挽留……），Shopify 后台分成十一类。分法和名字不同，人和钱还是那些：写消息之前，看看每一群有多少人、占多少钱。
# %% [markdown] tags=["en"]
# ### Who are they in the segments you know?
# Recency, frequency and money, cut into the eight cells that Chinese shops use or the eleven segments of Shopify's admin. Cuts and names differ, people and money do not: see how many there are in each, and what they bring, before writing to them.
# %%
eo.report.explore(eo.customer.rfm, shop.get("orders"), choices={"preset": ["eight", "shopify"]})

# %% [markdown] tags=["zh"]
# ## 活动
# ### 接下来先做哪个试验？
# 把上面还没有证据的建议排成队：没把握、影响大、订单多的先试；知道过去试验的效果有多大，就写进 `priors`。
# %% [markdown] tags=["en"]
# ## Campaign
# ### Which experiment should run next?
# Advice without proof stands in line: what is least known, touches most and has most orders comes first; write what past tests showed into `priors`.
# %%
roadmap = eo.campaign.roadmap(shop, results=[inventory, response, reallocate, targeting, winback])
roadmap

# %% [markdown] tags=["zh"]
# ## 决定
# ### 先做哪几件事？
# 把各阶段的建议放进一张清单：互相矛盾的只留更好的一条，误报受控，按价值排序；暂缓的写明原因。
# %% [markdown] tags=["en"]
# ## Decide
# ### What should be done first?
# One list of the advice of all stages: of contradicting advice the better one stays, false discoveries are controlled, the best comes first; what is held back says why.
# %%
todo = eo.store.decide(
    [inventory, response, reallocate, targeting, winback, roadmap], earlier=book.proposals()
)
todo

# %% [markdown] tags=["zh"]
# ### 采纳还是拒绝？
# 在 JupyterLab 里填上负责人、打勾就写进台账；下个月，分析阶段会拿结果来对照。
# %% [markdown] tags=["en"]
# ### Accept or reject?
# In JupyterLab, name an owner and tick: it is written to the ledger, and next month's Analyse compares it with what came.
# %%
eo.report.ticks(todo, book)
