"""Stock by product on a day, and how much of a sum it carries, by hand."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

import ecomops as eo
from ecomops.metrics.shelves import carried, on_hand

LAST = date(2025, 6, 10)
ORDERS = pd.DataFrame(
    {
        "order_id": ["1", "2", "3", "0"],
        "created_at": ["2025-06-09", "2025-06-10", "2025-06-10", "2025-05-01"],
        "paid_amount": [300.0, 100.0, 100.0, 900.0],
    }
)
LINES = pd.DataFrame(
    {
        "order_id": ["1", "2", "3", "0"],
        "product_id": ["a", "b", "c", "b"],
        "product_name": ["A", "B", "C", "B"],
        "quantity": [3, 1, 2, 9],
        "line_paid_amount": [300.0, 100.0, 100.0, 900.0],
    }
)
SKUS = pd.DataFrame(
    {
        "sku_id": ["a1", "a2", "b1"],
        "product_id": ["a", "a", "b"],
        "sku_code": "x",
        "sku_name": "x",
        "price": 1.0,
    }
)
SHOTS = pd.DataFrame(
    {
        "date": [LAST, LAST, LAST, date(2025, 6, 1), date(2025, 6, 11)],
        "sku_id": ["a1", "a2", "b1", "a1", "b1"],
        "on_hand": [9, 4, 7, 99, 999],
        "available": [5, None, -2, 99, 999],
        "inbound": [0, 2, None, 99, 999],
    }
)


def shop(**tables):
    return eo.open({"orders": ORDERS, **tables}, currency="CNY")


WHOLE = {"order_lines": LINES, "product_skus": SKUS, "inventory_snapshots": SHOTS}


def test_the_last_day_counts_what_can_be_sold_and_what_is_coming() -> None:
    """a: 5 available, and 4 on hand with 2 inbound where no availability is told; b: 2 short."""
    assert on_hand(shop(**WHOLE), LAST).sort_index().to_dict() == {"a": 11, "b": -2}
    assert on_hand(shop(**WHOLE), date(2025, 6, 5)).to_dict() == {"a": 198}


@pytest.mark.parametrize("gone", ["product_skus", "inventory_snapshots"])
def test_without_snapshots_nothing_is_known(gone: str) -> None:
    tables = {name: rows for name, rows in WHOLE.items() if name != gone}
    assert on_hand(shop(**tables), LAST) is None
    assert carried(shop(**tables), 1000, LAST, date(2025, 6, 1)) is None


def test_before_the_first_snapshot_nothing_is_known() -> None:
    assert on_hand(shop(**WHOLE), date(2025, 5, 1)) is None


def test_without_lines_nothing_is_carried() -> None:
    tables = {name: rows for name, rows in WHOLE.items() if name != "order_lines"}
    assert carried(shop(**tables), 1000, LAST, date(2025, 6, 1)) is None
    assert carried(shop(**WHOLE), 1000, LAST, date(2025, 7, 1)) is None


def test_stock_carries_its_share_of_a_sum_by_hand() -> None:
    """Since 1 June a has 60 %, b and c 20 % each.

    Of 2,000 a is due 1,200 and has 11 x 100; b is due 400 and has none; c has no snapshot and
    carries all of its 400.
    """
    found = carried(shop(**WHOLE), 2000, LAST, date(2025, 6, 1))
    assert found["product_id"].tolist() == ["b", "a", "c"]  # the largest shortage first
    assert found["share"].tolist() == pytest.approx([0.2, 0.6, 0.2])
    assert found["due"].tolist() == pytest.approx([400, 1200, 400])
    assert found["carried"].tolist() == pytest.approx([0, 1100, 400])
    less = carried(shop(**WHOLE), 1000, LAST, date(2025, 6, 1)).set_index("product_id")
    assert less.loc["a", "carried"] == pytest.approx(600)  # never more than is due
