"""Modules that feed single tables: sums that must be equal, and planted effects that come back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ecomops.sim import preset, tables, world
from ecomops.sim.media import promoted, spending
from ecomops.sim.presets import sized
from tests.demo_script import SEED


@pytest.fixture(scope="module")
def shop():
    return world("demo", seed=SEED)


@pytest.fixture(scope="module")
def homes():
    return world("taste_of_home", seed=2, customers=20_000)


def frame(made, name):
    return made.tables[name].to_pandas()


def truth(made, name):
    return made.truth[name].to_pandas()


def test_found_effects_leave_the_orders_as_they_are(shop):
    """Truth: the plain shop with the same budgets and the same price test."""
    own = shop.plan.settings
    plain = world(replace(preset("tiny"), channels=own.channels, prices=own.prices), seed=SEED)
    for name in ("orders", "order_lines", "refunds", "touchpoints", "reviews"):
        assert shop.tables[name].equals(plain.tables[name]), name


@pytest.mark.parametrize("kind", ["message:", "experiment:", "live:"])
def test_found_effects_are_the_difference_of_the_twins(shop, kind):
    """Truth: a second run without the interventions, to the cent."""
    keys = [key for key in shop.interventions if key.startswith(kind)]
    twin = shop.without(*keys)
    both = [sum(t["paid_amount"].to_pylist()) for t in map(orders_of, (shop, twin))]
    effect = truth(shop, "interventions").set_index("intervention").effect
    assert both[0] - both[1] == effect[keys].sum() > 0


def test_pieces_by_day_are_those_of_the_orders(homes):
    """Truth: the orders; some possible lines are out of stock, too dear or not added."""
    paid = frame(homes, "orders").dropna(subset="paid_at")
    by_day = paid.groupby(paid.paid_at.dt.date).item_count.sum()
    seen = frame(homes, "traffic_daily").query("level == 'shop'").set_index("date").pay_quantity
    assert seen[seen > 0].to_dict() == by_day.to_dict()


def orders_of(made):
    return tables.orders(made.scenes[0])


def answers(made):
    """Return sends with whether the customer bought within a week, and the true effect."""
    sends = frame(made, "message_sends").reset_index()
    paid = frame(made, "orders").dropna(subset="paid_at")[["customer_id", "paid_at"]]
    after = sends.merge(paid, on="customer_id")
    gap = after.paid_at - after.sent_at
    soon = after[(gap >= pd.Timedelta(0)) & (gap < pd.Timedelta(days=7))]
    sends["bought"] = sends["index"].isin(soon["index"])
    return sends.merge(truth(made, "crm"), on="customer_id")


def test_random_sends_show_the_planted_effect(shop):
    """Truth: orders that messages brought, by kind of customer; 4 standard errors."""
    seen = answers(shop)
    holdout = shop.plan.settings.crm.holdout
    error = np.sqrt(holdout * (1 - holdout) / len(seen))
    assert seen.is_holdout.mean() == pytest.approx(holdout, abs=4 * error)
    assert set(seen.propensity) == {1 - holdout}
    for kind, group in seen.groupby("kind"):
        sent, kept = group[~group.is_holdout].bought, group[group.is_holdout].bought
        spread = np.sqrt(sent.var() / len(sent) + kept.var() / len(kept))
        expected = group.effect.mean() if kind == "persuadable" else 0.0
        assert sent.mean() - kept.mean() == pytest.approx(expected, abs=4 * spread), kind
        assert (expected > 2 * spread) == (kind == "persuadable")


def test_found_lift_of_a_test_comes_back(shop):
    """Truth: planted lift of 15 %; buyers by arm, 3 standard errors."""
    shown = frame(shop, "experiment_exposures")
    arms = shown.groupby("arm").orders.agg(buyers=lambda o: (o > 0).sum(), visitors="size")
    rate = arms.buyers / arms.visitors
    error = np.sqrt((1 / arms.buyers).sum())
    assert rate["B"] / rate["A"] - 1 == pytest.approx(0.15, abs=3 * error)


@pytest.mark.parametrize("lift", [-0.15, 0.0])
def test_lifts_that_are_not_positive_come_back(lift):
    """Truth: planted lift; buyers by arm, 3 standard errors; as many visitors in both arms."""
    test = replace(preset("srm").experiments[0], lift=lift, mismatch=0.0, days=200)
    made = world(replace(sized(preset("tiny"), 60_000), experiments=(test,)), seed=8)
    shown = frame(made, "experiment_exposures")
    arms = shown.groupby("arm").orders.agg(buyers=lambda o: (o > 0).sum(), visitors="size")
    rate = arms.buyers / arms.visitors
    error = np.sqrt((1 / arms.buyers).sum())
    assert rate["B"] / rate["A"] - 1 == pytest.approx(lift, abs=3 * error)
    assert error < 0.03
    assert abs(arms.visitors["B"] / len(shown) - 0.5) < 3 * np.sqrt(0.25 / len(shown))
    lost = truth(made, "interventions").set_index("intervention").lost[test.key]
    assert (lost > 500) == (lift < 0)


def test_stock_moves_by_what_is_sold_and_delivered(shop):
    """Truth: the identity of stock, and lead times: what is on its way is what comes by then."""
    seen = frame(shop, "inventory_snapshots").sort_values(["sku_id", "date"])
    each = seen.groupby("sku_id")
    came = (seen.on_hand - each.on_hand.shift() + seen.outbound_qty).fillna(0)
    assert (came >= 0).all()
    assert (seen.on_hand >= 0).all()
    lead = frame(shop, "product_skus").set_index("sku_id").lead_time_days
    assert lead.between(5, 25).all()
    days = lead.reindex(seen.sku_id).to_numpy()
    total = came.groupby(seen.sku_id).cumsum()
    for day in (5, 12):
        mine = seen.assign(total=total)[days == day]
        ahead = mine.groupby("sku_id").total.shift(-day) - mine.total
        known = ahead.notna()
        assert known.sum() > 100
        assert (ahead[known] == mine.inbound[known]).all()


def test_stock_sells_what_the_lines_say(shop):
    """Truth: paid lines by variant and day of the order."""
    lines = frame(shop, "order_lines").dropna(subset="paid_at")
    sold = lines.groupby(["sku_id", lines.created_at.dt.date]).quantity.sum()
    seen = frame(shop, "inventory_snapshots")
    shown = seen[seen.outbound_qty > 0].set_index(["sku_id", "date"]).outbound_qty
    late = sold[sold.index.get_level_values(1) >= seen.date.min()]
    assert shown.sort_index().to_dict() == late.to_dict()


def test_stockouts_hide_the_demand_that_the_truth_tells():
    """Truth: the twin without stock-outs, product by product."""
    made = world("heavy_stockout", seed=3, customers=6_000)
    keys = [key for key in made.interventions if key.startswith("stockout:")]
    lines = frame(made.without(*keys), "order_lines").dropna(subset="paid_at")
    first = frame(made, "inventory_snapshots").date.min()
    recent = lines[lines.created_at.dt.date >= first].groupby("product_id").quantity.sum()
    told = truth(made, "stock").set_index("product_id")
    assert (told.demanded == recent.reindex(told.index, fill_value=0)).all()
    out = told[told.days_out > 0]
    assert out.sold.sum() < 0.85 * out.demanded.sum()
    seen = frame(made, "inventory_snapshots")
    owner = frame(made, "product_skus").set_index("sku_id").product_id
    empty = seen[seen.on_hand == 0].groupby(seen.sku_id.map(owner)).date.nunique()
    listed = frame(made, "products").set_index("product_id").listed_at.dt.date
    there = out.index[listed.reindex(out.index) < first]
    assert len(there) > 20
    assert (empty.reindex(there) == out.days_out[there]).all()


def test_advertising_adds_up_and_its_last_days_are_incomplete(shop):
    """Truth: spend and clicks of one campaign per channel; the planted chance of each delay.

    No day has fewer clicks than orders, which the delays move to other days.
    """
    reports = frame(shop, "ad_reports")
    plain = world(replace(shop.plan.settings, ads=preset("tiny").ads), seed=SEED)
    whole = frame(plain, "ad_reports")
    columns = ["clicks", "conversions", "impressions", "spend"]
    ours, theirs = (t.groupby(["date", "scene_name"])[columns].sum() for t in (reports, whole))
    assert (ours.spend == theirs.spend).all()
    free = theirs.clicks > theirs.conversions  # clicks as they were drawn
    told = np.maximum(theirs.clicks, ours.conversions)
    assert (ours.clicks[free] == told[free]).all()
    assert (ours.clicks[~free] <= told[~free]).all()
    same = ours.clicks == theirs.clicks
    assert (ours.impressions[same] == theirs.impressions[same]).all()
    assert same.mean() > 0.9
    chance = truth(shop, "ad_lags").chance.to_numpy()
    assert chance.sum() == pytest.approx(1.0)
    days = [t.groupby("date").conversions.sum().to_numpy() for t in (reports, whole)]
    assert days[0].sum() <= days[1].sum()
    assert days[1].sum() - days[0].sum() < 2 * days[1][:15].sum()
    expected = (days[1][-15:] * np.cumsum(chance)).sum()
    assert days[0][-15:].sum() == pytest.approx(expected, abs=4 * np.sqrt(expected))


def test_campaigns_convert_as_planted(shop):
    """Truth: planted relative conversion by campaign; chi-square below its 99.9 % point."""
    seen = (
        frame(shop, "ad_reports")
        .groupby(["scene_name", "campaign_id"])[["clicks", "conversions"]]
        .sum()
    )
    planted = truth(shop, "ads").set_index("campaign_id")
    seen = seen.reset_index("scene_name").join(planted)
    weight = seen.share * seen.conversion
    each = seen.groupby("scene_name").conversions.transform("sum")
    expected = each * weight / weight.groupby(seen.scene_name).transform("sum")
    assert (((seen.conversions - expected) ** 2) / expected).sum() < 37.7
    assert seen.conversion.max() / seen.conversion.min() > 3


def test_a_channel_with_a_budget_reports_what_it_planned():
    """Truth: the spending plan itself."""
    made = world("course", seed=2, customers=2_000)
    reports = frame(made, "ad_reports")
    for channel in made.plan.settings.channels:
        if channel.budget:
            mine = reports[reports.scene_name == channel.name].groupby("date").spend.sum()
            cents = (mine * 100).astype(int).to_numpy()
            assert (cents == spending(channel, made.plan.days, made.plan.seed)).all()


def test_spending_is_tested_by_lot_and_rises_on_festivals(shop):
    """Truth: the settings; by pairs of weeks one has none, the other half as much again."""
    tests, plan = truth(shop, "ad_tests"), shop.plan
    assert set(tests.channel) == {"直通车"}
    assert (tests.on.to_numpy().reshape(-1, 2).sum(axis=1) == 1).all()
    assert 0 < tests.on.to_numpy()[::2].sum() < 8
    reports = frame(shop, "ad_reports")
    daily = reports[reports.scene_name == "直通车"].groupby("date").spend.sum().astype(float)
    weekly = daily.groupby(pd.DatetimeIndex(daily.index).to_period("W").start_time).sum()
    weekly = weekly.iloc[tests.week].to_numpy()
    assert (weekly[~tests.on] == 0).all()
    assert weekly[tests.on].mean() == pytest.approx(7 * 300 * 1.5, rel=0.1)
    channel = next(c for c in plan.settings.channels if c.name == "直通车")
    calm, busy = spending(channel, plan.days, plan.seed), promoted(plan.settings, plan.days)
    assert busy.sum() == sum(p.last - p.first + 1 for p in plan.settings.promotions)
    free = calm > 0
    free[7 * channel.switched_from : 7 * (channel.switched_from + channel.switched)] = False
    cents, level = 100 * daily.to_numpy()[free], 1 + 0.6 * busy[free]
    off = np.abs(cents - level * calm[free])
    assert (off <= 0.5 + 0.5 * level + 1e-6).all()  # both are rounded to the cent


def test_what_budgets_and_prices_bring_is_the_difference_of_the_twins(shop):
    """Truth: the shop without them, to the cent; one channel has a budget and no effect."""
    effects = truth(shop, "interventions").set_index("intervention").effect
    keys = [key for key in shop.interventions if key.startswith("price:")]
    assert len(keys) == 8
    for key in ("channel:直通车", "channel:再营销", "channel:短视频", keys[0]):
        quiet = frame(shop.without(key), "orders").paid_amount.sum()
        assert frame(shop, "orders").paid_amount.sum() - quiet == effects[key]
    assert effects["channel:再营销"] == 0 < effects["channel:短视频"] < effects["channel:直通车"]


def test_a_preset_changes_a_channel_of_the_one_below_by_name():
    mine, below = ({c.name: c for c in preset(name).channels} for name in ("demo", "tiny"))
    assert list(mine) == list(below)
    changed = [name for name in mine if mine[name] != below[name]]
    assert changed == ["直通车", "再营销", "短视频"]
    assert mine["再营销"] == replace(below["再营销"], budget=25_000, festive=0.6)


def test_nobody_sees_or_buys_a_product_before_it_is_listed(shop):
    """By hand: visitors and orders of products listed within the days of the shop."""
    listed = frame(shop, "products").set_index("product_id").listed_at
    seen = frame(shop, "traffic_daily").query("level == 'product'")
    sold = frame(shop, "order_lines")
    first = pd.to_datetime(seen.groupby("product_id").date.min())
    assert (listed > pd.Timestamp(seen.date.min())).sum() > 10
    assert (listed.reindex(first.index) <= first).all()
    assert (listed.reindex(sold.product_id).to_numpy() <= sold.created_at.to_numpy()).all()


def test_defects_of_listings_cost_conversion(shop):
    """Truth: planted conversion of each product, defects 55 %; buyers, 4 standard errors."""
    seen = frame(shop, "traffic_daily").query("level == 'product'")
    seen = seen.groupby("product_id")[["visitors", "pay_buyers"]].sum()
    both = seen.join(truth(shop, "sku").set_index("product_id"))
    listed = frame(shop, "products").set_index("product_id")
    both = both.join(listed[["image_count", "attributes_filled", "attributes_total"]])
    for kind, group in both.groupby(both.defect_kind.fillna("")):
        expected = (group.visitors * group.conversion).sum()
        # visitors follow the product's own sales, so buyers vary less than counts would
        assert group.pay_buyers.sum() == pytest.approx(expected, abs=4 * np.sqrt(expected)), kind
    assert both.groupby("defect").conversion.median().pipe(lambda c: c[True] / c[False]) < 0.7
    assert (both[both.defect_kind == "images"].image_count <= 2).all()
    assert (both[~both.defect].image_count >= 5).all()
    assert (both[both.defect_kind == "attributes"].attributes_filled <= 6).all()


def test_coupons_are_the_discounts_of_the_orders(shop):
    """Truth: discounts of orders outside promotions are the ordinary coupon's, to the cent."""
    orders = frame(shop, "orders").dropna(subset="paid_at")
    plain = orders[orders.campaign_id.isna()]
    daily = frame(shop, "coupon_daily").set_index("coupon_id")
    usual = daily.loc["Q011"]
    assert usual.discount_amount.sum() == plain.shop_discount.sum()
    assert usual.used.sum() == (plain.shop_discount > 0).sum()
    platform = daily.drop(index="Q011").discount_amount.sum()
    assert platform == orders.platform_discount.sum()
    assert (daily.claimed >= daily.used).all()
    spans = frame(shop, "coupons").set_index("coupon_id").reindex(daily.index)
    idle = daily[daily.claimed > daily.used]
    at = pd.to_datetime(idle.date)
    assert (at >= spans.start_at[daily.claimed > daily.used]).all()
    assert (at <= spans.end_at[daily.claimed > daily.used]).all()
    told = truth(shop, "coupon").set_index("coupon_id")
    assert (told.orders == daily.groupby("coupon_id").used.sum()).all()
    assert told.incremental_orders["Q011"] == 0
    assert (told.drop(index="Q011").incremental_orders > 0).all()


