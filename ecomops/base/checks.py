"""Checks of parameters that fail with a suggestion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING

from ecomops.base.errors import DataError, OptionError, suggestion
from ecomops.base.options import LANGUAGES, options

if TYPE_CHECKING:
    from collections.abc import Collection

YEARS = (1900, 2199)  # beyond lie slips of the keyboard, and millions of empty periods


def choice(name: str, value: object, allowed: Collection[str]) -> str:
    """Return `value` when it is one of `allowed`.

    Raises `OptionError` naming the nearest allowed word otherwise.

    >>> choice("period", "month", ("day", "week", "month"))
    'month'
    """
    if isinstance(value, str) and value in allowed:
        return value
    near = suggestion(str(value), allowed)
    code = "unknown_choice_near" if near else "unknown_choice"
    raise OptionError(code, name=name, value=value, allowed=list(allowed), near=near)


def language(lang: str | None) -> str:
    """Return `lang` checked, or the session's language when it is None.

    >>> language("zh")
    'zh'
    """
    return choice("lang", lang, LANGUAGES) if lang else options.lang


def between(name: str, value: float, low: float, high: float) -> float:
    """Return `value` when it lies in [low, high]; raise `OptionError` otherwise.

    >>> between("bins", 5, 2, 10)
    5
    """
    given: object = value
    if not isinstance(given, Real):
        raise OptionError("not_a_number", name=name, value=repr(given), kind=type(given).__name__)
    if low <= value <= high:
        return value
    raise OptionError("out_of_range", name=name, value=value, low=_whole(low), high=_whole(high))


def whole(name: str, value: float, low: int, high: int) -> int:
    """Return `value` when it is a whole number in [low, high]; raise `OptionError` otherwise.

    >>> whole("order", 2, 1, 5)
    2
    """
    if between(name, value, low, high) % 1:
        allowed = list(range(low, high + 1))
        raise OptionError("unknown_choice", name=name, value=value, allowed=allowed, near="")
    return int(value)


def day(name: str, value: date | str | None) -> date | None:
    """Return a day given as a date, a time stamp or ISO text; raise `OptionError` otherwise.

    >>> day("as_of", "2025-11-11")
    datetime.date(2025, 11, 11)
    """
    if value is None:
        return None
    try:
        found = date.fromisoformat(str(value)[:10])
    except ValueError:
        raise OptionError("not_a_day", name=name, value=str(value)) from None
    between(f"{name}.year", found.year, *YEARS)
    return found


def span(start: date | str | None, end: date | str | None) -> tuple[date | None, date | None]:
    """Return the first and last day of a period; raise `OptionError` when it ends before it starts.

    >>> span("2025-11-01", None)
    (datetime.date(2025, 11, 1), None)
    """
    first, last = day("start", start), day("end", end)
    if first and last and last < first:
        raise OptionError("end_before_start", start=first, end=last)
    return first, last


def path(given: object) -> Path:
    """Return a path; raise `OptionError` for what is none, or empty: that is no folder either.

    >>> path("exports").name
    'exports'
    """
    if isinstance(given, str | Path) and str(given).strip():
        return Path(given)
    raise OptionError("not_a_path", given=repr(given), kind=type(given).__name__)


def shop(given: object) -> None:
    """Raise `OptionError` unless `given` is a shop: what holds tables by name.

    >>> shop({"orders": []})
    Traceback (most recent call last):
    ecomops.base.errors.OptionError: What was passed is not a shop. ...
    """
    if not isinstance(getattr(given, "tables", None), Mapping):
        raise OptionError("not_a_shop", kind=type(given).__name__)


def names(name: str, given: object) -> tuple[str, ...]:
    """Return names given as one or several: a single one is not taken apart into its letters.

    >>> names("metrics", "pay_amount")
    ('pay_amount',)
    """
    if not isinstance(given, str | Iterable | None):
        raise OptionError("not_names", name=name, kind=type(given).__name__)
    return (given,) if isinstance(given, str) else tuple(given or ())


def _whole(bound: float) -> float:
    return int(bound) if float(bound).is_integer() else bound


def apart(by: str | None, taken: Collection[str]) -> None:
    """Raise `OptionError` when the column to split by is called like a column of the result.

    >>> apart("source_channel", ("period", "value"))
    """
    if by in list(taken):
        raise OptionError("by_taken", by=by, taken=list(taken))


def columns(table: str, available: Collection[str], needed: Collection[str]) -> None:
    """Raise `DataError` listing every column of `needed` that is not `available`.

    >>> columns("orders", ["order_id", "paid_amount"], ["order_id"])
    """
    missing = [column for column in needed if column not in available]
    if not missing:
        return
    near = [f"{column} ← {guess}" for column in missing if (guess := suggestion(column, available))]
    raise DataError(
        "missing_columns",
        table=table,
        missing=missing,
        available=list(available) or "—",
        near="; ".join(near) or "—",
    )
