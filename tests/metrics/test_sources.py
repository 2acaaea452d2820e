"""Tables beyond the orders, metrics by hand: traffic, stock, members, reviews, surveys."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

import ecomops as eo
from ecomops import metrics
from ecomops.metrics.observe import observe
from tests.metrics.shops import daily_traffic, random_orders, shop, sold

DAY = date(2025, 7, 1)
ORDERS = pd.DataFrame(
    {
        "order_id": ["1", "2", "3", "4"],
        "customer_id": ["a", "b", "c", None],
        "paid_at": pd.to_datetime(["2025-07-01", "2025-07-02", "2025-07-03", "2025-07-31"]),
        "paid_amount": [10.0, 20.0, 30.0, 40.0],
        "refund_amount": 0.0,
        "currency": "CNY",
    }
)


def one(code: str, **tables: object) -> float:
    """Return a metric of July, numerator over denominator."""
    frame = metrics.compute(shop(ORDERS, **tables), code)
    return float(frame.set_index("period").loc["2025-07", "value"])


def traffic(rows: list[tuple[str, str, int]], **columns: object) -> pd.DataFrame:
    """Return one day of traffic: level, device, visitors."""
    levels, devices, visitors = zip(*rows, strict=True)
    columns = {"date": DAY, "level": levels, "device": devices, "visitors": visitors} | columns
    return pd.DataFrame(columns)


@pytest.mark.parametrize(
    ("rows", "visitors"),
    [
        ([("shop", "all", 90), ("shop", "mobile", 70), ("source", "all", 110)], 90),
        ([("shop", "mobile", 70), ("shop", "pc", 30)], 100),  # no row over all devices
        ([("source", "all", 60), ("source", "all", 50), ("product", "all", 300)], 110),
        ([("product", "all", 300), ("keyword", "all", 40)], 40),
    ],
)
def test_no_visitor_is_counted_at_two_levels_or_devices(rows, visitors) -> None:
    """The shop's own rows first, then sources, then the first level by name."""
    assert one("visitors", traffic_daily=traffic(rows)) == visitors


def test_by_source_and_by_device_take_the_rows_that_tell_them_apart() -> None:
    rows = [("shop", "all", 90), ("shop", "pc", 30), ("source", "all", 60), ("source", "all", 50)]
    table = traffic(rows, source_l1=[None, None, "搜索", "直播"])
    store = shop(ORDERS, traffic_daily=table)
    by = metrics.compute(store, "visitors", by="source_l1").set_index("source_l1")["value"]
    assert by.to_dict() == {"搜索": 60, "直播": 50}
    by = metrics.compute(store, "visitors", by="device").set_index("device")["value"]
    assert by.to_dict() == {"pc": 30}  # the whole is no device of its own


@pytest.mark.parametrize("level", [None, "shop"])
def test_sources_are_told_apart_where_rows_name_no_level_of_their_own(level) -> None:
    table = traffic([(level, "all", 60), (level, "all", 50)], source_l1=["搜索", "直播"])
    store = shop(ORDERS, traffic_daily=table)
    by = metrics.compute(store, "visitors", by="source_l1").set_index("source_l1")["value"]
    assert by.to_dict() == {"搜索": 60, "直播": 50}


def test_product_pages_are_those_at_the_level_of_products() -> None:
    rows = [("shop", "all", 90), ("product", "all", 40), ("product", "all", 60)]
    assert one("cvr_item", traffic_daily=traffic(rows, pay_buyers=[19, 3, 7])) == 0.1


def test_members_are_those_who_had_joined_when_they_paid() -> None:
    """A joined before, b after paying, c never: 10 of 100."""
    people = pd.DataFrame(
        {"customer_id": ["a", "b", "c"], "joined_at": ["2025-06-01", "2025-07-05", None]}
    )
    assert one("member_share", customers=people) == pytest.approx(0.1)


def test_commissions_count_when_they_are_settled() -> None:
    rows = pd.DataFrame(
        {
            "order_id": ["1", "2", "3"],
            "network": "cps",
            "deal_amount": [100.0, 50.0, 30.0],
            "commission": [10.0, 2.0, 9.0],
            "settled_at": ["2025-07-20", "2025-07-21", None],
        }
    )
    assert one("commission_rate", affiliate_orders=rows) == pytest.approx(12 / 150)


