"""Intervals of shares against published values and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from ecomops.base.errors import DataError, OptionError
from ecomops.maths.proportions import newcombe, wilson


def test_wilson_published():
    """R's prop.test without correction, 8 of 10 (oracle: references.md, section 4)."""
    low, high = wilson(8, 10, level=0.95)
    assert (float(low), float(high)) == pytest.approx((0.49016, 0.94332), abs=5e-6)


@pytest.mark.parametrize(("k", "n"), [(0, 7), (1, 7), (3, 7), (7, 7), (120, 4000)])
@pytest.mark.parametrize("level", [0.8, 0.9, 0.95])
def test_wilson_equals_scipy(k, n, level):
    """Scipy's binomtest is a second implementation."""
    theirs = binomtest(k, n).proportion_ci(confidence_level=level, method="wilson")
    low, high = wilson(k, n, level)
    assert (float(low), float(high)) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_wilson_without_trials_is_missing():
    low, high = wilson([0, 1], [0, 2])
    assert np.isnan([low[0], high[0]]).all()
    assert np.isfinite([low[1], high[1]]).all()


@given(st.integers(0, 500), st.integers(0, 500))
def test_wilson_holds_the_share(k, more):
    n = k + more
    low, high = wilson(k, n)
    assert n == 0 or 0 <= low <= k / n <= high <= 1


@pytest.mark.parametrize(("k", "n"), [(-1, 3), (4, 3)])
def test_wilson_refuses_impossible_counts(k, n):
    with pytest.raises(DataError) as error:
        wilson(k, n)
    assert error.value.code == "counts_outside"


def test_wilson_refuses_a_level_in_percent():
    with pytest.raises(OptionError):
        wilson(1, 2, level=90)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((56, 70, 48, 80), (0.2000, 0.0524, 0.3339)),
        ((9, 10, 3, 10), (0.6000, 0.1705, 0.8090)),
        ((10, 10, 0, 10), (1.0000, 0.6075, 1.0000)),
        ((5, 56, 0, 29), (0.0893, -0.0381, 0.1926)),
    ],
)
def test_newcombe_published(counts, expected):
    """Newcombe (1998), Statistics in Medicine 17, table II, method 10."""
    got = newcombe(*counts, level=0.95)
    assert [float(x) for x in got] == pytest.approx(expected, abs=5.1e-5)


@given(*[st.integers(0, 40)] * 4)
def test_newcombe_mirrors(k, more, j, further):
    """Swapping the groups turns the interval around."""
    there = newcombe(k, k + more, j, j + further)
    back = newcombe(j, j + further, k, k + more)
    np.testing.assert_allclose(np.array(there), -np.array(back)[[0, 2, 1]], atol=1e-12)
