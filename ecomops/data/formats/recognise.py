"""Which known layout a sheet is in, by the names of its columns."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from ecomops.base.errors import DataError
from ecomops.data.formats.registry import Format, Target, fold, formats, relatives

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from ecomops.data.formats.sheets import Sheet

CONFIDENT = 0.45
NEAR = 0.03
MISSING, FOREIGN, STRANGE = 0.12, 0.6, 0.04


@dataclass(frozen=True)
class Candidate:
    """A layout a sheet may be in.

    `confidence` (0 to 1) weighs the columns found against those missing and those that belong
    to other layouts, rare names counting more; `matched`, `missing` and `unknown` are column
    names as written, `header_row` the 1-based row they stand on.
    """

    format: str
    confidence: float
    matched: tuple[str, ...]
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    file: str = ""
    header_row: int = 1


def _weights(known: Collection[Format]) -> dict[str, float]:
    """Return how telling each column name is: the logarithm of how few layouts have it."""
    families: dict[str, set[str]] = {}
    for fmt in known:
        families.setdefault(fmt.family, set()).update(fmt.folded, fmt.aliases)
    seen = Counter(name for names in families.values() for name in names)
    return {name: math.log(1 + len(families) / n) for name, n in seen.items()}


def _index(known: Collection[Format]) -> dict[str, tuple[str, ...]]:
    """Return column name -> layouts that have it."""
    found: dict[str, list[str]] = {}
    for fmt in known:
        for name in fmt.folded | set(fmt.aliases):
            found.setdefault(name, []).append(fmt.id)
    return {name: tuple(ids) for name, ids in found.items()}


@cache
def _shipped() -> tuple[dict[str, float], dict[str, tuple[str, ...]]]:
    return _weights(formats().values()), _index(formats().values())


def _weight_found(fmt: Format, names: set[str], weight: Mapping[str, float]) -> float:
    exact = sum(weight[n] for n in names & fmt.folded)
    renamed = sum(weight[n] for n in names & set(fmt.aliases) if n not in fmt.folded)
    shaped = sum(1.5 for n in names - fmt.folded for p in fmt.patterns if re.search(p, n))
    return exact + 0.9 * renamed + shaped


def score(fmt: Format, names: set[str], weight: Mapping[str, float]) -> float:
    """Return how well a set of folded column names fits a layout, from 0 to 1."""
    own = fmt.folded | set(fmt.aliases)
    found = _weight_found(fmt, names, weight)
    shaped = any(re.search(p, n) for n in names - own for p in fmt.patterns)
    least = 2 if fmt.patterns else min(2, len(fmt.headers))
    if not names & own or len(names & own) + shaped < least:
        return 0.0
    renamed = {fmt.aliases[n] for n in names & set(fmt.aliases)}
    missing = sum(weight[n] for n in {fold(h) for h in fmt.headers} - names - renamed)
    foreign = sum(weight[n] for n in names - own if n in weight)
    strange = 0 if fmt.free_columns else sum(n not in weight for n in names - own)
    return found / (found + MISSING * missing + FOREIGN * foreign + STRANGE * strange)


def ranked(
    cells: Sequence[str], known: Mapping[str, Format], *, file: str = "", row: int = 1
) -> list[Candidate]:
    """Return the layouts a header row fits at all, best first."""
    own = known.values()
    weight, index = _shipped() if known is formats() else (_weights(own), _index(own))
    names = {fold(c): c for c in cells if c.strip()}
    near = dict.fromkeys(fid for name in names for fid in index.get(name, ()))
    found = []
    for fid in near:
        value = score(known[fid], set(names), weight)
        if value > 0:
            found.append(_candidate(known[fid], value, names, file, row))
    return sorted(found, key=lambda c: (-round(c.confidence, 6), -len(c.matched), c.format))


def _candidate(
    fmt: Format, value: float, names: Mapping[str, str], file: str, row: int
) -> Candidate:
    own = fmt.folded | set(fmt.aliases)
    return Candidate(
        format=fmt.id,
        confidence=round(value, 4),
        matched=tuple(shown for name, shown in names.items() if name in own),
        missing=tuple(h for h in fmt.headers if fold(h) not in names),
        unknown=tuple(shown for name, shown in names.items() if name not in own),
        file=file,
        header_row=row,
    )


def candidates(sheet: Sheet, known: Mapping[str, Format]) -> list[Candidate]:
    """Return the layouts of a sheet, best first, by the row among its first 20 that fits best."""
    best: list[Candidate] = []
    top = 0.0
    for index, cells in enumerate(sheet.head):
        found = ranked(cells, known, file=sheet.name, row=index + 1)
        strength = found[0].confidence * math.sqrt(len(found[0].matched) + 1) if found else 0.0
        if strength > top + 1e-9:
            best, top = found, strength
    return best


def chosen(sheet: Sheet, known: Mapping[str, Format], wanted: Format | None = None) -> Candidate:
    """Return the layout to load a sheet with.

    Raises `DataError` when nothing fits well enough, when two layouts fit about equally well, or
    when the sheet is not in the `wanted` one: nothing is guessed silently.
    """
    if sheet.wrong:
        raise sheet.wrong
    found = candidates(sheet, known)
    if wanted:
        same = {f.id for f in relatives(wanted, known.values())}
        mine = [c for c in found if c.format in same]
        if not mine:
            raise DataError(
                "wrong_format", file=sheet.name, format=wanted.id, columns=shown_columns(sheet),
                near=found[0].format if found else "—", expected=list(wanted.headers),
            )  # fmt: skip
        return next((c for c in mine if c.format == wanted.id), mine[0])
    if not found or found[0].confidence < CONFIDENT:
        near = [f"{c.format} {c.confidence:.2f}" for c in found[:3]]
        raise DataError(
            "unknown_layout", file=sheet.name, columns=shown_columns(sheet), near=near or "—"
        )
    first = found[0]
    rivals = [
        c for c in found[1:]
        if first.confidence - c.confidence < NEAR
        and known[c.format].family != known[first.format].family
    ]  # fmt: skip
    if rivals:
        near = [f"{c.format} {c.confidence:.2f}" for c in (first, *rivals)]
        raise DataError(
            "ambiguous_layout", file=sheet.name, near=near, columns=shown_columns(sheet)
        )
    return first


def shown_columns(sheet: Sheet) -> list[str]:
    """Return the cells of the row of the head that has most of them."""
    rows = [[c for c in row if c.strip()] for row in sheet.head]
    return max(rows, key=len, default=[])


@dataclass(frozen=True)
class Matched:
    """A source column: position, name as written, folded name, and where it goes."""

    position: int
    name: str
    folded: str
    targets: tuple[Target, ...]


def matched(fmt: Format, cells: Sequence[str], known: Mapping[str, Format]) -> tuple[Matched, ...]:
    """Return the columns of a header row with their targets, by name, alias or relative's name.

    A repeated name becomes ``<column before>_<name>``, as 京东商智 repeats 同比 after each metric.
    """
    family = relatives(fmt, known.values())
    seen: set[str] = set()
    found: list[Matched] = []
    for position, cell in enumerate(cells):
        name = cell.strip()
        folded = fold(name)
        if folded in seen:
            name = f"{found[-1].name}_{name}" if found else name
            folded = fold(name)
        seen.add(folded)
        found.append(Matched(position, name, folded, _targets_of(folded, family)))
    return tuple(found)


def _targets_of(folded: str, family: Sequence[Format]) -> tuple[Target, ...]:
    """Return where a column goes; a relative's mapping counts for the tables the layout feeds."""
    if not folded:
        return ()
    fed = {t.table for targets in family[0].targets.values() for t in targets}
    for fmt in family:
        targets = fmt.targets.get(folded) or fmt.targets.get(fmt.aliases.get(folded, "")) or ()
        found = tuple(t for t in targets if t.table in fed)
        if found:
            return found
    return ()
