"""A layout a shop describes itself, in YAML beside its exports."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import ibis
import pytest

from ecomops.base.errors import DataError, OptionError
from ecomops.data.formats import format_of, load

if TYPE_CHECKING:
    from pathlib import Path

LAYOUT = """
till_2026:
  platform: till
  zh: 门店收银机流水
  en: till of the store
  evidence: our own
  currency: CNY
  headers: [小票号, 会员卡, 应收, 实收, 收银时间]
  aliases:
    实收: [实收金额]
  set:
    orders.order_status: completed
  mapping:
    小票号: orders.order_id id
    会员卡: orders.customer_id id
    应收: orders.payable_amount money
    实收: orders.paid_amount money
    收银时间: orders.created_at ts
"""


def test_an_own_layout_needs_no_code(tmp_path: Path):
    (tmp_path / "formats").mkdir()
    (tmp_path / "formats" / "till.yaml").write_text(LAYOUT, encoding="utf-8")
    rows = "收银时间,小票号,会员卡,应收,实收金额\n2026-06-18 20:00:00,007,M1,￥20.00,18元\n"
    (tmp_path / "june.csv").write_text(rows, encoding="gb18030")
    loaded = load(tmp_path, con=ibis.duckdb.connect())
    order = loaded.tables["orders"].to_pandas().iloc[0]
    assert (order.order_id, order.customer_id, order.paid_amount) == ("007", "M1", Decimal(18))
    assert loaded.format == "till_2026"


def test_an_own_layout_with_a_slip_is_explained(tmp_path: Path):
    (tmp_path / "formats").mkdir()
    wrong = LAYOUT.replace("    实收: orders", "    实付: orders")
    (tmp_path / "formats" / "till.yaml").write_text(wrong, encoding="utf-8")
    (tmp_path / "june.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(DataError, match="实付"):
        load(tmp_path, con=ibis.duckdb.connect())


def test_a_misspelt_layout_is_answered_with_the_nearest():
    with pytest.raises(OptionError, match="taobao_orders_2018"):
        format_of("taobao_order_2018")
