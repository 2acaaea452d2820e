"""Sums and ratios of a file's own columns, between files, and rows without ids of their own.

Truth: planted files, each with known rows that fail.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecomops.data.formats import load
from ecomops.data.formats.identities import identities, statement
from ecomops.data.formats.registry import formats

if TYPE_CHECKING:
    from pathlib import Path

    from ecomops.data.formats import Loaded

HEADER = (
    "日期,计划id,计划名称,单元id,单元名称,展现量,点击量,花费,点击率,平均点击花费,"
    "总成交金额,投入产出比"
)


def held(loaded: Loaded, code: str):
    return next(each for each in loaded.identities if each.code == code)


def ads(path: Path, rates: list[str]) -> Loaded:
    """Load a report of 1,000 impressions and 35 clicks a day, its click rate as spelled."""
    rows = [
        f"2026-05-{day:02},1,a,{day},u,1000,35,70.00,{rate},2.00,210.00,3.00"
        for day, rate in enumerate(rates, start=1)
    ]
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="gb18030")
    return load(path, con=ibis.duckdb.connect(), format="ztc_adgroup_2022")


def test_every_statement_speaks_of_columns_that_some_layout_has():
    known = {name for fmt in formats().values() for name in fmt.folded}
    rules = identities()
    absent = [
        (rule.code, s.said)
        for rule in rules
        for s in rule.statements[:1]
        if not set(s.columns) <= known
    ]
    assert absent == []
    assert len({rule.code for rule in rules}) == len(rules) >= 14


@pytest.mark.parametrize(
    ("said", "ratio", "columns"),
    [
        ("a = b + c - d", False, ("a", "b", "c", "d")),
        ("点击率(%) = 点击数 / 展现数", True, ("点击率(%)", "点击数", "展现数")),
        ("Refunded Amount <= Total", False, ("refundedamount", "total")),
    ],
)
def test_a_statement_is_read_as_written(said: str, ratio: bool, columns: tuple[str, ...]):
    assert (statement(said).ratio, statement(said).columns) == (ratio, columns)


def test_a_rate_holds_in_each_spelling_and_fails_when_it_is_wrong(tmp_path: Path):
    found = ads(tmp_path / "a20260531.csv", ["3.50%", "3.5", "0.035", "3.6%", "-"])
    rate = held(found, "identity_click_rate")
    assert (rate.rows, rate.failed, rate.amount) == (4, 1, None)
    assert rate.examples == ("a20260531.csv: 5: 点击率 = 点击量 / 展现量: 0.036 ≠ 0.035",)
    assert held(found, "identity_roi").failed == held(found, "identity_click_cost").failed == 0
    assert [p.count for p in found.problems if p.code == "identity_click_rate"] == [1]


@settings(max_examples=15, deadline=None)
@given(cents=st.lists(st.integers(0, 10**7), min_size=2, max_size=4), off=st.integers(-300, 300))
def test_a_sum_fails_exactly_when_it_is_more_than_a_cent_off(
    tmp_path_factory: pytest.TempPathFactory, cents: list[int], off: int
):
    head = "订单编号,买家会员名,总金额,买家应付货款,买家应付邮费,买家实际支付金额,订单状态,"
    head += "订单创建时间,店铺Id,宝贝种类"
    rows = [
        f"{k},b,{(2 * c + (off if k == 0 else 0)) / 100:.2f},{c / 100:.2f},{c / 100:.2f},1.00,"
        "交易成功,2026-05-01 10:00:00,1,1"
        for k, c in enumerate(cents)
    ]
    path = tmp_path_factory.mktemp("sum") / "ExportOrderList.csv"
    path.write_text("\n".join([head, *rows]) + "\n", encoding="gb18030")
    total = held(load(path, con=ibis.duckdb.connect()), "identity_order_total")
    assert (total.rows, total.failed) == (len(cents), int(abs(off) > 1))
    assert (total.amount or 0) == (Decimal(abs(off)) / 100 if abs(off) > 1 else 0)


def test_lines_are_held_against_their_orders(tmp_path: Path):
    orders = "订单编号,买家会员名,总金额,买家实际支付金额,买家应付邮费,订单状态,"
    orders += "订单创建时间,店铺Id,宝贝种类\n"
    orders += "1,a,30.00,30.00,0.00,交易成功,2026-05-01 10:00:00,1,1\n"
    orders += "2,b,25.00,25.00,5.00,交易成功,2026-05-01 10:00:00,1,1\n"
    orders += "3,c,40.00,40.00,0.00,交易成功,2026-05-01 10:00:00,1,1\n"
    (tmp_path / "ExportOrderList.csv").write_text(orders, encoding="gb18030")
    lines = "主订单编号,子订单编号,商品ID,商品标题,购买数量,买家实付金额,订单状态,商品价格\n"
    lines += "1,11,p,x,1,10.00,交易成功,10\n1,12,p,x,1,20.00,交易成功,20\n"
    lines += "2,21,p,x,1,20.00,交易成功,20\n3,31,p,x,1,35.00,交易成功,40\n"
    (tmp_path / "qianniu_lines.csv").write_text(lines, encoding="gb18030")
    found = load(tmp_path, con=ibis.duckdb.connect())
    both = held(found, "identity_lines")
    assert (both.rows, both.failed, both.amount) == (3, 1, Decimal(5))
    assert both.examples == ("3: 40.00 ≠ 35.00",)


LEDGER = "账务流水号,发生时间,收入金额（+元）,支出金额（-元）,业务描述,业务基础订单号\n"


def test_rows_without_ids_are_neither_lost_nor_doubled(tmp_path: Path):
    """Naive: one null key swallows every row of a platform that gives no ids."""
    pdd = "商户订单号,发生时间,收入金额（+元）,支出金额（-元）,账务类型,备注\n"
    rows = [f"260531-{n},2026-06-0{n} 10:00:00,10.0{n},,交易收入,\n" for n in (1, 2, 3)]
    (tmp_path / "ali.csv").write_text(
        LEDGER + "A1,2026-06-01 10:00:00,5.00,,收款,77\n", encoding="gb18030"
    )
    (tmp_path / "pdd20260603.csv").write_text(pdd + "".join(rows[:2]), encoding="gb18030")
    (tmp_path / "pdd20260604.csv").write_text(pdd + "".join(rows), encoding="gb18030")
    table = load(tmp_path, con=ibis.duckdb.connect()).tables["settlements"].to_pandas()
    assert sorted(table.amount) == [Decimal(n) / 100 for n in (500, 1001, 1002, 1003)]
    assert table.entry_id.is_unique


def test_two_surveys_of_one_tool_keep_their_answers(tmp_path: Path):
    """Naive: the tool counts responses from 1 in every survey."""
    for name in ("会员调研", "新品调研"):
        text = "序号,提交答卷时间,所用时间,来源,来源详情,来自IP,总分,您满意吗？\n"
        text += "1,2026/6/1 10:00:00,95秒,微信,,1.1.1.1(浙江-杭州),0,满意\n"
        text += "2,2026/6/2 10:00:00,95秒,微信,,1.1.1.1(浙江-杭州),0,一般\n"
        (tmp_path / f"{name}_20260603.csv").write_text(text, encoding="utf-8")
    tables = load(tmp_path, con=ibis.duckdb.connect()).tables
    surveys = tables["surveys"].to_pandas()
    assert sorted(surveys.response_id) == ["会员调研-1", "会员调研-2", "新品调研-1", "新品调研-2"]
    answers = tables["survey_answers"].to_pandas()
    assert sorted(answers.response_id.unique()) == sorted(surveys.response_id)
