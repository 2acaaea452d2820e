"""What randomised messages did: outcomes of those sent to and those held out, summed by cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis
import numpy as np

from ecomops.customer.activity import days_between
from ecomops.data.tables import exact, frame, table
from ecomops.maths.strata import Difference, difference

if TYPE_CHECKING:
    import pandas as pd

    from ecomops.metrics.customers import Customers

LEAST = 400  # people on each side
TELLTALE = 3.5  # standard errors between the two sides in what was known before the send
OUTCOMES = ("back", "count", "net")
BEFORE = ("silent", "orders")


def outcomes(facts: Customers, sends: object, horizon_days: int) -> ibis.Table:
    """Return one row per send and customer who had bought before, whose horizon is over.

    Columns: ``customer_id, wave`` (day of the send), ``treated`` (1 sent, 0 held out); before the
    send: ``orders``, ``silent`` and ``since`` (days since the last and the first one), ``spent``
    (money less refunds); within the horizon from it, its own day included: ``back`` (0/1, bought),
    ``count`` (orders), ``net`` (money less refunds).
    """
    t = table(sends, "message_sends")
    bought = facts.purchases.select(
        customer_id="customer_id", at=facts.purchases["at"], paid=facts.purchases["net"]
    )
    t = t.select("customer_id", "sent_at", "is_holdout").join(bought, "customer_id")
    gap = days_between(t["at"].date(), t.sent_at.date())
    before = t["at"] < t.sent_at
    within = ~before & (gap < horizon_days)
    each = t.group_by("customer_id", "sent_at", "is_holdout").aggregate(
        first=t["at"].min(),
        last=before.ifelse(t["at"], ibis.null()).max(),
        orders=before.ifelse(1, 0).sum(),
        count=within.ifelse(1, 0).sum(),
        spent=t.paid.sum(where=before),
        net=t.paid.sum(where=within).fill_null(0),
    )
    day, end = each.sent_at.date(), ibis.literal(facts.as_of).cast("date")
    each = each.filter(each.orders > 0, days_between(end, day) >= horizon_days - 1)
    return each.select(
        "customer_id",
        "orders",
        "count",
        spent=each.spent.cast("float64"),
        net=each.net.cast("float64"),
        wave=day,
        treated=each.is_holdout.ifelse(0, 1),
        silent=days_between(day, each["last"].date()),
        since=days_between(day, each["first"].date()),
        back=(each["count"] > 0).ifelse(1, 0),
    )


def cells(rows: ibis.Table, group: Any) -> pd.DataFrame:
    """Return sums by wave, group and side: ``wave, segment, treated, n`` and for each outcome.

    An outcome x gives ``x`` (sum) and ``x2`` (sum of squares).
    """
    rows = rows.mutate(segment=group)
    sums: dict[str, Any] = {"n": rows.count()}
    for name in (*OUTCOMES, *BEFORE):
        x = rows[name].cast("float64")
        x = (x + 1).log() if name in BEFORE else x
        sums |= {name: exact(x).sum(), f"{name}2": exact(x * x).sum()}
    found = frame(rows.group_by("wave", "segment", "treated").aggregate(**sums))
    return found.sort_values(["wave", "segment", "treated"], ignore_index=True)


def effect(found: pd.DataFrame, outcome: str) -> Difference:
    """Return the difference in an outcome between sent and held out, within waves and segments."""
    stratum = found["wave"].astype(str) + " " + found["segment"].astype(str)
    squares = found[f"{outcome}2"]
    return difference(found["n"], found[outcome], squares, found["treated"], stratum)


def foretold(found: pd.DataFrame) -> float:
    """Return the largest difference, in standard errors, in what was known before the send.

    Only waves are strata here: a send that picked a segment is not random.
    """
    scores = []
    for name in BEFORE:
        stratum = found["wave"].astype(str)
        columns = ("n", name, f"{name}2")
        sums = found.groupby([stratum, "treated"])[list(columns)].sum().reset_index()
        n, x, x2 = (sums[c] for c in columns)
        gap = difference(n, x, x2, sums["treated"], sums["wave"])
        scores.append(abs(gap.value) / gap.error if gap.error > 0 else 0.0)
    return float(np.max(scores))


def fewest(found: pd.DataFrame) -> int:
    """Return how many people are on the smaller side."""
    sides = found.groupby("treated")["n"].sum().reindex([0, 1], fill_value=0)
    return int(sides.min())


def lately(facts: Customers, sends: object, cap_days: int) -> ibis.Table:
    """Return the ids of customers who have been sent something in the last `cap_days` days."""
    t = table(sends, "message_sends")
    end = ibis.literal(facts.as_of).cast("date")
    age = days_between(end, t.sent_at.date())
    return t.filter(~t.is_holdout, age >= 0, age < cap_days).select("customer_id").distinct()


def price(sends: object) -> float:
    """Return the mean cost of a message that was sent, 0 where none is known."""
    t = table(sends, "message_sends")
    sent = t.filter(~t.is_holdout)
    cost = frame(sent.aggregate(sum=sent.cost.sum().cast("float64"), n=sent.cost.count())).iloc[0]
    return float(cost["sum"] / cost["n"]) if cost["n"] else 0.0
