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


def test_lines_of_olist_orders_that_were_never_paid_are_no_sales(tmp_path: Path) -> None:
    told = olist_order("a", "delivered") + olist_order("b", "canceled", approved=False)
    put(tmp_path, "orders.csv", OLIST_ORDERS + told)
    put(tmp_path, "items.csv", OLIST_ITEMS + olist_item("a", 1, 50) + olist_item("b", 1, 500))
    put(tmp_path, "money.csv", OLIST_MONEY + "a,1,boleto,1,60\nb,1,boleto,1,505\n")
    shop = eo.open(tmp_path)
    assert column(shop.order_lines, "line_status", "order_id") == {
        "a": "completed", "b": "closed_unpaid",
    }  # fmt: skip
    assert list(eo.product.pareto(shop.order_lines).table.iloc[:, 0]) == ["pa"]


SUPERSTORE = (
    "Row ID,Order ID,Order Date,Ship Date,Ship Mode,Customer ID,Customer Name,Segment,Country,City,"
    "State,Postal Code,Region,Product ID,Category,Sub-Category,Product Name,Sales,Quantity,"
    "Discount,Profit\n"
)


def superstore(row: int, order: str, sales: float, profit: float) -> str:
    who = "C1,Ann,Consumer,United States,Austin,Texas,78701,Central"
    what = f"P{row},Furniture,Chairs,Chair {row}"
    return f"{row},{order},2017-03-01,2017-03-03,First,{who},{what},{sales},1,0,{profit}\n"


def test_lines_of_orders_that_were_returned_whole_are_refunded(tmp_path: Path) -> None:
    rows = superstore(1, "CA-1", 100, 40) + superstore(2, "CA-2", 60, 24)
    rows += superstore(3, "CA-2", 40, 16)
    put(tmp_path, "Orders.csv", SUPERSTORE + rows)
    put(tmp_path, "Returns.csv", "Returned,Order ID\nYes,CA-2\n")
    shop = eo.open(tmp_path)
    back = column(shop.order_lines, "line_refund_amount", "order_line_id")
    assert (back.pop("1"), back) == (None, {"2": 60, "3": 40})
    assert shop.margin == pytest.approx(0.2)


SHOPIFY = (
    "Name,Email,Financial Status,Paid at,Fulfillment Status,Currency,Subtotal,Shipping,Taxes,Total,"
    "Discount Amount,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,"
    "Refunded Amount,Lineitem discount,Id,Outstanding Balance\n"
)


def shopify(number: int, status: str, total: float, *, back: float = 0, owed: float = 0) -> str:
    when = "2024-03-01 10:00:00 +0000"
    at = "" if status == "pending" else when
    money = f"USD,{total},0,0,{total},0,{when},1,Mug {number},{total},S{number},{back},0"
    return f"#{number},u@x.com,{status},{at},fulfilled,{money},{5000 + number},{owed}\n"


def test_shopify_lines_are_refunded_with_their_order_but_not_by_parts_of_it(tmp_path: Path) -> None:
    rows = shopify(1, "paid", 40) + shopify(2, "refunded", 30, back=30)
    rows += shopify(3, "partially_refunded", 20, back=5)
    shop = eo.open(put(tmp_path, "orders_export.csv", SHOPIFY + rows))
    back = column(shop.order_lines, "line_refund_amount", "order_id")
    assert back == {"5001": None, "5002": 30, "5003": None}


def test_what_shopify_orders_owe_is_payable(tmp_path: Path) -> None:
    rows = shopify(1, "paid", 40) + shopify(2, "pending", 60, owed=60)
    shop = eo.open(put(tmp_path, "orders_export.csv", SHOPIFY + rows))
    assert column(shop.orders, "payable_amount", "order_id") == {"5001": 40, "5002": 60}
    assert column(shop.orders, "paid_amount", "order_id") == {"5001": 40, "5002": 0}
    assert list(eo.metrics.compute(shop, "gmv_placed")["value"]) == [100]


JD = (
    "订单号,商品ID,商品名称,订购数量,支付方式,下单时间,京东价,订单金额,结算金额,余额支付,应付金额,"
    "订单状态,下单帐号,付款确认时间,订单完成时间\n"
)


def jd(order: int, product: int, price: int, total: int, status: str) -> str:
    when = "2024-05-01 10:00:00"
    money = f"{price},{total},{total},0,{total}"
    return f"{order},{product},锅,1,在线,{when},{money},{status},a,{when},{when}\n"


def test_jd_lines_of_an_order_closed_after_payment_are_refunded(tmp_path: Path) -> None:
    rows = jd(290000000001, 1, 50, 50, "完成")
    rows += jd(290000000002, 2, 60, 100, "(删除)等待出库")
    rows += jd(290000000002, 3, 40, 100, "(删除)等待出库")
    shop = eo.open(put(tmp_path, "jd.csv", JD + rows))
    back = column(shop.order_lines, "line_refund_amount", "product_id")
    assert back == {"1": None, "2": 60, "3": 40}


