"""Forecasts: outliers, days without a fit, a band by its own formula, series that begin late."""

from __future__ import annotations

import numpy as np
import pytest

from ecomops.base.errors import DataError
from ecomops.maths.forecast import (
    Days,
    calendar_parts,
    closed,
    forecast,
    left_out,
    origins,
    plain_days,
    point,
)


def steady(n: int, level: float = 10.0, noise: float = 0.05, seed: int = 1) -> np.ndarray:
    return level * np.exp(np.random.default_rng(seed).normal(0, noise, n))


def test_a_few_freak_days_move_nothing():
    """Five days at a hundred times the level: planted is 10 before and after."""
    y = steady(140)
    y[[20, 50, 77, 101, 130]] *= 100
    assert point(y, plain_days(147))[-7:] == pytest.approx(10, rel=0.06)


def test_the_band_holds_the_conformal_share_of_past_errors():
    """Vovk (2012): the quantile 0.9 (1 + 1 / n) of the absolute errors, not 0.9."""
    found = forecast(steady(80), plain_days(87), seed=1)
    size = np.abs(found.errors).ravel()
    assert size.size < 40  # few enough for the correction to show
    wanted = np.quantile(size, 0.9 * (1 + 1 / size.size))
    np.testing.assert_allclose(np.log(found.high / found.mean), wanted)
    np.testing.assert_allclose(np.log(found.low / found.mean), -wanted)
    wide = forecast(steady(80), plain_days(87), seed=1, level=0.999)
    np.testing.assert_allclose(np.log(wide.high / wide.mean), size.max())


def test_paths_keep_the_mean_and_the_spread_of_past_errors():
    found = forecast(steady(200, noise=0.2), plain_days(214), seed=2, draws=4000)
    paths = np.log(found.draws / found.mean)
    assert found.draws.shape == (4000, 14)
    assert abs(paths.mean()) < 0.02
    around = found.errors - found.errors.mean(axis=1, keepdims=True)
    drift = found.errors.mean(axis=1)
    assert paths.std() == pytest.approx(np.hypot(around.std(), drift.std()), rel=0.05)


def test_festival_days_have_a_band_of_their_own():
    """Planted: days of festivals err by 50 %, all others by 5 %."""
    n, horizon = 420, 30
    random = np.random.default_rng(4)
    festive = np.arange(n + horizon) % 6 == 0
    y = 10 * np.exp(random.normal(0, np.where(festive, 0.5, 0.05)))
    plain = plain_days(n + horizon)
    days = Days(plain.weekday, plain.years, plain.offsets, plain.sizes, festive)
    found = forecast(y[:n], days, seed=1)
    width = np.log(found.high / found.low)
    ahead = festive[n:]
    assert width[ahead].min() > 3 * width[~ahead].max()
    assert 0.4 < width[ahead][0] / 2 / (1.645 * 0.5) < 2


def test_closed_weekdays_bring_nothing_and_widen_no_band():
    """Planted: 10 % noise, twenty shops; those closed on Saturdays err on other days as all do."""
    n, days = 400, plain_days(460)
    off, rest = days.weekday[n:] == 5, days.weekday[n:] != 5
    held, width = {True: [], False: []}, {True: [], False: []}
    for seed in range(20):
        for shut in (True, False):
            y = np.where(shut & (days.weekday == 5), 0.0, steady(460, noise=0.1, seed=seed))
            found = forecast(y[:n], days, seed=1)
            assert found.draws[:, off].any() != shut
            assert np.any([found.mean[off], found.low[off], found.high[off]]) != shut
            low, high, actual = found.low[rest], found.high[rest], y[n:][rest]
            held[shut].append(np.mean((low <= actual) & (actual <= high)))
            width[shut].append(np.log(high / low).mean())
    assert np.mean(held[True]) >= 0.90
    assert np.mean(held[True]) == pytest.approx(np.mean(held[False]), abs=0.02)
    assert np.mean(width[True]) == pytest.approx(np.mean(width[False]), rel=0.15)


def test_days_without_a_sale_by_chance_close_no_weekday():
    """Planted: a sale on every third day; a weekday without one by chance is not closed."""
    random, days = np.random.default_rng(3), plain_days(70)
    for _ in range(200):
        y = np.where(random.random(63) < 0.35, 10.0, 0.0)
        assert not closed(y, days).any()


