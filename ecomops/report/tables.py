"""Results as tables for a spreadsheet, with cells that cannot start a formula."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def neutral(value: object) -> object:
    """Return a cell that a spreadsheet shows as it is: text that would start a formula is quoted.

    >>> neutral("=cmd|' /C calc'!A0"), neutral(-3.5), neutral("直播")
    ("'=cmd|' /C calc'!A0", -3.5, '直播')
    """
    if isinstance(value, str) and value.lstrip(" ").startswith(FORMULA):
        return f"'{value}"
    return "" if value is None else value


def sheet(table: Mapping[str, Any]) -> str:
    """Return a result's table (columns and rows, as JSON) as CSV text.

    >>> print(sheet({"columns": ["item", "amount"], "rows": [["@SUM(A1)", 2.5]]}), end="")
    item,amount
    '@SUM(A1),2.5
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(neutral(name) for name in table["columns"])
    writer.writerows([neutral(cell) for cell in row] for row in table["rows"])
    return out.getvalue()


def sheets(results: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return file name -> CSV text of every result with rows; a second of its kind is numbered."""
    found: dict[str, str] = {}
    for result in results:
        if not result["table"]["rows"]:
            continue
        same = sum(1 for name in found if name.partition("-")[0] == result["code"])
        found[f"{result['code']}-{same + 1}" if same else result["code"]] = sheet(result["table"])
    return found
