"""Before and after beside untouched controls: arithmetic by hand, and what chance alone makes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecomops.base.errors import DataError
from ecomops.maths.placebo import FEWEST, before_after


def sums(random, rates, growth, drift=0.0):
    """Return compound Poisson sums before and after, with their squares, one row per product."""
    pace = np.exp(drift * random.standard_normal(len(rates)))
    rows = []
    for rate, own in zip(rates, pace, strict=True):
        parts = [random.gamma(4, 25, random.poisson(n)) for n in (rate, rate * growth * own)]
        rows.append([f(part) for part in parts for f in (np.sum, lambda x: (x**2).sum())])
    return np.array(rows)


def test_the_difference_is_what_growth_does_not_explain():
    """By hand: controls grow from 400 to 600, so that 100 were to become 150."""
    controls = [[40.0, 40.0, 60.0, 60.0]] * 10
    found = before_after([100.0, 100.0, 170.0, 170.0], controls)
    assert (found.value, found.growth) == (pytest.approx(20), pytest.approx(1.5))


def test_the_width_is_that_of_the_placebos():
    """By hand: nine in ten of ten placebos, so that the largest of them is the width."""
    controls = np.tile([100.0, 0.0, 100.0, 0.0], (10, 1))
    controls[:, 2] += np.arange(-4.5, 5.0)
    found = before_after([100.0, 0.0, 150.0, 0.0], controls)
    assert found.value == pytest.approx(50)
    assert found.high - found.value == pytest.approx(found.value - found.low)
    alone = np.delete(controls, 0, axis=0)
    off = 95.5 - 100 * alone[:, 2].sum() / 900
    assert (found.high - found.value) == pytest.approx(abs(off), rel=0.01)


@pytest.mark.parametrize(("drift", "rate"), [(0.0, 30), (0.3, 60)])
def test_intervals_hold_the_effect_nine_times_in_ten(drift, rate):
    """Truth: 400 planted worlds; half of the changes lift demand by 40 %."""
    random = np.random.default_rng(5)
    hits = []
    for number in range(400):
        rates = rate * np.exp(0.5 * random.standard_normal(31))
        rows = sums(random, rates, 1.3, drift)
        lift = 0.4 * (number % 2)
        more = random.gamma(4, 25, random.poisson(lift * rates[0] * 1.3))
        rows[0, 2:] += (more.sum(), (more**2).sum())
        found = before_after(rows[0], rows[1:])
        hits.append(found.low <= more.sum() <= found.high)
    assert 0.86 <= np.mean(hits) <= 0.95


def test_after_less_before_alone_is_fooled_by_the_season():
    """The naive difference of sums calls the season an effect; this one does not."""
    random = np.random.default_rng(8)
    rows = sums(random, np.full(31, 200.0), 1.5)
    naive = rows[0, 2] - rows[0, 0]
    found = before_after(rows[0], rows[1:])
    assert naive > 3 * (found.high - found.low) / 4
    assert found.low <= 0 <= found.high


def test_too_few_or_empty_controls_are_refused():
    for controls in (np.ones((FEWEST - 1, 4)), np.zeros((FEWEST, 4))):
        with pytest.raises(DataError, match="untouched"):
            before_after([1, 1, 1, 1], controls)


def test_controls_without_any_spread_leave_no_width():
    found = before_after([10, 0, 12, 0], np.tile([5.0, 0.0, 5.0, 0.0], (12, 1)))
    assert (found.low, found.high) == (2, 2)


@given(st.floats(0.01, 100), st.randoms())
def test_scale_and_order_do_not_matter(scale, random):
    rows = sums(np.random.default_rng(3), np.linspace(5, 60, 15), 1.1)
    one = before_after(rows[0], rows[1:])
    mixed = rows[random.sample(range(1, 15), 14)]
    times = np.array([scale, scale**2, scale, scale**2])
    other = before_after(rows[0] * times, mixed * times)
    assert other.value == pytest.approx(scale * one.value, rel=1e-9, abs=1e-9 * scale)
    assert other.high == pytest.approx(scale * one.high, rel=1e-9)


def test_a_control_that_holds_all_sales_before_is_no_placebo():
    """Without it nothing was sold before, so that no growth of the others exists."""
    controls = [[0, 0, 5, 5]] * 20 + [[100, 100, 110, 110]]
    with np.errstate(all="raise"):
        found = before_after([50, 50, 75, 75], controls)
    assert np.isfinite([found.value, found.low, found.high]).all()
    assert found.growth == pytest.approx(210 / 100)
