"""Possible orders: every order that exists in some world, with what it depends on.

An order never depends on another one, so any world is a selection of the same possible orders:
`requires` names the intervention without which it does not exist, `mover` the one that moves it.
Causes, counterfactuals and twin worlds all follow from these few columns.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from ecomops.sim.calendar import DAY
from ecomops.sim.people import repeats
from ecomops.sim.plan import NOBODY
from ecomops.sim.streams import pick, stream

if TYPE_CHECKING:
    from ecomops.sim.people import People
    from ecomops.sim.plan import Plan
    from ecomops.sim.streams import Bools, Floats, Ints

PROCESSES = ("orders", "unpaid", "extra", "panel")


@dataclass(frozen=True)
class Latent:
    """Possible orders of one chunk; arrays have one entry per order.

    `customer` is the position in the chunk's `People`, `key` is unique in the world, `time` and
    `moved` are seconds since the start (`moved` applies where `mover` is switched on).
    """

    customer: Ints
    key: Ints
    time: Floats
    moved: Floats
    mover: Ints
    requires: Ints
    unpaid: Bools
    source: Ints

    def __len__(self) -> int:
        return len(self.key)


def join(parts: list[Latent]) -> Latent:
    """Return the possible orders of several blocks one after the other."""
    return Latent(
        **{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Latent)}
    )


def _keys(process: str, chunk: int, count: int) -> Ints:
    return ((chunk * 16 + PROCESSES.index(process)) << 22) + np.arange(count)


def ordinary(plan: Plan, group: People, first: int, process: str, chunk: int) -> Latent:
    """Return first and repeat orders of a group whose customers start at position `first`."""
    owner, moments = repeats(plan, group, process, chunk)
    customer = np.concatenate([np.arange(len(group)), owner])
    time = np.concatenate([group.arrival, moments])
    source = np.concatenate([group.source, _again(plan, len(owner), process, chunk)])
    none = np.full(len(time), NOBODY)
    moved, mover = _moves(plan, time, group.cause[customer], process, chunk)
    return Latent(
        customer=customer + first,
        key=_keys(process, chunk, len(time)),
        time=time,
        moved=moved,
        mover=mover,
        requires=none,
        unpaid=np.zeros(len(time), dtype=bool),
        source=source,
    )


def _again(plan: Plan, count: int, process: str, chunk: int) -> Ints:
    """Return the channels through which repeat orders come."""
    lot = stream(plan.seed, f"again/{process}", chunk).random(count)
    return pick(lot, np.array([c.again for c in plan.settings.channels]))


def _moves(plan: Plan, time: Floats, cause: Ints, process: str, chunk: int) -> tuple[Floats, Ints]:
    """Return where promotions would move each order, and which promotion does.

    Claims are made whether or not the promotion is switched on: an order has one mover at most,
    the first whose days it falls on.
    """
    random = stream(plan.seed, f"moves/{process}", chunk)
    lot, place = random.random((2, len(time)))
    claim, chance, low, high = _claims(plan)
    day = (time // DAY).astype(np.int64).clip(0, plan.days - 1)
    moves = (lot < chance[day]) & (cause == NOBODY)
    mover = np.where(moves, claim[day], NOBODY)
    promo = np.where(moves, mover, 0)
    moved = plan.clock.within(place, low[promo], high[promo]) if len(low) else time
    return np.where(moves, moved, time), mover


def _claims(plan: Plan) -> tuple[Ints, Floats, Floats, Floats]:
    """Return by day the promotion that may move its orders and the chance; by number, windows."""
    claim, chance = np.full(plan.days, NOBODY), np.zeros(plan.days)
    low, high = np.zeros((2, len(plan.interventions)))
    inside = np.zeros(plan.days, dtype=bool)
    days = np.arange(plan.days)
    for promo in plan.settings.promotions:
        start, end = plan.window(promo.day, promo.first, promo.last)
        inside |= (days * DAY >= start) & (days * DAY < end)
    for promo in plan.settings.promotions:
        number = plan.number(promo.key)
        window = np.clip(plan.window(promo.day, promo.first, promo.last), 0, plan.horizon)
        low[number], high[number] = window
        if low[number] >= high[number]:
            continue
        after = days - window[1] // DAY
        before = window[0] // DAY - days
        pull = np.where((after >= 0) & (after < 30), promo.pulled * np.exp(-after / 12), 0)  # noqa: PLR2004
        wait = np.where((before > 0) & (before <= 10), promo.waited, 0)  # noqa: PLR2004
        free = (claim == NOBODY) & ~inside & (pull + wait > 0)
        claim[free], chance[free] = number, (pull + wait)[free]
    return claim, chance, low, high


def unpaid(plan: Plan, orders: Latent, chunk: int) -> Latent:
    """Return orders that were placed and never paid: attempts before some of `orders`."""
    random = stream(plan.seed, "unpaid", chunk)
    lot, before = random.random((2, len(orders)))
    index = np.flatnonzero(lot < plan.settings.orders.unpaid)
    time = np.maximum(orders.time[index] + np.log1p(-before[index]) * 0.5 * DAY - 120, 1.0)
    none = np.full(len(index), NOBODY)
    return Latent(
        customer=orders.customer[index],
        key=_keys("unpaid", chunk, len(orders))[index],
        time=time,
        moved=time,
        mover=none,
        requires=none,
        unpaid=np.ones(len(index), dtype=bool),
        source=orders.source[index],
    )


def extra(plan: Plan, group: People, orders: Latent, chunk: int) -> Latent:
    """Return orders that customers place only because a promotion is on."""
    random = stream(plan.seed, "extra", chunk)
    promos = plan.settings.promotions
    shape = (len(promos), len(group))
    lot, place, channel = random.random((3, *shape))
    bounds = [np.clip(plan.window(p.day, p.first, p.last), 0, plan.horizon) for p in promos]
    low, high = np.array(bounds).reshape(-1, 2).T
    push = np.array([p.extra for p in promos])
    alive = (group.arrival < low[:, None]) & (_gone(group, orders) > low[:, None])
    here = alive & (high > low)[:, None] & (group.cause == NOBODY) & ~group.guest
    which, customer = np.nonzero(here & (lot < -np.expm1(-push[:, None] * group.rate)))
    numbers = np.array([plan.number(p.key) for p in promos], dtype=np.int64)
    chosen = which, customer
    time = plan.clock.within(place[chosen], low[which], high[which])
    return Latent(
        customer=customer,
        key=_keys("extra", chunk, lot.size).reshape(shape)[chosen],
        time=time,
        moved=time,
        mover=np.full(len(which), NOBODY),
        requires=numbers[which],
        unpaid=np.zeros(len(which), dtype=bool),
        source=pick(channel[chosen], np.array([c.again for c in plan.settings.channels])),
    )


def _gone(group: People, orders: Latent) -> Floats:
    """Return when each customer left for good (infinity: not within the data)."""
    made = np.bincount(orders.customer, minlength=len(group))[: len(group)] - 1
    last = np.zeros(len(group))
    np.maximum.at(last, orders.customer, orders.time)
    return np.where(made >= group.leaves, last, np.inf)
