"""Forecasts on simulated daily sales with moving festivals: error and coverage (methods.md, E1)."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecomops.base.errors import DataError
from ecomops.data.festivals import days, festivals
from ecomops.maths import forecast as fc
from ecomops.sim.calendar import daily_rate

HORIZON = 61
WINDOWS = {"double_11": date(2024, 12, 10), "spring_festival": date(2025, 3, 10)}


def series(seed: int, start: date, end: date) -> np.ndarray:
    """Return daily sales: Poisson orders on the simulator's calendar, log-normal baskets."""
    rate = daily_rate(start, end, seed)
    random = np.random.default_rng(seed)
    grown = 60 * rate / rate.mean() * 1.15 ** (np.arange(rate.size) / 365)
    return np.array([random.lognormal(5, 0.6, n).sum() for n in random.poisson(grown)])


@cache
def trial(event: str, seed: int):
    """Return actual, forecast, seasonal-naive, in the window, festive and covered, of 61 days."""
    end = WINDOWS[event]
    start = date(end.year - 3, 3, 1)
    sales = series(seed, start, end)
    known = sales.size - HORIZON
    facts = days(start, sales.size, festivals())
    found = fc.forecast(sales[:known], facts, seed=1, draws=10)
    ahead = [start + timedelta(days=i) for i in range(known, sales.size)]
    (festival,) = [f for f in festivals() if f.code == event and ahead[0] <= f.day <= ahead[-1]]
    inside = np.array([festival.start <= d <= festival.end for d in ahead])
    actual = sales[known:]
    naive = sales[known - 364 : known - 364 + HORIZON]
    covered = (actual >= found.low) & (actual <= found.high)
    return actual, found.mean, naive, inside, facts.festive[known:], covered


def wape(actual, expected, where) -> float:
    return float(np.abs(actual - expected)[where].sum() / actual[where].sum())


@pytest.mark.slow
@pytest.mark.parametrize("event", WINDOWS)
def test_festival_windows_beat_last_year_shifted_by_52_weeks(event):
    """The 春节-unaligned and 双11-blind comparison fails (naive catalogue 10)."""
    ours, theirs = [], []
    for seed in range(6):
        actual, mean, naive, inside, _, _ = trial(event, seed)
        ours.append(wape(actual, mean, inside))
        theirs.append(wape(actual, naive, inside))
    assert np.mean(ours) <= 0.6 * np.mean(theirs)
    assert np.mean(ours) < 0.22


@pytest.mark.slow
def test_bands_cover_ordinary_and_festival_days_alike():
    trials = [trial(event, seed) for event in WINDOWS for seed in range(6)]
    covered = np.concatenate([t[5] for t in trials])
    festive = np.concatenate([t[4] for t in trials])
    assert 0.84 <= covered[festive].mean() <= 0.96
    assert 0.84 <= covered[~festive].mean() <= 0.96


def test_a_weekly_pattern_is_continued_exactly():
    week = np.array([10, 12, 11, 13, 15, 20, 18.0])
    y = np.tile(week, 30)
    found = fc.point(y, fc.plain_days(y.size + 14))
    np.testing.assert_allclose(found[-14:], np.tile(week, 2), rtol=2e-3)


def test_a_festival_that_moves_is_followed():
    """Two years with a threefold day on 春节: the third year's lies on its own date."""
    start, n = date(2023, 1, 1), 780
    facts = days(start, n, festivals())
    new_year = {f.day for f in festivals() if f.code == "spring_festival"}
    spike = np.array([3.0 if start + timedelta(days=i) in new_year else 1.0 for i in range(n)])
    found = fc.point((spike * 100)[:740], facts)
    third = (date(2025, 1, 29) - start).days
    assert found[third] == pytest.approx(300, rel=0.25)
    assert np.abs(found[740:third] - 100).max() < 15


@given(st.floats(0.01, 1e5))
def test_the_unit_of_money_does_not_matter(scale):
    y = series(3, date(2024, 1, 1), date(2024, 6, 1))
    facts = fc.plain_days(y.size + 7)
    np.testing.assert_allclose(fc.point(y * scale, facts), fc.point(y, facts) * scale, rtol=1e-6)


def test_sums_over_days_carry_their_own_spread():
    """Draws of a total cover it, where adding daily bands would be far too wide."""
    held, width = 0, []
    for seed in range(40):
        random = np.random.default_rng(seed)
        y = 100 * np.exp(random.normal(0, 0.2, 330))
        found = fc.forecast(y[:300], fc.plain_days(330), seed=seed)
        low, high = np.quantile(found.draws.sum(axis=1), [0.05, 0.95])
        held += low <= y[300:].sum() <= high
        width.append((high - low) / (found.high - found.low).sum())
    assert 33 <= held <= 40
    assert np.mean(width) < 0.6


def test_a_short_history_is_refused():
    with pytest.raises(DataError, match="56"):
        fc.point(np.ones(20), fc.plain_days(30))
    with pytest.raises(DataError, match="days of history"):
        fc.forecast(np.ones(80), fc.plain_days(140), seed=1)


def test_a_series_of_zeros_stays_zero():
    assert fc.point(np.zeros(60), fc.plain_days(67)).max() == 0
