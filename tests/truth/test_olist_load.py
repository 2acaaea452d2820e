"""Olist against truth.json, which was computed with pandas from the same eight files."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import ibis
import pytest

from ecomops.data.formats import load

if TYPE_CHECKING:
    from pathlib import Path

    from ecomops.data.formats import Loaded


@pytest.fixture(scope="module")
def truth(shared: Path) -> dict[str, Any]:
    return json.loads((shared / "data/olist_sample_8k/truth.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def loaded(shared: Path) -> Loaded:
    return load(shared / "data/olist_sample_8k", con=ibis.duckdb.connect())


def _delivered(loaded: Loaded) -> ibis.Table:
    orders = loaded.tables["orders"]
    done = orders.filter(orders.order_status == "completed").select(
        "order_id", at=orders.created_at
    )
    return loaded.tables["order_lines"].inner_join(done, "order_id")


def test_delivered_revenue_is_not_fanned_out_by_payments(
    loaded: Loaded, truth: dict[str, Any]
) -> None:
    total = _delivered(loaded).line_paid_amount.sum().to_pandas()
    assert total == Decimal("723118.76") == Decimal(str(truth["revenue_price_delivered"]))
    assert float(total) != truth["naive_join_fanout_revenue_items_x_payments"]


def test_delivered_revenue_by_month(loaded: Loaded, truth: dict[str, Any]) -> None:
    lines = _delivered(loaded)
    by = (
        lines.group_by(month=lines["at"].strftime("%Y-%m"))
        .aggregate(a=lines.line_paid_amount.sum())
        .to_pandas()
    )
    expected = {m: Decimal(str(v)) for m, v in truth["monthly_revenue_price_delivered"].items()}
    assert dict(zip(by["month"], by["a"], strict=True)) == expected


def test_one_row_per_order_with_all_its_payments(loaded: Loaded, truth: dict[str, Any]) -> None:
    orders = loaded.tables["orders"]
    assert orders.count().to_pandas() == orders.order_id.nunique().to_pandas() == truth["orders"]
    assert orders.paid_amount.sum().to_pandas() == Decimal(str(truth["payments_total"]))
    assert loaded.tables["order_lines"].count().to_pandas() == truth["items"]


def test_customers_are_people_not_orders(loaded: Loaded, truth: dict[str, Any]) -> None:
    orders = loaded.tables["orders"]
    assert orders.customer_id.nunique().to_pandas() == truth["customers_unique"]
    assert loaded.tables["customers"].count().to_pandas() == truth["customers_unique"]
    done = orders.filter(orders.order_status == "completed")
    by = done.group_by("customer_id").aggregate(n=done.count())
    assert by.count().to_pandas() == truth["delivered_customers"]
    assert (
        by.filter(by.n >= 2).count().to_pandas() == truth["repeat_customers_ge2_delivered_orders"]
    )


def test_status_words_are_mapped_and_kept(loaded: Loaded, truth: dict[str, Any]) -> None:
    orders = loaded.tables["orders"]
    raw = orders.group_by("order_status_raw").aggregate(n=orders.count()).to_pandas()
    assert dict(zip(raw["order_status_raw"], raw["n"], strict=True)) == truth["status_counts"]
    assert not orders.filter(orders.order_status == "unknown").count().to_pandas()


def test_categories_are_translated(loaded: Loaded, truth: dict[str, Any]) -> None:
    products = loaded.tables["products"].select("product_id", "category_l1")
    lines = _delivered(loaded).inner_join(products, "product_id")
    by = lines.group_by("category_l1").aggregate(a=lines.line_paid_amount.sum())
    top = by.filter(by.category_l1.notnull()).order_by(ibis.desc("a")).limit(10).to_pandas()
    expected = {c: Decimal(str(v)) for c, v in truth["top10_categories_price_delivered"].items()}
    assert dict(zip(top["category_l1"], top["a"], strict=True)) == expected


def test_freight_is_summed_per_order(loaded: Loaded, truth: dict[str, Any]) -> None:
    orders = loaded.tables["orders"]
    done = orders.filter(orders.order_status == "completed")
    assert done.shipping_fee.sum().to_pandas() == Decimal(str(truth["freight_delivered"]))
    states = (
        done.group_by("receiver_province")
        .aggregate(n=done.count())
        .order_by(ibis.desc("n"))
        .limit(5)
    )
    found = states.to_pandas()
    assert (
        dict(zip(found["receiver_province"], found["n"], strict=True))
        == truth["top5_states_delivered_orders"]
    )


def test_reviews_keep_their_scores(loaded: Loaded, truth: dict[str, Any]) -> None:
    mean = loaded.tables["reviews"].rating.mean().to_pandas()
    assert mean == pytest.approx(truth["mean_review_score_all"], abs=5e-9)


def test_what_no_column_of_ours_holds_is_kept_and_can_be_joined(
    loaded: Loaded, truth: dict[str, Any]
) -> None:
    """Truth: late deliveries and what their customers say; the day promised is an extra column."""
    promised = loaded.extras["orders"].select(
        "order_id", promised=ibis._.order_estimated_delivery_date.cast("timestamp")
    )
    orders = loaded.tables["orders"].inner_join(promised, "order_id")
    done = orders.filter(orders.order_status == "completed", orders.completed_at.notnull())
    done = done.select("order_id", late=done.completed_at > done.promised)
    assert done.late.mean().to_pandas() == pytest.approx(truth["late_rate"], abs=5e-9)
    told = loaded.tables["reviews"].inner_join(done, "order_id")
    means = told.group_by("late").aggregate(mean=told.rating.mean()).to_pandas()
    assert dict(zip(means["late"], means["mean"], strict=True)) == pytest.approx(
        {True: truth["mean_review_late"], False: truth["mean_review_on_time"]}, abs=5e-9
    )
