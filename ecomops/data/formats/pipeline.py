"""From files to canonical tables: recognise, type, merge, finish, and say what happened."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ecomops.base import checks
from ecomops.base.errors import DataError
from ecomops.base.packaged import packaged
from ecomops.data.formats import finish, finish_public, finish_shopify, finish_uci, finish_wide, sql
from ecomops.data.formats.across import held_across
from ecomops.data.formats.canonical import completed, identified
from ecomops.data.formats.lacking import held_by
from ecomops.data.formats.merge import joined, merged, unique
from ecomops.data.formats.part import finest, main_table
from ecomops.data.formats.reading import How, SourceFile, files_at, known_at, parts_of
from ecomops.data.formats.recognise import Candidate, candidates
from ecomops.data.formats.registry import format_of
from ecomops.data.formats.sheets import sheets
from ecomops.data.formats.spare import extra_rows
from ecomops.data.formats.windows import open_windows
from ecomops.data.problems import Identity, Problem
from ecomops.data.schema import tables as schemas

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import ibis

    from ecomops.data.formats.lacking import Held
    from ecomops.data.formats.part import Part

FEW = 4  # refused files whose reasons a message can hold
SHOWN: Mapping[str, str] = packaged("data/formats/tables.toml")["shown"]
COUNTS = ("count", "rows", "failed")
Told = TypeVar("Told", Problem, Identity)
FINISHERS: dict[str, Callable[[finish.Tables, finish.Context], finish.Tables]] = {
    "taobao": finish.finish_orders,
    "orders_from_lines": finish.finish_rows,
    "lines_from_orders": finish.finish_rows,
    "shopify": finish_shopify.finish_shopify,
    "shopify_products": finish_shopify.finish_products,
    "olist": finish_public.finish_olist,
    "woocommerce": finish.finish_signed,
    "uci": finish_uci.finish_uci,
    "superstore": finish_public.finish_superstore,
    "survey": finish_wide.finish_survey,
    "google_trends": finish_wide.finish_trends,
    "ledger": finish_wide.finish_ledger,
}


@dataclass(frozen=True, eq=False)
class Loaded:
    """What a file or folder held.

    `tables` are engine tables with canonical names, columns and types; time stamps are local
    wall time in `timezone`, amounts in `currency` (None where the files do not say). `extras`
    holds the columns that no canonical one takes, as text beside the key, by canonical table;
    `identities` says which sums and ratios were held against the rows.
    """

    tables: dict[str, ibis.Table]
    problems: tuple[Problem, ...]
    format: str
    currency: str | None
    timezone: str
    files: tuple[SourceFile, ...] = ()
    extras: Mapping[str, ibis.Table] = field(default_factory=dict)
    identities: tuple[Identity, ...] = ()


def detect(path: str | Path) -> list[Candidate]:
    """Return the layouts a file (or each file of a folder) may be in, best first.

    Returns one list over all sheets, by confidence; each candidate names its file, the columns
    matched, missing and unknown. An empty list means that nothing known fits.

    Raises `OptionError` for what is no path, `MissingError` when there is no such file, `DataError`
    when it cannot be read.
    """
    path = checks.path(path)
    known = known_at(path)
    found: list[Candidate] = []
    with tempfile.TemporaryDirectory() as scratch:
        for file in files_at(path):
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
    OptionError
        When `path` is none, or empty.
    MissingError
        When there is nothing at `path`.
    DataError
        When a file cannot be read, is in no known layout (or in two equally well), lacks columns
        it needs, or holds ids that a spreadsheet has rounded. In a folder such files are listed
        in `files` and left out, unless nothing else is there.
    """
    path = checks.path(path)
    known = known_at(path)
    wanted = format_of(format, known) if format else None
    how = How(known=known, wanted=wanted, zone=timezone, salt=salt, keep_personal=keep_personal)
    with tempfile.TemporaryDirectory() as scratch:
        parts, files = parts_of(path, Path(scratch), how, con)
        if not parts:
            told = [f"{f.name} ({f.reason})" if n < FEW else f.name for n, f in enumerate(files)]
            raise DataError("nothing_to_load", path=str(path), files=told or "—")
        return _assembled(parts, files, con, timezone)


