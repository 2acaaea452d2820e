"""Rows that repeat a key count twice: refused where a table comes alone, told of in a shop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import ecomops as eo

if TYPE_CHECKING:
    from collections.abc import Callable

ORDERS = {
    "order_id": ["1", "2", "3", "4"],
    "customer_id": ["a", "a", "b", "b"],
    "paid_amount": [5.0, 7.0, 9.0, 11.0],
    "created_at": pd.to_datetime(["2025-01-31", "2025-02-03", "2025-02-03", "2025-03-05"]),
}
LINES = {
    "order_id": ["1", "1", "2"],
    "order_line_id": ["1", "2", "1"],  # numbered within each order: no line comes twice
    "product_id": ["p", "q", "q"],
    "quantity": [1, 1, 1],
    "line_paid_amount": [5.0, 5.0, 7.0],
}


@pytest.mark.parametrize("ask", [eo.customer.rfm, eo.customer.cohorts, eo.customer.repeat])
def test_orders_exported_twice_are_refused_on_every_engine(
    ask: Callable[..., Any], table: Callable[..., Any]
) -> None:
    once = pd.DataFrame(ORDERS)
    with pytest.raises(eo.DataError) as refused:
        ask(table(pd.concat([once, once.iloc[:2]], ignore_index=True)))
    assert refused.value.code == "repeated_key"
    assert "order_id" in str(refused.value)
    assert refused.value.values["count"] == 2
    assert refused.value.values["examples"] == ["1", "2"]
    assert ask(table(once)).basis.n > 0


def test_lines_that_pass_for_orders_are_refused() -> None:
    """Frequency would be the number of lines: 3 and 1 in place of 2 and 1 orders."""
    lines = pd.DataFrame(ORDERS).assign(order_id=["1", "1", "2", "3"])
    with pytest.raises(eo.DataError, match=r"lines? of an order|商品明细"):
        eo.customer.rfm(lines)


@pytest.mark.parametrize("ask", [eo.product.pareto, eo.product.price])
def test_lines_are_known_by_their_order_and_their_number(ask: Callable[..., Any]) -> None:
    once = pd.DataFrame(LINES)
    assert ask(once) is not None
    assert ask(pd.concat([once, once]).drop(columns="order_line_id")) is not None  # nobody can tell
    with pytest.raises(eo.DataError) as refused:
        ask(pd.concat([once, once]))
    assert refused.value.code == "repeated_key"
    assert refused.value.values["count"] == 3


def test_orders_without_a_number_repeat_none() -> None:
    rows = pd.DataFrame(ORDERS).assign(order_id=[None, None, "1", "2"])
    assert eo.customer.rfm(rows).basis.n == 2


def test_a_shop_tells_of_them_and_stays_open() -> None:
    once = pd.DataFrame(ORDERS)
    shop = eo.open({"orders": pd.concat([once, once], ignore_index=True)})
    told = [f for f in shop.check(lang="en").sentences() if "key twice" in f]
    assert len(told) == 1
    assert eo.customer.rfm(shop.orders).basis.n == 2
