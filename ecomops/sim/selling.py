"""The orders of one world: which exist, when, what is in them and what was paid, in cents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ecomops.sim import baskets, discounts
from ecomops.sim.calendar import HOUR, whole
from ecomops.sim.plan import NOBODY
from ecomops.sim.prices import FULL

if TYPE_CHECKING:
    from ecomops.sim.chunk import Chunk
    from ecomops.sim.plan import Plan
    from ecomops.sim.streams import Bools, Floats, Ints

PAY_SECONDS = 1800.0


@dataclass(frozen=True)
class Sale:
    """Possible orders and lines as they are in one world.

    Arrays have one entry per possible order; those from `line_on` on one per possible line.
    Money is in cents. `promo` is the position of the promotion whose rules apply (-1: none);
    `paid` is 0 for orders that exist and are not paid.
    """

    exists: Bools
    created: Floats
    paid_at: Floats
    promo: Ints
    listed: Ints
    pieces: Ints
    off: discounts.Off
    shipping: Ints
    paid: Ints
    unpaid: Bools
    line_on: Bools
    product: Ints
    sku: Ints
    price: Ints


def sell(plan: Plan, part: Chunk) -> Sale:
    """Return what becomes of the possible orders of `part` under what is switched on."""
    orders, people, lines = part.orders, part.people, part.lines
    delay = np.clip(8 - 150 * np.log1p(-part.draws(plan, "paying", 1)[0]), 0, PAY_SECONDS)
    exists = plan.has(people.cause.take(orders.customer)) & plan.has(orders.requires)
    exists &= ~plan.hit(orders.blocked)
    created = np.floor(np.where(plan.has(orders.mover), orders.moved, orders.time))
    paid_at = np.floor(created + delay)
    promo = promotion_at(plan, created)
    line_on, product, sku = _goods(plan, part, created, promo)
    price = _price(plan, product, created, lines.order)
    listed = baskets.totals(lines, price * lines.quantity * line_on)
    pieces = baskets.totals(lines, lines.quantity * line_on)
    off = discounts.apply(plan, listed, pieces, promo, people.thrift.take(orders.customer))
    goods = listed - off.total
    o = plan.settings.orders
    shipping = o.shipping * (goods < o.free_shipping)
    unpaid = orders.unpaid | _outage(plan, created)
    exists &= (paid_at < plan.horizon) & (pieces > 0)
    paid = (goods + shipping) * ~unpaid
    return Sale(
        exists, created, paid_at, promo, listed, pieces, off, shipping, paid, unpaid, line_on,
        product, sku, price,
    )  # fmt: skip


def promotion_at(plan: Plan, seconds: Floats) -> Ints:
    """Return the position of the promotion that is on at each moment, -1 where none is."""
    by_hour = np.full(plan.days * 24 + 1, NOBODY)
    for position, promo in enumerate(plan.settings.promotions):
        if plan.on(promo.key):
            low, high = np.clip(plan.window(promo.day, promo.first, promo.last), 0, plan.horizon)
            by_hour[int(low) // HOUR : int(high) // HOUR] = position
    hour = whole(seconds, HOUR).clip(0, len(by_hour) - 1)
    found: Ints = by_hour.take(hour)
    return found


def _outage(plan: Plan, created: Floats) -> Bools:
    """Return which orders fall into a payment outage and stay unpaid."""
    down = np.zeros(len(created), dtype=bool)
    for incident in plan.settings.incidents:
        if incident.kind == "payment" and plan.on(incident.key):
            low, high = plan.outage(incident)
            down |= (created >= low) & (created < high)
    return down


def _day(plan: Plan, seconds: Floats) -> Ints:
    return whole(seconds).clip(0, plan.days - 1)


def _goods(plan: Plan, part: Chunk, created: Floats, promo: Ints) -> tuple[Bools, Ints, Ints]:
    """Return which lines exist and which product and variant each has, after all effects."""
    lines = part.lines
    product = lines.product
    on = ~lines.halo | _halo(plan, part, promo)
    if len(plan.prices.product) + len(plan.stock.product):
        day = _day(plan, created).take(lines.order)
    if len(plan.prices.product):
        product = _switched_by_price(plan, part, product, day)
        on &= ~_too_dear(plan, part, product, day)
    if any(p.switched for p in plan.settings.promotions):
        product = _switched_by_promo(plan, part, product, promo)
    if len(plan.stock.product):
        product, missing = _out_of_stock(plan, part, product, day)
        on &= ~missing
    if product is lines.product:
        return on, product, lines.sku
    same = product == lines.product
    return on, product, np.where(same, lines.sku, plan.catalogue.sku_first[product])


def _halo(plan: Plan, part: Chunk, promo: Ints) -> Bools:
    """Return which added lines are there: those of orders in a promotion with enough halo."""
    most = max((p.halo for p in plan.settings.promotions), default=0.0)
    if not most:
        return np.zeros(len(part.lines), dtype=bool)
    chance = np.array([*(p.halo / most for p in plan.settings.promotions), 0.0])
    lot = part.draws(plan, "added", 1, lines=True)[0]
    added: Bools = lot < chance[promo[part.lines.order]]
    return added


def _switched_by_promo(plan: Plan, part: Chunk, product: Ints, promo: Ints) -> Ints:
    """Return products after buyers went over to the promoted one of the category."""
    chance = np.array([*(p.switched for p in plan.settings.promotions), 0.0])
    goods = plan.catalogue
    staples = goods.staples()[::-1]
    hero = np.full(goods.category.max() + 1, NOBODY)
    hero[goods.category[staples]] = staples
    promoted = hero[goods.category[product]]
    lot = part.draws(plan, "switched", 1, lines=True)[0]
    goes = (lot < chance[promo[part.lines.order]]) & (promoted != NOBODY)
    return np.where(goes, promoted, product)


def _switched_by_price(plan: Plan, part: Chunk, product: Ints, day: Ints) -> Ints:
    """Return products after buyers went over to a rival in the category whose price fell."""
    share = plan.settings.prices.cross
    if not share:
        return product
    lot = part.draws(plan, "rivals", 1, lines=True)[0]
    rival = plan.stock.rival[product]
    slot = plan.prices.slot[rival]
    here = (slot != NOBODY) & plan.has(np.append(plan.numbers("price"), NOBODY)[slot])
    gain = np.append(plan.prices.response(), np.ones((1, plan.days)), axis=0)[slot, day] - 1
    return np.where(here & (lot < share * np.maximum(gain, 0)), rival, product)


def _too_dear(plan: Plan, part: Chunk, product: Ints, day: Ints) -> Bools:
    """Return the lines that a raised price prevents."""
    slot = plan.prices.slot[product]
    here = (slot != NOBODY) & plan.has(np.append(plan.numbers("price"), NOBODY)[slot])
    stays = np.append(plan.prices.response(), np.ones((1, plan.days)), axis=0)[slot, day]
    lot = part.draws(plan, "dear", 1, lines=True)[0]
    prevented: Bools = here & (lot > stays)
    return prevented


def _out_of_stock(plan: Plan, part: Chunk, product: Ints, day: Ints) -> tuple[Ints, Bools]:
    """Return products after substitution, and the lines that a stock-out prevents."""
    present = plan.present[plan.numbers("stockout")]
    out = plan.stock.out(plan.days, len(plan.catalogue.price), present)
    gone = out[product, day] != NOBODY
    rival = plan.stock.rival[product]
    lot = part.draws(plan, "substitutes", 1, lines=True)[0]
    takes = gone & (lot < plan.settings.stock.substitute) & (out[rival, day] == NOBODY)
    return np.where(takes, rival, product), gone & ~takes


def _price(plan: Plan, product: Ints, created: Floats, order: Ints) -> Ints:
    """Return the price of each line in cents: the list price times the day's factor."""
    base = plan.catalogue.price.take(product)
    if not len(plan.prices.product):
        return base
    slot = plan.prices.slot[product]
    here = (slot != NOBODY) & plan.has(np.append(plan.numbers("price"), NOBODY)[slot])
    factor = plan.prices.factor[slot, _day(plan, created).take(order)]
    return np.where(here, base * factor // FULL, base)
