"""``python -m benchmarks.recovery [METHOD ...] [--reps N] [--peers]``: against planted truth.

Every repetition makes a synthetic shop with known truth, runs one analysis on it as a user would,
and compares: bias, error, coverage and width of the 90 % intervals, actions emitted, seconds.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.stats import kendalltau

import ecomops as eo
from benchmarks.measure import Row
from benchmarks.peers import PEERS
from ecomops.sim import preset as settings_of
from ecomops.sim import tables, world
from ecomops.sim.calendar import DAY
from ecomops.sim.presets import sized

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from benchmarks.peers import Peer
    from ecomops.sim import World

FIRST_SEED = 1
ENOUGH = 40
DAYS = (30, 60, 90, 180, 365)
COLUMNS = ("target", "estimate", "truth", "low", "high")


@dataclass(frozen=True)
class Recovery:
    """What a method recovered: one row per estimate, actions by repetition, seconds."""

    method: str
    preset: str
    rows: pd.DataFrame
    emitted: tuple[int, ...]
    seconds: float

    @property
    def error(self) -> pd.Series[float]:
        """Estimate minus truth."""
        return self.rows["estimate"] - self.rows["truth"]

    @property
    def coverage(self) -> float:
        """Share of intervals that hold the truth."""
        known = self.rows.dropna(subset=["low", "high"])
        inside = (known["low"] <= known["truth"]) & (known["truth"] <= known["high"])
        return float(inside.mean())

    @property
    def coverage_error(self) -> float:
        """Standard error of the coverage; estimates of one world are not independent."""
        known = self.rows.dropna(subset=["low", "high"])
        inside = (known["low"] <= known["truth"]) & (known["truth"] <= known["high"])
        by_world = (inside - inside.mean()).groupby(known["world"]).sum()
        return float(np.sqrt((by_world**2).sum()) / len(known))

    @property
    def quiet(self) -> float:
        """Share of repetitions in which no action was emitted."""
        return float(np.mean([count == 0 for count in self.emitted]))

    def by_target(self) -> pd.DataFrame:
        """Return bias, root mean square error, coverage and mean width by target."""
        inside = (self.rows["low"] <= self.rows["truth"]) & (
            self.rows["truth"] <= self.rows["high"]
        )
        rows = self.rows.assign(
            error=self.error,
            covered=inside.astype(float).where(self.rows["low"].notna()),
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
    method: str, preset: str, reps: int = 20, *, customers: int | None = None, peers: bool = False
) -> Recovery:
    """Return what `method` makes of `reps` worlds of `preset`, of seeds that never change.

    With `peers`, other projects' estimates from the same worlds follow, without intervals.
    """
    run, peer = METHODS[method], PEERS.get(method) if peers else None
    rows: list[pd.DataFrame] = []
    given: list[pd.DataFrame] = []
    truths: list[Mapping[str, float]] = []
    emitted, seconds = [], 0.0
    settings = sized(settings_of(preset), customers or SIZES.get(method, 2_000))
    for rep in range(reps):
        made = world(settings, seed=FIRST_SEED + rep)
        start = time.perf_counter()
        found, result = run(made)
        seconds += time.perf_counter() - start
        rows.append(pd.DataFrame(found, columns=list(COLUMNS)).assign(world=rep))
        emitted.append(sum(action.emitted for action in result.actions()))
        if peer:
            given.append(peer.given(made))
            truths.append(TRUTHS[method](made))
    if peer:
        rows += _beside(peer, given, truths)
    together = pd.concat(rows, ignore_index=True)
    return Recovery(method, preset, together, tuple(emitted), seconds / reps)


def _beside(
    peer: Peer, given: list[pd.DataFrame], truths: list[Mapping[str, float]]
) -> list[pd.DataFrame]:
    """Return a peer's estimates as rows, one frame per world."""
    return [
        pd.DataFrame(
            [
                (f"{peer.label} {key}", found.get(key, 0.0), truth, np.nan, np.nan)
                for key, truth in known.items()
            ],
            columns=list(COLUMNS),
        ).assign(world=rep)
        for rep, (found, known) in enumerate(zip(peer.estimates(given), truths, strict=True))
    ]


