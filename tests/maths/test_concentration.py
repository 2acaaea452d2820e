"""Concentration against closed forms, brute force and the rule of the crossing item."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecomops.base.errors import DataError, OptionError
from ecomops.maths.concentration import abc_classes, gini, hhi, lorenz, top_share

sizes = st.lists(st.integers(0, 10_000), min_size=1, max_size=40)


@pytest.mark.parametrize("n", [1, 2, 5, 100])
def test_gini_of_one_to_n(n):
    """Closed form (n - 1) / (3 n)."""
    assert gini(np.arange(1, n + 1)) == pytest.approx((n - 1) / (3 * n), abs=1e-12)


@given(sizes.filter(any))
def test_gini_equals_mean_difference(values):
    """Half the mean absolute difference of all pairs over the mean: the other definition."""
    x = np.array(values, float)
    brute = np.abs(x[:, None] - x).mean() / (2 * x.mean())
    assert gini(x) == pytest.approx(brute, abs=1e-9)


@given(sizes.filter(any), st.integers(1, 1000))
def test_scale_and_order_do_not_matter(values, factor):
    other = [v * factor for v in reversed(values)]
    for measure in (gini, hhi, top_share):
        assert measure(values) == pytest.approx(measure(other), abs=1e-9)


def test_hhi_closed_forms():
    """1 / n for n equal items, 1 for one that has all."""
    assert hhi([3] * 8) == pytest.approx(1 / 8)
    assert hhi([9, 0, 0]) == 1


def test_lorenz_by_hand():
    items, shares = lorenz([30, 10, 60])
    np.testing.assert_allclose(items, [0, 1 / 3, 2 / 3, 1])
    np.testing.assert_allclose(shares, [0, 0.1, 0.4, 1])


def test_a_total_of_nothing_has_no_concentration():
    assert np.isnan([gini([0, 0]), hhi([0, 0]), top_share([0, 0])]).all()


def test_top_share_cuts_an_item():
    """A fifth of three items is 0.6 of the largest."""
    assert top_share([50, 30, 20], 0.2) == pytest.approx(0.6 * 0.5)


@pytest.mark.parametrize("values", [[1, -1], [1, float("nan")]])
def test_negative_or_missing_sizes_are_refused(values):
    with pytest.raises(DataError) as error:
        gini(values)
    assert error.value.values == {"count": 1, "n": 2}


def test_the_item_that_crosses_the_line_stays_in_the_better_class():
    """Mistake 24 of conventions.md: a product with 85 % of revenue was ranked B."""
    assert abc_classes([85, 10, 5]).tolist() == ["A", "B", "C"]
    assert abc_classes([5, 85, 10]).tolist() == ["C", "A", "B"]


def test_a_cut_reached_exactly_closes_the_class():
    assert abc_classes([80, 15, 5]).tolist() == ["A", "B", "C"]
    assert abc_classes([0.2, 0.6, 0.15, 0.05]).tolist() == ["A", "A", "B", "C"]


def test_equal_items_share_a_class():
    assert abc_classes([10] * 10).tolist() == ["A"] * 10


def test_nothing_sold_is_the_last_class():
    assert abc_classes([100, 0, -5]).tolist() == ["A", "C", "C"]
    assert abc_classes([0, 0]).tolist() == ["C", "C"]
    assert abc_classes([]).tolist() == []


@given(sizes)
def test_classes_fall_with_size(values):
    letters = abc_classes(values)
    order = np.argsort(values)[::-1]
    assert list(letters[order]) == sorted(letters)


@given(sizes.filter(any))
def test_class_a_is_the_shortest_that_reaches_the_cut(values):
    """Brute force: the largest items until the sum reaches 80 %, with all that equal the last."""
    x = sorted(values, reverse=True)
    reached = np.cumsum(x) / sum(x)
    last = x[int(np.flatnonzero(reached >= 0.8 - 1e-12)[0])]
    assert np.sum(abc_classes(values) == "A") == sum(v >= last for v in values)


@pytest.mark.parametrize("cuts", [(0.95, 0.8), (0.8, 1.0), (0.0, 0.8)])
def test_cuts_must_rise(cuts):
    with pytest.raises(OptionError) as error:
        abc_classes([1], cuts)
    assert error.value.code == "cuts_not_rising"


def test_no_items_have_no_concentration():
    assert np.isnan([gini([]), hhi([]), top_share([])]).all()
    items, shares = lorenz([])
    assert items.tolist() == [0]
    assert np.isnan(shares).all()


def test_a_cut_that_floats_miss_by_a_hair_is_reached():
    """9.9 + 3.3 of 16.5 are four fifths; as floats they are a hair less."""
    assert (9.9 + 3.3) / (9.9 + 3.3 + 2.2 + 1.1) < 0.8
    assert abc_classes([9.9, 3.3, 2.2, 1.1]).tolist() == ["A", "A", "B", "B"]
