"""What each cohort did at each age: customers active, orders and money, summed in the engine."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.datatypes as dt

from ecomops.data.tables import frame, home
from ecomops.metrics import periods

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

    from ecomops.metrics.customers import Customers

ROLLING_DAYS = {"day": 1, "week": 7, "month": 30, "quarter": 90}
MONTHS = {"month": 1, "quarter": 3}
MOST_AGES = {"day": 91, "week": 105, "month": 1200, "quarter": 400}
SUMS = ["active", "orders", "amount", "amount_2", "orders_2", "amount_orders", "reached_2"]
UNKNOWN = "unknown"
EXACT = "decimal(19,4)"  # one digit past 64 bits: from there on DuckDB multiplies in 128


def members(facts: Customers, period: str, by: str | None) -> ibis.Table:
    """Return customers with a purchase: ``customer_id, first_day, cohort`` and their group.

    `cohort` numbers the period of the first purchase, 0 for that of the first sale of all; `group`
    is `by` of the first purchase (the least of those made at the same second).
    """
    bought = facts.table.filter(facts.table.orders > 0)
    named = bought.mutate(cohort=_number(bought.first_day, facts, period))
    if by is None:
        return named
    orders = facts.purchases
    value = orders[by].cast("string").fill_null(UNKNOWN)
    orders = orders.select("customer_id", "at", value=value)
    first = orders.group_by("customer_id").aggregate(first_at=orders["at"].min())
    first = first.select(id=first.customer_id, first_at=first.first_at)
    met = orders.inner_join(
        first, (orders.customer_id == first.id) & (orders["at"] == first.first_at)
    )
    groups = met.group_by("id").aggregate(group=met["value"].min())
    return named.inner_join(groups, named.customer_id == groups.id).drop("id")


def _number(day: Any, facts: Customers, period: str) -> Any:
    """Return which period a day falls into, counted from that of the first sale."""
    origin = periods.start(facts.coverage.first_day, period)
    if period in MONTHS:
        months = day.year() * 12 + day.month() - (origin.year * 12 + origin.month)
        return (months // MONTHS[period]).cast("int64")
    return days_between(day, ibis.literal(origin)) // ROLLING_DAYS[period]


def days_between(late: Any, early: Any) -> Any:
    """Return whole days from one date to another; DuckDB subtracts in half its function's time."""
    days = late.delta(early, unit="day").cast("int64")
    return _subtract(late, early) if home(days).name == "duckdb" else days


@ibis.udf.scalar.builtin(name="subtract", signature=((dt.date, dt.date), dt.int64))
def _subtract(late: Any, early: Any) -> Any: ...


def sizes(sums: pd.DataFrame) -> pd.DataFrame:
    """Return ``cohort, size`` (and ``group``): at age 0 everyone is active."""
    keys = [k for k in ("group", "cohort") if k in sums.columns]
    young = sums[sums["age"] == 0].astype({"active": "int64"}).rename(columns={"active": "size"})
    return young[[*keys, "size"]].sort_values(keys, ignore_index=True)


def active_by_month(people: ibis.Table, facts: Customers, period: str) -> pd.DataFrame:
    """Return ``cohort, age, active`` of calendar months or quarters, from the bits alone."""
    origin = periods.start(facts.coverage.first_day, period)
    lead = (facts.origin.year - origin.year) * 12 + facts.origin.month - origin.month
    step = MONTHS[period]
    numbers: dict[int, list[int]] = {}
    for month in range(facts.months):
        numbers.setdefault((month + lead) // step, []).append(month)
    keys = [k for k in ("group", "cohort") if k in people.columns]
    bits = {n: [facts.active_in(m, people) for m in months] for n, months in numbers.items()}
    sums = {f"p{n}": reduce(or_, found).sum() for n, found in bits.items()}
    counted = frame(people.group_by(keys).aggregate(**sums))
    long = counted.melt(keys, var_name="number", value_name="active")
    age = long["number"].str[1:].astype(int) - long["cohort"]
    return long.assign(age=age)[[*keys, "age", "active"]].query("age >= 0")


def sums_by_age(people: ibis.Table, facts: Customers, period: str, window: str) -> pd.DataFrame:
    """Return ``cohort, age`` with the sums of `SUMS` over customers active at that age.

    ``_2`` are sums of squares per customer, ``reached_2`` what the square of a customer's running
    total grew by: its running sum is the sum of squared totals.
    """
    orders = facts.purchases.select(
        buyer="customer_id", day=facts.purchases["at"].date(), net="net"
    )
    rows = orders.inner_join(people, orders.buyer == people.customer_id)
    age = (
        days_between(rows.day, rows.first_day) // ROLLING_DAYS[period]
        if window == "rolling"
        else _number(rows.day, facts, period) - rows.cohort
    )
    keys = [k for k in ("group", "cohort") if k in people.columns]
    aged = rows.mutate(age=age)
    each = aged.filter(aged.age < MOST_AGES[period]).group_by([*keys, "customer_id", "age"])
    each = each.aggregate(orders=lambda t: t.count(), amount=lambda t: t.net.sum())
    each = _with_squares(each.mutate(amount=each.amount.cast(EXACT)))
    counted = each.group_by([*keys, "age"]).aggregate(
        active=each.count(), **{c: each[c].sum() for c in SUMS[1:]}
    )
    return frame(counted).astype(dict.fromkeys(SUMS, float))


def _with_squares(each: ibis.Table) -> ibis.Table:
    """Return customers by age with the terms whose sums make intervals; decimal, so exact."""
    running = ibis.window(group_by="customer_id", order_by="age", preceding=None, following=0)
    amount, orders = each.amount, each.orders.cast("decimal(19,0)")
    each = each.mutate(
        amount_2=amount * amount,
        orders_2=orders * orders,
        amount_orders=amount * orders,
        reached=each.amount.sum().over(running).cast(EXACT),
    )
    before = (each.reached - each.amount).cast(EXACT)
    return each.mutate(reached_2=each.reached * each.reached - before * before)


def observed(start: date, age: int, period: str, window: str, as_of: date) -> str:
    """Return whether a cohort's age lies behind `as_of`: "full", "partial" or "none".

    >>> from datetime import date
    >>> observed(date(2011, 11, 1), 1, "month", "calendar", date(2011, 12, 9))
    'partial'
    >>> observed(date(2011, 11, 1), 0, "month", "rolling", date(2011, 12, 9))
    'partial'
    """
    if window == "calendar":
        opens = periods.shift(start, period, age)
        closes = periods.end(opens, period)
    else:
        days = ROLLING_DAYS[period]
        opens = periods.shift(start, "day", age * days)
        closes = periods.shift(periods.end(start, period), "day", (age + 1) * days - 1)
    return "none" if opens > as_of else "full" if closes <= as_of else "partial"
