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
    from collections.abc import Callable, Mapping, Sequence

    Expression = Callable[[Any], Any]
    Reasons = Callable[[ibis.Table], Mapping[str, Any]]

GUEST, REFUNDED, PURCHASE = "guest", "refunded", ""
SALE = (GUEST, REFUNDED, PURCHASE)


def _product(column: str, other: str) -> Expression:
    return lambda t: (t[column].cast("float64") * t[other].cast("float64")).sum()


# sums over orders with `amount` (paid) and the columns of orders; second moments for intervals
SUMS: Mapping[str, Expression] = {
    "orders": lambda t: t.count(),
    "amount": lambda t: t.amount.sum(),
    "refund": lambda t: t.refund_amount.sum(),
    "refunded": lambda t: (t.refund_amount > 0).cast("int64").sum(),
    "squares": _product("amount", "amount"),
    "refund_squares": _product("refund_amount", "refund_amount"),
    "cross": _product("refund_amount", "amount"),
}
COUNT = {"orders": SUMS["orders"]}
# what follows from them, so that the engine need not sum it
DERIVED = ("net", "net_squares", "guests", "guest_squares")
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
_kept: Kept[pd.DataFrame] = Kept(size=16)


def order_days(orders: ibis.Table, reasons: Reasons, *, sums: bool = True) -> Any:
    """Return one row per day, reason and currency, with `SUMS` and `DERIVED`.

    `orders` is the canonical table; `reasons` gives, by precedence, why an order is no sale. Sales
    have the ``reason`` ``"guest"``, ``"refunded"`` (in full) or, purchases of known customers,
    ``""``. ``day`` is missing without any time. Without `sums` there may be ``orders`` alone,
    which takes the engine two thirds of the time.
    """
    grain = "sums" if sums or _kept.has(orders, (reasons, "sums")) else "counts"
    return _kept.get(orders, (reasons, grain), lambda: _made(orders, reasons, grain))


def _made(orders: ibis.Table, reasons: Reasons, grain: str) -> pd.DataFrame:
    rows, names = _grouped(orders, reasons, SUMS if grain == "sums" else COUNT)
    days = _named(frame(rows), names)
    return _derived(days) if grain == "sums" else days


def _named(rows: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return `rows` with plain dates, for engines differ in what they hand over, and reasons."""
    days = [None if pd.isna(day) else date(day.year, day.month, day.day) for day in rows["day"]]
    return rows.assign(
        day=pd.Series(days, index=rows.index, dtype=object),
        reason=rows["reason"].map(dict(enumerate(names))),
    )


def _derived(rows: pd.DataFrame) -> pd.DataFrame:
    back, guest = rows["refund"].fillna(0), rows["reason"] == GUEST
    less = rows["refund_squares"].fillna(0) - 2 * rows["cross"].fillna(0)
    return rows.assign(
        net=rows["amount"] - back,
        net_squares=rows["squares"] + less,
        guests=rows["orders"].where(guest, 0),
        guest_squares=rows["squares"].where(guest),
    )


def _grouped(
    orders: ibis.Table,
    reasons: Reasons,
    wanted: Mapping[str, Expression],
) -> tuple[ibis.Table, list[str]]:
    """Return sums by day, currency and number of the reason; and the reasons' names."""
    rows = orders.select(*COLUMNS)
    refund = rows.refund_amount.fill_null(0)
    tests = dict(reasons(rows)) | {
        GUEST: rows.customer_id.isnull(),
        REFUNDED: (refund >= rows.paid_amount).fill_null(ibis.literal(value=False)),
    }
    rows = rows.mutate(
        amount=rows.paid_amount,
        day=ibis.coalesce(rows.paid_at, rows.created_at).date(),
        reason=ibis.cases(*((test, i) for i, test in enumerate(tests.values())), else_=len(tests)),
    )
    sums = {name: value(rows) for name, value in wanted.items()}
    return rows.group_by("day", "reason", "currency").aggregate(**sums), [*tests, PURCHASE]
