"""Metrics by period against pandas doing the same sums, on every engine; and what is refused."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ecomops as eo
from ecomops import metrics
from ecomops.metrics.compute import tables_of
from tests.metrics.shops import daily_traffic, random_orders, shop, sold

MONTHS = ["2025-07", "2025-08", "2025-09", "2025-10", "2025-11"]


def values(frame: pd.DataFrame, code: str) -> pd.Series:
    return frame[frame["metric"] == code].set_index("period")["value"]


def test_sums_and_people_equal_pandas_on_every_engine(table) -> None:
    """The second implementation is pandas' groupby and nunique in `shops.sold`."""
    orders = random_orders()
    rows = sold(orders)
    kept = rows[(rows["net"] > 0) & rows["customer_id"].notna()]
    counts = kept.groupby(["month", "customer_id"]).size()
    debut = kept.groupby("customer_id")["month"].min()
    old = [(m, c) for m, c in counts.index if debut[c] < m]
    expected = {
        "pay_amount": rows.groupby("month")["paid_amount"].sum(),
        "net_sales": rows.groupby("month")["net"].sum(),
        "pay_orders": rows.groupby("month").size(),
        "pay_buyers": rows.groupby("month")["person"].nunique(),
        "upt": rows.groupby("month")["item_count"].sum()
        / rows.groupby("month")["person"].nunique(),
        "repurchase_rate": (counts >= 2).groupby("month").mean(),
        "repeat_buyer_share": pd.Series(1, pd.MultiIndex.from_tuples(old))
        .groupby(level=0)
        .sum()
        .reindex(MONTHS, fill_value=0)
        / counts.groupby("month").size(),
        "refund_rate_amt": rows.groupby("month")["refund_amount"].sum()
        / rows.groupby("month")["paid_amount"].sum(),
        "refund_rate_cnt": (rows["refund_amount"] > 0).groupby(rows["month"]).mean(),
    }
    frame = metrics.compute(shop(table(orders)), list(expected))
    for code, truth in expected.items():
        got = values(frame, code)
        assert list(got.index) == MONTHS
        np.testing.assert_allclose(got, truth.reindex(MONTHS), rtol=1e-12, err_msg=code)


@pytest.mark.parametrize("period", ["day", "week", "month", "quarter", "year"])
def test_periods_are_those_of_the_calendar_on_every_engine(table, period) -> None:
    """Weeks start on Monday, as `datetime.isocalendar` says."""
    orders = random_orders(80)
    frame = metrics.compute(shop(table(orders)), "pay_orders", period=period)
    days = sold(orders)["paid_at"].dt.date
    label = {
        "day": lambda d: d.isoformat(),
        "week": lambda d: "{}-W{:02d}".format(*d.isocalendar()[:2]),
        "month": lambda d: d.isoformat()[:7],
        "quarter": lambda d: f"{d.year}-Q{(d.month + 2) // 3}",
        "year": lambda d: str(d.year),
    }[period]
    truth = days.map(label).value_counts().to_dict()
    got = values(frame, "pay_orders")
    assert {k: v for k, v in got.items() if v} == truth
    assert got.sum() == len(days)


def test_a_night_order_of_11_november_belongs_to_11_november(table) -> None:
    """Item 8 of the naive tools: 00:30 in Shanghai is 16:30 of the day before in UTC."""
    orders = pd.DataFrame(
        {
            "order_id": ["1", "2"],
            "customer_id": ["a", "b"],
            "paid_at": pd.to_datetime(["2024-11-10 16:30", "2024-11-11 15:59"], utc=True),
            "paid_amount": [100.0, 50.0],
            "currency": "CNY",
        }
    )
    frame = metrics.compute(shop(table(orders)), "pay_amount", period="day")
    assert values(frame, "pay_amount").to_dict() == {"2024-11-11": 150.0}


