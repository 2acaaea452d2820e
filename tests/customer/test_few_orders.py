"""A handful of orders: no sentence without its number, no empty chart."""

from __future__ import annotations

import pandas as pd
import pytest

import ecomops as eo


@pytest.fixture(scope="module")
def shop() -> eo.Shop:
    """Return two customers with an order each, on two days."""
    orders = {
        "order_id": ["1", "2"],
        "customer_id": ["a", "b"],
        "paid_at": pd.to_datetime(["2025-10-22 10:00", "2025-10-23 10:00"]),
        "paid_amount": [30.0, 40.0],
        "currency": "USD",
    }
    lines = {
        "order_line_id": ["1", "2"],
        "order_id": ["1", "2"],
        "product_id": ["p", "p"],
        "quantity": [1, 1],
        "line_paid_amount": [30.0, 40.0],
    }
    return eo.open({"orders": pd.DataFrame(orders), "order_lines": pd.DataFrame(lines)})


LOCKED = {
    "rfm": eo.customer.rfm,
    "cohorts": eo.customer.cohorts,
    "repeat": eo.customer.repeat,
    "pareto": eo.product.pareto,
    "traffic": eo.channel.traffic,
    "attribution": eo.channel.attribution,
}


@pytest.mark.parametrize("name", LOCKED)
def test_without_a_table_nothing_is_found_and_the_chart_says_what_is_missing(name):
    made = LOCKED[name](None, lang="en")
    assert made.locked
    assert made.findings() == made.actions() == ()
    assert made.sentences() == []
    assert [text.get_text() for text in made.plot().texts] == [made.explain()]


def test_too_little_to_answer_is_locked(shop):
    locked = [
        eo.customer.repeat(shop.orders),
        eo.customer.cohorts(shop.orders),
        eo.customer.winback(shop),
        eo.store.decide([eo.customer.repeat(shop.orders)]),
    ]
    for made in locked:
        assert made.locked, made.code
        for lang in ("zh", "en"):
            assert made.in_language(lang)._repr_html_()


def test_what_is_answered_has_its_numbers(shop):
    for made in (
        eo.customer.rfm(shop.orders),
        eo.customer.tiers(shop),
        eo.campaign.promotion(shop),
    ):
        said = made.explain("en") + made._repr_html_().partition("<table")[0]
        assert "n/a" not in said, made.code
        assert "1–0" not in said


def test_nobody_returned_gives_no_test_without_people(shop):
    advice = eo.customer.repeat(shop.orders).actions()
    assert advice == ()


def test_a_second_order_on_the_day_of_the_first_gives_no_days_to_remind_on():
    """A quarter of those who return are known to, half are not: it ended in a traceback."""
    at = pd.to_datetime([f"2024-02-29 {hour:02d}:00" for hour in (9, 10, 11)])
    orders = pd.DataFrame({"order_id": list("123"), "customer_id": "c", "created_at": at})
    found = eo.customer.activation(eo.open({"orders": orders.assign(paid_amount=5.0)}))
    assert [finding.code for finding in found.findings()] == ["nobody"]
    assert found.actions() == ()
