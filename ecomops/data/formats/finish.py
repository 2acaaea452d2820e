"""What is left to do once the files of a platform are typed and merged: orders and their lines."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.datatypes as dt
from ibis import _

from ecomops.data.formats import sql, statuses
from ecomops.data.formats.allocate import allocated
from ecomops.data.formats.merge import newest, unique
from ecomops.data.problems import Problem
from ecomops.data.tables import examples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecomops.data.formats.part import Part
    from ecomops.data.formats.registry import Format

Tables = dict[str, ibis.Table]
FIRST_OF = ("created_at", "paid_at")
REFUNDS = ("none", "applied", "refunding", "refunded", "closed")
MONEY = dt.Decimal(18, 2)
HOUSEKEEPING = ("_row", "_file", "_source", "_format", "_platform")


@dataclass
class Context:
    """What a finisher may need: the layout, and where it notes problems."""

    fmt: Format
    con: Any
    parts: Sequence[Part] = ()
    problems: list[Problem] = field(default_factory=list)

    def note(self, code: str, table: str, action: str, rows: ibis.Table, amount: Any = None,
             example: str | None = None) -> None:  # fmt: skip
        """Count `rows` under a reason; `amount` is summed, `example` a column shown."""
        sums = {"n": rows.count()} | ({"amount": amount.sum()} if amount is not None else {})
        found = rows.aggregate(**sums).to_pandas().iloc[0]
        if not found["n"]:
            return
        shown: tuple[str, ...] = ()
        if example:
            shown = tuple(examples(rows, example))
        self.problems.append(
            Problem(code, table, action, int(found["n"]), shown, found.get("amount"))
        )

    def settled(self, rows: ibis.Table) -> ibis.Table:
        """Return rows as a table of the engine, so that what follows is built on plain columns."""
        query = str(ibis.to_sql(rows, dialect="duckdb"))
        return self.con.table(sql.table(self.con, "load_settled", query))

    def shown(self, rows: ibis.Table) -> ibis.Table:
        """Return rows as a view of the engine: named, but neither computed nor kept twice."""
        query = str(ibis.to_sql(rows, dialect="duckdb"))
        return self.con.table(sql.view(self.con, "load_shown", query))


def has(table: ibis.Table | None, *columns: str) -> bool:
    """Return whether a table is there and has all these columns."""
    return table is not None and set(columns) <= set(table.columns)


def beside(rows: ibis.Table, told: ibis.Table | None, *by: str) -> ibis.Table:
    """Return rows with what `told` says of each; `by` (the row of the file) says which is which."""
    if told is None:
        return rows
    done = rows.left_join(told, by or ("_file", "_row"))
    return done.drop(*[c for c in done.columns if c.endswith("_right")])


def _wordings(column: Any) -> list[str]:
    """Return the (few) different texts of a column."""
    found = column.name("x").as_table().distinct().to_pandas()["x"]
    return sorted(found.dropna())


def with_status(orders: ibis.Table, context: Context) -> ibis.Table:
    """Return orders with ``order_status`` (canonical) and ``order_status_raw``."""
    if "order_status" not in orders.columns:
        return orders
    paid = orders.paid_at.notnull() if has(orders, "paid_at") else ibis.literal(False)  # noqa: FBT003
    if has(orders, "_refunded"):
        paid = paid | orders["_refunded"].fill_null(False)  # noqa: FBT003
    raw = orders.order_status
    meant = statuses.order_status(raw, _wordings(raw), paid, context.fmt.statuses)
    done = context.shown(orders.mutate(order_status=meant, order_status_raw=raw))
    unknown = done.filter(done.order_status == "unknown")
    context.note("unknown_status", "orders", "flagged", unknown, example="order_status_raw")
    return done


def with_line_status(lines: ibis.Table, context: Context) -> ibis.Table:
    """Return lines with canonical ``line_status`` and ``refund_status``."""
    platform = context.fmt.statuses
    if has(lines, "refund_status"):
        lines = _with_refund_status(lines, "order_lines", context)
        if has(lines, "line_refund_amount"):  # what is only asked for has not been given back
            asked = lines.refund_status.isin(["applied", "refunding", "closed"])
            given = ibis.cases((asked, 0), else_=lines.line_refund_amount)
            lines = lines.mutate(line_refund_amount=given.cast(MONEY))
    if has(lines, "line_status"):
        paid = lines.paid_at.notnull() if has(lines, "paid_at") else None
        if has(lines, "line_refund_amount"):
            given = (lines.line_refund_amount > 0).fill_null(False)  # noqa: FBT003
            paid = given if paid is None else paid | given
        if has(lines, "refund_status"):
            back = (lines.refund_status == "refunded").fill_null(False)  # noqa: FBT003
            paid = back if paid is None else paid | back
        raw = lines.line_status
        meant = statuses.order_status(raw, _wordings(raw), paid, platform)
        lines = lines.mutate(line_status=meant)
    return lines


def _with_refund_status(rows: ibis.Table, table: str, context: Context) -> ibis.Table:
    """Return rows with a canonical ``refund_status``; words that are not known stay, flagged."""
    raw = rows.refund_status
    meant = statuses.refund_status(raw, _wordings(raw), context.fmt.statuses)
    rows = rows.mutate(refund_status=meant)
    strange = rows.filter(rows.refund_status.notin(REFUNDS))
    context.note("unknown_status", table, "flagged", strange, example="refund_status")
    return rows


def with_line_ids(lines: ibis.Table) -> ibis.Table:
    """Return lines with an ``order_line_id``: the platform's, else order and place in it."""
    order = ibis.window(group_by=lines.order_id, order_by=[lines["_file"], lines["_row"]])
    place = ibis.row_number().over(order) + 1
    made = lines.order_id + "-" + place.cast("string")
    own = lines.order_line_id if has(lines, "order_line_id") else ibis.null("string")
    return lines.mutate(order_line_id=ibis.coalesce(own, made))


