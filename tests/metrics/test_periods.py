"""Calendar periods against the standard library's own calendar."""

from __future__ import annotations

import calendar
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ecomops as eo
from ecomops.metrics import periods

days = st.dates(dt.date(1996, 1, 1), dt.date(2099, 12, 31))
kinds = st.sampled_from(periods.PERIODS)


@given(days, kinds)
def test_a_day_lies_in_its_period_and_periods_touch(day, kind) -> None:
    first = periods.start(day, kind)
    assert first <= day <= periods.end(first, kind)
    assert periods.start(periods.end(first, kind), kind) == first
    assert periods.end(first, kind) + dt.timedelta(days=1) == periods.shift(first, kind, 1)
    assert periods.shift(periods.shift(first, kind, 5), kind, -5) == first


@given(days, kinds)
def test_labels_are_read_back(day, kind) -> None:
    first = periods.start(day, kind)
    assert periods.parse(periods.label(first, kind)) == (first, kind)


@given(days)
def test_months_end_and_weeks_start_as_the_calendar_says(day) -> None:
    last = calendar.monthrange(day.year, day.month)[1]
    assert periods.end(periods.start(day, "month"), "month").day == last
    assert periods.start(day, "week").isoweekday() == 1


@given(days, kinds)
def test_a_year_before_keeps_the_weekday_of_days_and_weeks(day, kind) -> None:
    first = periods.start(day, kind)
    earlier = periods.year_before(first, kind)
    assert earlier == periods.start(earlier, kind)
    if kind in ("day", "week"):
        assert earlier.isoweekday() == first.isoweekday()
    else:
        assert (earlier.year, earlier.month) == (first.year - 1, first.month)


def test_partial_means_that_a_day_lies_outside_the_data() -> None:
    seen = (dt.date(2025, 1, 2), dt.date(2025, 3, 31))
    flags = [periods.is_partial(dt.date(2025, m, 1), "month", *seen) for m in (1, 2, 3, 4)]
    assert flags == [True, False, False, True]


@pytest.mark.parametrize("text", ["2025-13", "2025-W60", "November", "", "2025-Q5", "2025-02-30"])
def test_what_is_no_period_is_refused(text) -> None:
    with pytest.raises(eo.OptionError) as refused:
        periods.parse(text)
    assert refused.value.code == "unknown_period"
