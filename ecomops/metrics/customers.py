"""One pass over the orders: first, second and last day, orders and money of every customer.

Recency, frequency, cohorts and time to the next order are all read off this one table. It is made
once per table of orders, in the engine, and kept for the next analysis of the same table.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.datatypes as dt

from ecomops.base import checks
from ecomops.data.kept import Kept
from ecomops.data.outline import PURCHASE, Outline, outline
from ecomops.data.policy import POLICY, Coverage, coverage
from ecomops.data.tables import YES, frame, held, home, table
from ecomops.metrics import periods

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import pandas as pd

WITHIN = ("day", "month")  # periods of which each lies in one month
MONTHS_PER_COLUMN = 60  # bits of one 64-bit integer, with room for its sign


@ibis.udf.agg.builtin(name="min", signature=((dt.date, dt.int64), dt.Array(dt.date)))
def _smallest(day: Any, n: int) -> Any: ...


@ibis.udf.agg.builtin(name="bit_or", signature=((dt.int64,), dt.int64))
def _bit_or(bits: Any) -> Any: ...  # ibis knows it on DuckDB, not on Spark


@ibis.udf.scalar.builtin(name="bit_count", signature=((dt.int64,), dt.int64))
def _bit_count(bits: Any) -> Any: ...


@dataclass(frozen=True, eq=False)
class Customers:
    """Every known customer of a set of orders, as the orders stood at the end of `as_of`.

    `table` has one row per customer id: ``customer_id``; ``first_day, second_day, last_day`` of
    its purchases (missing where there is none; the second equals the first when both were made on
    one day); ``orders`` (how many purchases); ``sales`` (how many, those refunded in full included)
    and their ``net`` (money paid less refunds; missing without a sale); ``months_0, months_1, …``,
    integers whose bit k says that a purchase fell into month k (month 0 holds the first sale of
    all).

    A purchase is a sale that was not refunded in full: see `OrderPolicy`. `pieces` are the parts of
    `table`, the customers of those of `Outline.pieces`.
    """

    table: ibis.Table
    pieces: Sequence[ibis.Table]
    purchases: ibis.Table
    coverage: Coverage
    as_of: date

    @property
    def origin(self) -> date:
        """The first day of month 0."""
        return periods.start(self.coverage.first_day, "month")

    @property
    def months(self) -> int:
        """How many calendar months the orders touch."""
        return len(periods.span(self.coverage.first_day, self.as_of, "month"))

    @cached_property
    def newcomers(self) -> pd.DataFrame:
        """By day of the first purchase: how many ``people``, and how many of them bought once."""
        t = self.table.filter(self.table.orders > 0)
        made = t.group_by("first_day").aggregate(people=t.count(), once=(t.orders == 1).sum())
        return frame(made)

    @property
    def heads(self) -> tuple[int, int]:
        """How many customers have a purchase, and how many of them exactly one."""
        return int(self.newcomers["people"].sum()), int(self.newcomers["once"].sum())

    def active_in(self, k: int, rows: ibis.Table) -> Any:
        """Return 1 where a customer of `rows` of `table` purchased in month `k`, else 0."""
        return (rows[f"months_{k // MONTHS_PER_COLUMN}"] >> (k % MONTHS_PER_COLUMN)) & 1

    def with_several(self, period: str) -> list[ibis.Table]:
        """Return, by piece, the customers who may have several sales in one `period`.

        Whoever has as many sales as months with a purchase has one in each of them.
        """
        return [_with_several(piece, period) for piece in self.pieces]


def _with_several(t: ibis.Table, period: str) -> ibis.Table:
    columns = [c for c in t.columns if c.startswith("months_")] if period in WITHIN else []
    once_in: Any = sum(_bit_count(t[c]) for c in columns) if columns else 1
    return t.filter(t.sales > once_in)


_kept: Kept[Customers] = Kept(size=3)


def customers(orders: object, *, as_of: date | str | None = None) -> Customers:
    """Return the facts of every known customer, from one pass over the orders.

    Parameters
    ----------
    orders
        One row per order: ``order_id, customer_id, created_at`` or ``paid_at``, ``paid_amount``
        and, where there are, ``refund_amount, order_status, is_gift_or_brush``.
    as_of
        Last day that counts; None is the last day with a sale. Later orders are left out and
        counted in `coverage`.

    Returns
    -------
    Customers
        Facts per customer in the engine; guests are left out and counted. The facts of an ibis
        table are kept for the next call with the same table object: open a shop again after
        writing to it. Those of a frame, which may change in place, are not.

    Raises
    ------
    DataError
        When there is no row, no sale, more than one currency or an impossible date.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = {
    ...     "order_id": ["1", "2", "3"],
    ...     "customer_id": ["a", "a", "b"],
    ...     "paid_amount": [5, 7, 9],
    ...     "created_at": ["2025-01-31", "2025-02-03", "2025-02-03"],
    ... }
    >>> made = customers(pd.DataFrame(rows))
    >>> columns = ["customer_id", "orders", "net", "months_0"]
    >>> print(made.table[columns].order_by("customer_id").to_pandas().to_string(index=False))
    customer_id  orders   net  months_0
              a       2 12.00         3
              b       1  9.00         2
    """
    last = checks.day("as_of", as_of)
    if not isinstance(orders, ibis.Table):
        return _made(table(orders, "orders", once=True), last)
    return _kept.get(orders, last, lambda: _made(table(orders, "orders", once=True), last))


def _made(orders: ibis.Table, last: date | None) -> Customers:
    covered = coverage(orders, as_of=last)
    end = last or covered.last_day
    origin = periods.start(covered.first_day, "month")
    months = len(periods.span(origin, end, "month"))
    told = outline(orders, POLICY.reasons)
    pieces = [
        held(_per_customer(_known(told, rows, last), origin, months)) for rows in told.pieces()
    ]
    return Customers(
        table=ibis.union(*pieces) if pieces[1:] else pieces[0],
        pieces=pieces,
        purchases=POLICY.purchases(orders, as_of=last),
        coverage=covered,
        as_of=end,
    )


def _known(told: Outline, rows: ibis.Table, last: date | None) -> ibis.Table:
    """Return orders of known customers: day of purchase, net money of the sale; else missing."""
    rows = rows.filter((rows.day <= ibis.literal(last)).fill_null(YES)) if last else rows
    bought = rows.reason == told.number(PURCHASE)
    net = rows.amount - rows.refund_amount.fill_null(0)
    return rows.select(
        customer_id="customer_id",
        net=told.sold(rows).ifelse(net, ibis.null()),
        day=bought.ifelse(rows.day, ibis.null()),
        month=bought.ifelse(rows.month, ibis.null()),
    )


def _per_customer(known: ibis.Table, origin: date, months: int) -> ibis.Table:
    month = known.month.cast("int64") - (origin.year * 12 + origin.month - 1)
    columns = range(-(-months // MONTHS_PER_COLUMN))
    known = known.mutate(**{f"bit_{i}": _bit(month, i, len(columns)) for i in columns})
    grouped = known.group_by("customer_id").aggregate(
        first_days=_first_two(known.day),
        last_day=known.day.max(),
        orders=known.day.count(),
        sales=known.net.count(),
        net=known.net.sum(),
        **{f"months_{i}": _bit_or(known[f"bit_{i}"]) for i in columns},
    )
    first = grouped.first_days
    return grouped.select(
        "customer_id",
        first_day=(grouped.orders > 0).ifelse(first[0], ibis.null()),
        second_day=(grouped.orders > 1).ifelse(first[1], ibis.null()),
        **{c: grouped[c] for c in ("last_day", "orders", "sales", "net")},
        **{f"months_{i}": grouped[f"months_{i}"].fill_null(0) for i in columns},
    )


def _first_two(day: Any) -> Any:
    """Return the days of the first two purchases as an array.

    DuckDB keeps the two smallest while it aggregates; elsewhere the days are collected and sorted.
    """
    return _smallest(day, 2) if home(day).name == "duckdb" else day.collect().sort()


def _bit(month: Any, column: int, columns: int) -> Any:
    """Return the bit of a month of purchase in its column; missing for months of other columns."""
    low = column * MONTHS_PER_COLUMN
    bit = ibis.literal(1, "int64") << (month - low if low else month)
    inside = month.between(low, low + MONTHS_PER_COLUMN - 1)
    return bit if columns == 1 else inside.ifelse(bit, ibis.null())
