"""A sheet of text cells becomes typed canonical rows, with everything that did not fit counted."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ecomops.base.errors import DataError
from ecomops.data.formats import rules, sql
from ecomops.data.formats.finish_wide import is_free, keep_free_columns
from ecomops.data.formats.personal import is_personal
from ecomops.data.formats.recognise import Candidate, Matched, matched
from ecomops.data.formats.registry import fold
from ecomops.data.formats.sheets import Sheet, staged
from ecomops.data.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ecomops.data.formats.registry import Format, Target

FOOTER = (
    r"^(总计|合计|汇总|小计|总和|全部汇总|grand total|totals?|total:.*|总计[:：].*|合计[:：].*"
    r"|#[-=\s]*|#.*(结束|合计|总计).*)$"
)
FOUR_PLACES = {"unit_price", "ref_cpc", "cost"}
MOST_STRICT = 60
CHANCE = 8  # zeros in a row at the places a spreadsheet loses: one chance in 10^8
OFFSETS = {"shopify", "woocommerce"}
TIMES = {"ts", "ts_utc", "ts_or_order_id", "date"}
FIRST_YEAR, LAST_YEAR = 1990, 2100
YEAR_MONTHS = 12


@dataclass
class Part:
    """The typed rows of one sheet: one engine table, and what was noticed on the way.

    The table has a column ``<table>__<column>`` per canonical column and ``_row``, the record's
    1-based number in the file.
    """

    fmt: Format
    name: str
    columns: tuple[Matched, ...]
    fill: tuple[Slot, ...]
    first_row: int
    table: str = ""
    rank: tuple[str, str, str] = ("", "", "")
    problems: list[Problem] = field(default_factory=list)
    currency: str | None = None
    rows: int = 0
    index: int = 0
    constants: dict[tuple[str, str], object] = field(default_factory=dict)
    zone: str | None = None
    free: str = ""
    files: int = 1
    several: bool = False


@dataclass(frozen=True)
class Slot:
    """One canonical column to fill from source positions by a rule."""

    target: Target
    positions: tuple[int, ...]
    rules: tuple[str, ...]

    @property
    def name(self) -> str:
        """The column in the part's table."""
        return f"{self.target.table}__{self.target.column}"

    @property
    def strict(self) -> bool:
        """Whether a cell that does not parse is a problem."""
        return rules.RULES[self.target.rule][1]

    @property
    def letter(self) -> str:
        """Which spelling of "nothing" counts: that of plain text or that of values."""
        return "t" if self.target.rule in rules.TEXTS else "v"

    @property
    def said(self) -> str:
        """The text the value is made from."""
        cells = [f"{self.letter}{p}" for p in self.positions]
        return f"coalesce({', '.join(cells)})" if len(cells) > 1 else cells[0]


def slots(columns: Sequence[Matched]) -> tuple[Slot, ...]:
    """Return the canonical columns a sheet fills, each with its source positions in order."""
    found: dict[tuple[str, str], list[tuple[Target, int]]] = {}
    for column in columns:
        for target in column.targets:
            found.setdefault((target.table, target.column), []).append((target, column.position))
    return tuple(
        Slot(ways[0][0], tuple(p for _, p in ways), tuple(t.rule for t, _ in ways))
        for ways in found.values()
    )


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
    _refuse_missing(part)
    source, left_out = staged(sheet, con, header, len(cells))
    around = rules.Cells(
        zone=zone,
        serial_base=sheet.serial_base if sheet.kind == "excel" else None,
        day_first=_day_first(source, part, sheet, con),
        salt=salt,
    )
    strict = [s for s in part.fill if s.strict][:MOST_STRICT]
    said = _said(source, part, sheet.typed)
    wide = sql.table(con, "load_wide", _wide(said, part, strict, around, cells))
    part.zone = _zone_of(said, part, con) if zone is None else zone
    _note_left_out(part, left_out, con)
    _note_cells(part, strict, wide, said, around, con)
    _refuse_rounded(part, wide, con)
    _note_spans(part, said, con)
    _note_columns(part, keep_personal=keep_personal)
    _keep_rows(part, wide, strict, con)
    if fmt.free_columns:
        keep_free_columns(part, source, con)
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


# Columns without which a table says nothing (one of those between bars), where the layout has them.
NEEDS = {
    "orders": (
        "orders.paid_amount|order_lines.line_paid_amount|_olist_orders.order_id",
        "orders.created_at|orders.paid_at|order_lines.created_at|order_lines.paid_at",
    ),
    "order_lines": ("order_lines.quantity|order_lines.line_paid_amount",),
    "traffic_daily": ("traffic_daily.visitors|traffic_daily.pageviews",),
    "ad_reports": ("ad_reports.spend",),
    "_uci": ("_uci.quantity", "_uci.unit_price", "_uci.at", "_uci.product_id"),
}


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