def test_nobody_is_asked_about_a_shop_before_buying_there(shop):
    answers = frame(shop, "surveys").set_index("customer_id").submitted_at
    paid = frame(shop, "orders").groupby("customer_id").paid_at.min()
    assert len(answers) > 50
    assert (answers > paid.reindex(answers.index)).all()


def test_points_never_fall_below_nothing_and_end_at_the_balance(shop):
    """Truth: the ledger added up customer by customer."""
    ledger = frame(shop, "loyalty_ledger").sort_values(["customer_id", "at"])
    running = ledger.groupby("customer_id").points.cumsum()
    assert running.min() >= 0
    balance = frame(shop, "customers").set_index("customer_id").points_balance
    total = ledger.groupby("customer_id").points.sum()
    assert (balance.reindex(total.index) == total).all()
    assert balance.drop(total.index).sum() == 0
    assert set(ledger.reason) == {"earn", "redeem", "expire"}


def test_live_minutes_add_up_to_their_sessions(shop):
    """Truth: sums by session."""
    minutes = frame(shop, "live_minutes").groupby("live_session_id")
    sessions = frame(shop, "live_sessions").set_index("live_session_id")
    pairs = {"arrivals": "viewers", "order_count": "order_count", "gmv": "gmv",
             "product_clicks": "product_clicks", "comments": "comments"}  # fmt: skip
    for minute, session in pairs.items():
        assert (minutes[minute].sum() == sessions[session]).all(), minute
    assert (minutes.online.max() == sessions.peak_online).all()


