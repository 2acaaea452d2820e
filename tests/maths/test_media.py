"""Media response: the sampler against closed forms and enumeration, adstock, slopes, trials."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate
from scipy.stats import truncnorm

from ecomops.maths import media

N = 200


def problem(truth=1.0, noise=0.3, seed=1):
    """Return a series without calendar, one spend series, and a grid of a single shape."""
    random = np.random.default_rng(seed)
    spend = random.uniform(0, 2, N)
    grid = media.Shapes(np.eye(1), np.array([0]), np.array([1.0]), np.array([1.0]))
    effect = media.effects(spend, grid, spend.mean())[0]
    sales = 10 + truth * effect + noise * random.standard_normal(N)
    design, prior = np.ones((N, 1)), np.array([100.0])
    found = media.series(sales, np.ones(N), np.ones(N), design, prior)
    return found, spend, grid


def noise_left(found, row):
    """Return the variance that is left when `row` is fitted by least squares."""
    left = found.target - row * (row @ found.target) / (row @ row)
    return float(left @ left) / (len(left) - found.used)


def exact(found, spend, grid, trial=None):
    """Return the truncated normal of the top given the noise: regression by hand."""
    effect = media.effects(spend, grid, spend.mean())
    row = found.rows(effect)[0]
    sd = media.ROAS * spend.mean() / found.level / effect.mean()
    variance = noise_left(found, row)
    precision = row @ row / variance + 1 / sd**2
    middle = row @ found.target / variance
    if trial:
        unit = found.level * effect[0].sum()
        precision += unit**2 / trial.error**2
        middle += unit * trial.lift / trial.error**2
    mean, scale = middle / precision, precision**-0.5
    return truncnorm(-mean / scale, np.inf, loc=mean * found.level, scale=scale * found.level)


def test_one_shape_is_the_truncated_normal():
    """Truth: Bayesian regression with a bounded coefficient, by scipy's truncated normal."""
    for truth in (0.0, 1.0):
        found, spend, grid = problem(truth)
        draws = media.fit(found, spend[None], grid, seed=1).draws
        posterior = exact(found, spend, grid)
        assert draws.top.mean() == pytest.approx(posterior.mean(), rel=0.06)
        assert draws.top.std() == pytest.approx(posterior.std(), rel=0.10)
        assert np.mean(draws.top <= posterior.ppf(0.05)) == pytest.approx(0.05, abs=0.015)


def test_a_trial_is_one_more_observation():
    """Truth: the same regression with one row more."""
    found, spend, grid = problem()
    trial = media.Trial(0, np.zeros(N), lift=150.0, error=10.0)
    draws = media.fit(found, spend[None], grid, [trial], seed=1).draws
    posterior = exact(found, spend, grid, trial)
    assert draws.top.mean() == pytest.approx(posterior.mean(), rel=0.02)
    assert draws.top.std() == pytest.approx(posterior.std(), rel=0.08)


def test_shapes_are_drawn_by_their_evidence():
    """Truth: each shape's evidence by numerical integration over its top."""
    found, spend, _ = problem(noise=0.1)
    slopes = np.array([0.7, 1.0, 2.2])
    grid = media.Shapes(np.eye(1), np.zeros(3, dtype=int), np.ones(3), slopes)
    fitted = media.fit(found, spend[None], grid, seed=1)
    effect = media.effects(spend, grid, spend.mean())
    rows = found.rows(effect)
    evidence = []
    variance = noise_left(found, rows[1])
    for row, raw in zip(rows, effect, strict=True):
        sd = media.ROAS * spend.mean() / found.level / raw.mean()

        def density(top, row=row, sd=sd):
            left = found.target - top * row
            fit = -0.5 * (left @ left) / variance
            best = -0.5 * (found.target @ found.target) / variance
            return np.exp(fit - best - 30 - 0.5 * top**2 / sd**2) / sd

        evidence.append(integrate.quad(density, 0, 0.5, points=[0.1], limit=200)[0])
    shares = np.bincount(fitted.draws.shape[:, 0], minlength=3) / len(fitted.draws.shape)
    np.testing.assert_allclose(shares, np.array(evidence) / np.sum(evidence), atol=0.05)