def test_a_refund_of_unknown_size_is_missing_in_orders_of_any_length(tmp_path: Path) -> None:
    rows = douyin(BASE, BASE, 100) + douyin(BASE + 1, BASE + 1, 60) + douyin(BASE + 1, BASE + 2, 40)
    rows = rows.replace(f"{BASE + 2},杯,361,1,40", f"{BASE + 2},碗,362,1,40")
    told = [line.replace(",-,", ",退款成功,", 1) for line in rows.splitlines()[:2]]
    text = DOUYIN + "\n".join([*told, *rows.splitlines()[2:], douyin(BASE + 3, BASE + 3, 7)])
    shop = eo.open(put(tmp_path, "douyin.csv", text))
    back = shop.orders.to_pandas().set_index("order_id")["refund_amount"]
    assert back.isna().to_dict() == {str(BASE): True, str(BASE + 1): True, str(BASE + 3): False}
    assert back[str(BASE + 3)] == 0


WOO = (
    "Date,Order #,N. Revenue (formatted),N. Revenue,Status,Customer,Customer type,Product(s),"
    "Items sold,Coupon(s),Attribution\n"
)


def woo(order: int, revenue: float, day: str = "2024-03-01") -> str:
    return f"{day} 10:00:00,{order},${revenue},{revenue},completed,Ann,new,1× Mug,1,,Direct\n"


def test_a_row_below_zero_is_a_refund_of_the_order_it_names(tmp_path: Path) -> None:
    march = WOO + woo(1001, 45) + woo(1001, -15, "2024-03-05") + woo(1002, 20)
    april = WOO + woo(1002, -5, "2024-04-02") + woo(1001, -15, "2024-03-05") + woo(9, -1)
    put(tmp_path, "wc-2024-03-31.csv", march)
    put(tmp_path, "wc-2024-04-30.csv", april)
    shop = eo.open(tmp_path)
    assert column(shop.orders, "paid_amount", "order_id") == {"1001": 45, "1002": 20}
    assert column(shop.orders, "refund_amount", "order_id") == {"1001": 15, "1002": 5}
    assert [(p.count, p.amount) for p in shop.problems if p.code == "negative_paid"] == [(1, 1)]


def test_pinduoduo_prices_are_those_before_discounts(tmp_path: Path) -> None:
    head = "商品,订单号,订单状态,商品总价(元),邮费(元),店铺优惠折扣(元),平台优惠折扣(元),"
    head += "用户实付金额(元),商家实收金额(元),商品数量(件),商品id,样式ID,售后状态,订单成交时间\n"
    row = "杯,240501-111111111111111,已签收,100,0,12,0,88,88,4,5,6,无售后或售后取消,"
    shop = eo.open(put(tmp_path, "pdd.csv", head + row + "2024-05-01 10:00:00\n"))
    (line,) = shop.order_lines.to_pandas().to_dict("records")
    assert (line["unit_price"], line["line_list_amount"], line["line_paid_amount"]) == (25, 100, 88)


def test_orders_of_a_wechat_store_have_times_and_so_are_sales(tmp_path: Path) -> None:
    head = "订单号,订单下单时间,订单状态,商品名称,商品数量,商品价格(单件),商品实际价格(单件),"
    head += "商品实际价格(总共),订单实际支付金额,订单实际收款金额,商品已退款金额,订单运费,支付时间,"
    head += "商品发货,商品售后\n"
    row = "3700000000000000123,2026-06-18 20:00:00,已完成,杯,2,30,25,50,55,55,0,5,"
    row += "2026-06-18 20:01:00,已发货,无\n"
    shop = eo.open(put(tmp_path, "wechat.csv", head + row))
    (order,) = shop.orders.to_pandas().to_dict("records")
    assert order["created_at"].isoformat()[:19] == "2026-06-18T20:00:00"
    assert order["paid_at"].isoformat()[:19] == "2026-06-18T20:01:00"
    assert list(eo.metrics.compute(shop, "gmv_paid")["value"]) == [55]


def test_meta_rows_over_several_days_are_flagged_as_totals(tmp_path: Path) -> None:
    head = "Reporting starts,Reporting ends,Campaign name,Results,Impressions,Amount spent (USD),"
    head += "Link clicks\n"
    rows = "2026-06-01,2026-06-30,,12,30000,600,450\n2026-06-01,2026-06-30,A,12,30000,600,450\n"
    shop = eo.open(put(tmp_path, "month.csv", head + rows))
    (told,) = [p for p in shop.problems if p.code == "period_total"]
    assert (told.table, told.count, told.examples) == (
        "ad_reports", 1, ("2026-06-01 ~ 2026-06-30",),
    )  # fmt: skip
    daily = eo.open(put(tmp_path, "daily.csv", head + rows.replace("06-30", "06-01")))
    assert not [p for p in daily.problems if p.code == "period_total"]


