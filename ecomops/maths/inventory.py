"""How much to order and when: newsvendor, lot sizes, reorder points, markdown paths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.integrate import quad
from scipy.stats import norm, poisson

from ecomops.base.checks import between
from ecomops.maths.arrays import Floats, floats
from ecomops.maths.information import unit_loss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

NEARLY_ALL = 1 - 1e-13


@dataclass(frozen=True)
class Policy:
    """Order `quantity` when the position falls to `reorder_point`; `cost` per period."""

    quantity: float
    cost: float
    reorder_point: float = 0.0


def shortfall(demand: Any, level: float) -> float:
    """Return the expected demand above `level`, E(D - y)+, of a frozen scipy distribution.

    Zipkin (2000), Foundations of Inventory Management, C.3: the tail summed or integrated.

    >>> print(f"{shortfall(poisson(50), 56):.6f}")
    0.815040
    """
    if hasattr(demand.dist, "pmf"):
        whole = np.ceil(level)
        above = np.arange(whole, demand.ppf(NEARLY_ALL) + 1)
        return float(demand.sf(above).sum() + (whole - level) * demand.sf(np.floor(level)))
    return float(quad(demand.sf, level, demand.ppf(NEARLY_ALL), limit=200, epsabs=1e-11)[0])


def newsvendor(overage: float, underage: float, demand: Any) -> Policy:
    """Return the best quantity for one selling season and its expected cost.

    `overage` is lost on each piece left over, `underage` on each piece short; `demand` is a frozen
    scipy distribution, continuous or of whole pieces. Arrow, Harris and Marschak (1951): the
    quantile at underage / (underage + overage).

    >>> print(newsvendor(1, 4, poisson(6)).quantity)
    8.0
    """
    quantity = float(demand.ppf(underage / (underage + overage)))
    short = shortfall(demand, quantity)
    left = quantity - float(demand.mean()) + short
    return Policy(quantity, overage * left + underage * short)


def newsvendor_draws(overage: float, underage: float, draws: ArrayLike) -> Policy:
    """Return the best quantity against forecast draws of shape (n,) and its mean cost.

    >>> print(newsvendor_draws(1, 3, [10, 20, 30, 40]).quantity)
    30.0
    """
    demand = np.sort(floats(draws))
    quantity = float(np.quantile(demand, underage / (underage + overage), method="inverted_cdf"))
    left, short = np.maximum(quantity - demand, 0), np.maximum(demand - quantity, 0)
    return Policy(quantity, float(np.mean(overage * left + underage * short)))


def eoq(fixed_cost: float, holding_cost: float, demand: float) -> Policy:
    """Return the economic order quantity of steady demand and its cost per period.

    `fixed_cost` per order, `holding_cost` per piece and period, `demand` per period. Harris (1913).

    >>> print(round(eoq(8, 0.225, 1300).quantity, 3))
    304.047
    """
    quantity = float(np.sqrt(2 * fixed_cost * demand / holding_cost))
    return Policy(quantity, float(np.sqrt(2 * fixed_cost * holding_cost * demand)))


@dataclass(frozen=True)
class Supply:
    """Costs and normal demand of one item: `mean` and `sd` per period, `lead_time` in periods."""

    fixed_cost: float
    holding_cost: float
    stockout_cost: float
    mean: float
    sd: float
    lead_time: float

    @property
    def during(self) -> Any:
        """The demand during the lead time, a frozen distribution."""
        return norm(self.mean * self.lead_time, self.sd * np.sqrt(self.lead_time))


def reorder_simple(supply: Supply) -> Policy:
    """Return lot size by `eoq` and reorder point by the newsvendor's safety stock.

    Snyder and Shen (2019), Fundamentals of Supply Chain Theory, section 5.3.

    >>> print(round(reorder_simple(Supply(8, 0.225, 7.5, 1300, 150, 1 / 12)).reorder_point, 3))
    190.337
    """
    lot = eoq(supply.fixed_cost, supply.holding_cost, supply.mean).quantity
    ratio = supply.stockout_cost / (supply.stockout_cost + supply.holding_cost)
    point = float(supply.during.ppf(ratio))
    return Policy(lot, _cost(supply, point, lot), point)


def _loss(supply: Supply, point: float) -> float:
    during = supply.during
    return float(during.std() * unit_loss((point - during.mean()) / during.std()))


def _cost(supply: Supply, point: float, lot: float) -> float:
    stock = point - supply.mean * supply.lead_time + lot / 2
    short = supply.stockout_cost * _loss(supply, point) + supply.fixed_cost
    return float(supply.holding_cost * stock + supply.mean / lot * short)


def reorder(supply: Supply, rounds: int = 200) -> Policy:
    """Return reorder point and lot size that are best together for normal demand.

    Whitin (1953), Hadley and Whitin (1963): lot size and reorder point are improved in turn on the
    cost with the expected-inventory approximation, which counts a shortage once per piece.

    >>> best = reorder(Supply(8, 0.225, 7.5, 1300, 150, 1 / 12))
    >>> print(round(best.reorder_point, 2), round(best.quantity, 2), round(best.cost, 3))
    213.97 318.59 95.451
    """
    lot = eoq(supply.fixed_cost, supply.holding_cost, supply.mean).quantity
    point = 0.0
    for _ in range(rounds):
        chance = min(lot * supply.holding_cost / (supply.stockout_cost * supply.mean), 1 - 1e-9)
        point = float(supply.during.ppf(1 - chance))
        paid = supply.fixed_cost + supply.stockout_cost * _loss(supply, point)
        lot = float(np.sqrt(2 * supply.mean * paid / supply.holding_cost))
    return Policy(lot, _cost(supply, point, lot), point)


def reorder_poisson(
    holding_cost: float, stockout_cost: float, fixed_cost: float, mean: float, lead_time: float
) -> Policy:
    """Return the exact best reorder point and lot size for Poisson demand.

    `mean` per period, `stockout_cost` per piece and period short. Federgruen and Zheng (1992),
    Operations Research 40: the lot grows from the best single level while the next level's cost
    lies below the average.

    >>> best = reorder_poisson(20, 150, 100, 1.5, 2)
    >>> print(best.reorder_point, best.quantity, round(best.cost, 3))
    3.0 5.0 107.924
    """
    during = poisson(mean * lead_time)
    top = int(during.ppf(NEARLY_ALL) + 2 * eoq(fixed_cost, holding_cost, mean).quantity + 10)
    levels = np.arange(top + 1)
    tail = during.sf(np.arange(int(during.ppf(NEARLY_ALL)) + top + 2))
    short = np.cumsum(tail[::-1])[::-1][: top + 1]
    cost = holding_cost * (levels - during.mean() + short) + stockout_cost * short
    low = high = int(np.argmin(cost))
    total, average = fixed_cost * mean + cost[low], fixed_cost * mean + cost[low]
    while True:
        below = cost[low - 1] if low > 0 else np.inf
        step = min(below, cost[high + 1])
        if step >= average:
            return Policy(float(high - low + 1), float(average), float(low - 1))
        low, high = (low - 1, high) if below <= cost[high + 1] else (low, high + 1)
        total += step
        average = total / (high - low + 1)


def reorder_draws(demand: ArrayLike, on_hand: float, service: float, pack: int = 1) -> float:
    """Return the pieces to order so that demand up to the next delivery is met with `service`.

    `demand` holds forecast draws of total demand until the delivery after this one, shape (n,);
    the order is rounded up to whole packs and never negative.

    >>> print(reorder_draws([10, 20, 30, 40], on_hand=12, service=0.75, pack=6))
    18.0
    """
    between("service", service, 0.5, 0.9999)
    need = np.quantile(floats(demand), service, method="inverted_cdf") - on_hand
    return float(max(np.ceil(need / pack), 0) * pack)


@dataclass(frozen=True)
class Markdown:
    """Expected revenue and best price by remaining periods (rows) and pieces left (columns)."""

    value: Floats
    price: Floats


def markdown(
    stock: int, periods: int, prices: ArrayLike, rates: ArrayLike, salvage: float = 0.0
) -> Markdown:
    """Return the price path that earns most from `stock` pieces within `periods`.

    `prices` and `rates` (mean pieces a period at each price) have shape (k,); what is left earns
    `salvage`. `value` and `price` have shape (periods + 1, stock + 1). The finite-horizon problem
    of Gallego and van Ryzin (1994), Management Science 40, with Poisson demand per period.

    >>> path = markdown(2, 1, [10, 8], [0.5, 1.5])
    >>> print(path.price[1, 1:])
    [8. 8.]
    """
    ask, mean = floats(prices), floats(rates)
    pieces = np.arange(stock + 1)
    value = np.zeros((periods + 1, stock + 1))
    price = np.full((periods + 1, stock + 1), np.nan)
    value[0] = salvage * pieces
    exact = poisson.pmf(pieces[None, :], mean[:, None])
    for left in range(1, periods + 1):
        for held in range(1, stock + 1):
            sold = exact[:, :held]
            gain = ask[:, None] * pieces[:held] + value[left - 1, held - pieces[:held]]
            clear = (1 - sold.sum(axis=1)) * (ask * held + value[left - 1, 0])
            worth = (sold * gain).sum(axis=1) + clear
            best = int(np.argmax(worth))
            value[left, held], price[left, held] = worth[best], ask[best]
    return Markdown(value, price)
