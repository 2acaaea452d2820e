"""The typed rows of one sheet, and the canonical columns they fill."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ecomops.data.formats import rules, sql
from ecomops.data.formats.numerals import EITHER, european

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecomops.data.formats.recognise import Matched
    from ecomops.data.formats.registry import Format, Target
    from ecomops.data.problems import Identity, Problem

FOUR_PLACES = {"unit_price", "ref_cpc", "cost"}
FIRST_YEAR, LAST_YEAR = 1990, 2100
UNIQUE_RESPONSES = {"typeform"}  # elsewhere a response's number counts within its survey only
EXPORTED = r"[-_ ]*(20\d{6,}|20\d\d-\d\d-\d\d|\(\d+\)|（\d+）).*$"
ADDED = ({"money_in", "money_out"}, {"money", "money_more"})  # cells that are parts of a sum
FINEST = ("order_lines", "traffic_daily", "product_skus")


@dataclass
class Part:
    """The typed rows of one sheet: one engine table, and what was noticed on the way.

    The table has a column ``<table>__<column>`` per canonical column and ``_row``, the record's
    1-based number in the file; `beside` also has ``x<position>`` for each column of `spare`, mapped
    to nothing: hundreds of them would slow every query down. Those of `quiet` say nothing in the
    first rows: while rows are typed they share one list, `_quiet`.
    """

    fmt: Format
    name: str
    columns: tuple[Matched, ...]
    fill: tuple[Slot, ...]
    first_row: int
    table: str = ""
    beside: str = ""
    rank: tuple[str, str, str] = ("", "", "")
    problems: list[Problem] = field(default_factory=list)
    identities: list[Identity] = field(default_factory=list)
    spare: tuple[Matched, ...] = ()
    quiet: tuple[int, ...] = ()
    comma: frozenset[int] = frozenset()
    mixed: frozenset[int] = frozenset()
    below: frozenset[str] = frozenset()
    currency: str | None = None
    rows: int = 0
    index: int = 0
    constants: dict[tuple[str, str], object] = field(default_factory=dict)
    zone: str | None = None
    free: str = ""
    files: int = 1
    several: bool = False


@dataclass(frozen=True)
class Slot:
    """One canonical column to fill from source positions by a rule."""

    target: Target
    positions: tuple[int, ...]
    rules: tuple[str, ...]

    @property
    def name(self) -> str:
        """The column in the part's table."""
        return f"{self.target.table}__{self.target.column}"

    @property
    def strict(self) -> bool:
        """Whether a cell that does not parse is a problem."""
        return rules.RULES[self.target.rule][1]

    @property
    def letter(self) -> str:
        """Which spelling of "nothing" counts: that of plain text or that of values."""
        return "t" if self.target.rule in rules.TEXTS else "v"

    @property
    def said(self) -> str:
        """The text the value is made from."""
        cells = [f"{self.letter}{p}" for p in self.positions]
        return f"coalesce({', '.join(cells)})" if len(cells) > 1 else cells[0]


def slots(columns: Sequence[Matched]) -> tuple[Slot, ...]:
    """Return the canonical columns a sheet fills, each with its source positions in order."""
    found: dict[tuple[str, str], list[tuple[Target, int]]] = {}
    for column in columns:
        for target in column.targets:
            found.setdefault((target.table, target.column), []).append((target, column.position))
    return tuple(
        Slot(ways[0][0], tuple(p for _, p in ways), tuple(t.rule for t, _ in ways))
        for ways in found.values()
    )


def main_table(fmt: Format) -> str:
    """Return the table that a trouble with a layout's rows is told of."""
    private = [t.table for ts in fmt.targets.values() for t in ts]
    return next(iter((*fmt.tables, *private)), fmt.id)


def finest(fmt: Format) -> str | None:
    """Return the table that has one row per row of the file, None where all are private."""
    fed = fmt.tables
    return next((name for name in FINEST if name in fed), fed[0] if fed else None)


def possible(slot: Slot) -> str:
    """Return a value, but not a day that no shop's file can be about."""
    value = sql.name(slot.name)
    if slot.target.rule not in rules.TIMES:
        return value
    return f"CASE WHEN year({value}) BETWEEN {FIRST_YEAR} AND {LAST_YEAR} THEN {value} END"


def value_of(slot: Slot, part: Part, around: rules.Cells) -> str:
    """Return the SQL of a slot's value: the first of its cells that says one."""
    scale = 4 if slot.target.column in FOUR_PLACES else part.fmt.money_scale
    found = []
    for position, rule in zip(slot.positions, slot.rules, strict=True):
        percent = bool(re.search("[%％]", part.columns[position].name))
        own = replace(around, scale=scale, percent=percent)
        cell = f"{slot.letter}{position}"
        read = european(cell) if position in part.comma else cell
        if position in part.mixed:
            read = f"CASE WHEN NOT regexp_matches({cell}, {sql.text(EITHER)}) THEN {cell} END"
        value, strict = rules.RULES[rule][0](read, own), rules.RULES[rule][1]
        found.append(rules.filled(cell, value) if strict or rule.startswith("address") else value)
    if set(slot.rules) in ADDED:
        both = " + ".join(f"coalesce({value}, 0)" for value in found)
        return f"CASE WHEN coalesce({', '.join(found)}) IS NOT NULL THEN {both} END"
    return f"coalesce({', '.join(found)})" if len(found) > 1 else found[0]


def survey_of(part: Part) -> str:
    """Return a survey's name: the file's, without suffix, day of export or number of download."""
    name = re.sub(r"\.[A-Za-z]+$", "", part.name)
    return re.sub(EXPORTED, "", name) or name


def response_of(part: Part) -> str:
    """Return the SQL of a response's id; one that counts within its survey begins with its name."""
    named = any(s.name == "surveys__response_id" for s in part.fill)
    own = "surveys__response_id" if named else "_row::VARCHAR"
    unique = part.fmt.id in UNIQUE_RESPONSES
    return own if unique else f"{sql.text(survey_of(part))} || '-' || {own}"
