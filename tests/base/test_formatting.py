"""Numbers as people write them in both languages."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ecomops.base.formatting import shown, symbol


@pytest.mark.parametrize(
    ("value", "unit", "zh", "en"),
    [
        (3_792_000, "money", "¥379.2万", "¥3.79M"),
        (110_000_000, "money", "¥1.10亿", "¥110.00M"),
        (46_900, "money", "¥4.7万", "¥47k"),
        (3250, "money", "¥3,250", "¥3,250"),
        (281.2, "money", "¥281.2", "¥281.2"),
        (0, "money", "¥0", "¥0"),
        (-0.004, "money", "¥0.00", "¥0.00"),
        (-1200, "+money", "−¥1,200", "−¥1,200"),
        (161, "+money", "+¥161", "+¥161"),
        (498_600, "count", "49.9万", "499k"),
        (99_999, "count", "99,999", "99,999"),
        (0.149, "percent", "14.9%", "14.9%"),
        (0.8, "percent.0", "80%", "80%"),
        (-0.0006, "points", "−0.1 个百分点", "−0.1 points"),
        (42, "days", "42 天", "42 days"),
        (1, "days", "1 天", "1 day"),
        (0.0004, "points", "0.0 个百分点", "0.0 points"),
        (-0.0004, "points", "0.0 个百分点", "0.0 points"),
        (-3, "days", "−3 天", "−3 days"),
        (-0.4, "days", "0 天", "0 days"),
        (99_999.4, "count", "99,999", "99,999"),
        (99_999.6, "count", "10.0万", "100k"),
        (999_499, "money", "¥99.9万", "¥999k"),
        (999_700, "money", "¥100.0万", "¥1.00M"),
        (99_999_700, "count", "1.00亿", "100.00M"),
        (999_996_000, "count", "10.00亿", "1.00B"),
        (9999.7, "money", "¥1.0万", "¥10k"),
        (1_234_567.8, "number", "1,234,568", "1,234,568"),
        (12.34, "number", "12.3", "12.3"),
        (1.234, "number", "1.23", "1.23"),
        (2.5, "number.0", "2", "2"),
        (None, "count", "无", "n/a"),
        (None, "points", "无", "n/a"),
        (None, "days", "无", "n/a"),
        (None, "date", "无", "n/a"),
        (None, "text", "无", "n/a"),
        (None, "money", "无", "n/a"),
        (math.nan, "percent", "无", "n/a"),
        (math.inf, "number", "无", "n/a"),
        (0.425, "chance", "42%", "42%"),
        (1.0, "chance", "99% 以上", "over 99%"),
        (0.0, "chance", "不到 1%", "under 1%"),
        (math.nan, "chance", "无", "n/a"),
    ],
)
def test_values_in_both_languages(value: float | None, unit: str, zh: str, en: str) -> None:
    assert shown(value, unit, "zh") == zh
    assert shown(value, unit, "en") == en
    if isinstance(value, float):  # what a cell of a table is
        assert shown(np.float64(value), unit, "zh") == zh
        assert shown(np.float64(value), unit, "en") == en


def test_currency_signs() -> None:
    assert symbol(None) == symbol("") == ""  # type: ignore[arg-type]
    assert [symbol(c, "en") for c in ("CNY", "USD", "GBP", "BRL", "CHF", "XXX")] == [
        "¥",
        "$",
        "£",
        "R$",
        "CHF ",
        "",
    ]
