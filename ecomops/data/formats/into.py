"""Exports loaded into a shop's folder: merged with what is there, all of it or nothing."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import tomllib
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import ibis

from ecomops.base.errors import DataError, UnsafeError
from ecomops.base.packaged import packaged
from ecomops.data.formats import sql
from ecomops.data.formats.finish import given_back, has, with_given
from ecomops.data.formats.merge import DOCUMENTS, newest, unique
from ecomops.data.formats.pipeline import load
from ecomops.data.formats.spare import SUFFIX
from ecomops.data.formats.statuses import ORDER_OF
from ecomops.data.problems import Problem
from ecomops.data.schema import tables as schemas

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ecomops.data.formats.lacking import Held
    from ecomops.data.formats.pipeline import Loaded
    from ecomops.data.formats.reading import SourceFile
    from ecomops.data.problems import Identity

STAGE, COMMIT, LEDGER = ".load", "commit.json", "loads.json"
MEMORY = "1000MB"
ADDED: Mapping[str, Any] = packaged("data/formats/tables.toml")["added"]
GIVEN = ("order_lines.parquet", "orders.parquet")


@dataclass(frozen=True)
class Change:
    """What loading did to one table: rows before, rows loaded, rows after, rows replaced."""

    table: str
    before: int
    loaded: int
    after: int
    replaced: int


@dataclass(frozen=True)
class Loading:
    """What a load into a shop did."""

    folder: str
    currency: str | None
    timezone: str
    files: tuple[SourceFile, ...]
    changes: tuple[Change, ...]
    problems: tuple[Problem, ...]
    identities: tuple[Identity, ...] = ()
    format: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values for JSON; amounts as text, so that no cent is lost."""
        return json.loads(json.dumps(asdict(self), default=str))  # type: ignore[no-any-return]


def load_into(
    path: str | Path, into: str | Path, *, format: str | None = None,
    timezone: str | None = None, keep_personal: bool = False,
) -> Loading:  # fmt: skip
    """Load exports into a shop's folder, one Parquet file per canonical table.

    A document (an order with its lines, a day of a report) comes from its newest export, whether
    that was loaded before or now. The folder changes as a whole: interrupted at any moment it is
    as before, or `recover` (with which the next load or opening begins) completes it.

    Raises `DataError` for what cannot be read and for another currency than the shop's,
    `UnsafeError` when the folder cannot be written; then nothing in it has changed.
    """
    path, folder = Path(path), Path(into)
    with _locked(folder), tempfile.TemporaryDirectory() as scratch:
        recover(folder)
        settings = _settings(folder)
        con = _engine(Path(scratch))
        try:
            loaded = load(
                path, con=con, format=format, timezone=timezone or settings.get("timezone"),
                salt=settings.get("salt", folder.resolve().name), keep_personal=keep_personal,
            )  # fmt: skip
            currency = _currency(loaded, settings, path)
            return _stored(loaded, folder, settings, currency, con)
        except (OSError, duckdb.IOException, duckdb.OutOfMemoryException) as error:
            if isinstance(error, UnsafeError):
                raise
            raise UnsafeError("shop_not_written", path=str(folder), reason=str(error)) from error
        finally:
            con.disconnect()
            if not (folder / STAGE / COMMIT).exists():
                shutil.rmtree(folder / STAGE, ignore_errors=True)


def recover(folder: Path) -> None:
    """Complete a load that was interrupted while its files were put in place; drop any other."""
    stage = folder / STAGE
    if not stage.is_dir():
        return
    if (stage / COMMIT).exists():
        _put_in_place(folder, json.loads((stage / COMMIT).read_text(encoding="utf-8")))
    shutil.rmtree(stage, ignore_errors=True)


def complete(folder: Path) -> None:
    """Finish a load that was interrupted after it was decided; leave one that still runs alone."""
    if (folder / STAGE / COMMIT).exists():
        with _locked(folder):
            recover(folder)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep two loads out of one folder, where the system has file locks."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise UnsafeError("shop_not_written", path=str(folder), reason=error.strerror) from error
    try:
        import fcntl  # noqa: PLC0415

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:
        pass
    except OSError as error:
        os.close(handle)
        raise UnsafeError("load_running", path=str(folder)) from error
    try:
        yield
    finally:
        os.close(handle)


