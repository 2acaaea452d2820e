"""Workbooks that would eat all memory, found out before their reader opens them."""

from __future__ import annotations

import re
import struct
import zipfile
from functools import reduce
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CELLS = 100_000_000  # the reader keeps a place for every cell up to the last row and column
ROW = re.compile(rb'<(?:\w+:)?row\b[^>]*?\br="(\d{1,9})"')
LETTERS = re.compile(rb'\br="([A-Z]{2,3})\d')
LOOSE = re.compile(rb'\br="[A-Z]{1,3}(\d{6,9})"')
PIECE, LONGEST = 1 << 20, 512  # bytes read at a time, and of the longest tag that tells a place
HEADER, LAST = 512, 0xFFFFFFFA


def too_large(path: Path) -> str:
    """Return why a workbook cannot be read with any memory, empty where nothing is wrong."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as book:
            sheets = [n for n in book.namelist() if n.startswith("xl/worksheets/")]
            found = max((_extent(book.open(n)) for n in sheets if n.endswith(".xml")), default=0)
        return f"{found:,} cells" if found > CELLS else ""
    data = path.read_bytes()
    return "" if len(data) < HEADER or _sound(data) else "circular sectors"


def _extent(sheet: IO[bytes]) -> int:
    """Return at least how many cells there are from the first to the farthest, empty ones too."""
    rows = loose = 0
    far, tail = b"", b""
    while piece := sheet.read(PIECE):
        text = tail + piece
        rows = max((rows, *map(int, ROW.findall(text))))
        loose = max((loose, *map(int, LOOSE.findall(text))))
        far = max((far, *LETTERS.findall(text)), key=_column)
        tail = text[-LONGEST:]
    return (rows or loose) * max(_column(far), 26)


def _column(letters: bytes) -> int:
    """Return the number of a column, 1 for A.

    >>> _column(b"A"), _column(b"AB"), _column(b"XFD")
    (1, 28, 16384)
    """
    return reduce(lambda number, letter: number * 26 + letter - 64, letters, 0)


def _sound(data: bytes) -> bool:
    """Return whether the chains of sectors of an old workbook end."""
    size = 1 << min(struct.unpack_from("<H", data, 30)[0], 20)
    mini, count = struct.unpack_from("<2I", data, 60)
    more, _ = struct.unpack_from("<2I", data, 68)
    lists = [s for s in struct.unpack_from("<109I", data, 76) if s < LAST]
    seen: set[int] = set()
    while more < LAST and (entries := _sector(data, size, more)):
        if more in seen:
            return False
        seen.add(more)
        lists += [s for s in entries[:-1] if s < LAST]
        more = entries[-1]
    chains = [entry for s in lists for entry in _sector(data, size, s)]
    if not _ends(chains):
        return False
    minis: list[int] = []
    while mini < len(chains) and count:
        minis += _sector(data, size, mini)
        mini, count = chains[mini], count - 1
    return _ends(minis)


def _sector(data: bytes, size: int, number: int) -> tuple[int, ...]:
    start = (number + 1) * size
    whole = data[start : start + size]
    return struct.unpack(f"<{len(whole) // 4}I", whole[: len(whole) // 4 * 4])


def _ends(following: Sequence[int]) -> bool:
    """Return whether no chain comes back to one of its own links."""
    done: set[int] = set()
    for first in range(len(following)):
        chain, link = set(), first
        while link < len(following) and link not in done:
            if link in chain:
                return False
            chain.add(link)
            link = following[link]
        done |= chain
    return True
