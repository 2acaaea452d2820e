"""Numbers of a shop: uniform ones from halves of words, sorted moments, counts of lines."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import poisson

from ecomops.sim import baskets, streams


def test_numbers_are_those_of_the_generator_by_halves_or_one_by_one():
    """Truth: numpy's own generator, asked for all of them: words in halves, and whole numbers."""
    drawn = streams.uniforms(streams.stream(7, "extra", 3), np.empty((3, 1001)))
    words = streams.stream(7, "extra", 3).bit_generator.random_raw(3 * 501).reshape(3, 501)
    halves = np.stack([words % 2**32, words // 2**32], axis=-1).reshape(3, 1002)[:, :1001]
    middles = ((halves + 2**31) % 2**32 + 0.5) / 2**32
    np.testing.assert_array_equal(drawn, middles)
    whole = streams.stream(7, "extra", 3).random(3003)
    place = np.array([0, 3, 4, 1000, 2001, 3002])
    single = streams.ahead(streams.stream(7, "extra", 3), place)
    np.testing.assert_array_equal(single, whole[place])


@pytest.mark.parametrize("word", [0, 2**64 - 1, 2**63, 2**31])
def test_no_uniform_number_is_0_or_1(word):
    """Truth: the words of which they are made, at their ends: logarithms stay finite."""

    class Ends:
        bit_generator = SimpleNamespace(random_raw=lambda count: np.full(count, word, np.uint64))

    drawn = streams.uniforms(Ends(), np.empty((1, 2)))
    assert 0 < drawn.min() <= drawn.max() < 1


@pytest.mark.parametrize("most", [1, 10**5, 2**32])
def test_moments_are_sorted_with_ties_in_their_order(most):
    """Truth: numpy's stable sort of the numbers themselves."""
    moments = np.floor(np.random.default_rng(5).random(50_000) * most)
    np.testing.assert_array_equal(streams.ascending(moments), np.argsort(moments, kind="stable"))


def test_lines_of_an_order_are_one_and_a_poisson_number():
    """Truth: scipy's Poisson distribution; the last number takes all that would be more."""
    for more in (0.0, 0.3, 2.0, 9.0):
        count = baskets._counts((np.arange(100_000) + 0.5) / 100_000, np.full(100_000, more))
        share = np.bincount(count, minlength=7)[1:] / 100_000
        expected = poisson.pmf(np.arange(6), more)
        expected[5] = poisson.sf(4, more)
        np.testing.assert_allclose(share, expected, atol=1e-5)
