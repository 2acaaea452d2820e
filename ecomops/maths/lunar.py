"""Dates of the Chinese lunar calendar, 2014 to 2040, from a table."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from ecomops.base.checks import between
from ecomops.base.errors import OptionError
from ecomops.base.packaged import packaged

if TYPE_CHECKING:
    from collections.abc import Mapping

TABLE: Mapping[int, str] = {int(y): row for y, row in packaged("maths/lunar.toml").items()}


def solar(year: int, month: int, day: int, *, leap: bool = False) -> date:
    """Return the civil date of a lunar date; `leap` names the second month of that number.

    Raises `OptionError` outside 2014-2040 and for a month or day that the year does not have.
    Astronomical tables of the Purple Mountain and Hong Kong observatories.

    >>> str(solar(2025, 1, 1)), str(solar(2025, 8, 15))
    ('2025-01-29', '2025-10-06')
    """
    if year not in TABLE:
        raise OptionError("out_of_range", name="year", value=f"{year}", low="2014", high="2040")
    start, leap_month, sizes = TABLE[year].split()
    between("month", month, 1, 12)
    if leap:
        between("leap month", month, int(leap_month), int(leap_month))
    before = month - 1 + (leap or 0 < int(leap_month) < month)
    between("day", day, 1, 29 + int(sizes[before]))
    passed = sum(29 + int(size) for size in sizes[:before]) + day - 1
    return date(year, int(start[:2]), int(start[2:])) + timedelta(days=passed)
