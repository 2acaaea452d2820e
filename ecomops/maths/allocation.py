"""Splitting a budget over response curves: exact where they bend one way, a grid where not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import brentq

from ecomops.base.errors import DataError
from ecomops.maths.arrays import Floats, floats

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


ROUNDING = 1e-9  # of money, as a share of it

# Spend of any shape in, response of the same shape out.
Curve = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Allocation:
    """Spend by channel, the response it buys, and the response of one more unit of budget."""

    spend: Floats
    value: float
    marginal: float


def concave(
    slope: Callable[[Floats], Floats], inverse: Callable[[float], Floats], budget: float
) -> tuple[Floats, float]:
    """Return the best spend (k,) and its marginal response for concave curves.

    `slope` gives marginal responses at spend (k,), `inverse` the spend at which each curve's
    slope is a given number (0 where even the first unit earns less). The optimum equalises the
    slopes (Karush-Kuhn-Tucker), so one number is searched for, however many channels there are.
    """
    high = float(np.log(slope(np.zeros_like(inverse(1.0))).max())) + ROUNDING
    low = high - 1
    while inverse(np.exp(low)).sum() < budget:
        low -= 10
    found = brentq(lambda log: inverse(np.exp(log)).sum() - budget, low, high, xtol=1e-13)
    price = float(np.exp(found))
    return inverse(price), price


def saturating(tops: ArrayLike, halves: ArrayLike, budget: float) -> Allocation:
    """Return the best split over curves top x / (half + x) (Michaelis-Menten).

    `tops` and `halves` have shape (k,), positive; closed form of the slopes inside `concave`.

    >>> best = saturating([100, 80, 60], [50, 20, 100], 200)
    >>> print(best.spend.round(4), round(best.value, 5))
    [89.0387 58.6521 52.3092] 144.30249
    """
    top, half = floats(tops), floats(halves)

    def slope(x: Floats) -> Floats:
        return floats(top * half / (half + x) ** 2)

    def inverse(mu: float) -> Floats:
        return np.maximum(np.sqrt(top * half / mu) - half, 0)

    spend, price = concave(slope, inverse, budget)
    return Allocation(spend, float(np.sum(top * spend / (half + spend))), price)


def bounded(
    curves: Sequence[Curve], budget: float, low: ArrayLike, high: ArrayLike, steps: int = 400
) -> Allocation:
    """Return the best split of `budget` with `low` <= spend <= `high` for curves of any shape.

    Dynamic programming over a grid of `steps` equal parts of the room above the lower bounds: the
    global optimum of the grid, also for S-curves where gradient methods stop at a local one
    (Bellman 1957); what an upper bound cuts off a part goes where it earns most. Raises
    `DataError` when the bounds do not admit the budget.

    >>> curves = [lambda x: 10 * x**3 / (60**3 + x**3), lambda x: 9 * x**3 / (60**3 + x**3)]
    >>> best = bounded(curves, 100, [0, 0], [100, 100])
    >>> print(best.spend, round(best.value, 4))
    [100.   0.] 8.2237
    """
    floor, ceiling = floats(low), floats(high)
    room = budget - floor.sum()
    miss = room < -ROUNDING * budget or ceiling.sum() < budget * (1 - ROUNDING)
    if miss or np.any(floor > ceiling):
        raise DataError("bounds_miss_budget", budget=budget, low=floor.sum(), high=ceiling.sum())
    if room <= 0:
        return Allocation(floor, _worth(curves, floor), np.nan)
    unit = room / steps
    best, choices = _forward(curves, floor, ceiling, unit, steps)
    spend, left = floor.copy(), steps
    for i in range(len(curves) - 1, -1, -1):
        used = int(choices[i][left])
        spend[i] = min(floor[i] + used * unit, ceiling[i])
        left -= used
    spend = _topped(curves, spend, ceiling, budget)
    return Allocation(spend, _worth(curves, spend), float((best[-1] - best[-2]) / unit))


def _topped(curves: Sequence[Curve], spend: Floats, ceiling: Floats, budget: float) -> Floats:
    """Return spend with what the bounds cut off given, in turn, to the curve that gains most."""
    for _ in curves:
        more = np.maximum(np.minimum(ceiling - spend, budget - spend.sum()), 0)
        options = [spend + more * (np.arange(spend.size) == k) for k in range(spend.size)]
        spend = max(options, key=lambda option: (_worth(curves, option), option.sum()))
    return spend


def _worth(curves: Sequence[Curve], spend: Floats) -> float:
    return float(sum(np.sum(c(np.asarray([s]))) for c, s in zip(curves, spend, strict=True)))


def _forward(
    curves: Sequence[Curve], floor: Floats, ceiling: Floats, unit: float, steps: int
) -> tuple[Floats, list[Floats]]:
    """Return the best value of 0..steps units over all curves, and how many each curve took."""
    units = np.arange(steps + 1)
    best = np.where(units == 0, 0.0, -np.inf)
    choices = []
    taken = units[:, None] - units[None, :]  # units left for earlier curves
    for i, curve in enumerate(curves):
        reached = floor[i] + units * unit
        open_ = reached - unit < ceiling[i] * (1 - 1e-12)  # the last part may be cut
        own = np.where(open_ | (units == 0), curve(np.minimum(reached, ceiling[i])), -np.inf)
        total = np.where(taken >= 0, best[np.maximum(taken, 0)] + own[None, :], -np.inf)
        choices.append(floats(np.argmax(total, axis=1)))
        best = total.max(axis=1)
    return floats(best), choices
