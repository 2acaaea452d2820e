"""Loading into a shop: the newest export wins, and an interruption leaves before or after.

Truth: the planted exports, whose merged content is worked out by hand.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from ecomops.base.errors import DataError, UnsafeError
from ecomops.data.formats import load_into, recover

HEADER = (
    "订单编号,买家会员名,总金额,买家实际支付金额,订单状态,订单创建时间,订单付款时间,"
    "店铺Id,宝贝总数量,宝贝种类"
)
ROOT = Path(__file__).parents[2]


def export(path: Path, rows: list[tuple[str, str, str, str]]) -> Path:
    """Write an order export: order id, paid amount, status, day of May 2026."""
    lines = [HEADER]
    for order, paid, status, day in rows:
        at = f"2026-05-{day} 10:00:00"
        lines.append(f'="{order}",b{order},{paid},{paid},{status},{at},{at},1,1,1')
    path.write_text("\r\n".join(lines) + "\r\n", encoding="gb18030")
    return path


def amounts(shop: Path) -> dict[str, Decimal]:
    rows = pd.read_parquet(shop / "orders.parquet")
    return dict(zip(rows.order_id, rows.paid_amount, strict=True))


MAY = [("11", "10.00", "交易成功", "01"), ("12", "20.00", "卖家已发货，等待买家确认", "02")]
JUNE = [("12", "20.00", "交易成功", "02"), ("13", "30.00", "交易成功", "03")]


def test_newest_export_wins_whatever_the_order_of_loading(tmp_path: Path) -> None:
    may = export(tmp_path / "ExportOrderList202605311200.csv", MAY)
    june = export(tmp_path / "ExportOrderList202606301200.csv", JUNE)
    for name, files in (("forward", (may, june)), ("backward", (june, may))):
        shop = tmp_path / name
        done = [load_into(f, shop) for f in files]
        assert amounts(shop) == {"11": Decimal(10), "12": Decimal(20), "13": Decimal(30)}
        rows = pd.read_parquet(shop / "orders.parquet").set_index("order_id")
        assert rows.order_status["12"] == "completed"
        (change,) = done[1].changes
        assert (change.before, change.loaded, change.after, change.replaced) == (2, 2, 3, 1)
        assert [p.count for p in done[1].problems if p.code == "overlap"] == [1]


def test_loading_the_same_file_again_changes_no_figure(tmp_path: Path) -> None:
    may = export(tmp_path / "ExportOrderList202605311200.csv", MAY)
    load_into(may, tmp_path / "shop")
    first = (tmp_path / "shop" / "orders.parquet").read_bytes()
    load_into(may, tmp_path / "shop")
    assert (tmp_path / "shop" / "orders.parquet").read_bytes() == first


def test_shop_settings_and_ledger_are_written_once(tmp_path: Path) -> None:
    may = export(tmp_path / "ExportOrderList202605311200.csv", MAY)
    shop = tmp_path / "shop"
    report = load_into(may, shop)
    assert 'currency = "CNY"' in (shop / "shop.toml").read_text(encoding="utf-8")
    assert "ExportOrderList202605311200.csv" in (shop / "loads.json").read_text(encoding="utf-8")
    assert report.to_dict()["changes"][0]["after"] == 2
    assert sorted(p.name for p in shop.iterdir()) == ["loads.json", "orders.parquet", "shop.toml"]


def test_another_currency_is_refused_and_nothing_written(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    shop.mkdir()
    (shop / "shop.toml").write_text('currency = "USD"\n', encoding="utf-8")
    with pytest.raises(DataError) as raised:
        load_into(export(tmp_path / "a20260531.csv", MAY), shop)
    assert raised.value.code == "mixed_currencies_file"
    assert [p.name for p in shop.iterdir()] == ["shop.toml"]


def test_a_folder_of_several_kinds_and_a_file_that_is_none(tmp_path: Path) -> None:
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    export(downloads / "ExportOrderList202605311200.csv", MAY)
    (downloads / "notes.txt").write_text("buy milk\nand bread\n", encoding="utf-8")
    (downloads / "empty.csv").write_text("", encoding="utf-8")
    report = load_into(downloads, tmp_path / "shop")
    assert {f.name: f.status for f in report.files} == {
        "ExportOrderList202605311200.csv": "loaded", "notes.txt": "refused", "empty.csv": "refused",
    }  # fmt: skip
    assert len(amounts(tmp_path / "shop")) == 2


def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "shop").write_text("a file, not a folder", encoding="utf-8")
    with pytest.raises(UnsafeError) as raised:
        load_into(export(tmp_path / "a20260531.csv", MAY), tmp_path / "shop")
    assert raised.value.code == "shop_not_written"
    assert (tmp_path / "shop").read_text(encoding="utf-8") == "a file, not a folder"


def test_an_interrupted_commit_is_completed_and_an_earlier_stop_forgotten(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    load_into(export(tmp_path / "a20260531.csv", MAY), shop)
    stage = shop / ".load"
    stage.mkdir()
    (stage / "orders.parquet").write_bytes(b"half")
    recover(shop)
    assert len(amounts(shop)) == 2
    assert not stage.exists()
    stage.mkdir()
    (stage / "note.txt").write_text("new", encoding="utf-8")
    (stage / "commit.json").write_text('["note.txt", "gone.txt"]', encoding="utf-8")
    recover(shop)
    assert (shop / "note.txt").read_text(encoding="utf-8") == "new"


@pytest.mark.parametrize("share", [0.3, 0.6, 0.8, 0.9, 0.95, 1.0])
def test_kill_at_any_moment_leaves_before_or_after(tmp_path: Path, share: float) -> None:
    shop = tmp_path / "shop"
    load_into(export(tmp_path / "a20260531.csv", MAY), shop)
    before = amounts(shop)
    june = export(tmp_path / "b20260630.csv", JUNE)
    code = "from ecomops.data.formats import load_into; print('go', flush=True)\n"
    code += f"load_into({str(june)!r}, {str(shop)!r})"
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert child.stdout is not None
    child.stdout.readline()
    time.sleep(share * 0.5)
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    recover(shop)
    after = {"11": Decimal(10), "12": Decimal(20), "13": Decimal(30)}
    assert amounts(shop) in (before, after)
    load_into(june, shop)
    assert amounts(shop) == after


LINES = (
    "子订单编号,主订单编号,标题,价格,购买数量,外部系统编号,商品属性,套餐信息,备注,"
    "订单状态,商家编码,支付单号,买家应付货款,买家实际支付金额,退款状态,退款金额,"
    "订单创建时间,订单付款时间"
)
BARE = "订单编号,标题,价格,购买数量,外部系统编号,商品属性,套餐信息,备注,订单状态,商家编码"


def details(path: Path, rows: list[tuple[str, str, str]], *, bare: bool = False) -> Path:
    """Write an export of order 81's lines: sub-order (left out of `bare`), title, status."""
    at = "2026-05-01 10:00:00"
    lines = [BARE if bare else LINES]
    for sub, title, status in rows:
        if bare:
            lines.append(f"81,{title},10,1,,,,,{status},k")
        else:
            lines.append(f"{sub},81,{title},10,1,,,,,{status},k,,10,10,没有申请退款,0,{at},{at}")
    path.write_text("\r\n".join(lines) + "\r\n", encoding="gb18030")
    return path


