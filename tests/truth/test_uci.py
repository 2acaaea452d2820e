"""UCI Online Retail through the public door: monthly revenue, rows and cancellations.

Truth: ``truth.json`` beside the file, computed with pandas from the raw rows. S1 keeps guests, S2
is S1 with a customer.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

import ecomops as eo
from ecomops import metrics
from ecomops.data.tables import frame
from ecomops.product import pareto
from ecomops.store import check, drivers, scorecard

UCI = "data/online_retail_uci"


@pytest.fixture(scope="module")
def truth(shared) -> dict[str, Any]:
    return json.loads((shared / UCI / "truth.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def shop(shared) -> Any:
    return eo.open(shared / UCI / "online_retail.parquet", format="uci")


def cents(values: dict[str, float]) -> dict[str, Decimal]:
    return {month: Decimal(str(value)).quantize(Decimal("0.01")) for month, value in values.items()}


def test_monthly_revenue_with_guests_is_s1_to_the_cent(shop, truth) -> None:
    got = metrics.compute(shop, "pay_amount").set_index("period")["value"].to_dict()
    assert cents(got) == cents(truth["monthly_revenue_S1"])
    assert sum(got.values()) == pytest.approx(truth["revenue_S1"], abs=0.001)


def test_monthly_revenue_of_known_customers_is_s2_to_the_cent(shop, truth) -> None:
    known = eo.open(
        {"orders": shop.orders.filter(shop.orders.customer_id.notnull())}, currency="GBP"
    )
    got = metrics.compute(known, "pay_amount").set_index("period")["value"].to_dict()
    assert cents(got) == cents(truth["monthly_revenue_S2"])


def test_active_and_new_customers_of_each_month(shop, truth) -> None:
    rows = metrics.compute(shop, "repeat_buyer_share").set_index("period")
    assert rows["denominator"].astype(int).to_dict() == truth["monthly_active_customers_S2"]
    new = rows["denominator"] - rows["numerator"]
    assert new.astype(int).to_dict() == truth["monthly_new_customers_S2"]


def test_orders_and_order_value(shop, truth) -> None:
    year = metrics.compute(shop, ["pay_orders", "aov_order"])
    added = metrics.total(year).set_index("metric")
    assert added.loc["pay_orders", "value"] == truth["orders_S1"]
    assert added.loc["aov_order", "numerator"] == pytest.approx(truth["revenue_S1"], abs=0.001)


def test_order_value_and_pieces_of_known_customers(shop, truth) -> None:
    known = shop.orders.filter(shop.orders.customer_id.notnull())
    lines = shop.order_lines.semi_join(known, "order_id")
    only = eo.open({"orders": known, "order_lines": lines}, currency="GBP")
    added = metrics.total(metrics.compute(only, ["aov_order", "asp"])).set_index("metric")
    assert added.loc["aov_order", "value"] == pytest.approx(truth["aov_S2"], abs=1e-6)
    pieces = added.loc["asp", "denominator"] / truth["orders_S2"]
    assert pieces == pytest.approx(truth["items_per_order_S2"], abs=1e-6)


def test_products_by_pieces(shop, truth) -> None:
    rows = pareto(shop.order_lines, value="quantity").table.head(10)
    assert (
        dict(zip(rows["item"], rows["amount"], strict=True)) == truth["top10_stockcode_quantity_S1"]
    )


def test_rows_and_cancellations_are_all_accounted_for(shop, truth) -> None:
    """Every one of the 541,909 rows is a line of a sale, a cancellation, or left out by name."""
    problems = {p.code: p for p in shop.problems}
    dropped = sum(p.count for p in shop.problems if p.action == "dropped")
    lines = int(frame(shop.order_lines.aggregate(n=shop.order_lines.count()))["n"].iloc[0])
    assert lines == truth["rows_S1"]
    assert problems["cancellation"].count == truth["cancel_rows"]
    assert problems["stock_correction"].count == truth["negative_qty_not_cancel_rows"]
    assert lines + truth["cancel_rows"] + dropped == truth["rows"]


def test_the_last_month_is_partial_and_not_compared(shop, truth) -> None:
    card = scorecard(shop)
    rows = card.table[card.table["metric"] == "pay_amount"].set_index("period")
    assert rows["partial"].to_dict() == {m: m == "2011-12" for m in truth["monthly_revenue_S1"]}
    assert rows["change"].isna()[["2011-12", "2010-12"]].all()
    before, after = (truth["monthly_revenue_S1"][m] for m in ("2011-10", "2011-11"))
    assert rows.loc["2011-11", "change"] == pytest.approx(after / before - 1)
    assert card.params["answer"] == "2011-11"
    assert "net_sales" not in set(card.table["metric"])  # no order carries a refund here


def test_drivers_without_traffic_add_up_to_the_change_of_revenue(shop, truth) -> None:
    moved = drivers(shop)
    assert list(moved.table["factor"]) == ["buyers", "frequency", "order_value"]
    before, after = (truth["monthly_revenue_S1"][m] for m in ("2011-10", "2011-11"))
    assert moved.table["contribution"].sum() == pytest.approx(after - before, abs=0.001)


def test_the_quality_report_counts_what_the_truth_counts(shop, truth) -> None:
    rows = check(shop).table.set_index("item")["count"]
    assert rows["duplicate_row"] == truth["exact_duplicate_rows"]
    assert rows["stock_correction"] == truth["negative_qty_not_cancel_rows"]
    assert rows["cancellation"] == truth["cancel_rows"]
