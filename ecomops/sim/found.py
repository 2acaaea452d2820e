"""Effects planted as labels: orders that exist anyway are said to need an intervention.

The shop stays as it is, order by order; its twin without the intervention has fewer. Whoever is
labelled was sent the message or was in arm B; the others are held out a little more often, so
that the share held out of each send is the planned one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ecomops.sim.calendar import DAY
from ecomops.sim.latent import LIVE_HOUR, PERSUADABLE, senders
from ecomops.sim.plan import NOBODY
from ecomops.sim.streams import stream
from ecomops.sim.studio import hosts

if TYPE_CHECKING:
    from ecomops.sim.latent import Latent
    from ecomops.sim.people import People
    from ecomops.sim.plan import Plan
    from ecomops.sim.streams import Bools, Floats, Ints

WINDOW = 7
NEAR = ("直播", "短视频", "手淘推荐")


def labelled(plan: Plan, group: People, orders: Latent, chunk: int) -> Latent:
    """Return ordinary orders, some of which need a message, a test or a live session."""
    if not plan.settings.found:
        return orders
    requires = orders.requires.copy()
    free = (orders.mover == NOBODY) & (group.cause[orders.customer] == NOBODY)
    for caused in (_by_messages, _by_tests, _by_sessions):
        number = caused(plan, group, orders, chunk)
        taken = free & (requires == NOBODY) & (number != NOBODY)
        requires[taken] = number[taken]
    return replace(orders, requires=requires)


def _by_messages(plan: Plan, group: People, orders: Latent, chunk: int) -> Ints:
    """Return the message that brought each order: a share of what the persuadable place after."""
    crm, sends = plan.settings.crm, plan.sends
    none = np.full(len(orders), NOBODY)
    if not len(sends):
        return none
    lot = stream(plan.seed, "found/message", chunk).random(len(orders))
    kind, _ = senders(plan, group, chunk)
    last = np.searchsorted(sends, orders.time // DAY, side="right") - 1
    age = orders.time - sends[last.clip(0)] * float(DAY) - 10 * 3600
    near = (last >= 0) & (age >= 0) & (age < WINDOW * DAY)
    known = group.arrival[orders.customer] < sends[last.clip(0)] * DAY
    able = near & known & (kind == PERSUADABLE)[orders.customer] & ~group.guest[orders.customer]
    return np.where(able & (lot < crm.found), plan.numbers("message")[last.clip(0)], none)


def _by_tests(plan: Plan, group: People, orders: Latent, chunk: int) -> Ints:
    """Return the test whose B arm brought each order, so that B has 1 + lift times A's buyers."""
    number = np.full(len(orders), NOBODY)
    for test in plan.settings.experiments:
        lot = stream(plan.seed, f"found/{test.name}", chunk).random(len(group))
        low, high = plan.window(test.start, 0, test.days - 1)
        inside = (orders.time >= low) & (orders.time < high)
        chosen = lot[orders.customer] < test.share * test.lift / (1 + test.share * test.lift)
        number[inside & chosen & (number == NOBODY)] = plan.index[test.key]
    return number


def _by_sessions(plan: Plan, _group: People, orders: Latent, chunk: int) -> Ints:
    """Return the live session that brought each order placed then, more with a better host."""
    live, days = plan.settings.live, plan.sessions
    number = np.full(len(orders), NOBODY)
    if not len(days):
        return number
    lot = stream(plan.seed, "found/live", chunk).random(len(orders))
    last = (np.searchsorted(days, orders.time // DAY, side="right") - 1).clip(0)
    minute = (orders.time - days[last] * float(DAY)) / 60 - LIVE_HOUR * 60
    near = np.isin(np.array(plan.settings.sources)[orders.source], NEAR)
    pull = hosts(plan)[last] / max(live.hosts)
    on_air = (minute >= 0) & (minute < live.minutes) & near & (lot < pull)
    number[on_air] = plan.numbers("live")[last[on_air]]
    return number


def held_out(plan: Plan, known: Bools, kind: Ints, caused: Bools, chunk: int) -> Bools:
    """Return who was held out of each send, (send, customer), given whom it brought to buy."""
    holdout = plan.settings.crm.holdout
    lot = stream(plan.seed, "found/held", chunk).random(known.shape)
    able = known & (kind == PERSUADABLE)
    brought = (caused & able).sum(axis=1) / np.maximum(able.sum(axis=1), 1)
    chance: Floats = np.where(kind == PERSUADABLE, (holdout / (1 - brought))[:, None], holdout)
    held: Bools = (lot < chance) & ~caused
    return held
