"""Cells that read as another number or time than they say, and rows that are no orders.

Truth: what each cell says, worked out by hand.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from ecomops.data.formats import load_into

if TYPE_CHECKING:
    from pathlib import Path

    from ecomops.data.formats import Loading

HEADER = (
    "订单编号,买家会员名,买家应付邮费,总金额,买家实际支付金额,退款金额,订单状态,订单创建时间,"
    "订单付款时间,店铺Id,宝贝总数量,宝贝种类"
)
AT = "2026-05-01 10:00:00"


def loaded(
    folder: Path, *rows: dict[str, str], plain: str = "10.00"
) -> tuple[pd.DataFrame, Loading]:
    """Load an order export whose rows are as usual but for what they state."""
    names = HEADER.split(",")
    usual = dict.fromkeys(names, "1") | dict.fromkeys(names[3:5], plain) | {"退款金额": "0"}
    usual |= {"买家会员名": "b", "订单状态": "交易成功"} | dict.fromkeys(names[7:9], AT)
    told = [usual | {"订单编号": f"9{n}"} | row for n, row in enumerate(rows, start=1)]
    lines = [HEADER, *(",".join(f'"{row[name]}"' for name in names) for row in told)]
    file = folder / "ExportOrderList202605311200.csv"
    file.write_text("\r\n".join(lines) + "\r\n", encoding="gb18030")
    done = load_into(file, folder / "shop")
    return pd.read_parquet(folder / "shop" / "orders.parquet").set_index("order_id"), done


def counted(done: Loading, code: str) -> list[tuple[str, int]]:
    return [(p.action, p.count) for p in done.problems if p.code == code]


@pytest.mark.parametrize(
    "column", ["订单编号", "买家会员名", "订单状态", "订单创建时间", "订单付款时间"]
)
@pytest.mark.parametrize("word", ["合计", "Total"])
def test_a_total_with_a_count_for_an_id_is_no_order(tmp_path: Path, column: str, word: str) -> None:
    """Two orders and their sum: the label stands in the column of ids, states or times."""
    blank = dict.fromkeys(HEADER.split(","), "") | {"订单编号": "2", "买家实际支付金额": "20.00"}
    rows, done = loaded(tmp_path, {}, {}, blank | {column: word})
    assert rows.paid_amount.to_dict() == {"91": 10, "92": 10}
    assert counted(done, "total_row") == [("dropped", 1)]


def test_refunds_written_below_zero_are_refunds(tmp_path: Path) -> None:
    rows, done = loaded(tmp_path, {"退款金额": "-3.00"}, {}, {"退款金额": "-1.00"})
    assert rows.refund_amount.tolist() == [3, 0, 1]
    assert counted(done, "refund_below") == [("changed", 2)]


def test_refunds_of_both_signs_are_left_and_flagged(tmp_path: Path) -> None:
    rows, done = loaded(tmp_path, {"退款金额": "-3.00"}, {"退款金额": "2.00"})
    assert rows.refund_amount.tolist() == [-3, 2]
    assert counted(done, "refund_below") == [("flagged", 1)]


@pytest.mark.parametrize(
    ("cell", "wall"),
    [
        ("2026-05-01T10:00:00Z", "2026-05-01 18:00"),
        ("2026-05-01T10:00Z", "2026-05-01 18:00"),
        ("2026-05-01T10:00:00+08:00", "2026-05-01 10:00"),
        ("2026-05-01T10:00:00.000Z", "2026-05-01 18:00"),
        (AT, "2026-05-01 10:00"),
    ],
)
def test_a_time_in_utc_is_told_as_the_clock_in_china_shows_it(
    tmp_path: Path, cell: str, wall: str
) -> None:
    rows, _ = loaded(tmp_path, {"订单创建时间": cell})
    assert rows.created_at["91"] == pd.Timestamp(wall)


@pytest.mark.parametrize(
    ("cell", "amount"),
    [("12.344999", "12.34"), ("12.345", "12.35"), ("-12.344999", "-12.34"), ("¥12.344999", "12.34"),
     ("1,234.344999", "1234.34"), ("0.12344999万", "1234.50")],
)  # fmt: skip
def test_an_amount_is_rounded_once(tmp_path: Path, cell: str, amount: str) -> None:
    rows, _ = loaded(tmp_path, {"总金额": cell})
    rows = pd.read_parquet(tmp_path / "shop" / "orders.parquet")
    column = next(c for c in ("payable_amount", "total_amount") if c in rows.columns)
    assert rows[column].tolist() == [Decimal(amount)]


def test_a_comma_before_four_digits_is_no_number_in_chinese_files(tmp_path: Path) -> None:
    """Neither thousands nor a fraction: no cell of the file has a point that would tell."""
    told = ({"总金额": "1,2345"}, {"总金额": "1,234"})
    rows, done = loaded(tmp_path, *told, plain="10")
    column = next(c for c in ("payable_amount", "total_amount") if c in rows.columns)
    assert rows[column].isna().tolist() == [True, False]
    assert rows[column]["92"] == 1234
    assert counted(done, "unreadable_cell") == [("flagged", 1)]
