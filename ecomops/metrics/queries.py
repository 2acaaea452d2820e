"""The engine queries behind the measures that sum rows: one aggregate per source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import ibis
import pandas as pd

from ecomops.data.days import DERIVED, MONEY, SUMS, order_days
from ecomops.data.outline import SALE
from ecomops.data.policy import POLICY
from ecomops.data.tables import YES, frame
from ecomops.metrics.measures import MEASURES
from ecomops.metrics.periods import UNITS, start
from ecomops.metrics.sources import SOURCES, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

Days = tuple["date", "date"]
PLACES = 4  # of money inside the engine


class Grain(NamedTuple):
    """What sums are split by, a period and maybe a column, and the last day that counts."""

    period: str
    by: str | None
    as_of: date | None


def aggregated(
    source: str, names: Sequence[str], tables: Mapping[str, ibis.Table], grain: Grain
) -> ibis.Table:
    """Return `names`, measures of `source`, by ``period`` (and ``segment``), in one query.

    ``seen_from`` and ``seen_to`` are the first and last day with a row.
    """
    rows, keys = keyed(source, tables, grain)
    if "stock.closing" in names:
        rows = rows.mutate(last_day=rows.day.max().over(group_by=keys))
    return rows.group_by(keys).aggregate(
        **{name: MEASURES[name].value(rows) for name in names},
        seen_from=rows.day.min(),
        seen_to=rows.day.max(),
    )


def indexed(rows: pd.DataFrame) -> pd.DataFrame:
    """Return sums by the plain date of their period (and by segment)."""
    rows["period"] = [pd.Timestamp(at).date() for at in rows["period"]]
    return rows.set_index([c for c in ("period", "segment") if c in rows]).astype("float64")


def untold(
    source: str, names: Sequence[str], tables: Mapping[str, ibis.Table], grain: Grain, days: Days
) -> pd.DataFrame:
    """Return on how many of the `days` with sales `source` does not tell `names`, by period.

    A day without visits may be quiet; one on which somebody bought was not exported.
    """
    rows, _ = keyed(source, tables, grain._replace(period="day"))
    sums = {name: MEASURES[name].value(rows) for name in names}
    told = indexed(frame(rows.group_by("period").aggregate(**sums)))
    sold = day_sums(tables["orders"], SALE, grain._replace(period="day")).groups
    missing = told.reindex([day for day in sold if days[0] <= day <= days[1]]).isna()
    return missing.groupby(lambda day: start(day, grain.period)).sum()


def from_days(names: Sequence[str], orders: ibis.Table, grain: Grain) -> pd.DataFrame | None:
    """Return what `aggregated` gives of sales, without a query: the orders were summed by day.

    None when a measure needs the orders themselves.
    """
    wanted = {name: name.partition(".")[2] for name in names}
    if not set(wanted.values()) <= {*SUMS, *DERIVED}:
        return None
    sums = day_sums(orders, SALE, grain)
    made: pd.DataFrame = sums[list(wanted.values())].sum(min_count=1)
    money = [name for name in MONEY if name in made]
    made[money] = made[money].round(PLACES)  # sums of floats that were exact in the engine
    made = made.rename(columns={short: name for name, short in wanted.items()})
    return made.assign(seen_from=sums["day"].min(), seen_to=sums["day"].max()).reset_index()


def day_sums(orders: ibis.Table, reasons: Sequence[str], grain: Grain) -> Any:
    """Return the days of orders with these reasons, grouped by the first day of their period."""
    days = order_days(orders, POLICY.reasons)
    days = days[days["reason"].isin(reasons) & days["day"].notna()]
    days = days[days["day"] <= grain.as_of] if grain.as_of else days
    return days.groupby(days["day"].map(lambda day: start(day, grain.period)).rename("period"))


def keyed(
    source: str, tables: Mapping[str, ibis.Table], grain: Grain
) -> tuple[ibis.Table, list[str]]:
    """Return the rows of a source with ``period`` (and ``segment``), and these keys."""
    period, by, as_of = grain
    rows = SOURCES[source].rows(tables, by)
    rows = rows.filter(rows.day.notnull())
    if as_of:
        rows = rows.filter(rows.day <= ibis.literal(as_of))
        if source == "placed":  # what was paid later was not paid yet
            paid = rows.paid_at.date() <= ibis.literal(as_of)
            rows = rows.mutate(is_paid=rows.is_paid & paid.fill_null(YES))
    rows = rows.mutate(period=rows.day.truncate(UNITS[period]))
    if by is None:
        return rows, ["period"]
    return rows.mutate(segment=rows[by].cast("string").fill_null(UNKNOWN)), ["period", "segment"]