def one_per_order(rows: ibis.Table, *, summed: tuple[str, ...] = ()) -> ibis.Table:
    """Return one row per order from rows that repeat it on each line.

    Columns in `summed` are per line and add up; times of creation and payment are the earliest;
    everything else is what any line says (the largest, where they differ).
    """
    parts = {}
    for name in rows.columns:
        if name in {"order_id", "_refunded", *HOUSEKEEPING}:
            continue
        if name in summed:
            parts[name] = rows[name].sum().cast(rows[name].type())
        elif name == "order_status":
            parts[name] = statuses.furthest(rows[name])
        else:
            parts[name] = rows[name].min() if name in FIRST_OF else rows[name].max()
    keep = {
        n: rows[n].max() if n == "_file" else rows[n].min()
        for n in HOUSEKEEPING
        if n in rows.columns
    }
    return rows.filter(rows.order_id.notnull()).group_by("order_id").aggregate(**parts, **keep)


def summed_columns(context: Context) -> tuple[str, ...]:
    """Return the order columns that the layout gives per line."""
    return tuple(
        t.column for part in context.parts for ts in part.fmt.targets.values() for t in ts
        if t.table == "orders" and t.rule == "money_line_sum"
    )  # fmt: skip


def list_amount(lines: ibis.Table) -> Any:
    """Return what a line costs before discounts."""
    own = lines.line_list_amount if has(lines, "line_list_amount") else ibis.null(MONEY)
    if not has(lines, "unit_price", "quantity"):
        return own
    made = (lines.unit_price * lines.quantity).cast(dt.Decimal(18, 4))
    return ibis.coalesce(own.cast(dt.Decimal(18, 4)), made)


def with_unit_price(lines: ibis.Table) -> ibis.Table:
    """Return lines with a unit price: the file's, else list (or paid) amount by quantity."""
    if has(lines, "unit_price") or not has(lines, "quantity"):
        return lines
    name = next((c for c in ("line_list_amount", "line_paid_amount") if has(lines, c)), None)
    if not name:
        return lines
    price = lines[name].cast("float64") / lines.quantity.nullif(0)
    return lines.mutate(unit_price=price.cast(dt.Decimal(18, 4)))


