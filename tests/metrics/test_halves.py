"""Ratios over rows that tell both halves, wholes beside their parts, rows that came twice.

Truth: shops of a few rows, each number counted by hand.
"""

from __future__ import annotations

import pandas as pd
import pytest

import ecomops as eo
from ecomops import metrics
from ecomops.metrics.daily import daily
from ecomops.store.unlock import locked_metrics
from tests.metrics.shops import shop

DAYS = [str(day)[:10] for day in pd.date_range("2025-01-01", "2025-03-31")]
ORDERS = pd.DataFrame(
    {
        "order_id": list("1234"),
        "customer_id": list("abac"),
        "paid_at": ["2025-01-02", "2025-02-01 00:10", "2025-02-03", "2025-02-27"],
        "created_at": ["2025-01-02", "2025-01-31 23:50", "2025-02-03", "2025-02-27"],
        "paid_amount": [100.0, 50, 80, 20],
        "currency": "CNY",
    }
)
EVERY_DAY = pd.DataFrame(
    {
        "order_id": [str(i) for i in range(90)],
        "customer_id": [f"c{i % 7}" for i in range(90)],
        "paid_at": DAYS,
        "paid_amount": 10.0,
        "currency": "CNY",
    }
)
ADS = pd.DataFrame(
    {
        "date": "2025-01-05",
        "platform": "p",
        "account_id": "1",
        "campaign_id": ["c1", "c2"],
        "impressions": [1000, None],
        "clicks": [100, 50],
        "spend": [200.0, 300.0],
        "conversions": [10, None],
        "attribution_model": "unknown",
        "attribution_window_days": 0,
    }
)


def january(code, **tables):
    found = metrics.compute(shop(ORDERS, **tables), code).set_index("period")
    return float(found.loc["2025-01", "value"])


@pytest.mark.parametrize(("code", "value"), [("ctr", 0.1), ("cpm", 200.0), ("cvr_click", 10 / 150)])
def test_what_tells_no_impressions_is_no_part_of_rates_of_impressions(code, value):
    """An order that a report leaves blank did not come: clicks without one stay."""
    assert january(code, ad_reports=ADS) == pytest.approx(value)


def test_a_rate_names_either_half_that_is_missing():
    """Clicks that no row tells lock the rate as impressions do, and are named."""
    for column in ("clicks", "impressions"):
        blank = shop(ORDERS, ad_reports=ADS.assign(**{column: None}))
        assert f"ad_reports.{column}" in locked_metrics(blank.tables)["ctr"]
        with pytest.raises(eo.MissingError, match=f"ad_reports.{column}"):
            metrics.compute(blank, "ctr")


def test_orders_that_tell_no_pieces_are_no_part_of_the_price_of_a_piece():
    found = metrics.compute(shop(ORDERS.assign(item_count=[2, None, 1, 1])), "asp")
    assert found["value"].tolist() == [100 / 2, 100 / 2]


@pytest.mark.parametrize("paid", [0.0, 40.0])
def test_a_line_that_was_never_paid_cost_nothing(paid):
    """By hand: of an order of two lines one was closed unpaid: 100 paid, 30 of cost, no more."""
    lines = GIVEN.head(2).assign(line_paid_amount=[100.0, paid], line_cost=[30.0, 25.0])
    lines = lines.assign(is_gift=False, line_status=["completed", "closed_unpaid"])
    found = metrics.compute(shop(ORDERS, order_lines=lines), "gross_margin").set_index("period")
    assert found.loc["2025-01", ["numerator", "denominator"]].tolist() == [70, 100]


def test_buyers_whose_pieces_nobody_tells_are_no_part_of_pieces_per_buyer():
    """January: 2 pieces of one buyer. February: 3 and 4 pieces of one guest and c; b tells none."""
    orders = ORDERS.assign(customer_id=["a", "b", None, "c"], item_count=[2, None, 3, 4])
    found = metrics.compute(shop(orders), "upt")
    assert found["denominator"].tolist() == [1, 2]
    assert found["value"].tolist() == [2, 7 / 2]


GIVEN = pd.DataFrame(
    {
        "order_id": list("1111"),
        "product_id": list("pqrs"),
        "product_name": "n",
        "quantity": [2, 1, 3, 1],
        "unit_price": [50.0, 30, 0, 20],
        "line_list_amount": [100.0, 30, 45, 20],
        "line_paid_amount": [80.0, 0, 0, 20],
        "is_gift": [False, True, None, True],
        "line_cost": 5.0,
    }
)


