"""Demand behind sales: days on which the shelf ran empty only show a lower bound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize
from scipy.stats import nbinom, poisson

from ecomops.base.errors import DataError
from ecomops.maths.arrays import Floats, floats

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ecomops.maths.arrays import Bools

WORTH_A_PARAMETER = 1.35  # half the 90 % point of chi-squared with one degree of freedom
BOUNDS = ((-12.0, 14.0), (-3.0, 9.0))  # of log rate and log size


@dataclass(frozen=True)
class Demand:
    """Pieces per unit of exposure, its standard error, and the size of the negative binomial."""

    rate: float
    se: float
    size: float
    expected: Floats


def demand_behind_sales(
    sales: ArrayLike, empty: ArrayLike, exposure: ArrayLike | None = None
) -> Demand:
    """Return the rate of demand from daily sales, of which `empty` days show only a part.

    `sales` (pieces), `empty` (the shelf ran empty that day) and `exposure` (expected relative
    level of the day, 1 by default) have shape (n,). `expected` is the demand of each day given
    what was seen. Raises `DataError` when no day had stock. Maximum likelihood of a right-censored
    count (Nahmias 1994, Naval Research Logistics 41): Poisson, or negative binomial where that
    fits clearly better.

    >>> print(round(demand_behind_sales([3, 5, 4, 2], [0, 0, 0, 1]).rate, 2))
    4.1
    """
    sold, out = floats(sales), np.asarray(empty, dtype=bool)
    weight = np.ones_like(sold) if exposure is None else floats(exposure)
    if out.all():
        raise DataError("all_days_empty", n=sold.size)
    rate, size = _fitted(sold, out, weight)
    expected = np.where(out, _at_least(sold, rate * weight, size), sold)
    return Demand(rate, _error(rate, weight, out, size), size, floats(expected))


def _fitted(sold: Floats, out: Bools, weight: Floats) -> tuple[float, float]:
    """Return rate and size; infinite (Poisson) unless a finite size fits clearly better."""

    def cost(theta: Floats) -> float:
        return -_log_likelihood(sold, out, np.exp(theta[0]) * weight, np.exp(theta[1]))

    def poisson_cost(theta: Floats) -> float:
        return -_log_likelihood(sold, out, np.exp(theta[0]) * weight, np.inf)

    start = np.log(max(sold.mean(), 0.1) / weight.mean())
    plain = minimize(poisson_cost, [start], bounds=BOUNDS[:1], method="Nelder-Mead", tol=1e-9)
    wide = minimize(cost, [start, 1.0], bounds=BOUNDS, method="Nelder-Mead", tol=1e-9)
    if plain.fun - wide.fun < WORTH_A_PARAMETER:
        return float(np.exp(plain.x[0])), np.inf
    return float(np.exp(wide.x[0])), float(np.exp(wide.x[1]))


def _log_likelihood(sold: Floats, out: Bools, mean: Floats, size: float) -> float:
    if np.isinf(size):
        seen, at_least = poisson.logpmf(sold, mean), poisson.logsf(sold - 1, mean)
    else:
        chance = size / (size + mean)
        seen, at_least = nbinom.logpmf(sold, size, chance), nbinom.logsf(sold - 1, size, chance)
    return float(np.where(out, at_least, seen).sum())


def _at_least(sold: Floats, mean: Floats, size: float) -> Floats:
    """Return E(D | D >= sold)."""
    if np.isinf(size):
        above, at = poisson.sf(sold - 2, mean), poisson.sf(sold - 1, mean)
    else:
        chance = size / (size + mean)
        above = nbinom.sf(sold - 2, size + 1, chance)
        at = nbinom.sf(sold - 1, size, chance)
    return np.where(at > 0, mean * above / np.maximum(at, 1e-300), sold)


def _error(rate: float, weight: Floats, out: Bools, size: float) -> float:
    mean = rate * weight[~out]
    information = np.sum(weight[~out] ** 2 / (mean + (0 if np.isinf(size) else mean**2 / size)))
    return float(1 / np.sqrt(information)) if information > 0 else np.nan
