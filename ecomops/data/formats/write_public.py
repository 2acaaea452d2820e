"""What the files of Olist and Superstore say in words of their own, from canonical rows."""

from __future__ import annotations

import ibis
import ibis.expr.datatypes as dt

LINE = "order_lines__"


def as_public(layout: str, rows: ibis.Table) -> ibis.Table:
    """Return the rows of an export with what these data sets say instead of canonical values."""
    have = set(rows.columns)
    if layout == "olist_order_payments":
        rows = rows.filter(rows["orders__paid_amount"].notnull())
        return rows.mutate(_olist_payments__sequence=ibis.literal(1))
    if layout == "olist_order_reviews" and {"reviews__order_id", "order_lines__order_id"} <= have:
        own, found = rows["reviews__order_id"], rows["order_lines__order_id"]
        return rows.mutate(_olist_reviews__order_id=ibis.coalesce(own, found))
    if layout == "olist_order_items" and "_olist_items__freight" in have:
        fee = rows["_olist_items__freight"]
        first = (rows["_place"] == 1).ifelse(fee, ibis.literal(0).cast(fee.type()))
        return rows.mutate(_olist_items__freight=first)
    if layout == "superstore_returns":
        back = rows.filter(rows["orders__order_status"] == "closed_refunded")
        return back.mutate(_returns__returned=ibis.literal("Yes"))
    if layout != "superstore":
        return rows
    paid = rows[f"{LINE}line_paid_amount"]
    made = {}
    if f"{LINE}line_cost" in have:
        made["_superstore__profit"] = paid - rows[f"{LINE}line_cost"]
    if f"{LINE}line_list_amount" in have:
        share = 1 - paid.cast("float64") / rows[f"{LINE}line_list_amount"].cast("float64").nullif(0)
        made["_superstore__discount"] = share.cast(dt.Decimal(18, 4))
    return rows.mutate(**made)
