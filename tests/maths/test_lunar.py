"""Lunar dates that a year does not have are refused, those it has are those of the almanac."""

from __future__ import annotations

from datetime import date

import pytest

from ecomops.base.errors import OptionError
from ecomops.maths.lunar import solar


@pytest.mark.parametrize(
    ("lunar", "leap", "civil"),
    [
        ((2023, 2, 1), False, date(2023, 2, 20)),
        ((2023, 2, 1), True, date(2023, 3, 22)),  # 闰二月初一
        ((2023, 3, 1), False, date(2023, 4, 20)),
        ((2025, 6, 1), True, date(2025, 7, 25)),  # 闰六月初一
        ((2024, 12, 29), False, date(2025, 1, 28)),  # 除夕: no 三十 that year
        ((2014, 1, 1), False, date(2014, 1, 31)),
        ((2040, 1, 1), False, date(2040, 2, 12)),
    ],
)
def test_published_dates(lunar, leap, civil):
    """Hong Kong Observatory, Gregorian-lunar conversion tables."""
    assert solar(*lunar, leap=leap) == civil


@pytest.mark.parametrize(
    ("year", "month", "day", "leap"),
    [
        (2013, 1, 1, False), (2041, 1, 1, False), (2024, 13, 1, False), (2024, 0, 1, False),
        (2024, 12, 30, False), (2024, 1, 0, False), (2024, 2, 1, True), (2023, 3, 1, True),
    ],
)  # fmt: skip
def test_dates_that_do_not_exist_are_refused(year, month, day, leap):
    with pytest.raises(OptionError) as error:
        solar(year, month, day, leap=leap)
    assert error.value.code == "out_of_range"
