"""What is in each possible order: lines, products, variants, quantities."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from ecomops.sim.calendar import DAY
from ecomops.sim.streams import spread, stream

if TYPE_CHECKING:
    from ecomops.sim.latent import Latent
    from ecomops.sim.people import People
    from ecomops.sim.plan import Plan
    from ecomops.sim.streams import Floats, Ints

MOST = 6
MANY = (0.94, 0.99)


@dataclass(frozen=True)
class Lines:
    """Order lines; `order` is the position of the order, `price` the list price in cents."""

    order: Ints
    rank: Ints
    product: Ints
    sku: Ints
    quantity: Ints
    price: Ints

    def __len__(self) -> int:
        return len(self.order)


def join(parts: list[Lines], sizes: list[int]) -> Lines:
    """Return the lines of several blocks whose orders are laid one after the other."""
    starts = np.cumsum([0, *sizes[:-1]])
    columns = {f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Lines)}
    columns["order"] = np.concatenate([p.order + s for p, s in zip(parts, starts, strict=True)])
    return Lines(**columns)


def fill(plan: Plan, orders: Latent, people: People, process: str, chunk: int) -> Lines:
    """Return the lines of `orders`.

    The order's list amount is Gamma(p) around the customer's mean spend; it is split over the
    lines, and each line takes a product whose price is near its part, by season and appeal.
    """
    random = stream(plan.seed, f"baskets/{process}", chunk)
    c, o = plan.settings.customers, plan.settings.orders
    target = people.spend[orders.customer] * random.gamma(c.p, 1 / c.p, len(orders))
    wanted = 1 + random.poisson(o.lines * (target / c.spend) ** 0.8)
    order, rank = spread(wanted.clip(1, MOST))
    chance, variant, some, tilt = random.random((4, len(order)))
    quantity = 1 + np.searchsorted(np.array(MANY), some, side="right")
    part = np.exp(tilt - 0.5)
    part /= np.bincount(order, part, minlength=len(orders))[order]
    day = np.minimum(orders.time, orders.moved)[order] // DAY
    goods = plan.catalogue
    product = goods.choose(chance, day.astype(np.int64).clip(0), target[order] * part / quantity)
    sku = goods.sku_first[product] + (variant**1.4 * goods.variants[product]).astype(np.int64)
    return Lines(order, rank, product, sku, quantity, goods.price[product])


def totals(lines: Lines, values: Ints, orders: int) -> Ints:
    """Return the sum over each order's lines."""
    return np.bincount(lines.order, values, minlength=orders).astype(np.int64)


def share_out(lines: Lines, amount: Ints, weight: Ints) -> Ints:
    """Return `amount` of each order split over its lines by `weight`, exact to the cent.

    Cumulative amounts are rounded down and differenced, so that parts always add up.

    >>> one = np.zeros(3, dtype=np.int64)
    >>> lines = Lines(one, np.arange(3), one, one, one, one)
    >>> share_out(lines, np.array([100]), np.array([1, 1, 1])).tolist()
    [33, 33, 34]
    """
    running = np.cumsum(weight)
    begins = lines.rank == 0
    before = (running - weight)[begins]
    position = np.cumsum(begins) - 1
    within = running - before[position]
    total = np.diff(np.append(before, running[-1:]))[position]
    reached = amount[lines.order] * within // np.maximum(total, 1)
    return np.diff(reached, prepend=0) * ~begins + reached * begins


def moments(orders: Latent, on: Floats) -> Floats:
    """Return the time of each order: moved where `on`."""
    return np.where(on, orders.moved, orders.time)
