"""Stock-outs: days on which a product cannot be had, and what buyers take instead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ecomops.sim.streams import stream

if TYPE_CHECKING:
    from ecomops.sim.catalogue import Catalogue
    from ecomops.sim.settings import Stock
    from ecomops.sim.streams import Bools, Ints


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
