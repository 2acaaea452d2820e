"""Adstock and saturation against Robyn (run in R), Meridian's tests and pymc-marketing."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ecomops.maths import curves

X = [100.0, 0, 50, 0, 0, 200, 0, 0]
EVEN = [100.0] * 5


@pytest.fixture(scope="module")
def oracle(shared):
    return json.loads((shared / "oracles" / "mmm" / "transforms.json").read_text())


def test_geometric_equals_robyn(oracle):
    np.testing.assert_allclose(
        curves.geometric(X, 0.7), oracle["geometric_a0.7_infinite"], rtol=1e-12
    )
    np.testing.assert_allclose(curves.geometric(EVEN, 0.5), [100, 150, 175, 187.5, 193.75])


def test_lag_weights_equal_pymc_marketing(oracle):
    cases = {
        "geometric_a0.5_L4_norm": curves.geometric_weights(0.5, 4),
        "delayed_a0.5_th1_L4_norm": curves.delayed_weights(0.5, 1, 4),
        "binomial_a0.5_L4": curves.binomial_weights(0.5, 5)[:4],  # pymc: window + 1, cut
    }
    for name, weights in cases.items():
        np.testing.assert_allclose(curves.carried(X, weights), oracle[name], rtol=1e-12)


def test_lag_weights_equal_meridian(oracle):
    media = np.array(oracle["meridian_media"])
    for i, alpha in enumerate(oracle["meridian_alpha"]):
        geometric = curves.carried(media[:, i], curves.geometric_weights(alpha, 5))[-1]
        weights = curves.binomial_weights(alpha, 5)
        binomial = curves.carried(media[:, i], weights / weights.sum())[-1]
        assert geometric == pytest.approx(oracle["meridian_geometric_expected"][i], abs=1e-12)
        assert binomial == pytest.approx(oracle["meridian_binomial_expected"][i], abs=1e-12)


# Robyn 3.12 run in R: oracles/mmm/r_robyn_transforms_output.txt
ROBYN = [
    (EVEN, 0.5, 0.5, "cdf", [100, 156.1383914, 180.9502904, 190.0780779, 192.9547175]),
    (EVEN, 0.5, 0.5, "pdf", [100, 143.2349687, 163.6301615, 171.5209826, 171.5209826]),
    (
        X, 2, 0.3, "cdf",
        [100, 89.48393168, 107.3753421, 65.84917462, 32.25507037, 210.7754129, 180.7556256,
         114.8616059],
    ),
    (
        X, 2, 0.3, "pdf",
        [69.62600134, 100, 120.8047041, 102.4775127, 66.85122676, 173.5925985, 213.7863772,
         176.0343265],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("x", "shape", "scale", "kind", "expected"), ROBYN)
def test_weibull_equals_robyn(x, shape, scale, kind, expected):
    weights = curves.weibull_weights(shape, scale, len(x), kind)
    np.testing.assert_allclose(curves.carried(x, weights), expected, rtol=1e-8)


def test_saturation_equals_robyn_and_pymc_marketing(oracle):
    robyn = oracle["hill_robyn"]
    half = robyn["gamma"] * max(robyn["x"])
    np.testing.assert_allclose(curves.hill(robyn["x"], 3, half), robyn["y"], rtol=1e-12)
    np.testing.assert_allclose(
        curves.hill([0, 0.5, 1, 2], 2, 1), oracle["hill_slope2_kappa1"], rtol=1e-12
    )
    np.testing.assert_allclose(
        curves.logistic([0, 0.5, 1, 2], 0.5), oracle["logistic_lam0.5"], rtol=1e-12
    )
    np.testing.assert_allclose(
        curves.hyperbolic([0, 0.5, 1, 2], 0.5, 0.5), oracle["tanh_b0.5_c0.5"], rtol=1e-12
    )
    np.testing.assert_allclose(
        10 * curves.hill([0, 0.5, 1, 2], 1, 50), oracle["michaelis_alpha10_lam50"], rtol=1e-9
    )


def test_binomial_weights_by_hand():
    """Meridian: (1 - l / 4)^(1 / decay - 1); at a decay of a third the power is 2."""
    np.testing.assert_allclose(curves.binomial_weights(1 / 3, 4), [1, 9 / 16, 4 / 16, 1 / 16])
    np.testing.assert_allclose(curves.binomial_weights(1.0, 3), [1, 1, 1])
