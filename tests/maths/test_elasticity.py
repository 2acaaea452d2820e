"""Elasticities: robust errors by hand, and the three reasons for which there is no answer."""

from __future__ import annotations

import numpy as np
import pytest

from ecomops.base.errors import DataError
from ecomops.maths.elasticity import best_price, elasticity, own_spread, poisson_regression

NONE = np.zeros((120, 0))


def test_two_groups_have_the_errors_of_their_means():
    """By hand: a log mean has the sandwich variance sum (y - m)² / (n m)², each over 1 - 1/3."""
    y, flag = np.array([2.0, 4, 6, 5, 7, 12]), np.array([0, 0, 0, 1, 1, 1])
    fit = poisson_regression(y, np.c_[np.ones(6), flag])
    low, high = y[flag == 0], y[flag == 1]
    own = [np.sum((g - g.mean()) ** 2) / (g.size * g.mean()) ** 2 for g in (low, high)]
    np.testing.assert_allclose(fit.beta, [np.log(4), np.log(2)], atol=1e-6)
    np.testing.assert_allclose(fit.se, np.sqrt([own[0], sum(own)]) / (1 - 1 / 3), rtol=1e-6)


def test_clusters_add_up_before_they_are_squared():
    """By hand: one constant, residuals -2, -2, 2, 2; in pairs 4² + 4² instead of four times 2²."""
    y, one = np.array([2.0, 2, 6, 6]), np.ones((4, 1))
    pairs = poisson_regression(y, one, clusters=["a", "a", "b", "b"])
    assert pairs.beta[0] == pytest.approx(np.log(4))
    assert pairs.se[0] == pytest.approx(np.sqrt(32) / 16)
    alone = poisson_regression(y, one, clusters=[1, 2, 3, 4])
    assert alone.se[0] == pytest.approx(4 / 16)
    assert poisson_regression(y, one).se[0] == pytest.approx(4 / 16 / (1 - 1 / 4))


def test_a_whole_step_that_overshoots_still_ends_at_the_top():
    """At the maximum of the likelihood the score x'(y - mean) is 0; plain Newton overshoots."""
    y, x = np.array([1547.0, 0, 259]), np.c_[np.ones(3), [4.0, -3, 5]]
    fit = poisson_regression(y, x)
    np.testing.assert_allclose(x.T @ (y - np.exp(x @ fit.beta)), 0, atol=1e-3)


def test_exposure_divides_the_mean():
    """By hand: 3 of 10 and 9 of 20 are 12 of 30."""
    fit = poisson_regression([3, 9], np.ones((2, 1)), exposure=[10, 20])
    assert np.exp(fit.beta[0]) == pytest.approx(0.4)


def test_rows_with_rates_of_their_own_count_for_less():
    """By hand: weights 1 / (1 + 0.1 m) at equal means; the error is that of the spread."""
    y = np.array([10.0, 10, 10, 10])
    fit = poisson_regression(y, np.ones((4, 1)), spread=0.1)
    assert np.exp(fit.beta[0]) == pytest.approx(10)
    assert fit.se[0] == pytest.approx(np.sqrt((1 / 10 + 0.1) / 4))


def test_the_spread_of_planted_rates_is_found_and_its_intervals_cover():
    """Planted: rates vary by a quarter; 12 of 200 rows of unequal size halve their rate."""
    random = np.random.default_rng(5)
    flag = np.arange(200) < 12
    inside, found = [], []
    for _ in range(200):
        size = random.lognormal(5, 1, 200)
        rate = 0.1 * np.exp(random.normal(0, 0.25, 200)) * np.where(flag, 0.5, 1)
        y, x = random.poisson(size * rate), np.c_[np.ones(200), flag]
        fit = poisson_regression(y, x, exposure=size)
        found.append(own_spread(y, size * np.exp(x @ fit.beta)))
        fit = poisson_regression(y, x, exposure=size, spread=found[-1])
        inside.append(abs(fit.beta[1] - np.log(0.5)) < 1.645 * fit.se[1])
    assert np.mean(found) == pytest.approx(0.0625, rel=0.2)
    assert 0.84 <= np.mean(inside) <= 0.96


def test_no_sale_at_all_does_not_converge():
    with pytest.raises(DataError) as error:
        poisson_regression(np.zeros(20), np.c_[np.ones(20), np.arange(20) % 2], ridge=0.0)
    assert error.value.code == "no_convergence"


def test_a_price_that_follows_a_control_is_still():
    """Its own movement is nothing once the promotion that sets it is known."""
    promoted = np.tile([0.0, 1], 60)
    found = elasticity(np.full(120, 9), np.where(promoted, 8.0, 10), promoted[:, None])
    assert found.reason == "still"
    assert np.isnan([found.value, found.se]).all()


def test_no_sale_at_the_high_price_is_too_few():
    price = np.tile([8.0, 12], 60)
    assert elasticity(np.where(price > 9, 0, 5), price, NONE).reason == "few"


def test_a_price_set_by_yesterdays_demand_is_refused_one_set_by_lot_is_not():
    """Planted: elasticity -2; a shop that raises the price the day after good sales."""
    random = np.random.default_rng(3)
    shock = random.normal(0, 0.4, 121)
    chased = 10 * np.exp(0.5 * shock[:-1])
    drawn = random.choice([8.0, 10, 12], 120)
    kept = {}
    for name, price in (("chased", chased), ("drawn", drawn)):
        mean = 4000 * price**-2.0 * np.exp(shock[1:])
        kept[name] = elasticity(random.poisson(mean), price, NONE)
    assert kept["chased"].reason == "endogenous"
    assert kept["drawn"].reason == ""
    assert abs(kept["drawn"].value + 2) < 3 * kept["drawn"].se


def test_the_best_price_of_an_unknown_elasticity_is_unknown():
    assert np.isnan(best_price(np.nan, 10, 8, 20))
    assert best_price(-1.0, 10, 8, 20) == 20
    assert best_price(-1.5, 10, 8, 20) == 20
    assert best_price(-5.0, 10, 8, 20) == 12.5
    assert best_price(-5.0, 4, 8, 20) == 8
