"""Stock-outs: days on which a product cannot be had, and what buyers do then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ecomops.sim import arrow, ids
from ecomops.sim.calendar import DAY
from ecomops.sim.streams import stream

if TYPE_CHECKING:
    from ecomops.sim.catalogue import Catalogue
    from ecomops.sim.plan import Plan
    from ecomops.sim.settings import Stock
    from ecomops.sim.streams import Bools, Ints

COVER = 28


@dataclass(frozen=True)
class StockPlan:
    """Spells without stock: product, first day, day after the last; substitutes by product."""

    product: Ints
    first: Ints
    last: Ints
    rival: Ints

    def out(self, days: int, products: int, present: Bools) -> Ints:
        """Return the spell that empties each (product, day), -1 where there is stock."""
        table = np.full((products, days), -1, dtype=np.int64)
        for spell in np.flatnonzero(present):
            table[self.product[spell], self.first[spell] : self.last[spell]] = spell
        return table


def stock_plan(settings: Stock, goods: Catalogue, days: int, seed: int) -> StockPlan:
    """Return the spells: the most wanted products run out most often."""
    random = stream(seed, "stock")
    count = settings.products * settings.spells
    wanted = np.argsort(-goods.appeal, kind="stable")[: settings.products]
    product = np.repeat(wanted, settings.spells)
    lot = random.random(count)
    part = max(days // max(settings.spells, 1), settings.days + 2)
    turn = np.tile(np.arange(settings.spells), settings.products)
    first = (turn * part + lot * (part - settings.days - 1)).astype(np.int64)
    return StockPlan(product, first, np.minimum(first + settings.days, days), _rivals(goods))


def _rivals(goods: Catalogue) -> Ints:
    """Return each product's rival: the staple of its category that is nearest in price.

    A product without one is its own rival: buyers who cannot have it go away.
    """
    rival: Ints = np.arange(len(goods.price))
    staples = goods.staples()
    for kind in np.unique(goods.category):
        mine = np.flatnonzero(goods.category == kind)
        offers = staples[goods.category[staples] == kind]
        if len(offers) > 1:
            far = np.abs(goods.price[mine][:, None] - goods.price[offers]).astype(np.float64)
            far[mine[:, None] == offers] = np.inf
            rival[mine] = offers[far.argmin(axis=1)]
    return rival


def snapshots(plan: Plan, sold: Ints) -> pa.Table:
    """Return the canonical table `inventory_snapshots` of (product, day) sales, by week.

    Stock is delivered every four weeks to cover what will be sold, so it is never negative, and
    is zero in spells without stock. One row per product that was ever sold and day (Mondays).
    """
    products, days = sold.shape
    blocks = -(-days // COVER)
    padded = np.zeros((products, blocks * COVER), dtype=np.int64)
    padded[:, :days] = sold
    ahead = padded.reshape(products, blocks, COVER)
    left = ahead[:, :, ::-1].cumsum(axis=2)[:, :, ::-1] + (3 + ahead.sum(axis=2) // 8)[:, :, None]
    on_hand = left.reshape(products, -1)[:, :days]
    empty = plan.stock.out(days, products, plan.present[plan.numbers("stockout")]) >= 0
    on_hand = np.where(empty, 0, on_hand)
    shown = np.arange(0, days, 7)
    alive = np.flatnonzero(sold.sum(axis=1) > 0)
    goods = plan.catalogue
    row = np.repeat(alive, len(shown))
    day = np.tile(shown, len(alive))
    return pa.table({
        "date": arrow.dates(day, plan.epoch),
        "sku_id": ids.skus(goods.sku_first[row]),
        "warehouse_id": arrow.constant("W1", len(row)),
        "on_hand": pa.array(on_hand[row, day]),
        "unit_cost": arrow.money(goods.cost[row]),
        "outbound_qty": pa.array(sold[row, day]),
    })  # fmt: skip


def spell_seconds(plan: Plan) -> tuple[Ints, Ints]:
    """Return when each spell begins and ends, in seconds since the start."""
    return plan.stock.first * DAY, plan.stock.last * DAY
