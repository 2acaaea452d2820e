"""What kind of file it is, by its first bytes, and what is inside an archive."""

from __future__ import annotations

import gzip
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING

from ecomops.base.errors import DataError, MissingError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOST_BYTES = 8 << 30
MOST_RATIO = 400
MOST_FILES = 5000
SMALL = 16 << 20

BROKEN = (
    zipfile.BadZipFile, OSError, EOFError, zlib.error, NotImplementedError, ValueError,
    struct.error,
)  # fmt: skip


def kind(path: Path, shown: str) -> str:
    """Return ``"zip"``, ``"xlsx"``, ``"xls"``, ``"gzip"``, ``"parquet"``, ``"html"`` or ``"text"``.

    The suffix is not looked at. Raises `MissingError` for a file that is not there and
    `DataError` for one that is empty or may not be read.
    """
    head = first_bytes(path)
    if not head.strip(b"\0\r\n\t "):
        raise DataError("empty_file", file=shown, size=path.stat().st_size)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "xlsx" if _is_workbook(path) else "zip"
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        return "xls"
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith(b"PAR1"):
        return "parquet"
    start = head.lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    return "html" if start.startswith((b"<html", b"<!doctype html", b"<table")) else "text"


def first_bytes(path: Path, size: int = 65536) -> bytes:
    """Return the first bytes of a file; raise when it is absent or may not be read."""
    try:
        with path.open("rb") as file:
            return file.read(size)
    except FileNotFoundError as error:
        raise MissingError("no_such_file", path=str(path)) from error
    except OSError as error:
        raise DataError("no_permission", path=str(path), reason=error.strerror) from error


def _is_workbook(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.startswith(("xl/", "Index/")) for name in archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise DataError("broken_archive", file=path.name, reason=str(error)) from error


def gunzip(path: Path, scratch: Path) -> Path:
    """Return the content of a gzip file as a file in `scratch`; raise `DataError` when broken."""
    target = _fresh(scratch)
    try:
        with gzip.open(path) as source, target.open("wb") as out:
            _copy(source, out, path.name, max(path.stat().st_size, 1))
    except (OSError, EOFError, zlib.error) as error:
        raise DataError("broken_archive", file=path.name, reason=str(error)) from error
    return target


def unzip(path: Path, scratch: Path) -> Iterator[tuple[str, Path]]:
    """Yield name and extracted file of each member of a zip.

    Members are written under names of our own, so that a path inside the archive leads nowhere.
    Raises `DataError` for a broken, encrypted or exploding archive.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if not m.is_dir()]
            _refuse_bomb(members, path)
            for member in members:
                target = _fresh(scratch)
                with archive.open(member) as source, target.open("wb") as out:
                    _copy(source, out, path.name, max(member.compress_size, 1))
                yield _name(member), target
    except DataError:
        raise
    except BROKEN as error:
        raise DataError("broken_archive", file=path.name, reason=str(error)) from error
    except RuntimeError as error:
        raise DataError("locked_archive", file=path.name) from error


def _name(member: zipfile.ZipInfo) -> str:
    """Return a member's name; Chinese tools write GBK there without saying so."""
    utf8 = 0x800
    if member.flag_bits & utf8:
        return member.filename
    try:
        return member.filename.encode("cp437").decode("gb18030")
    except UnicodeError:
        return member.filename


def _refuse_bomb(members: list[zipfile.ZipInfo], path: Path) -> None:
    size = sum(m.file_size for m in members)
    ratio = size / max(path.stat().st_size, 1)
    if size > MOST_BYTES or len(members) > MOST_FILES or (size > SMALL and ratio > MOST_RATIO):
        raise DataError("archive_too_big", file=path.name, files=len(members), size=size)


def _copy(source: object, out: object, shown: str, packed: int) -> None:
    """Copy in pieces, stopping when far more comes out than went in (headers can lie)."""
    written = 0
    while piece := source.read(1 << 20):  # type: ignore[attr-defined]
        written += len(piece)
        if written > MOST_BYTES or (written > SMALL and written > packed * 1100):
            raise DataError("archive_too_big", file=shown, files=1, size=written)
        out.write(piece)  # type: ignore[attr-defined]


def _fresh(scratch: Path) -> Path:
    return scratch / f"{sum(1 for _ in scratch.iterdir())}.part"
