"""Calendar periods: where they start and end, how they are written, which are fully observed."""

from __future__ import annotations

import re
from datetime import date, timedelta

from ecomops.base import checks
from ecomops.base.errors import OptionError

UNITS = {"day": "D", "week": "W", "month": "M", "quarter": "Q", "year": "Y"}
PERIODS = tuple(UNITS)
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_WRITTEN = {
    "day": r"(\d{4})-(\d\d)-(\d\d)",
    "week": r"(\d{4})-W(\d\d)",
    "month": r"(\d{4})-(\d\d)",
    "quarter": r"(\d{4})-Q([1-4])",
    "year": r"(\d{4})",
}


def start(day: date, period: str) -> date:
    """Return the first day of the period that holds `day`; weeks start on Monday.

    >>> start(date(2025, 11, 16), "week"), start(date(2025, 11, 16), "quarter")
    (datetime.date(2025, 11, 10), datetime.date(2025, 10, 1))
    """
    checks.choice("period", period, PERIODS)
    if period == "day":
        return day
    if period == "week":
        return day - timedelta(days=day.weekday())
    months = _MONTHS[period]
    return date(day.year, (day.month - 1) // months * months + 1, 1)


def shift(first: date, period: str, steps: int) -> date:
    """Return the first day of the period `steps` later (or earlier, when negative).

    >>> shift(date(2025, 11, 1), "month", -12), shift(date(2025, 10, 1), "quarter", 1)
    (datetime.date(2024, 11, 1), datetime.date(2026, 1, 1))
    """
    if period in _MONTHS:
        month = first.year * 12 + first.month - 1 + steps * _MONTHS[period]
        return date(month // 12, month % 12 + 1, 1)
    return first + timedelta(days=steps * (7 if period == "week" else 1))


def end(first: date, period: str) -> date:
    """Return the last day of the period that starts on `first`.

    >>> end(date(2024, 2, 1), "month")
    datetime.date(2024, 2, 29)
    """
    return shift(first, period, 1) - timedelta(days=1)


def year_before(first: date, period: str) -> date:
    """Return the start of the same period a year earlier; days and weeks keep their weekday.

    >>> year_before(date(2025, 11, 10), "week")
    datetime.date(2024, 11, 11)
    """
    steps = {"day": 364, "week": 52, "month": 12, "quarter": 4, "year": 1}[period]
    return shift(first, period, -steps)


def span(first: date, last: date, period: str) -> list[date]:
    """Return the starts of all periods that touch the days from `first` to `last`.

    >>> len(span(date(2025, 1, 31), date(2025, 12, 1), "month"))
    12
    """
    starts, at = [], start(first, period)
    while at <= last:
        starts.append(at)
        at = shift(at, period, 1)
    return starts


def is_partial(first: date, period: str, observed_from: date, observed_to: date) -> bool:
    """Return whether some day of the period lies outside the days observed.

    The calendar decides, not the number of days with orders: quiet shops have quiet days.

    >>> is_partial(date(2011, 12, 1), "month", date(2010, 12, 1), date(2011, 12, 9))
    True
    """
    return first < observed_from or end(first, period) > observed_to


def label(first: date, period: str) -> str:
    """Return how the period that starts on `first` is written; weeks by ISO 8601.

    >>> [label(date(2025, 10, 6), p) for p in PERIODS]
    ['2025-10-06', '2025-W41', '2025-10', '2025-Q4', '2025']
    """
    if period == "week":
        year, week, _ = first.isocalendar()
        return f"{year}-W{week:02d}"
    if period == "quarter":
        return f"{first.year}-Q{(first.month + 2) // 3}"
    return first.isoformat()[: {"day": 10, "month": 7, "year": 4}[period]]


def parse(text: str) -> tuple[date, str]:
    """Return the first day and the kind of a written period.

    Raises `OptionError` when `text` is none.

    >>> parse("2025-W41"), parse("2025-Q4")
    ((datetime.date(2025, 10, 6), 'week'), (datetime.date(2025, 10, 1), 'quarter'))
    """
    for period, pattern in _WRITTEN.items():
        if found := re.fullmatch(pattern, str(text)):
            try:
                return _first_day(period, *map(int, found.groups())), period
            except ValueError:
                break
    raise OptionError("unknown_period", value=text)


def _first_day(period: str, year: int, part: int = 1, day: int = 1) -> date:
    if period == "week":
        return date.fromisocalendar(year, part, 1)
    return date(year, part * 3 - 2 if period == "quarter" else part, day)
