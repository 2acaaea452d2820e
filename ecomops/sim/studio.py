"""What goes on in live sessions, minute by minute: viewers, the product on show, what it sells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ecomops.sim.streams import stream

if TYPE_CHECKING:
    from ecomops.sim.plan import Plan
    from ecomops.sim.streams import Floats, Ints

STAY = 8.0
SLOT = 15
SHOWN = 40
PER_ORDER = 4
SPREAD = 0.35
CLICKS, COMMENTS = 0.05, 0.02


def hosts(plan: Plan) -> Floats:
    """Return the pull of the host of each session."""
    live = plan.settings.live
    every = plan.sessions
    pull: Floats = np.array(live.hosts)[np.arange(len(every)) % len(live.hosts)]
    return pull


def _shape(plan: Plan) -> Floats:
    """Return how many viewers come in each minute, relative to orders."""
    minutes = plan.settings.live.minutes
    minute = np.arange(minutes)
    shape: Floats = 0.35 + np.sin(np.pi * (minute + 10) / (minutes + 20)) ** 2
    return PER_ORDER * shape


def viewers(plan: Plan) -> tuple[Ints, Ints]:
    """Return (arrivals, online) by session and minute: a birth and death process.

    Viewers come at a rate that rises and falls, with the host's pull and the day's level, and
    stay 8 minutes on average.
    """
    random = stream(plan.seed, "viewers")
    days = plan.sessions
    level = hosts(plan) * plan.daily[days] / plan.daily.mean()
    come = random.poisson(plan.settings.live.orders * level[:, None] * _shape(plan))
    online = np.zeros_like(come)
    there = np.zeros(len(days), dtype=np.int64)
    for i in range(come.shape[1]):
        there = there + come[:, i] - random.binomial(there, -np.expm1(-1 / STAY))
        online[:, i] = there
    return come, online


def on_show(plan: Plan, session: Ints, minute: Ints) -> Ints:
    """Return the product that a session shows in a minute: a new one every quarter of an hour."""
    best = plan.catalogue.staples()[:SHOWN]
    chosen: Ints = best[(session * 7 + minute // SLOT * 3) % len(best)]
    return chosen


def shown(plan: Plan) -> Ints:
    """Return the product on show by session and minute."""
    sessions: Ints = np.arange(len(plan.sessions))
    minutes: Ints = np.arange(plan.settings.live.minutes)
    return on_show(plan, sessions[:, None], minutes[None, :])


def pull(plan: Plan) -> Floats:
    """Return by product how well it sells on show, 1 on average over those that are shown."""
    lot = stream(plan.seed, "shown").standard_normal(len(plan.catalogue.price))
    raw = np.exp(SPREAD * lot)
    relative: Floats = raw / raw[plan.catalogue.staples()[:SHOWN]].mean()
    return relative


def sales(plan: Plan) -> Floats:
    """Return expected orders by session and minute: viewers online times the product's pull.

    A session of average pull on an average day brings `orders` of them.
    """
    _, online = viewers(plan)
    left = np.exp(-1 / STAY)
    arriving = plan.settings.live.orders * _shape(plan)
    there, total = 0.0, 0.0
    for come in arriving:
        there = there * left + float(come)
        total += there
    means: Floats = plan.settings.live.orders * online / max(total, 1e-9) * pull(plan)[shown(plan)]
    return means


def attention(plan: Plan) -> tuple[Ints, Ints]:
    """Return (clicks on the product, comments) by session and minute."""
    random = stream(plan.seed, "attention")
    _, online = viewers(plan)
    return random.poisson(CLICKS * online * pull(plan)[shown(plan)]), random.poisson(
        COMMENTS * online
    )
