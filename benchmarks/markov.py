"""Markov attribution of a million paths over twenty channels, beside ChannelAttribution 2.2.5."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measure import CACHE, Row, environment, interleaved, middle, program, say

if TYPE_CHECKING:
    from pathlib import Path

PATHS, CHANNELS, SEED = 1_000_000, 20, 20_250_618
LONGEST = 12
PEER_REQUIREMENTS = ("ChannelAttribution==2.2.5", "matplotlib", "pyarrow")

# ibis imports its engine when first connected: an import like any other
OURS = """
import sys
from ecomops.channel import attribution
from ecomops.data.tables import engine
engine()
"""
OUR_WORK = 'credit = attribution(sys.argv[1], models=["markov"], currency="XXX").table'
OUR_SHARES = 'dict(zip(credit["channel"], credit["share"].round(6)))'
# the peer simulates: its own defaults, one process, no advertisement
PEER = """
import sys
import pandas as pd
from ChannelAttribution import markov_model
"""
PEER_WORK = """
paths = pd.read_parquet(sys.argv[1])
credit = markov_model(paths, "path", "conversions", var_value="value", var_null="nulls",
                      order=1, sep=">", ncore=1, seed=1, flg_pro=False, verbose=False)
"""
PEER_SHARES = (
    'dict(zip(credit["channel_name"],'
    ' (credit["total_conversions"] / credit["total_conversions"].sum()).round(6)))'
)


def table() -> Path:
    """Return a Parquet file of distinct paths with conversions, nulls and value, made once."""
    file = CACHE / f"paths-{PATHS}-{SEED}.parquet"
    if not file.is_file():
        say(f"writing {PATHS:,} paths")
        file.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(_paths(), file)
    return file


def _paths() -> pa.Table:
    random = np.random.default_rng(SEED)
    names = [f"channel{c:02d}" for c in range(CHANNELS)]
    weight = random.dirichlet(np.full(CHANNELS, 2.0))
    length = np.minimum(1 + random.geometric(0.25, PATHS), LONGEST)
    touches = random.choice(CHANNELS, (PATHS, LONGEST), p=weight)
    paths = [" > ".join(names[c] for c in t[:n]) for t, n in zip(touches, length, strict=True)]
    pull = random.uniform(0.01, 0.12, CHANNELS)
    sold = random.binomial(1 + random.poisson(1.0, PATHS), pull[touches[:, 0]])
    return pa.table({
        "path": paths,
        "conversions": sold,
        "nulls": 1 + random.poisson(1.5, PATHS),
        "value": (sold * random.gamma(2.0, 80.0, PATHS)).round(2),
    })  # fmt: skip


def main() -> list[Row]:
    """Return CPU time and memory of both, their ratio, and how far the credits differ."""
    file = str(table())
    peer = environment("channelattribution", *PEER_REQUIREMENTS)
    runs = interleaved(
        {
            "ours": (program(OURS, OUR_WORK, shares=OUR_SHARES), sys.executable, file),
            "peer": (program(PEER, PEER_WORK, shares=PEER_SHARES), peer, file),
        },
        times=3,
    )
    cpu = {name: middle(of, "work_cpu") for name, of in runs.items()}
    ours, theirs = (runs[name][0].printed["shares"] for name in ("ours", "peer"))
    return [
        Row("markov, 1 M paths x 20 channels, CPU", cpu["ours"], "s"),
        Row("  ChannelAttribution 2.2.5, CPU", cpu["peer"], "s"),
        Row("  ours / ChannelAttribution", cpu["ours"] / cpu["peer"], "ratio", 0.25),
        Row("  wall", middle(runs["ours"], "work_wall"), "s"),
        Row("  ChannelAttribution 2.2.5, wall", middle(runs["peer"], "work_wall"), "s"),
        Row("  peak memory", middle(runs["ours"], "peak_mb"), "MB", 300),
        Row("  ChannelAttribution 2.2.5, peak memory", middle(runs["peer"], "peak_mb"), "MB"),
        Row(
            "  largest difference of a share", max(abs(ours[c] - theirs[c]) for c in ours), "", 0.01
        ),
    ]
