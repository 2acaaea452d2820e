"""UCI Online Retail against truth.json, which was computed with pandas from the same rows."""

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
    return json.loads((shared / "data/online_retail_uci/truth.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def loaded(shared: Path) -> Loaded:
    return load(shared / "data/online_retail_uci/online_retail.parquet", con=ibis.duckdb.connect())


def _by_month(table: ibis.Table, amount: str) -> dict[str, Decimal]:
    month = table.created_at.strftime("%Y-%m")
    found = table.group_by(month=month).aggregate(a=table[amount].sum()).to_pandas()
    return dict(zip(found["month"], found["a"], strict=True))


def _exact(values: dict[str, float]) -> dict[str, Decimal]:
    return {month: Decimal(str(value)) for month, value in values.items()}


def test_lines_and_orders_are_those_of_the_definition_s1(
    loaded: Loaded, truth: dict[str, Any]
) -> None:
    lines, orders = loaded.tables["order_lines"], loaded.tables["orders"]
    assert lines.count().to_pandas() == truth["rows_S1"]
    assert orders.count().to_pandas() == truth["orders_S1"]
    known = orders.filter(orders.customer_id.notnull())
    assert known.count().to_pandas() == truth["orders_S2"]
    assert known.customer_id.nunique().to_pandas() == truth["customers_S2"]


def test_revenue_by_month_is_exact_to_the_last_digit(loaded: Loaded, truth: dict[str, Any]) -> None:
    assert _by_month(loaded.tables["order_lines"], "line_paid_amount") == _exact(
        truth["monthly_revenue_S1"]
    )
    orders = loaded.tables["orders"]
    known = orders.filter(orders.customer_id.notnull())
    assert _by_month(known, "paid_amount") == _exact(truth["monthly_revenue_S2"])


def test_what_is_no_sale_is_counted_by_reason(loaded: Loaded, truth: dict[str, Any]) -> None:
    counts = {p.code: p.count for p in loaded.problems}
    assert counts["cancellation"] == truth["cancel_rows"]
    assert counts["stock_correction"] == truth["negative_qty_not_cancel_rows"]
    assert counts["zero_price"] == truth["zero_price_rows"] - truth["negative_qty_not_cancel_rows"]
    assert counts["bad_debt"] == truth["negative_price_rows"]
    assert counts["duplicate_row"] == truth["exact_duplicate_rows"]
    assert counts["guest"] == truth["orders_S1"] - truth["orders_S2"]
    dropped = sum(p.count for p in loaded.problems if p.action == "dropped")
    assert truth["rows"] - dropped - truth["cancel_rows"] == truth["rows_S1"]


def test_cancellations_become_refunds_of_the_stated_value(
    loaded: Loaded, truth: dict[str, Any]
) -> None:
    refunds = loaded.tables["refunds"]
    assert refunds.count().to_pandas() == truth["cancel_invoices"]
    amount = refunds.refund_amount.sum().to_pandas()
    ratio = float(amount) / truth["revenue_S1"]
    assert ratio == pytest.approx(truth["cancellation_value_ratio"], abs=5e-9)


def test_products_by_revenue_and_country(loaded: Loaded, truth: dict[str, Any]) -> None:
    lines, orders = loaded.tables["order_lines"], loaded.tables["orders"]
    top = (
        lines.group_by("product_id")
        .aggregate(a=lines.line_paid_amount.sum())
        .order_by(ibis.desc("a"))
    )
    found = top.limit(10).to_pandas()
    assert dict(zip(found["product_id"], found["a"], strict=True)) == _exact(
        truth["top10_stockcode_revenue_S1"]
    )
    by = (
        orders.group_by("receiver_province")
        .aggregate(a=orders.paid_amount.sum())
        .order_by(ibis.desc("a"))
    )
    found = by.limit(5).to_pandas()
    assert dict(zip(found["receiver_province"], found["a"], strict=True)) == _exact(
        truth["top5_country_revenue_S1"]
    )


def test_non_products_are_those_listed(loaded: Loaded, truth: dict[str, Any]) -> None:
    products = loaded.tables["products"]
    found = products.filter(products.status == "not_a_product").product_id.to_pandas()
    sold = set(products.product_id.to_pandas())
    assert set(found) == {c for c in truth["non_product_stockcodes"] if c in sold}


def test_identifiers_and_zone(loaded: Loaded) -> None:
    assert (loaded.format, loaded.currency, loaded.timezone) == (
        "uci_online_retail",
        "GBP",
        "Europe/London",
    )
    first = loaded.tables["orders"].customer_id.min().to_pandas()
    assert first == "12346"


def test_by_day_files_give_the_same_tables_as_the_parquet(
    shared: Path, tmp_path: Path, loaded: Loaded
) -> None:
    import zipfile

    with zipfile.ZipFile(
        shared / "data/online_retail_uci/online_retail_by_day_305csv.zip"
    ) as archive:
        archive.extractall(tmp_path)
    days = load(tmp_path, con=ibis.duckdb.connect())
    for name, measure in (
        ("orders", "paid_amount"),
        ("order_lines", "line_paid_amount"),
        ("refunds", "refund_amount"),
    ):
        one, many = loaded.tables[name], days.tables[name]
        assert many.count().to_pandas() == one.count().to_pandas()
        assert many[measure].sum().to_pandas() == one[measure].sum().to_pandas()
