"""Only aggregates leave the engine: the rows that any analysis pulls out are counted."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ibis.backends.duckdb import Backend

import ecomops as eo

ROOT = Path(__file__).parent.parent
MOST = 4_000  # distinct journeys; the demo's fact tables have 20,000 to 46,000 rows
ANALYSES = {
    "store.scorecard": eo.store.scorecard,
    "store.drivers": lambda shop: eo.store.drivers(shop, before="2025-10", after="2025-11"),
    "store.check": lambda shop: shop.check(),
    "customer.rfm": lambda shop: eo.customer.rfm(shop.orders),
    "customer.cohorts": lambda shop: eo.customer.cohorts(shop.orders),
    "customer.repeat": lambda shop: eo.customer.repeat(shop.orders),
    "customer.tiers": eo.customer.tiers,
    "customer.activation": eo.customer.activation,
    "customer.winback": eo.customer.winback,
    "product.pareto": lambda shop: eo.product.pareto(shop.order_lines),
    "channel.traffic": lambda shop: eo.channel.traffic(shop.traffic_daily),
    "channel.attribution": lambda shop: eo.channel.attribution(shop.touchpoints),
}


@pytest.mark.parametrize("name", ANALYSES)
def test_an_analysis_pulls_out_aggregates_only(
    name: str, demo: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulled: list[int] = []
    for method in ("execute", "to_pyarrow", "to_polars"):
        original = getattr(Backend, method)

        def counted(self: Any, *args: Any, _original: Any = original, **options: Any) -> Any:
            rows = _original(self, *args, **options)
            pulled.append(len(rows) if hasattr(rows, "__len__") else 1)
            return rows

        monkeypatch.setattr(Backend, method, counted)
    result = ANALYSES[name](demo)
    assert not result.locked
    assert pulled
    assert max(pulled) <= MOST


def test_rows_leave_the_engine_through_one_function() -> None:
    """Elsewhere in the analyses nobody calls the engine's own ways out."""
    # a line that begins with >>> is an example, not the library
    ways_out = re.compile(r"(?m)^(?! *>>>).*\.((to_pandas|to_polars|to_pyarrow\w*)\(|execute\(\))")
    layers = ("metrics", "store", "product", "channel", "customer", "campaign", "report")
    found = {
        str(path.relative_to(ROOT))
        for layer in layers
        for path in sorted((ROOT / "ecomops" / layer).rglob("*.py"))
        if ways_out.search(path.read_text(encoding="utf-8"))
    }
    assert found == set()
