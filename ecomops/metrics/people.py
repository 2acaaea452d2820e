"""What known persons did in a period: first what each of them did, then how many did it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis
import pandas as pd

from ecomops.data.outline import PURCHASE, REFUNDED, Outline, outline
from ecomops.data.policy import POLICY
from ecomops.data.tables import frame
from ecomops.metrics.customers import Customers, customers
from ecomops.metrics.measures import DEBUT, KEPT, MEASURES, SALES, PersonMeasure
from ecomops.metrics.periods import UNITS, start
from ecomops.metrics.queries import Grain, day_sums, indexed, keyed
from ecomops.metrics.sources import SOURCES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    Measures = Mapping[str, PersonMeasure]

_SUMMED = ("orders", "amount", "squares", "net_squares")
ALONE: Mapping[str, Any] = {**KEPT, **{name: SALES[name].value for name in _SUMMED}}
WHO = "customer_id"


def by_person(
    source: str, names: Sequence[str], tables: Mapping[str, ibis.Table], grain: Grain
) -> pd.DataFrame:
    """Return `names`, measures over the known persons of `source`, by ``period`` (and ``segment``).

    Sales of all segments together are grouped by person only where one may have several: see
    `_of_sales`.
    """
    if source == "sales" and grain.by is None:
        return _of_sales(names, tables["orders"], grain)
    rows, keys = keyed(source, tables, grain)
    who = SOURCES[source].person
    rows = rows.drop_null(who)
    measures = _measures(names)
    each = rows.group_by([*keys, who]).aggregate(**_parts(measures, rows))
    if DEBUT in names:
        each = each.left_join(_debuts(each), who)
    made = each.group_by(keys).aggregate(**{name: m.value(each) for name, m in measures.items()})
    return frame(made)


def _measures(names: Sequence[str]) -> Measures:
    return {name: m for name in names if isinstance(m := MEASURES[name], PersonMeasure)}


def _parts(measures: Measures, rows: ibis.Table) -> dict[str, Any]:
    return {part: how(rows) for m in measures.values() for part, how in (m.parts or {}).items()}


def _debuts(each: ibis.Table) -> ibis.Table:
    """Return each customer's first period with a purchase."""
    kept = each.filter(each.kept >= 1)
    return kept.group_by(WHO).aggregate(debut=kept.period.min())


def _of_sales(names: Sequence[str], orders: ibis.Table, grain: Grain) -> pd.DataFrame:
    """Return what `by_person` does, from the sums by day and the customers with several sales.

    Most customers buy at most once in a period, and a sale that has its person to itself is that
    person: the sums over sales differ from those over people by customers with several alone.
    """
    facts = customers(orders, as_of=grain.as_of)
    measures = _measures([name for name in names if name != DEBUT])
    made = _as_if_alone(measures, orders, grain)
    made = made.add(_beyond(measures, orders, facts, grain), fill_value=0)
    if DEBUT in names:
        made[DEBUT] = _newcomers(facts, grain.period)
        made[DEBUT] = made[DEBUT].fillna(0)
    return made.reset_index()


def _as_if_alone(measures: Measures, orders: ibis.Table, grain: Grain) -> pd.DataFrame:
    """Return the measures as if each sale of a known customer had a person of its own."""
    days = day_sums(orders, (REFUNDED, PURCHASE), grain)
    sums = days[list(ALONE)].sum()
    made: pd.DataFrame = sums.assign(
        **{name: sums[m.alone] if m.alone else 0 for name, m in measures.items()}
    )
    return made[list(measures)]


def _beyond(measures: Measures, orders: ibis.Table, facts: Customers, grain: Grain) -> pd.DataFrame:
    """Return by how much customers with several sales in a period move the measures."""
    told = outline(orders, POLICY.reasons)
    pairs = zip(told.pieces(), facts.with_several(grain.period), strict=True)
    moved = [
        _moved(measures, _sales(told, rows, grain.as_of).semi_join(several, WHO), grain.period)
        for rows, several in pairs
    ]
    return pd.concat(moved).groupby(level="period").sum()


def _moved(measures: Measures, rows: ibis.Table, period: str) -> pd.DataFrame:
    rows = rows.mutate(period=rows.day.truncate(UNITS[period]))
    sums = {name: how(rows) for name, how in ALONE.items()}
    each = rows.group_by("period", WHO).aggregate(**{**sums, **_parts(measures, rows)})
    moved = {
        name: m.value(each) - (each[m.alone].sum() if m.alone else 0)
        for name, m in measures.items()
    }
    return indexed(frame(each.group_by("period").aggregate(**moved)))


def _sales(told: Outline, rows: ibis.Table, as_of: date | None) -> ibis.Table:
    """Return the sales among orders in outline, with ``net``."""
    rows = rows.filter(told.sold(rows))
    rows = rows.filter(rows.day <= ibis.literal(as_of)) if as_of else rows
    return rows.mutate(net=rows.amount - rows.refund_amount.fill_null(0))


def _newcomers(facts: Customers, period: str) -> pd.Series[float]:
    """Return how many customers purchased first in each period."""
    starts = [start(pd.Timestamp(day).date(), period) for day in facts.newcomers["first_day"]]
    return facts.newcomers["people"].groupby(pd.Index(starts, name="period")).sum()