def test_stock_is_a_level_and_its_closing_that_of_the_last_day() -> None:
    """Days 1 and 2: 10 and 6 of x at 5 each, 4 and 0 of y at 2: worth (58 + 30) / 2 a day."""
    shots = pd.DataFrame(
        {
            "date": [DAY, DAY, date(2025, 7, 2), date(2025, 7, 2)],
            "sku_id": ["x", "y"] * 2,
            "on_hand": [10, 4, 6, 0],
            "available": [8, 4, 6, 0],
            "unit_cost": [5.0, 2.0] * 2,
        }
    )
    lines = pd.DataFrame(
        {
            "order_id": ["1", "2", "3"],
            "product_id": ["p", "p", "q"],
            "sku_id": ["x", "x", "z"],
            "product_name": "n",
            "quantity": [1, 2, 3],
            "unit_price": 10.0,
            "line_paid_amount": [10.0, 20.0, 30.0],
            "line_cost": [4.0, 8.0, None],
        }
    )
    tables = {"inventory_snapshots": shots, "order_lines": lines}
    assert one("inventory_turnover", **tables) == pytest.approx(12 / 44)
    assert one("stock_to_sales", **tables) == pytest.approx(6 / 6)
    assert one("stockout_rate", **tables) == pytest.approx(1 / 4)
    assert one("sell_through_sku", **tables) == pytest.approx(2 / 2)
    # 12 were sold in the three days from the first line to the last: 4 a day
    assert one("days_inventory", **tables) == pytest.approx(44 / 4)


def test_good_reviews_are_those_of_four_stars_or_five() -> None:
    rows = {"review_id": list("abcde"), "rating": [5, 4, 3, 1, None], "created_at": "2025-07-09"}
    assert one("positive_rate", reviews=pd.DataFrame(rows)) == 0.5


def test_surveys_by_the_published_bounds() -> None:
    """Promoters 9 and 10, detractors 0 to 6 (Reichheld 2003); satisfied are 4 and 5 of 5."""
    scores = [10, 9, 8, 7, 6, 0, 11, None]
    stars = [5, 4, 3, 1]
    answers = pd.DataFrame(
        {
            "response_id": [str(i) for i in range(12)],
            "question_id": "q",
            "question_text": "?",
            "question_type": ["NPS"] * 8 + ["csat"] * 4,
            "answer_value": [*scores, *stars],
        }
    )
    sent = pd.DataFrame(
        {"response_id": [str(i) for i in range(12)], "survey_id": "s", "submitted_at": "2025-07-03"}
    )
    tables = {"surveys": sent, "survey_answers": answers}
    assert one("nps", **tables) == pytest.approx(100 * (2 - 2) / 6)
    assert one("csat", **tables) == pytest.approx(2 / 4)
    answers.loc[4, "answer_value"] = 7
    assert one("nps", **tables) == pytest.approx(100 * (2 - 1) / 6)


def test_scores_are_the_mean_of_the_three_where_all_are_there() -> None:
    rows = pd.DataFrame(
        {
            "date": [DAY, date(2025, 7, 2), date(2025, 7, 3)],
            "score_description": [4.8, 4.6, 5.0],
            "score_service": [4.7, 4.6, None],
            "score_logistics": [4.9, 4.6, 5.0],
        }
    )
    assert one("dsr", shop_scores=rows) == pytest.approx(4.7)


def test_text_messages_are_told_from_mails() -> None:
    rows = pd.DataFrame(
        {
            "message_id": ["1", "2"],
            "name": "n",
            "channel": ["SMS", "email"],
            "sent_at": "2025-07-05",
            "recipients": 100,
            "delivered": [80, 90],
            "opened": [0, 45],
            "revenue": [300.0, 900.0],
            "cost": [10.0, 1.0],
        }
    )
    assert one("sms_roi", message_campaigns=rows) == pytest.approx(30)
    assert one("open_rate", message_campaigns=rows) == pytest.approx(45 / 170)


def test_watching_is_weighted_by_viewers() -> None:
    """10 viewers of 2 minutes and 30 of 6: 5 minutes; a session without a mean has no weight."""
    rows = pd.DataFrame(
        {
            "live_session_id": ["1", "2", "3"],
            "started_at": "2025-07-05 20:00",
            "viewers": [10, 30, 500],
            "avg_watch_min": [2.0, 6.0, None],
        }
    )
    assert one("avg_watch", live_sessions=rows) == pytest.approx(5 * 60)