def _assembled(
    parts: list[Part], files: list[SourceFile], con: Any, timezone: str | None
) -> Loaded:
    parts.sort(key=lambda p: p.rank)
    problems = _refused(files, main_table(parts[0].fmt))
    identities: list[Identity] = []
    groups: dict[tuple[str, str], list[Part]] = {}
    index = 0
    for part in parts:
        part.index, index = index, index + part.files
        problems += part.problems
        identities += part.identities
        key = (part.fmt.finish or "", part.fmt.statuses or part.fmt.platform)
        groups.setdefault(key, []).append(part)
    done: dict[str, list[ibis.Table]] = {}
    for group in groups.values():
        tables, noted = _finished(group, con)
        problems += noted
        for name, rows in tables.items():
            done.setdefault(name, []).append(rows)
    zone, currency = _zone(parts, timezone), _currency(parts)
    main = {finest(part.fmt) for part in parts}
    final: dict[str, ibis.Table] = {}
    extras: dict[str, ibis.Table] = {}
    for name in sorted(done, key=list(schemas()).index):
        made, overlaps, twice = _one_table(name, done[name], held_by(parts), con)
        # a product stands on every line that names it: only the rows of a table's own file repeat
        problems += overlaps + (twice if name in main else [])
        query = completed(name, made, currency)
        final[name] = con.table(sql.view(con, f"loaded_{name}", query))
        extra = extra_rows(name, made, parts, currency, con)
        extras |= {} if extra is None else {name: extra}
    if "ad_reports" in final:
        problems += open_windows(final["ad_reports"], con)
    across = held_across(final, problems, con)
    problems += [each.problem() for each in across if each.failed]
    told, held = _together(problems), _together([*identities, *across])
    return Loaded(final, told, _label(parts), currency, zone, tuple(files), extras, held)


def _refused(files: Sequence[SourceFile], table: str) -> list[Problem]:
    why = [f"{f.name} ({f.reason})" for f in files if f.status == "refused"]
    return [Problem("file_refused", table, "dropped", len(why), tuple(why[:FEW]))] if why else []


def _one_table(
    name: str, pieces: Sequence[ibis.Table], held: Held, con: Any
) -> tuple[ibis.Table, list[Problem], list[Problem]]:
    made, overlaps = joined(name, pieces, con, held)
    made, twice = unique(name, identified(name, made, con), con)
    return con.table(made), overlaps, twice


def _label(parts: Sequence[Part]) -> str:
    ids, platforms = {p.fmt.id for p in parts}, {p.fmt.platform for p in parts}
    if len(ids) == 1:
        return ids.pop()
    return platforms.pop() if len(platforms) == 1 else "folder"


def _finished(group: Sequence[Part], con: Any) -> tuple[finish.Tables, list[Problem]]:
    tables, problems = merged(group, con)
    fmt = next((p.fmt for p in group if p.fmt.statuses), group[0].fmt)
    context = finish.Context(fmt, con, group)
    if fmt.finish in FINISHERS:
        tables = FINISHERS[fmt.finish](tables, context)
    elif finish.has(tables.get("orders"), "order_status"):
        tables["orders"] = finish.with_status(tables["orders"], context)
    kept = {n: t for n, t in tables.items() if n in schemas()}
    return kept, problems + context.problems


def _zone(parts: Sequence[Part], timezone: str | None) -> str:
    stated = [p.zone for p in parts if p.zone]
    return timezone or next(iter(stated), parts[0].fmt.zone)


def _currency(parts: Sequence[Part]) -> str | None:
    stated = [p.currency or p.fmt.money for p in parts]
    return next((c for c in stated if c), None)


def _together(found: Sequence[Told]) -> tuple[Told, ...]:
    """Return one problem (or identity) per code, table and action, counts and amounts added up."""
    done: dict[tuple[str, str, str], Any] = {}
    for one in found:
        each: Any = replace(one, table=SHOWN.get(one.table, one.table))
        key = (each.code, each.table, getattr(each, "action", ""))
        old: Any = done.get(key)
        if old:
            money = [m for m in (old.amount, each.amount) if m is not None]
            sums: dict[str, Any] = {"amount": sum(money[1:], money[0]) if money else None}
            sums |= {n: getattr(old, n) + getattr(each, n) for n in COUNTS if hasattr(each, n)}
            few = tuple(dict.fromkeys((*old.examples, *each.examples)))
            each = replace(old, **sums, examples=few)
        done[key] = each
    return tuple(done.values())