def _engine(scratch: Path) -> Any:
    con = ibis.duckdb.connect(str(scratch / "load.duckdb"))
    con.raw_sql(f"SET memory_limit = '{MEMORY}'")
    con.raw_sql(f"SET temp_directory = {sql.text(scratch / 'spill')}")
    return con


def _settings(folder: Path) -> dict[str, Any]:
    file = folder / "shop.toml"
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def _currency(loaded: Loaded, settings: Mapping[str, Any], path: Path) -> str | None:
    """Return the one currency of shop and exports; raise when there are several."""
    found = [settings["currency"]] if settings.get("currency") else []
    orders = loaded.tables.get("orders")
    if orders is not None and "currency" in orders.columns:
        stated = orders.select("currency").distinct().order_by("currency").to_pandas()["currency"]
        found += [c for c in stated if c]
    elif loaded.currency:
        found.append(loaded.currency)
    found = list(dict.fromkeys(found))
    if len(found) > 1:
        raise DataError("mixed_currencies_file", file=path.name, currencies=found)
    return found[0] if found else loaded.currency


def _stored(
    loaded: Loaded, folder: Path, settings: Mapping[str, Any], currency: str | None, con: Any
) -> Loading:
    stage = folder / STAGE
    stage.mkdir()
    ledger = _ledger(folder)
    ranks = _ranks(ledger, loaded.files)
    held = _held(ledger, loaded.files, ranks)
    changes, problems, names = [], list(loaded.problems), []
    for name, rows in loaded.tables.items():
        change, noted = _table(name, rows, folder, ranks, held, con)
        changes.append(change)
        problems += noted
        names.append(f"{name}.parquet")
    for name, rows in loaded.extras.items():
        file = f"{name}{SUFFIX}.parquet"
        kept, *_ = _united(name + SUFFIX, rows, folder, ranks, held, con)
        _export(name + SUFFIX, kept, stage / file, con)
        names.append(file)
    problems += _added(loaded, folder, con)
    if {"refunds", "order_lines"} & set(loaded.tables) and (given := _given(folder, con)):
        problems += given
        names += [name for name in GIVEN if name not in names]
    text = json.dumps(_with(ledger, loaded.files), ensure_ascii=False, indent=1)
    (stage / LEDGER).write_text(text + "\n", encoding="utf-8")
    names.append(LEDGER)
    if not settings:
        (stage / "shop.toml").write_text(_toml(folder, currency, loaded.timezone), encoding="utf-8")
        names.append("shop.toml")
    _commit(folder, names)
    told = (tuple(changes), tuple(problems), loaded.identities, loaded.format)
    return Loading(str(folder), currency, loaded.timezone, loaded.files, *told)


def _ledger(folder: Path) -> list[dict[str, Any]]:
    file = folder / LEDGER
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else []


def _with(ledger: Sequence[dict[str, Any]], files: Sequence[SourceFile]) -> list[dict[str, Any]]:
    """Return what has been loaded so far, a file that came again under its new figures."""
    told = {str(entry["name"]): entry for entry in ledger}
    for file in files:
        if file.status == "loaded":
            own = {k: getattr(file, k) for k in ("name", "format", "rank", "rows")}
            told[file.name] = own | {"columns": _has(file)}
    return [told[name] for name in sorted(told)]


def _ranks(ledger: Sequence[dict[str, Any]], files: Sequence[SourceFile]) -> dict[str, int]:
    """Return file -> its place by age; a file of today wins over an equally old one of before.

    Keys of files loaded now begin with ``+``.
    """
    known = {str(e["name"]): (tuple(e["rank"]), 0) for e in ledger}
    known |= {f"+{f.name}": (tuple(f.rank), 1) for f in files if f.status == "loaded"}
    return {name: place for place, name in enumerate(sorted(known, key=lambda n: (known[n], n)))}


def _has(file: SourceFile) -> list[str]:
    """Return the canonical columns a file fills, and its columns that have no such place."""
    return sorted({p for name, places in file.columns for p in (places or name).split(", ")})