Estimates = list[tuple[str, float, float, float, float]]


def _orders(made: World) -> Any:
    return tables.orders(made.scenes[0])


def _process(made: World) -> tuple[float, float, float, float]:
    c = made.plan.settings.customers
    return c.r, c.alpha, c.a, c.b


def repeat(made: World) -> tuple[Estimates, Any]:
    """Second order by day n, Kaplan-Meier and the plain rate of customers old enough.

    Truth: 1 - (alpha / (alpha + t))^r with t the operational time to the end of day n, averaged
    over the arrivals: before a second order nobody has left under BG/NBD.
    """
    result = eo.customer.repeat(_orders(made))
    found: Estimates = []
    for n in DAYS:
        truth = _repeated(made, n)
        row = result.at(n)
        found.append((f"curve {n} d", row["repeated"], truth, row["low"], row["high"]))
        plain = result.rates.set_index("day").loc[n]
        found.append((f"rate {n} d", plain["rate"], truth, plain["low"], plain["high"]))
    return found, result


def _repeated(made: World, n: int) -> float:
    """Return the true chance of a second order by day n, over customers old enough."""
    r, alpha, _, _ = _process(made)
    arrival, clock = made.scenes[0].part.people.arrival, made.plan.clock
    end = (arrival // DAY + n + 1) * DAY
    old = end <= made.plan.horizon
    gap = clock.operational(end[old]) - clock.operational(arrival[old])
    return float((1 - (alpha / (alpha + gap)) ** r).mean())


def cohorts(made: World) -> tuple[Estimates, Any]:
    """Monthly retention cells that are fully observed, at age 1 and above.

    Truth: P(alive at the month's start and at least one order in it) under BG/NBD, where life
    ends at rate lambda·p: E (alpha/(alpha+p·t))^r - (alpha/(alpha+p·t+d))^r over p and arrivals.
    """
    result = eo.customer.cohorts(_orders(made))
    cells = result.table
    cells = cells[(cells["observed"] == "full") & (cells["age"] > 0)]
    lines = cells[cells["cohort"] == "all"].set_index("age")
    cells = cells[cells["cohort"] != "all"]
    start = pd.Timestamp(made.plan.settings.store.start)
    people = made.scenes[0].part.people
    month = (start + pd.to_timedelta(people.arrival, unit="s")).to_period("M")
    drops = np.random.default_rng(1).beta(*_process(made)[2:], 400)
    found: Estimates = []
    sums: dict[int, list[tuple[float, float]]] = {}
    for cell in cells.itertuples():
        first = pd.Period(cell.cohort, "M")
        low, high = ((first + cell.age + k).start_time - start for k in (0, 1))
        mine = people.arrival[month == first]
        truth = _active(made, mine, drops, low.total_seconds(), high.total_seconds())
        sums.setdefault(cell.age, []).append((cell.size, truth))
        if cell.size >= ENOUGH:
            found.append((_ages(cell.age), cell.value, truth, cell.low, cell.high))
    for age, line in lines.iterrows():
        size, truth = np.array(sums[age]).T
        if size.sum() == line["size"]:
            whole = float((size * truth).sum() / size.sum())
            found.append(("all cohorts", line["value"], whole, line["low"], line["high"]))
    return found, result


def _ages(age: int) -> str:
    return "age 1-3" if age <= 3 else "age 4-12" if age <= 12 else "age 13-"


def _active(made: World, arrival: Any, drops: Any, low: float, high: float) -> float:
    r, alpha, _, _ = _process(made)
    clock = made.plan.clock
    start, end = (float(clock.operational(np.array([t]))[0]) for t in (low, high))
    gone = start - clock.operational(arrival)[:, None]
    alive = (alpha / (alpha + drops * gone)) ** r
    idle = (alpha / (alpha + drops * gone + end - start)) ** r
    return float((alive - idle).mean())


def rfm(made: World) -> tuple[Estimates, Any]:
    """Rank agreement (Kendall) of the sum of scores with true expected margin; no intervals."""
    result = eo.customer.rfm(_orders(made))
    scores = result.customers.to_pandas().set_index("customer_id")
    truth = made.truth["customers"].to_pandas().set_index("customer_id")
    value = (truth["expected_orders"] * truth["mean_spend"].astype(float)).reindex(scores.index)
    total = scores[["r_score", "f_score", "m_score"]].sum(axis=1).astype(float)
    agreement = float(kendalltau(total, value).statistic)
    return [("kendall", agreement, 1.0, np.nan, np.nan)], result


def drivers(made: World) -> tuple[Estimates, Any]:
    """Contributions of the last two whole months add up to the change of the orders' amount."""
    months = {"before": "2025-10", "after": "2025-11"}
    result = eo.store.drivers(made.shop, **months)
    orders = _orders(made).to_pandas().dropna(subset="paid_at")
    amount = orders["paid_amount"].astype(float).groupby(orders["paid_at"].dt.to_period("M")).sum()
    change = amount[months["after"]] - amount[months["before"]]
    total = float(result.table["contribution"].sum())
    return [("contributions", total, float(change), np.nan, np.nan)], result


def attribution(made: World) -> tuple[Estimates, Any]:
    """Orders that paid channels bring, measured by their holdouts, and last-click credit.

    Truth: the panel's orders that exist only because of the channel.
    """
    result = eo.channel.attribution(made.tables["touchpoints"])
    truth = _won(made)
    credit = result.table.query("model == 'last'").set_index("channel")["conversions"]
    found: Estimates = []
    for row in result.incremental.itertuples():
        if row.channel in truth:
            real = float(truth[row.channel])
            found.append(("holdout", row.conversions, real, row.low, row.high))
            found.append(("last click", float(credit.get(row.channel, 0)), real, np.nan, np.nan))
    return found, result


def _won(made: World) -> dict[str, float]:
    """Return the panel's orders that exist only because of a paid channel, by channel."""
    truth = made.truth["channel"].to_pandas().set_index("channel")["panel_orders"]
    return {str(name): float(count) for name, count in truth.items()}


TRUTHS: dict[str, Callable[[World], Mapping[str, float]]] = {
    "repeat": lambda made: {str(n): _repeated(made, n) for n in DAYS},
    "attribution": _won,
}
METHODS: dict[str, Callable[[World], tuple[Estimates, Any]]] = {
    "repeat": repeat,
    "cohorts": cohorts,
    "rfm": rfm,
    "drivers": drivers,
    "attribution": attribution,
}
PRESETS = {
    "repeat": ("clean", "no_effect"),
    "cohorts": ("clean", "no_effect"),
    "rfm": ("clean", "no_effect"),
    "drivers": ("tiny", "no_effect"),
    "attribution": ("tiny", "retarget_trap", "no_effect"),
}
SIZES = {"attribution": 5_000, "drivers": 1_500}


def report(methods: Iterable[str], reps: int, *, peers: bool = False) -> list[Row]:
    """Print by target what each method recovers, and return the coverage rows."""
    rows = []
    for method in methods:
        for name in PRESETS[method]:
            found = recover(method, name, reps, peers=peers)
            print(f"\n{method} on {name}: {reps} worlds, {found.seconds:.2f} s each,", end=" ")
            print(f"no action in {found.quiet:.0%}")
            print(found.by_target().round(4).to_string())
            if found.rows["low"].notna().any():
                rows.append(
                    Row(f"{method} on {name}: coverage off 0.90", abs(found.coverage - 0.9))
                )
    return rows


def main() -> list[Row]:
    """Return the coverage of every method at 20 repetitions."""
    return report(METHODS, 20)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recovery")
    parser.add_argument("methods", nargs="*", metavar="METHOD", help=", ".join(METHODS))
    parser.add_argument("--reps", type=int, default=20)
    parser.add_argument("--peers", action="store_true", help="other projects beside")
    chosen = parser.parse_args()
    report(chosen.methods or METHODS, chosen.reps, peers=chosen.peers)
