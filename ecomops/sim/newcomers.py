"""Orders of people who come once and only because of something: a price, a test, a live session.

Each is a clone of an ordinary order or comes at a rate of its own, so effects are multiplicative
in demand whatever the season, and are known order by order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np

from ecomops.sim import baskets, latent, people, studio
from ecomops.sim.calendar import DAY
from ecomops.sim.plan import NOBODY
from ecomops.sim.streams import hashed, pick, stream

if TYPE_CHECKING:
    from ecomops.sim.baskets import Lines
    from ecomops.sim.latent import Latent
    from ecomops.sim.people import People
    from ecomops.sim.plan import Plan
    from ecomops.sim.settings import Experiment
    from ecomops.sim.streams import Bools, Floats, Ints

HALF_LIFE = 7.0


@dataclass(frozen=True)
class Newcomers:
    """One-time customers, their single orders, and what they buy (None: anything)."""

    people: People
    orders: Latent
    lines: Lines | None


KINDS = ("price", "experiment", "live")


def come(
    plan: Plan, kind: str, base: tuple[People, Latent, Lines], first: int, chunk: int, share: float
) -> Newcomers:
    """Return the newcomers of one kind."""
    group, orders, lines = base
    if kind == "price" and len(plan.prices.product):
        return tempted(plan, group, orders, lines, first, chunk)
    if kind == "experiment" and plan.settings.experiments:
        return converted(plan, orders, group, first, chunk)
    if kind == "live" and plan.settings.live.every:
        return spectators(plan, first, chunk, share)
    return Newcomers(group.take(np.arange(0)), latent.nothing(), lines.take(np.arange(0)))


def _block(
    plan: Plan, process: str, chunk: int, first: int, time: Floats, cause: Ints, source: Ints,
    product: Ints | None,
) -> Newcomers:  # fmt: skip
    """Return newcomers that order at `time`; their customers start at position `first`."""
    group = people.people(plan, process, chunk, time, cause)
    count = len(time)
    orders = latent.plain(
        np.arange(count) + first, latent.keys(process, chunk, count), time, source, cause
    )
    lines = None if product is None else baskets.single(plan, product, process, chunk)
    return Newcomers(group, orders, lines)


def _source(plan: Plan, process: str, chunk: int, count: int) -> Ints:
    lot = stream(plan.seed, f"source/{process}", chunk).random(count)
    return pick(lot, np.array([c.mix for c in plan.settings.channels]))


def tempted(
    plan: Plan, group: People, orders: Latent, lines: Lines, first: int, chunk: int
) -> Newcomers:
    """Return orders that only a lowered price brings: clones of lines of that product.

    A clone needs what its original needs, so that demand is multiplied in every twin.
    """
    random = stream(plan.seed, "tempted", chunk)
    prices = plan.prices
    slot = prices.slot[lines.product]
    response = (1 - plan.settings.prices.cross) * (prices.response() - 1).clip(0)
    most = np.append(response.max(axis=1, initial=0.0), 0.0)[slot]
    count = random.poisson(most)
    line = np.repeat(np.arange(len(lines)), count)
    day = np.clip(orders.time[lines.order[line]] // DAY, 0, plan.days - 1).astype(np.int64)
    kept = random.random(len(line)) * most[line] < response[slot[line], day]
    line = line[kept]
    time = orders.time[lines.order[line]]
    cause = plan.numbers("price")[slot[line]]
    source = _source(plan, "price", chunk, len(line))
    made = _block(plan, "price", chunk, first, time, cause, source, lines.product[line])
    pieces = replace(cast("Lines", made.lines), quantity=lines.quantity[line])
    own, his = orders.requires[lines.order[line]], group.cause[orders.customer[lines.order[line]]]
    needs = np.select([own != NOBODY, his != NOBODY], [own, his], cause)
    return replace(made, orders=replace(made.orders, requires=needs), lines=pieces)


def in_b(plan: Plan, test: Experiment, key: Ints) -> Bools:
    """Return whether each customer is in arm B: a hash of the customer and the test."""
    arm: Bools = hashed(key, plan.seed, f"arm/{test.name}") < test.share
    return arm


def _first(orders: Latent, inside: Bools, customers: int) -> Bools:
    """Return which of the orders `inside` is its customer's first there."""
    earliest = np.full(customers, np.inf)
    np.minimum.at(earliest, orders.customer[inside], orders.time[inside])
    first: Bools = orders.time == earliest[orders.customer]
    return first


def converted(plan: Plan, orders: Latent, group: People, first: int, chunk: int) -> Newcomers:
    """Return orders that only the B arm of an experiment brings.

    They are clones of the first orders that B's ordinary buyers place within the test.
    """
    times, causes = [np.empty(0)], [np.empty(0, dtype=np.int64)]
    for test in () if plan.settings.found else plan.settings.experiments:
        random = stream(plan.seed, f"experiment/{test.name}", chunk)
        lot, moment = random.random((2, len(orders)))
        low, high = plan.window(test.start, 0, test.days - 1)
        inside = (orders.time >= low) & (orders.time < high)
        inside &= in_b(plan, test, group.key[orders.customer])
        inside &= _first(orders, inside, len(group))
        age = np.maximum(orders.time - low, 0) / DAY
        lift = test.lift + test.novelty * 0.5 ** (age / HALF_LIFE)
        won = inside & (lot < lift)
        jitter = np.minimum(orders.time[won] + 3600 * moment[won], high - 1)
        times.append(jitter)
        causes.append(np.full(len(jitter), plan.index[test.key]))
    time, cause = np.concatenate(times), np.concatenate(causes)
    source = _source(plan, "experiment", chunk, len(time))
    return _block(plan, "experiment", chunk, first, time, cause, source, None)


def deterred(plan: Plan, group: People, orders: Latent, chunk: int) -> Latent:
    """Return ordinary orders, with those that a test with a negative lift costs in its B arm."""
    blocked = orders.blocked.copy()
    for test in plan.settings.experiments:
        if test.lift < 0:
            lot = stream(plan.seed, f"deterred/{test.name}", chunk).random(len(group))
            low, high = plan.window(test.start, 0, test.days - 1)
            gone = in_b(plan, test, group.key) & (lot < -test.lift)
            inside = (orders.time >= low) & (orders.time < high) & (blocked == NOBODY)
            lost = inside & (orders.mover == NOBODY) & gone[orders.customer]
            blocked[lost] = plan.index[test.key]
    return replace(orders, blocked=blocked)


def spectators(plan: Plan, first: int, chunk: int, share: float) -> Newcomers:
    """Return orders that live sessions bring, spread over the chunk's `share` of customers.

    They come with the viewers of each minute and are for the product on show then.
    """
    random = stream(plan.seed, "live", chunk)
    mean = studio.sales(plan) * (0.0 if plan.settings.found else share)
    count = random.poisson(mean)
    session, minute = (
        np.repeat(axis, count.ravel()) for axis in np.indices(count.shape).reshape(2, -1)
    )
    moment = random.random(len(session))
    time = plan.sessions[session] * float(DAY) + latent.LIVE_HOUR * 3600 + (minute + moment) * 60
    product = studio.on_show(plan, session, minute)
    cause = plan.numbers("live")[session]
    names = plan.settings.sources
    source = np.full(len(session), names.index("直播") if "直播" in names else 0)
    return _block(plan, "live", chunk, first, time, cause, source, product)
