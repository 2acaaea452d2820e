# %% [markdown] tags=["zh"]
# # 执行：今天有没有偏离计划
#
# **回答的问题** 最近有没有不正常的日子；哪些货会断、哪些商品页有毛病；哪些推广计划该停，直播卖得怎么样；谁该提醒买第二单；按现在的进度，目标能完成吗。
#
# **据此决定** 今天查什么、补什么、改什么、停什么。
#
# **需要的表** `orders` 必需；`traffic_daily` 加上访客和转化，`inventory_snapshots`、`products`、`ad_reports`、`live_sessions` 分别用于缺货、商品页、投放和直播。缺表的部分会说明缺什么，其余照常运行。
# %% [markdown] tags=["en"]
# # Execute: is today off course?
#
# **Questions** Were any recent days out of the ordinary? What runs out of stock, and what is wrong with listings? Which campaigns should stop, and how do live sessions sell? Who should be reminded of a second order? At this pace, will the target be met?
#
# **Decides** What to look into, reorder, mend and stop today.
#
# **Tables** `orders` is needed; `traffic_daily` adds visitors and conversion; `inventory_snapshots`, `products`, `ad_reports` and `live_sessions` serve stock, listings, campaigns and live sessions. A section whose table is missing says so, and the run goes on.

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
# ## 店铺
# ### 最近有没有不正常的日子？
# 周末和大促不会触发报警；误报有多少，写在结论里。
# %% [markdown] tags=["en"]
# ## Store
# ### Were any recent days out of the ordinary?
# Weekends and festivals raise no alarm; how many alarms are false is said beside them.
# %%
monitor = eo.store.monitor(shop)
monitor

# %% [markdown] tags=["zh"]
# ## 商品
# ### 哪些商品会在到货前卖断，缺货已经损失了多少？
# 没有货的日子卖 0 件，不等于没人要：需求先还原，再与现货、在途和交期比。
# %% [markdown] tags=["en"]
# ## Product
# ### What will run out before a delivery, and what have stock-outs cost?
# Nothing sold on an empty day does not mean that nobody asked: demand is corrected first, then set against stock, deliveries on their way and lead times.
# %%
stock = eo.product.stock(shop)
stock

# %% [markdown] tags=["zh"]
# ### 商品页有哪些毛病，各让我们损失多少？
# 不打分：同价同类的商品相比，有毛病的转化率差多少，折成毛利。
# %% [markdown] tags=["en"]
# ### What is wrong with listings, and what does each defect cost?
# No points: among listings of like price and category, how much lower is conversion with the defect, and what margin is that?
# %%
listing = eo.product.listing(shop)
listing

# %% [markdown] tags=["zh"]
# ## 渠道
# ### 哪些推广计划该停，哪些还不能下结论？
# 最近的点击还会带来订单，已经补上；证据不够的计划不会被判停。
# %% [markdown] tags=["en"]
# ## Channel
# ### Which campaigns should stop, and which cannot be judged yet?
# Orders that recent clicks will still bring are allowed for; thin evidence stops nothing.
# %%
guardrails = eo.channel.guardrails(shop)
guardrails

# %% [markdown] tags=["zh"]
# ### 直播间里，谁播、播什么、什么时候播卖得好？
# 按在线人数折算之后再比主播、商品和时段；最近一场和其他场次比。
# %% [markdown] tags=["en"]
# ### Which hosts, products and times sell in live sessions?
# Hosts, products and times are compared for the same viewers; the last session against the others.
# %%
live = eo.channel.live(shop)
live

# %% [markdown] tags=["zh"]
# ## 客户
# ### 谁该提醒买第二单，什么时候提醒？
# 时段来自复购曲线；不提醒也会来的人不算提醒的功劳，只有随机留人不发才分得清。
# %% [markdown] tags=["en"]
# ## Customer
# ### Who should be reminded of a second order, and when?
# The days come from the repeat curve; those who would come anyway are not the reminder's, and only people left out at random tell them apart.
# %%
activation = eo.customer.activation(shop)
activation

# %% [markdown] tags=["zh"]
# ## 活动
# ### 按现在的进度，能不能完成目标？
# 台账里有正在进行的目标时，就盯着它；没有时看正在进行的活动或当月，和之前的预测比。
# %% [markdown] tags=["en"]
# ## Campaign
# ### At this pace, will the plan be met?
# The target that the ledger holds for these days; without one, the campaign under way or the month, against the forecast made before.
# %%
aim = book.under_way()
pacing = eo.campaign.pacing(shop, plan=aim.value, start=aim.start, end=aim.end)
pacing

# %% [markdown] tags=["zh"]
# ## 交接
# ### 写进台账
# 这一阶段的建议交给优化阶段。
# %% [markdown] tags=["en"]
# ## Handing over
# ### Into the ledger
# The advice of this stage goes to Optimise.
# %%
book.keep([monitor, stock, listing, guardrails, live, activation, pacing])
