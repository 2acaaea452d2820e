"""Forecasts, alarms, pacing and live effects against planted truth, twenty repetitions each."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

import numpy as np
import pandas as pd
import pytest

from benchmarks.recovery import recover
from ecomops.data.festivals import days, festivals
from ecomops.maths import forecast as fc
from ecomops.maths import sequential as sq
from ecomops.maths.pace import pace
from ecomops.sim.calendar import daily_rate, hourly

pytestmark = pytest.mark.slow
REPS, HORIZON, YEAR = 20, 61, 365
ENDS = {"double_11": date(2024, 12, 10), "spring_festival": date(2025, 3, 10)}


def sales(seed: int, start: date, end: date) -> np.ndarray:
    """Return daily sales: Poisson orders on the simulator's calendar, log-normal baskets."""
    rate = daily_rate(start, end, seed)
    random = np.random.default_rng(seed)
    grown = 60 * rate / rate.mean() * 1.15 ** (np.arange(rate.size) / 365)
    return np.array([random.lognormal(5, 0.6, n).sum() for n in random.poisson(grown)])


@cache
def forecasts() -> pd.DataFrame:
    """Return one row per repetition and day ahead; festivals in turn."""
    parts = []
    for seed in range(REPS):
        event = list(ENDS)[seed % 2]
        end = ENDS[event]
        start = date(end.year - 3, 3, 1)
        y = sales(seed, start, end)
        known = y.size - HORIZON
        facts = days(start, y.size, festivals())
        found = fc.forecast(y[:known], facts, seed=1, draws=5)
        ahead = [start + timedelta(days=i) for i in range(known, y.size)]
        (f,) = [f for f in festivals() if f.code == event and ahead[0] <= f.day <= ahead[-1]]
        parts.append(
            pd.DataFrame(
                {
                    "rep": seed,
                    "actual": y[known:],
                    "mean": found.mean,
                    "naive": y[known - 364 : known - 364 + HORIZON],
                    "window": [f.start <= d <= f.end for d in ahead],
                    "festive": facts.festive[known:],
                    "held": (y[known:] >= found.low) & (y[known:] <= found.high),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def test_festival_windows_err_at_most_six_tenths_of_the_year_before():
    """Truth: sales drawn on the calendar; naive: the same weekday 52 weeks before."""
    rows = forecasts()
    inside = rows[rows["window"]]
    ours, naive = ((inside["actual"] - inside[c]).abs().sum() for c in ("mean", "naive"))
    assert ours <= 0.6 * naive


@pytest.mark.parametrize("festive", [False, True])
def test_bands_hold_nine_days_in_ten(festive):
    rows = forecasts()
    assert 0.84 <= rows.loc[rows["festive"] == festive, "held"].mean() <= 0.96


START, END, WATCHED = date(2022, 1, 1), date(2025, 6, 30), YEAR + 280


@cache
def watched(seed: int):
    """Return the watch over the last 645 days of a clean shop, and which days are festive."""
    rate = daily_rate(START, END, seed)
    grown = 1500 * rate / rate.mean() * 1.15 ** (np.arange(rate.size) / 365)
    orders = np.random.default_rng(seed).poisson(grown)
    facts = days(START, orders.size, festivals())
    return sq.watch(orders, facts, orders.size - WATCHED), facts.festive[-WATCHED:]


def test_a_clean_year_has_at_most_nine_false_alarms():
    """Single days and drifts together; a drift that lasts is one alarm."""
    counts = []
    for seed in range(REPS):
        found, _ = watched(seed)
        drifts = sq.episodes(found.drift_up) | sq.episodes(found.drift_down)
        counts.append((found.p[-YEAR:] < sq.ALARM).sum() + drifts[-YEAR:].sum())
    assert np.mean(counts) <= 9


def test_a_day_at_minus_25_percent_is_found_three_times_in_four():
    hits = []
    for seed in range(REPS):
        found, festive = watched(seed)
        for i in range(WATCHED - YEAR + seed % 7, WATCHED, 7):
            planted = np.r_[found.deviation[:i], found.deviation[i] + np.log(0.75)]
            hits.append(sq.conformal_p(planted, festive[: i + 1])[-1] < sq.ALARM)
    assert np.mean(hits) >= 0.75


LENGTHS = (1, 3, 7, 10, 14, 30)


@cache
def paced() -> pd.DataFrame:
    """Return how the finish of three periods by lot in each repetition's last year was told."""
    start, end = date(2022, 6, 1), date(2025, 11, 30)
    opening = [(f.day - start).days for f in festivals() if f.kind == "platform"]
    rows = []
    for seed in range(REPS):
        rate = hourly(daily_rate(start, end, seed), start).reshape(-1, 24)
        random = np.random.default_rng(seed)
        mean = 60 * rate / rate.sum(axis=1).mean()
        hours = random.poisson(mean) * random.gamma(60, 3, rate.shape)
        facts = days(start, len(hours), festivals())
        own = np.isin(np.arange(len(hours)), opening)
        for length in random.choice(LENGTHS, 3):
            at = int(random.integers(len(hours) - YEAR, len(hours) - length))
            done = divmod(int(random.integers(1, 24 * length)), 24)
            known = hours[: at + done[0] + 1].copy()
            known[at + done[0], done[1] :] = 0
            found = pace(known, facts, own, at, length, done)
            total = hours[at : at + length].sum()
            mid, low, high = found.total
            straight = found.so_far * length * 24 / (done[0] * 24 + done[1])
            rows.append((low <= total <= high, abs(mid / total - 1), abs(straight / total - 1)))
    return pd.DataFrame(rows, columns=["held", "error", "straight"])


def test_projected_finishes_hold_and_beat_a_straight_line():
    """Truth: what the period brought in the end; naive: so far over the share of time passed."""
    rows = paced()
    assert 0.84 <= rows["held"].mean() <= 0.96
    assert rows["error"].mean() <= 0.5 * rows["straight"].mean()


def test_live_effects_are_covered_and_unbiased():
    """Truth: planted pulls of hosts and products; times have no effect beyond their viewers."""
    found = recover("live", "live_room", REPS)
    assert 0.84 <= found.coverage <= 0.96
    assert found.by_target().loc["product", "coverage"] >= 0.84
    assert (found.error.abs().groupby(found.rows["target"]).median() < 0.15).all()
