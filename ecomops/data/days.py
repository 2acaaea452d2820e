"""One pass over the orders, by day and by what they count as: counts and sums of each day.

What a shop's orders cover and every sum of its sales by day, week, month or year is read off this
one small table, which is made once per table of orders.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import ibis
import pandas as pd

from ecomops.data.kept import Kept
from ecomops.data.tables import frame

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Expression = Callable[[Any], Any]

GUEST, REFUNDED, PURCHASE = "guest", "refunded", ""
SALE = (GUEST, REFUNDED, PURCHASE)


def _product(t: Any, one: str, other: str) -> Any:
    return t[one].cast("float64") * t[other].cast("float64")


def _square(column: str, other: str = "") -> Expression:
    return lambda t: _product(t, column, other or column).sum()


# sums over sales with `amount` (paid), `net` (less refunds) and the columns of orders
SUMS: Mapping[str, Expression] = {
    "orders": lambda t: t.count(),
    "amount": lambda t: t.amount.sum(),
    "net": lambda t: t.net.sum(),
    "refund": lambda t: t.refund_amount.sum(),
    "refunded": lambda t: (t.refund_amount > 0).cast("int64").sum(),
    "guests": lambda t: t.customer_id.isnull().cast("int64").sum(),
    # second moments, for intervals
    "squares": _square("amount"),
    "guest_squares": lambda t: _product(t, "amount", "amount").sum(where=t.customer_id.isnull()),
    "net_squares": _square("net"),
    "refund_squares": _square("refund_amount"),
    "cross": _square("refund_amount", "amount"),
}
MONEY = ("amount", "net", "refund")
# what the policy and the sums look at; whoever selects them first asks a shorter query
COLUMNS = (
    "customer_id",
    "paid_at",
    "created_at",
    "order_status",
    "is_gift_or_brush",
    "paid_amount",
    "refund_amount",
    "currency",
)
_kept: Kept[pd.DataFrame] = Kept(size=8)


def order_days(orders: ibis.Table, reasons: Callable[[ibis.Table], Mapping[str, Any]]) -> Any:
    """Return one row per day and reason: ``day, reason, first_at, last_at, low, high`` and `SUMS`.

    `orders` is the canonical table; `reasons` gives, by precedence, why an order is no sale. Sales
    have the reason ``"guest"``, ``"refunded"`` (in full) or, purchases of known customers, ``""``.
    `low` and `high` are the first and last currency by name. ``day`` is missing without any time.
    """
    return _kept.get(orders, reasons, lambda: _dated(frame(_grouped(orders, reasons))))


def _dated(rows: pd.DataFrame) -> pd.DataFrame:
    """Return `rows` with plain dates, for engines differ in what they hand over."""
    days = [None if pd.isna(day) else date(day.year, day.month, day.day) for day in rows["day"]]
    return rows.assign(day=pd.Series(days, index=rows.index, dtype=object))


def _grouped(orders: ibis.Table, reasons: Callable[[ibis.Table], Mapping[str, Any]]) -> ibis.Table:
    rows = orders.select(*COLUMNS)
    refund = rows.refund_amount.fill_null(0)
    tests = dict(reasons(rows)) | {
        GUEST: rows.customer_id.isnull(),
        REFUNDED: (refund >= rows.paid_amount).fill_null(ibis.literal(value=False)),
    }
    rows = rows.mutate(
        at=ibis.coalesce(rows.paid_at, rows.created_at),
        amount=rows.paid_amount,
        net=rows.paid_amount - refund,
        reason=ibis.cases(*((test, name) for name, test in tests.items()), else_=PURCHASE),
    )
    return rows.group_by(day=rows.at.date(), reason=rows.reason).aggregate(
        first_at=rows.at.min(),
        last_at=rows.at.max(),
        low=rows.currency.min(),
        high=rows.currency.max(),
        **{name: value(rows) for name, value in SUMS.items()},
    )
