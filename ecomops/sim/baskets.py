"""What is in each possible order: lines, products, variants, quantities."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ecomops.sim import regions
from ecomops.sim.calendar import whole
from ecomops.sim.streams import Columns, spread, stream, uniforms

if TYPE_CHECKING:
    from ecomops.sim.latent import Latent
    from ecomops.sim.people import People
    from ecomops.sim.plan import Plan
    from ecomops.sim.streams import Bools, Floats, Ints

MOST = 6
MANY = (0.94, 0.99)


@dataclass(frozen=True)
class Lines(Columns):
    """Possible order lines; `order` is the position of the order, `halo` marks added lines.

    Product, variant and quantity are those without any intervention.
    """

    order: Ints
    rank: Ints
    product: Ints
    sku: Ints
    quantity: Ints
    halo: Bools

    @cached_property
    def ends(self) -> Ints:
        """The position of each order's last line; every order has one, and they are neighbours."""
        return np.flatnonzero(np.append(self.order[1:] != self.order[:-1], True))[: len(self)]


def join(parts: list[Lines], sizes: list[int]) -> Lines:
    """Return the lines of several blocks whose orders are laid one after the other."""
    starts = np.cumsum([0, *sizes[:-1]])
    first, *others = (
        replace(part, order=part.order + start) for part, start in zip(parts, starts, strict=True)
    )
    return first.joined(others)


def fill(plan: Plan, orders: Latent, people: People, process: str, chunk: int) -> Lines:
    """Return the lines of `orders`.

    The order's list amount is Gamma(p) around the customer's mean spend; it is split over the
    lines, and each line takes a product whose price is near its part, by season and appeal.
    """
    if not len(orders):
        return single(plan, orders.key, process, chunk)
    random = stream(plan.seed, f"baskets/{process}", chunk)
    c, o = plan.settings.customers, plan.settings.orders
    target = people.spend.take(orders.customer) * random.gamma(c.p, 1 / c.p, len(orders))
    more = o.lines * (target / c.spend) ** 0.8
    order, rank = spread(_counts(uniforms(random, np.empty((1, len(orders))))[0], more))
    chance, variant, some, tilt = uniforms(random, np.empty((4, len(order))))
    quantity = 1 + np.add(some >= MANY[0], some >= MANY[1], dtype=np.int64)
    part = np.exp(tilt - 0.5)
    part /= np.bincount(order, part, minlength=len(orders)).take(order)
    product = _product(plan, orders, order, chance, target.take(order) * part / quantity)
    if plan.settings.regions.longing:
        owner = orders.customer[order]
        who = people.key[owner], people.province[owner]
        product = regions.homeward(plan, who, orders.time[order], product, process, chunk)
    none = np.zeros(len(order), dtype=bool)
    lines = Lines(order, rank, product, _variant(plan, product, variant), quantity, none)
    return _with_halo(plan, orders, target, lines, process, chunk)


def _counts(uniform: Floats, more: Floats) -> Ints:
    """Return how many lines orders have: one and Poisson(more), `MOST` at most."""
    chance = below = np.exp(-more)
    count: Ints = 1 + (uniform > below)
    for number in range(1, MOST - 1):
        chance = chance * more / number
        below = below + chance
        count += uniform > below
    return count


def _product(plan: Plan, orders: Latent, order: Ints, chance: Floats, price: Floats) -> Ints:
    month = plan.catalogue.month(whole(np.minimum(orders.time, orders.moved).clip(0)))
    return plan.catalogue.choose(chance, month.take(order), price)


def _variant(plan: Plan, product: Ints, uniform: Floats) -> Ints:
    goods = plan.catalogue
    place = (uniform**1.4 * goods.variants.take(product)).astype(np.int64)
    sku: Ints = goods.sku_first.take(product) + place
    return sku


def _with_halo(
    plan: Plan, orders: Latent, target: Floats, lines: Lines, process: str, chunk: int
) -> Lines:
    """Return `lines` and, last in their orders, the lines that a promotion's halo may add."""
    most = max((p.halo for p in plan.settings.promotions), default=0.0)
    if not most:
        return lines
    random = stream(plan.seed, f"halo/{process}", chunk)
    lot, chance, variant, part = random.random((4, len(orders)))
    order = np.flatnonzero(lot < most)
    size = np.bincount(lines.order, minlength=len(orders))[order]
    price = target[order] * (0.2 + 0.4 * part[order])
    product = _product(plan, orders, order, chance[order], price)
    one, yes = np.ones(len(order), dtype=np.int64), np.ones(len(order), dtype=bool)
    added = Lines(order, size, product, _variant(plan, product, variant[order]), one, yes)
    both = join([lines, added], [0, 0])
    return both.take(np.lexsort((both.rank, both.order)))


def single(plan: Plan, product: Ints, process: str, chunk: int) -> Lines:
    """Return one line per order, of the given product."""
    variant = stream(plan.seed, f"baskets/{process}", chunk).random(len(product))
    order: Ints = np.arange(len(product))
    one = np.ones(len(product), dtype=np.int64)
    none = np.zeros(len(product), dtype=bool)
    return Lines(order, one - 1, product, _variant(plan, product, variant), one, none)


def totals(lines: Lines, values: Ints | Bools) -> Ints:
    """Return the sum over each order's lines."""
    return np.diff(np.cumsum(values, dtype=np.int64).take(lines.ends), prepend=0)


def share_out(lines: Lines, amount: Ints, weight: Ints) -> Ints:
    """Return `amount` of each order split over its lines by `weight`, exact to the cent.

    Cumulative amounts are rounded down and differenced, so that parts always add up; lines of
    weight 0 get nothing.

    >>> one = np.zeros(3, dtype=np.int64)
    >>> share_out(Lines(one, one, one, one, one, one > 0), one[:1] + 100, one + 1).tolist()
    [33, 33, 34]
    """
    running, first = np.cumsum(weight), np.append(0, lines.ends[:-1] + 1)[: len(lines)]
    after = running.take(lines.ends)
    before = np.append(0, after[:-1])[: len(after)]
    rest, total = running - before.take(lines.order), (after - before).clip(1)
    reached = amount.take(lines.order) * rest // total.take(lines.order)
    parts: Ints = np.diff(reached, prepend=0)
    parts[first] = reached.take(first)
    return parts
