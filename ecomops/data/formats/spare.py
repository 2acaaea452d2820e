"""Columns that no canonical column takes: free ones of surveys, and spare ones kept as text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ecomops.data.formats import rules, sql
from ecomops.data.formats.canonical import completed
from ecomops.data.formats.merge import DOCUMENTS, places
from ecomops.data.formats.part import finest
from ecomops.data.formats.personal import is_personal
from ecomops.data.schema import tables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import ibis

    from ecomops.data.formats.part import Part
    from ecomops.data.formats.recognise import Matched
    from ecomops.data.formats.registry import Format

SUFFIX = "__extra"
BLANKS = " \t\r\n\u00a0\u3000\ufeff"
PROVENANCE = ("source_file", "source_row")
# What is left of a cell by these rules does not give it back.
LOSSY = {"email", "address1", "address2", "address3", "ip_region"}


def is_free(column: Matched, fmt: Format) -> bool:
    """Return whether a column is a question (or a search term) of the user's own."""
    if column.targets or not column.name or not fmt.free_columns:
        return False
    if fmt.finish == "google_trends":
        return any(re.search(p, column.folded) for p in fmt.patterns)
    return column.folded not in fmt.folded


def keep_free_columns(part: Part, source: str, con: Any) -> None:
    """Keep the columns a layout leaves free (questions, search terms) as text beside the part."""
    free = [c for c in part.columns if is_free(c, part.fmt)]
    cells = {f"_free{c.position}": rules.clean(f"c{c.position}") for c in free}
    numbered = {"_place": "row_number() OVER ()", **cells}
    part.free = sql.table(con, "load_free", sql.select(numbered, source)) if cells else ""


def open_columns(part: Part) -> tuple[list[Matched], list[Matched]]:
    """Return the columns that are mapped to nothing, and those that tell who a buyer is.

    A personal column counts as well when the rules keep only a part of it (a city, a hash).
    """
    named = [c for c in part.columns if c.name and not is_free(c, part.fmt)]
    personal = [c for c in named if is_personal(c.name) and {t.rule for t in c.targets} <= LOSSY]
    return [c for c in named if not c.targets and c not in personal], personal


def spare_columns(part: Part, *, keep_personal: bool) -> tuple[Matched, ...]:
    """Return the columns to keep as text beside the table that has a row per row of the file."""
    others, personal = open_columns(part)
    kept = [*others, *(personal if keep_personal else ())]
    return tuple(kept) if finest(part.fmt) else ()


def quiet_columns(part: Part, shown: Sequence[Sequence[str]]) -> tuple[int, ...]:
    """Return the positions of spare columns without a cell in the first rows of the file."""
    told = {i for row in shown for i, cell in enumerate(row) if cell.strip()}
    return tuple(c.position for c in part.spare if c.position not in told) if shown else ()


def spare_cells(part: Part) -> dict[str, str]:
    """Return the cells of spare columns as they are: most columns turn out to be empty."""
    cells = {f"x{c.position}": f"c{c.position}" for c in part.spare if c.position not in part.quiet}
    if part.quiet:
        listed = ", ".join(f"c{p}" for p in part.quiet)
        cells["_quiet"] = f"CASE WHEN coalesce({listed}) IS NOT NULL THEN [{listed}] END"
    return cells


def spare_cell(part: Part, column: Matched) -> str:
    """Return the SQL of a spare cell among the typed rows."""
    if column.position not in part.quiet:
        return f"x{column.position}"
    return f"_quiet[{part.quiet.index(column.position) + 1}]"


def tidied(x: str) -> str:
    """Return a spare cell without blanks and wrapping, null where there is nothing."""
    bare = f"nullif(trim({x}, {sql.text(BLANKS)}), '')"
    slow = f"CASE WHEN starts_with({x}, '=') THEN {rules.clean(x)} ELSE {bare} END"
    tidy = f"nullif(CASE WHEN {rules.untidy(x)} THEN {slow} ELSE {x} END, '')"
    return rules.filled(x, tidy)


def drop_empty(part: Part, wide: str, con: Any) -> None:
    """Forget the spare columns that hold nothing in any row."""
    if part.quiet and not sql.rows(con, sql.select({"n": "count(_quiet)"}, wide))[0][0]:
        part.spare = tuple(c for c in part.spare if c.position not in part.quiet)
    first = {c.position: f"any_value({spare_cell(part, c)})" for c in part.spare}
    told = by_position(wide, first, con)
    plain = {p for p, cell in told.items() if re.match(r"\w", cell or "")}
    doubtful = [c for c in part.spare if told[c.position] is not None and c.position not in plain]
    counts = {c.position: f"count({tidied(spare_cell(part, c))})" for c in doubtful}
    plain |= {p for p, n in by_position(wide, counts, con).items() if n}
    part.spare = tuple(c for c in part.spare if c.position in plain)


def by_position(source: str, asked: Mapping[int, str], con: Any) -> dict[int, Any]:
    """Return what aggregates over a table give, by position of the column they are of."""
    query = sql.select({f"x{p}": aggregate for p, aggregate in asked.items()}, source)
    return dict(zip(asked, sql.rows(con, query)[0], strict=True)) if asked else {}


def extra_rows(
    name: str, rows: ibis.Table, parts: Sequence[Part], currency: str | None, con: Any
) -> ibis.Table | None:
    """Return the spare columns of a canonical table's rows: its key, where from, and the text.

    One row per row of the canonical table that has any; None where no file has spare columns.
    """
    pieces = [_piece(part) for part in parts if part.spare and finest(part.fmt) == name]
    if not pieces:
        return None
    schema = tables()[name]
    told = (*DOCUMENTS.get(name, ()), *schema.key, *(c for c in PROVENANCE if c in schema.columns))
    keys = {c: f"f.{sql.name(c)}" for c in dict.fromkeys(told)}
    final = f"({completed(name, rows, currency, also=('_file', '_row'))}) AS f"
    joined = f"{final} JOIN ({' UNION ALL BY NAME '.join(pieces)}) AS e USING (_file, _row)"
    query = sql.select(keys | {"*": "e.* EXCLUDE (_file, _row)"}, joined)
    return con.table(sql.view(con, f"loaded_{name}{SUFFIX}", query))


def _piece(part: Part) -> str:
    """Return the spare cells of a part under their own names, clear of canonical ones."""
    taken = {"_file", "_row", *PROVENANCE, *tables()[finest(part.fmt) or ""].columns}
    named = {
        c.name + ("_source" if c.name.casefold() in taken else ""): f"x{c.position}"
        for c in part.spare
    }
    return sql.select(places(part) | named, sql.name(part.beside))
