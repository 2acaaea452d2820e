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
    fee = "coalesce(shipping_fee, 0)" if "shipping_fee" in have else "0"
    status = "order_status" if "order_status" in have else "''"
    told = {"orders": orders, "lines": lines, "fee": fee, "status": status}
    return _identity("identity_lines", "orders", "lines", told, CENTS, con)


def _sources(traffic: ibis.Table, con: Any) -> Identity:
    """Hold the visitors of all sources of a day against the shop's: no visitor comes from none."""
    told = {"traffic": sql.name(traffic.get_name())}
    return _identity("identity_sources", "traffic_daily", "sources", told, 0, con)


def _identity(
    code: str, table: str, query: str, told: Mapping[str, str], most: float, con: Any
) -> Identity:
    asked = sql.queries("across")
    both = asked[query].format(**told)
    ((rows, failed, amount, few),) = sql.rows(con, asked["failed"].format(both=both, most=most))
    money = Decimal(amount) if failed and table == "orders" else None
    return Identity(code, table, rows, failed, tuple(few or ()), money)