def test_products_on_show_sell_as_planted():
    """Truth: expected orders by slot from viewers, host and product; chi-square, 99.9 %."""
    made = world("live_room", seed=5, customers=20_000)
    told = truth(made, "live_slots")
    minutes = frame(made, "live_minutes")
    sold = minutes.groupby(["live_session_id", minutes.minute // 15]).order_count.sum()
    told["sold"] = sold.to_numpy()
    each = told.groupby("product_id")[["sold", "expected"]].sum()
    loss = ((each.sold - each.expected) ** 2 / each.expected).sum()
    assert loss < len(each) + 3.1 * np.sqrt(2 * len(each))
    assert told.groupby("product_id").product_pull.first().std() > 0.2


def test_search_by_device_and_the_words_of_the_market(shop):
    """Truth: the sum of devices; a keyword is its attribute and its category."""
    index = frame(shop, "search_index").query("source == 'baidu_index'")
    assert (index.index_pc + index.index_mobile == index.index_value).all()
    words = frame(shop, "market_keywords")
    assert (words.attribute + words.category == words.keyword).all()


def home_share(made, before):
    """Return lines of ordinary buyers with their home, and whether they are its food, by time."""
    planted = truth(made, "longing").dropna(subset="festival")
    lines = frame(made, "order_lines")[["order_id", "product_id", "created_at"]]
    lines = lines.merge(frame(made, "orders")[["order_id", "customer_id", "campaign_id"]])
    lines = lines.merge(truth(made, "homes"), on="customer_id")
    kinds = frame(made, "products").set_index("product_id").category_l2
    lines["category"] = lines.product_id.map(kinds)
    day = pd.Timestamp(before)
    rows = lines[lines.created_at.between(day - pd.Timedelta(days=20), day)]
    return rows[rows.campaign_id.isna()], planted


@pytest.mark.parametrize(("day", "festival"), [("2025-01-29", "春节"), ("2025-10-06", "中秋节")])
def test_people_long_for_the_food_of_their_home(homes, day, festival):
    """Truth: planted chance; those of other homes give the ordinary share, 4 standard errors."""
    rows, planted = home_share(homes, day)
    mine = planted[planted.festival == festival].set_index("home")
    longs = rows[rows.home.isin(mine.index)]
    own = longs.category == longs.home.map(mine.category)
    others = rows[~rows.home.isin(mine.index)]
    usual = longs.home.map(mine.category).map(others.category.value_counts(normalize=True))
    chance = mine.chance.iloc[0]
    expected = (chance + (1 - chance) * usual.fillna(0)).mean()
    error = np.sqrt(expected * (1 - expected) / len(longs) + 0.25 * (1 - chance) / len(others))
    assert own.mean() == pytest.approx(expected, abs=4 * error)
    assert error < 0.06


def test_provinces_show_the_longing_to_whom_only_sees_orders(homes):
    """Truth: planted homes; the share of Sichuan sausage where it comes from and elsewhere."""
    rows, _ = home_share(homes, "2025-01-29")
    share = (rows.category == "川味腊肠").groupby(rows.province == "四川省").mean()
    assert share[True] > 1.8 * share[False]


def test_festival_promotions_pull_and_carry_along(homes):
    """Truth: causes order by order, and the twin without the promotion."""
    found = truth(homes, "interventions").set_index("intervention")
    key = "promo:2025-01-17"
    assert (found.loc[key, ["pulled", "waited", "halo", "incremental"]] > 30).all()
    amounts = [sum(orders_of(w)["paid_amount"].to_pylist()) for w in (homes, homes.without(key))]
    assert amounts[0] - amounts[1] == found.effect[key]
