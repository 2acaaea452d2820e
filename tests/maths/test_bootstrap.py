"""Bootstrap: weighted statistics against repetition, determinism, coverage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecomops.maths import bootstrap
from ecomops.maths.bootstrap import (
    interval,
    resample_weights,
    weighted_gini,
    weighted_hhi,
    weighted_top_share,
)
from ecomops.maths.concentration import gini, hhi, top_share

PAIRS = [(weighted_gini, gini), (weighted_hhi, hhi), (weighted_top_share, top_share)]
items = st.lists(st.tuples(st.integers(1, 1000), st.integers(0, 4)), min_size=2, max_size=15)


@pytest.mark.parametrize(("weighted", "plain"), PAIRS)
@given(items.filter(lambda rows: sum(w for _, w in rows) > 0))
def test_a_weight_is_a_repetition(weighted, plain, rows):
    """Second implementation: write each item as often as its weight says."""
    x, w = np.array(sorted(rows), float).T
    repeated = np.repeat(x, w.astype(int))
    assert weighted(x, w[None, :])[0] == pytest.approx(plain(repeated), abs=1e-9)


def test_weights_are_poisson_and_repeatable(monkeypatch):
    """Mean and variance 1; the same seed gives the same weights, whatever the block size."""
    whole = np.concatenate(list(resample_weights(200, 100, seed=3)))
    assert whole.shape == (100, 200)
    assert whole.mean() == pytest.approx(1, abs=0.02)
    assert whole.var() == pytest.approx(1, abs=0.04)
    monkeypatch.setattr(bootstrap, "CELLS", 1000)
    blocks = list(resample_weights(200, 100, seed=3))
    assert [len(b) for b in blocks] == [5] * 20
    np.testing.assert_array_equal(np.concatenate(blocks), whole)


def test_interval_repeats_and_moves_with_the_seed():
    x = np.arange(1, 60) ** 2
    assert interval(x, weighted_gini, seed=1) == interval(x[::-1], weighted_gini, seed=1)
    assert interval(x, weighted_gini, seed=1) != interval(x, weighted_gini, seed=2)


def test_interval_covers_the_truth_of_a_uniform_population():
    """The Gini coefficient of Uniform(0, 1) is 1/3; 90 % nominal over 200 samples of 100."""
    random = np.random.default_rng(5)
    hits = 0
    for seed in range(200):
        low, high = interval(random.random(100), weighted_gini, seed=seed, draws=100)
        hits += low <= 1 / 3 <= high
    assert 0.85 <= hits / 200 <= 0.96


def test_wider_level_is_wider():
    x = np.arange(1, 80)
    inner, outer = (interval(x, weighted_hhi, seed=1, level=q) for q in (0.5, 0.95))
    assert outer[0] < inner[0] < inner[1] < outer[1]


def test_nothing_to_spread_has_no_width():
    assert interval([4, 4, 4], weighted_gini, seed=1) == (0, 0)
    assert interval([7], weighted_hhi, seed=1) == (1, 1)
    assert np.isnan(interval([], weighted_gini, seed=1)).all()


def test_the_interval_is_the_textbook_one_corrected_for_bias():
    """Efron and Tibshirani (1993), 10.3, on the logit scale, over the same resamples."""
    x = np.sort(np.random.default_rng(3).lognormal(0, 1, 40))
    low, high = interval(x, weighted_gini, seed=7, draws=300, level=0.8)
    drawn = np.concatenate([weighted_gini(x, w) for w in resample_weights(40, 300, 7)])
    odds = np.log(drawn / (1 - drawn))
    whole = gini(x)
    estimate = np.log(whole / (1 - whole))
    unbiased = estimate - (odds.mean() - estimate)
    assert unbiased > estimate  # resamples look less concentrated than the sample
    ends = unbiased + np.array([-1, 1]) * 1.2815515655 * odds.std()
    assert (low, high) == pytest.approx(tuple(1 / (1 + np.exp(-ends))))
