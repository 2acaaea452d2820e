"""Tableau's Superstore workbook as it comes: three sheets, returns, discounts, losses.

Truth: ``truth.json`` beside the file, computed with pandas by the definitions it states.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import ibis
import pytest

from ecomops.base.errors import DataError
from ecomops.data.formats import load

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from ecomops.data.formats import Loaded


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    return shared / "data" / "superstore"


@pytest.fixture(scope="module")
def truth(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "truth.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def loaded(folder: Path) -> Loaded:
    return load(folder / "Sample - Superstore.xls", con=ibis.duckdb.connect())


@pytest.fixture(scope="module")
def lines(loaded: Loaded) -> pd.DataFrame:
    orders = loaded.tables["orders"].select("order_id", "customer_id", at="paid_at")
    both = loaded.tables["order_lines"].left_join(orders, "order_id").to_pandas()
    category = loaded.tables["products"].select("product_id", "category_l1", "category_l2")
    return both.merge(category.to_pandas(), on="product_id")


def test_rows_orders_and_customers(loaded: Loaded, truth: dict[str, Any], lines: pd.DataFrame):
    assert len(lines) == truth["rows"]
    assert lines.order_id.nunique() == truth["orders"]
    assert lines.customer_id.nunique() == truth["customers"]
    assert [f.status for f in loaded.files] == ["refused", "loaded", "loaded"]


def test_sales_and_profit_to_the_last_digit(truth: dict[str, Any], lines: pd.DataFrame):
    assert float(lines.line_paid_amount.sum()) == truth["sales"]
    assert float((lines.line_paid_amount - lines.line_cost).sum()) == truth["profit"]
    profit = (lines.line_paid_amount - lines.line_cost).groupby(lines.category_l2).sum()
    assert profit.astype(float).to_dict() == truth["profit_by_subcategory"]
    sales = lines.line_paid_amount.groupby(lines.category_l1).sum()
    assert sales.astype(float).to_dict() == truth["sales_by_category"]


def test_each_month_to_the_last_digit(truth: dict[str, Any], lines: pd.DataFrame):
    monthly = lines.line_paid_amount.groupby(lines["at"].dt.strftime("%Y-%m")).sum()
    assert monthly.astype(float).to_dict() == truth["monthly_sales"]


def test_returned_orders_are_refunded_in_full(loaded: Loaded, truth: dict[str, Any]):
    orders = loaded.tables["orders"].to_pandas()
    back = orders[orders.order_status == "closed_refunded"]
    assert len(back) == truth["returned_orders"]
    assert float(back.refund_amount.sum()) == truth["returned_sales"]
    told = next(p for p in loaded.problems if p.code == "refund_inferred")
    assert (told.count, float(told.amount)) == (truth["returned_orders"], truth["returned_sales"])


def test_what_has_no_place_is_kept_and_who_bought_is_not(loaded: Loaded):
    extra = loaded.extras["order_lines"].to_pandas()
    assert set(extra["Segment"]) == {"Consumer", "Corporate", "Home Office"}
    assert len(extra) == 9994
    personal = next(p for p in loaded.problems if p.code == "personal_column")
    assert (personal.action, personal.examples) == ("dropped", ("Customer Name", "Postal Code"))
    assert "Customer Name" not in extra.columns


def test_the_short_file_without_orders_is_refused_by_column(folder: Path):
    with pytest.raises(DataError, match="Order ID, Order Date") as error:
        load(folder / "SampleSuperstore.csv.gz", con=ibis.duckdb.connect())
    assert error.value.code == "missing_source_columns"
