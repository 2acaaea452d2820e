"""Cells and columns in spellings of their own: the same values as from the plain ones.

Truth: each cell's value is worked out by hand.
"""

from __future__ import annotations

from datetime import datetime
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


EUROPEAN = {
    "1.234,50": "1234.50", "12,5": "12.50", "1.234.567,00 €": "1234567.00", "1.234": "1234.00",
    "7": "7.00", "-3,20": "-3.20", "1 234,50": "1234.50",
}  # fmt: skip


def test_a_comma_before_the_fractions_is_seen_from_cells_that_leave_no_doubt(
    tmp_path: Path,
) -> None:
    lines = ["Created date (UTC);Converted Amount;Fee;id"]
    lines += [f"2026-06-01 10:00:00;{said};0,1;ch_{i}" for i, said in enumerate(EUROPEAN)]
    path = tmp_path / "payments.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    loaded = load(path, con=ibis.duckdb.connect(), format="stripe_payments")
    rows = loaded.tables["settlements"].to_pandas().set_index("entry_id").sort_index()
    assert rows[rows.entry_type == "platform_fee"].amount.tolist() == [Decimal("-0.10")] * 7
    rows = rows[rows.entry_type == "sale"]
    assert rows.amount.tolist() == [Decimal(text) for text in EUROPEAN.values()]


# Each may be one number or another, or is in another currency: it is told, not guessed.
DOUBTFUL = ("12,50", "1.234,50", "12 50", "1,23", "$12.50", "\u20ac9", "12-50", "1.2.3", "(5")


@pytest.mark.parametrize("said", DOUBTFUL)
def test_an_amount_that_can_be_read_two_ways_is_told(said: str, tmp_path: Path) -> None:
    plain = {"买家实际支付金额": "99.95"}
    path = orders_file(tmp_path / "orders.csv", plain, {"买家实际支付金额": said})
    loaded = load(path, con=ibis.duckdb.connect())
    (told,) = [p for p in loaded.problems if p.code == "unreadable_cell"]
    assert (told.count, told.examples) == (1, (f"买家实际支付金额 = {said}",))
    paid = loaded.tables["orders"].order_by("order_id").to_pyarrow()["paid_amount"].to_pylist()
    assert paid == [Decimal("99.95"), None]


WIDE = {c: c + 0xFEE0 for c in range(0x21, 0x7F)} | {0x20: 0x3000}
TIMES = {
    "2024/5/1 上午 9:05:00": "2024-05-01 09:05", "2024年5月1日下午3:04": "2024-05-01 15:04",
    "2024-05-01 下午 12:30": "2024-05-01 12:30", "01.02.2024 10:00": "2024-02-01 10:00",
    "13.02.2024": "2024-02-13", "2024-05-01 10:00".translate(WIDE): "2024-05-01 10:00",
    "2024-05-01 10\uff1a05": "2024-05-01 10:05", "2024年5月1日".translate(WIDE): "2024-05-01",
}  # fmt: skip


@pytest.mark.parametrize("said", TIMES)
def test_times_are_read_in_any_spelling(said: str, tmp_path: Path) -> None:
    path = orders_file(tmp_path / "orders.csv", {"订单创建时间": said})
    orders = load(path, con=ibis.duckdb.connect()).tables["orders"]
    (made,) = orders.to_pyarrow()["created_at"].to_pylist()
    assert made == datetime.fromisoformat(TIMES[said])


NOTES = ("本页合计", "共2条记录", "共 2 笔", "合计：2笔", "以上为全部订单", "Subtotal", "Total: 2")


@pytest.mark.parametrize("said", NOTES)
def test_a_note_or_total_is_no_order(said: str, tmp_path: Path) -> None:
    note = dict.fromkeys(ORDERS, "") | {"订单编号": said, "买家实际支付金额": "30.00"}
    path = orders_file(tmp_path / "orders.csv", {}, note, {}, note)
    loaded = load(path, con=ibis.duckdb.connect())
    assert loaded.tables["orders"].count().to_pandas() == 2
    (told,) = [p for p in loaded.problems if p.code in {"total_row", "missing_key"}]
    assert (told.action, told.count) == ("dropped", 2)


def test_totals_are_seen_wherever_their_label_stands(tmp_path: Path) -> None:
    lines = [
        "Cost,Clicks,Impr.,Conversions,Campaign type,Campaign,Campaign status",
        "10.00,5,100,1.00,Search,Lazy,Enabled",
        "10.00,5,100,1.00,,,Total: Account",
    ]
    path = tmp_path / "Campaign report 2026-06-01.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    loaded = load(path, con=ibis.duckdb.connect(), format="google_ads_campaign")
    assert loaded.tables["ad_reports"].to_pyarrow()["spend"].to_pylist() == [Decimal(10)]


IDS = {"431,112,233": "431112233", "\uff14\uff13\uff11": "431", "17850.0": "17850", "'431'": "431"}


@pytest.mark.parametrize("said", IDS)
def test_ids_lose_what_a_spreadsheet_dressed_them_in(said: str, tmp_path: Path) -> None:
    path = orders_file(tmp_path / "orders.csv", {"订单编号": said})
    orders = load(path, con=ibis.duckdb.connect()).tables["orders"]
    assert orders.to_pyarrow()["order_id"].to_pylist() == [IDS[said]]


def trends(path: Path, *days: str) -> None:
    lines = ["Category: All categories", "", "Day,懒人: (China)", *days]
    path.write_text("\n".join(lines), encoding="utf-8")


def test_requests_of_google_trends_keep_their_scales_apart(tmp_path: Path) -> None:
    trends(tmp_path / "a.csv", "2024-01-01,10", "2024-01-02,100")
    trends(tmp_path / "b.csv", "2024-01-02,50", "2024-01-03,?")
    loaded = load(tmp_path, con=ibis.duckdb.connect())
    rows = loaded.tables["search_index"].order_by("region", "date").to_pyarrow().to_pylist()
    said = [(row["region"], row["date"].day, row["index_value"]) for row in rows]
    early, late = "China-2024010120240102", "China-2024010220240103"
    assert said == [(early, 1, 10.0), (early, 2, 100.0), (late, 2, 50.0), (late, 3, None)]
    told = [(p.code, p.count) for p in loaded.problems]
    assert told == [("unreadable_cell", 1)]


AMOUNTS = {
    "238.00元": "238.00", "1,238.5元": "1238.50", "¥238": "238.00", "￥1,238.00": "1238.00",
    "\uff11\uff12\uff0e\uff15": "12.50", "1.2万": "12000.00", "1.2万元": "12000.00",
    "(12.50)": "-12.50", "12.50-": "-12.50", "\u221212.50": "-12.50", "1 238.50": "1238.50",
    "1,23,456.00": "123456.00", "1,238.00元": "1238.00", "1.2 万": "12000.00",
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


def test_a_column_whose_first_cells_are_blank_or_quoted_is_judged_by_all(tmp_path: Path) -> None:
    """The quick look sees the first cell only; `=""` is how spreadsheets write nothing as text."""
    rows = [{"甲": "  ", "乙": '=""""', "丙": "—"}, {"甲": "到", "乙": " "}]
    path = orders_file(tmp_path / "orders.csv", *rows, also=("甲", "乙", "丙"))
    extra = load(path, con=ibis.duckdb.connect()).extras["orders"].to_pandas()
    assert extra["甲"].dropna().tolist() == ["到"]
    assert "乙" not in extra
    assert extra["丙"].dropna().tolist() == ["—"]
