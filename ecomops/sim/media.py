"""Paid channels with a budget: spending plans, adstock, saturation and what they bring."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ecomops.sim.calendar import DAY, HOUR
from ecomops.sim.streams import stream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecomops.sim.settings import Channel, Settings
    from ecomops.sim.streams import Bools, Floats, Ints

WEEK = 7
DARK = 0.15
ON = 1.5


def spending(channel: Channel, days: int, seed: int, busy: Bools | float = 0.0) -> Ints:
    """Return planned cents a day: flights of weeks at levels by lot, some weeks dark.

    On `busy` days, of shape (days,), more is spent by the channel's `festive`, but not in a test.
    """
    random = stream(seed, f"spending/{channel.name}")
    weeks = days // WEEK + 1
    level = np.exp(0.5 * random.standard_normal(weeks)) * (random.random(weeks) > DARK)
    wobble = np.exp(0.15 * random.standard_normal(days))
    test = switches(channel, weeks, seed)
    free = np.isnan(test)
    each = np.repeat([np.where(free, level, test), channel.festive * free], WEEK, axis=1)[:, :days]
    plan: Ints = np.rint(channel.budget * each[0] * wobble * (1 + each[1] * busy)).astype(np.int64)
    return plan


def switches(channel: Channel, weeks: int, seed: int) -> Floats:
    """Return by week the level of spending that the channel's test sets, missing outside it.

    >>> from ecomops.sim.presets import preset
    >>> test = switches(preset("demo").channels[3], 100, seed=1)
    >>> [int((test == level).sum()) for level in (0, ON)]
    [8, 8]
    """
    week: Ints = np.arange(weeks) - channel.switched_from
    early = stream(seed, f"switched/{channel.name}").random(weeks) < 1 / 2
    on = early[week // 2 % weeks] == (week % 2 == 0)
    return np.where((week >= 0) & (week < channel.switched), ON * on, np.nan)


def promoted(settings: Settings, days: int) -> Bools:
    """Return which days belong to a promotion, of shape (days,)."""
    inside = np.zeros(days, dtype=bool)
    for promo in settings.promotions:
        day = np.arange(days) - (promo.day - settings.store.start).days
        inside |= (day >= promo.first) & (day <= promo.last)
    return inside


def adstock(spend: Floats, retention: float) -> Floats:
    """Return geometric adstock: today's spend and what is left of yesterday's stock.

    >>> adstock(np.array([1.0, 0.0, 0.0]), 0.5).tolist()
    [1.0, 0.5, 0.25]
    """
    stock = np.empty(len(spend))
    left = 0.0
    for day, amount in enumerate(spend):
        left = float(amount) + retention * left
        stock[day] = left
    return stock


def hill(stock: Floats, half: float, slope: float) -> Floats:
    """Return Hill saturation, 0.5 at `half` (Jin et al. 2017).

    >>> hill(np.array([2.0]), 2.0, 1.4).tolist()
    [0.5]
    """
    powered = stock**slope
    curve: Floats = powered / (powered + half**slope)
    return curve


def response(
    channel: Channel, days: int, seed: int, scale: float = 1.0, busy: Bools | float = 0.0
) -> Floats:
    """Return the channel's effect by day, between 0 and 1, were its plan multiplied by `scale`."""
    spend = spending(channel, days, seed, busy).astype(np.float64) / max(channel.budget, 1)
    stock = adstock(scale * spend, channel.retention) * (1 - channel.retention)
    return hill(stock, channel.half, channel.slope)


def responses(settings: Settings, daily: Floats, seed: int) -> Mapping[int, Floats]:
    """Return by channel position the effect in each hour, for channels that spend anything."""
    days, each = len(daily), DAY // HOUR
    busy = promoted(settings, days)
    return {
        i: np.repeat(response(c, days, seed, busy=busy), each)
        for i, c in enumerate(settings.channels)
        if c.paid and spending(c, days, seed, busy).any()
    }
