"""Pace: a planted day shape and level, a planted lead that lasts, periods done and not begun."""

from __future__ import annotations

import numpy as np
import pytest

from ecomops.base.errors import DataError
from ecomops.maths.forecast import Days, plain_days
from ecomops.maths.pace import Pace, needed, pace, profile

SHAPE = np.r_[np.zeros(8), np.ones(8), np.full(8, 2.0)] / 24  # nothing at night, evenings twice


def week(level: float = 1.0, *, n: int = 300, noise: float = 0.05, done: tuple[int, int] = (3, 12)):
    """Return the pace of seven days after `n`: 240 a day on average, `level` times since then."""
    random = np.random.default_rng(8)
    daily = 240 * np.exp(random.normal(0, noise, n + 7))
    daily[n:] *= level
    hours = daily[:, None] * SHAPE
    hours[n:].ravel()[done[0] * 24 + done[1] :] = 0
    none = np.zeros(n + 7, dtype=bool)
    return pace(hours, plain_days(n + 7), none, n, 7, done), daily[n:]


def test_what_is_due_follows_the_hours_not_the_clock():
    """By hand: three days and, by noon, 4 of the 24 parts of the fourth; the rest after it."""
    found, actual = week()
    assert found.due == pytest.approx(240 * (3 + 4 / 24), rel=0.02)
    assert found.rest == pytest.approx(240 * (3 + 20 / 24), rel=0.02)
    assert found.so_far == pytest.approx(actual[:3].sum() + actual[3] * 4 / 24)
    middle, low, high = found.total
    assert low < actual.sum() < high
    assert low < middle < high


def test_leads_that_never_lasted_are_not_carried_on():
    """Days are independent: half as much again so far says next to nothing of the rest."""
    found, _ = week(level=1.5)
    assert found.carry < 0.4
    assert found.ahead == pytest.approx(found.rest * (found.so_far / found.due) ** found.carry)


def test_levels_that_wander_carry_their_lead_on():
    """Planted: whole fortnights 30 % up or down; a week within one keeps its lead."""
    random = np.random.default_rng(5)
    level = np.repeat(np.exp(random.normal(0, 0.3, 60)), 14)
    hours = (200 * level)[:, None] * SHAPE
    start = 60 * 14 - 10
    found = pace(
        hours[: start + 4], plain_days(start + 7), np.zeros(start + 7, bool), start, 7, (4, 0)
    )
    assert found.carry > 0.4


def test_a_chance_is_sure_at_the_ends_and_half_in_the_middle():
    found, _ = week()
    assert found.chance(found.so_far) == 1
    assert found.chance(found.so_far + found.ahead) == pytest.approx(0.5, abs=1e-9)
    assert found.chance(10 * found.total[0]) < 0.01
    chances = [found.chance(target) for target in np.linspace(1000, 2500, 20)]
    assert chances == sorted(chances, reverse=True)


def test_a_period_that_is_over_is_what_it_was():
    found, actual = week(done=(7, 0))
    assert found.rest == 0
    assert found.total == pytest.approx((actual.sum(),) * 3)
    assert (found.chance(actual.sum() + 1), found.chance(actual.sum() - 1)) == (0, 1)


def test_a_period_not_begun_is_the_forecast():
    found, _ = week(done=(0, 0))
    assert (found.so_far, found.due) == (0, 0)
    assert found.ahead == found.rest
    assert found.total[0] == pytest.approx(7 * 240, rel=0.03)


def test_too_few_past_periods_are_refused():
    with pytest.raises(DataError) as error:
        week(n=90)
    assert error.value.code == "history_short"


def test_a_sales_day_has_hours_of_its_own_that_lean_on_others_where_few():
    """By hand: one sales day with all in hour 0, averaged with the usual shape of halves."""
    hours = np.zeros((5, 24))
    hours[:4, 9], hours[:4, 20], hours[4, 0] = 6, 6, 30
    own = np.arange(5) == 4
    shares = profile(hours, own)
    assert shares[0, [9, 20]] == pytest.approx([0.5, 0.5])
    assert shares[4, [0, 9, 20]] == pytest.approx([0.5, 0.25, 0.25])
    np.testing.assert_allclose(shares.sum(axis=1), 1)


def test_sales_days_ahead_use_the_hours_of_those_before():
    """Planted: every 25th day sells all at midnight; so does the one in the period."""
    n, own = 300, np.arange(307) % 25 == 0
    hours = np.full((307, 24), 10.0)
    hours[own], hours[own, 0] = 0, 240
    days = plain_days(307)
    days = Days(days.weekday, days.years, days.offsets, days.sizes, own)
    found = pace(hours[:300], days, own, n, 7, (0, 0))
    assert found.hours[0, 0] > 0.9
    assert found.hours[1, 0] == pytest.approx(1 / 24)


def test_nothing_due_carries_no_lead():
    kept = {"carry": 0.5, "errors": np.array([0.1, -0.1]), "half": 0.1}
    none = Pace(0.0, 0.0, 100.0, **kept, expected=np.ones(1), hours=np.ones((1, 24)))
    assert none.ahead == 100
    assert Pace(0.0, 5.0, 0.0, **kept, expected=np.ones(1), hours=np.ones((1, 24))).chance(9) == 0


@pytest.mark.parametrize("length", [1, 12, 25, 26, 60, 92])
def test_as_many_days_as_are_asked_for_are_enough_and_one_less_is_not(length):
    enough = needed(length)
    for start in (enough, enough - 1):
        days, own = plain_days(start + length), np.zeros(start + length, dtype=bool)
        call = (np.ones((start, 24)), days, own, start, length, (0, 0))
        if start == enough:
            assert pace(*call).errors.size >= 12
        else:
            with pytest.raises(DataError, match=str(enough)):
                pace(*call)
