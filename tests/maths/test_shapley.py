"""Shapley values against published games, brute force and the axioms."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecomops.base.errors import DataError
from ecomops.maths import shapley

games = st.integers(1, 4).flatmap(
    lambda n: st.lists(st.integers(-50, 50), min_size=2**n, max_size=2**n)
)


def brute(worth):
    n = len(worth).bit_length() - 1
    values = np.zeros(n)
    orders = list(itertools.permutations(range(n)))
    for order in orders:
        coalition = 0
        for player in order:
            values[player] += worth[coalition | 1 << player] - worth[coalition]
            coalition |= 1 << player
    return values / len(orders)


def test_three_channels_published():
    """Worths 7, 6, 4, 15, 7, 9, 19 of {1} {2} {3} {12} {13} {23} {123} (oracle: methods.md)."""
    worth = [0, 7, 6, 15, 4, 7, 9, 19]
    np.testing.assert_allclose(shapley.exact(worth), [23 / 3, 49 / 6, 19 / 6])


@given(games)
def test_equals_all_orders(worth):
    np.testing.assert_allclose(shapley.exact(worth), brute(worth), atol=1e-9)


@given(games)
def test_efficiency(worth):
    assert shapley.exact(worth).sum() == pytest.approx(worth[-1] - worth[0], abs=1e-9)


def test_sampling_agrees_with_the_exact_game():
    """Within 4 standard errors for each of 8 players, and adding up exactly."""
    worth = np.random.default_rng(3).random(256)
    worth[0] = 0
    values, errors = shapley.sampled(worth.__getitem__, 8, permutations=4000, seed=7)
    assert np.all(np.abs(values - shapley.exact(worth)) < 4 * errors)
    assert values.sum() == pytest.approx(worth[-1])
    again = shapley.sampled(worth.__getitem__, 8, permutations=4000, seed=7)
    np.testing.assert_array_equal(values, again[0])


@given(games)
def test_subset_maxima_equal_brute_force(worth):
    inside = [[worth[t] for t in range(len(worth)) if t & s == t] for s in range(len(worth))]
    np.testing.assert_allclose(shapley.subset_maxima(worth), [max(part) for part in inside])


@given(games)
def test_dividends_are_undone_by_sums_and_shared_equally_are_the_values(worth):
    """Harsanyi (1959): equal shares of the dividends are the Shapley values."""
    own = shapley.dividends(worth)
    inside = [sum(own[t] for t in range(len(worth)) if t & s == t) for s in range(len(worth))]
    np.testing.assert_allclose(inside, worth, atol=1e-9)
    n = len(worth).bit_length() - 1
    shares = own / np.maximum(shapley.sizes(n), 1)
    equal = [sum(shares[c] for c in range(2**n) if c >> i & 1) for i in range(n)]
    np.testing.assert_allclose(equal, shapley.exact(worth), atol=1e-9)


@given(games)
def test_superset_sums_equal_brute_force(worth):
    above = [sum(worth[t] for t in range(len(worth)) if t & s == s) for s in range(len(worth))]
    np.testing.assert_allclose(shapley.superset_sums(worth), above)


@given(games)
def test_the_monotone_closure_has_no_negative_value(worth):
    assert np.all(shapley.exact(shapley.subset_maxima(worth)) >= -1e-12)


@pytest.mark.parametrize("worth", [[], [1, 2, 3], [[0, 1], [2, 3]], np.zeros(2**21)])
def test_worth_must_name_every_coalition(worth):
    with pytest.raises(DataError) as error:
        shapley.exact(worth)
    assert error.value.code == "worth_length"


@pytest.mark.parametrize(("n", "permutations"), [(0, 10), (63, 10), (5, 1)])
def test_sampling_has_limits(n, permutations):
    with pytest.raises(DataError) as error:
        shapley.sampled(lambda c: c * 0.0, n, permutations=permutations, seed=1)
    assert error.value.code == "too_many_players"
