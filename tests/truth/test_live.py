"""Crossed effects against a generalised linear model and against the winner's curse."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import PoissonRegressor

from ecomops.maths.crossed import crossed_poisson


def test_with_much_data_it_is_the_generalised_linear_model():
    """Second implementation: scikit-learn's Poisson regression with the same one-hot columns."""
    random = np.random.default_rng(4)
    host, slot = random.integers(0, 3, 4000), random.integers(0, 5, 4000)
    exposure = random.uniform(50, 150, 4000)
    mean = exposure * np.exp(np.array([0.4, 0.0, -0.4])[host] + 0.1 * slot)
    counts = random.poisson(mean)
    found = crossed_poisson(counts, exposure, [host, slot])
    design = np.c_[np.eye(3)[host][:, 1:], np.eye(5)[slot][:, 1:]]
    theirs = PoissonRegressor(alpha=0, tol=1e-10, max_iter=1000)
    theirs.fit(design, counts / exposure, sample_weight=exposure)
    for ours, coef in zip(found.effects, (theirs.coef_[:2], theirs.coef_[2:]), strict=True):
        np.testing.assert_allclose(ours[1:] - ours[0], coef, atol=2e-3)


def test_the_best_of_many_equal_products_is_no_find():
    """Naive catalogue 22: the raw best of 40 equal products looks half as good again."""
    raw, ours, told = [], [], []
    for seed in range(20):
        random = np.random.default_rng(seed)
        product = np.repeat(np.arange(40), 10)
        exposure = random.uniform(50, 150, 400)
        counts = random.poisson(0.02 * exposure)
        rate = np.bincount(product, counts) / np.bincount(product, exposure)
        raw.append(rate.max() / (counts.sum() / exposure.sum()))
        found = crossed_poisson(counts, exposure, [product])
        ours.append(np.exp(found.effects[0].max()))
        told.append((found.effects[0] - 1.645 * found.errors[0]).max() > 0)
    assert np.mean(raw) > 1.4
    assert np.mean(ours) < 1.15
    assert np.mean(told) <= 0.1


def test_overdispersed_counts_widen_the_errors():
    random = np.random.default_rng(2)
    kind = np.repeat(np.arange(5), 200)
    plain = crossed_poisson(random.poisson(10, 1000), np.ones(1000), [kind])
    wild = crossed_poisson(random.negative_binomial(5, 1 / 3, 1000), np.ones(1000), [kind])
    assert wild.scale == pytest.approx(3, rel=0.2)
    assert np.mean(wild.errors[0]) > 1.3 * np.mean(plain.errors[0])


def test_rows_left_out_get_an_expectation():
    kind = np.array([0, 1] * 50)
    counts = np.where(kind, 30.0, 10.0)
    known = np.arange(100) < 98
    counts[98:] = 500.0
    found = crossed_poisson(counts, np.full(100, 2.0), [kind], known)
    assert np.exp(found.log_mean[98:]) == pytest.approx([10, 30], rel=0.03)