def movements(shop: Any) -> list[tuple[str, str]]:
    rows = shop.settlements.to_pandas().sort_values(["entry_id", "amount"])
    return [
        (kind, f"{amount:.2f}") for kind, amount in zip(rows.entry_type, rows.amount, strict=True)
    ]


def test_stripe_payments_that_failed_are_none_and_refunds_and_fees_come_off(tmp_path: Path) -> None:
    head = "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Converted Amount,"
    head += "Converted Amount Refunded,Converted Currency,Fee,Refunded date (UTC),Status\n"
    at = "2026-06-18 12:00:00"
    rows = f"ch_1,{at},50,0,usd,true,50.00,10.00,usd,1.75,2026-06-20 12:00:00,Paid\n"
    rows += f"ch_2,{at},99,0,usd,false,99.00,0,usd,0,,Failed\n"
    rows += f"ch_3,{at},20,0,usd,true,20.00,20.00,usd,0.88,2026-06-21 12:00:00,Refunded\n"
    shop = eo.open(put(tmp_path, "unified_payments.csv", head + rows))
    assert movements(shop) == [
        ("sale", "50.00"), ("platform_fee", "-1.75"), ("refund", "-10.00"),
        ("sale", "20.00"), ("platform_fee", "-0.88"), ("refund", "-20.00"),
    ]  # fmt: skip
    days = column(shop.settlements, "posted_at", "entry_id")
    assert f"{days['ch_1-refund']:%m-%d}" == "06-20"
    assert [(p.code, p.count) for p in shop.problems if p.action == "dropped"][-1] == ("unpaid", 1)


def test_amazon_refunds_are_refunds_and_reimbursements_are_not(tmp_path: Path) -> None:
    head = "settlement-id\ttotal-amount\tcurrency\ttransaction-type\torder-id\tamount-type\t"
    head += "amount-description\tamount\tposted-date\n"
    rows = "1\t17.35\tUSD\t\t\t\t\t\t\n"
    for kind, what, amount in (
        ("Order", "Principal", "50.00"), ("Refund", "Principal", "-25.00"),
        ("Order", "Commission", "-7.65"), ("other-transaction", "REVERSAL_REIMBURSEMENT", "-3.00"),
        ("Refund", "Commission", "3.00"),
    ):  # fmt: skip
        rows += f"1\t\t\t{kind}\t111-0000001-0000001\tItemPrice\t{what}\t{amount}\t2026-06-03\n"
    shop = eo.open(put(tmp_path, "settlement.txt", head + rows))
    assert sorted(movements(shop)) == [
        ("compensation", "-3.00"), ("platform_fee", "-7.65"), ("platform_fee", "3.00"),
        ("refund", "-25.00"), ("sale", "50.00"),
    ]  # fmt: skip
    assert not [p for p in shop.problems if p.code == "total_differs"]


@pytest.mark.parametrize("sign", ["", "-"])
def test_jd_goods_money_that_goes_out_is_a_refund(tmp_path: Path, sign: str) -> None:
    head = "订单编号,费用名称,应结金额,币种,收支方向,结算状态,预计结算时间,账单生成时间,到账时间\n"
    end = "已结算,,,2026-06-01 10:00:00\n"
    rows = f"70001,货款,100.00,CNY,收入,{end}70002,货款,{sign}30.00,CNY,支出,{end}"
    rows += f"70001,佣金,-5.00,CNY,支出,{end}"
    shop = eo.open(put(tmp_path, "jd.csv", head + rows))
    assert sorted(movements(shop)) == [
        ("commission", "-5.00"), ("refund", "-30.00"), ("sale", "100.00"),
    ]  # fmt: skip


def test_lines_from_two_files_of_a_load_stay_when_more_is_loaded(tmp_path: Path) -> None:
    exports, shop = tmp_path / "exports", tmp_path / "shop"
    put(exports, "2026-06-18.csv", DOUYIN + douyin(BASE, BASE, 50))
    put(exports, "2026-06-19.csv", DOUYIN + douyin(BASE, BASE + 1, 30))
    eo.load(exports, into=shop)
    more = put(tmp_path, "2026-06-20.csv", DOUYIN + douyin(BASE + 5, BASE + 5, 20))
    eo.load(more, into=shop)
    assert paid(eo.open(shop)) == 100
    assert number(eo.open(shop).order_lines.count()) == 3
    eo.load(exports, into=shop)
    assert number(eo.open(shop).order_lines.count()) == 3
