"""Order money spread over its lines so that the lines sum to the order, to the cent."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.datatypes as dt

MONEY = dt.Decimal(18, 2)


def allocated(lines: ibis.Table, totals: ibis.Table, *, weight: str) -> ibis.Table:
    """Return `lines` with ``line_paid_amount``, the order's amount shared by largest remainder.

    Parameters
    ----------
    lines
        One row per order line: ``order_id``, ``order_line_id``, the column `weight` (money).
    totals
        One row per order: ``order_id``, ``_total`` (money).
    weight
        The column lines share by, usually the list amount; lines without any share equally.

    Whole cents are given out first, what is left goes to the largest remainders, ties by line
    id (Hamilton's method). Lines of unknown orders get null.
    """
    t = lines.left_join(totals, "order_id")
    cents = (t["_total"] * 100).round().cast("int64")
    own = (t[weight] * 100).round().cast("int64").fill_null(0)
    t = t.mutate(_cents=cents, _own=own)
    t = t.mutate(_all=t["_own"].sum().over(_order(t)))
    t = t.mutate(_share=(t["_all"] == 0).ifelse(1, t["_own"]), _parts=t.count().over(_order(t)))
    t = t.mutate(_base=(t["_all"] == 0).ifelse(t["_parts"], t["_all"]))
    exact: Any = t["_cents"] * t["_share"]
    t = t.mutate(_floor=(exact - exact % t["_base"]) // t["_base"], _rest=exact % t["_base"])
    left = t["_cents"] - t["_floor"].sum().over(_order(t))
    first = [t["_rest"].desc(), t.order_line_id, t["_row"]]
    ranking = ibis.window(group_by=t.order_id, order_by=first)
    t = t.mutate(_left=left, _place=ibis.row_number().over(ranking))
    paid = (t["_floor"] + (t["_place"] < t["_left"]).ifelse(1, 0)).cast(dt.Decimal(18, 2)) / 100
    t = t.mutate(line_paid_amount=paid.cast(MONEY))
    return t.select(*lines.columns, "line_paid_amount")


def _order(lines: ibis.Table) -> Any:
    return ibis.window(group_by=lines.order_id)
