"""Budgets at their edges: bounds off the grid, no money, more money than the curves can use."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from ecomops.base.errors import DataError
from ecomops.maths.allocation import bounded, saturating


def roots(*tops):
    return [lambda x, top=top: top * np.sqrt(x) for top in tops]


def test_bounds_off_the_grid_are_reached_exactly():
    """Upper bounds that leave one split only; 33.3 and 66.7 lie between the steps of the grid."""
    best = bounded(roots(1, 2), 100, [0, 0], [33.3, 66.7])
    np.testing.assert_allclose(best.spend, [33.3, 66.7])
    assert best.value == pytest.approx(np.sqrt(33.3) + 2 * np.sqrt(66.7))


@given(
    st.lists(
        st.tuples(st.floats(0.5, 5), st.floats(0, 20), st.floats(1, 60)), min_size=1, max_size=4
    ),
    st.floats(0, 1),
)
def test_within_any_bounds_the_whole_budget_is_spent_and_well(parameters, part):
    """A second route: SLSQP, which is right where all curves bend one way."""
    top, low, room = np.array(parameters).T
    high = low + room
    budget = low.sum() + part * room.sum()
    best = bounded(roots(*top), budget, low, high)
    assert best.spend.sum() == pytest.approx(budget, abs=1e-6)
    assert np.all(best.spend >= low - 1e-9)
    assert np.all(best.spend <= high + 1e-9)
    other = minimize(
        lambda x: -float(np.sum(top * np.sqrt(np.maximum(x, 0)))),
        low + part * room,
        method="SLSQP",
        bounds=list(zip(low, high, strict=True)),
        constraints={"type": "eq", "fun": lambda x: x.sum() - budget},
    )
    assert best.value >= -other.fun * (1 - 2e-3) - 1e-6


def test_lower_bounds_that_take_everything_leave_no_choice():
    best = bounded(roots(1, 2), 30, [10, 20], [50, 50])
    np.testing.assert_allclose(best.spend, [10, 20])
    assert np.isnan(best.marginal)


@pytest.mark.parametrize(
    ("low", "high"), [([60, 50], [80, 80]), ([0, 0], [40, 50]), ([60, 0], [50, 100])]
)
def test_bounds_that_do_not_admit_the_budget_are_refused(low, high):
    with pytest.raises(DataError) as error:
        bounded(roots(1, 2), 100, low, high)
    assert error.value.code == "bounds_miss_budget"


def test_one_more_unit_is_worth_the_slope():
    """The derivative of sqrt at 100 is 1 / 20."""
    assert bounded(roots(1), 100, [0], [200]).marginal == pytest.approx(0.05, rel=2e-3)


@pytest.mark.parametrize("budget", [1e-6, 1.0, 1e4, 1e8, 1e12])
def test_slopes_are_equal_whatever_the_budget(budget):
    """Karush-Kuhn-Tucker: of two curves that both get money, the last unit earns the same."""
    top, half = np.array([100.0, 100]), np.array([1.0, 4])
    best = saturating(top, half, budget)
    assert best.spend.sum() == pytest.approx(budget, rel=1e-6)
    slope = top * half / (half + best.spend) ** 2
    got = best.spend > 0
    np.testing.assert_allclose(slope[got], best.marginal, rtol=1e-6)
    assert np.all(slope[~got] <= best.marginal)


def test_no_budget_buys_nothing():
    best = saturating([100, 80], [50, 20], 0)
    np.testing.assert_allclose(best.spend, 0, atol=1e-12)
    assert best.marginal == pytest.approx(4)
