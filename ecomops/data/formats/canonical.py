"""The last step: provenance, currency, keys without nulls, canonical order and types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ecomops.base.packaged import packaged
from ecomops.data.formats import sql
from ecomops.data.formats.merge import sql_type
from ecomops.data.schema import tables
from ecomops.data.tables import NEEDED

if TYPE_CHECKING:
    from collections.abc import Mapping

    import ibis

FIXED: Mapping[str, Mapping[str, Any]] = packaged("data/formats/tables.toml")


def completed(
    name: str, rows: ibis.Table, currency: str | None, *, also: tuple[str, ...] = ()
) -> str:
    """Return the query of a canonical table: the columns that are there, typed and in order.

    Amounts that carry more than two places keep them, so that sums stay exact. Columns the model
    requires and the file lacks are there as nulls; columns in `also` come along as they are.
    """
    schema = tables()[name]
    have = rows.schema()
    made: dict[str, str] = {}
    for column in schema.columns.values():
        told = FIXED["told"].get(column.name)
        kind = sql_type(column.dtype)
        if told:
            made[column.name] = sql.name(told) + ("::BIGINT" if told == "_row" else "")
        elif column.name in have:
            mine = have[column.name]
            same = mine.is_decimal() if column.dtype.is_decimal() else mine == column.dtype
            made[column.name] = sql.name(column.name) + ("" if same else f"::{kind}")
        elif column.name in FIXED["defaults"]:
            made[column.name] = FIXED["defaults"][column.name]
        elif column.flag == "R" or column.name in NEEDED.get(name, ()):
            made[column.name] = f"NULL::{kind}"
    if "currency" in schema.columns and (currency or "currency" in have):
        said = "upper(currency)" if "currency" in have else "NULL"
        made["currency"] = f"coalesce({said}, {sql.text(currency)})"
    made |= _keys(name, made)
    ordered = {c: made[c] for c in schema.columns if c in made} | {c: c for c in also}
    return sql.select(ordered, sql.name(rows.get_name()))


def _keys(name: str, made: dict[str, str]) -> dict[str, str]:
    """Return composite keys with empty text for null."""
    schema = tables()[name]
    if len(schema.key) == 1:
        return {}
    texts = [k for k in schema.key if schema.columns[k].dtype.is_string()]
    return {k: f"coalesce({made[k]}, '')" if k in made else "''" for k in texts}


def identified(name: str, made: str, con: Any) -> str:
    """Return a table's rows with ids where the platform gives none, made of what a row says.

    The same row in another export gets the same id; rows that say the same within one file are
    told apart by counting.
    """
    schema, have = tables()[name], con.table(made).columns
    same = [
        f"coalesce({sql.name(c)}::{sql_type(schema.columns[c].dtype)}::VARCHAR, '')"
        for c in FIXED["identity"].get(name, ())
        if c in have
    ]
    if len(schema.key) > 1 or not same:
        return made
    key, listed = schema.key[0], ", ".join(same)
    again = f"row_number() OVER (PARTITION BY {listed}, _file ORDER BY _row)"
    made_up = f"substr(sha256(concat_ws('|', {listed}, {again})), 1, 16)"
    own = f"coalesce({key}, {made_up})" if key in have else made_up
    rest = f"* EXCLUDE ({key})" if key in have else "*"
    return sql.view(con, "load_identified", sql.select({"*": rest, key: own}, sql.name(made)))
