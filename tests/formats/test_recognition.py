"""Recognition by names: with columns dropped at random and unknown ones added.

Truth: the layout the columns were taken from. Layouts of one family share their mapping by name
(Taobao's exports of 2016, 2018, 2022), so either of them reads the file the same way.
"""

from __future__ import annotations

import random

import pytest

from ecomops.base.errors import DataError
from ecomops.data.formats import formats
from ecomops.data.formats.recognise import chosen, matched, ranked
from ecomops.data.formats.registry import fold, parse, relatives
from ecomops.data.formats.sheets import Sheet

TRIALS = 20
UNKNOWN = ("自定义列", "内部编码", "备用1", "My column", "foo", "负责人", "标签A", "check")
# A layout of one or two columns has nothing left to lose.
SMALLEST = 5


def thinned(headers: tuple[str, ...], keep: float, seed: random.Random) -> list[str]:
    kept = [h for h in headers if seed.random() < keep]
    kept += seed.sample(UNKNOWN, seed.randint(0, 3))
    seed.shuffle(kept)
    return kept


def trials(keep: float):
    seed = random.Random(5)  # noqa: S311
    for fmt in formats().values():
        if len(fmt.headers) < SMALLEST:
            continue
        for _ in range(TRIALS):
            yield fmt, thinned(fmt.headers, keep, seed)


def outcome(fmt, headers: list[str]) -> str:
    sheet = Sheet("x.csv", "text", [headers], rows=[headers])
    try:
        found = chosen(sheet, formats())
    except DataError as error:
        return error.code
    family = {f.id for f in relatives(fmt, formats().values())}
    return "right" if found.format in family else f"wrong: {fmt.id} as {found.format}"


@pytest.mark.parametrize(("keep", "recognised"), [(0.6, 0.99), (0.8, 0.999)])
def test_recognised_with_columns_dropped_and_never_taken_for_another(
    keep: float, recognised: float
):
    results = [outcome(fmt, headers) for fmt, headers in trials(keep)]
    assert [r for r in results if r.startswith("wrong")] == []
    assert results.count("right") / len(results) >= recognised


def test_every_layout_recognises_its_own_header():
    own = ("1、您的性别：", "Would you recommend us?", "loungewear: (Worldwide)")
    for fmt in formats().values():
        headers = (*fmt.headers, *own) if fmt.patterns else fmt.headers
        assert ranked(headers, formats())[0].format == fmt.id


def test_renamed_columns_are_matched_by_the_family():
    fmt = formats()["qianniu_orders_2025"]
    found = matched(fmt, ["订单编号", "买家实际支付金额", "打款商家金额"], formats())
    assert [c.targets[0].column for c in found] == ["order_id", "paid_amount", "settled_amount"]


def test_position_does_not_matter():
    fmt = formats()["doudian_orders_2026"]
    backwards = list(reversed(fmt.headers))
    places = {c.name: c.targets for c in matched(fmt, backwards, formats())}
    assert places == {c.name: c.targets for c in matched(fmt, fmt.headers, formats())}


def test_full_width_case_and_blanks_do_not_matter():
    written = ["订单编号 ", "店铺ＩＤ", "收货地址\n", " 订单付款时间\t", "买家实际支付金额"]
    assert {fold(w) for w in written} == {
        fold(h) for h in ("订单编号", "店铺Id", "收货地址", "订单付款时间", "买家实际支付金额")
    }


def test_repeated_headers_take_the_name_before_them():
    fmt = formats()["jd_shangzhi_funnel"]
    names = [
        c.name
        for c in matched(fmt, ["日期", "浏览量(PV)", "同比", "访客数(UV)", "同比"], formats())
    ]
    assert names == ["日期", "浏览量(PV)", "同比", "访客数(UV)", "访客数(UV)_同比"]


def test_nothing_known_and_near_equals_are_refused():
    with pytest.raises(DataError) as unknown:
        chosen(Sheet("a.csv", "text", [["foo", "bar", "baz"]]), formats())
    assert unknown.value.code == "unknown_layout"
    twins = {
        n: parse(n, {"headers": ["a1", "b2", "c3"], "mapping": {"a1": "orders.order_id id"}})
        for n in ("one", "two")
    }
    with pytest.raises(DataError) as near:
        chosen(Sheet("a.csv", "text", [["a1", "b2", "c3"]]), twins)
    assert near.value.code == "ambiguous_layout"
    assert "one" in near.value.message("zh")


def test_registry_is_sound():
    from ecomops.data.formats.rules import RULES
    from ecomops.data.formats.statuses import statuses
    from ecomops.data.schema import tables

    for fmt in formats().values():
        assert fmt.confidence in {"A", "B", "C", "T"}
        assert (fmt.confidence == "T") == (fmt.platform == "ecomops")
        assert fmt.evidence
        assert fmt.statuses is None or fmt.statuses in statuses()
        targets = [t for ts in fmt.targets.values() for t in ts]
        assert [t for t in targets if t.rule not in RULES] == []
        public = [t for t in targets if not t.table.startswith("_")]
        assert [t for t in public if t.column not in tables()[t.table].columns] == []
        assert [
            p for p in fmt.constants if p[0] in tables() and p[1] not in tables()[p[0]].columns
        ] == []
