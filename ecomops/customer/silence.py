"""Who is silent for how long, and how many of them come back without being asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import pandas as pd

from ecomops.customer.activity import days_between
from ecomops.data.tables import frame
from ecomops.maths import survival

if TYPE_CHECKING:
    from ecomops.metrics.customers import Customers

STATES = ("fresh", "due", "silent", "lost")
KINDS = ("once", "several")
SEGMENTS = tuple(f"{kind}_{state}" for state in STATES for kind in KINDS)


def segment(orders: Any, silent: Any, breaks: tuple[float, float, float]) -> Any:
    """Return the segment of each row as an engine column: orders so far x days since the last."""
    state: Any = ibis.literal(STATES[-1])
    for name, least in reversed(list(zip(STATES, breaks, strict=False))):
        state = (silent < least).ifelse(name, state)
    return (orders > 1).ifelse("several_", "once_") + state


def waits(facts: Customers) -> pd.DataFrame:
    """Return what became of every wait: ``kind, days, events, censored``.

    A wait runs from an order to the next or to the end; `kind` says whether it follows the first.
    """
    t = facts.purchases.select(customer_id="customer_id", at=facts.purchases["at"])
    order = ibis.window(group_by="customer_id", order_by="at")
    t = t.mutate(
        start=t["at"].date(),
        following=t["at"].lead().over(order).date(),
        number=ibis.row_number().over(order),
    )
    until = ibis.coalesce(t.following, ibis.literal(facts.as_of).cast("date"))
    t = t.select(
        kind=(t.number > 0).ifelse("several", "once"),
        days=days_between(until, t.start),
        again=t.following.notnull(),  # noqa: PD004 - ibis has no other
    )
    counted = t.group_by("kind", "days").aggregate(
        events=t.again.ifelse(1, 0).sum(), censored=t.again.ifelse(0, 1).sum()
    )
    return frame(counted).sort_values(["kind", "days"], ignore_index=True)


def returns(counted: pd.DataFrame, horizon: int) -> dict[str, np.ndarray[Any, Any]]:
    """Return by kind, for each day of silence, the chance to buy within the next `horizon` days.

    1 - S(d + h) / S(d) with S by Kaplan-Meier; missing where nobody has been watched that long.
    """
    found = {}
    for kind in KINDS:
        mine = counted[counted["kind"] == kind]
        if mine.empty:
            found[kind] = np.array([np.nan])
            continue
        curve = survival.kaplan_meier(mine["days"], mine["events"], mine["censored"])
        last = int(mine["days"].max())
        left = survival.at(curve, np.arange(last + 1))
        ahead = left[horizon:]
        # 1e-12: a curve that has come down to 0 says nothing of those who would still wait
        found[kind] = 1 - ahead / np.where(left[: ahead.size] > 1e-12, left[: ahead.size], np.nan)  # noqa: PLR2004
    return found


def standing(facts: Customers, lately: ibis.Table | None) -> pd.DataFrame:
    """Return how many customers stand where: ``kind, silent`` (days), ``customers, free``.

    `free` leaves out the customers of `lately`, who have been sent to within the cap.
    """
    t = facts.table.filter(facts.table.orders > 0)
    end = ibis.literal(facts.as_of).cast("date")
    t = t.select(
        "customer_id",
        kind=(t.orders > 1).ifelse("several", "once"),
        silent=days_between(end, t.last_day),
    )
    if lately is None:
        t = t.mutate(free=1)
    else:
        t = t.left_join(lately.mutate(sent=1), "customer_id")
        t = t.mutate(free=1 - t.sent.fill_null(0))
    counted = t.group_by("kind", "silent").aggregate(customers=t.count(), free=t.free.sum())
    return frame(counted).sort_values(["kind", "silent"], ignore_index=True)


def by_segment(
    where: pd.DataFrame,
    chances: dict[str, np.ndarray[Any, Any]],
    breaks: tuple[float, float, float],
) -> pd.DataFrame:
    """Return one row per segment: ``segment, customers, free, natural``.

    `natural` is the mean chance of its customers to come back by themselves; the longest silence
    that has been watched stands for longer ones.
    """
    state = np.array(STATES)[np.searchsorted(breaks, where["silent"], side="right")]
    rows = where.assign(segment=where["kind"] + "_" + state, natural=np.nan)
    for kind, chance in chances.items():
        known = np.flatnonzero(np.isfinite(chance))
        mine = rows["kind"] == kind
        if known.size:
            days = rows.loc[mine, "silent"].clip(upper=known[-1])
            rows.loc[mine, "natural"] = pd.Series(chance).ffill().reindex(days).to_numpy()
    rows["back"] = rows["natural"] * rows["customers"]
    sums = rows.groupby("segment")[["customers", "free", "back"]].sum(min_count=1)
    sums = sums.reindex([s for s in SEGMENTS if s in sums.index])
    return sums.assign(natural=sums["back"] / sums["customers"]).drop(columns="back").reset_index()
