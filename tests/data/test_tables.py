"""The door: whatever comes in leaves as canonical columns of the right type, or is refused."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import ecomops as eo
from ecomops.data.policy import POLICY, coverage
from ecomops.data.schema import tables as schemas
from ecomops.data.tables import frame, table

if TYPE_CHECKING:
    from pathlib import Path

ORDERS = {
    "order_id": ["1", "2", "3"],
    "created_at": pd.to_datetime(["2025-11-10 23:59", "2025-11-11 00:30", "2025-11-12 08:00"]),
    "paid_amount": [10.10, 20.20, 30.30],
}


def orders(**columns: object) -> pd.DataFrame:
    return pd.DataFrame(ORDERS | columns)


def test_every_canonical_column_is_there_with_its_type() -> None:
    got = table(orders(), "orders")
    for column in schemas()["orders"].columns.values():
        have = got[column.name].type()
        assert type(have) is type(column.dtype), column.name


def test_equal_on_every_engine(table) -> None:  # type: ignore[no-untyped-def]
    from ecomops.data.tables import table as door

    frame_in = orders(customer_id=["a", None, "b"])
    got = frame(
        POLICY.sales(door(table(frame_in), "orders"))
        .select("order_id", "customer_id", "at", "amount", "net")
        .order_by("order_id")
    )
    assert list(got["amount"]) == [10.10, 20.20, 30.30]
    assert list(got["at"].dt.day) == [10, 11, 12]
    assert got["customer_id"].isna().tolist() == [False, True, False]


def test_a_singles_day_order_at_half_past_midnight_in_shanghai_counts_on_the_eleventh() -> None:
    """The naive way (truncating in UTC) books it on the tenth (methods.md 8, item 8)."""
    utc = pd.to_datetime(["2025-11-10 16:30+00:00"] * 3)
    days = frame(table(orders(created_at=utc), "orders").select(day=lambda t: t.created_at.date()))
    assert set(days["day"].astype(str)) == {"2025-11-11"}
    assert {str(d) for d in utc.date} == {"2025-11-10"}


@pytest.mark.parametrize(
    ("zone", "utc", "wall"),
    [
        ("America/New_York", "2025-03-09 06:59:00+00:00", "2025-03-09 01:59:00"),
        ("America/New_York", "2025-03-09 07:00:00+00:00", "2025-03-09 03:00:00"),
        ("Europe/London", "2025-10-26 00:30:00+00:00", "2025-10-26 01:30:00"),
    ],
)
def test_daylight_saving_follows_the_zone(zone: str, utc: str, wall: str) -> None:
    got = table(orders(created_at=pd.to_datetime([utc] * 3)), "orders", timezone=zone)
    assert str(frame(got)["created_at"].iloc[0]) == wall


@pytest.mark.spark
def test_spark_converts_zoned_times_like_duckdb() -> None:
    from tests.conftest import spark_backend

    con = spark_backend()
    con.raw_sql(
        "create or replace temp view zoned as select '1' order_id, "
        "timestamp'2025-11-10 16:30:00 UTC' created_at, cast(1 as decimal(18,2)) paid_amount"
    )
    got = frame(table(con.table("zoned"), "orders").select("created_at"))
    assert str(got["created_at"].iloc[0]) == "2025-11-11 00:30:00"


def test_ids_of_any_width_become_text() -> None:
    got = frame(table(orders(order_id=[431100000000000001, 2, 3]), "orders"))
    assert got["order_id"].tolist() == ["431100000000000001", "2", "3"]
    floats = frame(table(orders(customer_id=[12346.0, np.nan, 7.0]), "orders"))
    assert floats["customer_id"].tolist()[::2] == ["12346", "7"]


@pytest.mark.parametrize("value", [float(2**53), 4311234567890891000.0, 1.5])
def test_ids_that_a_float_has_rounded_are_refused(value: float) -> None:
    with pytest.raises(eo.DataError) as error:
        table(orders(order_id=[value, 1.0, 2.0]), "orders")
    assert error.value.code == "rounded_ids"
    assert error.value.values["count"] == 1


def test_unreadable_cells_are_counted_with_examples() -> None:
    with pytest.raises(eo.DataError) as error:
        table(orders(paid_amount=["1.5", "n.a.", "--"]), "orders")
    assert error.value.values["count"] == 2
    assert error.value.values["examples"] == ["--", "n.a."]
    with pytest.raises(eo.DataError, match="created_at"):
        table(orders(created_at=["2025-11-11", "11/31/2025", "soon"]), "orders")


def test_missing_columns_are_all_named_with_the_nearest() -> None:
    with pytest.raises(eo.DataError) as error:
        table(pd.DataFrame({"orderid": [1], "paid": [2.0]}), "orders")
    assert error.value.values["missing"] == ["order_id", "paid_amount"]
    assert "order_id ← orderid" in str(error.value)


def test_a_thing_that_is_no_table_is_refused() -> None:
    with pytest.raises(eo.OptionError, match="int"):
        table(3, "orders")
    with pytest.raises(eo.MissingError, match="No such file"):
        table("nowhere.parquet", "orders")
    with pytest.raises(eo.MissingError, match="orders"):
        table(orders(), "order")


def test_periods_are_their_first_moment_and_bins_are_text() -> None:
    spans = orders()["created_at"].dt.to_period("M")
    bins = pd.cut(pd.Series(ORDERS["paid_amount"]), [0, 15, 40])
    rows = frame(table(orders(created_at=spans, bins=bins), "orders"))
    assert list(rows["created_at"].dt.strftime("%Y-%m-%d")) == ["2025-11-01"] * 3
    assert list(rows["bins"]) == ["(0, 15]", "(15, 40]", "(15, 40]"]


def test_floats_are_summed_exactly() -> None:
    many = pd.DataFrame(
        {"order_id": range(100_000), "created_at": "2025-01-01", "paid_amount": 0.1}
    )
    got = table(many, "orders")
    assert frame(got.aggregate(total=got.paid_amount.sum()))["total"].iloc[0] == 10_000.0


def test_coverage_counts_each_order_for_one_reason() -> None:
    given = pd.DataFrame(
        {
            "order_id": list("abcdefgh"),
            "customer_id": ["x", "x", "x", None, "y", "y", "z", "z"],
            "created_at": pd.to_datetime(["2025-01-01"] * 7 + ["2025-03-01"]),
            "order_status": ["paid", "unpaid", "closed_unpaid", *["completed"] * 5],
            "paid_amount": [10, 10, 0, 10, 0, 10, 10, 10],
            "refund_amount": [0, 0, 0, 0, 0, 10, 2, 0],
            "is_gift_or_brush": [False] * 6 + [True, False],
            "currency": "CNY",
        }
    )
    facts = coverage(table(given, "orders"), as_of=dt.date(2025, 1, 31))
    assert facts.excluded == {
        "unpaid": 2,
        "marked": 1,
        "no_time": 0,
        "no_money": 1,
        "later": 1,
        "guest": 1,
        "refunded": 1,
    }
    assert (facts.rows, facts.sales, facts.purchases) == (8, 3, 1)
    assert sum(facts.excluded.values()) + facts.purchases == facts.rows
    kept = frame(POLICY.purchases(table(given, "orders"), as_of=dt.date(2025, 1, 31)))
    assert kept["order_id"].tolist() == ["a"]


def test_a_full_refund_is_not_a_second_purchase() -> None:
    """Mistake 14: lifetimes counts it as a repeat purchase of −100."""
    given = orders(customer_id="x", refund_amount=[0, 20.20, 0])
    assert len(frame(POLICY.purchases(table(given, "orders")))) == 2


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({"currency": ["CNY", "USD", "CNY"]}, "mixed_currencies"),
        (
            {"created_at": pd.to_datetime(["1900-01-01", "2025-01-01", "2025-01-02"])},
            "impossible_dates",
        ),
        ({"paid_amount": [0.0, 0.0, 0.0]}, "no_orders_count"),
        ({"order_status": "unpaid"}, "no_orders_count"),
    ],
)
def test_orders_that_cannot_be_used_are_refused(columns: dict[str, object], code: str) -> None:
    with pytest.raises(eo.DataError) as error:
        coverage(table(orders(**columns), "orders"))
    assert error.value.code == code
    assert error.value.message("zh")
    assert error.value.message("en")


def test_no_rows_at_all_is_an_error_that_says_so() -> None:
    with pytest.raises(eo.DataError, match="0 rows"):
        coverage(table(orders().head(0), "orders"))


def test_a_header_without_rows_is_an_empty_table(tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text("order_id,created_at,paid_amount\n", encoding="utf-8")
    with pytest.raises(eo.DataError, match="0 rows"):
        coverage(table(file, "orders"))


def test_csv_keeps_leading_zeros(tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text(
        "order_id,created_at,paid_amount\n007,2025-01-01 10:00,1.50\n", encoding="utf-8"
    )
    got = frame(table(file, "orders"))
    assert got["order_id"].iloc[0] == "007"
    assert got["paid_amount"].iloc[0] == 1.5


def test_a_table_derived_in_another_connection_comes_through_the_door() -> None:
    """All its columns have the right types, yet an id may be blank: as in the table itself."""
    con = ibis.duckdb.connect()
    typed = table(orders(customer_id=["a", "b", "c"]), "orders").to_pyarrow()
    whole = con.create_table("sold", typed)
    blank = whole.mutate(customer_id=ibis.literal(" "))
    assert table(blank, "orders").customer_id.count().to_pandas() == 0
    through = table(whole, "orders")
    later = through.filter(through.paid_amount > 15)
    assert table(later, "orders") is later  # what came through once need not again


def test_frames_of_kinds_that_no_engine_has_are_read_or_explained() -> None:
    rows = orders(order_id=[uuid.UUID(int=i) for i in range(3)])
    rows = rows.assign(paid_amount=np.array([1.5, 2, 3], "float16"), **{"": 0})
    made = table(rows, "orders").to_pandas()
    assert "" not in made
    assert made["order_id"][1] == "00000000-0000-0000-0000-000000000001"
    assert made["paid_amount"].sum() == Decimal("6.5")
    fixed = pa.table({"order_id": pa.array([b"abc"], pa.binary(3)), "paid_amount": [1.0]})
    with pytest.raises(eo.DataError) as told:
        table(fixed, "orders")
    assert told.value.code == "unreadable_frame"


def test_what_no_engine_reads_is_explained() -> None:
    rows = pd.DataFrame({"order_id": ["1"], "paid_at": ["2025-11-11"], "paid_amount": [1.0]})
    clock = rows.assign(paid_at=[dt.time(8, 30)])
    sparse = rows.assign(paid_amount=pd.arrays.SparseArray([1.0]))
    for frame_, code in ((clock, "unreadable_cells"), (sparse, "unreadable_frame")):
        with pytest.raises(eo.DataError) as error:
            table(frame_, "orders")
        assert error.value.code == code
    with pytest.raises(eo.OptionError) as refused:  # it has columns, but no rows to read
        table(eo.customer.rfm(rows.assign(customer_id="a")), "orders")
    assert refused.value.code == "not_a_table"


def test_a_lazy_frame_and_one_with_a_nameless_column_are_taken() -> None:
    """Polars gives the index that pandas wrote into a CSV file no name at all."""
    rows = pl.from_pandas(orders()).with_columns(pl.lit(0).alias(""))
    for given in (rows, rows.lazy()):
        assert len(frame(table(given, "orders"))) == 3


@pytest.mark.parametrize("extra", [0, ("a", "b"), 1.5])
def test_a_column_whose_name_is_no_text_is_no_accident(extra):
    orders = pd.DataFrame({"order_id": ["1"], "paid_at": ["2025-01-01"], "paid_amount": [5.0]})
    orders[extra] = "kept"
    opened = table(orders, "orders")
    assert opened.paid_amount.sum().to_pandas() == 5
    assert opened[str(extra)].to_pandas().tolist() == ["kept"]
