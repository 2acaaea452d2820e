"""Points by the examples of IFRS 15 and of KPMG's handbook; break-evens by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecomops.maths import loyalty


def test_ifrs_15_illustrative_example_52():
    """IE267-IE270: 91,324 and 8,676; 4,110 in year one; 3,493 in year two after a new estimate."""
    sale = loyalty.split_sale(100_000, 10_000, 1, 0.95)
    assert (round(sale.goods), round(sale.points)) == (91_324, 8_676)
    first = loyalty.recognised(8_676, 4_500, 9_500)
    second = loyalty.recognised(8_676, 8_500, 9_700) - first
    assert (round(first), round(second)) == (4_110, 3_493)


def test_kpmg_example_10():
    """97 % expected: exactly 8,842.30, in the book rounded to 9 %; then 4,175, 3,552 or 4,140."""
    sale = loyalty.split_sale(100_000, 10_000, 1, 0.97)
    assert sale.points == pytest.approx(8_842.30, abs=0.005)
    assert round(sale.goods, -3), round(sale.points, -3) == (91_000, 9_000)
    second = round(loyalty.recognised(9_000, 4_500, 9_700))
    assert second == 4_175
    assert round(loyalty.recognised(9_000, 8_500, 9_900) - second) == 3_552
    assert round(loyalty.recognised(9_000, 8_500, 9_200) - second) == 4_140


@given(st.floats(1, 1e6), st.floats(0, 1e5), st.floats(0.01, 2), st.floats(0, 1))
def test_nothing_is_lost_in_the_split(price, points, value, redeemed):
    sale = loyalty.split_sale(price, points, value, redeemed)
    assert sale.goods + sale.points == pytest.approx(price)
    owed = loyalty.liability(sale.points, points / 3, max(points, 1))
    earned = loyalty.recognised(sale.points, points / 3, max(points, 1))
    assert owed + earned == pytest.approx(sale.points)


def test_break_evens_by_hand():
    """Margin 30 %, cut 10 %: 100 x 30 = 150 x 20. Face 10, order 120: 100 x 36 x s = 100 x 10."""
    assert loyalty.breakeven_lift(0.30, 0.10) == pytest.approx(0.5)
    assert loyalty.breakeven_coupon(10, 120, 0.30) == pytest.approx(10 / 36)
    assert math.isinf(loyalty.breakeven_lift(0.3, 0.3))
    assert loyalty.breakeven_benefit(60, 1_000, 0.30) == pytest.approx(0.2)