@pytest.mark.parametrize(
    ("code", "halves"),
    [
        ("sell_through_sku", (1, 2)),  # of p and q, which are in stock, p was sold
        ("discount_rate", (20, 100)),
        ("stock_to_sales", (20, 2)),
        ("gross_margin", (80, 100)),  # what gifts cost was spent: 4 lines of 5
    ],
)
def test_gifts_are_no_sales(code, halves):
    """Of four lines p alone is sold: q and s are marked as gifts, r was let go for nothing."""
    store = shop(ORDERS, order_lines=GIVEN, inventory_snapshots=STOCK)
    found = metrics.compute(store, code).set_index("period")
    assert tuple(found.loc["2025-01", ["numerator", "denominator"]]) == halves


@pytest.mark.parametrize(
    ("code", "value"),
    [("open_rate", 0.3), ("click_rate", 250 / 11000), ("ctor", 0.2), ("unsub_rate", 0.005)],
)
def test_short_messages_without_opens_do_not_lower_the_rate_of_opens(code, value):
    sends = pd.DataFrame(
        {
            "message_id": ["m1", "m2"],
            "name": "x",
            "channel": ["email", "sms"],
            "sent_at": ["2025-01-05", "2025-01-06"],
            "recipients": [1000, 10000],
            "delivered": [1000, 10000],
            "opened": [300, None],
            "clicked": [60, 190],
            "unsubscribed": [5, None],
        }
    )
    assert january(code, message_campaigns=sends) == pytest.approx(value)


def test_a_total_takes_no_half_of_a_ratio():
    store = shop(ORDERS, ad_reports=ADS)
    by = metrics.compute(store, ["cpm", "ctr"], by="campaign_id")
    added = metrics.total(by).set_index(["campaign_id", "metric"])["value"]
    assert added["c1"].to_dict() == pytest.approx({"cpm": 200.0, "ctr": 0.1})
    assert added["c2"].isna().all()
    march = ADS.iloc[:1].assign(date="2025-03-05", spend=31.0)
    share = metrics.total(metrics.compute(shop(EVERY_DAY, ad_reports=march), "tacos"))
    assert float(share["value"].iloc[0]) == pytest.approx(31 / 310)


def visits(rows, **columns):
    made = [pd.DataFrame({"date": DAYS, "device": d, "visitors": n}) for d, n in rows.items()]
    return pd.concat(made, ignore_index=True).assign(level="shop", **columns)


def test_devices_add_up_to_the_whole_and_stand_in_where_it_is_missing():
    rows = visits({"all": 100, "pc": 40, "mobile": 65}, pay_buyers=1, pay_amount=10.0)
    rows["pageviews"] = 3 * rows["visitors"]
    store = shop(EVERY_DAY, traffic_daily=rows)
    by = metrics.compute(store, "pageviews", by="device")
    assert by.loc[by["period"] == "2025-01", "device"].tolist() == ["mobile", "pc"]
    driven = eo.store.drivers(store, by="device", before="2025-01", after="2025-02").params
    assert driven["total_before"] == pytest.approx(31 * 2 * 10)
    gap = rows[~((rows["device"] == "all") & rows["date"].between("2025-02-08", "2025-02-21"))]
    found = metrics.compute(shop(EVERY_DAY, traffic_daily=gap), ["visitors", "pageviews"])
    february = found[found["period"] == "2025-02"].set_index("metric")["value"]
    assert february.to_dict() == {"visitors": 14 * 100 + 14 * 105, "pageviews": 14 * 300 + 14 * 315}


def test_product_pages_of_all_devices_are_those_of_the_whole():
    rows = pd.DataFrame(
        [("all", 100, 10), ("pc", 60, 2), ("mobile", 60, 8)],
        columns=["device", "visitors", "pay_buyers"],
    ).assign(date="2025-01-01", level="product", product_id="p")
    assert january("cvr_item", traffic_daily=rows) == pytest.approx(0.1)


@pytest.mark.parametrize("asked", [{}, {"before": "2025-01", "after": "2025-03"}])
def test_segments_that_are_told_of_a_part_of_a_month_are_not_compared(asked):
    rows = visits({"all": 100}, pay_buyers=1, pay_amount=10.0)
    late = rows[rows["date"] >= "2025-02-10"].assign(level="source", source_l1="A")
    store = shop(EVERY_DAY, traffic_daily=pd.concat([rows, late]))
    with pytest.raises(eo.DataError, match=r"2025-0[12]"):
        eo.store.drivers(store, by="source_l1", **asked)


def test_customers_of_two_platforms_do_not_double_what_members_pay():
    people = pd.DataFrame(
        {
            "customer_id": ["a", "a", "b"],
            "joined_at": ["2024-01-01", "2024-06-01", None],
            "source_platform": ["taobao", "jd", "taobao"],
        }
    )
    found = metrics.compute(shop(ORDERS, customers=people), "member_share").set_index("period")
    assert found.loc["2025-02", ["numerator", "denominator"]].tolist() == [80, 150]


