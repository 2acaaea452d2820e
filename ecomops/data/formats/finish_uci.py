"""UCI Online Retail: sales, cancellations, stock corrections, bad debt and gifts told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ecomops.base.packaged import packaged
from ecomops.data.formats import sql
from ecomops.data.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecomops.data.formats.finish import Context, Tables

FIXED: Mapping[str, Any] = packaged("data/formats/fixed.toml")["uci"]
TABLES = ("orders", "order_lines", "refunds", "products", "customers")


def finish_uci(tables: Tables, context: Context) -> Tables:
    """Finish UCI Online Retail.

    A sale is a line with quantity and price above zero outside cancellations (invoices C…), which
    become refunds. Guests and non-products (postage, fees, samples) stay and are counted. Country
    goes to ``receiver_province``: the file has nothing finer. Amounts keep four places.
    """
    con, asked = context.con, sql.queries("uci")
    raw = sql.name(tables.pop("_uci").get_name())
    rows = sql.name(sql.table(con, "load_uci", asked["marked"].replace("{rows}", raw)))
    _note(rows, context)
    for name in TABLES:
        query = asked[name].replace("{rows}", rows)
        tables[name] = con.table(sql.view(con, f"load_{name}", query))
    return tables


def _note(rows: str, context: Context) -> None:
    """Count what is no sale by reason, and of the sales what an analyst should know."""
    con, noted = context.con, context.problems
    sums = {"kind": "kind", "n": "count(*)", "amount": "sum(abs(amount))", "few": _few("invoice")}
    for kind, count, amount, few in sql.rows(
        con, sql.select(sums, rows, group="kind", order="kind")
    ):
        if kind in FIXED["actions"]:
            table, action = FIXED["actions"][kind]
            noted.append(Problem(kind, table, action, int(count), tuple(few), amount or None))
    for code, (table, action, test, counted, shown) in FIXED["noted"].items():
        sums = {"n": counted, "amount": "sum(amount)", "few": _few(shown)}
        query = sql.select(sums, rows, where=f"kind = 'sale' AND {test}")
        count, amount, few = sql.rows(con, query)[0]
        if count:
            noted.append(Problem(code, table, action, int(count), tuple(few), amount))
    (twice,) = sql.rows(con, sql.queries("uci")["repeated"].replace("{rows}", rows))[0]
    if twice:
        noted.append(Problem("duplicate_row", "order_lines", "flagged", int(twice)))


def _few(column: str) -> str:
    return f"list_slice(list_sort(list(DISTINCT {column})), 1, 3)"
