"""The engine queries behind the measures: one aggregate per source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis

from ecomops.data.days import DERIVED, MONEY, SALE, SUMS, order_days
from ecomops.data.policy import POLICY
from ecomops.metrics.customers import customers
from ecomops.metrics.measures import DEBUT, MEASURES, Measure, PersonMeasure
from ecomops.metrics.periods import UNITS, start
from ecomops.metrics.sources import SOURCES, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    import pandas as pd

PLACES = 4  # of money inside the engine


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


def from_days(
    names: Sequence[str], orders: ibis.Table, *, period: str, as_of: date | None
) -> pd.DataFrame | None:
    """Return what `aggregated` gives of sales, without a query: the orders were summed by day.

    None when a measure needs the orders themselves.
    """
    wanted = {name: name.partition(".")[2] for name in names}
    if not set(wanted.values()) <= {*SUMS, *DERIVED}:
        return None
    days = order_days(orders, POLICY.reasons)
    days = days[days["reason"].isin(SALE) & days["day"].notna()]
    days = days[days["day"] <= as_of] if as_of else days
    sums = days.groupby(days["day"].map(lambda day: start(day, period)).rename("period"))
    made: pd.DataFrame = sums[list(wanted.values())].sum(min_count=1)
    money = [name for name in MONEY if name in made]
    made[money] = made[money].round(PLACES)  # sums of floats that were exact in the engine
    made = made.rename(columns={short: name for name, short in wanted.items()})
    return made.assign(seen_from=sums["day"].min(), seen_to=sums["day"].max()).reset_index()


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
    rows = rows.filter(rows[who].notnull()).mutate(period=_key(rows.day, period))
    measures = {name: m for name in names if isinstance(m := MEASURES[name], PersonMeasure)}
    parts = {part: how for m in measures.values() for part, how in (m.parts or {}).items()}
    persons = rows.group_by([*keys, who]).aggregate(**{p: how(rows) for p, how in parts.items()})
    if DEBUT not in names:
        made = _summed(persons, measures, keys)
    elif by is None:
        first = _key(customers(tables["orders"], as_of=as_of).table.first_day, period)
        made = _with_new(persons, measures, first)
    else:
        made = _summed(persons.left_join(_debuts(persons), who), measures, keys)
    return made.mutate(period=_first_day(made.period, period))


def _key(day: Any, period: str) -> Any:
    """Return the period of a day as months since year 0: an integer groups faster than a date."""
    if period not in _MONTHS:
        return day.truncate(UNITS[period])
    return day.year() * 12 + _MONTHS[period](day)


_MONTHS: Mapping[str, Callable[[Any], Any]] = {
    "month": lambda day: day.month() - 1,
    "quarter": lambda day: (day.quarter() - 1) * 3,
    "year": lambda _: 0,
}


def _first_day(key: Any, period: str) -> Any:
    return (
        ibis.date((key / 12).floor().cast("int64"), key % 12 + 1, 1) if period in _MONTHS else key
    )


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
