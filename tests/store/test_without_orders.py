"""A shop with order lines only: every analysis names the table that would unlock it."""

from __future__ import annotations

import pandas as pd
import pytest

import ecomops as eo

WHOLE = [
    eo.store.forecast,
    eo.store.monitor,
    eo.store.scorecard,
    eo.store.drivers,
    eo.customer.activation,
    eo.customer.winback,
    eo.customer.tiers,
    eo.customer.targeting,
    eo.campaign.calendar,
    eo.campaign.promotion,
    eo.campaign.pacing,
    eo.campaign.brief,
    eo.campaign.roadmap,
    eo.product.inventory,
    eo.product.selection,
    eo.product.stock,
]
PARTS = [eo.customer.rfm, eo.customer.cohorts, eo.customer.repeat]


def shop() -> eo.Shop:
    lines = {"order_line_id": ["1"], "order_id": ["o"], "product_id": ["p"], "quantity": [1]}
    return eo.open({"order_lines": pd.DataFrame(lines | {"line_paid_amount": [9.0]})})


@pytest.mark.parametrize("analysis", [*WHOLE, *PARTS], ids=lambda a: a.__name__)
def test_the_missing_table_is_named(analysis):
    bare = shop()
    made = analysis(bare if analysis in WHOLE else bare.get("orders"))
    assert made.locked
    assert "orders" in made.explain("zh")
    assert "orders" in made.explain("en")


def test_the_chinese_error_holds_no_english_sentence():
    with pytest.raises(eo.MissingError) as error:
        _ = shop().orders
    assert "one row per" not in error.value.message("zh")
    assert "orders" in error.value.message("zh")