def test_guests_are_buyers_of_the_day_too():
    """One of the two orders of a day is a guest's: two buyers, as the conversion counts them."""
    guests = EVERY_DAY.assign(customer_id=None)
    both = pd.concat([EVERY_DAY, guests.assign(order_id="g" + guests["order_id"])])
    store = shop(both)
    assert daily(store.orders)["buyers"].tolist() == [2] * 90
    assert metrics.compute(store, "pay_buyers", period="day")["value"].tolist() == [2.0] * 90


def test_what_was_paid_after_the_day_was_not_paid_yet():
    found = metrics.compute(shop(ORDERS), ["cvr_order_to_pay", "pay_orders"], as_of="2025-01-31")
    assert found.set_index("metric")["value"].to_dict() == {
        "cvr_order_to_pay": 0.5,
        "pay_orders": 1,
    }


STOCK = pd.DataFrame(
    {
        "date": DAYS[:59] * 2,
        "sku_id": ["p"] * 59 + ["q"] * 59,
        "on_hand": 10,
        "available": 10,
        "unit_cost": 20.0,
    }
)


def test_a_product_in_another_warehouse_is_not_out_of_stock():
    empty = STOCK.assign(warehouse_id="w1", on_hand=0, available=0)
    both = pd.concat([empty, STOCK.assign(warehouse_id="w2")])
    assert january("stockout_rate", inventory_snapshots=both) == 0
    store = shop(ORDERS, inventory_snapshots=both)
    split = metrics.compute(store, "stockout_rate", by="warehouse_id").set_index("warehouse_id")
    assert split.loc["w1", "value"].tolist() == [1.0, 1.0]


def test_a_warehouse_that_is_counted_once_a_week_has_stock_on_the_days_between():
    """w1 holds 5 of p all the time and counts on Mondays, w2 has none of p and counts daily.

    After its last count w1 stands for as long as it usually does, a week, and no longer.
    """
    days = pd.date_range("2025-01-06", "2025-02-28")
    counts = pd.DataFrame({"date": days, "warehouse_id": "w2", "sku_id": "p", "on_hand": 0})
    mondays = [day for day in days if day.weekday() == 0 and day.month == 1]
    weekly = counts[counts["date"].isin(mondays)].assign(warehouse_id="w1", on_hand=5)
    both = pd.concat([counts, weekly]).assign(unit_cost=2.0)
    store = shop(ORDERS, order_lines=GIVEN, inventory_snapshots=both.assign(available=both.on_hand))
    codes = ["inventory_turnover", "stockout_rate", "stock_to_sales"]
    found = metrics.compute(store, codes).set_index(["metric", "period"])
    assert found.loc[("stockout_rate", "2025-01"), ["numerator", "denominator"]].tolist() == [0, 26]
    assert found.loc[("stockout_rate", "2025-02"), "numerator"] == 26  # from the 3rd: none is known
    assert found.loc[("inventory_turnover", "2025-01"), "denominator"] == pytest.approx(10)
    assert found.loc[("stock_to_sales", "2025-01"), "numerator"] == 5
    split = metrics.compute(store, "stockout_rate", by="warehouse_id").set_index("warehouse_id")
    assert split.loc["w1", "denominator"].tolist()[0] == 26


def test_days_of_stock_do_not_depend_on_what_else_is_asked():
    """400 of stock at cost, 60 sold in the 57 days from the first line to the last."""
    lines = pd.DataFrame(
        {
            "order_id": list("1234"),
            "product_id": list("pqpq"),
            "product_name": "n",
            "quantity": 1,
            "unit_price": 60.0,
            "line_paid_amount": ORDERS["paid_amount"],
            "line_cost": [20.0, 20, 10, 10],
        }
    )
    late = ADS.assign(date="2025-12-05")
    store = shop(ORDERS, order_lines=lines, inventory_snapshots=STOCK, ad_reports=late)
    for asked in ("days_inventory", ["days_inventory", "ctr"]):
        found = metrics.compute(store, asked, period="year").set_index("metric")["value"]
        assert found["days_inventory"] == pytest.approx(400 / (60 / 57))


def test_lines_are_split_by_what_only_orders_tell():
    lines = pd.DataFrame(
        {
            "order_id": list("1234"),
            "product_id": "p",
            "product_name": "n",
            "quantity": [1, 2, 3, 4],
            "unit_price": 10.0,
            "line_paid_amount": ORDERS["paid_amount"],
        }
    )
    orders = ORDERS.assign(receiver_province=list("xyxx"), source_platform="jd")
    store = shop(orders, order_lines=lines, inventory_snapshots=STOCK)
    rows = metrics.compute(store, "discount_rate", period="year", by="receiver_province")
    assert rows.set_index("receiver_province")["denominator"].to_dict() == {"x": 80, "y": 20}
    rows = metrics.compute(store, "discount_rate", period="year", by="source_platform")
    assert rows["source_platform"].tolist() == ["jd"]


