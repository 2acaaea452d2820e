"""Measures by period and segment, with zeros only where data was observed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ecomops.data.tables import frame
from ecomops.metrics import periods
from ecomops.metrics.measures import MEASURES, Derived, PersonMeasure
from ecomops.metrics.people import by_person
from ecomops.metrics.queries import Days, Grain, aggregated, from_days, indexed, untold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    import ibis


@dataclass(frozen=True, eq=False)
class Observed:
    """Measures of a shop.

    `values` is indexed by the first day of the period (and by segment, when split); one column per
    measure, missing where its source was not observed. `days` holds each source's first and last,
    `gaps`, shaped like `values`, on how many days with sales traffic was not told.
    """

    values: pd.DataFrame
    gaps: pd.DataFrame
    days: Mapping[str, Days]
    period: str

    @property
    def empty(self) -> set[str]:
        """The measures without any value: their columns are empty throughout."""
        return {str(name) for name in self.values.columns if self.values[name].isna().all()}

    def partial(self, measures: Sequence[str]) -> pd.Series[bool]:
        """Return, per row, whether a source of `measures` saw only part of the period."""
        sources = {MEASURES[name].source for name in measures} & set(self.days)
        seen_from = max(self.days[s][0] for s in sources)
        seen_to = min(self.days[s][1] for s in sources)
        starts = self.values.index.get_level_values("period")
        flags = [periods.is_partial(at, self.period, seen_from, seen_to) for at in starts]
        return (self.gaps[list(measures)] > 0).any(axis=1) | np.array(flags, dtype=bool)

    def missing(self, starts: Iterable[date]) -> dict[str, int]:
        """Return the number of days with sales but no visitors told, by period that has any."""
        days = self.gaps.get("traffic.visitors", pd.Series(dtype="float64"))
        return {periods.label(at, self.period): int(days[at]) for at in starts if days.get(at)}


def observe(
    tables: Mapping[str, ibis.Table],
    measures: Sequence[str],
    *,
    period: str = "month",
    by: str | None = None,
    as_of: date | None = None,
) -> Observed:
    """Return `measures` by period (and by the column `by`).

    One query per source, and one more over its persons where people are counted. A source's days
    run from its first to its last row; `as_of` drops what is later and says that the data is
    complete up to that day. Periods within them that have no row count as 0.
    """
    seen: list[tuple[str, pd.DataFrame]] = []
    days: dict[str, Days] = {}
    gaps = pd.DataFrame()
    asked = _expanded(measures)
    grain = Grain(period, by, as_of)
    for source in dict.fromkeys(MEASURES[name].source for name in asked):
        rows, persons = _by_kind(source, asked)
        summed = source == "sales" and by is None
        made = from_days(rows, tables["orders"], grain) if summed else None
        if made is None:
            made = frame(aggregated(source, rows, tables, grain))
        if not len(made):
            continue
        ends = [pd.to_datetime(made.pop(name)).dt.date for name in ("seen_from", "seen_to")]
        days[source] = (ends[0].min(), as_of or ends[1].max())
        seen.append((source, indexed(made)))
        if source == "traffic" and "orders" in tables:
            gaps = untold(source, rows, tables, grain, days[source])
        if persons:
            made = by_person(source, persons, tables, grain)
            seen.append((source, indexed(made)))
    values = _joined(seen, days, measures, period)
    starts = values.index.get_level_values("period")
    gaps = gaps.reindex(index=starts, columns=values.columns).fillna(0).set_axis(values.index)
    return Observed(values.mask((values == 0) & (gaps > 0)), gaps, days, period)


def _expanded(measures: Sequence[str]) -> list[str]:
    """Return the measures to ask the engine for: derived ones replaced by their parts."""
    asked: dict[str, None] = {}
    for name in measures:
        measure = MEASURES[name]
        if isinstance(measure, Derived):
            asked |= dict.fromkeys(_expanded([part for _, part in measure.of]))
        elif measure.source != "calendar":
            asked[name] = None
    return list(asked)


def _by_kind(source: str, asked: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the measures of a source over rows and those over persons."""
    names = [name for name in asked if MEASURES[name].source == source]
    persons = [name for name in names if isinstance(MEASURES[name], PersonMeasure)]
    return [name for name in names if name not in persons], persons


def _joined(
    seen: Sequence[tuple[str, pd.DataFrame]],
    days: Mapping[str, Days],
    measures: Sequence[str],
    period: str,
) -> pd.DataFrame:
    """Return all sources on one grid of periods and segments, in the order of `measures`."""
    if not seen:
        return pd.DataFrame(columns=list(measures), index=pd.Index([], name="period"), dtype=float)
    first, last = zip(*days.values(), strict=True)
    starts = periods.span(min(first), max(last), period)
    grid = _grid([rows for _, rows in seen], starts)
    filled = [_filled(rows.reindex(grid), days[source], period) for source, rows in seen]
    values = pd.concat(filled, axis=1)
    values = values.reindex(columns=list(dict.fromkeys((*values.columns, *_expanded(measures)))))
    if "calendar.days" in measures:
        told = {s: d for s, d in days.items() if s == "lines"} or days  # what the cost was sold in
        values["calendar.days"] = _observed_days(grid, told, period)
    for name in measures:
        if isinstance(measure := MEASURES[name], Derived):
            values[name] = _added(values, measure)
    return values.reindex(columns=list(measures))


def _added(values: pd.DataFrame, measure: Derived) -> pd.Series[float]:
    """Return the signed sum of what was observed; missing where nothing of it was."""
    parts = pd.concat([sign * values[name] for sign, name in measure.of], axis=1)
    if measure.columns:
        return parts.sum(axis=1, skipna=False)
    return parts.sum(axis=1, min_count=1)


def _grid(seen: Sequence[pd.DataFrame], starts: list[date]) -> pd.Index[Any]:
    if all(rows.index.nlevels == 1 for rows in seen):
        return pd.Index(starts, name="period", dtype="object")
    segments = sorted({s for rows in seen for s in rows.index.get_level_values("segment")})
    return pd.MultiIndex.from_tuples(product(starts, segments), names=["period", "segment"])


def _filled(rows: pd.DataFrame, days: Days, period: str) -> pd.DataFrame:
    """Return `rows` with 0 for observed periods without rows; levels stay missing."""
    starts = rows.index.get_level_values("period")
    inside = np.array([at <= days[1] and periods.end(at, period) >= days[0] for at in starts])
    zero = [c for c in rows.columns if not MEASURES[str(c)].level and rows[c].notna().any()]
    absent = rows.isna().all(axis=1) & inside
    rows.loc[absent, zero] = 0.0
    sparse = [c for c in zero if MEASURES[str(c)].sparse]
    rows.loc[inside, sparse] = rows.loc[inside, sparse].fillna(0.0)
    return rows


def _observed_days(grid: pd.Index[Any], days: Mapping[str, Days], period: str) -> list[int]:
    first, last = max(d[0] for d in days.values()), min(d[1] for d in days.values())
    return [
        max((min(periods.end(at, period), last) - max(at, first)).days + 1, 0)
        for at in grid.get_level_values("period")
    ]
