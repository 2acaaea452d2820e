"""Append-only tables in one SQLite file: rows are added, never changed, each write whole or not.

A rollback journal, flushed before every commit, instead of a write-ahead log: the file stands alone
(it can be copied with the shop's folder, also from a network drive), writers wait for each other,
and a process killed at any moment leaves either the whole write or none of it.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import weakref
from contextlib import closing, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import pandas as pd

from ecomops.base.errors import DataError, UnsafeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

VERSION = 1
APPLICATION = 0x65636F6D  # "ecom": tells our files from others'
PATIENCE = 60.0  # seconds that a writer waits for another
NUMBERS = ("value", "low", "mid", "high", "horizon_days", "accepted")
TABLES: Mapping[str, tuple[str, ...]] = {
    "targets": ("metric", "subject", "value", "start_on", "end_on", "set_on", "source"),
    "forecasts": ("metric", "day", "low", "mid", "high", "made_on", "source"),
    "runs": ("analysis", "ran_on"),
    "actions": (
        "analysis", "code", "subject", "change", "low", "mid", "high", "horizon_days", "currency",
        "grade", "because", "proposed_on", "expires_on",
    ),
    "decisions": ("action", "accepted", "owner", "decided_on", "note"),
    "verifications": ("action", "due_on", "method"),
    "realised": ("action", "value", "low", "high", "method", "start_on", "end_on", "measured_on"),
}  # fmt: skip


def identity(*parts: object) -> str:
    """Return an id made of what a row says: the same content always has the same id.

    >>> identity("store.target", 400_000)
    '8adbec6b04dcbe97'
    """
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _schema() -> Iterator[str]:
    for name, columns in TABLES.items():
        kinds = ", ".join(f"{c} {'REAL' if c in NUMBERS else 'TEXT'}" for c in columns)
        yield f"CREATE TABLE {name} (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, {kinds})"
        for deed in ("UPDATE", "DELETE"):
            yield (
                f"CREATE TRIGGER {name}_{deed.lower()} BEFORE {deed} ON {name} "
                "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
            )
        # what is there already is not written again, not even by INSERT OR REPLACE
        yield (
            f"CREATE TRIGGER {name}_again BEFORE INSERT ON {name} "  # noqa: S608 - our own names
            f"WHEN EXISTS (SELECT 1 FROM {name} WHERE id = NEW.id OR seq = NEW.seq) "
            "BEGIN SELECT RAISE(IGNORE); END"
        )
    yield f"PRAGMA application_id = {APPLICATION}"
    yield f"PRAGMA user_version = {VERSION}"


class Archive:
    """The file (or, without a path, a place in memory) and its tables."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._memory = None if path else _fresh(":memory:", path)
        if self._memory:
            weakref.finalize(self, self._memory.close)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Give a connection inside a write of its own: all of it is kept, or nothing."""
        with self._connected() as con:
            try:
                con.execute("BEGIN IMMEDIATE")
                try:
                    yield con
                    con.execute("COMMIT")
                except BaseException:
                    con.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise UnsafeError("cannot_write", path=str(self.path), reason=str(error)) from None

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        """Give the connection in memory, or one to the file that is closed again."""
        own = nullcontext(self._memory) if self._memory else closing(_opened(self.path))
        with own as con:
            yield con

    def frame(self, name: str) -> pd.DataFrame:
        """Return a table in the order it was written; empty where there is no file yet."""
        columns = ("id", *TABLES[name])
        rows: list[Any] = []
        if self._memory or (self.path and self.path.exists()):
            query = f"SELECT {', '.join(columns)} FROM {name} ORDER BY seq"  # noqa: S608
            with self._connected() as con:
                rows = con.execute(query).fetchall()
        found = pd.DataFrame(rows, columns=list(columns))
        kinds = {c: "float64" if c in NUMBERS else "object" for c in columns}
        return found.astype(kinds)


def insert(con: sqlite3.Connection, name: str, row_id: str, row: Mapping[str, object]) -> None:
    """Add one row, unless its id is there."""
    columns = TABLES[name]
    marks = ", ".join("?" * (len(columns) + 1))
    values = (row_id, *(row.get(column) for column in columns))
    con.execute(f"INSERT INTO {name} (id, {', '.join(columns)}) VALUES ({marks})", values)  # noqa: S608 - names of our own


def _opened(path: Path | None) -> sqlite3.Connection:
    assert path is not None  # noqa: S101 - memory has its own connection
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _fresh(str(path), path)
    except (sqlite3.OperationalError, OSError) as error:
        raise UnsafeError("cannot_write", path=str(path), reason=str(error)) from None
    except sqlite3.DatabaseError:
        raise DataError("not_a_ledger", path=str(path)) from None


def _fresh(name: str, path: Path | None) -> sqlite3.Connection:
    """Return a connection to a ledger of our version, made if the file is new."""
    con = sqlite3.connect(name, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        con.execute("PRAGMA synchronous = EXTRA")
        if _number(con, "user_version") == 0:
            _make(con)
        _check(con, path)
    except BaseException:
        con.close()
        raise
    return con


def _make(con: sqlite3.Connection) -> None:
    """Write the schema into an empty file; of two processes that make it at once, one does."""
    con.execute("BEGIN IMMEDIATE")
    if not con.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        for statement in _schema():
            con.execute(statement)
    con.execute("COMMIT")


def _check(con: sqlite3.Connection, path: Path | None) -> None:
    if _number(con, "application_id") != APPLICATION:
        raise DataError("not_a_ledger", path=str(path))
    found = _number(con, "user_version")
    if found > VERSION:
        raise DataError("ledger_newer", path=str(path), found=found, known=VERSION)


def _number(con: sqlite3.Connection, pragma: str) -> int:
    return int(con.execute(f"PRAGMA {pragma}").fetchone()[0])
