"""Customers: when they arrive, how often they buy, how much they spend, when they leave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammaincinv, ndtr

from ecomops.sim.plan import NOBODY
from ecomops.sim.presets import facts
from ecomops.sim.streams import Columns, pick, spread, stream, uniforms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator

    from ecomops.sim.plan import Plan
    from ecomops.sim.streams import Bools, Floats, Ints

PROVINCES: Sequence[tuple[str, str, float]] = facts("people")["provinces"]
GROUPS = ("people", "panel", "price", "experiment", "live", "referral")


@dataclass(frozen=True)
class People(Columns):
    """Customers of one chunk; arrays have one entry per customer.

    `arrival` is in seconds, `rate` in orders per operational day, `leaves` the number of repeat
    orders after which the customer is gone, `life` the operational days until then (infinite
    under BG/NBD), `spend` mean cents per order at list prices, `cause` the intervention without
    which the customer would not have come (-1: none).
    """

    key: Ints
    arrival: Floats
    rate: Floats
    drop: Floats
    leaves: Ints
    life: Floats
    spend: Floats
    thrift: Floats
    source: Ints
    cause: Ints
    guest: Bools
    province: Ints
    woman: Bools


def arrivals(plan: Plan, chunk: int, count: int) -> People:
    """Return the `count` customers of a chunk; causes are drawn by the planted shares."""
    random = stream(plan.seed, "arrivals", chunk)
    lot, moment = uniforms(random, np.empty((2, count)))
    shares, windows, numbers = _causes(plan)
    cause = pick(lot, shares)
    low, high = plan.arrivals.operational(windows).T
    arrival = plan.arrivals.seconds(low.take(cause) + moment * (high - low).take(cause))
    for position, clock in plan.paced.items():
        his = numbers[cause] == plan.index[plan.settings.channels[position].key]
        arrival[his] = clock.seconds(moment[his] * clock.tau[-1])
    return people(plan, "people", chunk, arrival, numbers[cause])


def _causes(plan: Plan) -> tuple[Floats, Floats, Ints]:
    """Return shares, arrival windows and intervention numbers; the first entry is "none".

    Of a promotion that lies partly outside the data only that part brings customers.
    """
    whole = (0.0, plan.horizon)
    rows = [(c.caused, whole, plan.index[c.key]) for c in plan.settings.channels if c.paid]
    rows += [
        (p.arrivals, plan.window(p.day, p.first, p.last), plan.index[p.key])
        for p in plan.settings.promotions
    ]
    columns = zip((1.0, whole, NOBODY), *rows, strict=True)
    shares, windows, numbers = (np.array(column) for column in columns)
    inside = windows.clip(0, plan.horizon)
    shares *= np.ptp(inside, axis=1) / np.ptp(windows, axis=1)
    shares[0] -= sum(shares[1:])
    return shares, inside, numbers


def people(plan: Plan, process: str, chunk: int, arrival: Floats, cause: Ints) -> People:
    """Return customers with given arrival times and causes, their latents drawn."""
    random = stream(plan.seed, process, chunk)
    n, c = len(arrival), plan.settings.customers
    rate, spend = _latents(plan, random, n)
    drop = random.beta(c.a, c.b, n).clip(1e-9, 1 - 1e-9)
    leaves = np.ceil(np.log1p(-random.random(n)) / np.log1p(-drop)).clip(1, 10**6)
    thrift, lot, guest, place, sex = uniforms(random, np.empty((5, n)))
    life = np.full(n, np.inf)
    if c.death == "pareto":
        leaves[:] = 10**6
        life = random.standard_exponential(n) / random.gamma(c.s, 1 / c.beta, n)
    return People(
        key=((chunk * 8 + GROUPS.index(process)) << 20) + np.arange(n),
        arrival=arrival,
        rate=rate,
        drop=drop,
        leaves=leaves.astype(np.int64),
        life=life,
        spend=spend,
        thrift=thrift,
        source=_source(plan, lot, cause),
        cause=cause,
        guest=guest < c.guests,
        province=pick(place, np.array([weight for *_, weight in PROVINCES])),
        woman=sex < 0.86,  # noqa: PLR2004 - the share of women among clothing buyers
    )


def _latents(plan: Plan, random: Generator, n: int) -> tuple[Floats, Floats]:
    """Return purchase rates and mean spends, coupled by a Gaussian copula when asked for."""
    c = plan.settings.customers
    if not c.correlation:
        rate = random.gamma(c.r, 1 / c.alpha, n)
        return rate, c.spend * (c.q - 1) / random.gamma(c.q, 1.0, n)
    first, second = random.standard_normal((2, n))
    mixed = c.correlation * first + np.sqrt(1 - c.correlation**2) * second
    rate = gammaincinv(c.r, ndtr(first)) / c.alpha
    return rate, c.spend * (c.q - 1) / gammaincinv(c.q, ndtr(-mixed))


def _source(plan: Plan, lot: Floats, cause: Ints) -> Ints:
    """Return the channel that brought each customer: the causing one, or one from the mix."""
    channels = plan.settings.channels
    mix = pick(lot, np.array([c.mix for c in channels]))
    number = {c.key: i for i, c in enumerate(channels)}
    table = np.array([number.get(key, NOBODY) for key in plan.interventions] + [NOBODY])
    return np.where(table[cause] == NOBODY, mix, table[cause])


def repeats(plan: Plan, group: People, process: str, chunk: int) -> tuple[Ints, Floats]:
    """Return (customer, seconds) of all repeat orders up to the end of the data.

    A Poisson process in operational time that stops when the customer leaves: BG/NBD (Fader,
    Hardie & Lee 2005) or Pareto/NBD (Schmittlein, Morrison & Colombo 1987). Rows are
    sorted by customer and time; guests have none.
    """
    random = stream(plan.seed, f"repeats/{process}", chunk)
    start = plan.clock.operational(group.arrival)
    length = np.minimum(plan.clock.tau[-1] - start, group.life)
    counts = random.poisson(group.rate * length)
    owner, rank = spread(counts)
    place = np.sort(owner + random.random(len(owner)), kind="stable") - owner  # nearly in order
    kept = np.flatnonzero((rank < group.leaves.take(owner)) & ~group.guest.take(owner))
    owner, place = owner.take(kept), place.take(kept)
    return owner, plan.clock.seconds(start.take(owner) + place * length.take(owner))
