"""Scores of recency, frequency and money: the cuts between them, and customers by triple."""

from __future__ import annotations

from math import ceil, floor
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np

from ecomops.customer.activity import days_between
from ecomops.data.tables import frame
from ecomops.maths.ties import quantiles

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import ArrayLike

    from ecomops.metrics.customers import Customers

SCORES = ["r_score", "f_score", "m_score"]
SUMS = ["customers", "amount", "days", "bought", "orders"]
EXACT = 6  # decimals of a cut: far below a cent, far above the noise of interpolation
Cuts = dict[str, tuple[float, ...]]


def measured(facts: Customers) -> ibis.Table:
    """Return one row per customer: ``customer_id, recency_days, frequency, monetary, scored``.

    Recency is days from the last purchase to `as_of`, frequency the number of purchases, monetary
    their net money. Not `scored`: those without a purchase or whose net money is 0 or less.
    """
    t = facts.table
    return t.select(
        customer_id=t.customer_id,
        recency_days=days_between(ibis.literal(facts.as_of), t.last_day),
        frequency=t.orders.cast("int64"),
        monetary=t.net,
        scored=(t.orders > 0) & (t.net > 0),
    )


def quantile_cuts(rows: ibis.Table, bins: int) -> Cuts:
    """Return the cuts between scores, read off the values of all scored customers.

    Recency and money: linear quantiles (Hyndman and Fan's type 7) at k / `bins`. Frequency: see
    `frequency_cuts`.
    """
    known = rows.filter(rows.scored)
    at = [k / bins for k in range(1, bins)]
    # few different values: counting them costs less than ranking every customer
    seen = frame(known.group_by("recency_days", "frequency").aggregate(n=known.count()))
    days, orders = (seen.groupby(c)["n"].sum() for c in ("recency_days", "frequency"))
    return {
        "recency": _cuts(quantiles(days.index, days, at)) if len(days) else (),
        "frequency": frequency_cuts(orders.index, orders, bins),
        "monetary": _money_cuts(known.monetary, at),
    }


def _money_cuts(money: Any, at: list[float]) -> tuple[float, ...]:
    """Return quantiles of decimal money, ranked in its smallest unit: whole numbers rank faster."""
    unit = 10 ** (scale := money.type().scale or 0)
    whole = (money.cast(f"decimal(18, {scale})") * unit).cast("int64")
    cuts = frame(whole.quantile(at).name("cuts").as_table())["cuts"].iloc[0]
    return _cuts(None if cuts is None else np.asarray(cuts, dtype=float) / unit)


def _cuts(values: Any) -> tuple[float, ...]:
    listed = [] if values is None or np.ndim(values) == 0 else values
    return tuple(round(float(v), EXACT) for v in listed if v is not None and np.isfinite(v))


def frequency_cuts(orders: ArrayLike, customers: ArrayLike, bins: int) -> tuple[float, ...]:
    """Return the upper ends of the frequency scores from 2 to `bins` - 1.

    Parameters
    ----------
    orders, customers
        Numbers of orders and how many customers placed so many, in any order.
    bins
        How many scores there are.

    Returns
    -------
    Rising ends; score 2 takes an equal share of those with two or more orders, whole values at a
    time, score 3 an equal share of the rest, and so on, so that large ties leave no score empty.
    With fewer values than scores the lowest has 2 and the others the best.

    Examples
    --------
    >>> frequency_cuts([1, 2, 3, 4, 5, 9], [650, 180, 90, 50, 20, 10], bins=5)
    (2.0, 3.0, 4.0)
    >>> frequency_cuts([1, 2, 3], [80, 15, 5], bins=5)
    (2.0, 2.0, 2.0)
    """
    values, counts = (np.asarray(column, dtype=float) for column in (orders, customers))
    order = np.argsort(values)
    values, counts = values[order], counts[order]
    ends: list[float] = []
    for left in range(bins - 1, 1, -1):
        rest = values > (ends[-1] if ends else 1)
        reached = np.cumsum(counts[rest]) * left >= counts[rest].sum()
        if rest.sum() < 2:  # noqa: PLR2004 - a single value cannot be cut
            break
        ends.append(float(values[rest][reached.argmax()]))
    ends = [end for end in ends if end < values[-1]]
    return tuple(ends[:1] * (bins - 2 - len(ends)) + ends)


def scored(rows: ibis.Table, cuts: Cuts, bins: int, fixed: Sequence[str] = ()) -> ibis.Table:
    """Return `rows` with ``r_score, f_score, m_score``, 1 to `bins`, 5 best, missing if not scored.

    A score depends on the value alone, so equal customers score alike. A value on a cut takes the
    better score of recency and the lower one of frequency and money; whoever bought once has
    frequency score 1 and nobody else has. Cuts of `fixed` measures belong to the better side.
    """
    known, money = rows.scored, rows.monetary
    repeat = 0 if "frequency" in fixed else (rows.frequency > 1).ifelse(1, 0)
    return rows.mutate(
        r_score=_where(known, bins - _above(rows.recency_days, cuts["recency"], equal=False)),
        f_score=_where(
            known,
            1 + repeat + _above(rows.frequency, cuts["frequency"], equal="frequency" in fixed),
        ),
        m_score=_where(known, 1 + _above(money, cuts["monetary"], equal="monetary" in fixed)),
    )


def _above(value: Any, cuts: tuple[float, ...], *, equal: bool) -> Any:
    """Return how many cuts lie below `value`, those it equals included when `equal`.

    Whole numbers are held against whole cuts, which takes the engine a third of the time.
    """
    if value.type().is_integer():
        cuts = tuple((ceil if equal else floor)(cut) for cut in cuts)
    count: Any = ibis.literal(0)
    for cut in cuts:
        count = count + ((value >= cut) if equal else (value > cut)).cast("int8")
    return count


def _where(known: Any, score: Any) -> Any:
    return known.ifelse(score, ibis.null()).cast("int64")


def by_code(rows: ibis.Table) -> pd.DataFrame:
    """Return customers and sums per triple of scores; the unscored ones by having paid or not."""
    grouped = rows.group_by([*SCORES, rows.monetary.notnull().name("paid")]).aggregate(  # noqa: PD004 - ibis has no other
        customers=rows.count(),
        amount=rows.monetary.sum(),
        days=rows.recency_days.sum(),
        bought=rows.recency_days.count(),
        orders=rows.frequency.sum(),
    )
    codes = frame(grouped).sort_values([*SCORES, "paid"], ignore_index=True)
    return codes.astype(dict.fromkeys([*SCORES, *SUMS], float))
