"""Paid channels with a budget: spending plans, adstock, saturation and what they bring."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ecomops.sim.calendar import DAY, HOUR
from ecomops.sim.streams import stream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecomops.sim.settings import Channel, Settings
    from ecomops.sim.streams import Floats, Ints

WEEK = 7
DARK = 0.15


def spending(channel: Channel, days: int, seed: int) -> Ints:
    """Return planned cents a day: flights of weeks at levels by lot, some weeks dark."""
    random = stream(seed, f"spending/{channel.name}")
    weeks = days // WEEK + 1
    level = np.exp(0.5 * random.standard_normal(weeks)) * (random.random(weeks) > DARK)
    wobble = np.exp(0.15 * random.standard_normal(days))
    plan: Ints = np.rint(channel.budget * np.repeat(level, WEEK)[:days] * wobble).astype(np.int64)
    return plan


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


def response(channel: Channel, days: int, seed: int, scale: float = 1.0) -> Floats:
    """Return the channel's effect by day, between 0 and 1, were its plan multiplied by `scale`."""
    spend = spending(channel, days, seed).astype(np.float64) / max(channel.budget, 1)
    stock = adstock(scale * spend, channel.retention) * (1 - channel.retention)
    return hill(stock, channel.half, channel.slope)


def responses(settings: Settings, daily: Floats, seed: int) -> Mapping[int, Floats]:
    """Return by channel position the effect in each hour, for channels with a budget."""
    days = len(daily)
    each = DAY // HOUR
    return {
        i: np.repeat(response(c, days, seed), each)
        for i, c in enumerate(settings.channels)
        if c.paid and c.budget
    }
