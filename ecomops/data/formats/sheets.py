"""Files as sheets of text cells: a head to recognise, and the rest for the engine."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import python_calamine

from ecomops.base.errors import DataError
from ecomops.data.formats import archive, sql
from ecomops.data.formats.text import as_utf8
from ecomops.data.guard import too_large

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

HEAD_ROWS = 20
HEAD_BYTES = 512 << 10
IN_PYTHON = 2 << 20
EXACT = 2**53
QUOTED = re.compile('"[^"]*"')
csv.field_size_limit(32 << 20)


@dataclass
class Sheet:
    """One table of cells. `rows` holds all of them when they are few, else `path` is read.

    `head` are the first records; `ends` how a line of a text file ends, as the engine writes it;
    `wrong` is why a file of an archive cannot be read at all; `merged` are a workbook's ranges.
    """

    name: str
    kind: str
    head: list[list[str]]
    rows: list[list[str]] | None = None
    path: Path | None = None
    delimiter: str = ","
    ends: str = r"\n"
    encoding: str = "-"
    typed: frozenset[int] = frozenset()
    serial_base: date = date(1899, 12, 30)
    size: int = 0
    origin: list[tuple[str, int, int]] = field(default_factory=list)
    wrong: DataError | None = None
    merged: tuple[Any, ...] = ()


def sheets(path: Path, scratch: Path, shown: str | None = None, depth: int = 0) -> Iterator[Sheet]:
    """Yield the sheets of a file: one of a CSV, all of a workbook, those of each file in a zip.

    Raises `DataError` for what cannot be read, naming the file and the reason.
    """
    shown = shown or path.name
    kind = archive.kind(path, shown)
    if kind in {"zip", "gzip"} and depth > 1:
        raise DataError("nested_archive", file=shown)
    if kind == "zip":
        for name, file in archive.unzip(path, scratch):
            if not name.rsplit("/", 1)[-1].startswith((".", "__MACOSX")):
                try:
                    yield from sheets(file, scratch, f"{shown}/{name}", depth + 1)
                except DataError as error:  # what is beside it may be whole
                    yield Sheet(f"{shown}/{name}", "text", [], wrong=error)
    elif kind == "gzip":
        inner = shown.removesuffix(".gz")
        yield from sheets(archive.gunzip(path, scratch), scratch, inner, depth + 1)
    elif kind in {"xlsx", "xls"}:
        yield from _workbook(path, shown)
    elif kind == "parquet":
        yield _parquet(path, shown)
    elif kind == "html":
        yield _html(path, scratch, shown)
    else:
        yield from _text(path, scratch, shown)


def _text(path: Path, scratch: Path, shown: str) -> Iterator[Sheet]:
    text = as_utf8(path, scratch, shown)
    size = text.path.stat().st_size
    with text.path.open("r", encoding="utf-8-sig", newline="") as file:
        content = file.read(IN_PYTHON if size <= IN_PYTHON else HEAD_BYTES)
    if "\0" in content:
        row = 1 + content[: content.index("\0")].count("\n")
        raise DataError("nul_bytes", file=shown, row=row)
    delimiter = _delimiter(content)
    records: list[list[str]] = []
    reader = csv.reader(io.StringIO(content), delimiter=delimiter)
    limit = None if size <= IN_PYTHON else HEAD_ROWS + 1
    try:
        records += itertools.islice(reader, limit)
    except csv.Error as error:
        row = reader.line_num + 1
        raise DataError("broken_row", file=shown, row=row, reason=str(error)) from error
    whole = size <= IN_PYTHON
    _refuse_open_quote(records, content, shown) if whole else None
    # line breaks within quotes end none
    ends = r"\r\n" if QUOTED.sub("", content).split("\n", 1)[0].endswith("\r") else r"\n"
    yield Sheet(
        shown, "text", records[:HEAD_ROWS], records if whole else None, text.path,
        delimiter, ends, text.encoding, size=size,
    )  # fmt: skip


def _refuse_open_quote(records: list[list[str]], content: str, shown: str) -> None:
    """Raise when a quote that never closes has swallowed the end of the file."""
    if not records or content.count('"') % 2 == 0:
        return
    if len(records[-1]) < max(map(len, records)) or any("\n" in c for c in records[-1]):
        raise DataError("broken_row", file=shown, row=len(records), reason="unclosed quote")


def _delimiter(content: str) -> str:
    """Return the separator that splits most of the first lines into as many cells."""
    lines = QUOTED.sub("", content[:HEAD_BYTES]).split("\n", 60)[:60]
    alike = {d: Counter(line.count(d) for line in lines) for d in ",\t;|"}
    return max(alike, key=lambda d: max(cells * n for cells, n in alike[d].items()))


def _parquet(path: Path, shown: str) -> Sheet:
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        schema = pq.read_schema(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError("unreadable_file", path=shown, reason=str(error).splitlines()[0]) from error
    plain = {i for i, f in enumerate(schema) if pa.types.is_primitive(f.type)}
    head, size = [list(schema.names)], path.stat().st_size
    return Sheet(shown, "parquet", head, None, path, typed=frozenset(plain), size=size)


class _Table(HTMLParser):
    """Collects the rows of every table of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[list[str]] = []
        self.cell: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag == "tr":
            self.rows.append([])
        elif tag in {"td", "th"}:
            self.cell = []

    def handle_data(self, data: str) -> None:
        if self.cell is not None:
            self.cell.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th"} and self.cell is not None and self.rows:
            self.rows[-1].append("".join(self.cell).strip())
            self.cell = None


