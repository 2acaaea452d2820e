"""The quality of a shop's data by hand: doubles, gaps in time, lone days, tables without orders."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
import pytest

import ecomops as eo
from ecomops.data.quality import contradictions, duplicates, line_problems, quality
from ecomops.data.tables import table as door

START = date(2025, 1, 1)


def orders(days: list[int], **columns: object) -> pd.DataFrame:
    """Return one order on each of `days`, counted from New Year."""
    at = [pd.Timestamp(START + timedelta(days=d)) for d in days]
    ids = [f"o{i}" for i in range(len(days))]
    made = {"order_id": ids, "paid_at": at, "paid_amount": 10.0, "currency": "CNY"}
    return pd.DataFrame(made | columns)


def found(frame: pd.DataFrame, **tables: object) -> dict[str, tuple[int, tuple[str, ...]]]:
    shop = eo.open({"orders": frame, **tables})
    return {p.code: (p.count, p.examples) for p in quality(shop).problems}


def test_days_between_the_first_and_the_last_sale_and_the_quiet_ones() -> None:
    result = quality(eo.open({"orders": orders([0, 0, 1, 5])}))
    assert (result.days, result.quiet_days) == (6, 3)
    assert result.rows == {"orders": 4}
    assert result.problems == ()


def test_a_year_mistyped_is_far_from_all_others() -> None:
    """200 days of sales and one 61 days after the last: one order in 201, fewer than 1 %."""
    many = list(range(200))
    assert found(orders([*many, 199 + 61])) == {"lone_dates": (1, ("2025-09-18",))}
    assert found(orders([*many, 199 + 60])) == {}
    early = orders([0, *(61 + d for d in many)])
    assert found(early) == {"lone_dates": (1, ("2025-01-01",))}
    assert found(orders([0, 100])) == {}  # half of all sales is no typing error


def test_no_sale_at_all_has_no_days() -> None:
    unpaid = orders([0, 1], order_status="closed_unpaid")
    lines = pd.DataFrame({"order_id": ["x"], "quantity": 1, "line_paid_amount": [1.0]})
    goods = pd.DataFrame({"product_id": ["p"], "product_name": "n"})
    shop = eo.open({"order_lines": lines, "products": goods})
    assert (quality(shop).days, quality(shop).quiet_days) == (0, 0)
    assert duplicates(door(unpaid, "orders"), "orders")[0].count == 0


def test_rows_without_a_key_are_no_doubles() -> None:
    """`products` by their id: p twice, one without; a table whose key is empty throughout: none.

    Nor is a customer who got two messages of which nobody told the number.
    """
    rows = pd.DataFrame({"product_id": ["p", "p", None, "q", None], "product_name": "n"})
    (problem,) = duplicates(door(rows, "products"), "products")
    assert (problem.count, problem.examples) == (1, ("p",))
    empty = pd.DataFrame({"product_id": [None, None], "product_name": "n"})
    assert duplicates(door(empty, "products"), "products")[0].count == 0
    sends = pd.DataFrame({"customer_id": ["a", "a"], "sent_at": "2025-01-01", "is_holdout": False})
    assert duplicates(door(sends, "message_sends"), "message_sends")[0].count == 0


def test_contradictions_are_counted_with_examples() -> None:
    frame = orders(
        [0, 1, 2, 3, 4],
        refund_amount=[0.0, 10.0, 10.01, None, 0.0],
        paid_amount=[10.0, 10.0, 10.0, 10.0, -1.0],
        created_at=pd.to_datetime(["2025-01-01", "2025-01-03", None, None, None]),
    )
    got = {p.code: (p.count, p.examples) for p in contradictions(door(frame, "orders"))}
    assert got == {
        "refund_over_paid": (1, ("o2",)),
        "negative_paid": (1, ("o4",)),
        "paid_before_created": (1, ("o1",)),
    }


def test_a_status_that_nothing_knows_is_told_because_it_counts_as_a_sale() -> None:
    """`UNPAID` is not `unpaid`: such an order would be sold in silence."""
    frame = orders([0, 1, 2, 3], order_status=["completed", "UNPAID", "交易关闭", None])
    (found,) = contradictions(door(frame, "orders"))
    assert (found.code, found.count) == ("unknown_status", 2)
    assert found.examples == ("UNPAID", "交易关闭")


@pytest.mark.parametrize(
    ("amount", "fee", "differ"),
    [(10.0, 0.0, 0), (10.05, 0.0, 0), (10.06, 0.0, 1), (16.0, 6.0, 0), (16.0, 5.0, 1)],
)
def test_lines_add_up_to_what_was_paid_with_or_without_shipping(amount, fee, differ) -> None:
    """Lines of 4 and 6 make 10; five cents are rounding."""
    paid = orders([0], paid_amount=[amount], shipping_fee=[fee])
    lines = pd.DataFrame({"order_id": ["o0", "o0"], "quantity": 1, "line_paid_amount": [4.0, 6.0]})
    got = line_problems(door(paid, "orders"), door(lines, "order_lines"))
    assert sum(p.count for p in got if p.code == "lines_differ") == differ


def test_lines_without_orders_and_orders_without_lines() -> None:
    lines = pd.DataFrame({"order_id": ["o0", "zz"], "quantity": 1, "line_paid_amount": 10.0})
    got = line_problems(door(orders([0, 1]), "orders"), door(lines, "order_lines"))
    assert {p.code: p.examples for p in got} == {"without_lines": ("o1",), "without_order": ("zz",)}