def test_a_horizon_that_is_closed_is_zero():
    y = np.where(np.arange(85) % 7 == 1, 0.0, steady(85))  # the next day is closed as well
    found = forecast(y, plain_days(86), seed=1)
    assert [*found.mean, *found.low, *found.high] == [0, 0, 0]


def test_a_festival_is_learnt_by_the_day_of_its_window():
    """Planted: three days at 2, 5 and 1.5 times the level, twice; the third time they are known."""
    n = 300
    offsets = np.full((1, n), -1)
    y = steady(n, noise=0.02)
    for start in (60, 160, 290):
        offsets[0, start : start + 3] = range(3)
        y[start : start + 3] *= [2, 5, 1.5]
    plain = plain_days(n)
    days = Days(plain.weekday, plain.years, offsets, (3,), plain.festive)
    got = point(y[:280], days)[290:293]
    np.testing.assert_allclose(got, [20, 50, 15], rtol=0.12)
    assert len(days.part(280, 300)) == 20
    assert days.part(280, 300).offsets[0, 10:13].tolist() == [0, 1, 2]


def test_origins_are_spread_over_the_last_year_and_leave_room():
    assert origins(62, 7).size == 0
    assert origins(63, 7).tolist() == [56]
    found = origins(1000, 30)
    assert found.size == 8
    assert (found[0], found[-1]) == (970, 605)


def test_a_series_that_begins_late_is_judged_from_its_first_sale():
    """Past forecasts made before anything was sold say nothing of those made since."""
    late = np.r_[np.zeros(250), steady(150)]
    found = forecast(late, plain_days(430), seed=1)
    assert np.isfinite(found.low).all()
    assert np.isfinite(found.errors).all()
    with pytest.raises(DataError) as error:
        forecast(np.zeros(200), plain_days(230), seed=1)
    assert error.value.values["n"] == 0


def test_too_few_days_are_refused():
    with pytest.raises(DataError) as error:
        forecast(steady(60), plain_days(67), seed=1)
    assert error.value.values == {"n": 60, "needed": 70}
    with pytest.raises(DataError):
        point(steady(55), plain_days(60))


def test_hidden_windows_are_those_of_a_fit_without_them():
    """Truth: the same ridge regression solved again without the days, weights kept."""
    y, days = steady(90, noise=0.1), plain_days(90)
    share, weight, design, sd = calendar_parts(y, days)
    assert share.mean() == pytest.approx(1)
    window = np.arange(30, 40)
    (hidden,) = left_out(y, days, [window])
    log = np.log(y)
    whole = np.median(np.abs(log - np.median(log))) * 1.4826
    kept = np.setdiff1d(np.arange(90), window)
    best = np.inf
    for scale in whole * np.linspace(0.3, 1.5, 400):  # the scale the fit settled on is not told
        trust = weight[kept] / scale**2
        left = design[kept]
        beta = np.linalg.solve(
            left.T @ (left * trust[:, None]) + np.diag(1 / sd**2), left.T @ (trust * log[kept])
        )
        best = min(best, np.abs(log[window] - design[window] @ beta - hidden).max())
    assert best < 1e-3


def test_a_year_of_one_level_is_not_fitted_away_by_festivals():
    """Planted: one level with noise of 40 %; copying the level errs by a third, we by half at most.

    Fitted to the last digit, each festival day by itself, the rest once foretold 18 times too much.
    """
    n, horizon, sizes = 300, 60, (20,) * 8
    random = np.random.default_rng(1)
    y = 1000 * np.exp(random.normal(0, 0.4, n))
    offsets = np.full((len(sizes), n), -1)
    for i, size in enumerate(sizes):
        offsets[i, 10 + 28 * i : 10 + 28 * i + size] = np.arange(size)
    plain = plain_days(n)
    days = Days(plain.weekday, plain.years, offsets, sizes, plain.festive)
    for start in origins(n, horizon):
        expected = point(y[:start], days.part(0, start + horizon))[start:]
        assert expected.mean() == pytest.approx(1000, rel=0.5)