def _html(path: Path, scratch: Path, shown: str) -> Sheet:
    text = as_utf8(path, scratch, shown)
    parser = _Table()
    parser.feed(text.path.read_text(encoding="utf-8-sig"))
    rows = [row for row in parser.rows if row]
    return Sheet(shown, "html", rows[:HEAD_ROWS], rows, encoding=text.encoding, size=len(rows))


def _workbook(path: Path, shown: str) -> Iterator[Sheet]:
    with _read_only(shown):
        wrong = too_large(path)
    if wrong:
        raise DataError("unreadable_file", path=shown, reason=wrong)
    with _read_only(shown):
        book = python_calamine.CalamineWorkbook.from_path(str(path))
        names = list(book.sheet_names)
        base = date(1904, 1, 1) if _is_1904(path) else date(1899, 12, 30)
    for name in names:
        with _read_only(shown, f"{shown}[{name}]"):
            page = book.get_sheet_by_name(name)
            cells = page.to_python(skip_empty_area=False)
            merged = tuple(page.merged_cell_ranges or ())
        rows = [[_cell(value) for value in row] for row in cells]
        label = shown if len(names) == 1 else f"{shown}[{name}]"
        head, size = rows[:HEAD_ROWS], len(rows)
        yield Sheet(label, "excel", head, rows, serial_base=base, size=size, merged=merged)


@contextmanager
def _read_only(shown: str, place: str = "") -> Iterator[None]:
    """Say which workbook cannot be read; the reader's own panics are no `Exception`."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError):
        raise
    except BaseException as error:
        code = "locked_archive" if "assword" in str(error) else "unreadable_file"
        raise DataError(code, file=shown, path=place or shown, reason=str(error)) from error


def _is_1904(path: Path) -> bool:
    import zipfile  # noqa: PLC0415

    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as book:
        if "xl/workbook.xml" not in book.namelist():
            return False
        head = book.read("xl/workbook.xml")[:4096]
    return b'date1904="1"' in head or b'date1904="true"' in head


def _cell(value: Any) -> str:
    """Return a workbook cell as text; numbers that a float cannot hold exactly stay scientific."""
    if isinstance(value, float):
        if abs(value) >= EXACT:
            return format(value, ".15e")
        return str(int(value)) if value == int(value) else repr(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return "" if value is None else str(value)


def staged(sheet: Sheet, con: Any, header: int, width: int) -> tuple[str, tuple[str, ...]]:
    """Return a source of the records below row `header` as text ``c0`` …, and rows left out.

    Rows with more cells than the header are shifted by a stray separator, and short ones (where
    most are whole) by a stray quote or a cut: both are left out and named, since their cells would
    be taken for others. For large files the name of the engine's table of rejects stands for them.
    """
    if sheet.kind == "parquet":
        return _staged_parquet(sheet), ()
    if sheet.rows is None:
        return _staged_csv(sheet, con, header, width)
    kept, ragged = [], []
    body = sheet.rows[header + 1 :]
    full = sum(len(row) >= width for row in body)
    whole = full * 2 >= sum(any(c.strip() for c in row) for row in body)
    for at, row in enumerate(body):
        short = sheet.kind == "text" and whole and len(row) < width
        cut = short and sum(bool(c.strip()) for c in row) > 1
        if cut or any(cell.strip() for cell in row[width:]):
            said = f"{sheet.origin[at][0]}: {sheet.origin[at][2]}" if sheet.origin else ""
            ragged.append(said or str(at + header + 2))
            row = []  # noqa: PLW2901  (blank, so that the rows below keep their numbers)
        kept.append((at, row))
    cells = {
        f"c{i}": pa.array([r[i] if i < len(r) else None for _, r in kept], pa.string())
        for i in range(width)
    }
    if sheet.origin:
        for place, column in enumerate(("o_name", "o_file", "o_row")):
            cells[column] = pa.array([sheet.origin[at][place] for at, _ in kept])
    made = sql.free(con, "load_cells")
    con.con.register(made, pa.table(cells))
    return sql.name(made), tuple(ragged)


def _staged_parquet(sheet: Sheet) -> str:
    text = {f"c{i}": f"{sql.name(c)}::VARCHAR" for i, c in enumerate(sheet.head[0])}
    return sql.select(text, f"read_parquet({sql.text(sheet.path)})")


def _staged_csv(sheet: Sheet, con: Any, header: int, width: int) -> tuple[str, tuple[str, ...]]:
    """Let the engine read the records below the header; rows it rejects are listed."""
    rejects = sql.free(con, "load_rejects")
    source = csv_source(
        sheet, header, [f"c{i}" for i in range(width)],
        f"store_rejects = true, rejects_limit = 0, rejects_table = {sql.text(rejects)}, "
        f"rejects_scan = {sql.text(rejects + '_scan')}",
    )  # fmt: skip
    return source, (rejects,)


def csv_source(sheet: Sheet, header: int, names: Iterable[str], more: str = "") -> str:
    """Return the engine's source of the records below record `header` of a text file.

    Lines end like the first record: a bare line break in a cell of the header must not decide it.
    """
    columns = ", ".join(f"{sql.text(name)}: 'VARCHAR'" for name in names)
    return (
        f"read_csv({sql.text(sheet.path)}, header = false, auto_detect = false, "
        f"skip = {header + 1}, columns = {{{columns}}}, delim = {sql.text(sheet.delimiter)}, "
        f"new_line = {sql.text(sheet.ends)}, quote = '\"', escape = '\"', "
        f"max_line_size = {32 << 20}, buffer_size = {36 << 20}{', ' * bool(more)}{more})"
    )
