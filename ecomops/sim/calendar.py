"""The shop's calendar: how fast operational time runs at each hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, cached_property
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np

from ecomops.base.errors import OptionError
from ecomops.sim.presets import facts
from ecomops.sim.streams import stream

if TYPE_CHECKING:
    from ecomops.sim.streams import Floats, Ints

HOUR = 3600
DAY = 24 * HOUR
YEARS = (2015, 2035)


@cache
def events() -> tuple[tuple[date, str], ...]:
    """Return every festival from 2015 to 2035 as (day, name), fixed and lunar.

    >>> [str(day) for day, name in events() if name == "春节" and day.year in (2024, 2025)]
    ['2024-02-10', '2025-01-29']
    """
    text = (resources.files("ecomops.sim") / "data" / "events.csv").read_text("utf-8")
    rows = (line.split(",") for line in text.splitlines()[1:])
    return tuple((date.fromisoformat(day), name) for day, name in rows)


def whole(seconds: Floats, unit: int = DAY) -> Ints:
    """Return the whole days (or other units) in seconds that are not negative.

    >>> whole(np.array([86_399.0, 86_400.0])).tolist()
    [0, 1]
    """
    number: Ints = (seconds / unit).astype(np.int64)
    return number


@dataclass(frozen=True, eq=False)
class Clock:
    """A rate that is constant within each hour, and its operational time.

    `tau` is the operational time at the borders of the hours, in days whose mean speed is one.
    """

    tau: Floats

    @classmethod
    def of(cls, rate: Floats) -> Clock:
        """Return the clock that runs at `rate` (one value an hour, any scale)."""
        return cls(np.concatenate([[0.0], np.cumsum(rate)]) / rate.mean() / 24)

    def operational(self, seconds: Floats) -> Floats:
        """Return operational days at `seconds` after the start."""
        hour = np.clip(seconds / HOUR, 0.0, len(self.tau) - 1.0)
        left = np.minimum(hour.astype(np.int64), len(self.tau) - 2)
        here = self.tau.take(left)
        days: Floats = here + (hour - left) * (self.tau.take(left + 1) - here)
        return days

    def seconds(self, operational: Floats) -> Floats:
        """Return the seconds after the start at which operational time is reached."""
        start, scale = self.guide
        place = np.clip(operational * scale, 0, len(start) - 1).astype(np.int64)
        left = start.take(place)
        late = np.flatnonzero(self.tau.take(left + 1) < operational)
        while len(late):
            left[late] += 1
            late = late[self.tau[left[late] + 1] < operational[late]]
        here: Floats = self.tau.take(left)
        part = (operational - here) / (self.tau.take(left + 1) - here)
        hour: Floats = left.astype(np.float64) + np.clip(part, 0.0, 1.0)
        return hour * HOUR

    @cached_property
    def guide(self) -> tuple[Ints, float]:
        """Where to begin looking for an operational time: hours by equal steps, steps per day."""
        hours = len(self.tau) - 1
        scale = 4 * hours / float(self.tau[-1])
        begins = np.searchsorted(self.tau, np.arange(4 * hours + 1) / scale, side="right") - 1
        return np.clip(begins, 0, hours - 1), scale

    def within(self, uniform: Floats, start: Floats, end: Floats) -> Floats:
        """Return moments in [start, end) spread as the clock runs."""
        low, high = self.operational(start), self.operational(end)
        return self.seconds(low + uniform * (high - low))


def _noise(seed: int, days: int, sigma: float) -> Floats:
    """Return a slow and a fast multiplicative wobble of mean one, one value a day."""
    random = stream(seed, "calendar")
    fast = random.standard_normal(days) * sigma
    knots = random.standard_normal(days // 30 + 2) * sigma
    slow = np.interp(np.arange(days) / 30, np.arange(len(knots)), knots)
    return np.exp(fast + slow - sigma**2)


def event_factor(start: date, days: int) -> Floats:
    """Return the product of all festival templates, one value a day."""
    factor = np.ones(days)
    for day, name in events():
        for first, last, level in facts("calendar")["event"].get(name, ()):
            low = (day - start).days + first
            high = (day - start).days + last + 1
            factor[max(low, 0) : max(high, 0)] *= level
    return factor


def daily_rate(start: date, end: date, seed: int, sigma: float = 0.06) -> Floats:
    """Return the relative purchase rate of each day from `start` to `end`, both included.

    Weekday, month, festivals and a little noise multiply; the scale is free.
    """
    if start > end or not YEARS[0] <= start.year <= end.year <= YEARS[1]:
        first, last = map(str, YEARS)
        raise OptionError("sim_years", start=start, end=end, first=first, last=last)
    days = (end - start).days + 1
    dates = [start + timedelta(days=i) for i in range(days)]
    level = facts("calendar")
    weekday = np.array([level["weekday"][day.weekday()] for day in dates])
    middle = [day.month - 1 + (day.day - 15) / 30 for day in dates]
    month = np.interp(middle, np.arange(-1, 14), np.take(level["month"], np.arange(-1, 14) % 12))
    rate: Floats = weekday * month * event_factor(start, days) * _noise(seed, days, sigma)
    return rate


def hourly(daily: Floats, start: date) -> Floats:
    """Return one rate an hour: the day's level times the hour's share.

    The first two hours of 双11 and 618 carry the midnight rush.
    """
    hours = np.tile(np.array(facts("calendar")["hour"]), (len(daily), 1))
    hours /= hours.mean()
    for i in range(len(daily)):
        day = start + timedelta(days=i)
        if (day.month, day.day) in {(6, 18), (11, 11), (12, 12), (11, 1)}:
            hours[i, :2] *= (4.0, 2.0)
            hours[i] /= hours[i].mean()
    rate: Floats = (daily[:, None] * hours).ravel()
    return rate
