"""How demand answers to price: Poisson regression with controls, and when it must not be asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ecomops.base.errors import DataError
from ecomops.maths.arrays import Floats, floats

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

ROUNDS = 50
CONVERGED = 1e-8
LEAST_MOVE = 0.02  # standard deviation of log price below which nothing can be learned
SUSPECT = 3.0  # standard errors by which yesterday's demand may foretell today's price


@dataclass(frozen=True)
class Fit:
    """Coefficients of a log-linear mean and their robust standard errors, shape (p,)."""

    beta: Floats
    se: Floats


def poisson_regression(
    y: ArrayLike,
    x: ArrayLike,
    clusters: ArrayLike | None = None,
    ridge: float = 1e-8,
    exposure: ArrayLike | None = None,
) -> Fit:
    """Return the Poisson pseudo-likelihood fit of E(y) = exposure exp(x b) with sandwich errors.

    `y` (n,) not negative, zeros allowed; `x` (n, p) with its own constant; `clusters` (n,) groups
    rows whose errors go together; `exposure` (n,) above 0, 1 by default. Santos Silva and Tenreyro
    (2006), Rev. Econ. Stat. 88. Raises
    `DataError` when it does not converge.

    >>> x = np.c_[np.ones(4), [0.0, 0, 1, 1]]
    >>> print(poisson_regression([2, 4, 5, 7], x).beta.round(4))
    [1.0986 0.6931]
    """
    counts, design = floats(y), floats(x)
    base = np.zeros_like(counts) if exposure is None else np.log(floats(exposure))
    beta = floats(np.linalg.lstsq(design, np.log(counts + 0.5) - base, rcond=None)[0])
    for _ in range(ROUNDS):
        mean = np.exp(np.clip(base + design @ beta, -30, 30))
        information = design.T @ (design * mean[:, None]) + ridge * np.eye(beta.size)
        step = floats(np.linalg.solve(information, design.T @ (counts - mean)))
        beta = floats(beta + _damped(counts, design, beta, step, base) * step)
        if np.max(np.abs(step)) < CONVERGED * (1 + np.max(np.abs(beta))):
            return Fit(floats(beta), _sandwich(counts - mean, design, clusters, information))
    raise DataError("no_convergence", n=counts.size)


def _damped(y: Floats, x: Floats, beta: Floats, step: Floats, base: Floats) -> float:
    """Return the largest of 1, 1/2, 1/4 … at which the step does not lower the likelihood."""

    def likelihood(b: Floats) -> float:
        line = np.clip(base + x @ b, -30, 30)
        return float(np.sum(y * line - np.exp(line)))

    start, part = likelihood(beta), 1.0
    while likelihood(beta + part * step) < start and part > CONVERGED:
        part /= 2
    return part


def _sandwich(
    residual: Floats, x: Floats, clusters: ArrayLike | None, information: Floats
) -> Floats:
    score = x * residual[:, None]
    if clusters is not None:
        _, group = np.unique(np.asarray(clusters), return_inverse=True)
        sums = np.zeros((group.max() + 1, x.shape[1]))
        np.add.at(sums, group, score)
        score = sums
    inverse = np.linalg.inv(information)
    small = score.shape[0] / max(score.shape[0] - x.shape[1], 1) if clusters is None else 1.0
    return floats(np.sqrt(np.diag(inverse @ (score.T @ score) @ inverse) * small))


@dataclass(frozen=True)
class Elasticity:
    """Own-price elasticity with its error; `reason` says why it is refused ("" when it is not)."""

    value: float
    se: float
    reason: str


def elasticity(y: ArrayLike, price: ArrayLike, controls: ArrayLike) -> Elasticity:
    """Return the price elasticity of one product's sales, or why it cannot be told.

    `y` pieces per period, `price`, `controls` (n, k) such as promotion, season and the category's
    sales. Refused are prices that hardly move on their own ("still") and prices that follow demand
    ("endogenous": the last period's unexplained demand foretells the price change, which no
    regression repairs), and sales too few for any finite answer ("few").

    >>> random = np.random.default_rng(1)
    >>> price = random.choice([8.0, 10.0, 12.0], 200)
    >>> found = elasticity(random.poisson(3000 * price**-2.0), price, np.zeros((200, 0)))
    >>> abs(found.value + 2) < 0.3, found.reason
    (True, '')
    """
    counts = floats(y)
    log: Floats = np.log(floats(price))
    log = log - log.mean()
    given = np.c_[np.ones(counts.size), floats(controls)]
    own = log - given @ np.linalg.lstsq(given, log, rcond=None)[0]
    if own.std() < LEAST_MOVE:
        return Elasticity(np.nan, np.nan, "still")
    design = np.c_[given[:, :1], log, given[:, 1:]]
    try:
        fit = poisson_regression(counts, design)
    except DataError:  # a price at which nothing was ever sold: no finite answer
        return Elasticity(np.nan, np.nan, "few")
    if abs(chasing(counts, log, design, fit)) > SUSPECT:
        return Elasticity(np.nan, np.nan, "endogenous")
    return Elasticity(float(fit.beta[1]), float(fit.se[1]), "")


def chasing(y: Floats, log_price: Floats, design: Floats, fit: Fit) -> float:
    """Return the t-value with which unexplained demand foretells the next price, given this one."""
    mean = np.exp(design @ fit.beta)
    surprise = (y - mean) / np.sqrt(mean + 1e-9)
    x = np.c_[np.ones(y.size - 1), log_price[:-1], design[1:, 2:], surprise[:-1]]
    target = log_price[1:]
    beta, *_ = np.linalg.lstsq(x, target, rcond=None)
    residual = target - x @ beta
    variance = residual @ residual / max(target.size - x.shape[1], 1)
    se = np.sqrt(variance * np.linalg.pinv(x.T @ x)[-1, -1])
    return float(beta[-1] / se) if se > 0 else 0.0


def best_price(value: float, cost: float, low: float, high: float) -> float:
    """Return the price that earns most at a constant elasticity, within the prices tried.

    c e / (1 + e) for elasticities below -1, else the highest price tried (Lerner 1934); missing
    when the elasticity is.

    >>> best_price(-3.0, 10.0, 8.0, 20.0), best_price(-0.8, 10.0, 8.0, 20.0)
    (15.0, 20.0)
    """
    free = np.inf if value >= -1 else cost * value / (1 + value)
    return float(np.clip(free, low, high))