def test_the_same_seed_gives_the_same_draws():
    found, spend, grid = problem()
    one, two = (media.fit(found, spend[None], grid, seed=7).draws.top for _ in range(2))
    np.testing.assert_array_equal(one, two)


def test_skill_is_below_zero_where_spend_brings_nothing():
    skills = [
        media.fit(*problem(0.0, seed=s)[:1], problem(0.0, seed=s)[1][None], media.shapes(), seed=1)
        for s in range(6)
    ]
    assert np.mean([s.skill.sum() for s in skills]) < 0
    found, spend, _ = problem(3.0)
    assert media.fit(found, spend[None], media.shapes(), seed=1).skill.min() > 0


@given(st.floats(0.1, 50), st.floats(0.1, 50), st.floats(0.5, 3), st.floats(0.1, 100))
def test_marginal_is_the_slope_of_sales(top, half, slope, spend):
    parts = [np.array([[p]]) for p in (top, half, slope)]
    draws = media.Draws(*parts, np.zeros((1, 1), dtype=int), np.zeros((1, 1)))
    step = spend * 1e-5
    rise = draws.sales(np.array([spend + step])) - draws.sales(np.array([spend - step]))
    assert draws.marginal(np.array([spend]))[0, 0] == pytest.approx(
        rise[0, 0] / (2 * step), rel=1e-4
    )


@pytest.mark.parametrize("kind", ["geometric", "weibull"])
def test_steady_spend_saturates_at_its_own_level(kind):
    """Weights add up to 1, so that a steady spend of x carries x: Hill of x over half."""
    grid = media.shapes(kind)
    np.testing.assert_allclose(grid.weights.sum(axis=1), 1)
    last = media.effects(np.full(60, 3.0), grid, 2.0)[:, -1]
    expected = 1.5**grid.slope / (1.5**grid.slope + grid.half**grid.slope)
    np.testing.assert_allclose(last, expected)


def test_two_channels_are_told_apart_or_their_doubt_is_shown():
    """Independent spends: both found; equal spends: only their sum, and wide bands say so."""
    random = np.random.default_rng(3)
    own, other = random.uniform(0, 2, (2, 600))
    grid = media.Shapes(np.eye(1), np.array([0]), np.array([1.0]), np.array([1.0]))
    effect = np.array([media.effects(s, grid, s.mean())[0] for s in (own, other)])
    sales = 10 + 4 * effect[0] + 1 * effect[1] + 0.2 * random.standard_normal(600)
    design, prior = np.ones((600, 1)), np.array([100.0])
    found = media.series(sales, np.ones(600), np.ones(600), design, prior)
    apart = media.fit(found, np.array([own, other]), grid, seed=1).draws.top
    assert apart.mean(axis=0) == pytest.approx([4, 1], abs=0.25)
    alike = media.fit(found, np.array([own, own]), grid, seed=1).draws.top
    assert alike.sum(axis=1).mean() == pytest.approx(4, abs=0.25)
    assert alike.std(axis=0).min() > 3 * apart.std(axis=0).max()


def test_errors_that_follow_each_other_are_whitened():
    """Planted: AR(1) errors with 0.7; what is left to explain no longer follows itself."""
    random = np.random.default_rng(3)
    noise = np.zeros(1500)
    for i in range(1, 1500):
        noise[i] = 0.7 * noise[i - 1] + 0.1 * random.standard_normal()
    found = media.series(
        10 * (1 + noise), np.ones(1500), np.ones(1500), np.ones((1500, 1)), np.array([100.0])
    )
    assert found.projector[3] == pytest.approx(0.7, abs=0.05)
    left = found.target
    assert abs(np.sum(left[1:] * left[:-1]) / np.sum(left**2)) < 0.06
    assert found.sigma == pytest.approx(0.1, rel=0.06)