def _held(
    ledger: Sequence[dict[str, Any]], files: Sequence[SourceFile], ranks: Mapping[str, int]
) -> Held:
    """Return what each file has, by its place in age; the last one is all that come now."""
    told = {str(e["name"]): e["columns"] for e in ledger if "columns" in e}
    new = {f"+{f.name}": _has(f) for f in files if f.status == "loaded"}
    every = {column for columns in new.values() for column in columns}
    return {ranks[name]: {*c} for name, c in (told | new).items()} | {len(ranks) + 1: every}


def _table(
    name: str, rows: ibis.Table, folder: Path, ranks: Mapping[str, int], held: Held, con: Any
) -> tuple[Change, list[Problem]]:
    kept, before, noted = _united(name, rows, folder, ranks, held, con)
    loaded, after = (_count(sql.name(t), con) for t in (rows.get_name(), kept))
    replaced = before + loaded - after
    _export(name, kept, folder / STAGE / f"{name}.parquet", con)
    again = [Problem("overlap", name, "changed", replaced)] if before and replaced else []
    return Change(name, before, loaded, after, replaced), again + noted


def _count(source: str, con: Any) -> int:
    return int(sql.rows(con, sql.select({"n": "count(*)"}, source))[0][0])


def _united(
    name: str, rows: ibis.Table, folder: Path, ranks: Mapping[str, int], held: Held, con: Any
) -> tuple[str, int, list[Problem]]:
    """Return the rows of a table (or its extra one) old and new, how many were old, what went."""
    source, base = _source(name, folder), name.removesuffix(SUFFIX)
    new = _ranked(sql.select(None, sql.name(rows.get_name())), "+", rows.columns, ranks, base)
    if source is None:
        return sql.view(con, "shop_table", new), 0, []
    columns = [c for c, *_ in sql.rows(con, f"DESCRIBE {sql.select(None, source)}")]
    old = _ranked(sql.select(None, source), "", columns, ranks, base)
    made = sql.table(con, "shop_table", f"{old} UNION ALL BY NAME {new}")
    made, noted = newest(base, made, con.table(made).columns, con, held)
    return unique(base, made, con)[0], _count(source, con), noted[1:]


def _source(name: str, *folders: Path) -> str | None:
    """Return what reads a table from the first of the folders that has it."""
    kinds = ("parquet", "csv")
    files = ((kind, folder / f"{name}.{kind}") for folder in folders for kind in kinds)
    return next((f"read_{kind}({sql.text(file)})" for kind, file in files if file.exists()), None)


def _given(folder: Path, con: Any) -> list[Problem]:
    """Give stored lines and orders what their tickets say, whichever of them came first."""
    stage = folder / STAGE
    sources = [_source(name, stage, folder) for name in ("refunds", "order_lines", "orders")]
    if None in sources:
        return []
    tickets, lines, orders = (
        con.table(sql.view(con, "shop_stored", sql.select(None, str(s)))) for s in sources
    )
    lines = with_given(lines, tickets)
    own = lines.line_refund_amount if has(lines, "line_refund_amount") else ibis.null()
    late = lines["_given"].notnull() & ~lines["_given"].identical_to(own)
    count = int(lines.filter(late).count().to_pandas())
    if not count:
        return []
    rows = [str(ibis.to_sql(rows, dialect="duckdb")) for rows in given_back(lines, orders)]
    made = [sql.table(con, "shop_given", query) for query in rows]  # from what is overwritten
    for name, each in zip(GIVEN, made, strict=True):
        _export(Path(name).stem, each, stage / name, con)
    return [Problem("refund_from_ticket", "order_lines", "changed", count)]


