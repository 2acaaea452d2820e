"""Canonical CSV files as people save them: encodings, separators, late quotes, broken rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import ecomops as eo
from ecomops.data.tables import frame

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "order_id,customer_id,paid_at,paid_amount,currency\n"
ROWS = "1,张三,2025-11-11 00:30:00,10.50,CNY\n2,李四,2025-11-12,20.00,CNY\n"
LATE = 25_000  # rows, beyond those from which the engine would guess how cells are quoted


def opened(folder: Path, content: str, encoding: str = "utf-8") -> eo.Shop:
    (folder / "orders.csv").write_bytes(content.encode(encoding))
    return eo.open(folder)


def figures(shop: eo.Shop) -> tuple[int, float, set[str]]:
    rows = frame(shop.orders.select("customer_id", "paid_amount"))
    return len(rows), float(rows["paid_amount"].sum()), set(rows["customer_id"])


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030"]
)
def test_every_encoding_that_excel_saves_is_read(tmp_path: Path, encoding: str) -> None:
    assert figures(opened(tmp_path, HEAD + ROWS, encoding)) == (2, 30.5, {"张三", "李四"})


@pytest.mark.parametrize(
    ("old", "new"),
    [(",", ";"), (",", "\t"), (",", "|"), ("\n", "\r\n"), ("\n", "\r"), ("order_id", " order_id ")],
)
def test_separators_and_line_ends_are_seen(tmp_path: Path, old: str, new: str) -> None:
    shop = opened(tmp_path, (HEAD + ROWS).replace(old, new))
    assert figures(shop) == (2, 30.5, {"张三", "李四"})


@pytest.mark.parametrize("name", ["李, 四", "李\n四", '李 "四"', "李; 四; 五; 六; 七; 八"])
def test_what_is_quoted_far_down_is_one_cell(tmp_path: Path, name: str) -> None:
    """The engine alone guesses from 20,480 rows that nothing is quoted, and fails at this row."""
    quoted = '"' + name.replace('"', '""') + '"'
    rows = [f"{i},c,2025-11-11,1.00,CNY\n" for i in range(LATE)]
    shop = opened(tmp_path, HEAD + "".join(rows) + f"last,{quoted},2025-11-11,1.00,CNY\n")
    assert figures(shop) == (LATE + 1, LATE + 1.0, {"c", name})


@pytest.mark.parametrize("before", [0, LATE])
@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("x,c,2025-11-11,1.00,CNY,more", "cells_differ"),
        ("x,c,2025-11-11", "cells_differ"),
        ('x,"c,2025-11-11,1.00,CNY', "broken_row"),
    ],
)
def test_a_row_that_does_not_fit_is_named(tmp_path: Path, before: int, row: str, code: str) -> None:
    rows = [f"{i},c,2025-11-11,1.00,CNY\n" for i in range(before)]
    with pytest.raises(eo.DataError) as error:
        opened(tmp_path, HEAD + "".join(rows) + f"{row}\n")
    assert (error.value.code, error.value.values["row"]) == (code, before + 2)
    assert error.value.values["file"] == "orders.csv"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("", "empty_file"),
        (" \n\n", "empty_file"),
        ("\0" * 40, "empty_file"),
        (HEAD + ROWS + "3,\0,2025-11-11,1.00,CNY\n", "nul_bytes"),
        ("<html><p>Log in</p></html>", "empty_file"),
        ("order_id\n1\n", "missing_columns"),
    ],
)
def test_what_is_no_table_says_so(tmp_path: Path, content: str, code: str) -> None:
    with pytest.raises(eo.DataError) as error:
        opened(tmp_path, content)
    assert error.value.code == code


def test_ids_that_a_spreadsheet_has_rounded_are_refused(tmp_path: Path) -> None:
    """Two different orders of 18 digits look alike once Excel has saved them."""
    with pytest.raises(eo.DataError) as error:
        opened(tmp_path, HEAD + ROWS.replace("1,张", "4.31112E+17,张").replace("2,李", "9E+15,李"))
    told = error.value.values
    assert (error.value.code, told["column"], told["count"]) == ("rounded_ids", "order_id", 2)


def test_columns_of_one_name_are_told_apart(tmp_path: Path) -> None:
    shop = opened(tmp_path, "note,order_id,note,paid_at,paid_amount\na,1,b,2025-11-11,5\n")
    assert frame(shop.orders.select("note", "note_2")).to_numpy().tolist() == [["a", "b"]]


def test_a_folder_called_like_a_table_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "order_lines.csv").mkdir()
    shop = opened(tmp_path, HEAD + ROWS)
    assert "order_lines" not in shop