def with_paid_lines(lines: ibis.Table, orders: ibis.Table | None, context: Context,
                    total: str = "paid_amount") -> ibis.Table:  # fmt: skip
    """Return lines with ``line_paid_amount``: the platform's, else the order's, allocated."""
    if has(lines, "line_paid_amount"):
        return lines
    if not has(orders, total):
        guess = list_amount(lines).cast(MONEY)
        context.note("line_paid_is_list", "order_lines", "changed", lines)
        return lines.mutate(line_paid_amount=guess)
    assert orders is not None  # noqa: S101
    sums = orders.select("order_id", _total=orders[total])
    done = allocated(lines.mutate(_weight=list_amount(lines)), sums, weight="_weight").drop(
        "_weight"
    )
    given = done.filter(done.line_paid_amount.notnull())
    context.note("line_paid_allocated", "order_lines", "changed", given)
    return done


def with_dates(lines: ibis.Table, orders: ibis.Table) -> ibis.Table:
    """Return lines with the order's times where the lines have none of their own."""
    wanted = [c for c in FIRST_OF if has(orders, c) and not has(lines, c)]
    if not wanted:
        return lines
    return beside(lines, orders.select("order_id", *wanted), "order_id")


def with_refunds(orders: ibis.Table, context: Context) -> ibis.Table:
    """Return orders where one that closed after payment counts as refunded in full."""
    if not has(orders, "order_status", "paid_amount"):
        return orders
    own = orders.refund_amount if has(orders, "refund_amount") else ibis.null(MONEY)
    bare = (orders.order_status == "closed_refunded") & (own.fill_null(0) == 0)
    hit = orders.filter(bare & (orders.paid_amount > 0))
    context.note("refund_inferred", "orders", "changed", hit, hit.paid_amount, "order_id")
    return orders.mutate(refund_amount=bare.ifelse(orders.paid_amount, own))


def as_orders(lines: ibis.Table, orders: ibis.Table) -> ibis.Table:
    """Return lines with what only their order says: its status, and that all was given back."""
    wanted = {}
    if has(orders, "order_status") and not has(lines, "line_status"):
        wanted["line_status"] = orders.order_status
    if has(orders, "refund_amount", "paid_amount") and has(lines, "line_paid_amount"):
        whole = (orders.refund_amount >= orders.paid_amount) & (orders.paid_amount > 0)
        wanted["_whole"] = whole
    if not wanted:
        return lines
    lines = beside(lines, orders.select("order_id", **wanted), "order_id")
    if "_whole" not in wanted:
        return lines
    paid = lines["_whole"].ifelse(lines.line_paid_amount, ibis.null(lines.line_paid_amount.type()))
    own = [lines.line_refund_amount] if has(lines, "line_refund_amount") else []
    return lines.mutate(line_refund_amount=ibis.coalesce(*own, paid)).drop("_whole")


def unmask(orders: ibis.Table, context: Context) -> ibis.Table:
    """Return orders without masked customer names: two buyers can be masked alike."""
    if not has(orders, "customer_id"):
        return orders
    masked = orders.customer_id.contains("*").fill_null(False)  # noqa: FBT003
    context.note("masked_customer", "orders", "kept", orders.filter(masked), example="customer_id")
    return orders.mutate(customer_id=masked.ifelse(ibis.null("string"), orders.customer_id))


def finish_orders(tables: Tables, context: Context) -> Tables:
    """Finish platforms whose orders and lines come in files of their own (Taobao, Tmall)."""
    orders, lines = tables.get("orders"), tables.get("order_lines")
    if lines is not None:
        lone = lines.filter(lines.order_id.isnull())
        context.note("without_order", "order_lines", "flagged", lone, example="order_line_id")
        lines = with_line_ids(lines)
        lines = with_dates(lines, orders) if orders is not None else lines
        lines = with_line_status(lines, context)
        tables["order_lines"] = with_paid_lines(lines, orders, context)
    if orders is not None:
        if has(lines, "line_refund_amount") and not has(orders, "refund_amount"):
            orders = _with_back(orders, lines)
        tables["orders"] = with_refunds(unmask(with_status(orders, context), context), context)
        if lines is not None:
            tables["order_lines"] = as_orders(tables["order_lines"], tables["orders"])
    return tables


