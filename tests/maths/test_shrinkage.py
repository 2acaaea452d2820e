"""Shrinkage: published examples, second routes, honest intervals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import betabinom, nbinom

from ecomops.maths.shrinkage import beta_binomial, gamma_poisson, hierarchical, partial_pooling

SCHOOLS = ([28, 8, -3, 7, -1, 1, 18, 12], [15, 10, 16, 11, 9, 11, 10, 18])


def test_eight_schools_as_published():
    """Gelman et al. (2013), Bayesian Data Analysis, table 5.3: posterior medians by school."""
    pooled, _, mean, _ = hierarchical(*SCHOOLS)
    np.testing.assert_allclose(pooled, [10, 8, 7, 8, 5, 6, 10, 8], atol=1.6)
    assert mean == pytest.approx(8, abs=0.5)


def test_intervals_stay_honest_where_the_spread_is_taken_for_none():
    """Planted spread 0.4, errors 0.5: 90 % intervals of 300 sets of ten."""
    random = np.random.default_rng(1)
    ours, plain = [], []
    for _ in range(300):
        truth = random.normal(-2.2, 0.4, 10)
        seen = truth + random.normal(0, 0.5, 10)
        for found, kept in ((hierarchical, ours), (partial_pooling, plain)):
            value, error = found(seen, np.full(10, 0.5))[:2]
            kept += list(np.abs(value - truth) <= 1.645 * error)
    assert 0.87 <= np.mean(ours) <= 0.94
    assert np.mean(plain) < np.mean(ours)


def test_two_estimates_are_pooled_without_a_spread():
    value, _, mean, _ = hierarchical([1.0, 3.0], [1.0, 1.0])
    assert mean == pytest.approx(2)
    assert 1 <= value[0] <= value[1] <= 3


def test_beta_binomial_by_a_second_route():
    """Truth: scipy's betabinom likelihood, maximised over a and b."""
    random = np.random.default_rng(2)
    n = random.integers(20, 300, 200)
    seen = random.binomial(n, random.beta(6, 94, 200))
    found = beta_binomial(seen, n)

    def minus_log_likelihood(theta):
        return -betabinom.logpmf(seen, n, *np.exp(theta)).sum()

    best = np.exp(minimize(minus_log_likelihood, [1.0, 4.0], method="Nelder-Mead").x)
    assert found.a / (found.a + found.b) == pytest.approx(best[0] / best.sum(), rel=0.01)
    assert found.a + found.b == pytest.approx(best.sum(), rel=0.05)
    inside = (found.low <= found.mean) & (found.mean <= found.high)
    assert inside.all()


def test_two_estimates_that_differ_make_their_mean_unsure():
    """By hand: q = 8, spread² = (8 - 1) / 4 = 1.75; the mean has variance (0.25 + 1.75) / 2 = 1."""
    value, width, mean, error = hierarchical([-3.0, -1.0], [0.5, 0.5])
    np.testing.assert_allclose(value, [-2.875, -1.125])
    np.testing.assert_allclose(width, np.sqrt(0.875 * 0.25 + 0.125**2 * 1))  # share 1.75 / 2
    assert (mean, error) == (pytest.approx(-2), pytest.approx(1))


def test_one_estimate_stays_what_it_is():
    value, width, mean, error = hierarchical([4.0], [0.5])
    assert (value[0], width[0], mean, error) == (4.0, 0.5, 4.0, 0.5)


def test_a_single_estimate_has_no_spread():
    value, width, mean, spread = partial_pooling([4.0], [0.5])
    assert (value[0], width[0], mean, spread) == (4.0, 0.5, 4.0, 0.0)


def test_low_ends_have_five_percent_of_their_posterior_below():
    """Truth: the gamma density of the prior found times the Poisson chance, integrated."""
    seen, expected = np.array([2.0, 40, 18, 22, 0]), np.array([1.0, 20, 20, 20, 0])
    found = gamma_poisson(seen, expected)
    assert np.isnan([found.mean[4], found.low[4]]).all()
    rate = np.linspace(1e-6, 8, 200_001)
    for n, e, low, mean in zip(seen[:4], expected, found.low, found.mean, strict=False):
        log = (found.shape - 1 + n) * np.log(rate) - (found.rate + e) * rate
        weight = np.exp(log - log.max())
        weight /= weight.sum()
        assert weight[rate <= low].sum() == pytest.approx(0.05, abs=1e-3)
        assert weight @ rate == pytest.approx(mean, rel=1e-3)


def test_the_gamma_prior_has_the_largest_likelihood():
    """Second route: negative binomial counts by scipy, searched from elsewhere."""
    random = np.random.default_rng(4)
    expected = random.uniform(5, 50, 300)
    seen = random.poisson(random.gamma(3, 1 / 3, 300) * expected)
    found = gamma_poisson(seen, expected)

    def minus_log_likelihood(theta):
        a, b = np.exp(theta)
        return -nbinom.logpmf(seen, a, b / (b + expected)).sum()

    best = np.exp(minimize(minus_log_likelihood, [2.0, 2.0], method="Nelder-Mead").x)
    assert (found.shape, found.rate) == pytest.approx(tuple(best), rel=0.01)
