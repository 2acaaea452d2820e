"""The orders of one world: which exist, when, and what was paid, in integer cents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ecomops.sim import baskets
from ecomops.sim.calendar import HOUR
from ecomops.sim.plan import NOBODY

if TYPE_CHECKING:
    from ecomops.sim.chunk import Chunk
    from ecomops.sim.plan import Plan
    from ecomops.sim.streams import Bools, Floats, Ints

PAY_SECONDS = 1800.0


@dataclass(frozen=True)
class Sale:
    """Possible orders as they are in one world; arrays have one entry per possible order.

    Money is in cents. `promo` is the position of the promotion whose price applies (-1: none);
    `paid` is 0 for orders that exist and are not paid.
    """

    exists: Bools
    created: Floats
    paid_at: Floats
    promo: Ints
    listed: Ints
    shop_discount: Ints
    platform_discount: Ints
    shipping: Ints
    paid: Ints
    unpaid: Bools


def sell(plan: Plan, part: Chunk) -> Sale:
    """Return what becomes of the possible orders of `part` under what is switched on."""
    orders, people = part.orders, part.people
    delay = (8 - 150 * np.log1p(-part.draws(plan, "paying", 1)[0])).clip(0, PAY_SECONDS)
    exists = plan.present[people.cause[orders.customer]] & plan.present[orders.requires]
    moves = (orders.mover != NOBODY) & plan.present[orders.mover]
    created = np.floor(baskets.moments(orders, moves))
    paid_at = np.floor(created + delay)
    listed = baskets.totals(part.lines, part.lines.price * part.lines.quantity, len(orders))
    promo = promotion_at(plan, created)
    shop, platform = discounts(plan, listed, promo, people.thrift[orders.customer])
    goods = listed - shop - platform
    o = plan.settings.orders
    shipping = np.where(goods < o.free_shipping, o.shipping, 0)
    return Sale(
        exists=exists & (paid_at < plan.horizon),
        created=created,
        paid_at=paid_at,
        promo=promo,
        listed=listed,
        shop_discount=shop,
        platform_discount=platform,
        shipping=shipping,
        paid=np.where(orders.unpaid, 0, goods + shipping),
        unpaid=orders.unpaid,
    )


def promotion_at(plan: Plan, seconds: Floats) -> Ints:
    """Return the position of the promotion that is on at each moment, -1 where none is."""
    by_hour = np.full(plan.days * 24 + 1, NOBODY)
    for position, promo in enumerate(plan.settings.promotions):
        if plan.present[plan.number(promo.key)]:
            low, high = np.clip(plan.window(promo.day, promo.first, promo.last), 0, plan.horizon)
            by_hour[int(low) // HOUR : int(high) // HOUR] = position
    return by_hour[(seconds // HOUR).astype(np.int64).clip(0, len(by_hour) - 1)]


def discounts(plan: Plan, listed: Ints, promo: Ints, thrift: Floats) -> tuple[Ints, Ints]:
    """Return (shop's, platform's) discount in cents; coupons count outside promotions only."""
    promos, o = plan.settings.promotions, plan.settings.orders
    rate = np.array([*(round(p.discount * 1000) for p in promos), 0])[promo]
    least = np.array([*(p.platform_min for p in promos), 0])[promo]
    off = np.array([*(p.platform_off for p in promos), 0])[promo]
    coupon = (promo == NOBODY) & (thrift < o.coupon) & (listed >= o.coupon_min)
    shop = listed * rate // 1000 + np.where(coupon, o.coupon_off, 0)
    times = np.minimum((listed - shop) // np.maximum(least, 1), 3) * (least > 0)
    return shop, times * off
