"""What an analysis says of a day is what it says of a shop whose records end on that day."""

from __future__ import annotations

import inspect
from datetime import date
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import ibis
import pandas as pd
import pytest

import ecomops as eo
from ecomops.data.tables import YES

if TYPE_CHECKING:
    from collections.abc import Callable

ELEMENTS = ("store", "product", "channel", "customer", "campaign")
DAY = date(2025, 10, 10)
CLOCKS = ("date", "created_at", "event_time", "sent_at", "exposed_at", "started_at", "posted_at")
NO_SHOP = ("store.review",)
TABLE = {
    "customer.rfm": "orders",
    "customer.cohorts": "orders",
    "customer.repeat": "orders",
    "channel.traffic": "traffic_daily",
    "channel.attribution": "touchpoints",
}


def call(analysis: str) -> Callable[..., Any]:
    element, name = analysis.split(".")
    return getattr(import_module(f"ecomops.{element}"), name)


def dated() -> list[str]:
    """Return every public analysis that can be asked what it said on a day."""
    public = {e: import_module(f"ecomops.{e}").__all__ for e in ELEMENTS}
    found = [f"{e}.{name}" for e in ELEMENTS for name in public[e] if name.islower()]
    asked = [a for a in found if "as_of" in inspect.signature(call(a)).parameters]
    return [a for a in asked if a not in NO_SHOP]


@cache
def shops() -> tuple[eo.Shop, eo.Shop]:
    """Return the demo shop, and the same shop with everything of later days dropped."""
    whole = eo.open("demo")
    kept = whole.orders.filter(whole.orders.created_at.date() <= ibis.literal(DAY))
    tables = {}
    for name, t in whole.tables.items():
        clock = next((c for c in CLOCKS if c in t.columns), None)
        early = t.semi_join(kept, "order_id") if name == "order_lines" else t
        if clock and name != "order_lines":
            early = t.filter((t[clock].cast("date") <= ibis.literal(DAY)).fill_null(YES))
        tables[name] = early.to_pandas()
    return whole, eo.open(tables, currency=whole.currency)


@pytest.mark.slow
@pytest.mark.parametrize("analysis", dated())
def test_a_day_in_the_past_is_told_without_what_came_later(analysis: str) -> None:
    whole, cut = shops()
    table = TABLE.get(analysis)
    then, alone = (
        call(analysis)(shop.get(table) if table else shop, as_of=DAY) for shop in (whole, cut)
    )
    assert not alone.locked
    pd.testing.assert_frame_equal(then.table, alone.table, check_dtype=False, rtol=1e-9)
    told = {f.code: said for f, said in zip(then.findings(), then.sentences(), strict=True)}
    told.pop("later", None)  # that there are later orders
    assert list(told.values()) == alone.sentences()
    assert advice(then) == pytest.approx(advice(alone), nan_ok=True)


def advice(result: Any) -> dict[str, float]:
    """Return what each advice is worth; missing where nobody knows."""
    found = result.propose()
    return {f"{a.code} {a.subject}": a.value.mid if a.value else float("nan") for a in found}
