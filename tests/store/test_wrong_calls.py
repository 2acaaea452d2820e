"""Slips of the pen that any analysis may be given: a message instead of an accident."""

from __future__ import annotations

import inspect
from datetime import date

import pytest

import ecomops as eo
from ecomops.base.errors import OptionError

ELEMENTS = (eo.product, eo.channel, eo.customer, eo.campaign, eo.store)
DATED = {
    f"{element.__name__.rpartition('.')[2]}.{name}": getattr(element, name)
    for element in ELEMENTS
    for name in element.__all__
    if "as_of" in inspect.signature(getattr(element, name)).parameters
}


@pytest.fixture(scope="module")
def shop():
    return eo.open("demo")


@pytest.mark.parametrize("name", DATED)
def test_a_day_that_does_not_exist_is_refused(name, shop):
    given = {"shop": shop, "outcomes": None}
    first = next(iter(inspect.signature(DATED[name]).parameters))
    whole = {"target": 1.0} if name == "store.target" else {}
    source = given[first] if first in given else shop.tables[first]
    with pytest.raises(OptionError, match="2025-13-01") as caught:
        DATED[name](source, as_of="2025-13-01", **whole)
    assert caught.value.code == "not_a_day"


def test_a_day_may_be_text(shop):
    text, day = (eo.store.monitor(shop, as_of=at) for at in ("2025-10-31", date(2025, 10, 31)))
    assert text.table.equals(day.table)
    assert text.basis.end == date(2025, 10, 31)


def test_decide_takes_results_and_no_shop(shop):
    with pytest.raises(OptionError, match="Shop"):
        eo.store.decide(shop)


def test_a_table_is_no_result(shop):
    assert eo.store.decide(eo.product.pareto(shop.order_lines).table).locked
