"""Exports written by hand, a few lines each, as several files, sheets and ways of writing.

Truth: each file is small enough to add up by hand.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

import ecomops as eo
from ecomops.base.errors import DataError
from ecomops.data.tables import number

if TYPE_CHECKING:
    from pathlib import Path

    import ibis

DOUYIN = (
    "主订单编号,子订单编号,选购商品,商品ID,商品数量,商品金额,订单提交时间,支付完成时间,"
    "订单状态,售后状态,订单应付金额,运费,流量体裁,达人ID\n"
)
ROUNDED = "6.93E+18"
BASE = 6_930_000_000_000_000_123


def douyin(
    order: object, line: object, paid: float, day: str = "2026-06-18", at: str = "20:00:00"
) -> str:
    when = f"{day} {at},{day} 20:00:09" if "/" not in day else f"{day},{day}"
    return f"{order},{line},杯,361,1,{paid},{when},已完成,-,{paid},0,,\n"


def put(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def column(table: ibis.Table, name: str, by: str) -> dict[Any, Any]:
    return dict(table.to_pandas().sort_values(by)[[by, name]].itertuples(index=False))


def paid(shop: Any) -> Decimal:
    return Decimal(str(shop.orders.paid_amount.sum().to_pandas()))


@pytest.mark.parametrize("good", [1, 3, 4, 9])
def test_one_bad_file_is_refused_and_the_others_are_read(tmp_path: Path, good: int) -> None:
    for k in range(good):
        put(tmp_path, f"part{k}.csv", DOUYIN + douyin(BASE + k, BASE + k, 100))
    put(tmp_path, "bad.csv", DOUYIN + douyin(ROUNDED, ROUNDED, 100))
    shop = eo.open(tmp_path)
    assert paid(shop) == 100 * good
    (told,) = [p for p in shop.problems if p.code == "file_refused"]
    assert (told.count, told.action) == (1, "dropped")
    assert told.examples[0].startswith("bad.csv (")
    assert "6.93E+18" in told.examples[0]
    check = shop.check(lang="en")
    assert "bad.csv" in check.table.set_index("item").loc["file_refused", "examples"]
    loading = eo.load(tmp_path)
    assert list(loading.of("file", "refused")["item"]) == ["bad.csv"]
    assert "file_refused" not in set(loading.table["item"])


def test_a_folder_of_many_bad_files_says_why(tmp_path: Path) -> None:
    for k in range(9):
        put(tmp_path, f"bad{k}.csv", DOUYIN + douyin(ROUNDED, ROUNDED, 100))
    with pytest.raises(DataError) as error:
        eo.open(tmp_path)
    assert error.value.code == "nothing_to_load"
    assert error.value.message("en").count("6.93E+18") == 4
    assert "bad8.csv" in error.value.message("en")


def test_each_of_many_files_has_its_own_order_of_day_and_month(tmp_path: Path) -> None:
    days = ["06/18/2026", "06/19/2026", "06/20/2026", "06/21/2026", "22/06/2026"]
    for k, day in enumerate(days):
        put(tmp_path, f"part{k}.csv", DOUYIN + douyin(BASE + k, BASE + k, 10, day))
    shop = eo.open(tmp_path)
    found = shop.orders.created_at.to_pandas()
    assert sorted(found.dt.strftime("%m-%d")) == ["06-18", "06-19", "06-20", "06-21", "06-22"]


def test_each_of_many_files_has_its_own_way_to_write_fractions(tmp_path: Path) -> None:
    for k in range(5):
        put(tmp_path, f"part{k}.csv", UCI + uci(k, "2.55"))
    put(tmp_path, "comma.csv", UCI.replace(",", ";") + uci(9, "2,55", ";"))
    shop = eo.open(tmp_path)
    assert paid(shop) == 6 * Decimal("2.55")
    assert not shop.problems


UCI = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n"


def uci(number: int, price: str, sign: str = ",") -> str:
    cells = (f"48{number:04d}", f"{85000 + number}", "MUG", "1", "2010-01-04 08:00:00", price)
    return sign.join((*cells, "12345", "France")) + "\n"


def test_fractions_are_told_from_the_whole_column(tmp_path: Path) -> None:
    prices = ["5"] * 30 + ["2,55", "1.250", "1.234,50"]
    rows = "".join(uci(k, price, ";") for k, price in enumerate(prices))
    shop = eo.open(put(tmp_path, "uci.csv", UCI.replace(",", ";") + rows))
    found = list(column(shop.order_lines, "unit_price", "order_id").values())
    assert found[30:] == [Decimal("2.55"), Decimal(1250), Decimal("1234.50")]
    assert not shop.problems


def test_a_column_with_a_comma_is_read_so_beside_one_with_points(tmp_path: Path) -> None:
    head = "Name;Email;Financial Status;Paid at;Currency;Subtotal;Shipping;Total;Created at;"
    head += "Lineitem quantity;Lineitem name;Lineitem price;Id\n"
    when = "2024-03-01 10:00:00 +0000"
    rows = "".join(
        f"#{k};a@x.com;paid;{when};EUR;{total};0.50;{total};{when};1;Mug;{total};{k}\n"
        for k, total in enumerate(["2,55", "1.250", "3"], start=1)
    )
    shop = eo.open(put(tmp_path, "orders_export.csv", head + rows))
    assert column(shop.orders, "paid_amount", "order_id") == {
        "1": Decimal("2.55"), "2": Decimal(1250), "3": Decimal(3),
    }  # fmt: skip
    assert set(shop.orders.shipping_fee.to_pandas()) == {Decimal("0.50")}


def test_problems_name_no_table_of_ours(tmp_path: Path) -> None:
    put(tmp_path, "uci.csv", UCI + uci(1, "2.55") + uci(2, "?"))
    shop = eo.open(tmp_path)
    assert {p.code: p.table for p in shop.problems}["unreadable_cell"] == "order_lines"
    assert {p.table for p in shop.problems} == {"order_lines"}


def sheets(path: Path, *texts: str) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for text in texts:
        sheet = book.create_sheet()
        for line in text.splitlines():
            sheet.append(line.split(","))
    book.save(path)
    return path


@pytest.mark.parametrize("many", [0, 4])
@pytest.mark.parametrize("kind", ["sheets", "files"])
def test_an_order_over_two_files_of_one_load_keeps_all_its_lines(
    tmp_path: Path, kind: str, many: int
) -> None:
    first = DOUYIN + douyin(BASE + 1, BASE + 1, 100) + douyin(BASE + 2, BASE + 2, 50)
    second = DOUYIN + douyin(BASE + 2, BASE + 3, 30) + douyin(BASE + 4, BASE + 4, 20)
    more = [DOUYIN + douyin(BASE + 10 + k, BASE + 10 + k, 1) for k in range(many)]
    if kind == "sheets":
        shop = eo.open(sheets(tmp_path / "two.xlsx", first, second, *more))
    else:
        for k, text in enumerate((first, second, *more)):
            put(tmp_path, f"part{k}.csv", text)
        shop = eo.open(tmp_path)
    assert paid(shop) == 200 + many
    assert number(shop.order_lines.count()) == 4 + many
    assert column(shop.orders, "paid_amount", "order_id")[str(BASE + 2)] == 80
    assert not [p for p in shop.problems if p.code == "overlap"]


def test_a_line_told_by_two_files_of_one_load_counts_once(tmp_path: Path) -> None:
    old = douyin(BASE, BASE, 50) + douyin(BASE, BASE + 1, 30)
    put(tmp_path, "2026-06-18.csv", DOUYIN + old)
    put(tmp_path, "2026-06-19.csv", DOUYIN + douyin(BASE, BASE + 1, 25))
    shop = eo.open(tmp_path)
    assert paid(shop) == 75
    assert [p.count for p in shop.problems if p.code == "overlap"] == [1]


def test_taobao_lines_over_two_files_of_one_load_are_all_kept(tmp_path: Path) -> None:
    head = "子订单编号,主订单编号,标题,价格,购买数量,订单状态,买家应付货款,买家实际支付金额,"
    head += "退款状态,退款金额,订单创建时间,订单付款时间\n"
    when = "2026-06-18 20:00:00,2026-06-18 20:01:00"
    for k, line in enumerate(("71", "72")):
        row = f"{line},70,杯,50,1,交易成功,50,{40 + k},没有申请退款,无退款申请,{when}\n"
        put(tmp_path, f"part{k}.csv", head + row)
    lines = eo.open(tmp_path).order_lines
    assert column(lines, "line_paid_amount", "order_line_id") == {"71": 40, "72": 41}


def test_olist_lines_over_two_files_are_all_kept_with_their_freight(tmp_path: Path) -> None:
    put(tmp_path, "orders.csv", OLIST_ORDERS + olist_order("a", "delivered"))
    put(tmp_path, "items1.csv", OLIST_ITEMS + olist_item("a", 1, 50))
    put(tmp_path, "items2.csv", OLIST_ITEMS + olist_item("a", 2, 20))
    shop = eo.open(tmp_path)
    assert paid(shop) == 70
    assert set(shop.orders.shipping_fee.to_pandas()) == {Decimal(20)}


OLIST_ORDERS = (
    "order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,"
    "order_delivered_carrier_date,order_delivered_customer_date,order_estimated_delivery_date\n"
)
OLIST_ITEMS = (
    "order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value\n"
)
OLIST_MONEY = "order_id,payment_sequential,payment_type,payment_installments,payment_value\n"


def olist_order(order: str, status: str, *, approved: bool = True) -> str:
    when = "2018-03-01 10:00:00"
    return f"{order},c{order},{status},{when},{when if approved else ''},,,2018-03-20 00:00:00\n"


def olist_item(order: str, place: int, price: float) -> str:
    return f"{order},{place},p{order},s,2018-03-05 10:00:00,{price},10\n"