def test_the_variant_of_gmv_must_be_named_and_the_three_differ() -> None:
    """Item 7: money placed, paid and net of refunds, by hand."""
    orders = pd.DataFrame(
        {
            "order_id": ["1", "2", "3"],
            "customer_id": ["a", "b", "c"],
            "created_at": pd.to_datetime(["2025-11-01"] * 3),
            "paid_at": pd.to_datetime(["2025-11-01", "2025-11-01", None]),
            "order_status": ["completed", "closed_refunded", "closed_unpaid"],
            "payable_amount": [100.0, 40.0, 60.0],
            "paid_amount": [100.0, 40.0, 0.0],
            "refund_amount": [0.0, 40.0, 0.0],
            "currency": "CNY",
        }
    )
    codes = ["gmv_placed", "gmv_paid", "gmv_net"]
    frame = metrics.compute(shop(orders), codes)
    assert [values(frame, code).iloc[0] for code in codes] == [200.0, 140.0, 100.0]
    with pytest.raises(eo.OptionError) as refused:
        metrics.compute(shop(orders), "gmv")
    assert refused.value.code == "gmv_variant"
    assert all(code in str(refused.value) for code in codes)


def test_visitors_and_buyers_are_not_added_over_days() -> None:
    """Item 4: the same person on two days is one buyer of the month."""
    orders = pd.DataFrame(
        {
            "order_id": ["1", "2", "3"],
            "customer_id": ["a", "a", "b"],
            "paid_at": pd.to_datetime(["2025-11-03", "2025-11-04", "2025-11-04"]),
            "paid_amount": [10.0, 20.0, 30.0],
            "currency": "CNY",
        }
    )
    store = shop(orders, traffic_daily=daily_traffic("2025-11-03", 2))
    days = metrics.compute(store, ["pay_buyers", "visitors", "cvr_pay"], period="day")
    assert values(days, "pay_buyers").sum() == 3
    assert values(metrics.compute(store, "pay_buyers"), "pay_buyers").iloc[0] == 2
    with pytest.raises(eo.DataError) as refused:
        metrics.total(days)
    assert refused.value.code == "not_additive"
    assert refused.value.values["metrics"] == ["pay_buyers", "visitors", "cvr_pay"]


def test_additive_metrics_add_up_over_periods_and_segments() -> None:
    store = shop(random_orders())
    codes = ["pay_amount", "pay_orders", "aov_order", "refund_rate_amt"]
    by = metrics.compute(store, codes, by="receiver_province")
    months = metrics.compute(store, codes)
    over_segments = metrics.total(by, over="receiver_province")
    for code in codes:
        np.testing.assert_allclose(values(over_segments, code), values(months, code), rtol=1e-12)
    year = metrics.compute(store, codes, period="year").set_index("metric")["value"]
    added = metrics.total(months).set_index("metric")["value"]
    np.testing.assert_allclose(added[codes], year[codes], rtol=1e-12)
    assert metrics.total(months)["partial"].all()


def test_ratios_are_ratios_of_sums_and_zero_denominators_are_missing() -> None:
    traffic = daily_traffic("2025-07-01", 150).assign(visitors=0)
    store = shop(random_orders(), traffic_daily=traffic)
    frame = metrics.compute(store, ["cvr_pay", "rpv"])
    assert frame["value"].isna().all()
    assert (frame["denominator"] == 0).all()


def test_goods_sent_back_take_their_cost_along(table) -> None:
    """By hand: 100 kept, 50 of 100 back, 100 back, and a gift, each bought for 40.

    Net sales 150; cost 40 + 20 + 0 + 40 of the gift; margin 1/3. With the whole cost of returned
    goods it would be -1/15.
    """
    orders = pd.DataFrame(
        {
            "order_id": list("abc"),
            "created_at": pd.Timestamp("2025-07-05"),
            "paid_amount": 100.0,
            "refund_amount": [0.0, 50.0, 100.0],
            "currency": "CNY",
        }
    )
    lines = pd.DataFrame(
        {
            "order_line_id": list("1234"),
            "order_id": list("abca"),
            "product_id": "p",
            "quantity": 1,
            "line_paid_amount": [100.0, 100.0, 100.0, 0.0],
            "line_refund_amount": [0.0, 50.0, 100.0, np.nan],
            "line_cost": 40.0,
        }
    )
    store = shop(table(orders), order_lines=table(lines))
    frame = metrics.compute(store, ["gross_margin", "breakeven_roas"])
    assert values(frame, "gross_margin").tolist() == pytest.approx([1 / 3])
    assert values(frame, "breakeven_roas").tolist() == pytest.approx([3.0])


