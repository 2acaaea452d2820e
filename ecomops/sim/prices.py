"""Price changes of single products and how demand answers: own and cross elasticity.

Demand at factor f of the list price is f^elasticity times demand at the list price. A higher
price blocks lines with the matching chance; a lower one adds orders that are clones of ordinary
ones, so the response is exactly multiplicative whatever the season.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ecomops.sim.streams import stream

if TYPE_CHECKING:
    from ecomops.sim.catalogue import Catalogue
    from ecomops.sim.settings import Prices
    from ecomops.sim.streams import Floats, Ints

FULL = 1000
CALM = 30


@dataclass(frozen=True)
class PricePlan:
    """Which products change price and when.

    `factor` is (priced product, day) in thousandths of the list price; `slot` maps a product of
    the catalogue to its row, -1 where its price never changes.
    """

    product: Ints
    elasticity: Floats
    factor: Ints
    slot: Ints

    def response(self) -> Floats:
        """Return demand relative to the list price, by (priced product, day)."""
        relative: Floats = (self.factor / FULL) ** self.elasticity[:, None]
        return relative


def price_plan(settings: Prices, goods: Catalogue, days: int, seed: int) -> PricePlan:
    """Return the price plan of a design; the products are the most wanted ones."""
    count = settings.products if settings.design != "none" else 0
    random = stream(seed, "prices")
    product = np.sort(np.argsort(-goods.appeal, kind="stable")[:count])
    slot = np.full(len(goods.price), -1)
    slot[product] = np.arange(len(product))
    elasticity = settings.elasticity + settings.spread * random.standard_normal(len(product))
    lot = random.random((len(product), days // settings.cell + 1))
    if settings.design == "endogenous":
        factor = _endogenous(settings, goods, product, days, lot)
    elif settings.design == "markdown":
        factor = _markdown(settings, days, lot)
    else:
        choices = np.array(settings.factors)
        factor = choices[(lot * len(choices)).astype(np.int64)]
        factor = np.repeat(factor, settings.cell, axis=1)[:, :days]
    return PricePlan(product, elasticity.clip(-6, -0.2), factor, slot)


def _endogenous(settings: Prices, goods: Catalogue, product: Ints, days: int, lot: Floats) -> Ints:
    """Return factors that rise with the product's own demand shock of the month, and noise."""
    month = (np.arange(days) // CALM).clip(max=goods.months - 1)
    shock = goods.shock[product][:, month]
    noise = np.repeat(lot, settings.cell, axis=1)[:, :days] - 0.5
    factor = FULL * np.exp(settings.rho * shock + 0.1 * noise)
    rounded: Ints = np.rint(factor.clip(600, 1600)).astype(np.int64)
    return rounded


def _markdown(settings: Prices, days: int, lot: Floats) -> Ints:
    """Return one planned cut per product: a first day by lot, then the first factor for good."""
    first = (30 + lot[:, :1] * max(days - 60, 1)).astype(np.int64)
    return np.where(np.arange(days) >= first, settings.factors[0], FULL)


def best_factor(elasticity: Floats, price: Ints, cost: Ints) -> Floats:
    """Return the factor of the list price that earns most: c·e/(1+e) over the price.

    Constant elasticity below -1 gives the mark-up rule (Lerner 1934); others have no best price.

    >>> best_factor(np.array([-2.0]), np.array([100]), np.array([40])).tolist()
    [0.8]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        best: Floats = np.where(
            elasticity < -1, cost * elasticity / (1 + elasticity) / price, np.nan
        )
    return best