def _said(source: str, part: Part, tidy: frozenset[int]) -> str:
    """Return the query of the wanted cells as text: ``v…``/``t…`` without words for "nothing"."""
    wanted = sorted(
        {p for s in part.fill for p in s.positions} | set(range(min(3, len(part.columns))))
    )
    cells = {f"c{i}": f"c{i}" if i in tidy else rules.clean(f"c{i}") for i in wanted}
    clean = sql.select(cells | {o: o for o in _origin(part)}, source)
    made = {f"c{i}": f"c{i}" for i in wanted} | {o: o for o in _origin(part)}
    for slot in part.fill:
        tokens = rules.MISSING_TEXT if slot.letter == "t" else rules.MISSING
        for p in slot.positions:
            made[f"{slot.letter}{p}"] = f"c{p}" if p in tidy else rules.present(f"c{p}", tokens)
    return sql.select(made, clean)


def _wide(
    said: str, part: Part, strict: Sequence[Slot], around: rules.Cells, cells: Sequence[str]
) -> str:
    """Return the query of typed values; ``_bad`` has a bit per column that did not parse."""
    values = {s.name: _value(s, part, around) for s in part.fill}
    first = [f"c{i}" for i in range(min(3, len(part.columns)))]
    kept = {c: c for c in dict.fromkeys((*first, *(c for s in strict for c in _cells(s))))}
    kept |= {c: c for c in (*_footer_cells(part), *_origin(part))}
    both = sql.select(values | kept, said)
    out = {s.name: _possible(s) for s in part.fill}
    bits = [
        f"({s.said} IS NOT NULL AND {out[s.name]} IS NULL)::BIGINT << {i}"
        for i, s in enumerate(strict)
    ]
    filled = [f"({s.said} IS NOT NULL)::INT" for s in strict]
    out["_bad"] = " | ".join(f"({b})" for b in bits) or "0::BIGINT"
    out["_filled"] = " + ".join(filled) or "0"
    out["_note"] = _note(part, first, cells)
    out |= {o: o for o in _origin(part)}
    return sql.select(out, both)


def _possible(slot: Slot) -> str:
    """Return a value, but not a day that no shop's file can be about."""
    value = sql.name(slot.name)
    if slot.target.rule not in TIMES:
        return value
    return f"CASE WHEN year({value}) BETWEEN {FIRST_YEAR} AND {LAST_YEAR} THEN {value} END"


def _cells(slot: Slot) -> list[str]:
    return [f"{slot.letter}{p}" for p in slot.positions]


def _footer_cells(part: Part) -> list[str]:
    blank = [c for c in part.columns if c.folded in part.fmt.footer_blank]
    return [
        f"{s.letter}{c.position}" for c in blank for s in part.fill if c.position in s.positions
    ]


def _value(slot: Slot, part: Part, around: rules.Cells) -> str:
    scale = 4 if slot.target.column in FOUR_PLACES else part.fmt.money_scale
    found = []
    for position, rule in zip(slot.positions, slot.rules, strict=True):
        percent = bool(re.search("[%％]", part.columns[position].name))
        own = replace(around, scale=scale, percent=percent)
        found.append(rules.RULES[rule][0](f"{slot.letter}{position}", own))
    if set(slot.rules) == {"money_in", "money_out"}:
        both = " + ".join(f"coalesce({value}, 0)" for value in found)
        return f"CASE WHEN coalesce({', '.join(found)}) IS NOT NULL THEN {both} END"
    return f"coalesce({', '.join(found)})" if len(found) > 1 else found[0]


def _note(part: Part, first: Sequence[str], cells: Sequence[str]) -> str:
    """Return why a row is no data: ``total_row``, ``repeated_header`` or null."""
    totals = [f"regexp_matches(lower({c}), {sql.text(FOOTER)})" for c in first]
    totals += [f"{c} IS NULL" for c in _footer_cells(part)]
    same = [f"{c} = {sql.text(cells[i])}" for i, c in enumerate(first) if cells[i]]
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
        parts = {
            c: f"max(try_cast(regexp_extract(c{place}, '{p}', 1) AS INT))"
            for c, p in (
                ("a", r"^\s*(\d{1,2})/\d{1,2}/\d{2}"),
                ("b", r"^\s*\d{1,2}/(\d{1,2})/\d{2}"),
            )
        }
        first, second = sql.rows(con, sql.select(parts, source))[0]
        if (first > YEAR_MONTHS) == (second > YEAR_MONTHS):
            name = part.columns[place].name
            raise DataError("ambiguous_dates", file=part.name, column=name, examples=slashed[:3])
        return bool(first > YEAR_MONTHS)
    return False