def gapped(*, first="2025-02-08", last="2025-02-17"):
    rows = visits({"all": 100}, pageviews=300, pay_buyers=1, pay_amount=10.0)
    return rows[~rows["date"].between(first, last)]


def test_a_month_with_days_of_sales_but_no_traffic_is_partial(table):
    """By hand: 18 of the 28 days of February are told; orders, which have no gap, are whole."""
    store = shop(table(EVERY_DAY), traffic_daily=table(gapped()))
    found = metrics.compute(store, ["visitors", "cvr_pay", "pay_orders"])
    partial = found[found["partial"]]
    assert list(zip(partial["metric"], partial["period"], strict=True)) == [
        ("visitors", "2025-02"), ("cvr_pay", "2025-02"),
    ]  # fmt: skip
    assert partial["denominator"].tolist()[1] == 1800
    weeks = metrics.compute(store, "visitors", period="week").set_index("period")
    # the weeks at both ends reach out of the data
    partial = ["2025-W01", "2025-W06", "2025-W07", "2025-W08", "2025-W14"]
    assert weeks.index[weeks["partial"]].tolist() == partial
    assert pd.isna(weeks.loc["2025-W07", "value"])
    days = metrics.compute(store, "visitors", period="day").set_index("period")
    assert days["partial"].sum() == days["value"].isna().sum() == 10


def test_days_on_which_nobody_bought_may_be_quiet():
    """The four orders of `ORDERS` fall on days that are told: nothing says that others are not."""
    found = metrics.compute(shop(ORDERS, traffic_daily=gapped()), "visitors", as_of="2025-03-31")
    assert not found["partial"].iloc[1]


def test_traffic_that_ends_before_the_day_asked_for_is_partial():
    late = gapped(first="2025-03-21", last="2025-03-31")
    store = shop(EVERY_DAY, traffic_daily=late)
    found = metrics.compute(store, ["visitors", "pay_orders"], as_of="2025-03-31")
    assert found.loc[found["partial"], ["metric", "period"]].to_numpy().tolist() == [
        ["visitors", "2025-03"]
    ]


def test_gaps_of_the_segments_rows_are_gaps():
    parts = gapped().assign(level="source", source_l1="A")
    both = pd.concat([visits({"all": 100}, pay_buyers=1, pay_amount=10.0), parts])
    store = shop(EVERY_DAY, traffic_daily=both)
    assert not metrics.compute(store, "visitors")["partial"].iloc[1]
    assert metrics.compute(store, "visitors", by="source_l1")["partial"].tolist()[1]
    with pytest.raises(eo.DataError, match="2025-02"):
        eo.store.drivers(store, by="source_l1", before="2025-01", after="2025-02")


def test_scorecard_and_drivers_say_that_traffic_has_a_gap():
    """100 visitors a day in each month: an export with gaps read as 36 % fewer, conversion up."""
    store = shop(EVERY_DAY, traffic_daily=gapped())
    card = eo.store.scorecard(store, as_of="2025-02-28", lang="en")
    rows = card.table[card.table["period"] == "2025-02"].set_index("metric")
    assert rows["partial"].to_dict().items() >= {"visitors": True, "cvr_pay": True}.items()
    assert rows.loc[["visitors", "cvr_pay"], "change"].isna().all()
    assert not rows.loc["pay_amount", "partial"]
    said = {f.code: f.values for f in card.findings()}
    assert said["gap"] == {"period": "2025-02", "days": 10}
    assert "missing on 10 days with sales" in card.explain()
    assert "¥280" in (texts := [text.get_text() for text in card.plot().texts])
    assert "1,800" not in texts
    whole = eo.store.scorecard(shop(EVERY_DAY, traffic_daily=visits({"all": 100})))
    assert "gap" not in {f.code for f in whole.findings()}
    moved = eo.store.drivers(store, before="2025-01", after="2025-02", lang="zh")
    assert moved.table["factor"].tolist() == ["buyers", "frequency", "order_value"]
    assert "2025-02 有 10 天有成交却没有流量数据" in moved.explain()
    with pytest.raises(eo.DataError, match="2025-02"):
        eo.store.drivers(store, metric="pay_buyers", before="2025-01", after="2025-02")
    last = eo.store.drivers(store, lang="en")
    assert last.params["gaps"] == {"2025-02": 10}