def test_value_per_visitor_is_conversion_times_value_per_buyer() -> None:
    """The exact identity of the platforms' dictionary: UV value = conversion x value per buyer."""
    store = shop(random_orders(), traffic_daily=daily_traffic())
    frame = metrics.compute(store, ["rpv", "cvr_pay", "aov_buyer"])
    product = values(frame, "cvr_pay") * values(frame, "aov_buyer")
    np.testing.assert_allclose(values(frame, "rpv"), product, rtol=1e-12)


def test_periods_outside_the_traffic_are_missing_not_zero_and_partial_ones_flagged() -> None:
    store = shop(random_orders(), traffic_daily=daily_traffic("2025-08-10", 60))
    frame = metrics.compute(store, ["visitors", "pay_orders"]).set_index(["metric", "period"])
    assert np.isnan(frame.loc[("visitors", "2025-07"), "value"])
    assert frame.loc[("visitors", "2025-08"), "partial"]
    assert not frame.loc[("visitors", "2025-09"), "partial"]
    assert np.isnan(frame.loc[("visitors", "2025-11"), "value"])
    assert not frame.loc[("pay_orders", "2025-08"), "partial"]


def test_quiet_shops_are_not_partial_and_empty_months_are_zero() -> None:
    """Mistake 25: the calendar decides what is partial, not the number of days with orders."""
    orders = random_orders(3)
    orders["paid_at"] = pd.to_datetime(["2025-01-01", "2025-01-31", "2025-04-30"])
    orders = orders.assign(order_status="completed", paid_amount=10.0, refund_amount=0.0)
    frame = metrics.compute(shop(orders), ["pay_orders", "aov_order"])
    assert values(frame, "pay_orders").to_dict() == {
        "2025-01": 2,
        "2025-02": 0,
        "2025-03": 0,
        "2025-04": 1,
    }
    assert not frame["partial"].any()
    assert values(frame, "aov_order").isna().tolist() == [False, True, True, False]


def test_as_of_drops_what_is_later_and_says_that_the_data_is_complete_up_to_it() -> None:
    orders = random_orders()
    day = dt.date(2025, 9, 30)
    frame = metrics.compute(shop(orders), "pay_orders", as_of=day)
    assert list(frame["period"]) == MONTHS[:3]
    assert frame.equals(metrics.compute(shop(orders), "pay_orders", as_of="2025-09-30"))
    assert frame["value"].sum() == (sold(orders)["paid_at"].dt.date <= day).sum()
    assert not frame["partial"].any()


def test_refunds_not_on_record_make_net_sales_missing_not_equal_to_paid() -> None:
    orders = random_orders().drop(columns="refund_amount")
    for code in ("net_sales", "gmv_net", "refund_rate_cnt"):
        with pytest.raises(eo.MissingError) as refused:
            metrics.compute(shop(orders), code)
        assert refused.value.values["columns"] == ["orders.refund_amount"]


