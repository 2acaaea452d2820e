"""The engine queries behind the measures: one aggregate per source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis

from ecomops.metrics.measures import DEBUTS, MEASURES, Measure, PersonMeasure
from ecomops.metrics.periods import UNITS
from ecomops.metrics.sources import SOURCES, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date


def aggregated(
    source: str,
    names: Sequence[str],
    tables: Mapping[str, ibis.Table],
    *,
    period: str,
    by: str | None,
    as_of: date | None,
) -> ibis.Table:
    """Return `names`, measures of `source`, by ``period`` (and ``segment``), in one query.

    ``seen_from`` and ``seen_to`` are the first and last day with a row.
    """
    rows = SOURCES[source].rows(tables, by)
    rows = rows.filter(rows.day.notnull())
    if as_of:
        rows = rows.filter(rows.day <= ibis.literal(as_of))
    rows = rows.mutate(period=rows.day.truncate(UNITS[period]))
    if by:
        rows = rows.mutate(segment=rows[by].cast("string").fill_null(UNKNOWN))
    keys = ["period", "segment"] if by else ["period"]
    if SOURCES[source].person:
        return _by_person(source, names, rows, keys)
    if "stock.closing" in names:
        rows = rows.mutate(last_day=rows.day.max().over(group_by=keys))
    return rows.group_by(keys).aggregate(
        **{name: MEASURES[name].value(rows) for name in names},
        seen_from=rows.day.min(),
        seen_to=rows.day.max(),
    )


def _by_person(source: str, names: Sequence[str], rows: ibis.Table, keys: list[str]) -> ibis.Table:
    """Aggregate in two steps: what each person did in a period, then over persons."""
    measures = {name: m for name in names if isinstance(m := MEASURES[name], PersonMeasure)}
    parts = {part: how for m in measures.values() for part, how in (m.parts or {}).items()}
    person = [SOURCES[source].person] if any(m.per_person for m in measures.values()) else []
    persons = rows.group_by([*keys, *person]).aggregate(
        **{part: how(rows) for part, how in parts.items()},
        seen_from=rows.day.min(),
        seen_to=rows.day.max(),
    )
    if not set(names) & set(DEBUTS):
        return _summed(persons, measures, keys)
    if keys == ["period"]:
        return _with_new(persons, measures)
    return _summed(persons.left_join(_debuts(persons), "customer_id"), measures, keys)


def _summed(
    persons: ibis.Table, measures: Mapping[str, Measure], keys: Sequence[str]
) -> ibis.Table:
    return persons.group_by(list(keys)).aggregate(
        **{name: m.value(persons) for name, m in measures.items()},
        seen_from=persons.seen_from.min(),
        seen_to=persons.seen_to.max(),
    )


def _debuts(persons: ibis.Table) -> ibis.Table:
    """Return each known customer's first period."""
    known = persons.filter(persons.customer_id.notnull(), persons.kept > 0)
    return known.group_by("customer_id").aggregate(debut=known.period.min())


def _with_new(persons: ibis.Table, measures: Mapping[str, Measure]) -> ibis.Table:
    """Return the sums by period; newcomers by their first period, which spares a large join."""
    plain = {name: m for name, m in measures.items() if name not in DEBUTS}
    plain |= {"sales.known": MEASURES["sales.known"]}
    totals = _summed(persons, plain, ["period"])
    debuts = _debuts(persons)
    new = debuts.group_by("debut").aggregate(newcomers=debuts.count())
    both = totals.left_join(new, totals.period == new.debut)
    first = both.newcomers.fill_null(0)
    both = both.mutate(**{"sales.first": first, "sales.before": both["sales.known"] - first})
    return both.select("period", *measures, "seen_from", "seen_to")
