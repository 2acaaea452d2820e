"""Bytes to UTF-8 text: which encoding a file is in, proven on every byte."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecomops.base.errors import DataError
from ecomops.data.formats.recode import BY_LINE, CHUNK, LARGE, chunks, recode, recode_large

if TYPE_CHECKING:
    from pathlib import Path

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Text:
    """A text file that is UTF-8 by now; `encoding` is what it was in."""

    path: Path
    encoding: str


def _first_bad_line(path: Path, encoding: str) -> int | None:
    """Return the 1-based line of the first byte that is not `encoding`, None when all are."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    line = 1
    for chunk in chunks(path):
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError as error:
            return line + chunk[: error.start].count(b"\n")
        line += chunk.count(b"\n")
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return line
    return None


def _encoding(path: Path, shown: str) -> str:
    with path.open("rb") as file:
        head = file.read(CHUNK)
    for bom, name in _BOMS:
        if head.startswith(bom):
            return name
    if b"\0" in head:
        return _wide_encoding(head, shown)
    if _first_bad_line(path, "utf-8") is None:
        return "utf-8"
    western = head.split(b"\n", 1)[0].isascii() and not _decodes(head, "gb18030")
    return "cp1252" if western and _first_bad_line(path, "cp1252") is None else "gb18030"


def _wide_encoding(head: bytes, shown: str) -> str:
    """Return which UTF-16 a start with NUL bytes is; raise when it is binary."""
    even = head[: len(head) // 2 * 2]
    for name in ("utf-16-le", "utf-16-be"):
        found = even.decode(name, errors="replace")
        odd = sum((c < " " and c not in "\t\r\n") or c == "\ufffd" for c in found)
        if "\n" in found and not odd:
            return name
    raise DataError("nul_bytes", file=shown, row=1 + head[: head.index(b"\0")].count(b"\n"))


def _decodes(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _refuse_patchwork(head: bytes, shown: str, before: int) -> None:
    """Raise when each line is UTF-8 or GB18030, but not all of them the same."""
    lines = head.split(b"\n")[:-1]
    told = [(_decodes(line, "utf-8"), _decodes(line, "gb18030")) for line in lines]
    if lines and all(utf8 or chinese for utf8, chinese in told):
        wide = [
            i
            for i, (line, t) in enumerate(zip(lines, told, strict=True))
            if t[0] and not line.isascii()
        ]
        if wide:
            raise DataError("mixed_encodings", file=shown, row=before + wide[0] + 1)


def _transcode(path: Path, target: Path, encoding: str, shown: str) -> None:
    """Write a file as UTF-8 in one pass that also proves its encoding."""
    old_ends = _bare_returns(path)
    if path.stat().st_size >= LARGE and encoding in BY_LINE and not old_ends:
        wrong = recode_large(path, target, encoding)
    else:
        wrong = recode(path, target, encoding, old_ends=old_ends)
    if wrong is None:
        return
    start, at, mixed = wrong
    before = sum(chunk.count(b"\n") for chunk in chunks(path, 0, start))
    piece = next(chunks(path, start), b"")
    row = before + 1 + piece[: at - start + mixed].count(b"\n")
    if mixed:
        raise DataError("mixed_encodings", file=shown, row=row)
    _refuse_patchwork(piece, shown, before)
    raise DataError("unknown_encoding", file=shown, row=row)


def as_utf8(path: Path, scratch: Path, shown: str) -> Text:
    """Return `path` as UTF-8, written once into the folder `scratch` when it is not yet.

    A byte-order mark decides; else strict UTF-8 over the whole file, else strict GB18030 (never
    GBK, whose superset it is), else Windows-1252 where the header is plain ASCII.

    Raises `DataError` for mixed or unknown encodings and NUL bytes, with the row.
    """
    encoding = _encoding(path, shown)
    if encoding in {"utf-8", "utf-8-sig"} and not _bare_returns(path):
        bad = _first_bad_line(path, "utf-8") if encoding == "utf-8-sig" else None
        if bad is not None:
            raise DataError("unknown_encoding", file=shown, row=bad)
        return Text(path, encoding)
    target = scratch / f"{sum(1 for _ in scratch.iterdir())}.utf8"
    _transcode(path, target, encoding, shown)
    return Text(target, encoding.removesuffix("-le").removesuffix("-be"))


def _bare_returns(path: Path) -> bool:
    """Return whether lines end in a bare carriage return, as on old Macs."""
    with path.open("rb") as file:
        head = file.read(1 << 16)
    return b"\r" in head and b"\n" not in head
