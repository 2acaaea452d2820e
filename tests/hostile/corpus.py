"""Files that no export should look like, each with what must come of it.

`refused` names the error's code; `loaded` gives rows of orders and their paid amount; `problem`
names what must be reported. A file that loads must load with exactly these figures.
"""

# ruff: noqa: E501 - a table of cases, one a line

from __future__ import annotations

import gzip
import io
import random
import struct
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecomops.data.formats.workbook import write_workbook

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEADER = (
    "订单编号", "买家会员名", "总金额", "买家实际支付金额", "订单状态", "收货人姓名", "订单创建时间",
    "订单付款时间", "宝贝标题", "宝贝种类", "店铺Id", "店铺名称", "宝贝总数量", "退款金额",
)  # fmt: skip
ROW = (
    "431112233445566778", "buyer_a", "218.00", "218.00", "交易成功", "合*", "2026-05-01 10:11:12",
    "2026-05-01 10:12:00", "懒人居家套装", "1", "100", "示例店", "2", "0.00",
)  # fmt: skip
SECOND = ("431112233445566785", "buyer_b", "30.00", "30.00", *ROW[4:])


@dataclass(frozen=True)
class Case:
    """One hostile file: how to make it and what must come of it."""

    name: str
    make: Callable[[Path], object]
    refused: str = ""
    loaded: tuple[int, float] | None = None
    problem: str = ""


def table(*rows: tuple[str, ...], header: tuple[str, ...] = HEADER) -> str:
    return "\r\n".join(",".join(f'"{c}"' for c in row) for row in (header, *rows)) + "\r\n"


def text(content: str, encoding: str = "gb18030") -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content.encode(encoding))


