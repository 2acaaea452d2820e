"""First orders that second orders follow: by product or channel, small counts held back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import pandas as pd
from scipy.stats import poisson

from ecomops.customer.activity import days_between
from ecomops.data.policy import sold_lines
from ecomops.data.tables import NO, frame
from ecomops.maths.multiplicity import benjamini_hochberg
from ecomops.maths.shrinkage import gamma_poisson

if TYPE_CHECKING:
    from ecomops.metrics.customers import Customers

MOST = 2_000  # products or channels compared, the most frequent first
COLUMNS = ("opener", "customers", "returned", "expected", "ratio", "low", "q")


def firsts(facts: Customers, horizon_days: int) -> ibis.Table:
    """Return one row per customer old enough: ``customer_id, first_at, again`` (0/1), ``chance``.

    `again` says whether a second order came within the horizon, `chance` is how often it did for
    customers of the same first month: what season and promotions brought them.
    """
    t = facts.table.filter(facts.table.orders > 0)
    end = ibis.literal(facts.as_of).cast("date")
    t = t.filter(days_between(end, t.first_day) >= horizon_days)
    gap = days_between(t.second_day, t.first_day)
    t = t.select(
        "customer_id",
        month=t.first_day.truncate("M"),
        again=(gap <= horizon_days).fill_null(NO).ifelse(1, 0).cast("float64"),
    )
    t = t.mutate(chance=t.again.mean().over(ibis.window(group_by="month")))
    bought = facts.purchases.group_by("customer_id").aggregate(first_at=facts.purchases["at"].min())
    return t.join(bought, "customer_id")


def openers(facts: Customers, opened: ibis.Table, column: str) -> pd.DataFrame:
    """Return by value of `column` in the first order: how many came back against expectation.

    `opened` has ``order_id`` and the column. Columns: ``opener, customers, returned, expected,
    ratio`` and its 5 % bound ``low`` (shrunk, gamma-Poisson), ``q`` (Benjamini-Hochberg).
    """
    orders = facts.purchases.select("order_id", "customer_id", at=facts.purchases["at"])
    t = orders.join(opened, "order_id")
    t = t.filter(t["at"] == t.first_at, t[column].notnull())  # noqa: PD004 - ibis has no other
    each = t.group_by("customer_id", opener=t[column]).aggregate(
        again=t.again.max(), chance=t.chance.max()
    )
    sums = each.group_by("opener").aggregate(
        customers=each.count(), returned=each.again.sum(), expected=each.chance.sum()
    )
    top = sums.order_by(sums.customers.desc(), sums.opener).limit(MOST)
    return judged(frame(top))


def judged(found: pd.DataFrame) -> pd.DataFrame:
    """Return counts with shrunk ratios and q-values, the surest first."""
    if len(found) < 2:  # noqa: PLR2004 - nothing to compare
        return pd.DataFrame(columns=list(COLUMNS))
    # engines add floats in any order: without rounding the fit would differ in its last digits
    found = found.sort_values("opener", ignore_index=True)
    found["expected"] = found["expected"].astype(float).round(6)
    shrunk = gamma_poisson(found["returned"], found["expected"])
    upper = poisson.sf(found["returned"] - 1, found["expected"])
    p = np.where(found["expected"] > 0, upper, np.nan)
    rows = found.assign(ratio=shrunk.mean, low=shrunk.low, q=benjamini_hochberg(p))
    ranked = rows.sort_values(["low", "opener"], ascending=[False, True], ignore_index=True)
    return ranked[list(COLUMNS)]


def by_product(facts: Customers, firsts: ibis.Table, lines: ibis.Table) -> pd.DataFrame:
    """Return `openers` by product, named as the shop does."""
    sold = sold_lines(lines)
    named = sold.product_name.fill_null(sold.product_id)
    bought = sold.select("order_id", product=named)
    return openers(facts, _of(facts, firsts, bought), "product")


def by_channel(facts: Customers, firsts: ibis.Table) -> pd.DataFrame:
    """Return `openers` by the channel that orders name as their source."""
    named = facts.purchases.select("order_id", channel=facts.purchases.source_channel)
    return openers(facts, _of(facts, firsts, named), "channel")


def _of(facts: Customers, firsts: ibis.Table, named: ibis.Table) -> ibis.Table:
    owner = facts.purchases.select("order_id", "customer_id")
    joined = named.join(owner, "order_id").join(firsts, "customer_id")
    return joined.select(*named.columns, *_Opened)


_Opened: tuple[Any, ...] = ("first_at", "again", "chance")
