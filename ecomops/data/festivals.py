"""Festivals up to 2035: fixed, lunar and platform days with presale and hangover windows."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ecomops.base import checks
from ecomops.base.errors import OptionError
from ecomops.base.packaged import packaged
from ecomops.maths.forecast import YEAR, Days
from ecomops.maths.lunar import solar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OLDEST, YOUNGEST, LAST_YEAR = 1995, 2015, 2035  # lunar days and platforms are young
PHASES = ("presale", "main", "after")


@dataclass(frozen=True)
class Festival:
    """One festival of one year: its day, and first and last day of each phase relative to it."""

    code: str
    day: date
    kind: str
    presale: tuple[int, int]
    main: tuple[int, int]
    after: tuple[int, int]

    @property
    def start(self) -> date:
        """The first day on which sales may differ."""
        return self.day + timedelta(days=self.presale[0])

    @property
    def end(self) -> date:
        """The last day on which sales may differ."""
        return self.day + timedelta(days=self.after[1])

    def phase(self, day: date) -> str | None:
        """Return the phase that `day` falls in, or None outside the window."""
        offset = (day - self.day).days
        inside = (name for name in PHASES if self._covers(name, offset))
        return next(inside, None)

    def _covers(self, name: str, offset: int) -> bool:
        first, last = getattr(self, name)
        return bool(first <= offset <= last)


@cache
def rules() -> Mapping[str, Mapping[str, Any]]:
    """Return the rules of every festival by code.

    >>> len(rules())
    19
    """
    found: Mapping[str, Mapping[str, Any]] = packaged("data/festivals.toml")
    return found


def _day(rule: str, year: int, shift: int) -> date:
    kind, _, rest = rule.rpartition(" ") if rule.startswith("lunar") else ("", "", rule)
    if kind == "lunar":
        month, number = (int(part) for part in rest.split("-"))
        day = solar(year, month, number)
    elif rule.startswith("weekday"):
        month, nth, weekday = (int(part) for part in rule.split()[1:])
        first = calendar.weekday(year, month, 1)
        day = date(year, month, 1 + (weekday - first) % 7 + 7 * (nth - 1))
    else:
        day = date.fromisoformat(f"{year}-{rule}")
    return day + timedelta(days=shift)


@cache
def festivals(kinds: tuple[str, ...] = ("holiday", "platform")) -> tuple[Festival, ...]:
    """Return every festival of the `kinds`, by day, up to 2035.

    Kinds: "holiday" and "platform" (sales days of Chinese platforms), and "western", which takes
    the holidays that are kept there too. From 1995; lunar days and those of platforms from 2015.

    >>> [str(f.day) for f in festivals() if f.code == "spring_festival" and f.day.year > 2033]
    ['2034-02-19', '2035-02-08']
    """
    found = [
        _festival(code, rule, year)
        for code, rule in rules().items()
        if rule["kind"] in kinds or ("western" in kinds and rule.get("western"))
        for year in range(_since(rule), LAST_YEAR + 1)
    ]
    return tuple(sorted(found, key=lambda f: (f.day, f.code)))


def _since(rule: Mapping[str, Any]) -> int:
    return YOUNGEST if rule["kind"] == "platform" or rule["rule"][:5] == "lunar" else OLDEST


def usual(currency: str) -> str:
    """Return the name of the calendar by which customers who pay in `currency` buy.

    Without a currency, as everywhere, the shop is taken for a Chinese one.

    >>> usual("CNY"), usual("HKD"), usual("GBP")
    ('cn', 'all', 'western')
    """
    if currency in ("CNY", "XXX", ""):
        return "cn"
    return "all" if currency in ("HKD", "MOP", "TWD", "SGD", "MYR") else "western"


def _festival(code: str, rule: Mapping[str, Any], year: int) -> Festival:
    windows = {phase: tuple(rule[phase]) for phase in PHASES}
    day = _day(rule["rule"], year, rule.get("shift", 0))
    return Festival(code=code, day=day, kind=rule["kind"], **windows)


def calendar_of(
    name: str, own: Iterable[Mapping[str, Any]] = (), *, until: int = LAST_YEAR
) -> tuple[Festival, ...]:
    """Return the festivals of a named calendar with a shop's `own` days put in their place.

    `name` is "cn" (holidays and platforms), "western" or "all". A row of `own` has ``code, day``
    and, where it knows better, ``presale, main, after``; it replaces the built-in days of that
    code and year. Raises `OptionError` for an unknown name.

    >>> rows = [{"code": "double_11", "day": date(2025, 11, 11), "presale": (-28, -13)}]
    >>> mine = calendar_of("cn", rows)
    >>> [f.presale for f in mine if f.code == "double_11" and f.day.year == 2025]
    [(-28, -13)]
    """
    cn = ("holiday", "platform")
    named = {"cn": cn, "western": ("western",), "all": (*cn, "western")}
    if name not in named:
        raise OptionError("unknown_choice", name="calendar", value=name, allowed=list(named))
    mine = {(f.code, f.day): f for f in map(_own, own)}
    replaced = {(code, day.year) for code, day in mine}
    built_in = [f for f in festivals(named[name]) if (f.code, f.day.year) not in replaced]
    kept = [f for f in (*built_in, *mine.values()) if f.day.year <= until]
    return tuple(sorted(kept, key=lambda f: (f.day, f.code)))


def _own(row: Mapping[str, Any]) -> Festival:
    known = rules().get(row["code"], {"presale": (-3, -1), "main": (0, 0), "after": (1, 3)})
    windows = {phase: tuple(row.get(phase, known[phase])) for phase in PHASES}
    day = checks.day("own_days", row["day"]) or row["day"]
    return Festival(str(row["code"]), day, str(known.get("kind", "own")), **windows)


def between(found: Iterable[Festival], start: date, end: date) -> tuple[Festival, ...]:
    """Return the festivals whose windows touch the days from `start` to `end`.

    >>> [f.code for f in between(festivals(), date(2025, 9, 15), date(2025, 9, 20))]
    []
    """
    return tuple(f for f in found if f.start <= end and f.end >= start)


def days(start: date, n: int, found: Iterable[Festival]) -> Days:
    """Return the calendar facts of `n` days from `start`, as the forecast takes them.

    Festivals of one code share a window as long as the longest of them.

    >>> eleventh = days(date(2025, 11, 10), 3, festivals())
    >>> eleventh.festive.tolist(), eleventh.weekday.tolist()
    ([True, True, True], [0, 1, 2])
    """
    dates = [start + timedelta(days=i) for i in range(n)]
    by_code: dict[str, list[Festival]] = {}
    for festival in between(found, start, dates[-1]):
        by_code.setdefault(festival.code, []).append(festival)
    offsets = np.full((len(by_code), n), -1, dtype=np.int64)
    festive, sizes = np.zeros(n, dtype=bool), []
    for row, (_, group) in zip(offsets, sorted(by_code.items()), strict=True):
        first = min(f.presale[0] for f in group)
        sizes.append(max(f.after[1] for f in group) - first + 1)
        for f in group:
            at = (f.day - start).days
            inside = np.arange(max(at + f.presale[0], 0), min(at + f.after[1] + 1, n))
            row[inside] = inside - at - first
            festive[max(at + f.main[0], 0) : max(at + f.main[1] + 1, 0)] = True
    return Days(
        weekday=np.array([d.weekday() for d in dates]),
        years=np.array([d.year + (d.timetuple().tm_yday - 1) / YEAR for d in dates]),
        offsets=offsets,
        sizes=tuple(sizes),
        festive=festive,
    )
