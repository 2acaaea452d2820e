"""The daily series: unbroken, local days, what counts as a sale."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from ecomops.base.errors import DataError, OptionError
from ecomops.data.shop import open_shop
from ecomops.data.tables import table as door
from ecomops.metrics.daily import daily, history, hourly


def test_days_without_sales_are_zero_and_unpaid_orders_do_not_count(table) -> None:  # type: ignore[no-untyped-def]
    at = ["2025-11-11 00:30", "2025-11-11 23:59", "2025-11-13 10:00", "2025-11-12 10:00"]
    rows = pd.DataFrame(
        {
            "order_id": ["1", "2", "3", "4"],
            "customer_id": ["a", "a", "b", "c"],
            "created_at": pd.to_datetime(at),
            "paid_amount": [10.0, 20.0, 30.0, 40.0],
            "refund_amount": [0.0, 5.0, 0.0, 0.0],
            "order_status": ["paid", "paid", "paid", "closed_unpaid"],
        }
    )
    got = daily(door(table(rows), "orders"))
    assert [str(d.date()) for d in got["day"]] == ["2025-11-11", "2025-11-12", "2025-11-13"]
    assert got["amount"].tolist() == [30, 0, 30]
    assert got["net"].tolist() == [25, 0, 30]
    assert got["orders"].tolist() == [2, 0, 1]
    assert got["buyers"].tolist() == [1, 0, 1]


def test_hours_add_up_to_days(table) -> None:  # type: ignore[no-untyped-def]
    at = ["2025-11-11 00:30", "2025-11-11 23:59", "2025-11-13 10:00", "2025-11-12 10:00"]
    rows = pd.DataFrame(
        {
            "order_id": ["1", "2", "3", "4"],
            "created_at": pd.to_datetime(at),
            "paid_amount": [10.0, 20.0, 30.0, 40.0],
            "order_status": ["paid", "paid", "paid", "closed_unpaid"],
        }
    )
    orders = door(table(rows), "orders")
    span = {"since": date(2025, 11, 1), "until": date(2025, 11, 13)}
    got = hourly(orders, metric="amount", **span)
    assert got.shape == (3, 24)
    assert (got.loc["2025-11-11", 0], got.loc["2025-11-11", 23]) == (10, 20)
    assert got.sum(axis=1).tolist() == daily(orders)["amount"].tolist()
    assert hourly(orders, metric="orders", **span).to_numpy().sum() == 3
    from_first = hourly(orders, metric="amount", since=date(2025, 11, 11), until=date(2025, 11, 13))
    assert from_first.equals(got)
    nothing = hourly(orders, metric="amount", since=date(2026, 1, 1), until=date(2026, 1, 2))
    assert len(nothing) == 0


def test_a_history_says_what_it_rests_on() -> None:
    """Three days, a gift left out, a refund beyond the day's sales cut at nothing."""
    rows = pd.DataFrame(
        {
            "order_id": ["1", "2", "3", "4"],
            "customer_id": ["a", "b", "c", "d"],
            "created_at": ["2025-11-09", "2025-11-11", "2025-11-11", "2025-11-20"],
            "paid_amount": [10.0, 20.0, 30.0, 40.0],
            "refund_amount": [12.0, 0.0, 0.0, 0.0],
            "is_gift_or_brush": [False, False, True, False],
            "currency": "CNY",
        }
    )
    shop = open_shop({"orders": door(rows, "orders")})
    found = history(shop, as_of=date(2025, 11, 12))
    assert len(found) == 3
    assert (found.start, found.end) == (date(2025, 11, 9), date(2025, 11, 11))
    assert found.values("net").tolist() == [0, 0, 20]
    assert found.values("amount").tolist() == [10, 0, 20]
    assert len(found.days(ahead=4)) == 7
    assert bool(found.days().festive[2])  # 双11
    assert found.basis["excluded"] == {"marked": 1, "later": 1}
    assert (found.basis["n"], found.basis["unit"], found.basis["currency"]) == (3, "days", "CNY")
    with pytest.raises(OptionError):
        history(shop, calendar="martian")


def test_days_of_orders_that_are_no_sales_say_why_there_are_none():
    rows = {"order_id": ["1"], "customer_id": ["a"], "created_at": ["2025-11-09"]}
    unpaid = door(pd.DataFrame(rows | {"paid_amount": [0.0], "currency": "CNY"}), "orders")
    with pytest.raises(DataError) as error:
        daily(unpaid)
    assert error.value.code == "no_orders_count"
