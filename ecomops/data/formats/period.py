"""The day a report covers, when its rows do not say: above the header or in the file's name."""

from __future__ import annotations

import calendar
import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from ecomops.base.errors import DataError
from ecomops.data.formats import sql
from ecomops.data.problems import Problem

if TYPE_CHECKING:
    from ecomops.data.formats.part import Part
    from ecomops.data.formats.sheets import Sheet

DAY = re.compile(r"(?<!\d)(20\d{2})[-/.年]?(\d{1,2})[-/.月]?(\d{2})(?!\d)")
WORDS = re.compile(r"([A-Z][a-z]+ \d{1,2}, 20\d{2})")


def period_of(above: str, name: str) -> tuple[date, date] | None:
    """Return first and last day named above the header, else in the file's name.

    >>> period_of("统计日期: 2017-11-12 至 2017-11-13", "")
    (datetime.date(2017, 11, 12), datetime.date(2017, 11, 13))
    """
    for source in (above, name):
        days = [d for m in DAY.findall(source) if (d := _day(" ".join(m), "%Y %m %d"))]
        days += [d for w in WORDS.findall(source) if (d := _day(w, "%B %d, %Y"))]
        if days:
            return min(days), max(days)
    return _coarse(name)


def _coarse(name: str) -> tuple[date, date] | None:
    """Return the month or year that a file's name ends with, as first and last day."""
    if found := re.search(r"(?<!\d)(20\d{2})[-_.年](0[1-9]|1[0-2])(?!\d)", name):
        year, month = int(found[1]), int(found[2])
        return date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])
    if found := re.search(r"(?<!\d)(20\d{2})(?!\d)", name):
        return date(int(found[1]), 1, 1), date(int(found[1]), 12, 31)
    return None


def _day(said: str, form: str) -> date | None:
    try:
        return datetime.strptime(said, form).date()
    except ValueError:
        return None


def set_period(part: Part, sheet: Sheet, header: int, con: Any) -> None:
    """Give rows without a date the day their report covers.

    A report over several days is dated on its first one and flagged: it is a total, no daily row.

    Raises `DataError` when neither cells, preamble nor name say which day it is.
    """
    if part.fmt.period is None:
        return
    table, column = part.fmt.period
    own = sql.name(f"{table}__{column}")
    have = any(s.name == f"{table}__{column}" for s in part.fill)
    none = sql.select({"n": "1"}, sql.name(part.table), where=f"{own} IS NULL", limit=1)
    if have and not sql.rows(con, none):
        return
    above = " ".join(cell for row in sheet.head[:header] for cell in row)
    days = period_of(above, sheet.name)
    if days is None:
        if not have and table != "content_posts":
            raise DataError("no_report_date", file=sheet.name, column=column)
        return
    part.constants[(table, column)] = days[0]
    if column == "period_start":
        part.constants[(table, "period_end")] = days[1]
    elif days[0] != days[1]:
        shown = (f"{part.name}: {days[0]} – {days[1]}",)
        part.problems.append(Problem("period_total", table, "flagged", part.rows, shown))
