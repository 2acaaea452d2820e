"""A plain workbook of text cells, written without a spreadsheet library."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from ecomops.base.packaged import packaged

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

FIXED = packaged("data/formats/fixed.toml")["workbook"]
_WHEN = (2026, 1, 1, 0, 0, 0)


def write_workbook(path: Path, head: Iterable[Sequence[str]], body: Any) -> None:
    """Write rows of text as the only sheet of an xlsx file; the same rows give the same bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, text in FIXED["parts"].items():
            book.writestr(zipfile.ZipInfo(name, _WHEN), text)
        sheet = zipfile.ZipInfo("xl/worksheets/sheet1.xml", _WHEN)
        sheet.compress_type = zipfile.ZIP_DEFLATED
        with book.open(sheet, "w", force_zip64=True) as out:
            out.write(FIXED["start"].encode())
            for row in head:
                out.write(_row(row))
            for block in body:
                out.write(b"".join(map(_row, block)))
            out.write(b"</sheetData></worksheet>")


def _row(cells: Sequence[str]) -> bytes:
    kept = (f'<c t="inlineStr"><is><t xml:space="preserve">{escape(c)}</t></is></c>' for c in cells)
    return ("<row>" + "".join(kept) + "</row>").encode()
