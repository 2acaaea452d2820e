"""Quantiles of counted values against numpy's quantiles of the values written out."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ecomops.maths.ties import quantiles

COUNTED = st.dictionaries(st.integers(-1_000, 1_000), st.integers(1, 50), min_size=1, max_size=30)
SHARES = st.lists(st.floats(0, 1), min_size=1, max_size=9)


@given(COUNTED, SHARES)
def test_quantiles_are_those_of_the_values_written_out(counted, shares) -> None:
    written = np.repeat(list(counted), list(counted.values()))
    got = quantiles(list(counted), list(counted.values()), shares)
    np.testing.assert_allclose(got, np.quantile(written, shares), rtol=1e-12, atol=1e-9)


def test_one_value_is_every_quantile() -> None:
    assert quantiles([7], [1], [0, 0.3, 1]).tolist() == [7, 7, 7]
