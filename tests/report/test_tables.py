"""Tables for spreadsheets: what could start a formula does not."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecomops.report import tables

# the characters OWASP names under "CSV injection"
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


@pytest.mark.parametrize("start", DANGEROUS)
def test_text_that_starts_a_formula_is_quoted(start):
    assert tables.neutral(f"{start}cmd|' /C calc'!A0") == f"'{start}cmd|' /C calc'!A0"


@given(st.text())
def test_no_cell_starts_a_formula(text):
    assert not str(tables.neutral(text)).startswith(DANGEROUS)


@given(st.floats(allow_nan=False))
def test_numbers_stay_numbers(number):
    assert tables.neutral(number) == number


def test_a_sheet_reads_back():
    table = {"columns": ["item", "amount"], "rows": [['=A1,"b"', -2.5], [None, 3]]}
    rows = list(csv.reader(io.StringIO(tables.sheet(table))))
    assert rows == [["item", "amount"], ['\'=A1,"b"', "-2.5"], ["", "3"]]


def test_sheets_are_named_after_their_analysis():
    table = {"columns": ["a"], "rows": [[1]]}
    empty = {"columns": ["a"], "rows": []}
    codes = [("x.y", table), ("x.z", empty), ("x.y", table)]
    results = [{"code": code, "table": each} for code, each in codes]
    assert list(tables.sheets(results)) == ["x.y", "x.y-2"]
