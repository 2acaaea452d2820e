"""Demand behind sales: planted rates; the naive means fail (naive catalogue 23)."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import nbinom, poisson

from ecomops.base.errors import DataError
from ecomops.maths.censored import demand_behind_sales


def shelf(seed: int, days: int = 400, rate: float = 6.0, size: float = np.inf):
    """Return (sales, empty): stock is refilled to a random level each morning."""
    random = np.random.default_rng(seed)
    mean = rate if np.isinf(size) else random.gamma(size, rate / size, days)
    demand = random.poisson(mean, days)
    stock = random.integers(3, 14, days)
    return np.minimum(demand, stock), demand >= stock


def test_maximum_likelihood_by_a_second_route():
    sold, empty = shelf(1)

    def minus_log_likelihood(rate: float) -> float:
        seen = np.where(empty, poisson.logsf(sold - 1, rate), poisson.logpmf(sold, rate))
        return -float(seen.sum())

    best = minimize_scalar(minus_log_likelihood, bounds=(1, 20), method="bounded")
    found = demand_behind_sales(sold, empty)
    assert np.isinf(found.size)
    assert found.rate == pytest.approx(best.x, abs=1e-4)


@pytest.mark.parametrize("size", [np.inf, 4.0])
def test_planted_demand_is_found_within_three_percent_where_naive_means_fail(size):
    found, mean, dropped = [], [], []
    for seed in range(20):
        sold, empty = shelf(seed, size=size)
        found.append(demand_behind_sales(sold, empty).rate)
        mean.append(sold.mean())
        dropped.append(sold[~empty].mean())
    assert np.mean(found) == pytest.approx(6, rel=0.03)
    assert np.mean(mean) < 0.9 * 6
    assert np.mean(dropped) < np.mean(mean)  # leaving the empty days out makes it worse


def test_exposure_scales_the_days():
    random = np.random.default_rng(3)
    level = np.where(np.arange(600) % 10 == 0, 5.0, 1.0)
    demand = random.poisson(4 * level)
    sold, empty = np.minimum(demand, 9), demand >= 9
    assert demand_behind_sales(sold, empty, level).rate == pytest.approx(4, rel=0.05)


def test_no_full_day_is_refused():
    with pytest.raises(DataError, match="2 days"):
        demand_behind_sales([1, 2], [True, True])


def test_without_empty_days_it_is_the_mean():
    found = demand_behind_sales([3, 5, 4], [0, 0, 0])
    assert (found.rate, list(found.expected)) == (4, [3, 5, 4])


@pytest.mark.parametrize("size", [np.inf, 4.0])
def test_what_an_empty_shelf_hid_is_the_mean_of_the_tail(size):
    """Truth: the sum of d P(d) over d >= sold, over P(D >= sold), by scipy's mass function."""
    sold, empty = shelf(2, size=size)
    found = demand_behind_sales(sold, empty)
    assert np.isinf(found.size) == np.isinf(size)
    chance = found.size / (found.size + found.rate)
    law = poisson(found.rate) if np.isinf(size) else nbinom(found.size, chance)
    pieces = np.arange(400)
    for value in np.unique(sold[empty]):
        tail = pieces >= value
        mean = np.sum((pieces * law.pmf(pieces))[tail]) / law.pmf(pieces)[tail].sum()
        assert found.expected[empty & (sold == value)] == pytest.approx(mean, rel=1e-6)
    np.testing.assert_array_equal(found.expected[~empty], sold[~empty])


@pytest.mark.parametrize("size", [np.inf, 3.0])
def test_the_error_is_that_of_a_mean_where_nothing_was_hidden(size):
    """Closed form: the variance of the counts over their number."""
    random = np.random.default_rng(6)
    sold = random.poisson(5.0 if np.isinf(size) else random.gamma(size, 5 / size, 3000), 3000)
    found = demand_behind_sales(sold, np.zeros(3000))
    assert found.rate == pytest.approx(sold.mean(), rel=1e-4)
    assert found.se == pytest.approx(sold.std() / np.sqrt(3000), rel=0.05)


@pytest.mark.parametrize("seed", range(6))
def test_more_than_poisson_is_believed_from_the_ninety_percent_point_on(seed):
    """Second route: twice the difference of scipy's log likelihoods against 2.71."""
    random = np.random.default_rng(seed)
    sold = random.poisson(random.gamma(12, 0.5, 150))
    plain = poisson.logpmf(sold, sold.mean()).sum()

    def minus(log_size: float) -> float:
        k = np.exp(log_size)
        return -float(nbinom.logpmf(sold, k, k / (k + sold.mean())).sum())

    wide = -minimize_scalar(minus, bounds=(-2, 8), method="bounded").fun
    found = demand_behind_sales(sold, np.zeros(150))
    assert np.isinf(found.size) == bool(2 * (wide - plain) < 2.7)
