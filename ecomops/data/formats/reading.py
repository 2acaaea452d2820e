"""Which files there are, and each as typed rows; many small ones of one layout are read as one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ecomops.base.errors import DataError, EcomopsError, MissingError
from ecomops.base.packaged import packaged
from ecomops.data.formats import sql
from ecomops.data.formats.period import set_period
from ecomops.data.formats.recognise import Candidate, chosen
from ecomops.data.formats.registry import Format, fold, formats, own_formats
from ecomops.data.formats.sheets import Sheet, sheets
from ecomops.data.formats.spare import is_free
from ecomops.data.formats.typed import typed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from ecomops.data.formats.part import Part
    from ecomops.data.formats.recognise import Matched

SKIPPED = tuple(packaged("data/formats/fixed.toml")["folder"]["skipped"])
MANY = 5
FREE = {"survey": "survey_answers.answer_text", "google_trends": "search_index.index_value"}


@dataclass(frozen=True)
class SourceFile:
    """One sheet that was looked at: its layout, how sure, and the rows that came of it.

    `status` is ``"loaded"`` or ``"refused"``; then `reason` says why.
    """

    name: str
    format: str | None
    confidence: float
    rows: int
    status: str
    reason: str = ""
    encoding: str = "-"
    columns: tuple[tuple[str, str], ...] = ()
    rank: tuple[str, str, str] = ("", "", "")


@dataclass(frozen=True)
class How:
    """How files are to be read: the layouts known, the one wanted, the shop's zone and salt."""

    known: Mapping[str, Format]
    wanted: Format | None = None
    zone: str | None = None
    salt: str = ""
    keep_personal: bool = False


def known_at(path: Path) -> Mapping[str, Format]:
    """Return the layouts of the library and those described in the folder itself."""
    own = own_formats(path) if path.is_dir() else {}
    return {**formats(), **own} if own else formats()


def files_at(path: Path) -> Iterator[Path]:
    """Yield the files at a path by name, but for the shop's own and links that lead outside.

    Raises `MissingError` when there is nothing and `DataError` when it may not be read.
    """
    if not path.exists():
        raise MissingError("no_such_file", path=str(path))
    if path.is_file():
        yield path
        return
    try:
        list(path.iterdir())
        entries = sorted(path.rglob("*"))
    except OSError as error:
        raise DataError("no_permission", path=str(path), reason=error.strerror) from error
    inside = path.resolve()
    for entry in entries:
        hidden = any(p.startswith((".", "~$")) for p in entry.relative_to(path).parts)
        passed = hidden or entry.name.lower().endswith(SKIPPED)
        if not passed and entry.is_file() and entry.resolve().is_relative_to(inside):
            yield entry


def parts_of(path: Path, scratch: Path, how: How, con: Any) -> tuple[list[Part], list[SourceFile]]:
    """Return the typed rows of every sheet at a path, and what became of each file.

    Raises what is wrong with a file when it is the only one; in a folder it is listed as refused.
    """
    files: list[SourceFile] = []
    found: list[tuple[Sheet, Candidate]] = []
    single = path.is_file()
    for file in files_at(path):
        shown = file.name if single else str(file.relative_to(path))
        try:
            pieces = list(sheets(file, scratch, shown))
        except EcomopsError as error:
            if single:
                raise
            files.append(_refused(shown, error))
            continue
        for sheet in pieces:
            try:
                found.append((sheet, chosen(sheet, how.known, how.wanted)))
            except EcomopsError as error:
                if single and len(pieces) == 1:
                    raise
                files.append(_refused(sheet.name, error))
    parts, read = _typed(found, how, con, alone=single and len(found) == 1)
    return parts, [*files, *read]


def _refused(name: str, error: EcomopsError) -> SourceFile:
    return SourceFile(name, None, 0.0, 0, "refused", error.message())


def _typed(
    found: Sequence[tuple[Sheet, Candidate]], how: How, con: Any, *, alone: bool
) -> tuple[list[Part], list[SourceFile]]:
    parts, files, groups = [], [], _alike(found, how.known)
    while groups:
        group = groups.pop(0)
        sheet, candidate = (combined(group), group[0][1]) if len(group) > 1 else group[0]
        try:
            part = _one(sheet, candidate, how, con)
        except EcomopsError as error:
            if alone:
                raise
            if len(group) > 1:  # one bad file, or one that writes days or fractions its own way
                groups = [[one] for one in group] + groups
            else:
                files.append(_refused(sheet.name, error))
            continue
        parts.append(part)
        for one, mine in group:
            rows = part.rows if len(group) == 1 else len(one.rows or ()) - mine.header_row
            told = tuple((c.name, _places(c, part.fmt)) for c in part.columns if c.name)
            rank = part.rank if len(group) == 1 else (_named(one.name), "", one.name)
            sure, coded = mine.confidence, one.encoding
            source = (one.name, mine.format, sure, rows, "loaded", "", coded, told, rank)
            files.append(SourceFile(*source))
    return parts, files


