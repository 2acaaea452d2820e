"""Two periods of a shop: which chain of factors fits its data, and the sums of both periods."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any

import pandas as pd

from ecomops.base.errors import DataError, MissingError, OptionError
from ecomops.metrics import periods
from ecomops.metrics.compute import columns_of
from ecomops.metrics.observe import Observed, observe
from ecomops.store.chains import Chain, Link, largest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    import ibis

VISITORS = Link("visitors", "traffic.visitors")
CONVERSION = Link("conversion", "sales.buyers", "traffic.visitors")
BUYERS = Link("buyers", "sales.buyers")
FREQUENCY = Link("frequency", "sales.orders", "sales.buyers")
ORDER_VALUE = Link("order_value", "sales.amount", "sales.orders")
KEPT = Link("kept_share", "sales.net", "sales.amount")
ENDS = {
    "pay_amount": (Link("buyer_value", "sales.amount", "sales.buyers"),),
    "net_sales": (Link("buyer_value", "sales.amount", "sales.buyers"), KEPT),
    "pay_orders": (FREQUENCY,),
    "pay_buyers": (),
}
WITHOUT_TRAFFIC = {
    "pay_amount": (BUYERS, FREQUENCY, ORDER_VALUE),
    "net_sales": (BUYERS, FREQUENCY, ORDER_VALUE, KEPT),
    "pay_orders": (BUYERS, FREQUENCY),
}
BY_ORDERS = {
    "pay_amount": ORDER_VALUE,
    "net_sales": Link("net_order_value", "sales.net", "sales.orders"),
}
BY_TRAFFIC = {
    "pay_amount": (
        VISITORS,
        Link("conversion", "traffic.buyers", "traffic.visitors"),
        Link("buyer_value", "traffic.amount", "traffic.buyers"),
    ),
    "pay_buyers": (VISITORS, Link("conversion", "traffic.buyers", "traffic.visitors")),
}
TRAFFIC_COLUMNS = (  # of traffic_daily, which carries buyers and money of its own
    "source_l1",
    "source_l2",
    "source_l3",
    "product_id",
    "keyword",
    "device",
)
METRICS = tuple(ENDS)


def chain_of(name: str, by: str | None, *, traffic: bool) -> Chain:
    """Return the chain of a metric: with visitors where there is traffic, split by `by`.

    Raises `OptionError` where the metric cannot be split that way.

    >>> [link.factor for link in chain_of("pay_amount", None, traffic=False).links]
    ['buyers', 'frequency', 'order_value']
    """
    if by in TRAFFIC_COLUMNS and traffic:
        if name not in BY_TRAFFIC:
            raise OptionError("no_chain", metric=name, by=by, allowed=list(BY_TRAFFIC))
        return Chain(BY_TRAFFIC[name], ("conversion", "buyer_value"))
    front = (VISITORS, CONVERSION) if traffic else (BUYERS,)
    if by:
        if name not in BY_ORDERS:
            raise OptionError("no_chain", metric=name, by=by, allowed=list(BY_ORDERS))
        end = BY_ORDERS[name]
        return Chain((*front, FREQUENCY, end), (end.factor,))
    return Chain((VISITORS, CONVERSION, *ENDS[name]) if traffic else WITHOUT_TRAFFIC[name])


@dataclass(frozen=True, eq=False)
class Comparison:
    """Sums by measure in two periods (and by segment), with the chain they are for."""

    chain: Chain
    kind: str
    starts: tuple[date, date]
    before: pd.Series[Any]
    after: pd.Series[Any]
    segments: pd.DataFrame | None
    orders: int
    gaps: Mapping[str, int]

    def total(self, sums: pd.Series[Any]) -> float:
        """Return the metric of one period."""
        return float(prod(link.value(sums) for link in self.chain.links))


def tables_needed(name: str, by: str | None) -> tuple[str, ...]:
    """Return the tables without which the metric cannot be taken apart."""
    traffic = by in TRAFFIC_COLUMNS or name not in WITHOUT_TRAFFIC
    return ("orders", "traffic_daily") if traffic else ("orders",)


def comparison(
    tables: Mapping[str, ibis.Table],
    name: str,
    *,
    by: str | None = None,
    before: str | None = None,
    after: str | None = None,
    as_of: date | None = None,
) -> Comparison | None:
    """Return the sums of two full periods, on the chain with visitors where traffic covers both.

    None where net sales are asked for and no refund is on record.

    Raises `DataError` when a period is partial or empty, or there are no two full ones.
    """
    asked = [periods.parse(text) if text else None for text in (before, after)]
    kinds = {each[1] for each in asked if each} or {"month"}
    if len(kinds) > 1:
        raise OptionError("periods_differ", before=before, after=after)
    kind = kinds.pop()
    days: dict[str, Any] = {}
    visits: Observed | None = None  # of the chain tried first, with visitors where there are any
    blank: set[str] = set()  # measures of the chain tried last that nothing tells
    for chain in _chains(name, by, tables):
        names = list(dict.fromkeys((*chain.measures, "sales.orders", *_needed(name))))
        seen = observe(tables, names, period=kind, as_of=as_of)
        visits = visits or seen
        if set(_needed(name)) & seen.empty:
            return None
        starts = _pair(seen, chain, asked[0] and asked[0][0], asked[1] and asked[1][0])
        if starts:
            late = [at for at in visits.values.index if at in starts or at > starts[1]]
            made = _filled(tables, chain, seen, starts, by, as_of)
            return replace(made, gaps=visits.missing(late))
        blank = set(chain.measures) & seen.empty
        days = dict(zip(("first", "last"), seen.days["sales"], strict=True))
    if by and blank:
        columns = sorted({column for measure in blank for column in columns_of(measure)})
        raise MissingError("metric_needs_columns", metrics=[name], columns=columns)
    if after or before:
        raise DataError(
            "partial_period", period=" / ".join(str(t) for t in (before, after) if t), **days
        )
    raise DataError("too_few_periods", example=periods.label(days["last"], "day"), **days)


def _needed(name: str) -> tuple[str, ...]:
    return ("sales.refund",) if name == "net_sales" else ()


def _chains(name: str, by: str | None, tables: Mapping[str, ibis.Table]) -> list[Chain]:
    """Return the chains to try, the one with visitors first."""
    made = [chain_of(name, by, traffic=True)] if "traffic_daily" in tables else []
    if by in TRAFFIC_COLUMNS or name not in WITHOUT_TRAFFIC:
        return made
    return [*made, chain_of(name, by, traffic=False)]


def _pair(
    seen: Observed, chain: Chain, before: date | None, after: date | None
) -> tuple[date, date] | None:
    """Return the two periods to compare when both are fully observed."""
    known = seen.values[list(chain.measures)].notna().all(axis=1) & ~seen.partial(chain.measures)
    if VISITORS in chain.links:  # a period of sales without a visitor was not counted
        known &= seen.values[VISITORS.top] > 0
    full = list(seen.values.index[known])
    last = after or (full[-1] if full else None)
    if last is None:
        return None
    year = periods.year_before(last, seen.period)
    first = before or (year if year in full else periods.shift(last, seen.period, -1))
    return (first, last) if first in full and last in full else None


def _filled(
    tables: Mapping[str, ibis.Table],
    chain: Chain,
    seen: Observed,
    starts: tuple[date, date],
    by: str | None,
    as_of: date | None,
) -> Comparison:
    sums: list[Any] = [seen.values.loc[at] for at in starts]
    segments = None
    if by:
        links = [link for link in chain.links if link.factor in chain.split]
        names = list(dict.fromkeys(name for link in links for name in (link.bottom, link.top)))
        split = observe(tables, names, period=seen.period, by=by, as_of=as_of)
        if split.values.empty:
            raise MissingError("no_such_split", by=by, table="traffic_daily")
        _refuse_partial(split, names, starts)
        segments = largest(_segments(split, starts), names[:1])
        if by in TRAFFIC_COLUMNS:  # visitors of segments overlap: their sum is the base of the mix
            sums = [s.copy() for s in sums]
            for side, total in zip(("before", "after"), sums, strict=True):
                total.update(segments[side].sum())
    for at, total in zip(starts, sums, strict=True):
        if not total["sales.orders"] > 0:
            raise DataError("empty_period", period=periods.label(at, seen.period))
    orders = int(sum(total["sales.orders"] for total in sums))
    return Comparison(chain, seen.period, starts, sums[0], sums[1], segments, orders, {})


def _refuse_partial(split: Observed, names: Sequence[str], starts: tuple[date, date]) -> None:
    """Raise where the rows that tell segments apart cover a period in part only."""
    flags = split.partial(names).groupby(level="period").any()
    late = [periods.label(at, split.period) for at in starts if flags.get(at, True)]
    if late:
        first, last = next(iter(split.days.values()))
        raise DataError("partial_period", period=" / ".join(late), first=first, last=last)


def _segments(seen: Observed, starts: tuple[date, date]) -> pd.DataFrame:
    """Return sums by segment, columns (side, measure); a segment absent from a period counts 0."""
    sides = {
        side: seen.values.xs(at, level="period").fillna(0.0)
        for side, at in zip(("before", "after"), starts, strict=True)
    }
    return pd.concat(sides, axis=1).fillna(0.0)
