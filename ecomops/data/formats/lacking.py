"""What older exports say stays where a newer one has no column for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ecomops.base.packaged import packaged
from ecomops.data.formats import sql
from ecomops.data.problems import Problem
from ecomops.data.schema import tables

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from ecomops.data.formats.part import Part

    Held = Mapping[int, Collection[str]]

STAYS: Mapping[str, Any] = packaged("data/formats/tables.toml")["stays"]


def held_by(parts: Sequence[Part]) -> Held:
    """Return the canonical columns that each file of a load has, as ``table.column``."""
    told = [(p, {f"{s.target.table}.{s.target.column}" for s in p.fill}) for p in parts]
    return {part.index + i: names for part, names in told for i in range(part.files)}


def with_lacking(
    table: str, marked: str, columns: Sequence[str], held: Held, con: Any
) -> tuple[str, list[Problem]]:
    """Return the newest rows, with what older ones (`_old`) say where a file lacks the column.

    An empty cell of a column that is there is a statement, but no reason to forget an id. Rows are
    the same by their key; lines with numbers of our own must be of the same goods as well.
    """
    key = tables()[table].key if table in tables() else ()
    if table != "order_lines" and "_line" in columns:  # a row per line still
        key = (*key, "_line")
    keys = ", ".join(map(sql.name, key))
    twice = sql.select({"n": "1"}, marked, group=f"{keys}, _file", having="count(*) > 1", limit=1)
    known = key and held and {*key} <= {*columns}
    told = _asked(table, {*columns} - {*key, *STAYS["own"]}, held) if known else {}
    if not told or sql.rows(con, twice):
        plain = sql.select(None, marked, where="_old IS NOT TRUE", less="_old")
        return sql.table(con, "load_newest", plain), []
    same = " AND ".join(f"w.{sql.name(c)} = o.{sql.name(c)}" for c in key)
    if table == "order_lines":
        alike = " AND ".join(STAYS["alike"].format(c=c) for c in STAYS["goods"] if c in told)
        numbered = "w._line IS NOT NULL OR " * ("_line" in columns)
        same += f" AND ({numbered}{alike or 'false'})"
    each = {n: ", ".join(STAYS[n].format(**t) for t in told.values()) for n in ("new", "old", "by")}
    query = sql.queries("parts")["lacking"].format(marked=marked, keys=keys, same=same, **each)
    made = sql.table(con, "load_newest", query)
    ((count, shown),) = sql.rows(con, sql.queries("parts")["stayed"].format(made=made, keys=keys))
    kept = sql.view(con, "load_newest", sql.select(None, sql.name(made), less="_stays"))
    return kept, [Problem("older_value", table, "changed", count, tuple(shown))] if count else []


def _asked(table: str, columns: Collection[str], held: Held) -> dict[str, dict[str, Any]]:
    """Return what to know of each column that a file lacks: which files, whether any states it."""
    told, flagged = {}, [f for f, names in held.items() if STAYS["flag"] in names]
    for c in sorted(c for c in columns if c[0] != "_"):
        own = {c, f"{table}.{c.removesuffix('_raw')}"}
        lacks = [f for f, names in held.items() if not own & {*names}]
        stated = c in STAYS["amounts"] and len(lacks) < len(held)
        value = STAYS["amount" if c in STAYS["amounts"] else "value"]
        if lacks or c in STAYS["goods"] or c.endswith("_id"):
            each = {"c": sql.name(c), "id": c.endswith("_id"), "lacks": lacks}
            value = value.format(stated=stated, flagged=flagged, **each)
            told[c] = each | {"text": sql.text(c), "value": value}
    return told
