"""False discovery rate against the paper's example."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from ecomops.base.errors import DataError
from ecomops.maths.multiplicity import benjamini_hochberg

PAPER = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344,
    0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000,
]  # fmt: skip


def test_paper_rejects_four():
    """Benjamini and Hochberg (1995), section 3.2; q-values as R's p.adjust gives them."""
    q = benjamini_hochberg(PAPER)
    assert np.sum(q <= 0.05) == 4
    np.testing.assert_allclose(q[:5], [0.0015, 0.003, 0.0095, 0.035625, 0.0603], atol=1e-12)


@given(st.lists(st.floats(0, 1), max_size=30))
def test_equals_scipy(p):
    expected = false_discovery_control(p) if p else []
    np.testing.assert_allclose(benjamini_hochberg(p), expected, atol=1e-12)


def test_missing_tests_do_not_count():
    q = benjamini_hochberg([0.01, np.nan, 0.04])
    np.testing.assert_allclose(q, [0.02, np.nan, 0.04])


def test_refuses_what_is_no_p_value():
    with pytest.raises(DataError) as error:
        benjamini_hochberg([0.2, 1.5])
    assert error.value.values["count"] == 1
