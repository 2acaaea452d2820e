"""UCI Online Retail: sales, cancellations, stock corrections, bad debt and gifts told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ecomops.data.formats import sql
from ecomops.data.problems import Problem

if TYPE_CHECKING:
    from ecomops.data.formats.finish import Context, Tables

NO_PRODUCT = r"(?i)^(AMAZONFEE|ADJUST2?|B|BANK CHARGES|C2|C3|CRUK|D|DOT|M|PADS|POST|S|TEST\d*|SP1002|DCGS.*|GIFT_.*)$"
KIND = """CASE WHEN upper(invoice) LIKE 'C%' THEN 'cancellation' WHEN quantity IS NULL OR unit_price IS NULL
 OR "at" IS NULL THEN 'unreadable_row' WHEN quantity <= 0 THEN 'stock_correction'
 WHEN unit_price = 0 THEN 'zero_price' WHEN unit_price < 0 THEN 'bad_debt' ELSE 'sale' END"""
OWN = {c: c for c in ("_row", "_file", "_source", "_format", "_platform")}
ACTIONS = {
    "cancellation": ("refunds", "changed"),
    "stock_correction": ("order_lines", "dropped"),
    "zero_price": ("order_lines", "dropped"),
    "bad_debt": ("order_lines", "dropped"),
    "unreadable_row": ("order_lines", "dropped"),
}
EXACT = "DECIMAL(18,4)"


def finish_uci(tables: Tables, context: Context) -> Tables:
    """Finish UCI Online Retail.

    A sale is a line with quantity and price above zero outside cancellations (invoices C…), which
    become refunds. Guests and non-products (postage, fees, samples) stay and are counted. Country
    goes to ``receiver_province``: the file has nothing finer. Amounts keep four places.
    """
    con = context.con
    raw = tables.pop("_uci").get_name()
    amount = f"(unit_price * quantity)::{EXACT}"
    fee = f"coalesce(regexp_matches(product_id, {sql.text(NO_PRODUCT)}), false)"
    marked = sql.select({"*": "*", "amount": amount, "kind": KIND, "fee": fee}, sql.name(raw))
    rows = sql.name(sql.table(con, "load_uci", marked))
    _note(rows, context)
    for name, query in _tables(rows).items():
        tables[name] = con.table(sql.view(con, f"load_{name}", query))
    return tables


def _note(rows: str, context: Context) -> None:
    con = context.con
    sums = {"kind": "kind", "n": "count(*)", "amount": "sum(abs(amount))", "few": _few("invoice")}
    for kind, count, amount, few in sql.rows(
        con, sql.select(sums, rows, group="kind", order="kind")
    ):
        if kind in ACTIONS:
            context.problems.append(
                Problem(kind, *ACTIONS[kind], int(count), tuple(few), amount or None)
            )
    told = (
        ("guest", "orders", "kept", "customer_id IS NULL", "count(DISTINCT invoice)", "invoice"),
        ("not_a_product", "order_lines", "flagged", "fee", "count(*)", "product_id"),
    )
    for code, table, action, where, count_of, shown in told:
        sums = {"n": count_of, "amount": "sum(amount)", "few": _few(shown)}
        where_sold = f"kind = 'sale' AND {where}"
        count, amount, few = sql.rows(con, sql.select(sums, rows, where=where_sold))[0]
        if count:
            context.problems.append(Problem(code, table, action, int(count), tuple(few), amount))
    own = 'invoice, product_id, product_name, quantity, "at", unit_price, customer_id, country'
    again = sql.select({"n": "count(*) - 1"}, rows, group=own)
    (twice,) = sql.rows(con, sql.select({"n": "coalesce(sum(n), 0)"}, again))[0]
    if twice:
        context.problems.append(Problem("duplicate_row", "order_lines", "flagged", int(twice)))


def _few(column: str) -> str:
    return f"list_slice(list_sort(list(DISTINCT {column})), 1, 3)"


def _first(columns: dict[str, str]) -> dict[str, Any]:
    return columns | {c: f"min({c})" for c in OWN}


def _tables(rows: str) -> dict[str, str]:
    sold = "kind = 'sale'"
    when = 'min("at")'
    orders = _first({
        "order_id": "invoice", "customer_id": "max(customer_id)", "created_at": when, "paid_at": when,
        "order_status": "'completed'", "item_count": "sum(quantity)::BIGINT",
        "sku_kind_count": "count(DISTINCT product_id)", "list_amount": f"sum(amount)::{EXACT}",
        "paid_amount": f"sum(amount)::{EXACT}", "receiver_province": "max(country)",
    })  # fmt: skip
    place = "row_number() OVER (PARTITION BY invoice ORDER BY _file, _row)"
    lines = {
        "order_line_id": f"invoice || '-' || {place}", "order_id": "invoice", "product_id": "product_id",
        "sku_code": "product_id", "product_name": "product_name", "quantity": "quantity",
        "unit_price": f"unit_price::{EXACT}", "line_list_amount": "amount", "line_paid_amount": "amount",
        "line_status": "'completed'", "created_at": '"at"', "paid_at": '"at"', **OWN,
    }  # fmt: skip
    refunds = _first({
        "refund_id": "invoice", "refund_type": "'cancellation'", "refund_status": "'refunded'",
        "applied_at": when, "refunded_at": when, "refund_amount": f"(-sum(amount))::{EXACT}",
    })  # fmt: skip
    names = sql.select(
        _first({"product_id": "product_id", "product_name": "product_name", "n": "count(*)", "fee": "any_value(fee)"}),
        rows, where=sold, group="product_id, product_name",
    )  # fmt: skip
    best = "row_number() OVER (PARTITION BY product_id ORDER BY product_name IS NULL, n DESC, product_name) = 1"
    products = {"product_id": "product_id", "product_name": "product_name",
                "status": "CASE WHEN fee THEN 'not_a_product' ELSE 'product' END", **OWN}  # fmt: skip
    people = _first({"customer_id": "customer_id", "province": "max(country)"})
    known = f"{sold} AND customer_id IS NOT NULL"
    return {
        "orders": sql.select(orders, rows, where=sold, group="invoice"),
        "order_lines": sql.select(lines, rows, where=sold),
        "refunds": sql.select(refunds, rows, where="kind = 'cancellation'", group="invoice"),
        "products": sql.select(products, names) + " QUALIFY " + best,
        "customers": sql.select(people, rows, where=known, group="customer_id"),
    }
