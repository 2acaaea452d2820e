"""Forecasts over festivals beside statsforecast's MSTL, on the same simulated years of sales."""

from __future__ import annotations

import sys
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measure import CACHE, Row, environment, fresh, program, say
from ecomops.data.festivals import festivals
from ecomops.sim.calendar import daily_rate

if TYPE_CHECKING:
    from pathlib import Path

HORIZON, SEEDS, YEARS = 61, 5, 3
WINDOWS = {
    "june_618": date(2024, 7, 10),
    "double_11": date(2024, 12, 10),
    "spring_festival": date(2025, 3, 10),
}
PEER_REQUIREMENTS = ("statsforecast==2.1.1", "pandas<3", "pyarrow")

OURS = """
import sys
import numpy as np, pandas as pd
from ecomops.data.festivals import days, festivals
from ecomops.maths.forecast import point
"""
OUR_WORK = """
rows = pd.read_parquet(sys.argv[1])
errors = {}
for name, part in rows.groupby("unique_id"):
    known = part["known"].to_numpy()
    facts = days(part["ds"].iloc[0].date(), len(part), festivals())
    mean = point(part["y"].to_numpy()[known], facts)[~known]
    errors[name] = mean
"""
# both season lengths, trend by automatic exponential smoothing: the package's own example
PEER = """
import sys
import numpy as np, pandas as pd
from statsforecast import StatsForecast
from statsforecast.models import MSTL, AutoETS
"""
PEER_WORK = """
rows = pd.read_parquet(sys.argv[1])
past = rows.loc[rows["known"], ["unique_id", "ds", "y"]]
model = MSTL(season_length=[7, 365], trend_forecaster=AutoETS(model="ZZN"))
made = StatsForecast(models=[model], freq="D").forecast(df=past, h=61).reset_index()
errors = {name: part["MSTL"].to_numpy() for name, part in made.groupby("unique_id")}
"""
SCORES = (
    "{where: float(sum(np.abs(p['y'] - errors[n])[p[where]].sum()"
    " for n, p in rows[~rows['known']].assign(whole=True).groupby('unique_id'))"
    " / rows.loc[~rows['known'] & (rows[where] if where != 'whole' else True), 'y'].sum())"
    " for where in ('window', 'whole')}"
)


def table() -> Path:
    """Return a Parquet file of daily sales that end two months around a festival, made once."""
    file = CACHE / f"festivals-{len(WINDOWS)}-{SEEDS}-{YEARS}.parquet"
    if not file.is_file():
        say("writing years of daily sales")
        file.parent.mkdir(parents=True, exist_ok=True)
        parts = [_series(event, seed) for event in WINDOWS for seed in range(SEEDS)]
        pq.write_table(pa.concat_tables(parts), file)
    return file


def _series(event: str, seed: int) -> pa.Table:
    """Return Poisson orders on the simulator's calendar times log-normal baskets."""
    end = WINDOWS[event]
    start = date(end.year - YEARS, 3, 1)
    rate = daily_rate(start, end, seed)
    random = np.random.default_rng(seed)
    grown = 60 * rate / rate.mean() * 1.15 ** (np.arange(rate.size) / 365)
    sales = [random.lognormal(5, 0.6, n).sum() for n in random.poisson(grown)]
    days = [start + timedelta(days=i) for i in range(rate.size)]
    known = np.arange(rate.size) < rate.size - HORIZON
    ahead = [d for d, k in zip(days, known, strict=True) if not k]
    (festival,) = [f for f in festivals() if f.code == event and ahead[0] <= f.day <= ahead[-1]]
    return pa.table({
        "unique_id": [f"{event}-{seed}"] * rate.size,
        "ds": pa.array(np.array(days, dtype="datetime64[us]")),
        "y": sales,
        "known": known,
        "window": [festival.start <= d <= festival.end for d in days],
    })  # fmt: skip


def main() -> list[Row]:
    """Return the weighted error of both over the windows and the whole 61 days, and CPU time."""
    file = str(table())
    peer = environment("statsforecast", *PEER_REQUIREMENTS)
    ours = fresh(program(OURS, OUR_WORK, scores=SCORES), file, python=sys.executable)
    say("MSTL, about a second a series")
    theirs = fresh(program(PEER, PEER_WORK, scores=SCORES), file, python=peer)
    a, b = ours.printed["scores"], theirs.printed["scores"]
    return [
        Row("error over festival windows", a["window"], "WAPE"),
        Row("  MSTL 7 and 365, error", b["window"], "WAPE"),
        Row("  ours / MSTL", a["window"] / b["window"], "ratio", 0.75),
        Row("error over all 61 days", a["whole"], "WAPE"),
        Row("  MSTL 7 and 365, error", b["whole"], "WAPE"),
        Row("  ours / MSTL", a["whole"] / b["whole"], "ratio", 0.75),
        Row("CPU", ours.work_cpu, "s"),
        Row("  statsforecast 2.1.1, CPU", theirs.work_cpu, "s"),
    ]
