"""Several files of one shop become one set of rows: the newest export of a document wins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.operations as ops

from ecomops.base.packaged import packaged
from ecomops.data.formats import sql
from ecomops.data.formats.lacking import held_by, with_lacking
from ecomops.data.formats.part import response_of, survey_of
from ecomops.data.problems import Problem
from ecomops.data.schema import tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ecomops.data.formats.lacking import Held
    from ecomops.data.formats.part import Part

OWN_WAY = {"google_trends", "shopify", "woocommerce"}  # what these finish is merged there
LINE = "order_lines__order_line_id"
TYPES: Mapping[str, str] = packaged("data/formats/tables.toml")["types"]
DOCUMENTS: Mapping[str, Sequence[str]] = packaged("data/formats/tables.toml")["documents"]


def key_of(table: str, columns: Iterable[str]) -> tuple[str, ...]:
    """Return the columns that say which document a row belongs to, as far as they are there."""
    wanted = DOCUMENTS.get(table) or (tables()[table].key if table in tables() else ())
    have = set(columns)
    return tuple(c for c in wanted if c in have)


def merged(parts: Sequence[Part], con: Any) -> tuple[dict[str, ibis.Table], list[Problem]]:
    """Return the rows of parts (oldest first) by table, each document from its newest file."""
    pieces: dict[str, list[str]] = {}
    for part in parts:
        for table in dict.fromkeys(s.target.table for s in part.fill):
            pieces.setdefault(table, []).append(canonical(part, table))
    done: dict[str, ibis.Table] = {}
    told: dict[tuple[Any, ...], Problem] = {}
    for table, queries in pieces.items():
        make = sql.view if len(queries) == 1 else sql.table
        made = make(con, "load_merged", " UNION ALL BY NAME ".join(queries))
        columns = con.table(made).columns
        several = len(queries) > 1 or any(part.several for part in parts)
        if several and not all(part.fmt.finish in OWN_WAY for part in parts):
            made, overlap = newest(table, made, columns, con, held_by(parts))
            by = tuple(p.index for p in parts if any(s.target.table == table for s in p.fill))
            for each in overlap:  # a row that feeds two tables is still one row
                key = (*by, each.code)
                told[key] = max(told.get(key, each), each, key=lambda p: p.count)
        if "_line" in columns:
            made = sql.view(con, "load_merged", sql.select(None, sql.name(made), less="_line"))
        done[table] = con.table(made)
    return done, [*told.values()]


def canonical(part: Part, table: str) -> str:
    """Return the query of one canonical (or private) table of a part, with its constants."""
    own = {s.target.column: sql.name(s.name) for s in part.fill if s.target.table == table}
    schema = tables().get(table)
    for (place, column), value in part.constants.items():
        if place == table and column not in own:
            kind = sql_type(schema.columns[column].dtype) if schema else "VARCHAR"
            own[column] = f"{sql.text(value)}::{kind}"
        elif place == table:
            own[column] = f"coalesce({own[column]}, {sql.text(value)})"
    if table == "surveys":
        own |= {"response_id": response_of(part), "survey_id": sql.text(survey_of(part))}
    own |= {
        **places(part),
        "_source": "o_name" if part.several else sql.text(part.name),
        "_format": sql.text(part.fmt.id),
        "_platform": sql.text(part.fmt.platform),
    }
    if any(s.name == LINE for s in part.fill):
        own["_line"] = LINE
    return sql.select(own, sql.name(part.table))


def places(part: Part) -> dict[str, str]:
    """Return which file of the load and which record of it a row of a part is."""
    file = f"({part.index}{' + o_file' if part.several else ''})::BIGINT"
    return {"_row": "_row", "_file": file}


def sql_type(kind: Any) -> str:
    """Return the engine's name of a canonical type."""
    if kind.is_decimal():
        return f"DECIMAL({kind.precision},{kind.scale})"
    return TYPES.get(str(kind), "TIMESTAMP")


