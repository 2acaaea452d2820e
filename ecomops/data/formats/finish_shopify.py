"""Shopify: several rows per order, order money on the first row only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import ibis.expr.datatypes as dt

from ecomops.data.formats.finish import (
    HOUSEKEEPING,
    Context,
    Tables,
    as_orders,
    beside,
    has,
    one_per_order,
    with_line_ids,
    with_paid_lines,
    with_refunds,
    with_status,
)  # fmt: skip

if TYPE_CHECKING:
    from typing import Any


def finish_shopify(tables: Tables, context: Context) -> Tables:
    """Finish orders exports: ids reach every row, amounts stay on the first one.

    The canonical status comes from the financial and the fulfilment status together; what is
    still outstanding is not paid; the order-level discount is spread over the lines so that they
    sum to the subtotal (shipping and taxes stay with the order).
    """
    rows = tables["orders"]
    side = tables.pop("_shopify", None)
    if has(side, "name"):
        told = side.drop("_source", "_format", "_platform")
        rows = beside(rows, told)
    rows = _newest(rows.mutate(order_id=_id_on_every_row(rows)), context)
    rows = _said_once(rows, tables["order_lines"], context)
    lines = tables["order_lines"].inner_join(
        rows.select("_file", "_row", "order_id"), ["_file", "_row"]
    )
    lines = lines.filter(lambda t: t.quantity.notnull())
    orders = _fulfilled(one_per_order(with_status(rows, context)))
    if has(orders, "paid_amount"):
        orders = orders.mutate(payable_amount=orders.paid_amount)
    if has(orders, "outstanding", "paid_amount"):
        orders = orders.mutate(paid_amount=orders.paid_amount - orders.outstanding.fill_null(0))
    total = "subtotal" if has(orders, "subtotal") else "paid_amount"
    lines = with_paid_lines(with_line_ids(_net_of_line_discount(lines)), orders, context, total)
    drop = [c for c in ("name", "subtotal", "outstanding", "fulfillment") if has(orders, c)]
    tables["orders"] = with_refunds(_never_paid_is_zero(orders), context).drop(*drop)
    # what was never paid is no sale on its lines either
    tables["order_lines"] = as_orders(lines, tables["orders"])
    return tables


def _id_on_every_row(rows: ibis.Table) -> Any:
    if not has(rows, "name"):
        return rows.order_id
    if not has(rows, "order_id"):
        return rows.name
    of_name = ibis.window(group_by=["_file", "name"])  # each shop has a #1001 of its own
    return ibis.coalesce(rows.order_id.max().over(of_name), rows.name)


def _newest(rows: ibis.Table, context: Context) -> ibis.Table:
    """Return the rows of each order from the newest file that has it."""
    last = rows["_file"].max().over(ibis.window(group_by="order_id"))
    marked = context.settled(rows.mutate(_old=rows.order_id.notnull() & (rows["_file"] < last)))
    context.note("overlap", "order_lines", "changed", marked.filter(marked["_old"]))
    return marked.filter(~marked["_old"]).drop("_old")


def _said_once(rows: ibis.Table, lines: ibis.Table, context: Context) -> ibis.Table:
    """Return the rows of each order from the last time its file tells it.

    An order begins where its money stands; told again, it has the same lines again.
    """
    if not has(rows, "paid_amount"):
        return rows
    by = ["_file", "order_id"]
    begins = rows.paid_amount.notnull() & rows.order_id.notnull()
    times = rows.filter(begins).group_by(*by).aggregate(n=ibis._.count())
    if not times.filter(times.n > 1).count().to_pandas():  # as nearly always
        return rows
    so_far = ibis.window(group_by=by, order_by="_row", following=0)
    rows = context.settled(rows.mutate(_time=begins.ifelse(1, 0).sum().over(so_far)))
    said = ibis.literal("|").join(
        [lines[c].cast("string").fill_null("") for c in lines.columns if c not in HOUSEKEEPING]
    )
    told = beside(rows, lines.select("_file", "_row", _said=said))
    whole = told["_said"].group_concat("|", order_by="_said")
    told = told.group_by(*by, "_time").aggregate(_lines=whole)
    again = told.group_by(*by).aggregate(
        _last=told["_time"].max(), _ways=told["_lines"].nunique(), _times=told.count()
    )
    rows = beside(rows, again.filter((again["_ways"] == 1) & (again["_times"] > 1)), *by)
    old = (rows["_time"] < rows["_last"]).fill_null(False)  # noqa: FBT003
    context.note("duplicate_key", "order_lines", "changed", rows.filter(old), example="order_id")
    return rows.filter(~old).drop("_time", "_last", "_ways", "_times")


def _net_of_line_discount(lines: ibis.Table) -> ibis.Table:
    if not has(lines, "unit_price", "quantity"):
        return lines
    full = lines.unit_price * lines.quantity
    less = lines.line_discount.fill_null(0) if has(lines, "line_discount") else 0
    return lines.mutate(line_list_amount=(full - less).cast(dt.Decimal(18, 2)))


def _fulfilled(orders: ibis.Table) -> ibis.Table:
    if not has(orders, "order_status", "fulfillment"):
        return orders
    sent, live = orders.fulfillment.lower(), orders.order_status == "paid"
    status = ibis.cases(
        (live & (sent == "fulfilled"), "completed"),
        (live & (sent == "partial"), "partially_shipped"),
        else_=orders.order_status,
    )
    if has(orders, "closed_at"):
        gone = orders.closed_at.notnull() & orders.order_status.isin(["unpaid", "closed_unpaid"])
        status = gone.ifelse("closed_unpaid", status)
    return orders.mutate(order_status=status)


def _never_paid_is_zero(orders: ibis.Table) -> ibis.Table:
    if not has(orders, "order_status", "paid_amount"):
        return orders
    none = orders.order_status.isin(["unpaid", "closed_unpaid"])
    zero = ibis.literal(0).cast(orders.paid_amount.type())
    return orders.mutate(paid_amount=none.ifelse(zero, orders.paid_amount))


def finish_products(tables: Tables, context: Context) -> Tables:  # noqa: ARG001
    """Finish product exports: one product over several variant rows, its fields on the first."""
    products = tables["products"]
    last = ibis.window(order_by=[products["_file"], products["_row"]], following=0)
    group = products.product_id.notnull().ifelse(1, 0).sum().over(last)
    filled = products.mutate(_group=group)
    handle = filled.product_id.max().over(ibis.window(group_by=filled["_group"]))
    filled = filled.mutate(product_id=handle)
    fields = [c for c in filled.columns if c != "product_id" and not c.startswith("_")]
    tables["products"] = filled.group_by("product_id").aggregate(
        **{c: filled[c].max() for c in fields},
        **{c: filled[c].min() for c in HOUSEKEEPING},
    )
    skus = tables.get("product_skus")
    if skus is not None:
        told = filled.select("_file", "_row", "product_id")
        skus = beside(skus, told)
        tables["product_skus"] = skus.filter(skus.sku_id.notnull()) if has(skus, "sku_id") else skus
    return tables
