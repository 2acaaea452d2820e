"""Budgets: the closed form, the S-curve on which gradient methods stick, and random problems."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from ecomops.base.errors import DataError
from ecomops.maths import allocation
from ecomops.maths.curves import hill


def test_concave_optimum_is_the_closed_form():
    """Shared oracle `mmm/transforms.json`: x*, its multiplier and value."""
    best = allocation.saturating([100, 80, 60], [50, 20, 100], 200)
    np.testing.assert_allclose(
        best.spend, [89.03865084559936, 58.652138287961606, 52.30921086643903], atol=1e-8
    )
    assert best.value == pytest.approx(144.3024898553309, abs=1e-9)
    assert best.marginal == pytest.approx(0.2586419193099165, abs=1e-10)


def test_s_curves_where_slsqp_sticks():
    """The global optimum 8.2237 at (100, 0); SLSQP from (20, 80) stops at 7.4013."""
    curves = [lambda x: 10 * hill(x, 3, 60), lambda x: 9 * hill(x, 3, 60)]
    best = allocation.bounded(curves, 100, [0, 0], [100, 100])
    np.testing.assert_allclose(best.spend, [100, 0])
    assert best.value == pytest.approx(8.223684210526315, abs=1e-12)
    stuck = minimize(
        lambda x: -sum(float(c(v)) for c, v in zip(curves, x, strict=True)),
        [20, 80],
        method="SLSQP",
        bounds=[(0, 100)] * 2,
        constraints={"type": "eq", "fun": lambda x: x.sum() - 100},
    )
    assert -stuck.fun == pytest.approx(7.401316, abs=1e-5)


@given(st.lists(st.tuples(st.floats(20, 200), st.floats(5, 200)), min_size=2, max_size=4))
def test_grid_meets_the_exact_concave_optimum(parameters):
    tops, halves = np.array(parameters).T
    exact = allocation.saturating(tops, halves, 150)
    curves = [lambda x, t=t, h=h: t * hill(x, 1, h) for t, h in parameters]
    k = len(parameters)
    grid = allocation.bounded(curves, 150, np.zeros(k), np.full(k, 150))
    assert grid.spend.sum() == pytest.approx(150)
    assert exact.spend.sum() == pytest.approx(150)
    assert grid.value <= exact.value + 1e-9
    assert grid.value == pytest.approx(exact.value, rel=1e-3)
    assert np.all(exact.spend >= 0)


def test_grid_is_the_best_of_all_splits_within_bounds():
    curves = [
        lambda x: 5 * hill(x, 2, 3), lambda x: 4 * hill(x, 3, 2), lambda x: 3 * hill(x, 1, 4)
    ]  # fmt: skip
    low, high = np.array([1, 0, 2]), np.array([8, 5, 6])
    best = allocation.bounded(curves, 13, low, high, steps=10)
    worth = {
        split: sum(float(c(np.array(v))) for c, v in zip(curves, split, strict=True))
        for split in itertools.product(*(range(a, b + 1) for a, b in zip(low, high, strict=True)))
        if sum(split) == 13
    }
    assert tuple(best.spend) == max(worth, key=worth.__getitem__)
    assert best.value == pytest.approx(max(worth.values()))


def test_bounds_that_miss_the_budget_are_refused():
    with pytest.raises(DataError, match="bounds"):
        allocation.bounded([lambda x: x], 10, [0], [5])
    fixed = allocation.bounded([lambda x: x, lambda x: x], 10, [5, 5], [5, 5])
    assert list(fixed.spend) == [5, 5]
