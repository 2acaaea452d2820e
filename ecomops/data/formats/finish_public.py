"""Public data sets of several files: Olist and Superstore."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.datatypes as dt

from ecomops.data.formats import finish

SIDES = ("orders", "people", "payments", "items", "words")
EXACT = dt.Decimal(18, 4)


def _housekeeping(rows: ibis.Table) -> dict[str, Any]:
    kept = {n: rows[n].min() for n in ("_row", "_source", "_format", "_platform")}
    return kept | {"_file": rows["_file"].max()}


def finish_olist(tables: finish.Tables, context: finish.Context) -> finish.Tables:
    """Finish Olist: payments and freight are summed per order before they meet the order.

    ``customer_id`` becomes the person (customer_unique_id), not the one made anew for each order.
    """
    lines, side = tables.get("order_lines"), {n: tables.pop(f"_olist_{n}", None) for n in SIDES}
    if lines is not None:
        lines = lines.mutate(order_line_id=lines.order_id + "-" + lines.order_line_id)
        tables["order_lines"] = lines
    if "orders" in tables:
        orders = tables["orders"] = _olist_orders(tables["orders"], side, lines, context)
        if lines is not None:
            tables["order_lines"] = finish.as_orders(finish.with_dates(lines, orders), orders)
    if "products" in tables:
        tables["products"] = _in_english(tables["products"], side["words"])
    if "customers" in tables:
        tables["customers"] = _one_person(tables["customers"])
    _olist_reviews(tables, context)
    return tables


def _per_order(rows: ibis.Table | None, column: str, name: str) -> ibis.Table | None:
    if rows is None:
        return None
    sums = {name: rows[column].sum().cast(dt.Decimal(18, 2))}
    if "payment_method" in rows.columns:
        sums["payment_method"] = rows.payment_method.argmax(rows.amount)
    return rows.group_by("order_id").aggregate(**sums)


def _olist_orders(
    orders: ibis.Table, side: dict[str, Any], lines: ibis.Table | None, context: finish.Context
) -> ibis.Table:
    if side["orders"] is not None and side["people"] is not None:
        who = side["orders"].select("order_id", order_customer_id="customer_id")
        person = side["people"].select(
            "order_customer_id", "customer_id", receiver_city="city", receiver_province="province"
        )
        orders = finish.beside(orders, who, "order_id")
        orders = finish.beside(orders, person, "order_customer_id").drop("order_customer_id")
    money = _per_order(side["payments"], "amount", "paid_amount")
    freight = _per_order(side["items"], "freight", "shipping_fee")
    orders = finish.beside(finish.beside(orders, money, "order_id"), freight, "order_id")
    if not finish.has(orders, "paid_amount") and lines is not None:
        goods = _per_order(lines, "line_paid_amount", "paid_amount")
        orders = finish.beside(orders, goods, "order_id")
    if finish.has(orders, "paid_amount"):
        unpaid = orders.filter(orders.paid_amount.isnull())
        context.note("no_payment", "orders", "kept", unpaid, example="order_id")
    return finish.with_refunds(finish.with_status(orders, context), context)


def _one_person(people: ibis.Table) -> ibis.Table:
    """Return one row per person from the file that has one per order; the last address counts."""
    own = [c for c in people.columns if not c.startswith("_") and c != "customer_id"]
    last = {c: people[c].argmax(people["_row"]) for c in own}
    return people.group_by("customer_id").aggregate(**last, **_housekeeping(people))


def _in_english(products: ibis.Table, words: ibis.Table | None) -> ibis.Table:
    if words is None:
        return products
    told = words.select(category_l1="category", english="english").distinct()
    done = finish.beside(products, told, "category_l1")
    return done.mutate(category_l1=ibis.coalesce(done.english, done.category_l1)).drop("english")


def _olist_reviews(tables: finish.Tables, context: finish.Context) -> None:
    """Tie a review to its order, and to the product where the order has one line only."""
    told = tables.pop("_olist_reviews", None)
    if told is None or "reviews" not in tables:
        return
    reviews = finish.beside(tables["reviews"], told.select("_file", "_row", "order_id"))
    reviews = reviews.mutate(_shared=reviews.count().over(group_by=reviews.review_id))
    again = reviews.filter(reviews["_shared"] > 1)
    context.note("review_of_several_orders", "reviews", "changed", again, example="review_id")
    made = (reviews["_shared"] > 1).ifelse(
        reviews.review_id + "-" + reviews.order_id, reviews.review_id
    )
    reviews = reviews.mutate(review_id=made).drop("_shared")
    lines = tables.get("order_lines")
    if lines is not None:
        told = {c: lines[c].min() for c in ("order_line_id", "product_id")}
        single = lines.group_by("order_id").aggregate(**told, n=lines.count())
        single = single.filter(single.n == 1).drop("n")
        reviews = finish.beside(reviews, single, "order_id")
    tables["reviews"] = reviews


def finish_superstore(tables: finish.Tables, context: finish.Context) -> finish.Tables:
    """Finish Superstore: sales after discount are the line's money, returns cancel whole orders."""
    side = tables.pop("_superstore", None)
    returns = tables.pop("_returns", None)
    if "order_lines" not in tables:
        return tables
    lines = tables["order_lines"]
    if side is not None:
        told = side.select(
            "_file", "_row", *[c for c in ("discount", "profit") if finish.has(side, c)]
        )
        lines = finish.beside(lines, told)
        lines = _superstore_money(lines)
    lines = lines.drop(*[c for c in ("discount", "profit") if finish.has(lines, c)])
    orders = _superstore_orders(tables["orders"], lines, returns, context)
    return tables | {"orders": orders, "order_lines": finish.as_orders(lines, orders)}


def _superstore_money(lines: ibis.Table) -> ibis.Table:
    money: dict[str, Any] = {}
    paid = lines.line_paid_amount.cast("float64")
    if finish.has(lines, "discount"):
        full = (paid / (1 - lines.discount).nullif(0)).cast(EXACT)
        money |= {
            "line_list_amount": full,
            "line_discount": (full - lines.line_paid_amount).cast(EXACT),
        }
        money["unit_price"] = (full.cast("float64") / lines.quantity).cast(EXACT)
    if finish.has(lines, "profit"):
        money["line_cost"] = (lines.line_paid_amount - lines.profit).cast(EXACT)
    return lines.mutate(**money)


def _superstore_orders(
    orders: ibis.Table, lines: ibis.Table, returns: ibis.Table | None, context: finish.Context
) -> ibis.Table:
    paid = lines.line_paid_amount.sum().cast(EXACT)
    sums = lines.group_by("order_id").aggregate(paid_amount=paid)
    own = [c for c in orders.columns if not c.startswith("_") and c != "order_id"]
    one = orders.group_by("order_id").aggregate(
        **{c: orders[c].min() for c in own}, **_housekeeping(orders)
    )
    one = finish.beside(one, sums, "order_id")
    one = one.mutate(order_status=ibis.literal("completed"))
    if returns is None:
        return one
    back = returns.select("order_id").distinct().mutate(_back=ibis.literal(True))  # noqa: FBT003
    one = finish.beside(one, back, "order_id")
    gone = one["_back"].fill_null(False)  # noqa: FBT003
    one = one.mutate(order_status=gone.ifelse("closed_refunded", one.order_status)).drop("_back")
    return finish.with_refunds(one, context)