def newest(
    table: str, made: str, columns: Sequence[str], con: Any, held: Held | None = None
) -> tuple[str, list[Problem]]:
    """Keep only the rows of the newest file of each document; say how many were left out.

    An order whose lines all have an id of the platform's own (`_line`) is taken line by line. What
    a file has no column for stays as older ones say it; `held` says what each file has.
    Returns the name of the table that holds the rows.
    """
    key = key_of(table, columns)
    if not key:
        return made, []
    known = " AND ".join(f"{sql.name(c)} IS NOT NULL" for c in key)
    group = ", ".join(sql.name(c) for c in key)
    old = f"{known} AND _file < max(_file) OVER (PARTITION BY {group})"
    if "_line" in columns and key == ("order_id",):  # an order may be split over files
        bare = f"bool_or(_line IS NULL) OVER (PARTITION BY {group})"
        old += f" AND ({bare} OR _file < max(_file) OVER (PARTITION BY {group}, _line))"
    marked = sql.select({"*": "*", "_old": old}, sql.name(made))
    (count,) = sql.rows(con, sql.select({"n": "count(*)"}, marked, where="_old"))[0]
    if not count:
        return made, []
    kept, stayed = with_lacking(table, marked, columns, held or {}, con)
    # without ids of their own rows of a document cannot be told apart: said where there were more
    sizes = {"d": f"({group})", "n": "count(*)", "old": "bool_and(_old)"}
    gap = {"n": "max(n) FILTER (old) - max(n) FILTER (NOT old)"}
    gaps = sql.select(gap, sql.select(sizes, marked, group=f"{group}, _file"), group="d")
    (gone,) = sql.rows(con, sql.select({"n": "sum(n) FILTER (n > 0)"}, gaps))[0]
    found = {"overlap": ("changed", count), "rows_gone": ("flagged", int(gone or 0))}
    return kept, [Problem(code, table, *each) for code, each in found.items() if each[1]] + stayed


def joined(
    table: str, pieces: Sequence[ibis.Table], con: Any, held: Held
) -> tuple[str, list[Problem]]:
    """Return the finished rows of one canonical table from several platforms, keys unique."""
    queries = [sql.select(None, "(" + str(ibis.to_sql(p, dialect="duckdb")) + ")") for p in pieces]
    keep = sql.view if len(pieces) == 1 and _cheap(pieces[0]) else sql.table
    made = keep(con, "load_joined", " UNION ALL BY NAME ".join(queries))
    columns = con.table(made).columns
    problems: list[Problem] = []
    if len(queries) > 1:
        made, problems = newest(table, made, columns, con, held)
    return made, problems


def _cheap(rows: ibis.Table) -> bool:
    """Return whether each row can be made again from one row of what is kept."""
    return not rows.op().find((ops.JoinChain, ops.Aggregate, ops.WindowFunction, ops.Union))


def unique(table: str, made: str, con: Any, key: Sequence[str] = ()) -> tuple[str, list[Problem]]:
    """Return one row per key (the table's own): the last one, and how many were left out."""
    columns = con.table(made).columns
    key = key or [c for c in tables()[table].key if c in columns]
    if not key:
        return made, []
    group = ", ".join(sql.name(c) for c in key)
    counted = {c: sql.name(c) for c in key} | {"_n": "count(*)"}
    again = sql.select(counted, sql.name(made), group=group)
    (extra,) = sql.rows(con, sql.select({"n": "coalesce(sum(_n - 1), 0)"}, again))[0]
    if not extra:
        return made, []
    shown = {c: sql.name(c) for c in key}
    few = sql.rows(con, sql.select(shown, again, where="_n > 1", order="ALL", limit=3))
    place = f"row_number() OVER (PARTITION BY {group} ORDER BY _file DESC, _row DESC) = 1"
    kept = sql.table(con, "load_unique", sql.select(None, sql.name(made), qualify=place))
    examples = tuple(" · ".join(map(str, row)) for row in few)
    return kept, [Problem("duplicate_key", table, "changed", int(extra), examples)]
