"""Chances and sums of values known by quantiles, against the normal distribution."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from ecomops.base.errors import DataError
from ecomops.maths.portfolio import chance_above_zero, together


@given(st.floats(-50, 50), st.floats(0.1, 30))
def test_a_normal_has_its_own_chance(mean, sd):
    """Truth: the normal distribution function."""
    low, high = norm.ppf([0.05, 0.95], mean, sd)
    assert chance_above_zero([low], [mean], [high])[0] == pytest.approx(norm.sf(0, mean, sd))


def test_chances_at_the_quantiles_are_exact():
    """Truth: 95 %, 50 % and 5 % by definition, also when the value is skewed."""
    chance = chance_above_zero([0, -1, -30], [10, 0, -9], [90, 4, 0])
    assert chance == pytest.approx([0.95, 0.5, 0.05])


def test_values_without_spread_are_sure():
    assert list(chance_above_zero([5, 0, -5], [5, 0, -5], [5, 0, -5])) == [1, 0, 0]


def test_independent_groups_add_variances():
    """Truth: n normals of sd 1 have a sum of sd √n."""
    n = 9
    z = norm.ppf(0.95)
    low, mid, high = together([-z] * n, [0.0] * n, [z] * n, [str(i) for i in range(n)], seed=3)
    assert (mid, high) == (pytest.approx(0, abs=0.1), pytest.approx(z * 3, rel=0.03))
    assert low == pytest.approx(-z * 3, rel=0.03)


def test_the_median_of_a_skewed_sum_is_above_the_sum_of_medians():
    """Truth: lots drawn from the same two half-normals, a million of them."""
    z = np.random.default_rng(5).standard_normal((1_000_000, 6))
    drawn = (10 + z * np.where(z < 0, 5, 40) / norm.ppf(0.95)).sum(axis=1)
    found = together([5] * 6, [10] * 6, [50] * 6, list("abcdef"), seed=1)
    assert found == pytest.approx(np.quantile(drawn, [0.05, 0.5, 0.95]), rel=0.03)
    assert found[1] > 60


def test_nothing_sums_to_nothing_and_crossed_quantiles_are_refused():
    assert together([], [], [], [], seed=1) == (0, 0, 0)
    with pytest.raises(DataError, match="1 of 2"):
        together([0, 2], [1, 1], [2, 3], ["a", "b"], seed=1)
