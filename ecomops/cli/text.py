"""A result in a terminal: its sentences and its table."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    words = result.words()
    for sentence in result.sentences() if not result.locked else [result.explain()]:
        _console().print(escape(sentence))
    shown = result.rows if rows is None else rows
    if shown.empty:
        return
    units = [result.columns.get(column, "text") for column in shown.columns]
    heads = [str(words.find("columns", column) or column) for column in shown.columns]
    cells = [
        [words.format_field(value, unit) for value, unit in zip(row, units, strict=True)]
        for row in shown.itertuples(index=False)
    ]
    listed(heads, cells, right=[unit.lstrip("+").partition(".")[0] in NUMERIC for unit in units])


def listed(
    heads: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[bool] | None = None
) -> None:
    """Print rows of text under headings; columns of numbers stand on the `right`."""
    table = Table(box=None, pad_edge=False)
    for head, number in zip(heads, right or [False] * len(heads), strict=True):
        table.add_column(escape(head), justify="right" if number else "left")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    _console().print(table)


def _console() -> Console:
    return Console(width=None if Console().is_terminal else WIDTH, highlight=False)


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
