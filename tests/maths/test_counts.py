"""Rates of small counts: nothing known, exact posteriors, factors of their own."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import gamma

from ecomops.maths.counts import POINTS, Rates, dispersion, pooled_rates


def bump(centre: float, sd: float) -> Rates:
    """Return one log-normal posterior on a grid."""
    grid = np.linspace(centre - 6 * sd, centre + 6 * sd, POINTS)
    weight = np.exp(-0.5 * ((grid - centre) / sd) ** 2)
    return Rates(grid, (weight / weight.sum())[None, :])


def test_without_exposure_nothing_is_known():
    """A flat posterior around a rate of 1: its median, and half below it."""
    found = pooled_rates([0, 0], [0, 0])
    np.testing.assert_allclose(found.weight.sum(axis=1), 1)
    np.testing.assert_allclose(found.quantile(0.5), 1, rtol=1e-6)
    np.testing.assert_allclose(found.below(1), 0.5, atol=1e-6)


def test_a_log_normal_posterior_by_its_formulas():
    """Mean exp(m + s²/2), quantiles exp(m + z s), chances by the normal distribution."""
    found = bump(-3.0, 0.2)
    assert found.mean()[0] == pytest.approx(np.exp(-3 + 0.02), rel=1e-4)
    assert found.quantile(0.95)[0] == pytest.approx(np.exp(-3 + 1.6449 * 0.2), rel=1e-3)
    assert found.below(np.exp(-3 - 0.2))[0] == pytest.approx(0.158655, abs=1e-3)


def test_a_factor_adds_its_mean_and_variance_on_the_log_scale():
    found = bump(-3.0, 0.2).times([0.5], [0.3])
    spread = np.hypot(0.2, 0.3)
    assert found.quantile(0.5)[0] == pytest.approx(np.exp(-2.5), rel=2e-3)
    assert found.quantile(0.95)[0] == pytest.approx(np.exp(-2.5 + 1.6449 * spread), rel=5e-3)


def test_a_factor_known_exactly_only_shifts():
    found = bump(-3.0, 0.2).times([np.log(2)], [0.0])
    assert found.quantile(0.5)[0] == pytest.approx(2 * np.exp(-3), rel=5e-3)
    assert found.quantile(0.95)[0] == pytest.approx(2 * np.exp(-3 + 1.6449 * 0.2), rel=0.02)


def test_much_data_is_believed_and_none_borrowed():
    """Truth: with thousands of counts each posterior is Gamma(n, exposure)."""
    found = pooled_rates([4000, 9000], [1000.0, 1000.0])
    for share in (0.05, 0.95):
        exact = gamma.ppf(share, [4000, 9000], scale=1 / 1000)
        np.testing.assert_allclose(found.quantile(share), exact, rtol=0.02)


def test_counts_that_vary_more_say_less():
    """`scale` 4: the same as a quarter of counts and exposure."""
    wide, quarter = pooled_rates([40, 80], [10, 10], scale=4.0), pooled_rates([10, 20], [2.5, 2.5])
    np.testing.assert_allclose(wide.quantile(0.05), quarter.quantile(0.05))


@pytest.mark.parametrize(("freedom", "wanted"), [(7, 1.0), (8, 2.0), (9, 16 / 9)])
def test_dispersion_needs_eight_degrees_of_freedom(freedom, wanted):
    assert dispersion(16.0, freedom) == pytest.approx(wanted)


def test_a_factor_in_doubt_widens_both_ends():
    """A rate known to 10 % times a factor known to a factor of e: nothing may be cut off."""
    found = bump(-3.0, 0.1).times([0.0], [1.0])
    spread = np.hypot(0.1, 1.0)
    for share, z in ((0.05, -1.6449), (0.95, 1.6449)):
        assert found.quantile(share)[0] == pytest.approx(np.exp(-3 + z * spread), rel=0.02)