def finish_rows(tables: Tables, context: Context) -> Tables:
    """Finish platforms that put order and line on one row (Douyin, Pinduoduo, JD, …)."""
    settle = context.settled
    if has(tickets := tables.get("refunds"), "refund_status"):
        tables["refunds"] = _with_refund_status(tickets, "refunds", context)
    if "orders" not in tables:
        return tables
    lines, raw = _said_once(tables["order_lines"], tables["orders"], context)
    raw = _dated_by_id(raw, context)
    lines = with_unit_price(with_line_ids(lines))
    if has(raw, "order_status") and not has(lines, "line_status"):
        lines = _status_of_row(lines, raw)
    lines = settle(with_line_status(settle(lines), context))
    orders = with_status(settle(_told_refunded(raw, lines)), context)
    orders = one_per_order(orders, summed=summed_columns(context))
    if not has(orders, "paid_amount") and has(lines, "line_paid_amount"):
        paid = lines.line_paid_amount.sum().cast(MONEY)
        sums = lines.group_by("order_id").aggregate(paid_amount=paid)
        orders = beside(orders, sums, "order_id")
    orders = settle(orders)
    lines = settle(with_paid_lines(lines, orders, context))
    lines, orders = _refunded_lines(lines, orders, tables.get("refunds"), context)
    orders = with_refunds(unmask(settle(orders), context), context)
    lines = as_orders(with_dates(lines, orders), orders)
    return tables | {"orders": orders, "order_lines": lines}


def _said_once(
    lines: ibis.Table, orders: ibis.Table, context: Context
) -> tuple[ibis.Table, ibis.Table]:
    """Return the last row of each line that a file says twice, before anything is added up.

    On Pinduoduo an order has one line for a product. Elsewhere a line without an id is known by all
    that it says of the goods; two may be alike, which is but flagged.
    """
    states = {*HOUSEKEEPING, "order_id", "line_status", "refund_status"}
    goods = {"order_line_id"} & set(lines.columns) or {"product_id", "sku_id"}
    sure = "order_line_id" in goods or context.fmt.platform == "pinduoduo"
    key = [c for c in lines.columns if (c in goods if sure else c not in states)]
    made, twice = unique("order_lines", lines.get_name(), context.con, ["order_id", *key])
    if not sure:
        context.problems += [replace(p, code="duplicate_row", action="flagged") for p in twice]
        return lines, orders
    context.problems += twice
    kept = context.con.table(made)
    return kept, orders.semi_join(kept, ["_file", "_row"]) if twice else orders


def _dated_by_id(orders: ibis.Table, context: Context) -> ibis.Table:
    """Return orders with the day in their id (YYMMDD-…) where the file leaves the time blank."""
    if context.fmt.platform != "pinduoduo":
        return orders
    digits = orders.order_id.re_extract(r"^(\d{6})-", 1)
    day = (
        "20" + digits.substr(0, 2) + "-" + digits.substr(2, 2) + "-" + digits.substr(4, 2)
    ).try_cast("timestamp")
    own = orders.created_at if has(orders, "created_at") else ibis.null("timestamp")
    context.note(
        "time_from_order_id", "orders", "changed", orders.filter(own.isnull() & day.notnull())
    )
    return orders.mutate(created_at=ibis.coalesce(own, day))


def _told_refunded(orders: ibis.Table, lines: ibis.Table) -> ibis.Table:
    """Return orders with ``_refunded``: the row says so, which proves that it was paid."""
    if not has(lines, "refund_status") and not has(lines, "line_refund_amount"):
        return orders
    own = has(lines, "refund_status")
    back = lines.refund_status == "refunded" if own else lines.line_refund_amount > 0
    return beside(orders, lines.select("_file", "_row", _refunded=back))


def _status_of_row(lines: ibis.Table, orders: ibis.Table) -> ibis.Table:
    """Return lines with the status (and payment) that stood on the same row of the same file."""
    wanted = {"line_status": orders.order_status}
    if has(orders, "paid_at") and not has(lines, "paid_at"):
        wanted["paid_at"] = orders.paid_at
    return beside(lines, orders.select("_file", "_row", **wanted))


