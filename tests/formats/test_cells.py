"""Cells and columns in spellings of their own: the same values as from the plain ones.

Truth: each cell's value is worked out by hand.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import ibis
import pytest

from ecomops.data.formats import load

if TYPE_CHECKING:
    from pathlib import Path

ORDERS = (
    "订单编号",
    "买家会员名",
    "买家实际支付金额",
    "订单状态",
    "订单创建时间",
    "订单付款时间",
    "收货地址",
)


def orders_file(path: Path, *rows: dict[str, str], also: tuple[str, ...] = ()) -> Path:
    """Write an order export: a plain row with the cells given, one per dictionary."""
    plain = {
        "买家会员名": "甲",
        "买家实际支付金额": "10.00",
        "订单状态": "交易成功",
        "订单创建时间": "2024-05-01 10:00:00",
        "订单付款时间": "2024-05-01 10:01:00",
    }
    names = (*ORDERS, *also)
    lines = [",".join(names)]
    for number, row in enumerate(rows):
        told = plain | {"订单编号": f"43111223300000{number:04d}"} | row
        lines.append(",".join(f'"{told.get(name, "")}"' for name in names))
    path.write_text("\n".join(lines) + "\n", encoding="gb18030")
    return path


ADDRESSES = {
    "浙江省 杭州市 余杭区 文一西路1号": ("浙江省", "杭州市", "余杭区"),
    "浙江省 杭州市 文一西路1号": ("浙江省", "杭州市", None),
    "浙江省  杭州市 余杭区\t文一西路1号": ("浙江省", "杭州市", "余杭区"),
    "浙江省": (None, None, None),
    "": (None, None, None),
}


@pytest.mark.parametrize("said", ADDRESSES)
def test_an_address_is_split_before_what_tells_the_person(said: str, tmp_path: Path) -> None:
    path = orders_file(tmp_path / "orders.csv", {"收货地址": said})
    (row,) = load(path, con=ibis.duckdb.connect()).tables["orders"].to_pyarrow().to_pylist()
    found = (row.get(f"receiver_{part}") for part in ("province", "city", "district"))
    assert tuple(found) == ADDRESSES[said]


AMOUNTS = {
    "238.00元": "238.00", "1,238.5元": "1238.50", "¥238": "238.00", "￥1,238.00": "1238.00",
    "\uff11\uff12\uff0e\uff15": "12.50", "1.2万": "12000.00", "1.2万元": "12000.00", "(12.50)": "-12.50",
    "0元": "0.00",
}  # fmt: skip


@pytest.mark.parametrize("said", AMOUNTS)
def test_amounts_are_read_in_any_spelling(said: str, tmp_path: Path) -> None:
    path = orders_file(tmp_path / "orders.csv", {"买家实际支付金额": said})
    orders = load(path, con=ibis.duckdb.connect()).tables["orders"]
    assert orders.to_pandas().paid_amount.tolist() == [Decimal(AMOUNTS[said])]


def test_a_column_that_begins_late_is_kept_and_one_that_never_does_is_not(tmp_path: Path) -> None:
    rows: list[dict[str, str]] = [{} for _ in range(40)]
    rows[35] = {"新列": " 晚到 "}
    path = orders_file(tmp_path / "orders.csv", *rows, also=("空列", "新列"))
    loaded = load(path, con=ibis.duckdb.connect())
    extra = loaded.extras["orders"].to_pandas()
    assert "空列" not in extra
    assert extra.set_index("order_id")["新列"].dropna().to_dict() == {"431112233000000035": "晚到"}
