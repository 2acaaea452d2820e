"""Games on sets of channels: against brute force, the equal-split theorem and sampling."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecomops.base.errors import OptionError
from ecomops.maths import coalitions, shapley
from ecomops.maths.coalitions import prior_journeys, rate_credit, set_game

ALL = [s for s in itertools.product([False, True], repeat=3) if any(s)]
counts = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 60)), min_size=7, max_size=7)


def split(rows):
    won = np.array([c for c, _ in rows], float)
    return won, won + np.array([n for _, n in rows])


def average_over_orders(worth, players=3):
    """Brute force: add the channels in every order and average what each adds."""
    values = np.zeros(players)
    orders = list(itertools.permutations(range(players)))
    for order in orders:
        for i, channel in enumerate(order):
            values[channel] += worth(order[: i + 1]) - worth(order[:i])
    return values / len(orders)


def inside(small, members):
    return all(c in members for c, there in enumerate(small) if there)


@given(counts)
def test_subset_sums_are_equal_shares(rows):
    """Zhao, Mahboobi and Bagheri (2018), against the game itself in every order."""
    won, n = split(rows)
    values = set_game(ALL, won, n, game="subset_sum")
    brute = average_over_orders(
        lambda members: sum(w for s, w in zip(ALL, won, strict=True) if inside(s, members))
    )
    np.testing.assert_allclose(values, brute, atol=1e-9)


@given(counts, st.sampled_from(["set_rate", "set_conversions"]))
def test_set_games_equal_all_orders(rows, game):
    won, n = split(rows)
    own = dict(zip(ALL, won / np.where(n > 0, n, 1) if game == "set_rate" else won, strict=True))
    brute = average_over_orders(lambda members: own.get(tuple(c in members for c in range(3)), 0.0))
    np.testing.assert_allclose(set_game(ALL, won, n, game=game), brute, atol=1e-9)


def test_set_games_equal_the_listed_game():
    """Second implementation: write the worth of all 64 coalitions down and use the exact game."""
    random = np.random.default_rng(6)
    has = np.unique(random.random((40, 6)) < 0.5, axis=0)
    won = random.integers(0, 9, len(has)) * has.any(axis=1)
    listed = np.zeros(64)
    listed[has @ (1 << np.arange(6))] = won
    ours = set_game(has, won, won + 1, game="set_conversions")
    np.testing.assert_allclose(ours, shapley.exact(listed), atol=1e-9)


def by_hand(rows):
    """Share each set by the game among its own channels, order by order."""
    won, n = split(rows)
    prior = prior_journeys(won, n)
    rate = (won + prior * won.sum() / max(n.sum(), 1)) / (n + prior)
    credit = np.zeros(3)
    for members, gain in zip(ALL, won, strict=True):

        def worth(joined, members=members):
            kept = [c for c in joined if members[c]]
            return max([0.0, *(r for s, r in zip(ALL, rate, strict=True) if inside(s, kept))])

        values = average_over_orders(worth)
        credit += gain * values / values.sum() if gain else 0
    return credit


@given(counts)
def test_rate_credit_equals_sharing_set_by_set(rows):
    won, n = split(rows)
    got = rate_credit(ALL, [won, 2 * won], won, n, seed=1)
    np.testing.assert_allclose(got[0], by_hand(rows), atol=1e-8)
    np.testing.assert_allclose(got[1], 2 * got[0], atol=1e-8)
    assert got.min() >= -1e-9
    assert got.sum(axis=1) == pytest.approx([won.sum(), 2 * won.sum()])


@pytest.mark.parametrize("bits", [62, 4])
def test_many_channels_give_the_same_credit(monkeypatch, bits):
    """Set by set (above 20 channels), with plain and with hashed keys (above 62)."""
    random = np.random.default_rng(6)
    has = np.unique(random.random((60, 8)) < 0.35, axis=0)
    has = has[has.any(axis=1)]
    won, lost = random.integers(0, 9, len(has)), random.integers(1, 99, len(has))
    expected = rate_credit(has, [won], won, won + lost, seed=1)
    monkeypatch.setattr(shapley, "EXACT_LIMIT", 7)
    monkeypatch.setattr(coalitions, "BITS", bits)
    got = rate_credit(has, [won], won, won + lost, seed=1)
    np.testing.assert_allclose(got, expected, atol=1e-9)


def test_a_journey_over_more_channels_than_can_be_listed():
    """25 channels alike in every way share alike, within the error of 500 sampled orders."""
    has = np.vstack([np.eye(25, dtype=bool), np.ones((1, 25), dtype=bool)])
    won, n = np.append(np.full(25, 10), 50), np.append(np.full(25, 100), 100)
    credit = rate_credit(has, [won], won, n, seed=1)[0]
    assert credit.sum() == pytest.approx(300)
    np.testing.assert_allclose(credit, 12, atol=1.2)


def test_equal_rates_share_equally():
    """Where sets convert alike, nothing speaks against an equal split."""
    has = np.array(ALL)
    equal = (has / has.sum(axis=1, keepdims=True)).sum(axis=0) * 10
    got = rate_credit(ALL, [[10] * 7], [10] * 7, [100] * 7, seed=1)[0]
    np.testing.assert_allclose(got, equal, atol=1e-6)


def test_the_prior_recovers_how_far_rates_differ():
    """Rates drawn from Beta(2, 38): the planted prior is 40 journeys."""
    random = np.random.default_rng(4)
    n = np.full(4000, 500)
    won = random.binomial(n, random.beta(2, 38, n.size))
    assert prior_journeys(won, n) == pytest.approx(40, rel=0.1)


def test_the_prior_of_noise_or_nothing_is_large():
    random = np.random.default_rng(4)
    noise = random.binomial(50, 0.1, 300)
    assert prior_journeys(noise, np.full(300, 50)) > 500
    assert prior_journeys([0, 0], [0, 0]) == prior_journeys([5], [9]) == 1e9


def test_unknown_game():
    with pytest.raises(OptionError):
        set_game(ALL, [1] * 7, [2] * 7, game="rate")


def test_the_prior_of_three_sets_by_hand():
    """Mean 0.05, noise 0.0475; (1000 (0.04² + 0 + 0.04²) - 2 x 0.0475) / 2000 between."""
    between = (3.2 - 2 * 0.0475) / (3000 - 3e6 / 3000)
    got = prior_journeys([10, 50, 90], [1000, 1000, 1000])
    assert got == pytest.approx(0.0475 / between - 1, rel=1e-9)
