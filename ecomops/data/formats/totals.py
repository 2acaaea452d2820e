"""A file's own totals held against the sum of its rows."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ecomops.data.formats import sql
from ecomops.data.problems import Identity, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecomops.data.formats.part import Part


def compare_totals(part: Part, wide: str, con: Any) -> None:
    """Hold the file's own totals against the sum of its rows; a difference is reported."""
    kinds = {"money", "int"}
    sums = [s.name for s in part.fill if s.target.rule in kinds and s.target.table == "ad_reports"]
    if not sums:
        return
    query = sql.select(
        {n: sql.name(n) for n in sums}, wide, where="_note = 'total_row'", order="rowid", limit=1
    )
    said = sql.rows(con, query)
    if not said:
        return
    totals = {n: f"sum({sql.name(n)})" for n in sums}
    have = sql.rows(con, sql.select(totals, sql.name(part.table)))[0]
    gaps = {
        n: (t, t - (s or 0)) for n, t, s in zip(sums, said[0], have, strict=True) if t is not None
    }
    compared = len(gaps)
    gaps = {n: (t, gap) for n, (t, gap) in gaps.items() if gap}
    part.identities.append(Identity("total_row", "ad_reports", compared, len(gaps)))
    for column, (total, gap) in gaps.items():
        shown = (f"{part.name}: {column.split('__')[1]} {total} ≠ {total - gap}",)
        amount = Decimal(gap) if isinstance(total, Decimal) else None
        part.problems.append(Problem("total_differs", "ad_reports", "flagged", 1, shown, amount))
    if part.fmt.platform == "pinduoduo" and gaps:
        _add_unallocated(part, {n: gap for n, (_, gap) in gaps.items()}, con)


def _add_unallocated(part: Part, gaps: Mapping[str, Any], con: Any) -> None:
    """Add what the total has beyond its rows (全店托管 has none) as a row of its own."""
    day, row = "ad_reports__date", "_row"
    made = {n: f"{gap}" for n, gap in gaps.items()}
    made |= {
        day: f"max({sql.name(day)})",
        row: f"max({row}) + 1",
        "ad_reports__scene_name": "'unallocated'",
    }
    extra = sql.select(made, sql.name(part.table))
    both = f"{sql.select(None, sql.name(part.table))} UNION ALL BY NAME {extra}"
    part.table = sql.view(con, "load_part", both)
    part.rows += 1
