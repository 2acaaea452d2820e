"""A sheet of text cells becomes typed canonical rows, with everything that did not fit counted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ecomops.base.errors import DataError
from ecomops.base.packaged import packaged
from ecomops.data.formats import noticed, rules, spare, sql
from ecomops.data.formats.identities import check_identities
from ecomops.data.formats.numerals import COMMA, EITHER, POINT, written
from ecomops.data.formats.part import FOUR_PLACES, Part, main_table, possible, slots, value_of
from ecomops.data.formats.recognise import Candidate, matched
from ecomops.data.formats.registry import fold
from ecomops.data.formats.sheets import Sheet, staged
from ecomops.data.formats.totals import compare_totals
from ecomops.data.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ecomops.data.formats.part import Slot
    from ecomops.data.formats.registry import Format

FOOTER: str = packaged("data/formats/fixed.toml")["footer"]["words"]
FOOTER_BEGINS = "总合汇小全本当累所共gGtTsS#"
MOST_STRICT = 60
LABELS = 3
TOLD_IN = {"status", *rules.TIMES}
ORDERS = {"orders", "order_lines"}
OFFSETS = {"shopify", "woocommerce"}
YEAR_MONTHS = 12
NEEDS: Mapping[str, Sequence[str]] = packaged("data/formats/tables.toml")["needs"]
OFF_HOUR: Mapping[str, str] = packaged("data/formats/tables.toml")["off_hour"]
MANY_SPARE = 200


def typed(
    sheet: Sheet, candidate: Candidate, known: Mapping[str, Format], con: Any, *,
    zone: str | None = None, salt: str = "", keep_personal: bool = False,
) -> Part:  # fmt: skip
    """Return the rows of a sheet, typed by the rules of its layout.

    Raises `DataError` when columns the layout cannot do without are absent, when ids were rounded
    by a spreadsheet, or when the order of day and month cannot be told.
    """
    fmt = known[candidate.format]
    header = candidate.header_row - 1
    cells = _header(sheet, header)
    columns = matched(fmt, cells, known)
    part = Part(fmt, sheet.name, columns, slots(columns), header + 2, currency=_currency(cells))
    part.constants, part.several = dict(fmt.constants), bool(sheet.origin)
    part.spare = spare.spare_columns(part, keep_personal=keep_personal)
    part.quiet = spare.quiet_columns(part, sheet.head[header + 1 :])
    _refuse_missing(part)
    _repeat_merged(part, sheet)
    source, left_out = staged(sheet, con, header, len(cells))
    _tell_commas(part, source, con)
    around = rules.Cells(
        yuan=fmt.money == "CNY",
        zone=zone or (fmt.zone if fmt.money == "CNY" else None),
        serial_base=sheet.serial_base if sheet.kind == "excel" else None,
        day_first=_day_first(source, part, sheet, con),
        salt=salt,
    )
    strict = [s for s in part.fill if s.strict][:MOST_STRICT]
    said = _said(source, part, sheet.typed)
    wide = sql.table(con, "load_wide", _wide(said, part, strict, around, cells))
    part.zone = _zone_of(said, part, con) if zone is None else zone
    noticed.note_left_out(part, left_out, con)
    noticed.note_cells(part, strict, wide, said, around, con)
    noticed.refuse_rounded(part, wide, con)
    part.below = noticed.refunds_below(part, wide, con)
    noticed.note_spans(part, said, _note(part, [f"c{i}" for i in _labels(part)], cells), con)
    spare.drop_empty(part, wide, con)
    noticed.note_columns(part, keep_personal=keep_personal)
    _keep_rows(part, wide, _filled_first(wide, said, strict, con), con)
    compare_totals(part, wide, con)
    check_identities(part, con)
    if fmt.free_columns:
        spare.keep_free_columns(part, source, con)
    return part


def _header(sheet: Sheet, header: int) -> list[str]:
    cells = [cell.strip() for cell in sheet.head[header]]
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _refuse_missing(part: Part) -> None:
    fmt = part.fmt
    have = {f"{t.table}.{t.column}" for s in part.fill for t in [s.target]}
    asked = [
        f for f in fmt.required if not {f"{t.table}.{t.column}" for t in fmt.targets[f]} <= have
    ]
    lost = [next(h for h in (*fmt.headers, *fmt.optional) if fold(h) == f) for f in asked]
    for table, needs in NEEDS.items():
        if any(t.table == table for ts in fmt.targets.values() for t in ts):
            lost += [_wanted(fmt, n) for n in needs if not have & set(n.split("|"))]
    lost = [name for name in dict.fromkeys(lost) if name]
    if lost:
        shown = [c.name for c in part.columns if c.name]
        raise DataError(
            "missing_source_columns", file=part.name, format=fmt.id, missing=lost, available=shown
        )


def _repeat_merged(part: Part, sheet: Sheet) -> None:
    """Repeat what merged cells say of each of their rows, but for numbers, which count once."""
    told = {p for s in part.fill for p, r in zip(s.positions, s.rules, strict=True)
            if r not in rules.NUMBERS}  # fmt: skip
    for (top, left), (bottom, _) in sheet.merged:
        for row in (sheet.rows or [])[top + 1 : bottom + 1]:
            if left in told and top >= part.first_row - 1:
                row[left] = (sheet.rows or [])[top][left]


def _wanted(fmt: Format, need: str) -> str:
    """Return the source column that would have given one of the columns in `need`, if any."""
    places = set(need.split("|"))
    for header in (*fmt.headers, *fmt.optional):
        if any(f"{t.table}.{t.column}" in places for t in fmt.targets.get(fold(header), ())):
            return header
    return ""


def _origin(part: Part) -> tuple[str, ...]:
    """Return the columns that say which file a row is from, where several were read as one."""
    return ("o_name", "o_file", "o_row") if part.several else ()


def _labels(part: Part) -> list[int]:
    """Return where a total is called one: the first columns, of the layout too, states, times."""
    named = {fold(h) for h in part.fmt.headers[:LABELS]}
    named |= {c.folded for c in part.columns if {t.rule for t in c.targets} & TOLD_IN}
    return [c.position for c in part.columns if c.position < LABELS or c.folded in named]


def _said(source: str, part: Part, tidy: frozenset[int]) -> str:
    """Return the query of the wanted cells as text: ``v…``/``t…`` without words for "nothing"."""
    wanted = sorted({p for s in part.fill for p in s.positions} | set(_labels(part)))
    cells = {f"c{i}": f"c{i}" if i in tidy else rules.clean(f"c{i}") for i in wanted}
    beside = spare.spare_cells(part)
    clean = sql.select(cells | beside | {o: o for o in _origin(part)}, source)
    made = {c: c for c in (*(f"c{i}" for i in wanted), *beside, *_origin(part))}
    for slot in part.fill:
        tokens = rules.WORDS["no_text" if slot.letter == "t" else "nothing"]
        for p in slot.positions:
            made[f"{slot.letter}{p}"] = f"c{p}" if p in tidy else rules.present(f"c{p}", tokens)
    return sql.select(made, clean)


def _wide(
    said: str, part: Part, strict: Sequence[Slot], around: rules.Cells, cells: Sequence[str]
) -> str:
    """Return the query of typed values; ``_bad`` has a bit per column that did not parse."""
    values = {s.name: value_of(s, part, around) for s in part.fill}
    first = [f"c{i}" for i in _labels(part)]
    kept = {c: c for c in (*first, *(f"{s.letter}{p}" for s in strict for p in s.positions))}
    beside = spare.spare_cells(part)
    kept |= {c: c for c in (*_footer_cells(part), *_origin(part), *beside)}
    both = sql.select(values | kept, said)
    out = {s.name: possible(s) for s in part.fill}
    bits = [
        f"({s.said} IS NOT NULL AND {out[s.name]} IS NULL)::BIGINT << {i}"
        for i, s in enumerate(strict)
    ]
    any_bad = " OR ".join(f"({out[s.name]} IS NULL AND {s.said} IS NOT NULL)" for s in strict)
    either = " | ".join(f"({b})" for b in bits)
    out["_bad"] = f"CASE WHEN {any_bad} THEN {either} ELSE 0::BIGINT END" if bits else "0::BIGINT"
    out["_note"] = _note(part, first, cells)
    out |= {c: c for c in (*_origin(part), *beside)}
    return sql.select(out, both)


def _footer_cells(part: Part) -> list[str]:
    blank = [c for c in part.columns if c.folded in part.fmt.footer_blank]
    return [
        f"{s.letter}{c.position}" for c in blank for s in part.fill if c.position in s.positions
    ]


def _note(part: Part, first: Sequence[str], cells: Sequence[str]) -> str:
    """Return why a row is no data: ``total_row``, ``repeated_header`` or null."""
    begins = "list_contains([" + ", ".join(str(ord(c)) for c in FOOTER_BEGINS) + "], unicode({}))"
    totals = [
        f"CASE WHEN {begins.format(c)} THEN regexp_matches(lower({c}), {sql.text(FOOTER)}) END"
        for c in first
    ]
    totals += [f"{c} IS NULL" for c in _footer_cells(part)]
    same = [f"{c} = {sql.text(said)}" for c in first if (said := cells[int(c[1:])])]
    again = " AND ".join(same) if same else "false"
    return (
        f"CASE WHEN {again} THEN 'repeated_header' WHEN {' OR '.join(totals)} THEN 'total_row' END"
    )


def _currency(cells: Sequence[str]) -> str | None:
    pattern = r"\((USD|EUR|GBP|CNY|JPY|CAD|AUD|BRL|INR)\)"
    found = [m.group(1) for c in cells if (m := re.search(pattern, c))]
    return found[0] if found else None


def _day_first(source: str, part: Part, sheet: Sheet, con: Any) -> bool:
    """Return whether 01/02/2026 is the first of February, from dates that leave no doubt."""
    for slot in part.fill:
        if slot.target.rule not in {"ts", "ts_utc", "date"}:
            continue
        place = slot.positions[0]
        shown = [r[place] for r in sheet.head if place < len(r)]
        slashed = [c for c in shown if re.match(r"\s*\d{1,2}/\d{1,2}/\d{2,4}", c)]
        if not slashed:
            continue
        shape = r"'^\s*(\d{1,2})/(\d{1,2})/\d{2}'"
        parts = {
            c: f"max(try_cast(regexp_extract(c{place}, {shape}, {n}) AS INT))"
            for n, c in enumerate("ab", start=1)
        }
        first, second = sql.rows(con, sql.select(parts, source))[0]
        # in China 24/3/10 begins with the year, elsewhere with the day
        short = part.fmt.money == "CNY" and any(re.match(r"\s*\d+/\d+/\d\d\b", c) for c in slashed)
        same = (first > YEAR_MONTHS) == (second > YEAR_MONTHS)
        if part.several or same or (short and first > YEAR_MONTHS):  # each file has its own way
            name = part.columns[place].name
            raise DataError("ambiguous_dates", file=part.name, column=name, examples=slashed[:3])
        return bool(first > YEAR_MONTHS)
    return False


def _tell_commas(part: Part, source: str, con: Any) -> None:
    """Find the columns of numbers that say 1,5 for one and a half, as a whole file may do.

    Where a file has both ways, cells that may be either (1,234) of a column with both or neither
    are not read; elsewhere amounts with just three decimals are flagged: they may be thousands.
    Raises `DataError` when several files were read as one: each of them has its own way.
    """
    rule = {p: r for s in part.fill for p, r in zip(s.positions, s.rules, strict=True)
            if r in rules.NUMBERS}  # fmt: skip
    shape = COMMA.replace(r"|\d{4,}", "") if part.fmt.money == "CNY" else COMMA
    comma = _written(shape, source, {*rule}, con)
    if comma and part.several:
        raise DataError("unreadable_file", path=part.name, reason="1.234,50 / 1,234.50")
    point = _written(POINT, source, comma and {*rule}, con)
    loose = {p for p in rule if rule[p] not in {"int", "days"}}  # of a whole number 1,234 is sure
    part.mixed = frozenset(loose - (comma ^ point) if point else ())
    part.comma = frozenset(comma - point if point else comma and rule)
    if part.fmt.money == "CNY" and not comma:
        return
    exact = {p for s in part.fill if s.target.column in FOUR_PLACES for p in s.positions}
    for p in sorted(p for p in {*rule} - exact - part.mixed if rule[p].startswith("money")):
        cell, sign = sql.text(EITHER), "," if p in part.comma else "."
        hit = f"contains(c{p}, '{sign}') AND regexp_matches(c{p}, {cell})"
        few = {"n": "count(*)", "few": f"list_slice(list_sort(list(DISTINCT c{p})), 1, 3)"}
        ((count, shown),) = sql.rows(con, sql.select(few, source, where=hit))
        if count:
            told = tuple(f"{part.columns[p].name} = {each}" for each in shown)
            part.problems.append(
                Problem("three_decimals", main_table(part.fmt), "flagged", count, told)
            )


def _written(shape: str, source: str, places: set[int], con: Any) -> set[int]:
    """Return the columns of which a cell can only be written in the way of `shape`."""
    tests = {p: f"bool_or({written(shape, f'c{p}')})" for p in places}
    return {p for p, found in spare.by_position(source, tests, con).items() if found}


def _zone_of(said: str, part: Part, con: Any) -> str | None:
    """Return the zone that the offsets in the cells are in, None where cells state none."""
    if part.fmt.platform not in OFFSETS:
        return None
    times = [s for s in part.fill if s.target.rule == "ts"][:1]
    if not times:
        return None
    stated = f"replace(regexp_extract({times[0].said}, '[-+]\\d{{2}}:?\\d{{2}}$'), ':', '')"
    query = sql.select(
        {"h": f"DISTINCT {stated}"}, said, where=f"{times[0].said} IS NOT NULL", order="1"
    )
    offsets = [h for (h,) in sql.rows(con, query) if h]
    if len(offsets) > 1:
        shown = tuple(offsets[:3])
        part.problems.append(
            Problem("offsets_differ", main_table(part.fmt), "kept", len(offsets), shown)
        )
    if len(offsets) != 1:
        return None
    hours = int(offsets[0][:3])
    return OFF_HOUR.get(offsets[0], f"Etc/GMT{-hours:+d}" if hours else "UTC")


def _keep_rows(part: Part, wide: str, filled: int, con: Any) -> None:
    """Keep the data rows; leave out blank rows, totals, repeated headers and rows without a key."""
    blank = " AND ".join(f"{sql.name(s.name)} IS NULL" for s in part.fill) or "false"
    explains = f"rowid = 0 AND bit_count(_bad) * 2 >= {filled}" if filled else "false"
    reason = (
        f"CASE WHEN {blank} AND _bad = 0 AND _note IS NULL THEN 'blank_row' WHEN _note IS NOT NULL "
        f"THEN _note WHEN {explains} THEN 'explanation_row' "
        f"WHEN {_keyless(part)} THEN 'missing_key' END"
    )
    counts = {"reason": reason, "n": "count(*)", "at": "min(rowid)"}
    found = [] if filled else _plain_rows(part, wide, con)
    found = found or sql.rows(con, sql.select(counts, wide, group="1"))
    for why, count, at in found:
        if why is None:
            part.rows = count
        elif why != "blank_row":
            example = (part.name,) if part.several else (f"{part.name}: {at + part.first_row}",)
            part.problems.append(Problem(why, main_table(part.fmt), "dropped", count, example))
    kept = {s.name: "-" * (s.name in part.below) + sql.name(s.name) for s in part.fill}
    kept["_row"] = "o_row" if part.several else f"rowid + {part.first_row}"
    kept |= {o: o for o in _origin(part)[:2]}
    beside = {f"x{c.position}": spare.tidied(spare.spare_cell(part, c)) for c in part.spare}
    where = f"({reason}) IS NULL" if any(why for why, *_ in found) else ""
    part.table = sql.view(con, "load_part", sql.select(kept, wide, where=where))
    both = sql.select(kept | beside, wide, where=where)
    keep = sql.view if len(beside) < MANY_SPARE else sql.table  # each use of a view plans all of it
    part.beside = keep(con, "load_beside", both) if beside else part.table


def _plain_rows(part: Part, wide: str, con: Any) -> list[tuple[Any, ...]]:
    """Return the count of rows where each has a key and none a note: then no other cell matters."""
    plain = f"_note IS NULL AND NOT ({_keyless(part)})"
    if plain.endswith("(false)"):
        return []
    counts = {"n": "count(*)", "plain": f"count(*) FILTER ({plain})"}
    all_, kept = sql.rows(con, sql.select(counts, wide))[0]
    return [(None, all_, 0)] if all_ == kept else []


def _filled_first(wide: str, said: str, strict: Sequence[Slot], con: Any) -> int:
    """Return how many typed cells the first row has where some did not parse, else 0."""
    if not sql.rows(con, sql.select({"n": "1"}, wide, where="rowid = 0 AND _bad > 0")):
        return 0
    filled = " + ".join(f"({s.said} IS NOT NULL)::INT" for s in strict)
    return int(sql.rows(con, sql.select({"n": filled}, said, limit=1))[0][0])


def _keyless(part: Part) -> str:
    fmt = part.fmt
    keys = {t.table + "__" + t.column for h in fmt.required[:1] for t in fmt.targets[h]}
    slots_ = [s for s in part.fill if s.name in keys]
    if not slots_ or fmt.finish == "shopify":
        return "false"
    return " AND ".join(_no_key(s) for s in slots_)


def _no_key(slot: Slot) -> str:
    """Return whether a key says nothing; an order's number that is but Chinese words is a note."""
    key = sql.name(slot.name)
    if slot.target.rule not in rules.IDS or slot.target.table not in ORDERS:
        return f"{key} IS NULL"
    said = f"regexp_matches({key}, '^[^:\uff1a\\s]*[0-9A-Za-z]')"
    return f"({key} IS NULL OR {key} >= '\u2e80' AND NOT {said})"