def _zone_of(said: str, part: Part, con: Any) -> str | None:
    """Return the zone that the offsets in the cells are in, None where cells state none."""
    if part.fmt.platform not in OFFSETS:
        return None
    times = [s for s in part.fill if s.target.rule == "ts"][:1]
    if not times:
        return None
    stated = f"regexp_extract({times[0].said}, '([-+]\\d{{2}}):?00$', 1)"
    query = sql.select(
        {"h": f"DISTINCT {stated}"}, said, where=f"{times[0].said} IS NOT NULL", order="1"
    )
    hours = [h for (h,) in sql.rows(con, query) if h]
    if len(hours) > 1:
        shown = tuple(hours[:3])
        part.problems.append(Problem("offsets_differ", _main(part.fmt), "kept", len(hours), shown))
    if len(hours) != 1:
        return None
    return f"Etc/GMT{-int(hours[0]):+d}" if int(hours[0]) else "UTC"


def _main(fmt: Format) -> str:
    return fmt.tables[0] if fmt.tables else fmt.id


def _note_left_out(part: Part, left_out: Sequence[str], con: Any) -> None:
    if left_out and left_out[0].startswith("load_rejects"):
        query = sql.select({"line": "DISTINCT line"}, sql.name(left_out[0]), order="1")
        left_out = [str(line) for (line,) in sql.rows(con, query)]
    if left_out:
        rows = tuple(n if part.several else f"{part.name}: {n}" for n in left_out[:3])
        part.problems.append(Problem("ragged_row", _main(part.fmt), "dropped", len(left_out), rows))


def _note_cells(
    part: Part, strict: Sequence[Slot], wide: str, said: str, around: rules.Cells, con: Any
) -> None:
    """Count the cells that did not parse; refuse when they are ids a spreadsheet has rounded."""
    counts = {"bad": "_bad", "n": "count(*)", "at": "min(rowid)"}
    by = sql.rows(con, sql.select(counts, wide, where="_bad > 0 AND _note IS NULL", group="_bad"))
    for bit, slot in enumerate(strict):
        hits = [(n, at) for bad, n, at in by if bad >> bit & 1]
        if not hits:
            continue
        tried = sql.select({"cell": slot.said, slot.name: _value(slot, part, around)}, said)
        lost = f"cell IS NOT NULL AND ({_possible(slot)}) IS NULL"
        few = sql.select({"cell": "DISTINCT cell"}, tried, where=lost, order="1", limit=3)
        shown = tuple(cell for (cell,) in sql.rows(con, few))
        count, row = sum(n for n, _ in hits), min(at for _, at in hits) + part.first_row
        column = part.columns[slot.positions[0]].name
        if slot.target.rule in rules.IDS:
            raise DataError(
                "rounded_ids_file",
                file=part.name,
                column=column,
                count=count,
                row=row,
                examples=shown,
            )
        examples = tuple(f"{column} = {cell}" for cell in shown)
        part.problems.append(
            Problem("unreadable_cell", slot.target.table, "flagged", count, examples)
        )


def _refuse_rounded(part: Part, wide: str, con: Any) -> None:
    """Raise when every long id ends in zeros: a spreadsheet keeps fifteen digits, no more."""
    for slot in part.fill:
        if slot.target.rule not in rules.IDS:
            continue
        x = sql.name(slot.name)
        long = f"regexp_matches({x}, '^\\d{{16,}}$')"
        zeros = f"count(*) FILTER (ltrim(substr({x}, 16), '0') = '')"
        seen = {"n": "count(*)", "zeros": zeros, "digits": f"coalesce(sum(length({x}) - 15), 0)"}
        n, rounded, digits = sql.rows(con, sql.select(seen, wide, where=long))[0]
        if n and n == rounded and digits >= CHANCE:
            shown = sql.rows(
                con, sql.select({"x": f"DISTINCT {x}"}, wide, where=long, order="1", limit=3)
            )
            raise DataError(
                "rounded_ids_file", file=part.name, column=part.columns[slot.positions[0]].name,
                count=n, row=part.first_row, examples=[v for (v,) in shown],
            )  # fmt: skip


def _note_spans(part: Part, said: str, con: Any) -> None:
    """Flag rows over several days: they are totals, dated on their first day."""
    for slot in part.fill:
        if slot.target.rule == "date":
            ends = f"regexp_extract_all({slot.said}, '\\d{{8}}|\\d{{4}}-\\d{{2}}-\\d{{2}}')"
            few = {
                "n": "count(*)",
                "few": f"list_slice(list_sort(list(DISTINCT {slot.said})), 1, 3)",
            }
            query = sql.select(few, said, where=f"length({ends}) = 2 AND {ends}[1] <> {ends}[2]")
            count, shown = sql.rows(con, query)[0]
            if count:
                table = slot.target.table
                part.problems.append(Problem("period_total", table, "flagged", count, tuple(shown)))


