"""Amounts that may be read in two ways are refused or flagged, never read wrongly in silence.

Truth: each file is planted by hand, with what a careful reader makes of it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import ibis
import pytest

from ecomops.data.formats import load

if TYPE_CHECKING:
    from pathlib import Path

    from ecomops.data.formats import Loaded

TAOBAO = (
    "订单编号,买家会员名,总金额,买家实际支付金额,订单状态,订单创建时间,订单付款时间,店铺Id,"
    "宝贝总数量,宝贝种类"
)
SHOPIFY = (
    "Id,Name,Email,Financial Status,Paid at,Currency,Subtotal,Total,Lineitem quantity,"
    "Lineitem name,Lineitem price,Created at"
)


def taobao(path: Path, totals: list[str], paid: list[str], pieces: str) -> Loaded:
    at = "2026-05-01 10:00:00"
    rows = [
        f'43111223344556670{n},b{n},"{total}","{each}",交易成功,{at},{at},1,"{pieces}",1'
        for n, (total, each) in enumerate(zip(totals, paid, strict=True))
    ]
    file = path / "ExportOrderList202605311200.csv"
    file.write_text("\n".join([TAOBAO, *rows]) + "\n", encoding="gb18030")
    return load(file, con=ibis.duckdb.connect())


def amounts(loaded: Loaded, column: str) -> list[Decimal | None]:
    return loaded.tables["orders"].order_by("order_id").to_pandas()[column].tolist()


@pytest.mark.parametrize("odd", ["1,234", "1.234"])
def test_where_a_file_has_both_ways_what_may_be_either_is_refused(odd: str, tmp_path: Path) -> None:
    """In the column with both ways, and in one that has neither: told with count and examples."""
    loaded = taobao(
        tmp_path, ["1.234,56", "1,234.56", odd, "12.5"], [odd, "12", "13", "14"], "1,234"
    )
    assert amounts(loaded, "payable_amount") == [None, Decimal("1234.56"), None, Decimal("12.50")]
    assert amounts(loaded, "paid_amount") == [None, Decimal(12), Decimal(13), Decimal(14)]
    (told,) = (p for p in loaded.problems if p.code == "unreadable_cell")
    assert (told.action, told.count) == ("flagged", 3)
    assert told.examples == (f"总金额 = {min(odd, '1.234,56')}", f"总金额 = {max(odd, '1.234,56')}",
                             f"买家实际支付金额 = {odd}")  # fmt: skip
    assert amounts(loaded, "item_count") == [1234] * 4  # a number of pieces has no fraction


def test_three_decimals_beside_amounts_with_commas_are_flagged(tmp_path: Path) -> None:
    """1,234 beside 1.234,56 is one and a quarter there, or a thousand in the way of elsewhere."""
    loaded = taobao(tmp_path, ["1,234", "1.234,56"], ["1.234", "2,50"], "1")
    assert amounts(loaded, "payable_amount") == [Decimal("1.23"), Decimal("1234.56")]
    assert amounts(loaded, "paid_amount") == [Decimal(1234), Decimal("2.50")]
    told = [(p.count, p.examples) for p in loaded.problems if p.code == "three_decimals"]
    assert told == [(1, ("总金额 = 1,234",))]


def test_amounts_abroad_with_three_decimals_only_are_flagged(tmp_path: Path) -> None:
    """1.234 may be a German thousand; 0.500 and 12.50 leave no doubt."""
    file = tmp_path / "orders_export.csv"
    rows = [
        f"{n}1,#{n},a@b.c,paid,2026-05-01 10:00:00 +0200,EUR,{each},{each},1,sock,9.00,"
        "2026-05-01 10:00:00 +0200"
        for n, each in enumerate(["1.234", "0.500", "12.50"])
    ]
    file.write_text("\n".join([SHOPIFY, *rows]) + "\n", encoding="utf-8")
    loaded = load(file, con=ibis.duckdb.connect())
    assert amounts(loaded, "paid_amount") == [Decimal("1.23"), Decimal("0.50"), Decimal("12.50")]
    (told,) = (p for p in loaded.problems if p.code == "three_decimals")
    assert (told.action, told.count) == ("flagged", 2)
    assert told.examples == ("Subtotal = 1.234", "Total = 1.234")
