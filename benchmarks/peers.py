"""What other projects make of the same worlds: ChannelAttribution's Markov, lifetimes' BG/NBD.

Each peer runs in its own environment, once for all worlds: a folder of CSV files in, one
object of estimates per file out.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from benchmarks.measure import environment, fresh

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ecomops.sim import World

HEAD = """
import glob, json, sys
import pandas as pd
"""
TAIL = """
print(json.dumps({"estimates": [
    one(pd.read_csv(file)) for file in sorted(glob.glob(sys.argv[1] + "/*.csv"))
]}))
"""
MARKOV = """
from ChannelAttribution import markov_model
def one(paths):
    credit = markov_model(paths, "path", "conversions", var_null="nulls", order=1, sep=">",
                          ncore=1, seed=1, flg_pro=False, verbose=False)
    return dict(zip(credit["channel_name"], credit["total_conversions"].astype(float)))
"""
BGNBD = """
from lifetimes import BetaGeoFitter
def one(people):
    fit = BetaGeoFitter(penalizer_coef=0.0)
    fit.fit(people["frequency"], people["recency"], people["T"])
    r, alpha = float(fit.params_["r"]), float(fit.params_["alpha"])
    return {str(n): 1 - (alpha / (alpha + n)) ** r for n in (30, 60, 90, 180, 365)}
"""


@dataclass(frozen=True)
class Peer:
    """One project: its label, environment, program, and what it is given of a world."""

    label: str
    name: str
    requirements: tuple[str, ...]
    code: str
    given: Callable[[World], pd.DataFrame]

    def estimates(self, worlds: Sequence[pd.DataFrame]) -> list[dict[str, float]]:
        """Return what the peer estimates from each world's table, by key."""
        python = environment(self.name, *self.requirements)
        with tempfile.TemporaryDirectory() as folder:
            for number, table in enumerate(worlds):
                table.to_csv(Path(folder) / f"{number:05d}.csv", index=False)
            found: Any = fresh(HEAD + self.code + TAIL, folder, python=python).printed
        return list(found["estimates"])


def _paths(made: World) -> pd.DataFrame:
    """Return distinct paths of the tracked panel with visitors who bought and who did not."""
    touches = made.tables["touchpoints"].to_pandas().sort_values(["event_time", "event_id"])
    bought = set(touches[touches.event_name == "purchase"].visitor_id)
    seen = touches[(touches.event_name != "purchase") & ~touches.is_holdout.fillna(value=False)]
    each = seen.groupby("visitor_id").channel.agg(" > ".join)
    won = each.index.isin(list(bought))
    rows = pd.DataFrame({"path": each.to_numpy(), "conversions": won * 1, "nulls": 1 - won * 1})
    return rows.groupby("path", as_index=False).sum()


def _people(made: World) -> pd.DataFrame:
    """Return repeat days, day of the last and days observed of each customer."""
    orders = made.tables["orders"].to_pandas().dropna(subset=["paid_at", "customer_id"])
    day = (orders.paid_at.dt.normalize() - pd.Timestamp(made.plan.settings.store.start)).dt.days
    days = orders.assign(day=day).groupby("customer_id").day
    rows = pd.DataFrame({"frequency": days.nunique() - 1, "recency": days.max() - days.min()})
    rows["T"] = made.plan.days - 1 - days.min()
    return rows[rows["T"] > 0].astype(np.float64)


PEERS = {
    "attribution": Peer(
        "Markov (ChannelAttribution)",
        "channelattribution",
        ("ChannelAttribution==2.2.5", "matplotlib", "pyarrow"),
        MARKOV,
        _paths,
    ),
    "repeat": Peer(
        "BG/NBD (lifetimes)",
        "lifetimes",
        ("lifetimes==0.11.3", "pandas<2.2", "numpy<2", "scipy<1.12"),
        BGNBD,
        _people,
    ),
}
