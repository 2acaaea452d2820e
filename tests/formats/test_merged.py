"""Merged cells of a workbook say the same of each of their rows; blank cells say nothing.

Truth: workbooks written by openpyxl, whose rows are known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest
from openpyxl import Workbook

from ecomops.data.formats import load_into

if TYPE_CHECKING:
    from pathlib import Path

    from ecomops.data.formats import Loading

AT = "2026-05-01 10:00:00"
SUB_ORDERS = (
    "主订单编号,子订单编号,选购商品,商品ID,商家编码,商品数量,商品金额,订单应付金额,运费,"
    "订单提交时间,支付完成时间,订单状态,售后状态"
)
LINES = (
    "子订单编号,主订单编号,标题,价格,购买数量,商品属性,备注,订单状态,商家编码,"
    "买家应付货款,买家实际支付金额,退款状态,退款金额,订单创建时间,订单付款时间"
)
ROWS = [
    f"90,901,袜子,p1,k,1,100,100,5,{AT},{AT},已发货,-", ",902,帽子,p2,k,1,50,50,,,,,-",
    f"91,911,帽子,p2,k,1,50,50,1,{AT},{AT},已完成,-",
]  # fmt: skip


def workbook(path: Path, header: str, rows: list[str], merged: list[str]) -> Path:
    path.parent.mkdir(exist_ok=True)
    book = Workbook()
    for row in (header, *rows):
        book.active.append([cell or None for cell in row.split(",")])
    for cells in merged:
        book.active.merge_cells(cells)
    book.save(path)
    return path


def lines(shop: Path) -> pd.DataFrame:
    return pd.read_parquet(shop / "order_lines.parquet").set_index("order_line_id")


def counted(done: Loading) -> dict[str, tuple[str, int]]:
    codes = {"missing_key", "without_order"}
    return {p.code: (p.action, p.count) for p in done.problems if p.code in codes}


@pytest.mark.parametrize("files", [1, 6])  # many small files of one layout are read as one
def test_merged_cells_are_told_of_each_row_and_their_money_counts_once(
    tmp_path: Path, files: int
) -> None:
    """Rows 2 and 3 are order 90, with its shipping of 5, times and state in merged cells."""
    merged = [f"{c}2:{c}3" for c in "AIJKL"]
    for n in range(files):
        workbook(tmp_path / "all" / f"抖店订单2026050{n + 1}.xlsx", SUB_ORDERS, ROWS, merged)
    done = load_into(tmp_path / "all", tmp_path / "shop")
    rows = lines(tmp_path / "shop")
    assert rows.order_id.to_dict() == {"901": "90", "902": "90", "911": "91"}
    assert rows.line_status.to_dict() == {"901": "shipped", "902": "shipped", "911": "completed"}
    assert set(rows.created_at) == {pd.Timestamp(AT)}
    orders = pd.read_parquet(tmp_path / "shop" / "orders.parquet").set_index("order_id")
    assert orders.paid_amount.to_dict() == {"90": 150, "91": 50}
    assert orders.shipping_fee.to_dict() == {"90": 5, "91": 1}
    assert counted(done) == {}


def test_a_blank_cell_that_is_not_merged_is_not_guessed(tmp_path: Path) -> None:
    file = workbook(tmp_path / "抖店订单20260501.xlsx", SUB_ORDERS, ROWS, [])
    done = load_into(file, tmp_path / "shop")
    assert sorted(lines(tmp_path / "shop").index) == ["901", "911"]
    assert counted(done) == {"missing_key": ("dropped", 1)}


@pytest.mark.parametrize("merged", [True, False])
def test_a_line_without_an_order_is_flagged(tmp_path: Path, *, merged: bool) -> None:
    rest = f"10,1,红,,交易成功,k,10,8,没有申请退款,0,{AT},{AT}"
    rows = [f"811,81,袜子,{rest}", f"812,,帽子,{rest}"]
    cells = ["B2:B3"] * merged
    file = workbook(tmp_path / "订单表商品20260530.xlsx", LINES, rows, cells)
    done = load_into(file, tmp_path / "shop")
    assert lines(tmp_path / "shop").order_id.notna().to_dict() == {"811": True, "812": merged}
    assert counted(done) == ({} if merged else {"without_order": ("flagged", 1)})
