"""The metrics a page speaks of, with formula and variant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ecomops.metrics import catalogue

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# what analyses without a column `metric` speak of
SPOKEN = {
    "store.drivers": ("pay_amount", "visitors", "cvr_pay", "aov_buyer", "pay_buyers", "aov_order"),
    "channel.traffic": ("visitors", "cvr_pay", "uv_value"),
    "customer.rfm": ("net_sales", "pay_buyers"),
    "customer.repeat": ("repurchase_rate",),
    "product.pareto": ("pay_amount",),
}


def codes(results: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the codes of the metrics that results speak of, in the catalogue's order."""
    said: set[str] = set()
    for result in results:
        said.update(SPOKEN.get(result["code"], ()), result.get("metrics", ()))
    return [code for code in catalogue() if code in said]


def rows(results: Iterable[Mapping[str, Any]], lang: str) -> list[dict[str, str]]:
    """Return Chinese and English name, formula and variant of each metric on the page."""
    known = [catalogue()[code] for code in codes(results)]
    return [
        {
            "zh": each.names["zh"],
            "en": each.names["en"],
            "formula": each.formula[lang],
            "variant": each.variant.get(lang, ""),
        }
        for each in known
    ]
