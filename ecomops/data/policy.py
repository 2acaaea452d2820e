"""What an order counts as: one policy, applied everywhere and counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import ibis
import pandas as pd

from ecomops.base.errors import DataError
from ecomops.data.days import order_days
from ecomops.data.outline import GUEST, PURCHASE, REFUNDED, SALE
from ecomops.data.tables import NO, YES, exact, frame, passing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

FIRST_YEAR, LAST_YEAR = 1995, 2100


@dataclass(frozen=True)
class OrderPolicy:
    """Which orders are sales, and which of those tell about customers.

    A sale is paid, not a bare pre-sale deposit, not marked as a gift, test or brushed order, and
    carries money. Guests stay in sales and out of customer analyses, as do orders that were
    refunded in full. Refunds never turn an order into a second purchase: they only reduce money.
    """

    unpaid: tuple[str, ...] = ("unpaid", "closed_unpaid", "presale_deposit")
    keep_marked: bool = False

    def reasons(self, orders: ibis.Table) -> dict[str, Any]:
        """Return, by precedence, reason code -> boolean column: why an order is no sale."""
        return {
            "unpaid": orders.order_status.isin(self.unpaid).fill_null(NO),
            "marked": orders.is_gift_or_brush.fill_null(NO) if not self.keep_marked else NO,
            "no_time": orders.paid_at.isnull() & orders.created_at.isnull(),
            "no_money": (orders.paid_amount <= 0).fill_null(YES),
        }

    def sold(self, orders: ibis.Table) -> Any:
        """Return whether each order is a sale, as a boolean column."""
        return ~ibis.or_(*self.reasons(orders).values())

    def sales(self, orders: ibis.Table, *, as_of: date | None = None) -> ibis.Table:
        """Return the orders that count as sales.

        Adds ``at`` (local time of payment, else of creation), ``amount`` (paid, before refunds)
        and ``net`` (paid less refunds). `as_of` drops whatever is later than that day.
        """
        sold = orders.filter(self.sold(orders))
        sold = sold.mutate(
            at=ibis.coalesce(sold.paid_at, sold.created_at),
            amount=sold.paid_amount,
            net=sold.paid_amount - sold.refund_amount.fill_null(0),
        )
        return sold.filter(sold.at.date() <= ibis.literal(as_of)) if as_of else sold

    def purchases(self, orders: ibis.Table, *, as_of: date | None = None) -> ibis.Table:
        """Return the sales of known customers that were not refunded in full."""
        sold = self.sales(orders, as_of=as_of)
        return sold.filter(sold.customer_id.notnull(), sold.net > 0)


@dataclass(frozen=True)
class Coverage:
    """What a set of orders holds: counts by reason, the days it spans, its currency."""

    rows: int
    sales: int
    purchases: int
    excluded: Mapping[str, int]
    first_day: date
    last_day: date
    currency: str

    @property
    def excluded_customers(self) -> dict[str, int]:
        """Exclusions of customer analyses: those of sales, guests and full refunds."""
        return {reason: n for reason, n in self.excluded.items() if n}

    @property
    def excluded_sales(self) -> dict[str, int]:
        """Exclusions of sales: guests and refunded orders stay in."""
        kept = ("guest", "refunded")
        return {reason: n for reason, n in self.excluded.items() if n and reason not in kept}


POLICY = OrderPolicy()


def line_reasons(lines: ibis.Table) -> dict[str, Any]:
    """Return reason code -> boolean column: why an order line is no sale."""
    return {
        "unpaid": lines.line_status.isin(POLICY.unpaid).fill_null(NO),
        "marked": lines.is_gift.fill_null(NO),
        "no_money": (lines.line_paid_amount <= 0).fill_null(YES),
    }


def sold_lines(lines: ibis.Table) -> ibis.Table:
    """Return the order lines that carry paid money and are no gifts."""
    return lines.filter(~ibis.or_(*line_reasons(lines).values()))


def called(lines: ibis.Table) -> Any:
    """Return what a product is called: by the name on its lines, else by its id (an aggregate)."""
    return ibis.coalesce(lines.product_name.nullif("").max(), lines.product_id.max())


def line_exclusions(lines: ibis.Table) -> dict[str, int]:
    """Return how many lines are left out for each reason, the first that applies."""
    first, taken = {}, NO
    for name, test in line_reasons(lines).items():
        first[name], taken = test & ~taken, taken | test
    return passing(lines, first)


def earned(lines: ibis.Table) -> Any:
    """Return the net margin of each sold line, before commission, ads and shipping."""
    paid, back = (_amount(lines, c) for c in ("line_paid_amount", "line_refund_amount"))
    return paid - back - kept_cost(lines)


def kept_cost(lines: ibis.Table) -> Any:
    """Return the cost of what stayed sold of each line: refunded money takes its share along."""
    paid, back = (_amount(lines, c) for c in ("line_paid_amount", "line_refund_amount"))
    cost = lines.line_cost.cast("float64")
    return ibis.coalesce(cost * (paid - back) / paid.nullif(0), cost)


def _amount(lines: ibis.Table, column: str) -> Any:
    return lines[column].fill_null(0).cast("float64")


class Margins(NamedTuple):
    """Margin per unit of paid money, later refunds deducted, and of net sales; None if unknown."""

    paid: float | None = None
    net: float | None = None


def margins(lines: ibis.Table) -> Margins:
    """Return the margins of the sold lines that carry a cost, gifts aside.

    None where no such line was sold, or nothing of it kept.
    """
    sold = sold_lines(lines).drop_null("line_cost")
    paid, back = (_amount(sold, c) for c in ("line_paid_amount", "line_refund_amount"))
    sums = {"paid": paid, "net": paid - back, "margin": earned(sold)}
    found = frame(sold.aggregate(**{c: exact(each).sum() for c, each in sums.items()})).iloc[0]
    margin, gross, net = (float(found[c]) for c in ("margin", "paid", "net"))
    return Margins(margin / gross if gross > 0 else None, margin / net if net > 0 else None)


def currency_of(t: ibis.Table) -> str:
    """Return the currency that a shop wrote beside the money of `t`; ``"XXX"`` (none) otherwise."""
    if "currency" not in t.columns:
        return "XXX"
    told = t.currency.cast("string").strip().upper().nullif("")
    found = frame(t.group_by(currency=told).aggregate(n=t.count())).dropna()
    _refuse_mixed(found)
    return next(iter(found["currency"]), "XXX")


def coverage(
    orders: ibis.Table, *, as_of: date | None = None, policy: OrderPolicy = POLICY
) -> Coverage:
    """Return what `orders` holds under `policy`.

    Each order is excluded for the first reason that applies: unpaid, marked, no_time, no_money,
    later (than `as_of`), guest, refunded.

    Raises `DataError` when there is no row, no sale, more than one currency or an impossible date.
    """
    days = order_days(orders, policy.reasons, sums=False)
    rows = int(days["orders"].sum())
    if rows == 0:
        raise DataError("empty_table", table="orders")
    later = days["day"].map(lambda day: as_of is not None and day is not None and day > as_of)
    sale = days["reason"].isin(SALE)
    counts = days["orders"].groupby(days["reason"].mask(sale & later, "later")).sum()
    names = (*policy.reasons(orders), "later", GUEST, REFUNDED)
    excluded = {name: int(counts.get(name, 0)) for name in names}
    kept = days[sale & ~later]
    if kept.empty:
        raise DataError("no_orders_count", rows=rows, **excluded)
    years = days["day"].map(lambda day: day.year, na_action="ignore")
    far = int(days["orders"][(years < FIRST_YEAR) | (years > LAST_YEAR)].sum())
    _refuse_far("orders", far, kept["day"].min(), kept["day"].max())
    if len(set(kept["currency"].dropna())) > 1:
        _refuse_mixed(frame(orders.group_by("currency").aggregate(n=orders.count())))
    return Coverage(
        rows=rows,
        sales=int(kept["orders"].sum()),
        purchases=int(counts.get(PURCHASE, 0)),
        excluded=excluded,
        first_day=kept["day"].min(),
        last_day=kept["day"].max(),
        currency=next(iter(kept["currency"].dropna()), "XXX"),
    )


def ends(rows: ibis.Table, column: str, table: str) -> tuple[date, date] | None:
    """Return the first and the last day in a column of `table`; None without any.

    Raises `DataError` where a day lies beyond reason.
    """
    day = rows[column].cast("date")
    far = ~day.year().between(FIRST_YEAR, LAST_YEAR)
    told = frame(rows.aggregate(first=day.min(), last=day.max(), far=far.sum())).iloc[0]
    if pd.isna(told["first"]):
        return None
    first, last = (pd.Timestamp(told[name]).date() for name in ("first", "last"))
    _refuse_far(table, int(told["far"]), first, last)
    return first, last


def _refuse_far(table: str, count: int, first: date, last: date) -> None:
    if count:
        raise DataError("impossible_dates", table=table, count=count, first=first, last=last)


def _refuse_mixed(counts: pd.DataFrame) -> None:
    """Raise where there are several currencies, given how many rows each has."""
    if len(counts) > 1:
        found = counts.dropna().sort_values(["n", "currency"], ascending=[False, True])
        listed = [f"{c} {n:,}" for c, n in zip(found["currency"], found["n"], strict=True)]
        raise DataError("mixed_currencies", counts=listed, main=str(found["currency"].iloc[0]))
