"""Drivers: chains by what data there is, segments, periods, refusals, words and drawing."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

import ecomops as eo
from ecomops.base.errors import DataError
from ecomops.result import html
from ecomops.store import drivers
from ecomops.store.drivers import Drivers, visitors_needed
from tests.metrics.shops import daily_traffic, random_orders, shop, sold

FULL = {"before": "2025-09", "after": "2025-10"}


def test_table_is_equal_on_every_engine(table) -> None:
    orders, traffic = random_orders(), daily_traffic()
    expected = drivers(shop(orders, traffic_daily=traffic), **FULL).table
    got = drivers(shop(table(orders), traffic_daily=table(traffic)), **FULL).table
    assert list(got.columns) == list(Drivers.columns)
    pd.testing.assert_frame_equal(got, expected, rtol=1e-9)


@pytest.mark.parametrize("metric", ["pay_amount", "net_sales", "pay_orders", "pay_buyers"])
@pytest.mark.parametrize("traffic", [True, False])
def test_contributions_add_up_to_the_change_that_pandas_sees(metric, traffic) -> None:
    orders = random_orders()
    tables = {"traffic_daily": daily_traffic()} if traffic else {}
    moved = drivers(shop(orders, **tables), metric=metric, **FULL)
    if metric == "pay_buyers" and not traffic:
        assert moved.locked
        return
    rows = sold(orders)
    truth = {
        "pay_amount": rows.groupby("month")["paid_amount"].sum(),
        "net_sales": rows.groupby("month")["net"].sum(),
        "pay_orders": rows.groupby("month").size(),
        "pay_buyers": rows.groupby("month")["person"].nunique(),
    }[metric]
    change = truth["2025-10"] - truth["2025-09"]
    assert moved.table["contribution"].sum() == pytest.approx(change, abs=1e-6)
    assert moved.change == pytest.approx(change, abs=1e-6)
    assert moved.table["share"].sum() == pytest.approx(1)
    assert ("visitors" in set(moved.table["factor"])) == traffic


@pytest.mark.parametrize("metric", ["pay_amount", "net_sales"])
def test_segments_of_orders_add_up_and_shares_of_the_mix_are_shares(metric) -> None:
    moved = drivers(shop(random_orders()), metric=metric, by="receiver_province", **FULL)
    assert moved.table["contribution"].sum() == pytest.approx(moved.change, abs=1e-6)
    mix = moved.table[moved.table["factor"].str.endswith("_mix")]
    assert mix[["before", "after"]].sum().tolist() == pytest.approx([1, 1])
    assert set(mix["receiver_province"]) == {"浙江省", "广东省", "四川省"}


def test_many_segments_are_merged_into_other_and_still_add_up() -> None:
    orders = random_orders()
    orders["receiver_province"] = [f"p{i % 30:02d}" for i in range(len(orders))]
    orders.loc[orders["receiver_province"] == "p07", "receiver_province"] = "other"
    moved = drivers(shop(orders), by="receiver_province", **FULL)
    names = set(moved.table["receiver_province"]) - {""}
    assert len(names) == 12
    assert "other" in names
    said = [f.values["segment"] for f in moved.findings() if f.code.startswith("segment_")]
    assert said
    assert "other" not in said  # several small ones, not one
    assert moved.table["contribution"].sum() == pytest.approx(moved.change, abs=1e-6)


def test_defaults_compare_the_last_full_month_with_the_year_before() -> None:
    long = drivers(shop(random_orders(900, days=500)))
    assert (long.params["before"], long.params["after"]) == ("2025-10", "2026-10")
    short = drivers(shop(random_orders(days=140)))
    assert (short.params["before"], short.params["after"]) == ("2025-09", "2025-10")


def test_traffic_that_covers_one_period_only_is_not_used() -> None:
    late = daily_traffic("2025-10-01", 50)
    moved = drivers(shop(random_orders(), traffic_daily=late), **FULL)
    assert list(moved.table["factor"]) == ["buyers", "frequency", "order_value"]


def test_a_month_of_sales_that_no_visitor_was_counted_in_has_no_conversion() -> None:
    """The files of September are missing: sales moved, and were said not to have changed."""
    traffic = daily_traffic()
    gone = pd.to_datetime(traffic["date"]).dt.strftime("%Y-%m") == "2025-09"
    orders = random_orders()
    moved = drivers(shop(orders, traffic_daily=traffic[~gone]), **FULL)
    without = drivers(shop(orders), **FULL)
    pd.testing.assert_frame_equal(moved.table, without.table)
    assert moved.findings()[0].code == "headline_money"
    with pytest.raises(eo.DataError, match="2025-09"):
        drivers(shop(orders, traffic_daily=traffic[~gone]), metric="pay_buyers", **FULL)


def test_buyers_that_outnumber_visitors_ask_for_no_test() -> None:
    """Traffic of one platform of several: no share fell, and the test had a negative size."""
    orders = random_orders(2000, days=123)
    orders["customer_id"] = orders["order_id"]
    late = orders["created_at"] >= "2025-10-01"
    traffic = daily_traffic(days=123).assign(visitors=3)
    moved = drivers(
        shop(orders[~late | (np.arange(len(orders)) % 4 > 0)], traffic_daily=traffic), **FULL
    )
    assert moved.table["contribution"].iloc[1] < 0
    assert moved.actions() == ()


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"before": "2025-10", "after": "2025-11"}, "partial_period"),
        ({"before": "2024-10", "after": "2025-10"}, "partial_period"),
        ({"before": "2025-09", "after": "2025-Q3"}, "periods_differ"),
        ({"before": "autumn"}, "unknown_period"),
        ({"metric": "visitors"}, "unknown_choice"),
        ({"metric": "pay_orders", "by": "receiver_province"}, "no_chain"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_a_reason(asked, code) -> None:
    with pytest.raises(eo.EcomopsError) as refused:
        drivers(shop(random_orders(days=140)), **asked)
    assert refused.value.code.startswith(code)


def by_source(**columns: object) -> pd.DataFrame:
    """Return daily traffic of two sources, with buyers and money of their own."""
    half = daily_traffic().assign(pay_buyers=5, pay_amount=500.0).drop(columns="level")
    both = [half.assign(source_l1=source) for source in ("search", "live")]
    return pd.concat(both, ignore_index=True).assign(**columns)


def test_traffic_that_names_no_level_is_split_by_its_sources() -> None:
    moved = drivers(shop(random_orders(), traffic_daily=by_source()), by="source_l1", **FULL)
    levelled = by_source(level="source")
    named = drivers(shop(random_orders(), traffic_daily=levelled), by="source_l1", **FULL)
    pd.testing.assert_frame_equal(moved.table, named.table)
    assert {"search", "live"} <= set(moved.table["source_l1"])


def test_traffic_without_rows_of_the_split_is_refused_kindly() -> None:
    traffic = by_source(level="source")
    with pytest.raises(eo.MissingError) as refused:
        drivers(shop(random_orders(), traffic_daily=traffic), by="keyword", **FULL)
    assert (refused.value.code, refused.value.values["by"]) == ("no_such_split", "keyword")


def test_a_period_without_sales_is_refused_kindly() -> None:
    """Mistake 12: one period absent must not end in a length mismatch."""
    orders = random_orders()
    gone = orders["created_at"].dt.strftime("%Y-%m") == "2025-09"
    with pytest.raises(eo.DataError) as refused:
        drivers(shop(orders[~gone]), **FULL)
    assert (refused.value.code, refused.value.values["period"]) == ("empty_period", "2025-09")


def test_one_month_locks_the_answer_and_says_what_the_data_spans() -> None:
    short = drivers(shop(random_orders(50, days=20)))
    assert short.locked
    assert [need.code for need in short.missing] == ["periods"]
    assert "two full months" in short.explain("en")
    assert "两个完整的月份" in short.explain("zh")
    assert list(short.table.columns) == list(type(short).columns)


def test_missing_tables_lock_the_answer() -> None:
    store = shop(random_orders())
    assert "traffic_daily" in drivers(store, by="source_l1").explain("en")
    assert "traffic_daily" in drivers(store, metric="pay_buyers").explain("zh")
    assert drivers(eo.open({"traffic_daily": daily_traffic()}, currency="CNY")).locked
    bare = shop(random_orders().drop(columns="refund_amount"))
    assert "refund_amount" in drivers(bare, metric="net_sales").explain("en")


def test_a_fall_of_conversion_proposes_a_test_with_its_size() -> None:
    """Published size without pooling: 1,091 visitors in each half tell 20 % from 25 %."""
    orders = random_orders(2000, days=123)
    orders["customer_id"] = orders["order_id"]
    late = orders["created_at"] >= "2025-10-01"
    fewer = orders[~late | (np.arange(len(orders)) % 3 == 0)]
    moved = drivers(shop(fewer, traffic_daily=daily_traffic(days=123)), **FULL)
    action = moved.actions()[0]
    assert (action.code, action.emitted) == ("conversion", False)
    assert action.change["visitors"] == visitors_needed(action.change["now"], action.change["was"])
    assert visitors_needed(0.20, 0.25) == 1091


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("wide", [True, False])
def test_the_waterfall_draws_the_table(demo, lang, wide) -> None:
    from ecomops.result import style

    moved = drivers(demo, metric="net_sales", by="receiver_province", lang=lang)
    with style.context():
        ax = style.canvas(style.WIDE if wide else style.NARROW, moved.layout(wide=wide))
        moved.draw(ax, wide=wide, words=moved.words())
    widths = [bar.get_width() for bar in ax.patches][1:-1]
    assert widths == pytest.approx(moved.by_factor().tolist(), abs=1e-6)
    assert moved.params["before"] in {text.get_text() for text in ax.texts}
    assert moved._repr_html_() == moved.in_language(lang)._repr_html_()


def test_no_change_is_said() -> None:
    orders = random_orders(40, days=20)
    orders["paid_at"] = pd.Timestamp("2025-07-01 12:00")
    orders["created_at"] = orders["paid_at"]
    orders = orders.assign(order_status="completed", paid_amount=10.0, refund_amount=0.0)
    again = orders.assign(
        order_id="x" + orders["order_id"], paid_at=pd.Timestamp("2025-07-02"), created_at=pd.NaT
    )
    moved = drivers(shop(pd.concat([orders, again])), before="2025-07-01", after="2025-07-02")
    assert [f.code for f in moved.findings()] == ["flat"]
    assert moved.table["contribution"].abs().max() == pytest.approx(0)


def test_a_year_that_is_a_number_is_a_period():
    orders = pd.DataFrame({"order_id": ["1"], "paid_at": ["2024-05-01"], "paid_amount": [5.0]})
    shop = eo.open({"orders": orders})
    with pytest.raises(DataError, match="2023 / 2024 is not fully observed"):
        eo.store.drivers(shop, before=2023, after=2024)


@pytest.mark.parametrize(("metric", "money"), [("pay_amount", True), ("pay_orders", False)])
def test_contributions_stand_on_the_page_in_the_unit_of_the_metric(metric, money) -> None:
    found = drivers(shop(random_orders()), metric=metric, **FULL)
    last = re.findall(r"<tr>.*?</tr>", html.table(found, found.words("en")))[1]
    assert ("¥" in last.split("<td")[4]) == money


def test_traffic_without_buyers_names_the_columns_that_a_split_needs() -> None:
    seen = daily_traffic().assign(level="source", source_l1="search")
    with pytest.raises(eo.MissingError, match=r"traffic_daily\.pay_amount, .*pay_buyers"):
        drivers(shop(random_orders(), traffic_daily=seen), by="source_l1", **FULL)
