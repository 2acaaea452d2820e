"""Demand behind empty shelves: planted truth, substitution, and where plain means fail."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import poisson

from ecomops.base.errors import DataError
from ecomops.maths.latent import latent_demand

DAYS, PRODUCTS = 240, 24
GROUPS = np.repeat(["a", "b", "c", "d"], 6)


def shop(seed: int, switch: float = 0.0, level: float = 6.0):
    """Return (sold, empty, demand): a season, levels that fade, spells without stock for a third.

    Spells lie where demand is strong; a share `switch` of the lost demand goes to the group.
    """
    random = np.random.default_rng(seed)
    day = 1 + 0.6 * np.sin(np.arange(DAYS) / DAYS * 4 * np.pi)
    fade = np.exp(-np.arange(DAYS)[None, :] / DAYS * random.uniform(0, 1.5, (PRODUCTS, 1)))
    demand = random.poisson(level * day * fade)
    empty = np.zeros_like(demand, dtype=bool)
    for product in np.flatnonzero(np.arange(PRODUCTS) % 6 < 2):
        for first in random.integers(0, 50, 2) + np.array([0, DAYS // 2]):
            empty[product, first : first + 20] = True
    sold = np.where(empty, 0, demand)
    for name in np.unique(GROUPS):
        mine = np.flatnonzero(name == GROUPS)
        for at in range(DAYS):
            moved = random.binomial(int(demand[mine[empty[mine, at]], at].sum()), switch)
            there = mine[~empty[mine, at]]
            sold[:, at] += np.bincount(random.choice(there, moved), minlength=PRODUCTS)
    return sold, empty, demand


def found(sold, empty):
    return latent_demand(sold, empty, GROUPS)


@pytest.mark.parametrize("switch", [0.0, 0.5])
def test_planted_demand_within_three_per_cent_where_naive_sums_fail(switch):
    """Naive catalogue 23, 20 shops: the sum as sold and the mean of days with stock are worse."""
    ours, plain, dropped = [], [], []
    for seed in range(20):
        sold, empty, demand = shop(seed, switch)
        out = empty.any(axis=1)
        whole = demand[out].sum()
        ours.append(found(sold, empty).demand[out].sum() / whole - 1)
        plain.append(sold[out].sum() / whole - 1)
        means = [s[~e].mean() * DAYS for s, e in zip(sold[out], empty[out], strict=True)]
        dropped.append(sum(means) / whole - 1)
    assert abs(np.mean(ours)) < 0.03
    assert np.mean(plain) < -0.2
    assert np.sqrt(np.mean(np.square(ours))) < 0.5 * np.sqrt(np.mean(np.square(dropped)))


@pytest.mark.parametrize("switch", [0.0, 0.25, 0.5])
def test_the_share_that_switched_is_found_in_full(switch):
    """Planted truth of ten shops, with an error of its own that covers it."""
    got = [found(*shop(seed, switch)[:2]) for seed in range(10)]
    shares = np.array([each.substitution for each in got])
    errors = np.array([each.substitution_error for each in got])
    assert abs(shares.mean() - switch) < 0.05
    assert np.mean(np.abs(shares - switch) < 2 * errors) >= 0.8
    assert errors.mean() < 0.2


def test_a_day_that_ran_empty_counts_at_least_what_was_sold():
    """Truth: E(D | D >= 9) of a Poisson count of 6, by summing its chances."""
    pieces = np.arange(9, 60)
    truth = (pieces * poisson.pmf(pieces, 6)).sum() / poisson.sf(8, 6)
    random = np.random.default_rng(2)
    demand = random.poisson(6, (40, 400))
    empty = demand >= 9
    empty[20:] = False
    got = latent_demand(np.where(empty, 9, demand), empty, ["a"] * 20 + ["b"] * 20)
    assert got.demand[empty].mean() == pytest.approx(truth, abs=0.05)
    assert got.demand[:20].mean() == pytest.approx(6, rel=0.01)


@settings(max_examples=15)
@given(st.integers(0, 1000))
def test_what_was_always_there_stays_and_order_does_not_matter(seed):
    sold, empty, _ = shop(seed)
    got = found(sold, empty)
    assert (got.demand[empty] >= sold[empty]).all()
    assert (got.demand[~empty] <= sold[~empty] + 1e-9).all()
    order = np.random.default_rng(seed).permutation(PRODUCTS)
    moved = latent_demand(sold[order], empty[order], GROUPS[order])
    np.testing.assert_allclose(moved.demand, got.demand[order], rtol=1e-6)


def test_without_empty_days_demand_is_what_was_sold():
    sold, empty, _ = shop(1)
    got = found(sold, empty & False)
    np.testing.assert_array_equal(got.demand, sold)
    assert got.substitution == 0


def test_where_everything_ran_out_once_the_season_is_flat():
    sold = np.full((2, 60), 4.0)
    empty = np.zeros((2, 60), dtype=bool)
    empty[0, :10], empty[1, 50:] = True, True
    got = latent_demand(np.where(empty, 0, sold), empty, ["a", "b"])
    assert got.demand == pytest.approx(4.0, rel=0.01)


def test_shapes_that_differ_are_refused():
    with pytest.raises(DataError, match="differ in size"):
        latent_demand(np.ones((2, 3)), np.zeros((2, 3)), ["a"])


def test_a_group_that_sold_nothing_wants_nothing():
    sold, empty = np.zeros((3, 60)), np.zeros((3, 60), dtype=bool)
    empty[0, 20:40] = True
    got = latent_demand(sold, empty, ["a"] * 3)
    assert got.demand == pytest.approx(sold, abs=1e-3)