SHIPPED = "卖家已发货，等待买家确认"
ALL = [("811", "袜子", SHIPPED), ("812", "帽子", SHIPPED)]


def test_an_export_of_some_lines_of_an_order_keeps_the_others(tmp_path: Path) -> None:
    """Sub-order 812 alone came again: it is completed, 811 is as it was; in one load or in two."""
    (tmp_path / "both").mkdir()
    full = details(tmp_path / "both" / "订单表商品20260531.csv", ALL)
    part = details(tmp_path / "both" / "订单表商品20260630.csv", [("812", "帽子", "交易成功")])
    for name, loads in {"once": [tmp_path / "both"], "then": [full, part]}.items():
        done = [load_into(each, tmp_path / name) for each in loads]
        rows = pd.read_parquet(tmp_path / name / "order_lines.parquet").set_index("order_line_id")
        assert rows.line_status.to_dict() == {"811": "shipped", "812": "completed"}
        assert "_line" not in rows.columns
        told = {p.code: p.count for p in done[-1].problems}
        assert told["overlap"] == 1
        assert "rows_gone" not in told


def test_lines_without_ids_that_a_newer_export_lacks_are_said_to_be_gone(tmp_path: Path) -> None:
    """Two lines before, one now: nobody can tell which, so the newest counts, and that is said."""
    (tmp_path / "both").mkdir()
    full = details(tmp_path / "both" / "ExportOrderDetailList202605311200.csv", ALL, bare=True)
    part = details(tmp_path / "both" / "ExportOrderDetailList202606301200.csv", ALL[1:], bare=True)
    for name, loads in {"once": [tmp_path / "both"], "then": [full, part]}.items():
        done = [load_into(each, tmp_path / name) for each in loads]
        rows = pd.read_parquet(tmp_path / name / "order_lines.parquet")
        assert rows.product_name.tolist() == ["帽子"]
        told = {p.code: (p.action, p.count) for p in done[-1].problems}
        assert told["rows_gone"] == ("flagged", 1)
    again = load_into(part, tmp_path / "then")
    assert "rows_gone" not in {p.code for p in again.problems}