def test_what_cannot_be_computed_says_what_would_unlock_it() -> None:
    store = shop(random_orders())
    with pytest.raises(eo.MissingError) as refused:
        metrics.compute(store, ["pay_amount", "cvr_pay", "roas", "dsr"])
    assert refused.value.values["tables"] == ["ad_reports", "shop_scores", "traffic_daily"]
    assert refused.value.values["metrics"] == ["cvr_pay", "roas", "dsr"]
    with pytest.raises(eo.MissingError, match=r"customer\.rfm"):
        metrics.compute(store, "rfm")
    with pytest.raises(eo.MissingError, match="chatted"):
        metrics.compute(store, "cvr_silent")
    with pytest.raises(eo.MissingError, match="pay_amount"):
        metrics.compute(store, "pay_amuont")
    with pytest.raises(eo.OptionError) as wrong:
        metrics.compute(store, "pay_amount", by="colour")
    assert wrong.value.code == "no_such_by"
    with pytest.raises(eo.OptionError):
        metrics.compute(store, "pay_amount", period="fortnight")


def test_totals_refuse_other_frames() -> None:
    with pytest.raises(eo.DataError) as refused:
        metrics.total(pd.DataFrame({"a": [1]}))
    assert refused.value.code == "not_a_metric_frame"


def test_every_metric_of_the_demo_shop_can_be_computed_or_says_why(demo) -> None:
    """No metric of the catalogue fails with anything but a `MissingError`."""
    done = []
    for code, found in metrics.catalogue().items():
        if found.elsewhere or found.external or not set(tables_of(found)) <= set(demo.tables):
            with pytest.raises(eo.MissingError):
                metrics.compute(demo, code)
        else:
            done.append(code)
    with pytest.raises(eo.MissingError) as refused:
        metrics.compute(demo, done, period="quarter")
    assert refused.value.code == "metric_needs_columns"
    done = [code for code in done if code not in refused.value.values["metrics"]]
    frame = metrics.compute(demo, done, period="quarter")
    ratios = frame[frame["denominator"].notna()]
    assert len(done) > 35
    expected = ratios["numerator"] / ratios["denominator"].where(ratios["denominator"] != 0)
    np.testing.assert_allclose(ratios["value"], expected)


def test_by_segment_newcomers_are_those_of_the_whole_shop() -> None:
    """A customer new to a province but not to the shop is not new; pandas is the second opinion."""
    orders = random_orders()
    rows = sold(orders)
    kept = rows[(rows["net"] > 0) & rows["customer_id"].notna()]
    debut = kept.groupby("customer_id")["month"].min()
    pairs = kept.drop_duplicates(["month", "receiver_province", "customer_id"])
    old = pairs["month"] > pairs["customer_id"].map(debut)
    truth = old.groupby([pairs["month"], pairs["receiver_province"]]).sum()
    frame = metrics.compute(shop(orders), "repeat_buyer_share", by="receiver_province")
    got = frame.set_index(["period", "receiver_province"])["numerator"]
    assert got.astype(int).to_dict() == truth.to_dict()


@settings(max_examples=8)
@given(st.permutations(list(range(60))), st.integers(min_value=1, max_value=1000))
def test_row_order_ids_and_money_scale_do_not_matter(order, scale) -> None:
    orders = random_orders(60)
    codes = ["pay_amount", "pay_buyers", "repurchase_rate", "refund_rate_amt"]
    before = metrics.compute(shop(orders), codes).set_index(["metric", "period"])["value"]
    money = ["paid_amount", "refund_amount", "payable_amount"]
    moved = orders.iloc[list(order)].copy()
    moved["customer_id"] = moved["customer_id"].map(
        lambda c: f"x{c[::-1]}" if isinstance(c, str) else None
    )
    moved[money] = moved[money] * scale
    after = metrics.compute(shop(moved), codes).set_index(["metric", "period"])["value"]
    factor = np.where(before.index.get_level_values("metric") == "pay_amount", scale, 1)
    np.testing.assert_allclose(after, before * factor, rtol=1e-9)


def test_a_column_called_like_one_of_the_result_cannot_split_it() -> None:
    orders = pd.DataFrame(
        {"order_id": ["1"], "paid_at": ["2025-01-01"], "paid_amount": [5.0], "period": ["early"]}
    )
    with pytest.raises(eo.OptionError) as refused:
        metrics.compute(eo.open({"orders": orders}), "pay_amount", by="period")
    assert refused.value.code == "by_taken"
