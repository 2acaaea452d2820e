"""Exports as they come: doubled rows, re-exports, two shops, refunds asked for or given in part.

Truth: each file is small enough to add up by hand.
"""

from __future__ import annotations

import csv
import zipfile
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import ibis
import pandas as pd
import pytest

from ecomops.base.errors import DataError
from ecomops.data.formats import load, load_into
from ecomops.store.loaded import load as report_of

if TYPE_CHECKING:
    from pathlib import Path

    from ecomops.data.formats import Loaded

DOUYIN = {
    "主订单编号": "6930000000000000001", "子订单编号": "6930000000000000001", "选购商品": "杯",
    "商品ID": "36", "商品数量": "1", "商品金额": "100", "订单应付金额": "90.00", "运费": "0",
    "平台实际承担优惠金额": "4", "商家实际承担优惠金额": "6", "支付优惠": "0",
    "订单提交时间": "2024-05-01 10:00:00", "支付完成时间": "2024-05-01 10:01:00",
    "订单状态": "已完成", "售后状态": "-", "达人ID": "1", "流量来源": "自营",
}  # fmt: skip
TICKET = {
    "售后单号": "71", "订单号": DOUYIN["主订单编号"], "商品单号": DOUYIN["子订单编号"],
    "商品ID": "36", "应付金额（元）": "90", "售后类型": "仅退款", "退商品金额（元）": "30.00",
    "售后状态": "同意退款，退款成功", "售后申请时间": "2024-05-02 10:00:00",
    "商家退款时间": "2024-05-03 10:00:00", "售后原因": "不想要",
}  # fmt: skip
PINDUODUO = {
    "商品": "杯", "订单号": "240501-111111111111111", "订单状态": "已签收", "商品总价(元)": "100",
    "邮费(元)": "0", "店铺优惠折扣(元)": "12", "平台优惠折扣(元)": "0", "用户实付金额(元)": "88.00",
    "商家实收金额(元)": "88", "商品数量(件)": "1", "商品id": "5", "商品规格": "白", "样式ID": "6",
    "售后状态": "无售后或售后取消", "快递单号": "YT1", "订单成交时间": "2024-05-01 10:00:00",
}  # fmt: skip
JD = {
    "订单号": "290000000001", "商品ID": "100", "商品名称": "锅", "订购数量": "1", "京东价": "50",
    "下单时间": "2024-05-01 10:00:00", "订单金额": "50", "结算金额": "50", "应付金额": "50.00",
    "订单状态": "完成", "下单帐号": "a", "付款确认时间": "2024-05-01 10:01:00", "订单完成时间": "",
}  # fmt: skip
SHOPIFY = {
    "Name": "#1001", "Email": "a@x.com", "Financial Status": "paid",
    "Paid at": "2024-05-01 10:00:00 +0000", "Fulfillment Status": "fulfilled", "Currency": "USD",
    "Subtotal": "90.00", "Shipping": "10.00", "Taxes": "0.00", "Total": "100.00",
    "Discount Amount": "10.00", "Created at": "2024-05-01 10:00:00 +0000",
    "Lineitem quantity": "1", "Lineitem name": "Mug", "Lineitem price": "50.00",
    "Lineitem discount": "0", "Lineitem fulfillment status": "fulfilled",
    "Refunded Amount": "0.00", "Outstanding Balance": "0.00", "Id": "501",
}  # fmt: skip
SECOND = {k: "" if k[:4] != "Line" else v for k, v in SHOPIFY.items()} | {"Name": "#1001"}
ORDER = {
    "订单编号": "4311111111111111111", "买家实付金额": "100.00", "总金额": "100",
    "订单状态": "交易成功",
    "订单创建时间": "2024-05-01 23:59:58", "订单付款时间": "2024-05-02 00:00:03",
    "宝贝总数量": "2", "店铺ID": "88", "商品标题": "杯", "支付单号": "1", "确认收货打款金额": "0",
}  # fmt: skip
LINE = {
    "子订单编号": "51", "主订单编号": ORDER["订单编号"], "商品标题": "杯", "商品价格": "50",
    "购买数量": "1", "订单状态": "交易成功", "买家应付货款": "50", "买家实付金额": "50.00",
    "退款状态": "没有申请退款", "退款金额": "无退款申请", "商品ID": "7", "商品属性": "白",
}  # fmt: skip


