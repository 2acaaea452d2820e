"""Small counts pulled towards the whole: which cells are truly above expectation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import betaln, gammaln
from scipy.stats import beta, gamma

from ecomops.maths.arrays import Floats, floats

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

SPREADS = 200  # values of the spread that are averaged over
# to eight digits on any processor: differences taken on one side alone end at six
SOLVER: Any = {"method": "L-BFGS-B", "jac": "3-point", "options": {"ftol": 1e-15, "gtol": 1e-8}}


@dataclass(frozen=True)
class Ratios:
    """Observed over expected after shrinkage: mean and 5 % bound per cell, and the prior."""

    mean: Floats
    low: Floats
    shape: float
    rate: float


def expected_counts(counts: ArrayLike) -> Floats:
    """Return what each cell would hold if rows and columns were independent, shape (r, c).

    >>> print(expected_counts([[1, 3], [3, 9]]))
    [[1. 3.]
     [3. 9.]]
    """
    table = floats(counts)
    return floats(np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum())


def gamma_poisson(observed: ArrayLike, expected: ArrayLike) -> Ratios:
    """Return shrunk ratios of observed to expected counts, by a gamma prior fitted to all cells.

    Any equal shapes; cells without expectation are missing. Ranking by `low` keeps lucky small
    cells down (DuMouchel 1999, The American Statistician 53, with one gamma component).

    >>> found = gamma_poisson([2, 40, 18, 22], [1, 20, 20, 20])
    >>> print(int(np.argmax(found.low)))
    1
    """
    seen, base = floats(observed), floats(expected)
    known = base > 0
    n, e = seen[known], base[known]

    def minus_log_likelihood(theta: Floats) -> float:
        a, b = np.exp(theta)
        terms = gammaln(a + n) - gammaln(a) + a * np.log(b / (b + e)) + n * np.log(e / (b + e))
        return -float(np.sum(terms - gammaln(n + 1)))

    best = minimize(minus_log_likelihood, [0.0, 0.0], bounds=[(-4.0, 8.0)] * 2, **SOLVER)
    shape, rate = (float(v) for v in np.exp(best.x))
    mean, low = np.full(seen.shape, np.nan), np.full(seen.shape, np.nan)
    mean[known] = (shape + n) / (rate + e)
    low[known] = gamma.ppf(0.05, shape + n, scale=1 / (rate + e))
    return Ratios(mean, low, shape, rate)


def partial_pooling(estimates: ArrayLike, errors: ArrayLike) -> tuple[Floats, Floats, float, float]:
    """Return estimates pulled to their mean, their errors, the mean and the spread between them.

    Shapes (k,). DerSimonian and Laird (1986), Controlled Clinical Trials 7; the posterior mean and
    standard deviation of each with a normal prior of that spread.

    >>> pooled, _, mean, _ = partial_pooling([-3.0, -1.0], [0.5, 0.5])
    >>> print(pooled, mean)
    [-2.875 -1.125] -2.0
    """
    x, variance = floats(estimates), floats(errors) ** 2
    weight = 1 / variance
    centre = np.sum(weight * x) / weight.sum()
    q = np.sum(weight * (x - centre) ** 2)
    scale = weight.sum() - np.sum(weight**2) / weight.sum()
    between = max(float((q - (x.size - 1)) / scale), 0.0) if x.size > 1 else 0.0
    total = 1 / (variance + between)
    mean = float(np.sum(total * x) / total.sum())
    if between == 0:
        return np.full(x.shape, mean), np.full(x.shape, 1 / np.sqrt(total.sum())), mean, 0.0
    share = between / (between + variance)
    spread = share * variance + (1 - share) ** 2 / total.sum()
    return mean + share * (x - mean), np.sqrt(spread), mean, float(np.sqrt(between))


@dataclass(frozen=True)
class Rates:
    """Rates after shrinkage with 90 % bounds, and the beta prior they were pulled to."""

    mean: Floats
    low: Floats
    high: Floats
    a: float
    b: float


def beta_binomial(events: ArrayLike, trials: ArrayLike) -> Rates:
    """Return rates pulled to a beta prior that is fitted to all of them.

    Shapes (k,); `trials` may be fractions, where a trial counts by how much of it was seen. Those
    without trials get the prior. Robbins (1956); maximum likelihood of the beta-binomial
    (Skellam 1948, J. R. Stat. Soc. B 10).

    >>> print(beta_binomial([1, 9, 40], [2, 100, 400]).mean.round(3))
    [0.1 0.1 0.1]
    """
    n, of = floats(events), np.maximum(floats(trials), floats(events))

    def minus_log_likelihood(theta: Floats) -> float:
        rate, size = 1 / (1 + np.exp(-theta[0])), np.exp(theta[1])
        a, b = rate * size, (1 - rate) * size
        return -float(np.sum(betaln(a + n, b + of - n) - betaln(a, b)))

    total = (n.sum() + 0.5) / (of.sum() + 1)
    start = [float(np.log(total / (1 - total))), 3.0]
    bounds = [(-12.0, 12.0), (-2.0, 9.0)]
    theta = minimize(minus_log_likelihood, start, bounds=bounds, **SOLVER).x
    rate, size = 1 / (1 + np.exp(-theta[0])), np.exp(theta[1])
    a, b = float(rate * size), float((1 - rate) * size)
    low, high = (beta.ppf(q, a + n, b + of - n) for q in (0.05, 0.95))
    return Rates((a + n) / (a + b + of), low, high, a, b)


def hierarchical(estimates: ArrayLike, errors: ArrayLike) -> tuple[Floats, Floats, float, float]:
    """Return estimates pulled to their mean, their errors, the mean and its error.

    Shapes (k,). Normal means with a flat prior on their mean and spread, averaged over the spread
    (Gelman et al. 2013, Bayesian Data Analysis, 5.4), so that intervals stay honest where the
    spread cannot be told from 0, which `partial_pooling` takes for known.

    >>> schools = [28, 8, -3, 7, -1, 1, 18, 12], [15, 10, 16, 11, 9, 11, 10, 18]
    >>> pooled, error, _, _ = hierarchical(*schools)
    >>> print(pooled.round(0), error.round(0))
    [11.  8.  6.  8.  5.  6. 11.  8.] [8. 6. 8. 7. 6. 7. 7. 8.]
    """
    x, variance = floats(estimates), floats(errors) ** 2
    if x.size < 3:  # noqa: PLR2004 - a flat prior on the spread needs three
        pooled, width, mean, between = partial_pooling(x, np.sqrt(variance))
        return pooled, width, mean, float(1 / np.sqrt(np.sum(1 / (variance + between**2))))
    top = 3 * float(np.std(x)) + float(np.sqrt(variance).mean())
    spread = (np.arange(SPREADS) + 0.5) / SPREADS * top
    total = variance + spread[:, None] ** 2
    of_mean = 1 / np.sum(1 / total, axis=1)
    mean = of_mean * np.sum(x / total, axis=1)
    log = 0.5 * np.log(of_mean) - 0.5 * np.sum(
        np.log(total) + (x - mean[:, None]) ** 2 / total, axis=1
    )
    weight = np.exp(log - log.max())
    weight = weight / weight.sum()
    share = spread[:, None] ** 2 / total
    centre = mean[:, None] + share * (x - mean[:, None])
    within = share * variance + (1 - share) ** 2 * of_mean[:, None]
    pooled = weight @ centre
    width = np.sqrt(weight @ (within + (centre - pooled) ** 2))
    whole = float(weight @ mean)
    error = float(np.sqrt(weight @ (of_mean + (mean - whole) ** 2)))
    return floats(pooled), floats(width), whole, error