def _refunded_lines(
    lines: ibis.Table, orders: ibis.Table, tickets: ibis.Table | None, context: Context
) -> tuple[ibis.Table, ibis.Table]:
    """Give lines what their tickets say, else all of those that closed with a refund.

    An order's file has only the flag.
    """
    if has(lines, "line_refund_amount"):
        return lines, orders if has(orders, "refund_amount") else _with_back(orders, lines)
    if not has(lines, "refund_status", "line_status", "line_paid_amount"):
        return lines, orders
    back = lines.refund_status == "refunded"
    all_of_it = ibis.cases(
        (back & (lines.line_status == "closed_refunded"), lines.line_paid_amount),
        (back, ibis.null(lines.line_paid_amount.type())),  # in part or in full: nothing says
        else_=0,
    )
    lines = lines.mutate(line_refund_amount=all_of_it.cast(lines.line_paid_amount.type()))
    lines = with_given(lines, tickets)
    bare = lines.filter(lines["_given"].isnull())
    hit = bare.filter(bare.line_refund_amount > 0)
    context.note(
        "refund_inferred", "order_lines", "changed", hit, hit.line_refund_amount, "order_line_id"
    )
    some = bare.filter(bare.line_refund_amount.isnull())
    context.note(
        "refund_unknown", "order_lines", "flagged", some, some.line_paid_amount, "order_line_id"
    )
    lines = _as_given(lines).drop("_given")
    told = _with_back(orders, lines, known=lines.line_refund_amount.count() == lines.count())
    return lines, orders if has(orders, "refund_amount") else told


def with_given(lines: ibis.Table, tickets: ibis.Table | None) -> ibis.Table:
    """Return lines with ``_given``: what their tickets gave back, null where none was paid out."""
    if tickets is None or not has(tickets, "order_line_id", "refund_status", "refund_amount"):
        return lines.mutate(_given=ibis.null(MONEY))
    paid = tickets.filter(tickets.refund_status == "refunded").group_by("order_line_id")
    return beside(lines, paid.aggregate(_given=_.refund_amount.sum().cast(MONEY)), "order_line_id")


def given_back(lines: ibis.Table, orders: ibis.Table) -> tuple[ibis.Table, ibis.Table]:
    """Return lines with ``_given`` and the orders of these as the tickets say, others as before."""
    lines = _as_given(lines)
    sums = lines.group_by("order_id").aggregate(
        _back=lines.line_refund_amount.sum().cast(MONEY), _told=lines["_given"].count()
    )
    orders = beside(orders, sums.filter(sums["_told"] > 0), "order_id")
    own = orders.refund_amount if has(orders, "refund_amount") else ibis.null(MONEY)
    orders = orders.mutate(refund_amount=ibis.coalesce(orders["_back"], own))
    return lines.drop("_given"), orders.drop("_back", "_told")


def _as_given(lines: ibis.Table) -> ibis.Table:
    own = lines.line_refund_amount if has(lines, "line_refund_amount") else ibis.null(MONEY)
    return lines.mutate(line_refund_amount=ibis.coalesce(lines["_given"], own))


def _with_back(orders: ibis.Table, lines: ibis.Table, *, known: Any = True) -> ibis.Table:
    """Return orders with what their lines gave back, missing where that is not `known` of all."""
    back = ibis.cases((known, lines.line_refund_amount.sum())).cast(MONEY)
    sums = lines.group_by("order_id").aggregate(refund_amount=back)
    return beside(orders, sums, "order_id")


def finish_signed(tables: Tables, context: Context) -> Tables:
    """Finish WooCommerce: a row below zero under an order's number is a refund of that order."""
    rows = context.settled(with_status(tables["orders"], context))
    below = (rows.paid_amount < 0).fill_null(False)  # noqa: FBT003
    told = rows.filter(below).distinct(on=["order_id", "created_at", "paid_amount"])
    back = told.group_by("order_id").aggregate(refund_amount=-told.paid_amount.sum().cast(MONEY))
    kept = context.settled(rows.filter(~below))
    made, twice = newest("orders", kept.get_name(), kept.columns, context.con)
    orders = beside(context.con.table(made), back, "order_id")
    lost = back.anti_join(orders, "order_id")
    context.note("negative_paid", "orders", "dropped", lost, lost.refund_amount, "order_id")
    context.problems += twice
    return tables | {"orders": with_refunds(orders, context)}
