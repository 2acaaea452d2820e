"""The orders in outline: who bought on which day, for how much, and what each order counts as.

Days, customers and what people did in a period are all read off these few columns. They are made
once per table of orders; where the engine shares the process it holds them, so that a file is read
and its text taken apart only once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.datatypes as dt

from ecomops.data.kept import Kept
from ecomops.data.tables import NO, frame, held, home

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Reasons = Callable[[ibis.Table], Mapping[str, Any]]

GUEST, REFUNDED, PURCHASE = "guest", "refunded", ""
SALE = (GUEST, REFUNDED, PURCHASE)
# what policy and sums look at; whoever selects them first asks a shorter query
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
# fewer rows are read anew as fast as they are held
WORTH_HOLDING = 50_000
PIECE = 12_000_000  # orders whose customers are told apart at a time


@ibis.udf.scalar.builtin(name="hash", signature=((dt.string,), dt.uint64))
def _hash(text: Any) -> Any: ...  # the one of ibis passes through a string of bits


@dataclass(frozen=True, eq=False)
class Outline:
    """Every order of a shop in few columns.

    `rows` has one row per order: ``customer_id`` (missing for guests), ``day`` (of payment, else of
    creation; missing without any time), its ``month`` (counted from January of year 0), ``reason``
    (the place of what it counts as in `reasons`), ``amount`` (paid), ``refund_amount``, and
    ``currency`` unless there is but one, `currency`; of very many orders also their ``piece``.
    """

    rows: ibis.Table
    reasons: tuple[str, ...]
    currency: str | None = None
    size: int = 0  # how many rows, where it was asked

    def number(self, reason: str) -> int:
        """Return the place of a reason: what ``rows.reason`` holds for it."""
        return self.reasons.index(reason)

    def sold(self, rows: ibis.Table) -> Any:
        """Return whether orders of `rows` are sales: refunded in full or kept, the last reasons."""
        return rows.reason >= self.number(REFUNDED)

    def pieces(self) -> list[ibis.Table]:
        """Return the orders of known customers, those of one customer all in one piece.

        Grouping tens of millions of customers at a time overflows caches and memory.
        """
        known = self.rows.filter(self.rows.customer_id.notnull())
        if "piece" not in known.columns:
            return [known]
        return [known.filter(known.piece == i) for i in range(_pieces(self.size))]


_kept: Kept[Outline] = Kept(size=2)


def outline(orders: ibis.Table, reasons: Reasons) -> Outline:
    """Return the orders in outline; kept for the next call with the same table object.

    `orders` is the canonical table; `reasons` gives, by precedence, why an order is no sale. Sales
    have the reason ``"guest"``, ``"refunded"`` (in full) or, purchases of known customers, ``""``.
    """
    return _kept.get(orders, reasons, lambda: _made(orders, reasons))


def _made(orders: ibis.Table, reasons: Reasons) -> Outline:
    rows, names = _tagged(orders.select(*COLUMNS), reasons)
    if home(orders).name != "duckdb":
        return Outline(rows, names)
    found = frame(
        orders.aggregate(n=orders.count(), low=orders.currency.min(), high=orders.currency.max())
    ).iloc[0]
    low, high = (c if isinstance(c, str) else "" for c in (found["low"], found["high"]))
    if low == high:
        rows = rows.drop("currency")
    size = int(found["n"])
    if _pieces(size) > 1:
        rows = rows.mutate(piece=(_hash(rows.customer_id) % _pieces(size)).cast("int16"))
    return Outline(
        rows=held(rows) if size >= WORTH_HOLDING else rows,
        reasons=names,
        currency=low if low == high else None,
        size=size,
    )


def _pieces(size: int) -> int:
    return -(-size // PIECE)


def _tagged(orders: ibis.Table, reasons: Reasons) -> tuple[ibis.Table, tuple[str, ...]]:
    refund = orders.refund_amount.fill_null(0)
    tests = dict(reasons(orders)) | {
        GUEST: orders.customer_id.isnull(),
        REFUNDED: (refund >= orders.paid_amount).fill_null(NO),
    }
    day = ibis.coalesce(orders.paid_at, orders.created_at).date()
    rows = orders.select(
        customer_id="customer_id",
        day=day,
        month=(day.year() * 12 + day.month() - 1).cast("int32"),
        reason=ibis.cases(*((test, i) for i, test in enumerate(tests.values())), else_=len(tests)),
        amount="paid_amount",
        refund_amount="refund_amount",
        currency="currency",
    )
    return rows, (*tests, PURCHASE)
