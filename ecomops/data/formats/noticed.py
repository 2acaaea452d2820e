"""What is wrong with the cells and columns of a sheet: counted, with examples, or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ecomops.base.errors import DataError
from ecomops.data.formats import rules, sql
from ecomops.data.formats.part import finest, main_table, possible, value_of
from ecomops.data.formats.spare import open_columns
from ecomops.data.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecomops.data.formats.part import Part, Slot

CHANCE = 8  # zeros in a row at the places a spreadsheet loses: one chance in 10^8


def note_left_out(part: Part, left_out: Sequence[str], con: Any) -> None:
    """Say which rows had too many or too few cells; `left_out` may name the engine's rejects."""
    if left_out and left_out[0].startswith("load_rejects"):
        query = sql.select({"line": "DISTINCT line"}, sql.name(left_out[0]), order="1")
        left_out = [str(line) for (line,) in sql.rows(con, query)]
    if left_out:
        rows = tuple(n if part.several else f"{part.name}: {n}" for n in left_out[:3])
        part.problems.append(
            Problem("ragged_row", main_table(part.fmt), "dropped", len(left_out), rows)
        )


def note_cells(
    part: Part, strict: Sequence[Slot], wide: str, said: str, around: rules.Cells, con: Any
) -> None:
    """Count the cells that did not parse; refuse when they are ids a spreadsheet has rounded."""
    counts = {"bad": "_bad", "n": "count(*)", "at": "min(rowid)"}
    by = sql.rows(con, sql.select(counts, wide, where="_bad > 0 AND _note IS NULL", group="_bad"))
    told: set[tuple[int, ...]] = set()
    for bit, slot in enumerate(strict):
        if slot.positions in told:  # one cell may fill two columns
            continue
        told.add(slot.positions)
        hits = [(n, at) for bad, n, at in by if bad >> bit & 1]
        if not hits:
            continue
        tried = sql.select({"cell": slot.said, slot.name: value_of(slot, part, around)}, said)
        lost = f"cell IS NOT NULL AND ({possible(slot)}) IS NULL"
        few = sql.select({"cell": "DISTINCT cell"}, tried, where=lost, order="1", limit=3)
        shown = tuple(cell for (cell,) in sql.rows(con, few))
        count, row = sum(n for n, _ in hits), min(at for _, at in hits) + part.first_row
        column = part.columns[slot.positions[0]].name
        if slot.target.rule in rules.IDS:
            raise _rounded(part, column, count, row, shown)
        examples = tuple(f"{column} = {cell}" for cell in shown)
        part.problems.append(
            Problem("unreadable_cell", slot.target.table, "flagged", count, examples)
        )


def _rounded(part: Part, column: str, count: int, row: int, shown: Sequence[str]) -> DataError:
    told = {"column": column, "count": count, "row": row, "examples": shown}
    return DataError("rounded_ids_file", file=part.name, **told)


def refuse_rounded(part: Part, wide: str, con: Any) -> None:
    """Raise when every long id ends in zeros: a spreadsheet keeps fifteen digits, no more."""
    for slot in part.fill:
        if slot.target.rule not in rules.IDS:
            continue
        x = sql.name(slot.name)
        long = f"strlen({x}) > 15 AND regexp_matches({x}, '^\\d{{16,}}$')"
        whole = sql.select({"n": "1"}, wide, where=f"{long} AND NOT suffix({x}, '0')", limit=1)
        if sql.rows(con, whole):
            continue
        zeros = f"count(*) FILTER (ltrim(substr({x}, 16), '0') = '')"
        seen = {"n": "count(*)", "zeros": zeros, "digits": f"coalesce(sum(length({x}) - 15), 0)"}
        n, rounded, digits = sql.rows(con, sql.select(seen, wide, where=long))[0]
        if n and n == rounded and digits >= CHANCE:
            shown = sql.rows(
                con, sql.select({"x": f"DISTINCT {x}"}, wide, where=long, order="1", limit=3)
            )
            column = part.columns[slot.positions[0]].name
            raise _rounded(part, column, n, part.first_row, [v for (v,) in shown])


def refunds_below(part: Part, wide: str, con: Any) -> frozenset[str]:
    """Return the columns that say refunds below zero throughout; both signs are only flagged."""
    found: set[str] = set()
    for slot in part.fill:
        if slot.target.column.endswith("refund_amount"):
            table, x = slot.target.table, sql.name(slot.name)
            told = {"n": f"count_if({x} < 0)", "above": f"count_if({x} > 0)", "least": f"min({x})"}
            ((count, above, least),) = sql.rows(con, sql.select(told, wide, where="_note IS NULL"))
            found |= {slot.name} if count and not above else set()
            if count:
                shown = (f"{part.columns[slot.positions[0]].name} = {least}",)
                action = "flagged" if above else "changed"
                part.problems.append(Problem("refund_below", table, action, count, shown))
    return frozenset(found)


def note_spans(part: Part, said: str, note: str, con: Any) -> None:
    """Flag rows over several days: they are totals, dated on their first day.

    `note` is the SQL of why a row is no data, null where it is.
    """
    until = [s.said for s in part.fill if s.target.column == "until"]
    for slot in part.fill:
        if slot.target.rule == "date" and slot.target.column != "until":
            text = f"concat_ws(' ~ ', {', '.join([slot.said, *until])})" if until else slot.said
            query = sql.queries("parts")["spans"].format(text=text, said=said, note=note)
            ((count, shown),) = sql.rows(con, query)
            if count:
                table = slot.target.table
                part.problems.append(Problem("period_total", table, "flagged", count, tuple(shown)))


def note_columns(part: Part, *, keep_personal: bool) -> None:
    """Say which columns tell who a buyer is, and which have no place in the canonical tables."""
    others, personal = open_columns(part)
    main, kept = main_table(part.fmt), {c.position for c in part.spare}
    if personal:
        action = "kept" if keep_personal else "dropped"
        names = tuple(sorted(c.name for c in personal))
        part.problems.append(Problem("personal_column", main, action, len(names), names))
    told = tuple(c.name for c in others if not finest(part.fmt) or c.position in kept)
    if told:
        action = "kept" if finest(part.fmt) else "flagged"
        part.problems.append(Problem("unmapped_column", main, action, len(told), told))
