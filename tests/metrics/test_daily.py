"""The daily series: unbroken, local days, what counts as a sale."""

from __future__ import annotations

import pandas as pd

from ecomops.data.tables import table as door
from ecomops.metrics.daily import daily


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
