"""What analyses propose, weighed against each other: gates, discoveries, conflicts, budget."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ecomops.base.errors import OptionError
from ecomops.maths.multiplicity import benjamini_hochberg
from ecomops.maths.portfolio import chance_above_zero, together
from ecomops.result import Action, Result, monthly
from ecomops.store.levers import can_earn, lever, moves, overlap, pushes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from ecomops.maths.arrays import Floats

OWN = "store.decide"
SEED = 20_251_122
SURE = 0.99  # no three quantiles tell of more
RISKY = 0.1  # chance of a stock-out from which on a product is not pushed
GRADES = ("A", "B", "C")
REASONS = (
    "unproven", "expired", "stockout", "endogenous", "chance", "contrary", "double", "over_budget",
)  # fmt: skip
COLUMNS = {
    "rank": "count",
    "action": "label",
    "subject": "label",
    "verdict": "label",
    "low": "money",
    "mid": "money",
    "high": "money",
    "chance": "chance",
    "q": "percent",
    "grade": "text",
    "analysis": "label",
    "suppressed_by": "label",
}


@dataclass(frozen=True)
class Proposal:
    """One piece of advice and the analysis it comes from."""

    analysis: str
    action: Action

    @property
    def key(self) -> str:
        """Analysis, action and subject: what tells it from others of the same day."""
        return f"{self.analysis}.{self.action.code}|{self.action.subject}"

    @property
    def monthly(self) -> tuple[float, float, float]:
        """Net margin within 30 days: its quantiles; missing without a value."""
        value = self.action.value
        if value is None or self.action.grade not in GRADES:
            return (math.nan,) * 3
        days = value.horizon_days
        low, mid, high = (monthly(q, days) for q in (value.low, value.mid, value.high))
        return (low, mid, high) if math.isfinite(low + mid + high) else (math.nan,) * 3


def collected(results: object) -> list[Result]:
    """Return the results among `results`, in order; of a mapping, the last of each analysis."""
    if isinstance(results, Result):
        return [results]
    if isinstance(results, Mapping):
        by = {r.code: r for r in results.values() if isinstance(r, Result)}
        return [r for r in by.values() if r.code != OWN]
    if not isinstance(results, Iterable):
        raise OptionError("not_results", kind=type(results).__name__)
    return [r for r in results if isinstance(r, Result) and r.code != OWN]


def proposed(result: Result) -> list[Proposal]:
    """Return what a result proposes and finds, with the value of what is not proven too."""
    if result.locked:
        return []
    said = {finding.code for finding in result.findings()}
    return [Proposal(result.code, a) for a in result.propose() if set(a.because) <= said]


def blocks(found: Sequence[Result]) -> dict[tuple[str, str], str]:
    """Return (reason, subject) -> the analysis that says so: stock-outs, endogenous prices."""
    known: dict[tuple[str, str], str] = {}
    for result in found:
        rows = result.rows
        if "product_id" not in rows.columns:
            continue
        if "stockout" in rows.columns:
            risky = rows[rows["stockout"].astype(float) > RISKY]["product_id"]
            known |= {("stockout", f"product:{item}"): result.code for item in risky}
        if result.code == "product.price":
            bent = rows[rows["reason"] == "endogenous"]["product_id"]
            known |= {("endogenous", f"product:{item}"): result.code for item in bent}
    return known


def judged(
    proposals: Sequence[Proposal],
    held: Mapping[tuple[str, str], str],
    budget: float | None,
    level: float,
    today: date | None,
) -> pd.DataFrame:
    """Return the table: gates first, then discoveries, then conflicts, then the budget."""
    money = np.array([p.monthly for p in proposals]).reshape(-1, 3)
    valued = ~np.isnan(money[:, 1])
    chance = np.full(len(money), np.nan)
    chance[valued] = chance_above_zero(*money[valued].T)
    q = _q_values(proposals, 1 - chance)
    chance = np.clip(chance, 1 - SURE, SURE)
    score = np.where(valued, money[:, 1] * chance, -np.inf)
    order = sorted(range(len(proposals)), key=lambda i: (-score[i], proposals[i].key))
    ranked = [proposals[i] for i in order]
    gates = [_gate(p, float(q[i]), held, level, today) for p, i in zip(ranked, order, strict=True)]
    verdicts = _settled(ranked, gates, math.inf if budget is None else budget)
    cells = [
        (math.nan, p.key, p.action.subject or "store", verdict, *money[i], chance[i], q[i],
         p.action.grade, p.analysis, by)
        for p, i, (verdict, by) in zip(ranked, order, verdicts, strict=True)
    ]  # fmt: skip
    cells.sort(key=lambda cell: cell[3] != "kept")
    rows = pd.DataFrame(cells, columns=list(COLUMNS))
    rows["rank"] = np.where(rows["verdict"] == "kept", np.arange(1.0, len(rows) + 1), np.nan)
    return rows


def _q_values(proposals: Sequence[Proposal], p: Floats) -> Floats:
    """Return the false discovery rate at which each value would pass; missing without a value.

    Every value is a test, and so is every analysis that can give values and found none to give.
    """
    heard = {one.analysis for one, each in zip(proposals, p, strict=True) if not math.isnan(each)}
    silent = {one.analysis for one in proposals if can_earn(one.analysis)} - heard
    return benjamini_hochberg(np.concatenate([p, np.ones(len(silent))]))[: len(p)]


def _settled(
    ranked: Sequence[Proposal], gates: Sequence[tuple[str, str]], left: float
) -> list[tuple[str, str]]:
    """Return verdict and what advice gives way to, from the best piece of advice down."""
    taken: dict[tuple[str, str], tuple[int, Proposal]] = {}
    verdicts = []
    for proposal, gate in zip(ranked, gates, strict=True):
        verdict, by = gate if gate[0] else _conflict(proposal, taken)
        cost = float(proposal.action.change.get("money") or 0)
        if not verdict and cost > left:
            verdict = "over_budget"
        if not verdict:
            moved = moves(proposal.analysis, proposal.action)
            taken |= {what: (way, proposal) for what, way in moved.items()}
            left -= cost
        verdicts.append((verdict or "kept", by))
    return verdicts


def _gate(
    proposal: Proposal,
    q: float,
    held: Mapping[tuple[str, str], str],
    level: float,
    today: date | None,
) -> tuple[str, str]:
    """Return why advice does not stand on its own, and what says so; empty if it does."""
    action = proposal.action
    name, way = lever(proposal.analysis, action)
    if not proposal.monthly[0] > 0:
        return "unproven", ""
    if today and action.expires_on < today:
        return "expired", ""
    if pushes(name, way) and ("stockout", action.subject) in held:
        return "stockout", held["stockout", action.subject]
    if name == "price" and ("endogenous", action.subject) in held:
        return "endogenous", held["endogenous", action.subject]
    return ("chance", "") if q > level else ("", "")


def _conflict(
    proposal: Proposal, taken: Mapping[tuple[str, str], tuple[int, Proposal]]
) -> tuple[str, str]:
    """Return whether better advice already moves what this moves, or a part of it, and which."""
    for (subject, name), way in moves(proposal.analysis, proposal.action).items():
        for (other, pulled), (direction, better) in taken.items():
            if name == pulled and overlap(subject, other):
                return ("double" if direction == way else "contrary"), better.key
    return "", ""


def total(rows: pd.DataFrame) -> tuple[float, float, float]:
    """Return the 5, 50 and 95 % quantiles of what is kept together, per 30 days."""
    kept = rows[rows["verdict"] == "kept"]
    low, mid, high = (kept[name].to_numpy(dtype=float) for name in ("low", "mid", "high"))
    return together(low, mid, high, list(kept["analysis"]), seed=SEED)
