"""A result in a terminal: its sentences and its table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ecomops.base.options import options
from ecomops.result.html import NUMERIC
from ecomops.result.words import Words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from ecomops.result import Result
    from ecomops.store.proposals import Proposal

WIDTH = 120
HEADS = ("id", "money", "advice")


def printed(result: Result, rows: pd.DataFrame | None = None) -> None:
    """Print what a result says and its table, or only those `rows` of it."""
    console = Console(width=None if Console().is_terminal else WIDTH, highlight=False)
    words = result.words()
    for sentence in result.sentences() if not result.locked else [result.explain()]:
        console.print(escape(sentence))
    shown = result.rows if rows is None else rows
    if len(shown):
        console.print(_table(result, shown, words))


def listed(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows of text under headings."""
    table = Table(*(escape(each) for each in columns), box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    Console(width=None if Console().is_terminal else WIDTH, highlight=False).print(table)


def advised(found: Sequence[tuple[str, Proposal]], currency: str) -> None:
    """Print open advice: the beginning of its id, its sentence, and its money where it has any."""
    rows = []
    for name, proposal in found:
        action, words = proposal.action, Words(proposal.analysis, options.lang, currency)
        part = "do" if action.emitted else "measure"
        money = [getattr(action.value, end, None) for end in ("low", "mid", "high")]
        told = " · ".join(words.format_field(m, "money") for m in money) if action.emitted else ""
        rows.append((name[:8], told, words.say("actions", action.code, part, **action.change)))
    heads = [str(Words("report.cli", options.lang).say("decisions", each)) for each in HEADS]
    listed(heads, rows)


def _table(result: Result, rows: pd.DataFrame, words: Any) -> Table:
    units = {column: result.columns.get(column, "text") for column in rows.columns}
    table = Table(box=None, pad_edge=False)
    for column, unit in units.items():
        right = unit.lstrip("+").partition(".")[0] in NUMERIC
        table.add_column(
            escape(str(words.find("columns", column) or column)),
            justify="right" if right else "left",
        )
    for row in rows.itertuples(index=False):
        cells = zip(row, units.values(), strict=True)
        table.add_row(*(escape(words.format_field(value, unit)) for value, unit in cells))
    return table
