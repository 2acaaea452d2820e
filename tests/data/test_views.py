"""Tables of a shop are views: made once, at the first asking, and equal to what they stand for."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import ibis
import pandas as pd
import pytest

import ecomops as eo
from ecomops.base.errors import DataError, MissingError
from ecomops.base.options import options
from ecomops.data.tables import table
from ecomops.data.views import DOOR, Views, through, views

ROWS = pd.DataFrame(
    {
        "order_id": [" 1", "2", "3"],
        "customer_id": ["a", " ", "b"],
        "paid_at": ["2025-11-01 08:00", "2025-11-02 09:30", "2025-11-03"],
        "paid_amount": ["5.00", "7.25", "1"],
        "currency": "cny",
        "coupon": ["x", None, "y"],
    }
)


def test_a_view_holds_what_came_through_the_door():
    """Truth: the table without a view, all its columns and one of the shop's own."""
    plain = table(ROWS, "orders")
    shop = eo.open({"orders": ROWS})
    assert DOOR in shop.orders.op().name
    assert shop.orders.schema().keys() == plain.schema().keys()
    order = "order_id"
    expected = plain.order_by(order).to_pandas().assign(currency="CNY")
    pd.testing.assert_frame_equal(shop.orders.order_by(order).to_pandas(), expected)


def test_the_same_object_comes_back_and_the_door_lets_it_through():
    shop = eo.open({"orders": ROWS})
    assert shop.orders is shop.orders
    assert table(shop.orders, "orders") is shop.orders


def test_nothing_is_made_before_it_is_asked_for():
    asked = []
    found = Views({name: lambda name=name: asked.append(name) or name for name in ("a", "b")})
    assert ("a" in found, sorted(found), len(found), asked) == (True, ["a", "b"], 2, [])
    assert (found["a"], found.get("a"), found.get("c"), asked) == ("a", "a", None, ["a"])


def test_one_table_can_stand_for_another():
    shop = eo.open({"orders": ROWS})
    other = shop.orders.filter(shop.orders.paid_amount > 2)
    for changed in (
        replace(shop, tables=shop.tables | {"orders": other}),
        eo.open(shop.tables | {"orders": other}),
    ):
        assert changed.orders.count().to_pandas() == 2
    assert shop.orders.count().to_pandas() == 3


def test_a_view_outlives_the_frame_it_was_made_of():
    shop = eo.open({"orders": ROWS.copy()})
    gc.collect()
    assert shop.orders.paid_amount.sum().to_pandas() == pytest.approx(13.25)


def test_tables_of_another_connection_stay_there(tmp_path):
    """Nothing is written into a connection that is not ours, frames beside it still join."""
    con = ibis.duckdb.connect(tmp_path / "shop.duckdb")
    con.create_table("orders", table(ROWS, "orders").to_pyarrow())
    lines = pd.DataFrame({"order_id": ["1"], "quantity": [1], "line_paid_amount": [5.0]})
    shop = eo.open({"orders": con.table("orders"), "order_lines": lines})
    assert shop.orders.inner_join(shop.order_lines, "order_id").count().to_pandas() == 1
    assert not [name for name in con.list_tables() if DOOR in name]
    mine = {"orders": table(con.table("orders"), "orders")}
    assert views(mine) is mine


def test_frames_come_through_the_door_when_they_are_asked_for():
    found = through({"orders": ROWS, "reviews": "nothing at all"}, "Asia/Shanghai")
    assert list(found["orders"].to_pandas()["customer_id"].fillna("")) == ["a", "", "b"]
    with pytest.raises(MissingError):
        found["reviews"]


def test_a_query_of_another_connection_stays_there():
    """Its tables are unknown here, or worse: known by the same name."""
    con = ibis.duckdb.connect()
    con.create_table("sold", ROWS)
    query = con.sql("SELECT * FROM sold")
    assert eo.open({"orders": query}).orders.count().to_pandas() == 3
    other = ibis.duckdb.connect()
    other.create_table("lines", {"order_id": ["1"], "quantity": [1], "line_paid_amount": [5.0]})
    with pytest.raises(DataError) as told:
        eo.open({"orders": query, "order_lines": other.sql("SELECT * FROM lines")})
    assert told.value.code == "several_connections"


def test_frames_are_read_here_whatever_engine_is_the_default():
    """A default that is no DuckDB must not choose the words of a query that DuckDB answers."""
    zoned = ROWS.assign(paid_at=["2025-11-01T08:00:00+00:00", "2025-11-02 09:30", "2025-11-03"])
    before = ibis.options.default_backend
    expected = eo.customer.rfm(zoned)
    ibis.set_backend("polars")
    try:
        orders = eo.open({"orders": zoned}).orders.order_by("order_id")
        assert str(orders.to_pandas()["paid_at"][0]) == "2025-11-01 16:00:00"
        pd.testing.assert_frame_equal(eo.customer.rfm(zoned).table, expected.table)
    finally:
        ibis.options.default_backend = before


def test_threads_that_open_shops_at_once_get_their_own_numbers():
    def sales(n: int) -> float:
        made = eo.open({"orders": ROWS.assign(paid_amount=float(n))})
        return float(eo.customer.rfm(made.orders).table["amount"].sum())

    alone = [sales(n) for n in range(1, 5)]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(sales, [1, 2, 3, 4] * 2)) == alone * 2


def test_english_names_belong_to_the_shop_that_was_opened_last():
    eo.open("demo")
    assert options.glossary
    eo.open({"orders": ROWS})
    assert options.glossary == {}
