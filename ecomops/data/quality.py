"""What the data of a shop is worth: rows, doubles, gaps, contradictions, counted in the engine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import ibis

from ecomops.base.packaged import packaged
from ecomops.data.days import order_days
from ecomops.data.formats.statuses import ORDER_OF
from ecomops.data.outline import SALE
from ecomops.data.policy import POLICY
from ecomops.data.problems import Problem
from ecomops.data.schema import table_schema
from ecomops.data.tables import examples, frame, passing, repeated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ecomops.data.shop import Shop

TELLING: Mapping[str, Sequence[str]] = packaged("data/telling.toml")
FEW = 3
CENTS = 0.05  # lines are rounded one by one
LONE_GAP = timedelta(days=60)
LONE_SHARE = 0.01


@dataclass(frozen=True)
class Quality:
    """Counts of what is in a shop.

    `rows` by table; `nulls` share of missing cells by (table, column), only of columns that
    matter; `problems` from loading and from checking, none with count 0; `days` and `quiet_days`
    (without a sale) between the first and last sale.
    """

    rows: Mapping[str, int]
    nulls: Mapping[tuple[str, str], float]
    problems: tuple[Problem, ...]
    days: int = 0
    quiet_days: int = 0


def quality(shop: Shop) -> Quality:
    """Return what the tables of `shop` hold and where they contradict themselves.

    Raises nothing about the data itself: contradictions are counted, not refused.

    >>> import pandas as pd
    >>> from ecomops.data.shop import open_shop
    >>> orders = pd.DataFrame(
    ...     {
    ...         "order_id": ["1", "1", "2"],
    ...         "paid_amount": [5.0, 5.0, 7.0],
    ...         "paid_at": ["2025-11-01", "2025-11-01", "2025-11-03"],
    ...         "currency": "CNY",
    ...     }
    ... )
    >>> found = quality(open_shop({"orders": orders}))
    >>> found.quiet_days, [(p.code, p.count) for p in found.problems]
    (1, [('duplicate_key', 1)])
    """
    held = holdings(shop.tables)
    rows = held.rows
    found = list(shop.problems)
    for name in rows:
        found += duplicates(shop.tables[name], name)
    days = quiet = 0
    if rows.get("orders"):
        found += contradictions(shop.orders)
        seen = _days_with_sales(shop.orders)
        days, quiet = _days(seen)
        found += _lone_days(seen)
        if rows.get("order_lines"):
            found += line_problems(shop.orders, shop.order_lines)
    return Quality(rows, held.nulls, tuple(p for p in found if p.count), days, quiet)


def holdings(tables: Mapping[str, ibis.Table]) -> Quality:
    """Return only how many rows tables have and how much is missing where it matters."""
    counts = {name: _counts(tables[name], name) for name in sorted(tables)}
    rows = {name: counted["rows"] for name, counted in counts.items()}
    nulls = {
        (name, c): (n - counts[name][c]) / n
        for name, n in rows.items()
        for c in TELLING.get(name, ())
        if n
    }
    return Quality(rows, nulls, ())


def _counts(table: ibis.Table, name: str) -> dict[str, int]:
    """Return the rows of a table, and of columns that tell how many have a value."""
    filled = {c: table[c].count() for c in TELLING.get(name, ())}
    counted = frame(table.aggregate(rows=table.count(), **filled)).iloc[0]
    return {str(c): int(n) for c, n in counted.items()}


def duplicates(table: ibis.Table, name: str) -> list[Problem]:
    """Return how many rows repeat the key of another row; rows without a key are left out."""
    key = table_schema(name).key
    if not key:
        return []
    extra, shown = repeated(table.drop_null(key[0]), key)
    return [Problem("duplicate_key", name, "flagged", extra, tuple(shown))]


def contradictions(orders: ibis.Table) -> list[Problem]:
    """Return orders whose own columns contradict each other, or whose status nothing knows."""
    paid, status = orders.paid_amount, orders.order_status
    tests = {
        "refund_over_paid": (orders.refund_amount > paid) & (paid >= 0),
        "negative_paid": paid < 0,
        "paid_before_created": orders.paid_at < orders.created_at,
    }
    by = orders.group_by("customer_id")
    shared = by.aggregate(on=orders.source_platform.nunique()).drop_null("customer_id")
    return [
        *_failing(orders, "orders", tests),
        # counts as a sale
        *_failing(
            orders, "orders", {"unknown_status": status.notin(ORDER_OF)}, shown="order_status"
        ),
        *_failing(shared, "orders", {"id_on_platforms": shared.on > 1}, shown="customer_id"),
    ]


def _failing(
    rows: ibis.Table, name: str, tests: Mapping[str, Any], *, shown: str = "order_id"
) -> list[Problem]:
    counts = passing(rows, tests)
    return [
        Problem(code, name, "flagged", int(counts[code]), tuple(examples(rows.filter(test), shown)))
        for code, test in tests.items()
        if counts[code] > 0
    ]


def line_problems(orders: ibis.Table, lines: ibis.Table) -> list[Problem]:
    """Return where orders and their lines disagree.

    Lines must add up to what was paid, with or without shipping and tax, to 0.05; each line needs
    its order and each sale its lines.
    """
    sums = lines.group_by("order_id").aggregate(
        lines_paid=lines.line_paid_amount.sum(), lines=lines.count()
    )
    both = POLICY.sales(orders).left_join(sums, "order_id")
    ship, tax = both.shipping_fee.fill_null(0), both.tax_amount.fill_null(0)
    beyond = [(both.amount - both.lines_paid - more).abs() for more in (0, ship, tax, ship + tax)]
    orphans = lines.anti_join(orders, "order_id")
    return [
        *_failing(
            both,
            "orders",
            {"lines_differ": ibis.least(*beyond) > CENTS, "without_lines": both.lines.isnull()},
        ),
        *_failing(orphans, "order_lines", {"without_order": orphans.order_id.notnull()}),
    ]


def _days_with_sales(orders: ibis.Table) -> list[tuple[date, int]]:
    """Return each day with a sale and its number of sales, in order."""
    days = order_days(orders, POLICY.reasons, sums=False)
    sold = days[days["reason"].isin(SALE)].groupby("day")["orders"].sum()
    return [(day, int(n)) for day, n in sold.items()]


def _days(seen: Sequence[tuple[date, int]]) -> tuple[int, int]:
    if not seen:
        return 0, 0
    days = (seen[-1][0] - seen[0][0]).days + 1
    return days, days - len(seen)


def _lone_days(seen: Sequence[tuple[date, int]]) -> list[Problem]:
    """Return sales far from all others: after (or before) 60 empty days and fewer than 1 %.

    A typing error in a year puts orders into the future; no clock is needed to see it.
    """
    total = sum(n for _, n in seen)
    late = _beyond_gap(seen, total)
    early = _beyond_gap([(d, n) for d, n in reversed(seen)], total)
    days = sorted([*late, *early])
    count = sum(n for day, n in seen if day in days)
    return [Problem("lone_dates", "orders", "flagged", count, tuple(str(d) for d in days[:FEW]))]


def _beyond_gap(seen: Sequence[tuple[date, int]], total: int) -> list[date]:
    """Return the days beyond the last long gap that still leaves 99 % of sales before it."""
    beyond = 0
    for i in range(len(seen) - 1, 0, -1):
        beyond += seen[i][1]
        if beyond > LONE_SHARE * total:
            return []
        if abs(seen[i][0] - seen[i - 1][0]) > LONE_GAP:
            return [day for day, _ in seen[i:]]
    return []