def _added(loaded: Loaded, folder: Path, con: Any) -> list[Problem]:
    """Make orders that were the sum of their lines so again, where each export held some lines.

    Fees and discounts that no line holds add up as well, unless the exports shared some of the
    lines and neither held all of them: then the larger counts, which is flagged.
    """
    told = {}
    for name in ("orders", "order_lines"):
        stored = _source(name, folder)
        if stored is None or name not in loaded.tables:
            return []
        told[f"new_{name}"] = sql.name(loaded.tables[name].get_name())
        told[f"old_{name}"], told[name] = stored, str(_source(name, folder / STAGE))
    kinds = {c: kind for c, kind, *_ in sql.rows(con, f"DESCRIBE FROM {told['orders']}")}
    sums = [c for c in ADDED["sums"] if c in kinds]
    by = ADDED["by"] | {c: ADDED["sum"].format(c=c) for c in sums}
    made = {
        c: f"if(t.order_id IS NULL, w.{c}, ({by[c]})::{kind})" if c in by else f"w.{c}"
        for c, kind in kinds.items()
    }
    made["_unsure"] = f"coalesce({', '.join(ADDED['unsure'].format(c=c) for c in sums)}, false)"
    told["columns"] = ", ".join(f"{each} AS {sql.name(c)}" for c, each in made.items())
    query = sql.queries("parts")["added"].format(**told, reached=list(ORDER_OF))
    rows = sql.table(con, "shop_added", query)
    counted = sql.queries("parts")["counted"].format(**told, rows=rows)
    ((count, unsure),) = sql.rows(con, counted)
    if count:
        _export("orders", rows, folder / STAGE / "orders.parquet", con)
    found = {"order_added": ("changed", count), "order_unsure": ("flagged", unsure)}
    return [Problem(code, "orders", *each) for code, each in found.items() if each[1]]


def _ranked(
    query: str, mark: str, columns: Sequence[str], ranks: Mapping[str, int], table: str
) -> str:
    """Return rows with the age of their file in ``_file`` and their place in it in ``_row``."""
    newer = len(ranks) + (1 if mark else 0)
    age = f"{newer if mark else -1}"
    if "source_file" in columns:
        known = {n: a for n, a in ranks.items() if n.startswith("+") == bool(mark)}
        pairs = ", ".join(f"{sql.text(n.removeprefix('+'))}: {a}" for n, a in known.items())
        found = f"MAP {{{pairs}}}[source_file]" if pairs else "NULL"
        age = f"coalesce({found}, {age})"
    if by := DOCUMENTS.get(table):  # lines of an order that came together stay together
        age = f"max({age}) OVER (PARTITION BY {', '.join(by)})"
    row = "source_row" if "source_row" in columns else "0"
    told = {"*": "*", "_file": f"({age})::BIGINT", "_row": f"{row}::BIGINT"}
    if table == "order_lines" and {"order_id", "order_line_id"} <= {*columns}:  # the platform's ids
        told["_line"] = "if(starts_with(order_line_id, order_id || '-'), NULL, order_line_id)"
    return sql.select(told, query)


def _export(name: str, made: str, target: Path, con: Any) -> None:
    columns = con.table(made).columns
    kept = {c: sql.name(c) for c in columns if c not in {"_file", "_row", "_line", "_unsure"}}
    key = [sql.name(c) for c in schemas()[name.removesuffix(SUFFIX)].key if c in columns]
    rows = sql.select(kept, sql.name(made), order=", ".join(key) or "ALL")
    con.raw_sql(f"COPY ({rows}) TO {sql.text(target)} (FORMAT parquet, COMPRESSION zstd)")


def _toml(folder: Path, currency: str | None, timezone: str) -> str:
    lines = [f"name = {json.dumps(folder.resolve().name, ensure_ascii=False)}"]
    lines += [f'currency = "{currency}"'] if currency else []
    return "\n".join([*lines, f'timezone = "{timezone}"', ""])


def _commit(folder: Path, names: Sequence[str]) -> None:
    """Put every staged file in place; once the list is on disk this will be completed."""
    stage = folder / STAGE
    for name in names:
        _sync(stage / name)
    listed = stage / (COMMIT + ".part")
    listed.write_text(json.dumps(list(names)), encoding="utf-8")
    _sync(listed)
    listed.replace(stage / COMMIT)
    _sync(stage)
    _put_in_place(folder, names)
    (stage / COMMIT).unlink()


def _put_in_place(folder: Path, names: Sequence[str]) -> None:
    for name in names:
        if (folder / STAGE / name).exists():
            (folder / STAGE / name).replace(folder / name)
            table = folder / f"{Path(name).stem}.csv"
            if name.endswith(".parquet") and table.exists():
                table.replace(folder / f"{table.name}.before")
    _sync(folder)


def _sync(path: Path) -> None:
    """Wait until a file or folder is on disk, where the system lets one ask for that."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
