"""Numbers as people write them in both languages."""

from __future__ import annotations

import math

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
        (None, "money", "无", "n/a"),
        (math.nan, "percent", "无", "n/a"),
        (math.inf, "number", "无", "n/a"),
    ],
)
def test_values_in_both_languages(value: float | None, unit: str, zh: str, en: str) -> None:
    assert shown(value, unit, "zh") == zh
    assert shown(value, unit, "en") == en


def test_currency_signs() -> None:
    assert [symbol(c, "en") for c in ("CNY", "USD", "GBP", "BRL", "CHF", "XXX")] == [
        "¥",
        "$",
        "£",
        "R$",
        "CHF ",
        "",
    ]
