"""Canonical CSV files: encoding, separator and rows are proven once, when the file is opened."""

from __future__ import annotations

import re
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import duckdb

from ecomops.base.errors import DataError
from ecomops.data.formats import sql
from ecomops.data.formats.sheets import csv_source, sheets
from ecomops.data.tables import examples, passing

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUNDED = r"^\d(\.\d+)?[eE]\+\d+$"
ROW = re.compile(
    r"Error on Line: (\d+)\n.*?(?:Columns: (\d+) Found: (\d+)|unterminated)", re.DOTALL
)


def read_csv(path: Path, con: Any) -> Any:
    """Return a CSV file with a header row as a table of text in the engine `con`.

    UTF-8, UTF-16 or GB18030; cells apart by commas, tabs, semicolons or bars. No type is guessed
    from the first rows, so that what stands far down cannot be misread.

    Raises `DataError` for empty and binary files, unknown encodings, rows whose cells are more or
    fewer than those of the header, and ids that a spreadsheet has rounded.
    """
    with TemporaryDirectory(prefix="ecomops-") as scratch, _explained(path):
        sheet = next(sheets(path, Path(scratch)))
        header = next((i for i, row in enumerate(sheet.head) if "".join(row).strip()), None)
        if header is None:
            raise DataError("empty_file", file=path.name, size=path.stat().st_size)
        if sheet.kind != "text":
            raise DataError("unreadable_file", path=str(path), reason=sheet.kind)
        names = _told_apart(sheet.head[header])
        query = sql.select(None, csv_source(sheet, header, names))
        # a copy in UTF-8 is gone when this ends
        made = sql.view(con, "csv", query) if sheet.path == path else sql.table(con, "csv", query)
        return _whole(con.table(made), path)


def _whole(rows: Any, path: Path) -> Any:
    """Return `rows` after reading each once; raise where a spreadsheet has rounded ids."""
    wrong = {c: rows[c].re_search(ROUNDED) for c in rows.columns if c.endswith("_id")}
    for c, n in passing(rows, wrong).items():
        if n:
            told = {"count": n, "columns": [c], "examples": examples(rows.filter(wrong[c]), c)}
            raise DataError("rounded_ids", table=path.stem, column=c, **told)
    return rows


def _told_apart(cells: list[str]) -> list[str]:
    """Return names of columns of which none occurs twice.

    >>> _told_apart(["id", " ", "id"])
    ['id', 'column1', 'id_2']
    """
    names = [cell.strip() or f"column{i}" for i, cell in enumerate(cells)]
    return [f"{name}_{i}" if name in names[:i] else name for i, name in enumerate(names)]


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Say which row the engine could not read, and why."""
    try:
        yield
    except duckdb.Error as error:
        said = str(error).splitlines()[0].rstrip(".")
        row, columns, cells = found.groups() if (found := ROW.search(str(error))) else (0, "", said)
        code = "cells_differ" if columns else "broken_row"
        told = {"columns": columns, "cells": cells, "reason": cells or "unclosed quote"}
        raise DataError(code, file=path.name, row=int(row), **told) from error
