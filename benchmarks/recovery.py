"""``python -m benchmarks.recovery [METHOD ...] [--reps N] [--peers]``: against planted truth.

Every repetition makes a synthetic shop with known truth, runs one analysis on it as a user would,
and compares: bias, error, coverage and width of the 90 % intervals, false discoveries and alarms,
actions emitted and what following them is worth, seconds.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from benchmarks.measure import Row
from benchmarks.methods import METHODS
from benchmarks.methods.common import COLUMNS, bare, inside
from benchmarks.peers import PEERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from benchmarks.methods.common import Found
    from benchmarks.peers import Peer

FIRST_SEED = 1


@dataclass(frozen=True)
class Recovery:
    """What a method recovered: one row per estimate, one `Found` per repetition, seconds."""

    method: str
    preset: str
    rows: pd.DataFrame
    found: tuple[Found, ...]
    seconds: float

    @property
    def error(self) -> pd.Series[float]:
        """Estimate minus truth."""
        return self.rows["estimate"] - self.rows["truth"]

    @property
    def coverage(self) -> float:
        """Share of intervals that hold the truth."""
        return float(inside(self._known()).mean())

    @property
    def coverage_error(self) -> float:
        """Standard error of the coverage; estimates of one world are not independent."""
        known = self._known()
        held = inside(known)
        by_world = (held - held.mean()).groupby(known["world"]).sum()
        return float(np.sqrt((by_world**2).sum()) / len(known))

    def _known(self) -> pd.DataFrame:
        return self.rows.dropna(subset=["low", "high"])

    @property
    def quiet(self) -> float:
        """Share of repetitions in which no action was emitted."""
        return float(np.mean([each.emitted == 0 for each in self.found]))

    @property
    def named(self) -> int:
        """How many things were singled out as real."""
        return sum(each.named for each in self.found)

    @property
    def false_share(self) -> float:
        """Share of what was singled out that is not real; missing where nothing was."""
        return sum(each.false for each in self.found) / self.named if self.named else np.nan

    @property
    def alarms(self) -> float:
        """False alarms a year; missing where nothing is watched."""
        return float(np.mean([each.alarms for each in self.found]))

    @property
    def money(self) -> pd.DataFrame:
        """True net margin by repetition: `gained` by the advice, `best` by knowing the truth."""
        pairs = [(each.gained, each.best) for each in self.found]
        return pd.DataFrame(pairs, columns=["gained", "best"])

    def by_target(self) -> pd.DataFrame:
        """Return bias, root mean square error, coverage and mean width by target."""
        rows = self.rows.assign(
            error=self.error,
            covered=inside(self.rows).astype(float).where(self.rows["low"].notna()),
            width=self.rows["high"] - self.rows["low"],
        )
        grouped = rows.groupby("target", sort=False)
        return pd.DataFrame({
            "n": grouped.size(),
            "bias": grouped["error"].mean(),
            "rmse": grouped["error"].apply(lambda e: float(np.sqrt((e**2).mean()))),
            "coverage": grouped["covered"].mean(),
            "width": grouped["width"].mean(),
        })  # fmt: skip


def recover(
    name: str, preset: str, reps: int = 20, *, customers: int | None = None, peers: bool = False
) -> Recovery:
    """Return what a method makes of `reps` worlds of `preset`, of seeds that never change.

    With `peers`, other projects' estimates from the same worlds follow, without intervals.
    """
    method, peer = METHODS[name], PEERS.get(name) if peers else None
    rows: list[pd.DataFrame] = []
    given: list[pd.DataFrame] = []
    truths: list[Mapping[str, float]] = []
    found, seconds = [], 0.0
    for rep in range(reps):
        made = method.make(preset, customers or method.customers, FIRST_SEED + rep)
        start = time.perf_counter()
        found.append(method.run(made))
        seconds += time.perf_counter() - start
        rows.append(pd.DataFrame(found[-1].rows, columns=list(COLUMNS)).assign(world=rep))
        if peer and method.truths:
            given.append(peer.given(made))
            truths.append(method.truths(made))
    if peer:
        rows += _beside(peer, given, truths)
    together = pd.concat(rows, ignore_index=True)
    return Recovery(name, preset, together, tuple(found), seconds / reps)


def _beside(
    peer: Peer, given: list[pd.DataFrame], truths: list[Mapping[str, float]]
) -> list[pd.DataFrame]:
    """Return a peer's estimates as rows, one frame per world."""
    return [
        pd.DataFrame(
            [bare(f"{peer.label} {key}", found.get(key, 0.0), true) for key, true in known.items()],
            columns=list(COLUMNS),
        ).assign(world=rep)
        for rep, (found, known) in enumerate(zip(peer.estimates(given), truths, strict=True))
    ]


def report(names: Iterable[str], reps: int, *, peers: bool = False) -> list[Row]:
    """Print what each method recovers, target by target, and return the coverage rows."""
    rows = []
    for name in names:
        for preset in METHODS[name].presets:
            found = recover(name, preset, reps, peers=peers)
            print(f"\n{name} on {preset}: {reps} worlds, {found.seconds:.2f} s each,", end=" ")
            print("; ".join([f"no action in {found.quiet:.0%}", *_said(found)]))
            if len(found.rows):
                print(found.by_target().round(4).to_string())
            if found.rows["low"].notna().any():
                off = abs(found.coverage - 0.9)
                rows.append(Row(f"{name} on {preset}: coverage off 0.90", off))
    return rows


def _said(found: Recovery) -> list[str]:
    """Return false discoveries, false alarms and regret in money, where there are any."""
    said = []
    if found.named:
        said.append(f"{found.named} named, {found.false_share:.1%} of them false")
    if np.isfinite(found.alarms):
        said.append(f"{found.alarms:.1f} false alarms a year")
    money = found.money
    if money["gained"].notna().any():
        gained = money["gained"].mean()
        said.append(f"advice gains {gained:,.0f} a shop, worst {money['gained'].min():,.0f}")
    if money["best"].notna().any():
        regret = (money["best"] - money["gained"]).mean()
        said.append(f"{money['best'].mean():,.0f} were possible: regret {regret:,.0f}")
    return said


def main() -> list[Row]:
    """Return the coverage of every method at 20 repetitions."""
    return report(METHODS, 20)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recovery")
    parser.add_argument("methods", nargs="*", metavar="METHOD", help=", ".join(METHODS))
    parser.add_argument("--reps", type=int, default=20)
    parser.add_argument("--peers", action="store_true", help="other projects beside")
    chosen = parser.parse_args()
    if unknown := [name for name in chosen.methods if name not in METHODS]:
        parser.error(f"no such method: {', '.join(unknown)}; there are: {', '.join(METHODS)}")
    report(chosen.methods or METHODS, chosen.reps, peers=chosen.peers)
