"""Sums and ratios that a file's own columns must keep, held against every row."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

from ecomops.base.packaged import packaged
from ecomops.data.formats import rules, sql
from ecomops.data.formats.numerals import european, number
from ecomops.data.formats.part import main_table
from ecomops.data.formats.registry import fold
from ecomops.data.problems import Identity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ecomops.data.formats.part import Part

SHARE = re.compile(r"率|ctr|rate")
CENT, SHARE_STEP = 0.0101, 0.0001  # amounts are said to the cent, shares to 0.01 %
FEW = 3


@dataclass(frozen=True)
class Statement:
    """``left = a + b - c``, ``left <= a`` or ``left = a / b``, by folded column names."""

    said: str
    left: str
    sign: str
    terms: tuple[tuple[str, str], ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column it speaks of."""
        return (self.left, *(name for _, name in self.terms))

    @property
    def ratio(self) -> bool:
        """Whether it divides."""
        return any(operator == "/" for operator, _ in self.terms)


@dataclass(frozen=True)
class Rule:
    """One identity: statements of which any may hold, and the rows it is about.

    With `gaps` an empty cell among several counts as 0, as platforms leave unused discounts empty;
    with `counts` its gap is a number of people, not money.
    """

    code: str
    statements: tuple[Statement, ...]
    platforms: tuple[str, ...]
    when: tuple[tuple[str, str], ...]
    less: str | None
    gaps: bool
    counts: bool


def statement(said: str) -> Statement:
    """Return an identity as written in ``identities.yaml``, parsed.

    >>> statement("总金额 = 货款 + 邮费").terms
    (('+', '货款'), ('+', '邮费'))
    """
    left, sign, right = re.split(r" (<=|=) ", said, maxsplit=1)
    first, *rest = re.split(r" ([-+/]) ", right)
    pairs = [("+", first), *zip(rest[::2], rest[1::2], strict=True)]
    return Statement(said, fold(left), sign, tuple((op, fold(name)) for op, name in pairs))


@cache
def identities() -> tuple[Rule, ...]:
    """Return every identity that is checked.

    >>> "identity_roi" in {rule.code for rule in identities()}
    True
    """
    return tuple(
        Rule(
            code,
            tuple(statement(said) for said in entry["is"]),
            tuple(entry.get("platforms", ())),
            tuple((fold(name), text) for name, text in entry.get("when", {}).items()),
            fold(entry["less"]) if "less" in entry else None,
            entry.get("gaps", True),
            entry.get("counts", False),
        )
        for code, entry in packaged("data/formats/identities.yaml").items()
    )


def check_identities(part: Part, con: Any) -> None:
    """Hold a part's rows against every identity whose columns it has; failures are flagged."""
    cells = _cells(part)
    for rule in identities():
        if rule.platforms and part.fmt.platform not in rule.platforms:
            continue
        apt = [s for s in rule.statements if {*s.columns, *dict(rule.when)} <= set(cells)]
        found = [_tested(rule, each, part, cells, con) for each in apt]
        found = [each for each in found if each.rows]
        if found:
            best = min(found, key=lambda each: each.failed)
            part.identities.append(best)
            part.problems += [best.problem()] if best.failed else []


def _cells(part: Part) -> dict[str, str]:
    """Return folded column name -> the SQL of its number (or text), where one column gives it."""
    typed = {s.positions[0]: s for s in part.fill if len(s.positions) == 1}
    spare = {c.position for c in part.spare}
    found: dict[str, str] = {}
    for column in part.columns:
        name = part.fmt.aliases.get(column.folded, column.folded)
        share = bool(SHARE.search(name))
        if column.position in typed:
            found[name] = sql.name(typed[column.position].name)
        elif column.position in spare:
            x = f"x{column.position}"
            around = rules.Cells(percent=bool(re.search("[%％]", column.name)))
            x = european(x) if part.comma else x
            found[name] = rules.fraction(x, around) if share else number(x)
    return found


def _tested(
    rule: Rule, said: Statement, part: Part, cells: Mapping[str, str], con: Any
) -> Identity:
    """Return how many rows an identity was held against and how many it fails on."""
    left, right = f"({cells[said.left]})::DOUBLE", _right(said, cells)
    where = " AND ".join(_rows_meant(rule, said, cells))
    gap = f"round({left} - ({right}), 6)"
    if said.ratio and SHARE.search(said.left):  # some say 3.5 for 3.5 %, without the sign
        gap = f"least(abs({gap}), abs(round({left} / 100 - ({right}), 6)))"
    both = sql.select(
        {"_row": "_row", "l": left, "r": right, "gap": gap}, sql.name(part.beside), where=where
    )
    step = SHARE_STEP if SHARE.search(said.left) else CENT
    fails = f"gap > {step}" if said.sign == "<=" else f"abs(gap) > {step}"
    bad = f"FILTER ({fails})"
    sums = {"n": "count(*)", "failed": f"count(*) {bad}", "amount": f"sum(abs(gap)) {bad}"}
    rows, failed, amount = sql.rows(con, sql.select(sums, both))[0]
    shown: Sequence[tuple[Any, ...]] = ()
    if failed:
        few = {"_row": "_row", "l": "round(l, 4)", "r": "round(r, 4)"}
        shown = sql.rows(con, sql.select(few, both, where=fails, order="_row", limit=FEW))
    examples = tuple(f"{part.name}: {n}: {said.said}: {a:g} ≠ {b:g}" for n, a, b in shown)
    money = None if said.ratio or rule.counts or amount is None else Decimal(f"{amount:.2f}")
    return Identity(rule.code, main_table(part.fmt), rows, failed, examples, money)


def _right(said: Statement, cells: Mapping[str, str]) -> str:
    """Return the right side: what a sum does not say is 0, what a ratio does not say is unknown."""
    if said.ratio:
        above, below = (cells[name] for _, name in said.terms)
        return f"({above})::DOUBLE / nullif(({below})::DOUBLE, 0)"
    return " ".join(f"{op} coalesce(({cells[name]})::DOUBLE, 0)" for op, name in said.terms)


def _rows_meant(rule: Rule, said: Statement, cells: Mapping[str, str]) -> list[str]:
    """Return the conditions on rows: both sides are there, and what the identity asks."""
    told = [f"({cells[name]}) IS NOT NULL" for _, name in said.terms]
    word = " OR " if rule.gaps else " AND "
    right = f"({_right(said, cells)}) IS NOT NULL" if said.ratio else f"({word.join(told)})"
    asked = [f"({cells[name]}) = {sql.text(text)}" for name, text in rule.when]
    if rule.less and rule.less in cells:
        asked.append(f"coalesce(({cells[rule.less]})::DOUBLE, 0) = 0")
    return [f"({cells[said.left]}) IS NOT NULL", right, *asked]
