"""Bytes of another encoding written as UTF-8, in several processes where a file is large.

This file imports nothing but the standard library: it is also the program of those processes,
which the interpreter's lock would otherwise keep from working at the same time.
"""

from __future__ import annotations

import codecs
import itertools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK = 256 << 10  # text of a piece stays in the processor's cache
LONGEST = 32 << 20
LARGE = 64 << 20
MOST = 4
# In these a byte that looks like a line's end is one.
BY_LINE = {"gb18030", "cp1252"}
# Four or more UTF-8 Chinese characters right after a separator do not occur in GB18030 text.
UTF8_RUN = re.compile(rb"(?:^|[,\t\"\r\n])(?:[\xe4-\xe9][\x80-\xbf][\x80-\xbf]){4,}(?=[,\t\"\r\n])")
_LEADS, _TAILS = range(0xE4, 0xEA), range(0x80, 0xC0)
_KINDS = bytes(76 if i in _LEADS else 84 if i in _TAILS else 46 for i in range(256))
_FOUR = b"LTT" * 4


def chunks(path: Path, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """Yield a part of a file in pieces that end where a line does, if lines are not too long."""
    left = path.stat().st_size - start if end is None else end - start
    with path.open("rb") as file:
        file.seek(start)
        while left > 0 and (chunk := file.read(min(CHUNK, left))):
            if len(chunk) < left and not chunk.endswith(b"\n"):
                chunk += file.readline(min(LONGEST, left - len(chunk)))
            left -= len(chunk)
            yield chunk


def utf8_run(chunk: bytes) -> int | None:
    """Return where four UTF-8 Chinese characters in a row begin: no other encoding writes them."""
    found = UTF8_RUN.search(chunk) if _FOUR in chunk.translate(_KINDS) else None
    return found.start() if found else None


def recode(
    source: Path, target: Path, encoding: str, start: int = 0, end: int | None = None,
    *, old_ends: bool = False,
) -> tuple[int, int, bool] | None:  # fmt: skip
    """Write bytes `start` to `end` of a file as UTF-8, proving each of them.

    Returns None, or where a piece begins that cannot be read, the byte in the file, and whether it
    is UTF-8 amid GB18030. `old_ends` turns lone carriage returns into line ends.
    """
    decoder, done = codecs.getincrementaldecoder(encoding)("strict"), start
    with target.open("wb") as out:
        for chunk in chunks(source, start, end):
            try:
                text = decoder.decode(chunk)
            except UnicodeDecodeError as error:
                return done, done + error.start, False
            mixed = utf8_run(chunk) if encoding == "gb18030" else None
            if mixed is not None:
                return done, done + mixed, True
            out.write((text.replace("\r", "\n") if old_ends else text).encode("utf-8"))
            done += len(chunk)
        try:
            out.write(decoder.decode(b"", final=True).encode("utf-8"))
        except UnicodeDecodeError:
            return done, done, False
    return None


def recode_large(source: Path, target: Path, encoding: str) -> tuple[int, int, bool] | None:
    """Do what `recode` does to a file with a process per processor.

    A process that cannot be had or fails is no loss: its part is done again here.
    """
    bounds = _bounds(source)
    pieces = [(target.with_suffix(f".{n}"), a, b) for n, (a, b) in enumerate(bounds)]
    children = [_child(source, piece, encoding, a, b) for piece, a, b in pieces[1:]]
    try:
        for number, (piece, start, end) in enumerate(pieces):
            child = children[number - 1] if number else None
            if child is None or child.wait():
                wrong = recode(source, piece, encoding, start, end)
                if wrong:
                    return wrong
            _append(piece, target)
    finally:
        for child in children:
            if child is not None:
                child.kill()
                child.wait()
    return None


def _bounds(source: Path) -> list[tuple[int, int]]:
    """Return the parts of a file, each ending where a line does."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    size, parts = source.stat().st_size, min(MOST, cores or 1)
    cuts = [0]
    with source.open("rb") as file:
        for n in range(1, parts):
            file.seek(size * n // parts)
            file.readline(LONGEST)
            cuts.append(min(file.tell(), size))
    cuts.append(size)
    return [(a, b) for a, b in itertools.pairwise(cuts) if a < b]


def _child(
    source: Path, target: Path, encoding: str, start: int, end: int
) -> subprocess.Popen[bytes] | None:
    arguments = [str(source), str(target), encoding, str(start), str(end)]
    try:
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "-I", "-S", __file__, *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    except OSError:
        return None


def _append(piece: Path, target: Path) -> None:
    if not target.exists():
        piece.replace(target)
        return
    with piece.open("rb") as new, target.open("ab") as out:
        shutil.copyfileobj(new, out, CHUNK)
    piece.unlink()


if __name__ == "__main__":
    _source, _target, _encoding, _start, _end = sys.argv[1:]
    sys.exit(recode(Path(_source), Path(_target), _encoding, int(_start), int(_end)) is not None)
