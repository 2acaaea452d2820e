"""The absorbing chain against deleting states by hand, simulation-free brute force and its laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecomops.base.errors import DataError, OptionError
from ecomops.maths import markov

PATHS = ([0, 1, 2, 0, 1, 2], [3, 1, 2], [1, 0, 0], [0, 1, 1], [9, 0, 0])  # classic: 0>1>2, 0, 1>2
path = st.tuples(
    st.lists(st.integers(0, 3), min_size=1, max_size=6), st.integers(0, 4), st.integers(0, 4)
)
journeys = st.lists(path, min_size=1, max_size=12).filter(lambda rows: any(c for _, c, _ in rows))


def flat(rows):
    paths, conversions, nulls = zip(*rows, strict=True)
    value = [7 * c for c in conversions]
    return [t for p in paths for t in p], [len(p) for p in paths], conversions, nulls, value


def walk(rows, order, without):
    """Push probability through the chain for many steps, step by step: a second implementation."""
    counts = {}
    for touches, won, lost in rows:
        if won + lost == 0:
            continue
        state = (-1,) * order
        for touch in touches:
            nexts = (*state[1:], touch)
            counts.setdefault(state, {}).setdefault(nexts, 0)
            counts[state][nexts] += won + lost
            state = nexts
        counts.setdefault(state, {}).setdefault("won", 0)
        counts[state]["won"] += won
        counts[state].setdefault("lost", 0)
        counts[state]["lost"] += lost
    mass, won = {(-1,) * order: 1.0}, 0.0
    for _ in range(600):
        following = {}
        for state, share in mass.items():
            total = sum(counts[state].values())
            for target, n in counts[state].items():
                if target == "won":
                    won += share * n / total
                elif target != "lost" and without not in target:
                    following[target] = following.get(target, 0) + share * n / total
        mass = following
    return won


@pytest.mark.parametrize("order", [1, 2])
@given(journeys)
def test_removal_equals_walking_the_chain(order, rows):
    steps = markov.transitions(*flat(rows), order=order)
    effects = markov.removal_effects(steps, 4)
    whole = walk(rows, order, None)
    assert effects.rate == pytest.approx(whole, abs=1e-6)
    for channel in range(4):
        expected = 1 - walk(rows, order, channel) / whole
        assert effects.conversion[channel] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("order", [1, 2, 3])
@given(journeys)
def test_one_inverse_and_sparse_solves_agree(order, rows):
    steps = markov.transitions(*flat(rows), order=order)
    dense = markov.removal_effects(steps, 4)
    thin = markov.removal_effects(steps, 4, dense_limit=0)
    np.testing.assert_allclose(dense.conversion, thin.conversion, atol=1e-9)
    np.testing.assert_allclose(dense.value, thin.value, atol=1e-9)


@given(journeys)
def test_the_fitted_chain_converts_as_the_journeys_did(rows):
    """Visits flow in as they flow out: P(conversion) is the observed rate, at any order."""
    _, won, lost = zip(*rows, strict=True)
    for order in (1, 2, 3):
        rate = markov.removal_effects(markov.transitions(*flat(rows), order=order), 4).rate
        assert rate == pytest.approx(sum(won) / (sum(won) + sum(lost)))


@given(journeys)
def test_effects_are_shares(rows):
    effects = markov.removal_effects(markov.transitions(*flat(rows)), 4).conversion
    assert np.all((effects >= -1e-12) & (effects <= 1 + 1e-12))


def test_value_follows_the_last_state():
    """0 converts at 10, 1 at 30: without either, that money is lost and nothing else."""
    steps = markov.transitions([0, 1], [1, 1], [1, 1], [0, 0], [10, 30])
    effects = markov.removal_effects(steps, 2)
    np.testing.assert_allclose(effects.conversion, [0.5, 0.5])
    np.testing.assert_allclose(effects.value, [0.25, 0.75])
    assert effects.mean_value == 20


def test_without_value_nothing_of_it_is_lost():
    steps = markov.transitions([0], [1], [1], [0], [0])
    assert markov.removal_effects(steps, 1).value.tolist() == [0]


def test_paths_that_nobody_took_do_not_count():
    steps = markov.transitions([0, 1], [1, 1], [1, 0], [1, 0], [5, 0])
    assert markov.removal_effects(steps, 2).conversion.tolist() == [1, 0]


@given(journeys)
def test_refitted_journeys_equal_the_refitted_chain(rows):
    """Cut the channel out of each path, fit the chain again and compare (both strategies)."""
    members = [[c in p for c in range(4)] for p, _, _ in rows]
    _, won, lost = zip(*rows, strict=True)
    value = [7 * c for c in won]
    fail = markov.refit_effects(members, won, lost, value, strategy="fail")
    detour = markov.refit_effects(members, won, lost, value, strategy="detour")
    whole = sum(won) / (sum(won) + sum(lost))
    for channel in range(4):
        failed = sum(w for p, w, _ in rows if channel not in p) / (sum(won) + sum(lost))
        assert fail.conversion[channel] == pytest.approx(1 - failed / whole)
        cut = [([t for t in p if t != channel], w, n) for p, w, n in rows]
        cut = [row for row in cut if row[0]]
        if sum(w for _, w, _ in cut):
            rate = markov.removal_effects(markov.transitions(*flat(cut)), 4).rate
            assert detour.conversion[channel] == pytest.approx(1 - rate / whole)
        else:
            assert detour.conversion[channel] == 1


def test_classic_strategies():
    """Values of the classic example in references.md: fail 1/3 each; detour all on the first."""
    members = [[True, True, True], [True, False, False], [False, True, True]]
    fail = markov.refit_effects(members, *PATHS[2:], strategy="fail")
    detour = markov.refit_effects(members, *PATHS[2:], strategy="detour")
    np.testing.assert_allclose(markov.credit(fail.conversion, 1), [1 / 3] * 3)
    np.testing.assert_allclose(detour.conversion, [-0.5, 0, 0], atol=1e-12)


def test_credit_adds_up_or_is_missing():
    assert markov.credit([1, 3], 8).tolist() == [2, 6]
    assert markov.credit([0, 0], 0).tolist() == [0, 0]
    assert np.isnan(markov.credit([0, 0], 5)).all()
    assert np.isnan(markov.credit([0.1, 0.2, -0.3], 5)).all()  # 5.6e-17 as floats, not 0


def test_refusals():
    with pytest.raises(OptionError):
        markov.refit_effects([[True]], [1], [0], [1], strategy="detours")
    with pytest.raises(DataError) as error:
        markov.transitions([0, 1], [1], [1], [0], [0])
    assert error.value.code == "path_lengths"
    with pytest.raises(DataError) as error:
        markov.removal_effects(markov.transitions([], [], [], [], []), 1)
    assert error.value.code == "no_paths"
    steps = markov.Transitions(
        state=np.array([[-1]]), target=np.array([0]), count=np.ones(1), value=np.zeros(1)
    )
    with pytest.raises(DataError) as error:
        markov.removal_effects(steps, 1)
    assert error.value.code == "dangling_states"
