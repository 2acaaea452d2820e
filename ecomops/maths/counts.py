"""Rates of many small counts at once: each with its own posterior, none with a prior by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from ecomops.maths.arrays import Floats, floats

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

SPREADS = np.geomspace(0.05, 2.0, 12)  # of log rates between units
POINTS, CENTRES, WIDTH = 240, 41, 4.5
LEAST_FREEDOM = 8


@dataclass(frozen=True)
class Rates:
    """Posterior of each unit's rate on a common grid: `log_rate` (points,), `weight` (k, points).

    Weights of a unit sum to 1.
    """

    log_rate: Floats
    weight: Floats

    def mean(self) -> Floats:
        """Return each unit's posterior mean rate, shape (k,)."""
        return floats(self.weight @ np.exp(self.log_rate))

    def below(self, limit: ArrayLike) -> Floats:
        """Return the chance that each unit's rate lies below its limit, shape (k,)."""
        total = np.c_[np.zeros(len(self.weight)), np.cumsum(self.weight, axis=1)]
        step = self.log_rate[1] - self.log_rate[0]
        edges = np.r_[self.log_rate - step / 2, self.log_rate[-1] + step / 2]
        at = np.log(np.broadcast_to(floats(limit), len(total)))
        pairs = zip(at, total, strict=True)
        return floats([np.interp(x, edges, row) for x, row in pairs])

    def quantile(self, share: float) -> Floats:
        """Return each unit's quantile of the rate, shape (k,)."""
        total = np.cumsum(self.weight, axis=1) - self.weight / 2
        return floats([np.exp(np.interp(share, row, self.log_rate)) for row in total])

    def times(self, log_mean: ArrayLike, log_sd: ArrayLike) -> Rates:
        """Return the posterior of each unit's rate times a log-normal factor of its own."""
        mean, sd = floats(log_mean), floats(log_sd)
        step = float(self.log_rate[1] - self.log_rate[0])
        low = self.log_rate[0] + mean.min() - 3 * sd.max()
        high = self.log_rate[-1] + mean.max() + 3 * sd.max()
        grid = np.linspace(low, high, POINTS)
        wide = np.maximum(sd, max(step, float(grid[1] - grid[0])) / 2)
        away = grid[None, :, None] - self.log_rate[None, None, :] - mean[:, None, None]
        kernel = np.exp(-0.5 * (away / wide[:, None, None]) ** 2)
        mixed = np.einsum("kij,kj->ki", kernel, self.weight)
        return Rates(floats(grid), floats(mixed / mixed.sum(axis=1, keepdims=True)))


def dispersion(deviance: float, freedom: int) -> float:
    """Return how much wider than Poisson counts vary, at least 1; 1 with too few to tell.

    `deviance` is the sum of (count - mean)² / mean over `freedom` independent counts (Pearson).

    >>> dispersion(60.0, 30), dispersion(10.0, 30), dispersion(9.0, 3)
    (2.0, 1.0, 1.0)
    """
    return max(deviance / freedom, 1.0) if freedom >= LEAST_FREEDOM else 1.0


def pooled_rates(counts: ArrayLike, exposure: ArrayLike, scale: float = 1.0) -> Rates:
    """Return the posterior rates of `counts` over `exposure`, pulled to what the units share.

    Shapes (k,); units without exposure get what the others suggest. Counts are Poisson around
    rate x exposure, `scale` times as variable; log rates are normal between units, with mean and
    spread integrated out over flat priors, so one unit alone keeps its own likelihood (Gelman et
    al. 2013, Bayesian Data Analysis, 5.3).

    >>> found = pooled_rates([0, 12, 9], [10.0, 1000.0, 1000.0])
    >>> print(found.mean().round(3))
    [0.011 0.011 0.01 ]
    """
    n, e = floats(counts) / scale, floats(exposure) / scale
    if not np.any(e > 0):
        return Rates(np.linspace(-1, 1, POINTS), np.full((n.size, POINTS), 1 / POINTS))
    raw = np.log((n[e > 0] + 0.5) / e[e > 0])
    # a narrow grid where all counts are large, or its steps would be wider than what they tell
    width = WIDTH / max(np.sqrt(n.min() if np.all(e > 0) else 0.0) / 3, 1.0)
    grid = np.linspace(raw.min() - width, raw.max() + width, POINTS)
    centres = np.linspace(raw.min() - 1, raw.max() + 1, CENTRES)
    likelihood = n[:, None] * (grid + np.log(np.maximum(e, 1e-12))[:, None]) - e[:, None] * np.exp(
        grid
    )
    likelihood = np.where(e[:, None] > 0, likelihood, 0.0)
    centre, spread = (axis.ravel()[:, None] for axis in np.meshgrid(centres, SPREADS))
    prior = -0.5 * ((grid - centre) / spread) ** 2
    prior -= logsumexp(prior, axis=1, keepdims=True)
    top = likelihood.max(axis=1, keepdims=True)
    evidence = np.log(np.exp(prior) @ np.exp(likelihood - top).T + 1e-300)
    # a spread is as likely as its logarithm is flat, but not beyond what one unit can tell
    weight = evidence.sum(axis=1) if n.size > 1 else np.where(spread[:, 0] == SPREADS[-1], 0, -1e9)
    weight = np.exp(weight - logsumexp(weight))
    mixed = np.exp(likelihood - top) * ((weight[:, None] / np.exp(evidence)).T @ np.exp(prior))
    return Rates(floats(grid), floats(mixed / mixed.sum(axis=1, keepdims=True)))