def export(path: Path, *rows: dict[str, str]) -> Path:
    """Write rows of cells, one per dictionary, below the header of the first one."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(rows[0])
        writer.writerows([row.get(name, "") for name in rows[0]] for row in rows)
    return path


def loaded(path: Path) -> Loaded:
    """Return what the path holds."""
    return load(path, con=ibis.duckdb.connect())


def column(found: Loaded, table: str, key: str, name: str) -> dict[str, Any]:
    """Return key -> value of a column."""
    rows = found.tables[table].to_pyarrow().to_pylist()
    return {row[key]: row[name] for row in rows}


def counts(found: Loaded, code: str) -> list[int]:
    """Return how often a problem was counted, by table."""
    return [p.count for p in found.problems if p.code == code]


def test_a_line_said_twice_in_one_file_is_added_up_once(tmp_path: Path) -> None:
    second = DOUYIN | {"子订单编号": "6930000000000000002"}
    found = loaded(export(tmp_path / "a.csv", *[DOUYIN, second] * 2))
    (order,) = found.tables["orders"].to_pyarrow().to_pylist()
    assert order["paid_amount"] == Decimal(180)
    assert (order["platform_discount"], order["shop_discount"]) == (8, 12)
    assert counts(found, "duplicate_key") == [2]
    assert not counts(found, "identity_lines")


def test_two_parcels_of_one_order_are_one_line_where_an_order_has_one_product(
    tmp_path: Path,
) -> None:
    again = {"快递单号": "YT2", "商品": "杯（新名）"}
    found = loaded(export(tmp_path / "a.csv", PINDUODUO, PINDUODUO | again))
    (line,) = found.tables["order_lines"].to_pyarrow().to_pylist()
    assert (line["quantity"], line["line_paid_amount"]) == (1, 88)


def test_alike_lines_of_other_platforms_are_flagged_and_kept(tmp_path: Path) -> None:
    found = loaded(export(tmp_path / "a.csv", JD, JD))
    assert counts(found, "duplicate_row") == [1]
    assert found.tables["order_lines"].count().execute() == 2


def test_a_cell_or_row_that_feeds_two_tables_is_counted_once(tmp_path: Path) -> None:
    bad = PINDUODUO | {"订单成交时间": "gestern", "订单号": "240501-111111111111112"}
    export(tmp_path / "a_20240501.csv", PINDUODUO, bad)
    export(tmp_path / "b_20240601.csv", PINDUODUO)
    found = loaded(tmp_path)
    assert counts(found, "unreadable_cell") == [1]
    assert counts(found, "overlap") == [1]


def test_refunds_of_tickets_reach_lines_and_orders(tmp_path: Path) -> None:
    export(tmp_path / "orders.csv", DOUYIN)
    asked = {
        "售后单号": "72",
        "退商品金额（元）": "90",
        "售后状态": "待商家处理",
        "商家退款时间": "",
    }
    export(tmp_path / "tickets.csv", TICKET, TICKET | asked)
    found = loaded(tmp_path)
    assert column(found, "refunds", "refund_id", "refund_status") == {
        "71": "refunded",
        "72": "applied",
    }
    assert [*column(found, "orders", "order_id", "refund_amount").values()] == [30]
    assert not counts(found, "refund_inferred")


@pytest.mark.parametrize("tickets_first", [False, True])
def test_refunds_reach_orders_of_another_load(tickets_first: bool, tmp_path: Path) -> None:
    paid = TICKET | {"退运费金额（元）": "5.00"}
    untouched = {"主订单编号": "6930000000000000005", "子订单编号": "6930000000000000005"}
    orders = export(tmp_path / "orders.csv", DOUYIN, DOUYIN | untouched)
    tickets = export(tmp_path / "tickets.csv", paid)
    shop = tmp_path / "shop"
    both = [orders, tickets]
    done = [load_into(f, shop) for f in (reversed(both) if tickets_first else both)]
    rows = pd.read_parquet(shop / "orders.parquet").set_index("order_id").refund_amount
    assert rows.to_dict() == {DOUYIN["主订单编号"]: 35, untouched["主订单编号"]: 0}
    lines = pd.read_parquet(shop / "order_lines.parquet").set_index("order_line_id")
    assert lines.line_refund_amount[DOUYIN["子订单编号"]] == 35
    assert [p.count for p in done[1].problems if p.code == "refund_from_ticket"] == [1]
    assert not [p for p in load_into(tickets, shop).problems if p.code == "refund_from_ticket"]


def test_refunds_of_taobao_lines_reach_orders_once_they_are_given(tmp_path: Path) -> None:
    export(tmp_path / "orders.csv", ORDER)
    given = LINE | {"子订单编号": "52", "退款状态": "退款成功", "退款金额": "30.00"}
    asked = LINE | {"退款状态": "买家已经申请退款，等待卖家同意", "退款金额": "50.00"}
    export(tmp_path / "lines.csv", asked, given)
    found = loaded(tmp_path)
    assert [*column(found, "orders", "order_id", "refund_amount").values()] == [30]
    assert column(found, "order_lines", "order_line_id", "line_refund_amount") == {
        "51": 0,
        "52": 30,
    }


def test_a_refund_without_ticket_is_all_of_a_closed_order_and_unknown_of_another(
    tmp_path: Path,
) -> None:
    kept = DOUYIN | {"售后状态": "退款成功"}
    gone = {
        "主订单编号": "6930000000000000009",
        "子订单编号": "6930000000000000009",
        "订单状态": "已关闭",
    }
    found = loaded(export(tmp_path / "a.csv", kept, kept | gone))
    assert column(found, "orders", "order_id", "refund_amount") == {
        kept["主订单编号"]: None,
        gone["主订单编号"]: 90,
    }
    (unknown,) = [p for p in found.problems if p.code == "refund_unknown"]
    assert (unknown.count, unknown.amount, unknown.action) == (1, 90, "flagged")


def test_a_refund_in_words_nobody_knows_is_told(tmp_path: Path) -> None:
    found = loaded(export(tmp_path / "a.csv", DOUYIN | {"售后状态": "某种新状态"}))
    assert counts(found, "unknown_status") == [1]


def test_two_shops_may_each_have_an_order_1001(tmp_path: Path) -> None:
    export(tmp_path / "a.csv", SHOPIFY, SECOND)
    export(tmp_path / "b.csv", SHOPIFY | {"Id": "901", "Subtotal": "40", "Total": "50"})
    found = loaded(tmp_path)
    lines = column(found, "order_lines", "order_line_id", "line_paid_amount")
    assert lines == {"501-1": 45, "501-2": 45, "901-1": 40}
    assert set(column(found, "orders", "order_id", "order_status").values()) == {"completed"}
    assert not counts(found, "overlap")


def test_a_newer_export_of_several_rows_an_order_leaves_no_row_of_the_older(tmp_path: Path) -> None:
    export(tmp_path / "a_20240501.csv", SHOPIFY, SECOND, SHOPIFY | {"Name": "#1002", "Id": "502"})
    export(tmp_path / "b_20240601.csv", SHOPIFY | {"Refunded Amount": "20.00"}, SECOND)
    found = loaded(tmp_path)
    assert set(column(found, "order_lines", "order_line_id", "order_id")) == {
        "501-1", "501-2", "502-1",
    }  # fmt: skip
    assert column(found, "orders", "order_id", "refund_amount") == {"501": 20, "502": 0}
    assert (counts(found, "overlap"), counts(found, "duplicate_key")) == ([2], [])


def test_a_shopify_file_that_tells_its_orders_twice_counts_them_once(tmp_path: Path) -> None:
    other = SHOPIFY | {"Name": "#1002", "Id": "502"}
    later = SHOPIFY | {"Refunded Amount": "20.00"}
    found = loaded(export(tmp_path / "a.csv", SHOPIFY, SECOND, other, later, SECOND, other))
    lines = column(found, "order_lines", "order_line_id", "line_paid_amount")
    assert lines == {"501-1": 45, "501-2": 45, "502-1": 90}
    assert column(found, "orders", "order_id", "refund_amount") == {"501": 20, "502": 0}
    assert counts(found, "duplicate_key") == [3]


def test_a_shopify_file_with_the_order_on_every_row_keeps_its_lines(tmp_path: Path) -> None:
    found = loaded(export(tmp_path / "a.csv", SHOPIFY, SHOPIFY | {"Lineitem name": "Cup"}))
    lines = column(found, "order_lines", "product_name", "line_paid_amount")
    assert lines == {"Mug": 45, "Cup": 45}
    assert not counts(found, "duplicate_key")


@pytest.mark.parametrize(
    ("offset", "zone"),
    [
        ("+0000", "UTC"),
        ("-05:00", "Etc/GMT+5"),
        ("+0530", "Asia/Kolkata"),
        ("-03:30", "America/St_Johns"),
    ],
)
def test_offsets_of_cells_tell_the_zone(offset: str, zone: str, tmp_path: Path) -> None:
    at = f"2024-05-01 10:00:00 {offset}"
    found = loaded(export(tmp_path / "a.csv", SHOPIFY | {"Paid at": at, "Created at": at}))
    assert found.timezone == zone
    assert [*column(found, "orders", "order_id", "paid_at").values()] == [datetime(2024, 5, 1, 10)]


def test_lines_of_an_order_never_paid_are_no_sale(tmp_path: Path) -> None:
    unpaid = SHOPIFY | {"Financial Status": "pending", "Paid at": ""}
    found = loaded(export(tmp_path / "a.csv", unpaid))
    assert [*column(found, "order_lines", "order_id", "line_status").values()] == ["unpaid"]


def test_of_many_files_without_a_date_the_last_event_tells_the_newest(tmp_path: Path) -> None:
    for number in range(4):
        export(tmp_path / f"k{number}.csv", JD | {"订单号": f"29000000001{number}"})
    export(tmp_path / "z.csv", JD | {"订单状态": "等待出库"})
    export(tmp_path / "a.csv", JD | {"订单完成时间": "2024-05-20 10:00:00"})
    found = loaded(tmp_path)
    assert set(column(found, "orders", "order_id", "order_status").values()) == {"completed"}


def test_notes_below_the_table_are_no_orders(tmp_path: Path) -> None:
    said = ("合计7单", "导出时间：2024-06-01")
    notes = [dict.fromkeys(JD, "") | {"订单号": each} for each in said]
    found = loaded(export(tmp_path / "a.csv", JD, *notes))
    assert found.tables["orders"].count().execute() == 1
    assert (counts(found, "total_row"), counts(found, "missing_key")) == ([1], [1])


def test_brackets_of_either_width_say_the_same(tmp_path: Path) -> None:
    found = loaded(export(tmp_path / "a.csv", JD | {"订单状态": "（删除）等待出库"}))
    assert [*column(found, "orders", "order_id", "order_status").values()] == ["closed_refunded"]


def test_rows_below_one_that_was_left_out_keep_their_numbers(tmp_path: Path) -> None:
    path = export(tmp_path / "a.csv", JD, JD | {"订单号": "290000000002"})
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([lines[0], lines[1] + ",7", lines[2]]), encoding="utf-8")
    found = loaded(path)
    assert column(found, "orders", "order_id", "source_row") == {"290000000002": 3}


def test_two_digits_of_a_year_may_stand_last_but_are_not_guessed(tmp_path: Path) -> None:
    said = {"下单时间": "5/31/24 10:00", "付款确认时间": "5/31/24 10:01"}
    found = loaded(export(tmp_path / "a.csv", JD | said))
    assert [f"{at:%F}" for at in column(found, "orders", "order_id", "paid_at").values()] == [
        "2024-05-31"
    ]
    with pytest.raises(DataError, match="下单时间"):
        loaded(export(tmp_path / "b.csv", JD | {"下单时间": "24/5/03 10:00"}))


JD_ADS = {
    "日期": "20260601~20260630", "跟单SKU ID": "100", "跟单SKU名称": "锅", "SPU ID": "1",
    "展现数": "10", "点击数": "1", "花费": "5", "平均点击成本": "5", "千次展现成本": "500",
}  # fmt: skip


def test_a_total_that_was_held_is_still_told_as_dropped_and_spans_no_days(tmp_path: Path) -> None:
    total = JD_ADS | {"跟单SKU名称": "合计", "跟单SKU ID": ""}
    path = export(tmp_path / "a.csv", JD_ADS, total)
    assert counts(loaded(path), "period_total") == [1]
    assert list(report_of(path).of("problem", "dropped")["item"]) == ["total_row"]


def test_an_empty_file_in_an_archive_keeps_no_other_from_being_read(tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a_empty.csv", "")
        archive.write(export(tmp_path / "b.csv", JD), "b.csv")
    found = loaded(path)
    assert {f.name: f.status for f in found.files} == {
        "all.zip/a_empty.csv": "refused", "all.zip/b.csv": "loaded",
    }  # fmt: skip
    assert "all.zip/a_empty.csv" in found.files[0].reason


def test_an_order_said_again_later_overlaps_once(tmp_path: Path) -> None:
    for name in ("a_20240501.csv", "b_20240601.csv"):
        export(tmp_path / name, PINDUODUO)
        report = report_of(tmp_path / name, into=tmp_path / "shop", lang="en")
    assert "1 row overlaps with other exports; the newest wins." in report.sentences()
