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
ROUNDED = 1e-12  # of a sum of thousands of terms
OWN = 0.95  # most that a row may decide of its own mean
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
    spread: float = 0.0,
) -> Fit:
    """Return the Poisson pseudo-likelihood fit of E(y) = exposure exp(x b) with sandwich errors.

    `y` (n,) not negative, zeros allowed; `x` (n, p) with its own constant; `clusters` (n,) groups
    rows whose errors go together; `exposure` (n,) above 0, 1 by default; `spread` is the variance
    of rows' own rates around 1, with which large rows count for less (a negative binomial of known
    spread; errors are the larger of its own and the robust ones). Santos Silva and Tenreyro (2006),
    Rev. Econ. Stat. 88; without clusters each residual is divided by what its own row leaves free
    (HC3; MacKinnon and White 1985, J. Econometrics 29), since plain sandwich errors are too small
    in few rows. Raises `DataError` when it does not converge.

    >>> x = np.c_[np.ones(4), [0.0, 0, 1, 1]]
    >>> print(poisson_regression([2, 4, 5, 7], x).beta.round(4))
    [1.0986 0.6931]
    """
    counts, design = floats(y), floats(x)
    base = np.zeros_like(counts) if exposure is None else np.log(floats(exposure))
    beta = floats(np.linalg.lstsq(design, np.log(counts + 0.5) - base, rcond=None)[0])
    for _ in range(ROUNDS):
        mean = np.exp(np.clip(base + design @ beta, -30, 30))
        weight = 1 / (1 + spread * mean)
        information = design.T @ (design * (weight * mean)[:, None]) + ridge * np.eye(beta.size)
        step = floats(np.linalg.solve(information, design.T @ (weight * (counts - mean))))
        beta = floats(beta + _damped(counts, design, beta, step, base, spread) * step)
        if np.max(np.abs(step)) < CONVERGED * (1 + np.max(np.abs(beta))):
            residual, weight = weight * (counts - mean), weight * mean
            robust = _sandwich(residual, weight, design, clusters, information)
            own = _model(residual, weight, information) if spread > 0 else robust
            return Fit(beta, floats(np.maximum(robust, own)))
    raise DataError("no_convergence", n=counts.size)


def _damped(y: Floats, x: Floats, beta: Floats, step: Floats, base: Floats, spread: float) -> float:
    """Return the largest of 1, 1/2, 1/4 … at which the step does not lower the likelihood.

    At the top the last digits of the sums say nothing: there every step is taken whole.
    """

    def likelihood(b: Floats) -> float:
        line = np.clip(base + x @ b, -30, 30)
        if spread == 0:
            return float(np.sum(y * line - np.exp(line)))
        return float(np.sum(y * line - (y + 1 / spread) * np.log1p(spread * np.exp(line))))

    start, part = likelihood(beta), 1.0
    least = start - ROUNDED * abs(start)
    while likelihood(beta + part * step) < least and part > CONVERGED:
        part /= 2
    return part


def _model(residual: Floats, weight: Floats, information: Floats) -> Floats:
    free = max(residual.size - len(information), 1)
    excess = max(float(np.sum(residual**2 / weight)) / free, 1.0)
    return floats(np.sqrt(excess * np.diag(np.linalg.inv(information))))


def _sandwich(
    residual: Floats, weight: Floats, x: Floats, clusters: ArrayLike | None, information: Floats
) -> Floats:
    inverse = np.linalg.inv(information)
    if clusters is None:
        own = np.einsum("ij,jk,ik->i", x, inverse, x) * weight
        score = x * (residual / (1 - np.minimum(own, OWN)))[:, None]
    else:
        _, group = np.unique(np.asarray(clusters), return_inverse=True)
        score = np.zeros((group.max() + 1, x.shape[1]))
        np.add.at(score, group, x * residual[:, None])
    return floats(np.sqrt(np.diag(inverse @ (score.T @ score) @ inverse)))


def own_spread(y: ArrayLike, mean: ArrayLike) -> float:
    """Return the variance of rows' own rates around the mean, beyond Poisson counts; at least 0.

    Shapes (n,); by moments (Breslow 1984, Applied Statistics 33).

    >>> own_spread([5, 15, 10, 10], [10, 10, 10, 10])
    0.025
    """
    counts, expected = floats(y), floats(mean)
    excess = np.sum((counts - expected) ** 2 - expected)
    return max(float(excess / np.sum(expected**2)), 0.0)


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
