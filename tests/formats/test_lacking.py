"""A newer export that lacks a column takes nothing away of what older ones said.

Truth: small exports whose merged content is worked out by hand.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pandas as pd
import pytest

import ecomops as eo
from ecomops.data.formats import load_into

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

AT = "2026-05-01 10:00:00"
ORDERS = (
    "订单编号,买家会员名,买家应付邮费,总金额,买家实际支付金额,退款金额,订单状态,订单创建时间,"
    "订单付款时间,店铺Id,宝贝总数量,宝贝种类"
)
LINES = (
    "子订单编号,主订单编号,标题,价格,购买数量,商品属性,备注,订单状态,商家编码,"
    "买家应付货款,买家实际支付金额,退款状态,退款金额,订单创建时间,订单付款时间"
)
SUB_ORDERS = (
    "主订单编号,子订单编号,选购商品,商品ID,商家编码,商品数量,商品金额,订单应付金额,运费,"
    "订单提交时间,支付完成时间,订单状态,售后状态,平台实际承担优惠金额,取消原因"
)
DONE, SENT, SHUT = "交易成功", "卖家已发货，等待买家确认", "交易关闭"


def written(path: Path, header: str, rows: list[list[str]], less: Collection[str] = ()) -> Path:
    """Write an export without some of its columns."""
    names = header.split(",")
    kept = [i for i, name in enumerate(names) if name not in less]
    lines = [",".join(row[i] for i in kept) for row in ([names, *rows])]
    path.parent.mkdir(exist_ok=True)
    path.write_text("\r\n".join(lines) + "\r\n", encoding="gb18030")
    return path


def orders(path: Path, rows: list[str], less: Collection[str] = ()) -> Path:
    """Write an order export from rows of: order, buyer, postage, paid, refund, status."""
    told = [row.split(",") for row in rows]
    full = [[o, who, fee, p, p, back, s, AT, AT, "1", "1", "1"] for o, who, fee, p, back, s in told]
    return written(path, ORDERS, full, less)


def stored(shop: Path, table: str, key: str, *columns: str) -> dict[str, tuple[object, ...]]:
    rows = pd.read_parquet(shop / f"{table}.parquet").set_index(key)[list(columns)]
    rows = rows.astype(object).where(rows.notna(), None)
    return {str(row[0]): tuple(row[1:]) for row in rows.itertuples()}


MAY = [
    f"11,b11,2.00,10.00,3.00,{DONE}", f"12,b12,2.00,20.00,0.00,{SENT}",
    f"14,b14,2.00,10.00,8.00,{SHUT}",
]  # fmt: skip
JUNE = [
    f"11,b11,2.00,10.00,3.00,{DONE}", f"12,b12,2.00,20.00,0.00,{DONE}",
    f"13,b13,2.00,30.00,0.00,{DONE}", f"14,b14,2.00,10.00,8.00,{SHUT}",
]  # fmt: skip
GONE = {"退款金额", "买家会员名", "买家应付邮费"}
WANTED = ("customer_id", "refund_amount", "shipping_fee", "order_status")


@pytest.mark.parametrize("way", ["forward", "backward", "once", "again"])
def test_a_column_that_the_newest_export_lacks_keeps_what_is_stored(
    tmp_path: Path, way: str
) -> None:
    """Order 14 gave back 8.00, not the 10.00 that a closed order would be taken for."""
    may = orders(tmp_path / "all" / "ExportOrderList202605311200.csv", MAY)
    june = orders(tmp_path / "all" / "ExportOrderList202606301200.csv", JUNE, GONE)
    ways = {"forward": [may, june], "backward": [june, may], "once": [tmp_path / "all"]}
    ways["again"] = [may, june, june]
    done = [load_into(each, tmp_path / "shop") for each in ways[way]]
    assert stored(tmp_path / "shop", "orders", "order_id", *WANTED) == {
        "11": ("b11", 3, 2, "completed"), "12": ("b12", 0, 2, "completed"),
        "13": (None, None, None, "completed"), "14": ("b14", 8, 2, "closed_refunded"),
    }  # fmt: skip
    (told,) = (p for p in done[-1].problems if p.code == "older_value")
    assert (told.table, told.action, told.count) == ("orders", "changed", 3)
    assert told.examples[:2] == ("11: customer_id = b11", "11: refund_amount = 3.00")


def test_an_empty_cell_says_something_but_forgets_no_id(tmp_path: Path) -> None:
    orders(tmp_path / "a" / "ExportOrderList202605311200.csv", MAY)
    orders(tmp_path / "b" / "ExportOrderList202606301200.csv", [f"11,,,10.00,,{DONE}"])
    orders(tmp_path / "c" / "ExportOrderList202607311200.csv", JUNE[:1], GONE)
    for each, told in {
        "a": ("b11", 3, 2),
        "b": ("b11", None, None),
        "c": ("b11", None, None),
    }.items():
        load_into(tmp_path / each, tmp_path / "shop")
        assert stored(tmp_path / "shop", "orders", "order_id", *WANTED[:3])["11"] == told


def lines(path: Path, rows: list[str], less: Collection[str] = ()) -> Path:
    """Write a line export of order 81 from rows of: sub-order, title, paid, refund, status."""
    told = [row.split(",") for row in rows]
    full = [[n, "81", what, "10", "1", "红", "", s, "k", "10", paid, "没有申请退款", back, AT, AT]
            for n, what, paid, back, s in told]  # fmt: skip
    return written(path, LINES, full, less)


def test_lines_keep_their_amounts_and_not_the_list_price(tmp_path: Path) -> None:
    """811 was sold for 8 of 10 with 1 back; the newer export has neither column."""
    shop, gone = tmp_path / "shop", {"买家实际支付金额", "退款金额", "退款状态"}
    load_into(lines(tmp_path / "订单表商品20260531.csv", [f"811,袜子,8,1,{SENT}"]), shop)
    rows = [f"811,袜子,8,1,{DONE}", f"812,帽子,9,0,{DONE}"]
    done = load_into(lines(tmp_path / "订单表商品20260630.csv", rows, gone), shop)
    wanted = ("line_paid_amount", "line_refund_amount", "line_status")
    assert stored(shop, "order_lines", "order_line_id", *wanted) == {
        "811": (8, 1, "completed"), "812": (10, None, "completed"),
    }  # fmt: skip
    assert [p.count for p in done.problems if p.code == "older_value"] == [1]


def sub_orders(path: Path, rows: list[str], less: Collection[str] = ()) -> Path:
    """Write a Douyin export from rows of: order, sub-order, paid, shipping, status, refund."""
    told = [row.split(",") for row in rows]
    full = [[o, n, "袜子", f"p{n}", "k", "1", paid, paid, fee, AT, AT, s, back, "2", ""]
            for o, n, paid, fee, s, back in told]  # fmt: skip
    return written(path, SUB_ORDERS, full, less)


@pytest.mark.parametrize("way", ["forward", "backward", "once"])
def test_orders_of_several_lines_keep_shipping_and_products(tmp_path: Path, way: str) -> None:
    """902 closed with its money back; 911 is "refunded", but nobody says how much."""
    full = ["90,901,100,5,已发货,-", "90,902,50,6,已发货,-", "91,911,10,1,已发货,-"]
    some = ["90,902,50,6,已关闭,退款成功", "91,911,10,1,已完成,退款成功"]
    may = sub_orders(tmp_path / "all" / "抖店订单20260531.csv", full)
    june = sub_orders(tmp_path / "all" / "抖店订单20260630.csv", some, {"运费", "商品ID"})
    ways = {"forward": [may, june], "backward": [june, may], "once": [tmp_path / "all"]}
    for each in ways[way]:
        load_into(each, tmp_path / "shop")
    money = ("paid_amount", "refund_amount", "shipping_fee", "platform_discount")
    told = stored(tmp_path / "shop", "orders", "order_id", *money)
    assert told == {"90": (150, 50, 11, 4), "91": (10, None, 1, 2)}
    sold = stored(tmp_path / "shop", "order_lines", "order_line_id", "product_id")
    assert sold == {"901": ("p901",), "902": ("p902",), "911": ("p911",)}


def test_products_keep_their_costs_though_a_report_names_them(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    shop.mkdir()
    told = {"product_id": ["901"], "product_name": ["袜"], "category_l1": ["服饰"]}
    pd.DataFrame(told | {"unit_cost": [4.0]}).to_csv(shop / "products.csv", index=False)
    (shop / "shop.toml").write_text('currency = "CNY"\ntimezone = "Asia/Shanghai"\n')
    header = "统计日期,商品ID,商品名称,货号,商品状态,商品标签,商品访客数,商品浏览量,平均停留时长"
    row = ["2026-05-01", "901", "袜子", "", "当前在线", "", "10", "20", "3"]
    load_into(written(tmp_path / "商品排行20260501.csv", header, [row]), shop)
    named = stored(shop, "products", "product_id", "product_name", "category_l1", "unit_cost")
    assert named == {"901": ("袜子", "服饰", 4)}


def test_the_report_says_what_stayed_in_both_languages(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    eo.load(orders(tmp_path / "ExportOrderList202605311200.csv", MAY), into=shop)
    june = orders(tmp_path / "ExportOrderList202606301200.csv", JUNE, {"退款金额"})
    shutil.copytree(shop, tmp_path / "other")
    for lang, said in {"en": "3 rows come from an export that lacks", "zh": "有 3 行"}.items():
        report = eo.load(june, into=shop if lang == "en" else tmp_path / "other", lang=lang)
        (one,) = (s for s in report.sentences() if "11: refund_amount = 3.00" in s)
        assert one.startswith(said)
