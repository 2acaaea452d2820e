"""From files to canonical tables: recognise, type, merge, finish, and say what happened."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ibis

from ecomops.base.errors import DataError, EcomopsError, MissingError
from ecomops.data.formats import sql
from ecomops.data.formats.canonical import completed
from ecomops.data.formats.finish import (
    Context,
    Tables,
    finish_orders,
    finish_rows,
    has,
    with_status,
)
from ecomops.data.formats.finish_public import finish_olist, finish_superstore
from ecomops.data.formats.finish_shopify import finish_products, finish_shopify
from ecomops.data.formats.finish_uci import finish_uci
from ecomops.data.formats.finish_wide import finish_ledger, finish_survey, finish_trends
from ecomops.data.formats.merge import joined, merged, unique
from ecomops.data.formats.period import set_period
from ecomops.data.formats.recognise import Candidate, candidates, chosen
from ecomops.data.formats.registry import Format, format_of, formats, own_formats
from ecomops.data.formats.sheets import Sheet, sheets
from ecomops.data.formats.typed import Part, typed
from ecomops.data.problems import Problem
from ecomops.data.schema import tables as schemas

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

SKIPPED = (
    ".toml",
    ".yaml",
    ".yml",
    ".json",
    ".md",
    ".html",
    ".ipynb",
    ".py",
    ".pdf",
    ".png",
    ".jpg",
)
FINISHERS: dict[str, Callable[[Tables, Context], Tables]] = {
    "taobao": finish_orders,
    "orders_from_lines": finish_rows,
    "lines_from_orders": finish_rows,
    "shopify": finish_shopify,
    "shopify_products": finish_products,
    "olist": finish_olist,
    "uci": finish_uci,
    "superstore": finish_superstore,
    "survey": finish_survey,
    "google_trends": finish_trends,
    "ledger": finish_ledger,
}


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


@dataclass(frozen=True, eq=False)
class Loaded:
    """What a file or folder held.

    `tables` are engine tables with canonical names, columns and types; time stamps are local
    wall time in `timezone`, amounts in `currency` (None where the files do not say).
    """

    tables: dict[str, ibis.Table]
    problems: tuple[Problem, ...]
    format: str
    currency: str | None
    timezone: str
    files: tuple[SourceFile, ...] = ()


def detect(path: str | Path) -> list[Candidate]:
    """Return the layouts a file (or each file of a folder) may be in, best first.

    Returns one list over all sheets, by confidence; each candidate names its file, the columns
    matched, missing and unknown. An empty list means that nothing known fits.

    Raises `MissingError` when there is no such file, `DataError` when it cannot be read.
    """
    path = Path(path)
    known = _known(path)
    found: list[Candidate] = []
    with tempfile.TemporaryDirectory() as scratch:
        for file in _files(path):
            for sheet in sheets(file, Path(scratch)):
                found += candidates(sheet, known)
    return sorted(found, key=lambda c: (-c.confidence, -len(c.matched), c.format, c.file))


def load(
    path: str | Path, *, con: Any, format: str | None = None, timezone: str | None = None,
    salt: str = "", keep_personal: bool = False,
) -> Loaded:  # fmt: skip
    """Return the canonical tables of an export file, a zip or a folder of them.

    Parameters
    ----------
    path
        A file or a folder; the suffix does not matter, the bytes do.
    con
        The ibis DuckDB backend in which the tables are made (as temporary tables).
    format
        The layout's id when it should not be recognised.
    timezone
        The shop's zone, for time stamps that state an offset.

    Raises
    ------
    MissingError
        When there is nothing at `path`.
    DataError
        When a file cannot be read, is in no known layout (or in two equally well), lacks columns
        it needs, or holds ids that a spreadsheet has rounded. In a folder such files are listed
        in `files` and left out, unless nothing else is there.
    """
    path = Path(path)
    known = _known(path)
    wanted = format_of(format, known) if format else None
    with tempfile.TemporaryDirectory() as scratch:
        parts, files = _parts(
            path, Path(scratch), known, wanted, con, timezone, salt, keep_personal
        )
        if not parts:
            raise DataError("nothing_to_load", path=str(path), files=[f.name for f in files] or "—")
        return _assembled(parts, files, con, timezone)


def _known(path: Path) -> Mapping[str, Format]:
    own = own_formats(path) if path.is_dir() else {}
    return {**formats(), **own} if own else formats()


def _files(path: Path) -> Iterator[Path]:
    if not path.exists():
        raise MissingError("no_such_file", path=str(path))
    if path.is_file():
        yield path
        return
    try:
        entries = sorted(path.rglob("*"))
        list(path.iterdir())
    except OSError as error:
        raise DataError("no_permission", path=str(path), reason=error.strerror) from error
    inside = path.resolve()
    for entry in entries:
        hidden = any(p.startswith((".", "~$")) for p in entry.relative_to(path).parts)
        if hidden or entry.suffix.lower() in SKIPPED or not entry.is_file():
            continue
        if entry.resolve().is_relative_to(inside):
            yield entry


def _parts(
    path: Path, scratch: Path, known: Mapping[str, Format], wanted: Format | None, con: Any,
    timezone: str | None, salt: str, keep_personal: bool,  # noqa: FBT001
) -> tuple[list[Part], list[SourceFile]]:  # fmt: skip
    parts, files = [], []
    single = path.is_file()
    for file in _files(path):
        shown = file.name if single else str(file.relative_to(path))
        try:
            found = list(sheets(file, scratch, shown))
        except EcomopsError as error:
            if single:
                raise
            files.append(SourceFile(shown, None, 0.0, 0, "refused", error.message()))
            continue
        for sheet in found:
            try:
                part, source = _one(sheet, known, wanted, con, timezone, salt, keep_personal)
            except EcomopsError as error:
                if single and len(found) == 1:
                    raise
                files.append(SourceFile(sheet.name, None, 0.0, 0, "refused", error.message()))
                continue
            parts.append(part)
            files.append(source)
    return parts, files


def _one(
    sheet: Sheet, known: Mapping[str, Format], wanted: Format | None, con: Any,
    timezone: str | None, salt: str, keep_personal: bool,  # noqa: FBT001
) -> tuple[Part, SourceFile]:  # fmt: skip
    candidate = chosen(sheet, known, wanted)
    part = typed(
        sheet, candidate, known, con, zone=timezone, salt=salt, keep_personal=keep_personal
    )
    if not part.rows:
        raise DataError("no_data_rows", file=sheet.name, format=candidate.format)
    part.rank = _rank(sheet, part, con)
    set_period(part, sheet, candidate.header_row - 1, con)
    told = tuple(
        (c.name, ", ".join(f"{t.table}.{t.column}" for t in c.targets))
        for c in part.columns
        if c.name
    )
    return part, SourceFile(
        sheet.name, candidate.format, candidate.confidence, part.rows, "loaded", "",
        sheet.encoding, told,
    )  # fmt: skip


def _rank(sheet: Sheet, part: Part, con: Any) -> tuple[str, str, str]:
    """Return what says which export is newer: the date in its name, else its last event, its name."""
    named = re.findall(r"(20\d{6,12}|20\d{2}-\d{2}-\d{2})", sheet.name)
    times = [s.name for s in part.fill if s.target.rule in {"ts", "ts_utc", "date"}]
    tops = {c: f"max({sql.name(c)})::VARCHAR" for c in times}
    found = sql.rows(con, sql.select(tops, part.table))[0] if times else ()
    last = max((v for v in found if v), default="")
    return (named[-1].replace("-", "").ljust(14, "0") if named else "", last, sheet.name)


def _assembled(
    parts: list[Part], files: list[SourceFile], con: Any, timezone: str | None
) -> Loaded:
    parts.sort(key=lambda p: p.rank)
    problems: list[Problem] = []
    groups: dict[tuple[str, str], list[Part]] = {}
    for index, part in enumerate(parts):
        part.index = index
        problems += part.problems
        groups.setdefault(
            (part.fmt.finish or "", part.fmt.statuses or part.fmt.platform), []
        ).append(part)
    done: dict[str, list[ibis.Table]] = {}
    for group in groups.values():
        tables, noted = _finished(group, con)
        problems += noted
        for name, rows in tables.items():
            done.setdefault(name, []).append(rows)
    zone, currency = _zone(parts, timezone), _currency(parts)
    final: dict[str, ibis.Table] = {}
    for name in sorted(done, key=list(schemas()).index):
        made, overlaps = joined(name, done[name], con)
        made, twice = unique(name, made, con)
        problems += overlaps + twice
        final[name] = con.table(
            sql.view(con, f"loaded_{name}", completed(name, con.table(made), currency))
        )
    return Loaded(final, _together(problems), _label(parts), currency, zone, tuple(files))


def _label(parts: Sequence[Part]) -> str:
    ids, platforms = {p.fmt.id for p in parts}, {p.fmt.platform for p in parts}
    if len(ids) == 1:
        return ids.pop()
    return platforms.pop() if len(platforms) == 1 else "folder"


def _finished(group: Sequence[Part], con: Any) -> tuple[Tables, list[Problem]]:
    tables, problems = merged(group, con)
    fmt = next((p.fmt for p in group if p.fmt.statuses), group[0].fmt)
    context = Context(fmt, con, group)
    if fmt.finish in FINISHERS:
        tables = FINISHERS[fmt.finish](tables, context)
    elif has(tables.get("orders"), "order_status"):
        tables["orders"] = with_status(tables["orders"], context)
    kept = {n: t for n, t in tables.items() if n in schemas()}
    return kept, problems + context.problems


def _zone(parts: Sequence[Part], timezone: str | None) -> str:
    stated = [p.zone for p in parts if p.zone]
    return timezone or next(iter(stated), parts[0].fmt.zone)


def _currency(parts: Sequence[Part]) -> str | None:
    stated = [p.currency or p.fmt.money for p in parts]
    return next((c for c in stated if c), None)


def _together(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """Return one problem per code, table and action, counts and amounts added up."""
    found: dict[tuple[str, str, str], Problem] = {}
    for problem in problems:
        key = (problem.code, problem.table, problem.action)
        if key in found:
            old = found[key]
            amount = problem.amount if old.amount is None else old.amount + (problem.amount or 0)
            few = tuple(dict.fromkeys((*old.examples, *problem.examples)))
            problem = replace(old, count=old.count + problem.count, amount=amount, examples=few)  # noqa: PLW2901
        found[key] = problem
    return tuple(found.values())
