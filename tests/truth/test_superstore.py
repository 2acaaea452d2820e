"""Superstore through the public door: years, best products, segments, cohorts, repeat rate.

Truth: ``truth.json`` beside the file, computed with pandas from the raw rows, with returned orders
kept as sales; returns become refunds here, so what rests on purchases is held against the orders
without their refunds.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

import ecomops as eo
from ecomops import metrics
from ecomops.customer import cohorts, repeat, rfm
from ecomops.data.tables import frame
from ecomops.product import pareto


@pytest.fixture(scope="module")
def truth(shared) -> dict[str, Any]:
    return json.loads((shared / "data/superstore/truth.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def shop(shared) -> Any:
    return eo.open(shared / "data/superstore/Sample - Superstore.xls")


@pytest.fixture(scope="module")
def orders(shop) -> Any:
    """Return the orders as the truth counts them: whatever was sold, returned or not."""
    rows = frame(shop.orders)
    return rows.assign(refund_amount=0.0, order_status="completed")


def test_each_year_to_the_cent(shop, truth) -> None:
    rows = metrics.compute(shop, "pay_amount", period="year").set_index("period")
    assert rows["value"].to_dict() == pytest.approx(truth["yearly_sales"], abs=0.01)
    assert rows["value"].sum() == pytest.approx(truth["sales"], abs=0.01)


def test_the_best_products_in_order(shop, truth) -> None:
    """Two products may share a name here and one product two names: the id decides."""
    rows = pareto(shop.order_lines).table.head(10)
    assert rows["item"].tolist() == list(truth["top10_products"])
    assert rows["amount"].tolist() == pytest.approx(list(truth["top10_products"].values()))


def test_rfm_quantiles(orders, truth) -> None:
    rows = rfm(orders).customers.to_pandas().astype({"monetary": float})
    rows["recency_days"] += 1  # to the day after the last
    assert len(rows) == truth["rfm"]["customers"]
    for letter, column in (("R", "recency_days"), ("F", "frequency"), ("M", "monetary")):
        wanted = dict(truth["rfm"][letter])
        assert rows[column].sum() == pytest.approx(wanted.pop("sum"), abs=0.01)
        assert rows[column].mean() == pytest.approx(wanted.pop("mean"), abs=0.01)
        for name, value in wanted.items():
            assert rows[column].quantile(int(name[1:]) / 100) == pytest.approx(value, abs=0.01)


def test_repeat_rate(orders, truth) -> None:
    assert 1 - repeat(orders).params["one_time"] == pytest.approx(truth["repeat_rate"], abs=5e-9)


def test_pooled_retention(orders, truth) -> None:
    table = cohorts(orders).table
    own = table[(table["cohort"] != "all") & (table["observed"] != "none")]
    for name, wanted in truth["pooled_retention"].items():
        at = own[own["age"] == int(name[1:])]
        assert at["active"].sum() / at["size"].sum() == pytest.approx(wanted, abs=5e-9)
