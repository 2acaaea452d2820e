"""Sums that must hold between files: lines and their orders, sources of traffic and the shop."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ecomops.data.formats import sql
from ecomops.data.problems import Identity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import ibis

    from ecomops.data.problems import Problem

CENTS = 0.05  # lines are rounded one by one
MADE_BY_US = {"line_paid_allocated", "line_paid_is_list"}
FEW = 3


def held_across(
    tables: Mapping[str, ibis.Table], problems: Sequence[Problem], con: Any
) -> list[Identity]:
    """Return which sums between tables were tested, with what fails; none where one side lacks."""
    found = []
    made = {p.code for p in problems} & MADE_BY_US
    columns = {name: set(t.columns) for name, t in tables.items()}
    paid = "paid_amount" in columns.get("orders", ())
    if paid and "line_paid_amount" in columns.get("order_lines", ()) and not made:
        found.append(_lines(tables, columns["orders"], con))
    if "visitors" in columns.get("traffic_daily", ()):
        found.append(_sources(tables["traffic_daily"], con))
    return [each for each in found if each.rows]


def _lines(tables: Mapping[str, ibis.Table], have: set[str], con: Any) -> Identity:
    """Hold each paid order against its lines, with or without shipping."""
    orders, lines = (sql.name(tables[name].get_name()) for name in ("orders", "order_lines"))
    sums = sql.select(
        {"id": "order_id", "s": "sum(line_paid_amount)"}, lines, group="order_id",
        having="count(*) = count(line_paid_amount)",
    )  # fmt: skip
    fee = "coalesce(shipping_fee, 0)" if "shipping_fee" in have else "0"
    gap = "abs(s - paid_amount)"
    less = f"least({gap}, abs(s - paid_amount + {fee}))"
    live = "paid_amount > 0"
    if "order_status" in have:
        live += " AND order_status NOT IN ('unpaid', 'closed_unpaid', 'presale_deposit')"
    both = sql.select(
        {"shown": "order_id", "l": "paid_amount", "r": "s", "gap": less},
        f"{orders} JOIN ({sums}) ON id = order_id", where=live,
    )  # fmt: skip
    return _identity("identity_lines", "orders", both, f"gap > {CENTS}", con)


def _sources(traffic: ibis.Table, con: Any) -> Identity:
    """Hold the visitors of all sources of a day against the shop's: no visitor comes from none."""
    total = "sum(visitors) FILTER (level = '{}' AND device = 'all')"
    shop, source = total.format("shop"), total.format("source")
    rows = sql.name(traffic.get_name())
    days = sql.select({"shown": "date", "l": shop, "r": source}, rows, group="date")
    known = sql.select({"*": "*", "gap": "l - r"}, days, where="l IS NOT NULL AND r IS NOT NULL")
    return _identity("identity_sources", "traffic_daily", known, "gap > 0", con)


def _identity(code: str, table: str, both: str, fails: str, con: Any) -> Identity:
    told = {"n": "count(*)", "failed": f"count(*) FILTER ({fails})"}
    told["amount"] = f"sum(gap) FILTER ({fails})"
    rows, failed, amount = sql.rows(con, sql.select(told, both))[0]
    few = sql.select({c: c for c in ("shown", "l", "r")}, both, where=fails, order="1", limit=FEW)
    shown = tuple(f"{i}: {a} ≠ {b}" for i, a, b in sql.rows(con, few)) if failed else ()
    money = Decimal(amount) if failed and table == "orders" else None
    return Identity(code, table, rows, failed, shown, money)
