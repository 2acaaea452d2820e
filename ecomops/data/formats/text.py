"""Bytes to UTF-8 text: which encoding a file is in, proven on every byte."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecomops.base.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHUNK = 4 << 20
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Four or more UTF-8 Chinese characters right after a separator do not occur in GB18030 text.
_UTF8_RUN = re.compile(
    rb"(?:^|[,\t\"\r\n])(?:[\xe4-\xe9][\x80-\xbf][\x80-\xbf]){4,}(?=[,\t\"\r\n])"
)


@dataclass(frozen=True)
class Text:
    """A text file that is UTF-8 by now; `encoding` is what it was in."""

    path: Path
    encoding: str


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _first_bad_line(path: Path, encoding: str) -> int | None:
    """Return the 1-based line of the first byte that is not `encoding`, None when all are."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    line = 1
    for chunk in _chunks(path):
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
        _refuse_nul(head, shown)
        return "utf-16-le" if head[1:2] == b"\0" else "utf-16-be"
    if _first_bad_line(path, "utf-8") is None:
        return "utf-8"
    bad = _first_bad_line(path, "gb18030")
    if bad is None:
        _refuse_mixture(path, shown)
        return "gb18030"
    if head.split(b"\n", 1)[0].isascii() and _first_bad_line(path, "cp1252") is None:
        return "cp1252"
    raise DataError("unknown_encoding", file=shown, row=bad)


def _refuse_nul(head: bytes, shown: str) -> None:
    """Raise unless every other byte of the start is NUL, as in UTF-16 without a mark."""
    start = head[:64]
    share = start.count(b"\0") / max(len(start), 1)
    if not 0.3 <= share <= 0.6:  # noqa: PLR2004
        raise DataError("nul_bytes", file=shown, row=1 + head[: head.index(b"\0")].count(b"\n"))


def _refuse_mixture(path: Path, shown: str) -> None:
    line = 1
    for chunk in _chunks(path):
        if found := _UTF8_RUN.search(chunk):
            row = line + chunk[: found.start()].count(b"\n")
            raise DataError("mixed_encodings", file=shown, row=row)
        line += chunk.count(b"\n")


def as_utf8(path: Path, scratch: Path, shown: str) -> Text:
    """Return `path` as UTF-8, written once into the folder `scratch` when it is not yet.

    A byte-order mark decides; else strict UTF-8 over the whole file, else strict GB18030 (never
    GBK, whose superset it is), else Windows-1252 where the header is plain ASCII.

    Raises `DataError` for mixed or unknown encodings and NUL bytes, with the row.
    """
    encoding = _encoding(path, shown)
    if encoding in {"utf-8", "utf-8-sig"}:
        if (bad := _first_bad_line(path, "utf-8")) is not None:
            raise DataError("unknown_encoding", file=shown, row=bad)
        return Text(path, encoding)
    target = scratch / f"{sum(1 for _ in scratch.iterdir())}.utf8"
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        with target.open("wb") as out:
            for chunk in _chunks(path):
                out.write(decoder.decode(chunk).encode("utf-8"))
            out.write(decoder.decode(b"", final=True).encode("utf-8"))
    except UnicodeError as error:
        raise DataError("unknown_encoding", file=shown, row=1) from error
    return Text(target, encoding.removesuffix("-le").removesuffix("-be"))