def _places(column: Matched, fmt: Format) -> str:
    """Return where a column of a file goes, as text."""
    if is_free(column, fmt):
        return FREE.get(fmt.finish or "", "")
    return ", ".join(f"{t.table}.{t.column}" for t in column.targets)


def _alike(
    found: Sequence[tuple[Sheet, Candidate]], known: Mapping[str, Format]
) -> list[list[tuple[Sheet, Candidate]]]:
    """Group small sheets that have the same layout and the same header, where there are many."""
    groups: dict[object, list[tuple[Sheet, Candidate]]] = {}
    for place, (sheet, candidate) in enumerate(found):
        fmt = known[candidate.format]
        plain = sheet.rows is not None and fmt.period is None and not fmt.free_columns
        plain = plain and "ad_reports" not in fmt.tables and not sheet.merged
        header = tuple(fold(c) for c in sheet.head[candidate.header_row - 1])
        key = (candidate.format, candidate.header_row, header, sheet.kind) if plain else place
        groups.setdefault(key, []).append((sheet, candidate))
    result = []
    for group in groups.values():
        result += [group] if len(group) >= MANY else [[one] for one in group]
    return result


def combined(group: Sequence[tuple[Sheet, Candidate]]) -> Sheet:
    """Return the rows of many sheets with one header as one sheet that knows each row's origin."""
    ordered = sorted(group, key=lambda pair: (_named(pair[0].name), pair[0].name))
    first, candidate = ordered[0]
    header = candidate.header_row - 1
    rows = (first.rows or [])[: header + 1]
    origin = []
    for place, (sheet, _) in enumerate(ordered):
        for number, row in enumerate((sheet.rows or [])[header + 1 :], start=header + 2):
            rows.append(row)
            origin.append((sheet.name, place, number))
    name = f"{first.name} … {ordered[-1][0].name}"
    return Sheet(
        name, first.kind, first.head, rows, first.path, first.delimiter, first.ends,
        first.encoding, first.typed, first.serial_base, len(rows), origin,
    )  # fmt: skip


def _one(sheet: Sheet, candidate: Candidate, how: How, con: Any) -> Part:
    part = typed(
        sheet, candidate, how.known, con,
        zone=how.zone, salt=how.salt, keep_personal=how.keep_personal,
    )  # fmt: skip
    if not part.rows:
        raise DataError("no_data_rows", file=sheet.name, format=candidate.format)
    part.files = len({place for _, place, _ in sheet.origin}) or 1
    part.rank = _rank(sheet, part, con)
    if sheet.origin:
        _order_files(sheet, part, con)
    set_period(part, sheet, candidate.header_row - 1, con)
    return part


def _named(name: str) -> str:
    found = re.findall(r"(20\d{6,12}|20\d{2}-\d{2}-\d{2})", name)
    return found[-1].replace("-", "").ljust(14, "0") if found else ""


def _rank(sheet: Sheet, part: Part, con: Any) -> tuple[str, str, str]:
    """Return what makes an export newer: the date in its name, its last event, its name."""
    tops = _last_events(part)
    found = sql.rows(con, sql.select(tops, part.table))[0] if tops else ()
    return (_named(sheet.name), max((v for v in found if v), default=""), sheet.name)


def _last_events(part: Part) -> dict[str, str]:
    times = [s.name for s in part.fill if s.target.rule in {"ts", "ts_utc", "date"}]
    return {c: f"max({sql.name(c)})::VARCHAR" for c in times}


def _order_files(sheet: Sheet, part: Part, con: Any) -> None:
    """Order the files that were read as one by what makes an export newer, the last event too."""
    tops = sql.select({"o_file": "o_file", **_last_events(part)}, part.table, group="o_file")
    last = {row[0]: max((v for v in row[1:] if v), default="") for row in sql.rows(con, tops)}
    names = {place: name for name, place, _ in sheet.origin}
    newer = sorted(names, key=lambda at: (_named(names[at]), last.get(at, ""), names[at]))
    place = {at: number for number, at in enumerate(newer)}
    listed = [place.get(at, 0) for at in range(max(names) + 1)]
    asked = {"*": f"* REPLACE (list_extract({listed}, o_file + 1) AS o_file)"}
    part.table = sql.view(con, "load_part", sql.select(asked, sql.name(part.table)))
    part.beside = sql.view(con, "load_beside", sql.select(asked, sql.name(part.beside)))