def raw(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


def changed(**cells: str) -> tuple[str, ...]:
    """Return the first row with some cells replaced, by column name."""
    return tuple(cells.get(name, value) for name, value in zip(HEADER, ROW, strict=True))


def book(*rows: tuple[str, ...]) -> Callable[[Path], object]:
    return lambda path: write_workbook(path, [HEADER, *rows], [])


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def number_book(values: list[float], *, era: str = "") -> Callable[[Path], object]:
    """Return a workbook whose order ids are numbers, as a spreadsheet saves them."""

    def make(path: Path) -> None:
        write_workbook(path, [HEADER, *([ROW] * len(values))], [])
        with zipfile.ZipFile(path) as archive:
            parts = {n: archive.read(n) for n in archive.namelist()}
        sheet = parts["xl/worksheets/sheet1.xml"].decode()
        for value in values:
            cell = f'<c t="inlineStr"><is><t xml:space="preserve">{ROW[0]}</t></is></c>'
            sheet = sheet.replace(cell, f"<c><v>{value!r}</v></c>", 1)
        parts["xl/worksheets/sheet1.xml"] = sheet.encode()
        if era:
            parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace(
                b"<sheets>", era.encode() + b"<sheets>"
            )
        path.write_bytes(zipped(dict(parts)))

    return make


def locked(path: Path) -> None:
    path.write_bytes(table(ROW).encode("gb18030"))
    path.chmod(0)


def encrypted() -> bytes:
    """Return a zip whose only member says that it is encrypted."""
    plain = bytearray(zipped({"a.csv": table(ROW).encode()}, zipfile.ZIP_STORED))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = plain.index(mark) + offset
        struct.pack_into("<H", plain, at, struct.unpack_from("<H", plain, at)[0] | 1)
    return bytes(plain)


def bomb() -> bytes:
    return zipped({f"{i}.csv": b"0" * (24 << 20) for i in range(2)})


def nested(levels: int) -> bytes:
    content = zipped({"a.csv": table(ROW).encode("gb18030")})
    for _ in range(levels):
        content = zipped({"inner.zip": content})
    return content


def many_sheets(path: Path, count: int = 185) -> None:
    """Write a workbook of 185 sheets with the same columns, one order on each."""
    write_workbook(path, [HEADER, ROW], [])
    with zipfile.ZipFile(path) as archive:
        parts = {n: archive.read(n) for n in archive.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"].decode()
    rel = parts["xl/_rels/workbook.xml.rels"].decode()
    one = rel[rel.index("<Relationship ") : rel.index("</Relationships>")]
    sheets, rels = "", ""
    for i in range(1, count + 1):
        sheets += f'<sheet name="S{i}" sheetId="{i}" r:id="rId{i}"/>'
        rels += one.replace("rId1", f"rId{i}").replace("sheet1.xml", f"sheet{i}.xml")
        own = str(431112233445000000 + i * 7)
        parts[f"xl/worksheets/sheet{i}.xml"] = sheet.replace(ROW[0], own).encode()
    main = parts["xl/workbook.xml"].decode()
    start, end = main.index("<sheet name"), main.index("</sheets>")
    parts["xl/workbook.xml"] = (main[:start] + sheets + main[end:]).encode()
    parts["xl/_rels/workbook.xml.rels"] = rel.replace(one, rels).encode()
    kinds = parts["[Content_Types].xml"].decode()
    entry = kinds[kinds.rindex("<Override") : kinds.index("</Types>")]
    more = "".join(entry.replace("sheet1.xml", f"sheet{i}.xml") for i in range(2, count + 1))
    parts["[Content_Types].xml"] = kinds.replace(entry, entry + more).encode()
    path.write_bytes(zipped(parts))


def noise(size: int) -> bytes:
    return random.Random(7).randbytes(size)  # noqa: S311


PLAIN = table(ROW, SECOND)
HTML = "<html><body><table>{}</table></body></html>"
CELLS = "".join("<tr>" + "".join(f"<td>{c}</td>" for c in r) + "</tr>" for r in (HEADER, ROW))
GOOD = (2, 248.0)
ONE = (1, 218.0)


def far_corner(path: Path) -> None:
    """Write a workbook whose only cells are the first and the last that a sheet can have."""
    number_book([1.0])(path)
    with zipfile.ZipFile(path) as book:
        files = {name: book.read(name) for name in book.namelist()}
    sheet = files["xl/worksheets/sheet1.xml"]
    last = (
        b'<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row></sheetData>'
    )
    files["xl/worksheets/sheet1.xml"] = sheet.replace(b"</sheetData>", last)
    with zipfile.ZipFile(path, "w") as book:
        for name, data in files.items():
            book.writestr(name, data)


def circular(path: Path) -> None:
    """Write an old workbook whose list of sectors leads back to itself."""
    lists = struct.pack("<109I", 0, *[0xFFFFFFFF] * 108)
    start = struct.pack("<8s16x5H6x9I", bytes.fromhex("d0cf11e0a1b11ae1"), 62, 3, 0xFFFE, 9, 6,
                        0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)  # fmt: skip
    links = struct.pack("<128I", 0xFFFFFFFD, 2, 1, *[0xFFFFFFFF] * 125)
    path.write_bytes(start + lists + links + b"\0" * 1536)


CASES = [
    # nothing there, or not what it says
    Case("empty.csv", raw(b""), refused="empty_file"),
    Case("blank_lines.csv", raw(b"\r\n\r\n  \r\n"), refused="empty_file"),
    Case("only_nul.csv", raw(b"\0" * 100), refused="empty_file"),
    Case("nul_inside.csv", raw(PLAIN.encode("gb18030") + b"\0\0\0"), refused="nul_bytes"),
    Case("noise.csv", raw(noise(4000)), refused="*"),
    Case("noise.xlsx", raw(noise(4000)), refused="*"),
    Case("png.csv", raw(b"\x89PNG\r\n\x1a\n" + noise(500)), refused="*"),
    Case("words.csv", text("hello world\nthis is no table\n"), refused="unknown_layout"),
    Case("other_table.csv", text("foo,bar,baz\n1,2,3\n"), refused="unknown_layout"),
    Case("one_column.csv", text("订单编号\n1\n"), refused="unknown_layout"),
    Case("header_only.csv", text(table()), refused="no_data_rows"),
    Case("header_only.xlsx", book(), refused="no_data_rows"),
    Case("no_header.csv", text(table(ROW, SECOND).split("\r\n", 1)[1]), refused="unknown_layout"),
    Case("directory.csv", lambda p: p.mkdir(), refused="nothing_to_load"),
    Case("no_rights.csv", locked, refused="no_permission"),
    # archives
    Case("truncated.zip", raw(zipped({"a.csv": PLAIN.encode() * 9})[:200]), refused="broken_archive"),
    Case("not_a.zip", raw(b"PK\x03\x04" + noise(300)), refused="broken_archive"),
    Case("empty.zip", raw(zipped({})), refused="nothing_to_load"),
    Case("bomb.zip", raw(bomb()), refused="archive_too_big"),
    Case("password.zip", raw(encrypted()), refused="locked_archive"),
    Case("traversal.zip", raw(zipped({"../../evil.csv": PLAIN.encode("gb18030")})), loaded=GOOD),
    Case("absolute.zip", raw(zipped({"/etc/evil.csv": PLAIN.encode("gb18030")})), loaded=GOOD),
    Case("two_levels.zip", raw(nested(1)), loaded=ONE),
    Case("four_levels.zip", raw(nested(3)), refused="nested_archive"),
    Case("gzip.csv.gz", raw(gzip.compress(PLAIN.encode("gb18030"))), loaded=GOOD),
    Case("gzip_cut.csv.gz", raw(gzip.compress(PLAIN.encode() * 50)[:-20]), refused="broken_archive"),
    Case("many_in_one.zip", raw(zipped({f"{i}.txt": b"x" for i in range(5001)})), refused="archive_too_big"),
    # the suffix lies
    Case("zip_called.csv", raw(zipped({"a.csv": PLAIN.encode("gb18030")})), loaded=GOOD),
    Case("csv_called.xlsx", text(PLAIN), loaded=GOOD),
    Case("html_called.xls", text(HTML.format(CELLS), "utf-8"), loaded=ONE),
    Case("xlsx_called.csv", book(ROW, SECOND), loaded=GOOD),
    Case("tabs_called.csv", text(PLAIN.replace('","', '"\t"')), loaded=GOOD),
    Case("semicolons.csv", text(PLAIN.replace('","', '";"')), loaded=GOOD),
    Case("html_unclosed.xls", text("<table><tr><td>" + "<td>".join(HEADER), "utf-8"), refused="*"),
    # encodings
    Case("utf8.csv", text(PLAIN, "utf-8"), loaded=GOOD),
    Case("utf8_mark.csv", text(PLAIN, "utf-8-sig"), loaded=GOOD),
    Case("utf16.csv", text(PLAIN, "utf-16"), loaded=GOOD),
    Case("utf16_no_mark.csv", text(PLAIN, "utf-16-le"), loaded=GOOD),
    Case("mixed.csv", raw(PLAIN.encode("gb18030") + table(ROW).split("\r\n")[1].encode("utf-8") + b"\r\n"),
         refused="mixed_encodings"),
    Case("nul_after_bom.csv", raw(b"\xef\xbb\xbf" + PLAIN.encode().replace(b"\xe8\xae\xa2", b"\0", 1)),
         refused="nul_bytes"),
    Case("utf8_broken.csv", raw(PLAIN.encode() + b'"\xff\xfe\xfa"\r\n'), refused="unknown_encoding"),
    Case("gb18030_emoji.csv", text(table(changed(买家会员名="懒人😀"))), loaded=ONE),
    # shape
    Case("two_headers.csv", text(PLAIN + table(SECOND)), loaded=GOOD, problem="repeated_header"),
    Case("duplicate_header.csv", text(table((*ROW, "9.99"), header=(*HEADER, "买家实际支付金额"))), loaded=ONE),
    Case("shifted_row.csv", text(PLAIN + ",".join((*ROW[:3], "1", *ROW[3:])) + "\r\n"), loaded=GOOD,
         problem="ragged_row"),
    Case("cut_last_row.csv", text(PLAIN + '"431112233445566799","buyer_c","21'), refused="broken_row"),
    Case("cut_after_cell.csv", text(PLAIN + '"431112233445566799","buyer_c","21"\r\n'), loaded=GOOD,
         problem="ragged_row"),
    Case("unclosed_quote.csv", text(PLAIN.replace('"buyer_a"', '"buyer_a', 1)), loaded=(1, 30.0),
         problem="ragged_row"),
    Case("preamble.csv", text("店铺：示例\r\n导出时间：2026-06-01\r\n\r\n" + PLAIN), loaded=GOOD),
    Case("blank_rows.csv", text(PLAIN.replace("\r\n", "\r\n\r\n")), loaded=GOOD),
    Case("total_row.csv", text(PLAIN + table(changed(订单编号="合计", 买家实际支付金额="248.00")).split("\r\n")[1]),
         loaded=GOOD, problem="total_row"),
    Case("no_key.csv", text(PLAIN + table(changed(订单编号="")).split("\r\n")[1]), loaded=GOOD, problem="missing_key"),
    Case("same_order_twice.csv", text(table(ROW, ROW, SECOND)), loaded=GOOD, problem="duplicate_key"),
    Case("huge_cell.csv", text(table(changed(宝贝标题="懒" * 3_500_000), SECOND)), loaded=GOOD),
    Case("line_breaks.csv", text(table(changed(宝贝标题="一行\n两行\r\n三行"), SECOND)), loaded=GOOD),
    Case("old_mac_ends.csv", text(PLAIN.replace("\r\n", "\r")), loaded=GOOD),
    Case("wide.csv", text(table((*ROW, *["x"] * 800), header=(*HEADER, *[f"u{i}" for i in range(800)]))), loaded=ONE),
    Case("far_corner.xlsx", far_corner, refused="unreadable_file"),
    Case("circular.xls", circular, refused="unreadable_file"),
    Case("many_sheets.xlsx", many_sheets, loaded=(185, 185 * 218.0)),
    # values
    Case("rounded_ids.csv", text(table(changed(订单编号="4.31112E+17"))), refused="rounded_ids_file"),
    Case("rounded_ids.xlsx", number_book([4.3111223344556678e17]), refused="rounded_ids_file"),
    Case("zeros_ids.csv", text(table(*[changed(订单编号=f"{431112233445500 + i}000") for i in range(5)])),
         refused="rounded_ids_file"),
    Case("exact_ids.xlsx", number_book([43111223344.0]), loaded=ONE),
    Case("wrapped_ids.csv", text(PLAIN.replace(f'"{ROW[0]}"', f'"=""{ROW[0]}"""')), loaded=GOOD),
    Case("bad_amount.csv", text(table(changed(买家实际支付金额="二百"), SECOND)), loaded=(2, 30.0),
         problem="unreadable_cell"),
    Case("bad_date.csv", text(table(changed(订单创建时间="2026-02-30 10:00:00"), SECOND)), loaded=GOOD,
         problem="unreadable_cell"),
    Case("year_219.csv", text(table(changed(订单创建时间="0219-05-01 10:00:00"), SECOND)), loaded=GOOD,
         problem="unreadable_cell"),
    Case("ambiguous_dates.csv", text(table(changed(订单创建时间="01/02/2026 10:00"))), refused="ambiguous_dates"),
    Case("american_dates.csv", text(table(changed(订单创建时间="05/13/2026 10:00"))), loaded=ONE),
    Case("huge_amount.csv", text(table(changed(买家实际支付金额="9" * 30), SECOND)), loaded=(2, 30.0),
         problem="unreadable_cell"),
    Case("thousands.csv", text(table(changed(买家实际支付金额="￥1,218.00元"))), loaded=(1, 1218.0)),
    Case("full_width.csv", text(table(changed(买家实际支付金额="218.00".translate({c: c + 0xFEE0 for c in range(46, 58)})))), loaded=ONE),
    Case("negative.csv", text(table(changed(买家实际支付金额="-218.00"), SECOND)), loaded=(2, -188.0)),
    Case("unknown_status.csv", text(table(changed(订单状态="飞走了"), SECOND)), loaded=GOOD, problem="unknown_status"),
    Case("formula.csv", text(table(changed(买家会员名="=cmd|' /C calc'!A0"), SECOND)), loaded=GOOD),
    Case("sql.csv", text(table(changed(买家会员名="'); DROP TABLE orders; --"), SECOND)), loaded=GOOD),
    Case("sql'name;--.csv", text(PLAIN), loaded=GOOD),
    Case("no_paid_column.csv", text(table(tuple(c for i, c in enumerate(ROW) if i != 3),
                                          header=tuple(h for i, h in enumerate(HEADER) if i != 3))),
         refused="missing_source_columns"),
    Case("no_time_column.csv", text(table(tuple(c for i, c in enumerate(ROW) if i not in (6, 7)),
                                          header=tuple(h for i, h in enumerate(HEADER) if i not in (6, 7)))),
         refused="missing_source_columns"),
]  # fmt: skip
