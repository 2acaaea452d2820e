"""What text and odd frames become at the door: offsets, blank ids, amounts without end."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import ecomops as eo
from ecomops.data.tables import frame
from ecomops.data.tables import table as canonical

TOLD = {
    "2025-11-10T16:30:00Z": "2025-11-11 00:30:00",
    "2025-11-10 16:30:00+00:00": "2025-11-11 00:30:00",
    "2025-11-11 00:30:00+08:00": "2025-11-11 00:30:00",
    "2025-11-10 11:30:00.5-05": "2025-11-11 00:30:00.500000",
    "2025-11-11 00:30:00": "2025-11-11 00:30:00",
    "2025-11-11": "2025-11-11 00:00:00",
}


def orders(**columns: object) -> pd.DataFrame:
    rows = len(next(iter(columns.values())))
    plain = {
        "order_id": [str(i) for i in range(rows)],
        "created_at": "2025-11-11 00:30:00",
        "paid_amount": 5.0,
        "currency": "CNY",
    }
    return pd.DataFrame({**plain, **columns})


def test_a_time_with_an_offset_is_an_instant_and_becomes_the_shops_wall_time(table) -> None:
    """Mistake 8: 16:30 UTC on the 10th is half past midnight of the 11th in Shanghai."""
    made = canonical(table(orders(created_at=list(TOLD))), "orders", timezone="Asia/Shanghai")
    got = frame(made.select("order_id", "created_at")).sort_values("order_id")["created_at"]
    assert [str(pd.Timestamp(at)) for at in got] == list(TOLD.values())


def test_summer_time_is_that_of_the_day() -> None:
    told = ["2025-03-09T09:59:00Z", "2025-03-09T10:00:00Z"]
    made = canonical(orders(created_at=told), "orders", timezone="America/Los_Angeles")
    got = frame(made.order_by("order_id"))["created_at"].astype(str).tolist()
    assert got == ["2025-03-09 01:59:00", "2025-03-09 03:00:00"]


def test_blank_ids_are_guests_not_one_customer() -> None:
    shop = eo.open({"orders": orders(customer_id=["", " ", None, "a", "a "])}, currency="CNY")
    result = eo.customer.rfm(shop.orders)
    assert frame(result.customers)[["customer_id", "frequency"]].values.tolist() == [["a", 2]]
    assert result.basis.excluded == {"guest": 3}


def test_amounts_without_end_are_refused_and_shown() -> None:
    with pytest.raises(eo.DataError) as refused:
        eo.open({"orders": orders(paid_amount=[1.0, np.inf])})
    assert refused.value.code == "unreadable_cells"
    assert "paid_amount" in str(refused.value)


def test_two_columns_of_one_name_are_refused() -> None:
    rows = orders(customer_id=["a"])
    rows.columns = ["order_id", "created_at", "paid_amount", "currency", "currency"]
    with pytest.raises(eo.DataError) as refused:
        eo.open({"orders": rows})
    assert refused.value.code == "columns_twice"
    assert "currency" in str(refused.value)


def test_a_column_that_no_engine_holds_is_refused() -> None:
    rows = orders(customer_id=["a"]).assign(note=[1 + 2j])
    with pytest.raises(eo.DataError) as refused:
        eo.open({"orders": rows})
    assert refused.value.code == "unreadable_frame"


def test_a_path_to_csv_is_read_like_a_folder_of_it(tmp_path) -> None:
    path = tmp_path / "orders.csv"
    orders(customer_id=["007", ""]).to_csv(path, index=False)
    assert frame(eo.customer.rfm(str(path)).customers)["customer_id"].tolist() == ["007"]
