"""The panel of tracked visitors: touches before orders and before nothing, with ghost holdouts.

Buyers' purchase intent is N(m, 1) and non-buyers' N(0, 1): a logistic purchase model. What a
visitor meets depends on intent alone, so touches tell who buys, not why. Each paid channel has a
random holdout whose members would have met it and did not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ecomops.sim import people
from ecomops.sim.calendar import DAY
from ecomops.sim.plan import NOBODY
from ecomops.sim.streams import Columns, spread, stream

if TYPE_CHECKING:
    from ecomops.sim.latent import Latent
    from ecomops.sim.people import People
    from ecomops.sim.plan import Plan
    from ecomops.sim.streams import Bools, Floats, Ints


@dataclass(frozen=True)
class Visitors(Columns):
    """Panel members of one chunk; `met`, `held` and `stage` are (visitor, channel) arrays.

    `end` is the time of the order or of the last visit in seconds; `order` the position in the
    chunk's possible orders (-1: none), `cause` the intervention that made a non-buyer buy.
    """

    end: Floats
    order: Ints
    cause: Ints
    intent: Floats
    met: Bools
    held: Bools
    stage: Floats
    length: Floats


def _meetings(plan: Plan, process: str, chunk: int, intent: Floats) -> tuple[Bools, Bools, Floats]:
    """Return what visitors would meet, from what they are held out, and where on the path."""
    random = stream(plan.seed, f"meetings/{process}", chunk)
    channels = plan.settings.channels
    shape = (len(intent), len(channels))
    odds = np.array([c.reach for c in channels]) + intent[:, None] * [c.intent for c in channels]
    met = random.random(shape) < 1 / (1 + np.exp(-odds))
    held = random.random(shape) < [c.holdout for c in channels]
    stage = np.array([c.stage for c in channels]) + 0.22 * random.standard_normal(shape)
    return met, held & met, stage.clip(0, 0.98)


def buyers(plan: Plan, orders: Latent, uncaused: Bools, chunk: int) -> Visitors:
    """Return the tracked visitors among those who buy without being caused to."""
    panel = plan.settings.panel
    if not panel.tracked:
        orders, uncaused = orders.take(np.arange(0)), uncaused[:0]
    random = stream(plan.seed, "panel/buyers", chunk)
    lot, long = random.random(len(orders)), random.gamma(1.6, 4.0 * DAY, len(orders))
    intent = panel.intent + random.standard_normal(len(orders))
    late = orders.time >= plan.horizon - panel.days * DAY
    seen = late & (lot < panel.tracked) & (orders.mover == NOBODY) & uncaused
    met, held, stage = _meetings(plan, "buyers", chunk, intent)
    kept = np.flatnonzero(seen & met.any(axis=1))
    none = np.full(len(orders), NOBODY)
    made = Visitors(orders.time, np.arange(len(orders)), none, intent, met, held, stage, long)
    return made.take(kept)


def browsers(plan: Plan, chunk: int, count: int) -> Visitors:
    """Return the tracked visitors who would not buy; channels turn some of them into buyers.

    Each is open to one channel at most, so that channels' effects add up.
    """
    random = stream(plan.seed, "panel/browsers", chunk)
    panel, channels = plan.settings.panel, plan.settings.channels
    lot, moment = random.random((2, count))
    intent, long = random.standard_normal(count), random.gamma(1.6, 4.0 * DAY, count)
    met, held, stage = _meetings(plan, "browsers", chunk, intent)
    open_to = np.searchsorted(np.cumsum([c.effect for c in channels]), lot, side="right")
    channel = open_to.clip(max=len(channels) - 1)
    row = np.arange(count)
    won = (open_to < len(channels)) & (met & ~held)[row, channel]
    numbers = np.array([plan.index[c.key] if c.paid else NOBODY for c in channels])
    start = max(plan.horizon - panel.days * DAY, 0.0)
    end = plan.clock.within(moment, np.full(count, start), np.full(count, plan.horizon))
    cause, none = np.where(won, numbers[channel], NOBODY), np.full(count, NOBODY)
    made = Visitors(end, none, cause, intent, met, held, stage, long)
    return made.take(np.flatnonzero(met.any(axis=1)))


def customers(plan: Plan, visitors: Visitors, chunk: int) -> People:
    """Return the customers whom channels made of non-buyers: arrival is the end of the path."""
    won = visitors.cause != NOBODY
    return people.people(plan, "panel", chunk, visitors.end[won], visitors.cause[won])


@dataclass(frozen=True)
class Touches:
    """Touches of the panel; `visitor` is the position among the chunk's visitors."""

    visitor: Ints
    channel: Ints
    time: Floats
    held: Bools
    click: Bools


def touches(plan: Plan, visitors: Visitors, process: str, chunk: int) -> Touches:
    """Return one row per touch; a held-out meeting leaves a single ghost."""
    random = stream(plan.seed, f"touches/{process}", chunk)
    times = 1 + random.poisson(0.35, visitors.met.shape)
    times = np.where(visitors.held, 1, times) * visitors.met
    cell, rank = spread(times.ravel())
    visitor, channel = np.divmod(cell, visitors.met.shape[1])
    jitter, click = random.random((2, len(cell)))
    held = visitors.held.ravel()[cell]
    stage = visitors.stage.ravel()[cell] * (1 - 0.12 * rank * jitter)
    ago = (1 - stage) * visitors.length[visitor] + 60 + 600 * jitter
    return Touches(visitor, channel, visitors.end[visitor] - ago, held, ~held & (click < 0.72))  # noqa: PLR2004