def test_a_table_without_rows_has_no_metric() -> None:
    none = traffic([("shop", "all", 1)]).head(0)
    with pytest.raises(eo.MissingError) as refused:
        metrics.compute(shop(ORDERS, traffic_daily=none), ["visitors", "pay_amount"])
    assert refused.value.code == "metric_needs_columns"
    assert refused.value.values["metrics"] == ["visitors"]
    with pytest.raises(eo.MissingError) as refused:
        metrics.compute(shop(ORDERS, traffic_daily=none), "visitors")
    assert refused.value.values["columns"] == ["traffic_daily.visitors"]


@pytest.mark.parametrize("code", ["pay_amount", "pay_buyers", "repurchase_rate"])
def test_the_day_as_of_counts_and_the_next_does_not_by_segment_too(code) -> None:
    """Against pandas on the orders up to that day, people and money alike."""
    orders = random_orders(400)
    until = orders[orders["paid_at"].isna() | (orders["paid_at"] < "2025-09-16")]
    for by in (None, "receiver_province"):
        cut = metrics.compute(shop(orders), code, as_of="2025-09-15", by=by)
        alone = metrics.compute(shop(until), code, as_of="2025-09-15", by=by)
        pd.testing.assert_frame_equal(cut, alone)
    rows = sold(until)
    if code == "pay_amount":
        assert cut["value"].sum() == pytest.approx(rows["paid_amount"].sum())


def test_periods_before_a_source_began_are_missing_not_zero() -> None:
    """Traffic is seen from 15 August to 5 October: July has none, August and October in part."""
    store = shop(random_orders(), traffic_daily=daily_traffic("2025-08-15", 52))
    frame = metrics.compute(store, "cvr_pay").set_index("period")
    assert frame["denominator"].isna().tolist() == [True, False, False, False, True]
    assert frame["partial"].tolist() == [True, True, False, True, True]


@pytest.mark.parametrize("by", [None, "receiver_province"])
def test_second_moments_of_orders_and_people_equal_pandas(by) -> None:
    """What intervals rest on: squares of amounts by order and by person, guests on their own."""
    orders = random_orders(200)
    rows = sold(orders)
    keys = ["month"] if by is None else ["month", by]
    person = rows.groupby([*keys, "person"])["paid_amount"].sum() ** 2
    truth = {
        "sales.squares": (rows["paid_amount"] ** 2).groupby([rows[k] for k in keys]).sum(),
        "sales.net_squares": (rows["net"] ** 2).groupby([rows[k] for k in keys]).sum(),
        "sales.buyer_squares": person.groupby(keys).sum(),
    }
    seen = observe(shop(orders).tables, list(truth), by=by)
    got = seen.values[seen.values["sales.squares"] > 0]
    for name, expected in truth.items():
        assert got[name].tolist() == pytest.approx(expected.tolist())


def test_nothing_observed_has_no_periods() -> None:
    none = traffic([("shop", "all", 1)]).head(0)
    seen = observe(shop(ORDERS, traffic_daily=none).tables, ["traffic.visitors"])
    assert len(seen.values) == 0
    assert seen.empty == {"traffic.visitors"}
    both = observe(shop(ORDERS, traffic_daily=none).tables, ["sales.orders", "traffic.visitors"])
    assert both.empty == {"traffic.visitors"}
    assert both.values["sales.orders"].sum() == 4


def test_months_that_one_table_did_not_see_have_no_days_of_inventory() -> None:
    """Stock is counted from May, orders begin in July: May and June have none of the days."""
    shots = pd.DataFrame(
        {
            "date": [date(2025, 5, 10), date(2025, 7, 2)],
            "sku_id": "x",
            "on_hand": 10,
            "available": 10,
            "unit_cost": 5.0,
        }
    )
    lines = pd.DataFrame(
        {
            "order_id": ["1"],
            "product_id": "p",
            "product_name": "n",
            "quantity": 1,
            "unit_price": 10.0,
            "line_paid_amount": 10.0,
            "line_cost": 4.0,
        }
    )
    store = shop(ORDERS, inventory_snapshots=shots, order_lines=lines)
    frame = metrics.compute(store, "days_inventory").set_index("period")
    assert frame.loc["2025-05", "numerator"] == 0
    assert frame["value"].isna().tolist() == [True, True, False]
