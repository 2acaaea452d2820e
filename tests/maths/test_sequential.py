"""Watching day by day: ties, borders of episodes, a level that is followed, a day that is off."""

from __future__ import annotations

import numpy as np
import pytest

from ecomops.maths import sequential as sq
from ecomops.maths.forecast import Days, plain_days


def test_what_is_as_large_as_ever_is_nothing_special():
    """All 30 alike: each p-value is (1 + all) / (1 + all)."""
    p = sq.conformal_p(np.full(30, 0.2), np.zeros(30))
    assert np.isnan(p[:20]).all()
    assert p[20:].tolist() == [1.0] * 10


def test_a_kind_with_twenty_days_is_judged_among_its_own():
    """Festival days of size 5 are usual among 25 others; the same size on a plain day is not."""
    kinds = np.r_[np.tile([0, 1], 25), 1, 0]
    size = np.where(kinds == 1, 5.0, 0.1)
    size[-1] = 5.0
    p = sq.conformal_p(size, kinds)
    assert p[-2] == 1.0
    assert p[-1] == pytest.approx(1 / 26)
    few = sq.conformal_p(np.r_[np.full(25, 0.1), 5.0], np.r_[np.zeros(25), 1])
    assert few[-1] == pytest.approx(1 / 26)  # none of its own: held against all


def test_memory_ends_after_250_days():
    size = np.r_[np.full(30, 9.0), np.full(250, 0.1), 5.0]
    assert sq.conformal_p(size, np.zeros(281))[-1] == pytest.approx(1 / 251)


def test_a_drift_called_again_within_28_days_is_the_same():
    alarms = np.zeros(80)
    alarms[[5, 33, 62]] = sq.LIMIT  # 28 and 29 days apart
    assert np.flatnonzero(sq.episodes(alarms)).tolist() == [5, 62]
    assert not sq.episodes(np.full(9, sq.LIMIT - 1e-9)).any()


def test_the_cusum_by_hand():
    """Slack 0.75: 2 gives 1.25, then 2.5; -1 takes 1.75 off; upwards and downwards alike."""
    up, down = sq.cusum([2, 2, -1, -9, 0])
    np.testing.assert_allclose(up, [1.25, 2.5, 0.75, 0, 0])
    np.testing.assert_allclose(down, [0, 0, 0.25, 8.5, 0])  # restarted after the alarm


def test_deviations_follow_the_level_but_not_an_outlier():
    """Smoothing 0.3: a step of 1 has 0.7^k left after k days; a freak day leaves little behind."""
    noise = np.tile([0.01, -0.01], 30)
    step = sq.corrected(np.r_[noise, np.full(10, 0.02) + noise[:10]])
    assert step[60:62].mean() == pytest.approx(0.02 * (1 + 0.7) / 2, rel=0.25)
    assert abs(step[-4:].mean()) < 0.004
    freak = sq.corrected(np.r_[noise, 9.0, noise])
    assert freak[60] > 8.9
    assert np.abs(freak[61:]).max() < 0.04


def test_a_planted_day_is_the_least_likely_and_expectations_know_only_the_past():
    """Planted: 40 % less on one day of a hundred."""
    random = np.random.default_rng(5)
    y = 500 * np.exp(random.normal(0, 0.05, 200))
    y[150] *= 0.6
    days = plain_days(200)
    found = sq.watch(y, days, 100)
    assert int(np.nanargmin(found.p)) == 50
    assert found.deviation[50] == pytest.approx(np.log(0.6), abs=0.15)
    np.testing.assert_allclose(found.expected, 500, rtol=0.12)
    changed = y.copy()
    changed[150:] *= 3
    np.testing.assert_array_equal(sq.ahead(changed, days, 100)[:50], sq.ahead(y, days, 100)[:50])


def test_festival_days_have_a_spread_of_their_own():
    """Planted: every fourth day varies five times as much; it is no drift and no alarm."""
    random = np.random.default_rng(2)
    festive = np.arange(260) % 4 == 0
    y = 300 * np.exp(random.normal(0, np.where(festive, 0.25, 0.05)))
    plain = plain_days(260)
    days = Days(plain.weekday, plain.years, plain.offsets, plain.sizes, festive)
    found = sq.watch(y, days, 120)
    wild = festive[120:]
    known = ~np.isnan(found.p)
    for kind in (wild, ~wild):
        assert np.mean(found.p[kind & known] < 0.1) < 0.25
    assert np.abs(found.deviation[wild]).mean() > 2.5 * np.abs(found.deviation[~wild]).mean()


def test_a_shop_that_is_closed_on_saturdays_is_watched_like_one_that_is_not():
    """Planted: sales a quarter lower from day 400 on; 20 shops each way, 20 % noise.

    Counted as deviations, closed days hid drifts: one was called in 20 shops instead of 11.
    """
    days, drifts, alarms = plain_days(500), {True: 0, False: 0}, {True: 0, False: 0}
    for seed in range(20):
        sold = 100 * np.exp(np.random.default_rng(seed).normal(0, 0.2, 500))
        sold[400:] *= 0.75
        for shut in (True, False):
            off = shut & (days.weekday == 5)
            found = sq.watch(np.where(off, 0.0, sold), days, 135)
            drifts[shut] += sq.episodes(found.drift_down).sum()
            alarms[shut] += np.sum(found.p <= sq.ALARM)
            assert not found.deviation[off[135:]].any()
    assert drifts[True] >= 6
    assert abs(drifts[True] - drifts[False]) <= 5
    assert alarms[True] == pytest.approx(alarms[False], rel=0.15)
