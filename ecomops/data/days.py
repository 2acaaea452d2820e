"""Counts and sums of the orders by day and by what they count as.

What a shop's orders cover and every sum of its sales by day, week, month or year is read off this
one small table, which is made once per table of orders.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd

from ecomops.data.kept import Kept
from ecomops.data.outline import GUEST, PURCHASE, Outline, outline
from ecomops.data.tables import frame

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import ibis

    from ecomops.data.outline import Reasons

    Expression = Callable[[Any], Any]


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
DERIVED = (
    "net",
    "net_squares",
    "guests",
    "guest_amount",
    "guest_squares",
    "guest_net_squares",
    "kept",
)
MONEY = ("amount", "net", "refund")
_kept: Kept[pd.DataFrame] = Kept(size=16)


def order_days(orders: ibis.Table, reasons: Reasons, *, sums: bool = True) -> Any:
    """Return one row per day, reason and currency, with `SUMS` and `DERIVED`.

    `orders` and `reasons` are those of `outline`, and so is what ``reason`` holds. ``day`` is
    missing without any time. Without `sums` there may be ``orders`` alone, which takes the engine
    two thirds of the time.
    """
    grain = "sums" if sums or _kept.has(orders, (reasons, "sums")) else "counts"
    return _kept.get(orders, (reasons, grain), lambda: _made(outline(orders, reasons), grain))


def _made(told: Outline, grain: str) -> pd.DataFrame:
    rows = told.rows
    keys = [c for c in ("day", "reason", "currency") if c in rows.columns]
    wanted = SUMS if grain == "sums" else COUNT
    sums = {name: value(rows) for name, value in wanted.items()}
    days = _named(frame(rows.group_by(keys).aggregate(**sums)), told)
    return _derived(days) if grain == "sums" else days


def _named(rows: pd.DataFrame, told: Outline) -> pd.DataFrame:
    """Return `rows` with plain dates, for engines differ in what they hand over, and reasons."""
    days = [None if pd.isna(day) else date(day.year, day.month, day.day) for day in rows["day"]]
    return rows.assign(
        day=pd.Series(days, index=rows.index, dtype=object),
        reason=rows["reason"].map(dict(enumerate(told.reasons))),
        currency=rows["currency"] if told.currency is None else told.currency or None,
    )


def _derived(rows: pd.DataFrame) -> pd.DataFrame:
    back, guest = rows["refund"].fillna(0), rows["reason"] == GUEST
    less = rows["refund_squares"].fillna(0) - 2 * rows["cross"].fillna(0)
    squares = rows["squares"] + less
    return rows.assign(
        net=rows["amount"] - back,
        net_squares=squares,
        guests=rows["orders"].where(guest, 0),
        guest_amount=rows["amount"].where(guest),
        guest_squares=rows["squares"].where(guest),
        guest_net_squares=squares.where(guest),
        kept=rows["orders"].where(rows["reason"] == PURCHASE, 0),
    )
