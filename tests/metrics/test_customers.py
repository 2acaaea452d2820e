"""Facts per customer against pandas: days, months, head counts, what is kept and what is not."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from ecomops.data import outline
from ecomops.data.tables import frame, number
from ecomops.metrics import customers as module
from ecomops.metrics.customers import customers
from tests.metrics.shops import random_orders, shop, sold

if TYPE_CHECKING:
    import pytest

ORDERS = random_orders(300, days=200)


def truth(until: str = "2100-01-01") -> pd.DataFrame:
    """Return purchases of known customers, by pandas."""
    rows = sold(ORDERS)
    rows = rows[(rows["paid_at"] < until) & rows["customer_id"].notna()]
    return rows[rows["net"] > 0]


def test_facts_equal_pandas(table) -> None:
    found = customers(table(ORDERS))
    got = frame(found.table).set_index("customer_id").sort_index()
    kept = truth().groupby("customer_id")
    days = kept["paid_at"].agg(lambda at: tuple(sorted(at.dt.date)))
    got = got[got["orders"] > 0]
    assert got["orders"].to_dict() == kept.size().to_dict()
    for column, place in (("first_day", 0), ("last_day", -1)):
        assert [pd.Timestamp(d).date() for d in got[column]] == [d[place] for d in days]
    second = [
        pd.Timestamp(d).date() if n > 1 else None
        for d, n in zip(got["second_day"], got["orders"], strict=True)
    ]
    assert second == [d[1] if len(d) > 1 else None for d in days]


def test_months_run_from_the_first_sale_and_hold_who_bought_in_them() -> None:
    found = customers(shop(ORDERS).orders)
    assert found.origin == date(2025, 7, 1)
    assert found.months == 7  # July to January
    months = truth().groupby("month")["customer_id"].nunique()
    table = found.table
    for k, (_, people) in enumerate(months.items()):
        assert number(found.active_in(k, table).sum()) == people
    few = table.filter(table.orders > 3)
    active = found.active_in(0, few).sum()
    often = truth().groupby("customer_id")["month"].agg(["size", set])
    assert number(active) == sum(
        n > 3 and "2025-07" in found_months for n, found_months in often.itertuples(index=False)
    )


def test_more_months_than_one_number_has_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    """With three months to a column, seven months take three; who bought when is the same."""
    monkeypatch.setattr(module, "MONTHS_PER_COLUMN", 3)
    found = customers(ORDERS)
    assert [c for c in found.table.columns if c.startswith("months")] == [
        "months_0", "months_1", "months_2"
    ]  # fmt: skip
    months = truth().groupby("month")["customer_id"].nunique()
    got = [number(found.active_in(k, found.table).sum()) for k in range(7)]
    assert got == months.tolist()


def test_one_time_buyers_are_counted() -> None:
    sizes = truth().groupby("customer_id").size()
    assert customers(ORDERS).heads == (len(sizes), int((sizes == 1).sum()))


def test_later_orders_do_not_count_as_of_a_day() -> None:
    found = customers(ORDERS, as_of="2025-09-30")
    sizes = truth("2025-10-01").groupby("customer_id").size()
    assert found.as_of == date(2025, 9, 30)
    assert found.heads == (len(sizes), int((sizes == 1).sum()))
    assert found.months == 3


def test_a_purchase_refunded_in_full_is_none_but_its_sale_stays_in_the_money() -> None:
    rows = pd.DataFrame(
        {
            "order_id": ["1", "2", "3"],
            "customer_id": ["a", "a", "b"],
            "created_at": ["2025-01-01", "2025-01-02", "2025-01-03"],
            "paid_amount": [10.0, 20.0, 30.0],
            "refund_amount": [10.0, 5.0, 30.0],
        }
    )
    got = frame(customers(rows).table).set_index("customer_id").sort_index()
    assert got["orders"].tolist() == [1, 0]
    assert got["net"].tolist() == [15, 0]
    assert got["months_0"].tolist() == [1, 0]


def test_customers_told_apart_in_pieces_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = frame(customers(ORDERS).table).sort_values("customer_id", ignore_index=True)
    monkeypatch.setattr(outline, "PIECE", 70)
    found = customers(ORDERS)
    assert len(found.pieces) == 5
    pieces = frame(found.table).sort_values("customer_id", ignore_index=True)
    pd.testing.assert_frame_equal(pieces, whole)
    assert found.heads == customers(ORDERS).heads


def test_facts_of_an_engine_table_are_kept_those_of_a_frame_are_not() -> None:
    orders = shop(ORDERS).orders
    assert customers(orders) is customers(orders)
    assert customers(orders, as_of="2025-09-30") is not customers(orders)
    assert customers(ORDERS) is not customers(ORDERS)
