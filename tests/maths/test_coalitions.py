"""Games on sets of channels: against brute force, the equal-split theorem and sampling."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecomops.base.errors import OptionError
from ecomops.maths import coalitions, shapley
from ecomops.maths.coalitions import game_values, prior_journeys, shares_by_rate

ALL = [s for s in itertools.product([False, True], repeat=3) if any(s)]
counts = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 60)), min_size=7, max_size=7)


def split(rows):
    won = np.array([c for c, _ in rows], float)
    return won, won + np.array([n for _, n in rows])


@given(counts)
def test_subset_sums_are_equal_shares(rows):
    """Zhao, Mahboobi and Bagheri (2018): each converting journey is split equally."""
    won, n = split(rows)
    has = np.array(ALL)
    equal = (has / has.sum(axis=1, keepdims=True)).T @ won
    values, errors = game_values(ALL, won, n, game="subset_sum", seed=1)
    np.testing.assert_allclose(values, equal, atol=1e-9)
    assert errors.tolist() == [0, 0, 0]


@given(counts, st.sampled_from(["set_rate", "set_conversions", "best"]))
def test_games_equal_all_orders(rows, game):
    """Brute force: add the channels in every order and average what each adds."""
    won, n = split(rows)
    own = dict(zip(ALL, won / np.where(n > 0, n, 1) if game == "set_rate" else won, strict=True))

    def worth(members):
        inside = tuple(c in members for c in range(3))
        if game != "best":
            return own.get(inside, 0.0)
        below = [
            v for s, v in own.items() if all(b or not a for a, b in zip(s, inside, strict=True))
        ]
        return max([0.0, *below])

    brute = np.zeros(3)
    for order in itertools.permutations(range(3)):
        for i, channel in enumerate(order):
            brute[channel] += worth(order[: i + 1]) - worth(order[:i])
    values, _ = game_values(ALL, won, n, game=game, seed=1)
    np.testing.assert_allclose(values, brute / 6, atol=1e-9)


@given(counts)
def test_shares_by_rate_add_up_and_are_not_negative(rows):
    won, n = split(rows)
    shares = shares_by_rate(ALL, won, n, seed=1)
    assert shares.min() >= -1e-12
    np.testing.assert_allclose(shares.sum(axis=1), won > 0, atol=1e-12)
    assert np.all(shares[~np.array(ALL)] == 0)


def test_equal_rates_share_equally():
    """Where sets convert alike, nothing speaks against an equal split."""
    shares = shares_by_rate(ALL, [10] * 7, [100] * 7, seed=1)
    has = np.array(ALL)
    np.testing.assert_allclose(shares, has / has.sum(axis=1, keepdims=True), atol=1e-6)


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


@pytest.mark.parametrize("game", ["set_rate", "set_conversions", "subset_sum", "best"])
def test_sampling_agrees_with_the_exact_game(game, monkeypatch):
    """Six channels, once exactly and once as if there were too many: within 4 standard errors."""
    random = np.random.default_rng(6)
    has = np.unique(random.random((40, 6)) < 0.4, axis=0)
    has = has[has.any(axis=1)]
    won, n = random.integers(0, 9, len(has)), random.integers(10, 99, len(has))
    exact, _ = game_values(has, won, n, game=game, seed=1)
    monkeypatch.setattr(shapley, "EXACT_LIMIT", 3)
    monkeypatch.setattr(coalitions, "CELLS", 200)
    values, errors = game_values(has, won, n, game=game, seed=1)
    assert np.all(np.abs(values - exact) <= 4 * errors + 1e-12)
    assert errors.max() > 0


def test_unknown_game():
    with pytest.raises(OptionError):
        game_values(ALL, [1] * 7, [2] * 7, game="rate", seed=1)
