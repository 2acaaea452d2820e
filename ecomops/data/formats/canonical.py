"""The last step: provenance, currency, keys without nulls, canonical order and types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecomops.data.formats import sql
from ecomops.data.formats.merge import sql_type
from ecomops.data.schema import tables

if TYPE_CHECKING:
    import ibis

TOLD = {
    "source_platform": "_platform", "source_format": "_format", "source_file": "_source",
    "source_row": "_row",
}  # fmt: skip
DEFAULTS = {"attribution_model": "'unknown'"}


def completed(name: str, rows: ibis.Table, currency: str | None) -> str:
    """Return the query of a canonical table: the columns that are there, typed and in order.

    Amounts that carry more than two places keep them, so that sums stay exact.
    """
    schema = tables()[name]
    have = rows.schema()
    made: dict[str, str] = {}
    for column in schema.columns.values():
        told = TOLD.get(column.name)
        if told:
            made[column.name] = sql.name(told) + ("::BIGINT" if told == "_row" else "")
        elif column.name in have:
            kind = have[column.name]
            same = kind.is_decimal() if column.dtype.is_decimal() else kind == column.dtype
            plain = sql.name(column.name)
            made[column.name] = plain if same else f"{plain}::{sql_type(column.dtype)}"
        elif column.name in DEFAULTS:
            made[column.name] = DEFAULTS[column.name]
    if "currency" in schema.columns and (currency or "currency" in have):
        said = "upper(currency)" if "currency" in have else "NULL"
        made["currency"] = f"coalesce({said}, {sql.text(currency)})"
    if len(schema.key) > 1:
        for key in schema.key:
            if schema.columns[key].dtype.is_string():
                made[key] = f"coalesce({made[key]}, '')" if key in made else "''"
    ordered = {c: made[c] for c in schema.columns if c in made}
    return sql.select(ordered, sql.name(rows.get_name()))
