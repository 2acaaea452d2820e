"""What text and odd frames become at the door: offsets, blank ids, amounts without end."""

from __future__ import annotations

from decimal import Decimal

import ibis
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
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


def test_ids_are_trimmed_and_blank_ones_missing_wherever_they_come_from(tmp_path) -> None:
    """Blank ids of files and databases were one customer, and one visitor, of all who have none."""
    rows = orders(customer_id=[" ", "\t", "a", " a", "a "])
    rows.to_csv(tmp_path / "orders.csv", index=False)
    whole = canonical(rows, "orders").to_pyarrow()  # every canonical column with its type
    blank = pa.array(["", " ", "a", " a", "a "])
    whole = whole.set_column(whole.column_names.index("customer_id"), "customer_id", blank)
    database = ibis.duckdb.connect()
    for shop in (str(tmp_path), database):
        if shop is database:
            database.create_table("orders", whole)
        result = eo.customer.rfm(eo.open(shop).orders)
        assert frame(result.customers)[["customer_id", "frequency"]].values.tolist() == [["a", 3]]


def test_currencies_differ_by_their_letters_not_by_how_they_are_written(table) -> None:
    rows = orders(currency=["cny", "CNY ", "", "usd"], customer_id=["a", "b", "c", "d"])
    shop = eo.open({"orders": table(rows)}, currency="cny")
    assert (shop.currency, shop.coverage.sales) == ("CNY", 3)
    assert [(p.code, p.count) for p in shop.problems] == [("other_currency", 1)]


@pytest.mark.parametrize("narrow", [pa.decimal128(9, 8), pa.decimal128(12, 4), pa.decimal128(9, 0)])
def test_decimals_of_any_width_are_money(narrow) -> None:
    rows = pa.Table.from_pandas(orders(customer_id=["a", "a"]))
    paid = pa.array([Decimal(2), None]).cast(narrow)
    rows = rows.set_column(rows.column_names.index("paid_amount"), "paid_amount", paid)
    assert eo.store.scorecard(eo.open({"orders": rows})).table["value"].iloc[0] == 2


def test_a_file_has_as_many_places_of_a_cent_as_a_frame(tmp_path) -> None:
    rows = orders(paid_amount=[0.3333] * 3)
    rows.to_csv(tmp_path / "orders.csv", index=False)
    made = [canonical(source, "orders") for source in (rows, str(tmp_path / "orders.csv"))]
    assert [float(t.paid_amount.sum().execute()) for t in made] == [0.9999] * 2


@pytest.mark.parametrize(
    "columns",
    [
        {"paid_amount": [1e15, 1.0]},
        {"paid_amount": [10**17, 1]},
        {"paid_amount": pl.Series([float("nan"), 1.0])},
        {"created_at": [45_000, 45_001]},
        {"created_at": [1.7e12, 1.71e12]},
        {"created_at": pd.to_timedelta([1, 2], unit="D")},
        {"item_count": [1.5, 1.0]},
        {"item_count": ["1.5", "1"]},
    ],
)
def test_what_typing_would_change_is_refused(columns: dict[str, object]) -> None:
    """Neither a traceback nor the year 1970 nor two pieces for one and a half."""
    if isinstance(next(iter(columns.values())), pl.Series):
        rows: object = pl.from_pandas(orders(item_count=[1, 1])).with_columns(**columns)
    else:
        rows = orders(**columns)
    with pytest.raises(eo.DataError) as refused:
        eo.open({"orders": rows})
    assert refused.value.code == "unreadable_cells"
    assert refused.value.values["column"] == next(iter(columns))
