"""Intervals from sums: coverage of 90 % on planted truths, and the textbook mean."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ecomops.store import intervals

REPEATS = 4000


def covered(low, high, truth) -> float:
    return float(np.mean((np.asarray(low) <= truth) & (truth <= np.asarray(high))))


def test_total_covers_the_planted_mean_of_a_compound_poisson_sum() -> None:
    """Orders are Poisson(400), amounts gamma(2, 50): the mean total is 40,000."""
    rng = np.random.default_rng(1)
    sums, squares = np.empty(REPEATS), np.empty(REPEATS)
    for i in range(REPEATS):
        amounts = rng.gamma(2, 50, rng.poisson(400))
        sums[i], squares[i] = amounts.sum(), (amounts**2).sum()
    assert covered(*intervals.of_total(sums, squares), 40_000) == pytest.approx(0.90, abs=0.015)


def test_mean_equals_scipys_normal_interval() -> None:
    """scipy.stats.norm with the standard error of the mean is the second implementation."""
    amounts = np.random.default_rng(2).gamma(2, 50, 300)
    low, high = intervals.of_mean(amounts.sum(), (amounts**2).sum(), len(amounts))
    expected = stats.norm.interval(0.9, amounts.mean(), stats.sem(amounts))
    assert (float(low), float(high)) == pytest.approx(expected)


def test_ratio_covers_the_planted_share_of_refunds() -> None:
    """One order in ten is refunded in full: 10 % of money."""
    rng = np.random.default_rng(3)
    amounts = rng.gamma(2, 50, (REPEATS, 800))
    refunds = amounts * (rng.random(amounts.shape) < 0.1)
    low, high = intervals.of_ratio(
        refunds.sum(1),
        amounts.sum(1),
        (refunds**2).sum(1),
        (amounts**2).sum(1),
        (refunds * amounts).sum(1),
        np.full(REPEATS, 800.0),
    )
    assert covered(low, high, 0.1) == pytest.approx(0.90, abs=0.02)


def test_nothing_to_rest_on_is_missing() -> None:
    zero, one = np.zeros(1), np.ones(1)
    assert np.isnan(intervals.of_mean(zero, zero, zero)).all()
    assert np.isnan(intervals.of_mean(one, one, one)).all()
    assert np.isnan(intervals.of_ratio(zero, zero, zero, zero, zero, zero)).all()
    assert np.isnan(intervals.of_ratio(one, one, one, one, one, one)).all()


def test_a_ratio_has_the_spread_of_its_residuals():
    """By hand: refunds 0, 10, 20 of 100, 50, 150; R = 0.1, residuals -10, 5, 5 over 300.

    Three orders leave two degrees of freedom.
    """
    x, y = np.array([0.0, 10, 20]), np.array([100.0, 50, 150])
    low, high = intervals.of_ratio(x.sum(), y.sum(), x @ x, y @ y, x @ y, 3)
    half = 1.6448536 * np.sqrt((100 + 25 + 25) * 3 / 2) / 300
    assert (low, high) == pytest.approx((0.1 - half, 0.1 + half))
