"""Decompositions: the published example, exact sums, Simpson's paradox."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecomops.base.errors import DataError
from ecomops.maths.decompose import mix_rate, product_chain

factor = st.floats(-1000, 1000).map(lambda x: round(x, 3))
segment = st.tuples(
    st.integers(0, 99), st.integers(0, 999), st.integers(0, 99), st.integers(0, 999)
)


def test_published_chain():
    """UV 10k to 13k, conversion 3 % to 2.5 %, value 120 to 130 (oracle: methods.md, section 5)."""
    parts = product_chain([10_000, 0.03, 120], [13_000, 0.025, 130])
    np.testing.assert_allclose(parts, [10_300, -7_200, 3_150], atol=1e-8)


@given(st.lists(st.tuples(factor, factor), min_size=1, max_size=5))
def test_chain_adds_up_and_equals_all_orders(pairs):
    """Brute force: change the factors one by one in every order and average."""
    before, after = (np.array(side) for side in zip(*pairs, strict=True))
    parts = product_chain(before, after)
    change = after.prod() - before.prod()
    brute = np.zeros(len(pairs))
    orders = list(itertools.permutations(range(len(pairs))))
    for order in orders:
        now = before.copy()
        for player in order:
            earlier, now[player] = now.prod(), after[player]
            brute[player] += now.prod() - earlier
    scale = max(1, np.abs(brute).max())
    np.testing.assert_allclose(parts / scale, brute / len(orders) / scale, atol=1e-9)
    assert parts.sum() / scale == pytest.approx(change / scale, abs=1e-9)


def test_a_factor_that_stays_moves_nothing():
    assert product_chain([5, 2, 0], [5, 3, 7])[0] == 0


@pytest.mark.parametrize(("before", "after"), [([1, 2], [1]), ([], []), (3, 4)])
def test_chain_refuses_what_does_not_match(before, after):
    with pytest.raises(DataError) as error:
        product_chain(before, after)
    assert error.value.code == "factors_differ"


@given(st.lists(segment, min_size=1, max_size=6))
def test_mix_and_rate_add_up(rows):
    a, m, b, n = (np.array(column) for column in zip(*rows, strict=True))
    if m.sum() == 0 or n.sum() == 0:
        return
    a, b = np.where(m > 0, a, 0), np.where(n > 0, b, 0)
    parts = mix_rate(a, m, b, n)
    assert parts.change == pytest.approx(b.sum() / n.sum() - a.sum() / m.sum())
    assert (parts.rate + parts.mix).sum() == pytest.approx(parts.change, abs=1e-9)


def test_equal_mix_leaves_the_rates():
    parts = mix_rate([10, 10], [100, 100], [20, 10], [200, 200])
    np.testing.assert_allclose(parts.mix, 0, atol=1e-15)
    np.testing.assert_allclose(parts.rate, [0, -0.025])


def test_simpson_is_flagged():
    """Berkeley-like: both segments rise from 10 to 11 % and 5 to 6 %, the total falls."""
    assert mix_rate([80, 10], [800, 200], [22, 48], [200, 800]).simpson
    assert not mix_rate([80, 10], [800, 200], [88, 12], [800, 200]).simpson
    assert not mix_rate([80, 10], [800, 200], [80, 10], [800, 200]).simpson


def test_new_and_lost_segments_are_mix():
    parts = mix_rate([10, 0], [100, 0], [0, 30], [0, 100])
    np.testing.assert_allclose(parts.rate, 0)
    assert parts.mix.sum() == pytest.approx(0.2)
    assert not parts.simpson


@pytest.mark.parametrize("bases", [([0, 0], [1, 1]), ([1, 1], [0, 0]), ([-1, 3], [1, 1])])
def test_mix_needs_a_base(bases):
    with pytest.raises(DataError) as error:
        mix_rate([0, 0], bases[0], [0, 0], bases[1])
    assert error.value.code == "no_base"


@given(st.lists(st.tuples(*[st.integers(0, 50)] * 4), min_size=1, max_size=6))
def test_money_without_a_base_is_part_of_the_sum(rows):
    """Buyers whom no visit explains: total numerator over total base, whatever holds them."""
    a, m, b, n = (np.array(column) for column in zip(*rows, strict=True))
    m[0] += 1
    n[-1] += 1
    parts = mix_rate(a, m, b, n)
    change = b.sum() / n.sum() - a.sum() / m.sum()
    assert parts.change == pytest.approx(change, abs=1e-12)
    assert parts.rate.sum() + parts.mix.sum() == pytest.approx(change, abs=1e-9)


def test_buyers_that_nobody_saw_come_are_mix_by_hand():
    """5 of 100 and 3 of none, then 5 of 100: the three are all that changed."""
    parts = mix_rate([5, 3], [100, 0], [5, 0], [100, 0])
    np.testing.assert_allclose(parts.rate, [0, 0], atol=1e-12)
    np.testing.assert_allclose(parts.mix, [0, -0.03], atol=1e-12)


def test_growth_of_a_better_segment_is_mix_by_hand():
    """10 % and 30 % stay; the better one grows from half to three quarters: 20 % becomes 25 %.

    Average total 22.5 %: 0.25 x (30 - 22.5) from the one that grew, -0.25 x (10 - 22.5) from the
    other.
    """
    parts = mix_rate([10, 30], [100, 100], [5, 45], [50, 150])
    np.testing.assert_allclose(parts.rate, 0, atol=1e-12)
    np.testing.assert_allclose(parts.mix, [0.25 * 0.125, 0.25 * 0.075])
    assert not parts.simpson
