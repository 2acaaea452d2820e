"""A plain workbook of text cells, written without a spreadsheet library."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_TYPES = (
    '<?xml version="1.0" encoding="UTF-8"?><Types xmlns="http://schemas.openxmlformats.org/package/'
    '2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-'
    'package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="application/'
    'vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/'
    'worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.'
    'spreadsheetml.worksheet+xml"/></Types>'
)
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELS = (
    '<?xml version="1.0" encoding="UTF-8"?><Relationships xmlns="http://schemas.openxmlformats.org/'
    f'package/2006/relationships"><Relationship Id="rId1" Type="{_OFFICE}/{{kind}}" '
    'Target="{to}"/></Relationships>'
)
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_BOOK = (
    f'<?xml version="1.0" encoding="UTF-8"?><workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
    '<sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>'
)
_START = f'<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns="{_MAIN}"><sheetData>'
_WHEN = (2026, 1, 1, 0, 0, 0)


def write_workbook(path: Path, head: Iterable[Sequence[str]], body: Any) -> None:
    """Write rows of text as the only sheet of an xlsx file; the same rows give the same bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, text in (
            ("[Content_Types].xml", _TYPES),
            ("_rels/.rels", _RELS.format(kind="officeDocument", to="xl/workbook.xml")),
            ("xl/workbook.xml", _BOOK),
            (
                "xl/_rels/workbook.xml.rels",
                _RELS.format(kind="worksheet", to="worksheets/sheet1.xml"),
            ),
        ):
            book.writestr(zipfile.ZipInfo(name, _WHEN), text)
        sheet = zipfile.ZipInfo("xl/worksheets/sheet1.xml", _WHEN)
        sheet.compress_type = zipfile.ZIP_DEFLATED
        with book.open(sheet, "w", force_zip64=True) as out:
            out.write(_START.encode())
            for row in head:
                out.write(_row(row))
            for block in body:
                out.write(b"".join(map(_row, block)))
            out.write(b"</sheetData></worksheet>")


def _row(cells: Sequence[str]) -> bytes:
    kept = (f'<c t="inlineStr"><is><t xml:space="preserve">{escape(c)}</t></is></c>' for c in cells)
    return ("<row>" + "".join(kept) + "</row>").encode()
