"""Possible orders: every order that exists in some world, with what it depends on.

An order never depends on another one, so any world is a selection of the same possible orders:
`requires` names the intervention without which it does not exist, `blocked` the one that
prevents it, `mover` the one that moves it. Causes, counterfactuals and twin worlds all follow
from these few columns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ecomops.sim.calendar import DAY, HOUR, whole
from ecomops.sim.people import repeats
from ecomops.sim.plan import NOBODY
from ecomops.sim.streams import Columns, ahead, pick, stream, uniforms

if TYPE_CHECKING:
    from ecomops.sim.people import People
    from ecomops.sim.plan import Plan
    from ecomops.sim.streams import Bools, Floats, Ints

PROCESSES = (
    "orders", "unpaid", "extra", "panel", "price", "experiment", "live", "message", "referral",
)  # fmt: skip
AFTER, BEFORE, FADING = 30, 10, 12
LIVE_HOUR, SPILL = 20, 5
HOUR_SENT = 10


@dataclass(frozen=True)
class Latent(Columns):
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
    blocked: Ints
    unpaid: Bools
    source: Ints


def keys(process: str, chunk: int, count: int) -> Ints:
    """Return the keys of `count` possible orders of a process."""
    return ((chunk * 16 + PROCESSES.index(process)) << 22) + np.arange(count)


def plain(
    customer: Ints, key: Ints, time: Floats, source: Ints, requires: Ints | None = None
) -> Latent:
    """Return possible orders that nothing moves or blocks."""
    none = np.full(len(key), NOBODY)
    return Latent(
        customer, key, time, time, none, none if requires is None else requires, none,
        np.zeros(len(key), dtype=bool), source,
    )  # fmt: skip


def nothing() -> Latent:
    """Return no possible orders."""
    none = np.empty(0, dtype=np.int64)
    return plain(none, none, np.empty(0), none)


def ordinary(plan: Plan, group: People, first: int, process: str, chunk: int) -> Latent:
    """Return first and repeat orders of a group whose customers start at position `first`."""
    if not len(group):
        return nothing()
    owner, moments = repeats(plan, group, process, chunk)
    customer = np.concatenate([np.arange(len(group)), owner])
    time = np.concatenate([group.arrival, moments])
    again = stream(plan.seed, f"again/{process}", chunk).random(len(owner))
    source = np.concatenate([group.source, _again(plan, again)])
    moved, mover = _moves(plan, time, group.cause.take(customer), process, chunk)
    blocked = _annoyed(plan, group, customer, np.minimum(time, moved), process, chunk)
    orders = plain(customer + first, keys(process, chunk, len(time)), time, source)
    return replace(orders, moved=moved, mover=mover, blocked=blocked)


def _again(plan: Plan, lot: Floats) -> Ints:
    """Return the channels through which repeat orders come."""
    return pick(lot, np.array([c.again for c in plan.settings.channels]))


def _moves(plan: Plan, time: Floats, cause: Ints, process: str, chunk: int) -> tuple[Floats, Ints]:
    """Return where promotions and live sessions would move each order, and which one does.

    Claims are made whether or not the mover is switched on: an order has one mover at most, the
    first on whose days it falls.
    """
    lot, place = uniforms(stream(plan.seed, f"moves/{process}", chunk), np.empty((2, len(time))))
    claim, chance, low, high = _claims(plan)
    day = whole(time).clip(0, plan.days - 1)
    rows = np.flatnonzero((lot < chance.take(day)) & (cause == NOBODY))
    mover, moved = np.full(len(time), NOBODY), time.copy()
    promo = mover[rows] = claim.take(day.take(rows))
    moved[rows] = plan.clock.within(place.take(rows), low.take(promo), high.take(promo))
    return moved, mover


def _claims(plan: Plan) -> tuple[Ints, Floats, Floats, Floats]:
    """Return by day what may move its orders and the chance; by intervention, its window."""
    claim, chance = np.full(plan.days, NOBODY), np.zeros(plan.days)
    low, high = np.zeros((2, len(plan.index) + 1))
    days: Ints = np.arange(plan.days)
    inside = np.zeros(plan.days, dtype=bool)
    for promo in plan.settings.promotions:
        start, end = plan.window(promo.day, promo.first, promo.last)
        inside |= (days * DAY >= start) & (days * DAY < end)
    for promo in plan.settings.promotions:
        number = plan.index[promo.key]
        window = np.clip(plan.window(promo.day, promo.first, promo.last), 0, plan.horizon)
        low[number], high[number] = window
        after = days - window[1] // DAY
        before = window[0] // DAY - days
        pull = np.where((after >= 0) & (after < AFTER), promo.pulled * np.exp(-after / FADING), 0)
        wait = np.where((before > 0) & (before <= BEFORE), promo.waited, 0)
        free = (claim == NOBODY) & ~inside & (pull + wait > 0) & (window[0] < window[1])
        claim[free], chance[free] = number, (pull + wait)[free]
    return _live_claims(plan, claim, chance, low, high, inside)


def _live_claims(
    plan: Plan, claim: Ints, chance: Floats, low: Floats, high: Floats, inside: Bools
) -> tuple[Ints, Floats, Floats, Floats]:
    """Add to the claims the days after each live session, as far as they are free."""
    live = plan.settings.live
    for number, day in zip(plan.numbers("live"), plan.sessions, strict=True):
        low[number] = day * DAY + LIVE_HOUR * 3600
        high[number] = min(low[number] + live.minutes * 60, plan.horizon)
        after = slice(day + 1, day + 1 + SPILL)
        free = np.zeros(plan.days, dtype=bool)
        free[after] = (claim[after] == NOBODY) & ~inside[after] & (live.shifted > 0)
        claim[free], chance[free] = number, live.shifted
    return claim, chance, low, high


def _annoyed(
    plan: Plan, group: People, customer: Ints, time: Floats, process: str, chunk: int
) -> Ints:
    """Return the message that would cost each repeat order of annoyed customers, -1 for none."""
    crm = plan.settings.crm
    blocked = np.full(len(time), NOBODY)
    sends = plan.sends
    if not len(sends) or plan.settings.found:
        return blocked
    lot = stream(plan.seed, f"annoyed/{process}", chunk).random(len(time))
    kind, held = senders(plan, group, chunk)
    last = np.searchsorted(sends, (time - HOUR_SENT * HOUR) // DAY, side="right") - 1
    sent = sends[last.clip(0)]
    recent = (last >= 0) & (time // DAY - sent < AFTER) & (group.arrival[customer] < sent * DAY)
    lost = recent & (kind[customer] == ANNOYED) & (lot < crm.loss) & ~held[last.clip(0), customer]
    return np.where(lost, plan.numbers("message")[last.clip(0)], blocked)


PERSUADABLE, ANNOYED = 1, 2


def senders(plan: Plan, group: People, chunk: int) -> tuple[Ints, Bools]:
    """Return each customer's kind (0 indifferent, 1 persuadable, 2 annoyed) and who is held out.

    The second array is (send, customer). Only customers without a cause of their own are sent to.
    """
    crm = plan.settings.crm
    random = stream(plan.seed, "crm", chunk)
    shape = len(plan.sends), len(group)
    lot, held = random.random(len(group)), random.random(shape) < crm.holdout
    kind = np.where(lot < crm.persuadable, PERSUADABLE, 0)
    kind = np.where(lot > 1 - crm.annoyed, ANNOYED, kind)
    return kind, held | (group.cause != NOBODY) | group.guest


def unpaid(plan: Plan, orders: Latent, chunk: int) -> Latent:
    """Return orders that were placed and never paid: attempts before some of `orders`."""
    lot, before = uniforms(stream(plan.seed, "unpaid", chunk), np.empty((2, len(orders))))
    index = np.flatnonzero(lot < plan.settings.orders.unpaid)
    time = np.maximum(orders.time[index] + np.log1p(-before[index]) * 0.5 * DAY - 120, 1.0)
    placed = plain(
        orders.customer[index], keys("unpaid", chunk, len(orders))[index], time,
        orders.source[index],
    )  # fmt: skip
    return replace(placed, unpaid=np.ones(len(index), dtype=bool))


def prompted(plan: Plan, group: People, orders: Latent, chunk: int) -> Latent:
    """Return orders that customers place only because a promotion is on."""
    random = stream(plan.seed, "extra", chunk)
    promos = plan.settings.promotions
    bounds = [np.clip(plan.window(p.day, p.first, p.last), 0, plan.horizon) for p in promos]
    low, high = np.array(bounds).reshape(-1, 2).T
    able = np.where((group.cause == NOBODY) & ~group.guest, group.rate, 0.0)
    left, lot, chosen = gone(group, orders), np.empty(len(group)), [np.empty(0, dtype=np.int64)]
    for number, (promo, start, end) in enumerate(zip(promos, low, high, strict=True)):
        uniforms(random, lot[None])
        who = np.flatnonzero(lot < (promo.extra if end > start else 0.0) * able)
        chance = -np.expm1(-promo.extra * group.rate[who])
        here = (group.arrival[who] < start) & (left[who] > start) & (lot[who] < chance)
        chosen.append(number * len(group) + who[here])
    cell = np.concatenate(chosen)
    which, customer = np.divmod(cell, max(len(group), 1))
    fresh, size = stream(plan.seed, "extra", chunk), len(promos) * len(group)
    place, channel = ahead(fresh, cell + size), ahead(fresh, cell + 2 * size)
    numbers = np.array([plan.index[p.key] for p in promos], dtype=np.int64)
    return plain(
        customer,
        keys("extra", chunk, 1)[0] + cell,
        plan.clock.within(place, low[which], high[which]),
        _again(plan, channel),
        numbers[which],
    )


def messaged(plan: Plan, group: People, orders: Latent, chunk: int) -> Latent:
    """Return orders that persuadable customers place within a week of a message."""
    if not plan.settings.crm.every:
        return nothing()
    sends = plan.sends
    lot = uniforms(stream(plan.seed, "message", chunk), np.empty((len(sends), len(group))))
    kind, held = senders(plan, group, chunk)
    sent = sends[:, None] * float(DAY)
    alive = (group.arrival < sent) & (gone(group, orders) > sent) & (kind == PERSUADABLE) & ~held
    lift = 0.0 if plan.settings.found else plan.settings.crm.lift
    cell = np.flatnonzero(alive & (lot < lift))
    which, customer = np.divmod(cell, max(len(group), 1))
    fresh = stream(plan.seed, "message", chunk)
    place, channel = ahead(fresh, cell + lot.size), ahead(fresh, cell + 2 * lot.size)
    start = sends[which].astype(np.float64) * DAY + HOUR_SENT * HOUR
    end: Floats = np.minimum(start + 7 * DAY, plan.horizon)
    return plain(
        customer,
        keys("message", chunk, 1)[0] + cell,
        plan.clock.within(place, start, end),
        _again(plan, channel),
        plan.numbers("message")[which],
    )


def gone(group: People, orders: Latent) -> Floats:
    """Return when each customer left for good (infinity: not within the data)."""
    made = np.bincount(orders.customer, minlength=len(group))[: len(group)] - 1
    last = np.zeros(len(group))
    np.maximum.at(last, orders.customer, orders.time)
    return np.where(made >= group.leaves, last, np.inf)
