"""What is in each possible order: lines, products, variants, quantities."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from ecomops.sim import regions
from ecomops.sim.calendar import whole
from ecomops.sim.streams import spread, stream

if TYPE_CHECKING:
    from ecomops.sim.latent import Latent
    from ecomops.sim.people import People
    from ecomops.sim.plan import Plan
    from ecomops.sim.streams import Bools, Floats, Ints

MOST = 6
MANY = (0.94, 0.99)


@dataclass(frozen=True)
class Lines:
    """Possible order lines; `order` is the position of the order, `halo` marks added lines.

    Product, variant and quantity are those without any intervention.
    """

    order: Ints
    rank: Ints
    product: Ints
    sku: Ints
    quantity: Ints
    halo: Bools

    def __len__(self) -> int:
        return len(self.order)

    def take(self, rows: Ints) -> Lines:
        """Return the lines at `rows`."""
        return Lines(**{f.name: getattr(self, f.name)[rows] for f in fields(Lines)})


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
    target = people.spend.take(orders.customer) * random.gamma(c.p, 1 / c.p, len(orders))
    wanted = 1 + random.poisson(o.lines * (target / c.spend) ** 0.8)
    order, rank = spread(np.minimum(wanted, MOST))
    chance, variant, some, tilt = random.random((4, len(order)))
    quantity = 1 + (some >= MANY[0]).astype(np.int64) + (some >= MANY[1])
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


def _product(plan: Plan, orders: Latent, order: Ints, chance: Floats, price: Floats) -> Ints:
    day = whole(np.minimum(orders.time, orders.moved).clip(0)).take(order)
    return plan.catalogue.choose(chance, day, price)


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


def totals(order: Ints, values: Ints | Bools, orders: int) -> Ints:
    """Return the sum over each order's lines."""
    sums: Ints = np.bincount(order, values, minlength=orders).astype(np.int64)
    return sums


def share_out(order: Ints, amount: Ints, weight: Ints) -> Ints:
    """Return `amount` of each order split over its lines by `weight`, exact to the cent.

    Cumulative amounts are rounded down and differenced, so that parts always add up. Lines of
    one order must be neighbours; lines of weight 0 get nothing.

    >>> share_out(np.zeros(3, dtype=np.int64), np.array([100]), np.array([1, 1, 1])).tolist()
    [33, 33, 34]
    """
    if not len(order):
        return np.empty(0, dtype=np.int64)
    begins = np.append(True, order[1:] != order[:-1])
    running = np.cumsum(weight)
    before = (running - weight)[begins]
    position = np.cumsum(begins) - 1
    total = np.diff(np.append(before, running[-1:])).take(position)
    reached = amount.take(order) * (running - before.take(position)) // np.maximum(total, 1)
    parts: Ints = np.where(begins, reached, np.diff(reached, prepend=0))
    return parts
