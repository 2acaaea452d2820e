"""Break-evens and points where there is nothing to divide by."""

from __future__ import annotations

import math

import pytest

from ecomops.maths import loyalty


@pytest.mark.parametrize("margin", [0.0, -0.1])
def test_without_a_margin_nothing_breaks_even(margin):
    assert loyalty.breakeven_coupon(10, 120, margin) == math.inf
    assert loyalty.breakeven_benefit(60, 1000, margin) == math.inf
    assert loyalty.breakeven_lift(margin, 0.1) == math.inf
    assert loyalty.breakeven_coupon(10, 0, 0.3) == math.inf


def test_a_break_even_lift_keeps_the_margin():
    """By hand: at 30 % margin and 20 % off, three times the pieces earn the same: 0.1 x 3 = 0.3."""
    assert loyalty.breakeven_lift(0.3, 0.2) == pytest.approx(2)
    assert loyalty.breakeven_lift(0.3, 0.3) == math.inf


def test_points_nobody_will_use_are_revenue_at_once():
    """IFRS 15.B46: breakage in full once nothing is expected to be claimed."""
    assert loyalty.recognised(500.0, 0, 0) == 500
    assert loyalty.liability(500.0, 0, 0) == 0


def test_more_points_than_expected_earn_no_more_than_was_deferred():
    assert loyalty.recognised(500.0, 120, 100) == 500
    assert loyalty.liability(500.0, 25, 100) == 375