SUB_ORDERS = (
    "主订单编号,子订单编号,选购商品,商品ID,商家编码,商品数量,商品金额,订单应付金额,运费,"
    "订单提交时间,支付完成时间,订单状态,售后状态,平台实际承担优惠金额,取消原因"
)


def sub_orders(path: Path, rows: list[tuple[str, str, str, str]]) -> Path:
    """Write a Douyin export of order 90: sub-order, paid, shipping, status; 2 from the platform."""
    at = "2026-05-01 10:00:00"
    lines = [SUB_ORDERS]
    for sub, paid, fee, status in rows:
        back = "退款成功" if status == "已关闭" else "-"
        lines.append(f"90,{sub},袜子,p{sub},k,1,{paid},{paid},{fee},{at},{at},{status},{back},2,")
    path.write_text("\r\n".join(lines) + "\r\n", encoding="utf-8-sig")
    return path


ONE, TWO = ("901", "100", "5", "已发货"), ("902", "50", "6", "已发货")
BACK, THREE = ("902", "50", "6", "已关闭"), ("903", "30", "7", "已发货")


@pytest.mark.parametrize(
    ("may", "june", "money", "told"),
    [
        ([ONE, TWO], [BACK], (150, 50, 11, 4), {"order_added": 1}),
        ([ONE, BACK], [ONE], (150, 50, 11, 4), {"order_added": 1}),
        ([ONE], [TWO, THREE], (180, 0, 18, 6), {"order_added": 1}),
        ([ONE], [ONE, TWO], (150, 0, 11, 4), {}),
        # who paid what of the shipping is not on a line: that of 901 or of 903 is missing
        ([ONE, TWO], [TWO, THREE], (180, 0, 13, 4), {"order_added": 1, "order_unsure": 1}),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_an_order_adds_up_to_its_lines_though_each_export_held_some(
    may: list[tuple[str, ...]], june: list[tuple[str, ...]], money: tuple[int, ...],
    told: dict[str, int], tmp_path: Path, *, turned: bool,
) -> None:  # fmt: skip
    """By hand: paid and given back are sums of the lines, in whatever order exports are loaded."""
    loads = [
        sub_orders(tmp_path / f"抖店订单{day}.csv", rows)
        for day, rows in (("20260531", may), ("20260630", june))
    ]
    for each in loads[::-1] if turned else loads:
        done = load_into(each, tmp_path / "shop")
    (order,) = pd.read_parquet(tmp_path / "shop" / "orders.parquet").to_dict("records")
    lines = pd.read_parquet(tmp_path / "shop" / "order_lines.parquet")
    columns = ("paid_amount", "refund_amount", "shipping_fee", "platform_discount")
    assert tuple(order[c] for c in columns) == money
    assert order["paid_amount"] == lines.line_paid_amount.sum()
    assert (order["order_status"], order["order_status_raw"]) == ("shipped", "已发货")
    assert {p.code: p.count for p in done.problems if p.code.startswith("order_")} == told
