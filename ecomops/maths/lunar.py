"""Dates of the Chinese lunar calendar, 2014 to 2040, from a table."""

from __future__ import annotations

from datetime import date, timedelta

from ecomops.base.checks import between
from ecomops.base.errors import OptionError

# Lunar year -> new year's day as MMDD, leap month (0: none), months of 30 days as 1 and 29 as 0.
TABLE = {
    2014: "0131 9 0101010110101",
    2015: "0219 0 010010111010",
    2016: "0208 0 101001011011",
    2017: "0128 6 0101001010111",
    2018: "0216 0 010100101011",
    2019: "0205 0 101010010011",
    2020: "0125 4 0111010010101",
    2021: "0212 0 011010101010",
    2022: "0201 0 101011010101",
    2023: "0122 2 0100110110101",
    2024: "0210 0 010010110110",
    2025: "0129 6 1010010101110",
    2026: "0217 0 101001001110",
    2027: "0206 0 110100100110",
    2028: "0126 5 1110100100110",
    2029: "0213 0 110101010011",
    2030: "0203 0 010110101010",
    2031: "0123 3 0110101101010",
    2032: "0211 0 100101101101",
    2033: "0131 11 0100101011101",
    2034: "0219 0 010010101101",
    2035: "0208 0 101001001101",
    2036: "0128 6 1101001001011",
    2037: "0215 0 110100100101",
    2038: "0204 0 110101010010",
    2039: "0124 5 1101101010100",
    2040: "0212 0 101101011010",
}


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
