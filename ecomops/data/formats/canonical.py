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
DEFAULTS = {"attribution_model": "'unknown'", "entry_type": "'other'"}
# What makes a row the same in the next export, where the platform gives no id of its own.
IDENTITY = {
    "live_sessions": ("anchor_id", "anchor_name", "title", "started_at"),
    "reviews": ("product_id", "sku_id", "order_line_id", "content", "created_at"),
    "settlements": (
        "posted_at",
        "order_id",
        "order_line_id",
        "entry_type_raw",
        "amount",
        "channel",
    ),
    "touchpoints": ("event_time", "visitor_id", "event_name", "product_id", "session_id"),
    "campaigns": ("campaign_name", "start_at"),
    "product_skus": ("product_id", "sku_name"),
    "message_campaigns": ("name", "sent_at"),
    "affiliate_orders": ("order_id", "product_id", "created_at"),
}


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
        told = TOLD.get(column.name)
        kind = sql_type(column.dtype)
        if told:
            made[column.name] = sql.name(told) + ("::BIGINT" if told == "_row" else "")
        elif column.name in have:
            mine = have[column.name]
            same = mine.is_decimal() if column.dtype.is_decimal() else mine == column.dtype
            made[column.name] = sql.name(column.name) + ("" if same else f"::{kind}")
        elif column.name in DEFAULTS:
            made[column.name] = DEFAULTS[column.name]
        elif column.flag == "R":
            made[column.name] = f"NULL::{kind}"
    if "currency" in schema.columns and (currency or "currency" in have):
        said = "upper(currency)" if "currency" in have else "NULL"
        made["currency"] = f"coalesce({said}, {sql.text(currency)})"
    made |= _keys(name, made)
    ordered = {c: made[c] for c in schema.columns if c in made} | {c: c for c in also}
    return sql.select(ordered, sql.name(rows.get_name()))


def _keys(name: str, made: dict[str, str]) -> dict[str, str]:
    """Return composite keys with empty text for null, and ids where there are none."""
    schema = tables()[name]
    if len(schema.key) > 1:
        texts = [k for k in schema.key if schema.columns[k].dtype.is_string()]
        return {k: f"coalesce({made[k]}, '')" if k in made else "''" for k in texts}
    (key,) = schema.key
    parts = [made[c] for c in IDENTITY.get(name, ()) if c in made]
    if not parts:
        return {}
    same = ", ".join(f"coalesce({p}::VARCHAR, '')" for p in parts)
    again = f"row_number() OVER (PARTITION BY {same} ORDER BY _file, _row)"
    made_up = f"substr(sha256(concat_ws('|', {same}, {again})), 1, 16)"
    return {key: f"coalesce({made[key]}, {made_up})" if key in made else made_up}