def _note_columns(part: Part, *, keep_personal: bool) -> None:
    open_ = [c for c in part.columns if not c.targets and c.name and not is_free(c, part.fmt)]
    unmapped = [c.name for c in open_]
    personal = sorted(c for c in unmapped if is_personal(c))
    others = [c for c in unmapped if not is_personal(c)]
    main = _main(part.fmt)
    if personal and not keep_personal:
        part.problems.append(
            Problem("personal_column", main, "dropped", len(personal), tuple(personal))
        )
    if others:
        part.problems.append(
            Problem("unmapped_column", main, "flagged", len(others), tuple(others))
        )


def _keep_rows(part: Part, wide: str, strict: Sequence[Slot], con: Any) -> None:
    """Keep the data rows; leave out blank rows, totals, repeated headers and rows without a key."""
    blank = " AND ".join(f"{sql.name(s.name)} IS NULL" for s in part.fill) or "false"
    explains = "rowid = 0 AND _bad > 0 AND bit_count(_bad) * 2 >= _filled" if strict else "false"
    reason = (
        f"CASE WHEN {blank} AND _bad = 0 AND _note IS NULL THEN 'blank_row' WHEN _note IS NOT NULL "
        f"THEN _note WHEN {explains} THEN 'explanation_row' "
        f"WHEN {_keyless(part)} THEN 'missing_key' END"
    )
    counts = {"reason": reason, "n": "count(*)", "at": "min(rowid)"}
    for why, count, at in sql.rows(con, sql.select(counts, wide, group="1")):
        if why is None:
            part.rows = count
        elif why != "blank_row":
            example = (part.name,) if part.several else (f"{part.name}: {at + part.first_row}",)
            part.problems.append(Problem(why, _main(part.fmt), "dropped", count, example))
    kept = {s.name: sql.name(s.name) for s in part.fill}
    kept["_row"] = "o_row" if part.several else f"rowid + {part.first_row}"
    kept |= {o: o for o in _origin(part)[:2]}
    part.table = sql.view(con, "load_part", sql.select(kept, wide, where=f"({reason}) IS NULL"))
    _compare_totals(part, wide, con)


def _keyless(part: Part) -> str:
    fmt = part.fmt
    keys = {t.table + "__" + t.column for h in fmt.required[:1] for t in fmt.targets[h]}
    names = [sql.name(s.name) for s in part.fill if s.name in keys]
    if not names or fmt.finish == "shopify":
        return "false"
    return " AND ".join(f"{n} IS NULL" for n in names)


def _compare_totals(part: Part, wide: str, con: Any) -> None:
    """Hold the file's own totals against the sum of its rows; a difference is reported."""
    kinds = {"money", "int"}
    sums = [s.name for s in part.fill if s.target.rule in kinds and s.target.table == "ad_reports"]
    if not sums:
        return
    query = sql.select(
        {n: sql.name(n) for n in sums}, wide, where="_note = 'total_row'", order="rowid", limit=1
    )
    said = sql.rows(con, query)
    if not said:
        return
    totals = {n: f"sum({sql.name(n)})" for n in sums}
    have = sql.rows(con, sql.select(totals, sql.name(part.table)))[0]
    gaps = {
        n: (t, t - (s or 0)) for n, t, s in zip(sums, said[0], have, strict=True) if t is not None
    }
    gaps = {n: (t, gap) for n, (t, gap) in gaps.items() if gap}
    for column, (total, gap) in gaps.items():
        shown = (f"{part.name}: {column.split('__')[1]} {total} ≠ {total - gap}",)
        amount = Decimal(gap) if isinstance(total, Decimal) else None
        part.problems.append(Problem("total_differs", "ad_reports", "flagged", 1, shown, amount))
    if part.fmt.platform == "pinduoduo" and gaps:
        _add_unallocated(part, {n: gap for n, (_, gap) in gaps.items()}, con)


def _add_unallocated(part: Part, gaps: Mapping[str, Any], con: Any) -> None:
    """Add what the total has beyond its rows (全店托管 has none) as a row of its own."""
    day, row = "ad_reports__date", "_row"
    made = {n: f"{gap}" for n, gap in gaps.items()}
    made |= {
        day: f"max({sql.name(day)})",
        row: f"max({row}) + 1",
        "ad_reports__scene_name": "'unallocated'",
    }
    extra = sql.select(made, sql.name(part.table))
    both = f"{sql.select(None, sql.name(part.table))} UNION ALL BY NAME {extra}"
    part.table = sql.view(con, "load_part", both)
    part.rows += 1
