"""The engine queries behind the measures: one aggregate per source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis

from ecomops.metrics.customers import customers
from ecomops.metrics.measures import DEBUT, MEASURES, Measure, PersonMeasure
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
    rows, keys = _keyed(source, tables, period, by, as_of)
    if "stock.closing" in names:
        rows = rows.mutate(last_day=rows.day.max().over(group_by=keys))
    return rows.group_by(keys).aggregate(
        **{name: MEASURES[name].value(rows) for name in names},
        seen_from=rows.day.min(),
        seen_to=rows.day.max(),
    )


def by_person(
    source: str,
    names: Sequence[str],
    tables: Mapping[str, ibis.Table],
    *,
    period: str,
    by: str | None,
    as_of: date | None,
) -> ibis.Table:
    """Return `names`, measures over the known persons of `source`, in one query.

    First what each person did in a period, then the sums over persons.
    """
    rows, keys = _keyed(source, tables, period, by, as_of)
    who = SOURCES[source].person
    rows = rows.filter(rows[who].notnull())
    measures = {name: m for name in names if isinstance(m := MEASURES[name], PersonMeasure)}
    parts = {part: how for m in measures.values() for part, how in (m.parts or {}).items()}
    persons = rows.group_by([*keys, who]).aggregate(**{p: how(rows) for p, how in parts.items()})
    if DEBUT not in names:
        return _summed(persons, measures, keys)
    if by is None:
        first = customers(tables["orders"], as_of=as_of).table.first_day.truncate(UNITS[period])
        return _with_new(persons, measures, first)
    return _summed(persons.left_join(_debuts(persons), who), measures, keys)


def _keyed(
    source: str,
    tables: Mapping[str, ibis.Table],
    period: str,
    by: str | None,
    as_of: date | None,
) -> tuple[ibis.Table, list[str]]:
    """Return the rows of a source with ``period`` (and ``segment``), and these keys."""
    rows = SOURCES[source].rows(tables, by)
    rows = rows.filter(rows.day.notnull())
    if as_of:
        rows = rows.filter(rows.day <= ibis.literal(as_of))
    rows = rows.mutate(period=rows.day.truncate(UNITS[period]))
    if by is None:
        return rows, ["period"]
    return rows.mutate(segment=rows[by].cast("string").fill_null(UNKNOWN)), ["period", "segment"]


def _summed(
    persons: ibis.Table, measures: Mapping[str, Measure], keys: Sequence[str]
) -> ibis.Table:
    return persons.group_by(list(keys)).aggregate(
        **{name: m.value(persons) for name, m in measures.items()}
    )


def _debuts(persons: ibis.Table) -> ibis.Table:
    """Return each customer's first period with a purchase."""
    kept = persons.filter(persons.kept >= 1)
    return kept.group_by("customer_id").aggregate(debut=kept.period.min())


def _with_new(
    persons: ibis.Table, measures: Mapping[str, Measure], first: ibis.Column
) -> ibis.Table:
    """Return the sums by period; newcomers are counted in the facts that other analyses share."""
    totals = _summed(persons, {n: m for n, m in measures.items() if n != DEBUT}, ["period"])
    debuts = first.name("first_period").as_table().drop_null()
    new = debuts.group_by("first_period").aggregate(newcomers=debuts.count())
    both = totals.left_join(new, totals.period == new.first_period)
    both = both.mutate(**{DEBUT: both.newcomers.fill_null(0)})
    return both.select("period", *measures)
