"""Counts that several things share in: hosts, products, times of day, each pulled to its kind."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ecomops.maths.arrays import Floats, Ints, floats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

ROUNDS, TOLERANCE = 200, 1e-6
PRIOR_WEIGHT, PRIOR_SPREAD = 2.0, 0.2  # of the spread of a kind: worth two levels at 0.2
STEP = 1.0  # most that an effect moves at once


@dataclass(frozen=True)
class Crossed:
    """What each level multiplies counts by, as logarithms around the mean of its kind.

    `effects` and `errors` have one array (levels,) per kind; `log_mean` and `log_error` are of
    each row's expected count (rows,); `scale` is how much wider than Poisson the counts vary.
    """

    effects: tuple[Floats, ...]
    errors: tuple[Floats, ...]
    spreads: tuple[float, ...]
    log_mean: Floats
    log_error: Floats
    scale: float


def crossed_poisson(
    counts: ArrayLike, exposure: ArrayLike, kinds: Sequence[Ints], known: ArrayLike | None = None
) -> Crossed:
    """Return log effects of the levels of several kinds on Poisson counts over an exposure.

    Parameters
    ----------
    counts, exposure
        Shapes (n,), not negative; rows without exposure tell nothing.
    kinds
        One array (n,) of level numbers from 0 per kind.
    known
        Rows to learn from, shape (n,); all when None. The others get an expectation only.

    Notes
    -----
    Normal effects with a spread per kind, fitted by penalised quasi-likelihood (Breslow and
    Clayton 1993, JASA 88); spreads by expectation and maximisation with a weak prior, so that few
    levels are neither believed nor flattened entirely. Over-dispersion by Pearson residuals.

    >>> product, slot = np.array([0, 1] * 40), np.repeat([0, 1], 40)
    >>> found = crossed_poisson(np.where(product, 20, 10), np.ones(80), [product, slot])
    >>> print(np.exp(np.diff(found.effects[0])).round(1), found.effects[1].round(2) + 0)
    [2.] [0. 0.]
    """
    n, exposed = floats(counts), floats(exposure)
    rows = np.flatnonzero((exposed > 0) & (True if known is None else np.asarray(known)))
    sizes = [int(kind.max()) + 1 for kind in kinds]
    design = np.hstack(
        [np.ones((n.size, 1)), *(np.eye(s)[k] for s, k in zip(sizes, kinds, strict=True))]
    )
    ends = np.cumsum([1, *sizes])
    parts = [slice(a, b) for a, b in pairwise(ends)]
    x, y, offset = design[rows], n[rows], np.log(exposed[rows])
    spreads = np.full(len(kinds), PRIOR_SPREAD)
    beta = np.zeros(design.shape[1])
    beta[0] = np.log((y.sum() + 0.5) / exposed[rows].sum())
    scale, inverse = 1.0, np.eye(beta.size)
    for _ in range(ROUNDS):
        penalty = np.r_[1e-8, np.repeat(spreads**-2.0, sizes)]
        before = np.r_[np.log(scale), spreads]
        beta, mean, weighed = _solved(x, y, offset, penalty * scale, beta)
        inverse = np.linalg.inv(weighed / scale + np.diag(penalty))
        scale = _scale(y, mean, float(np.einsum("ij,ji->", inverse, weighed / scale)))
        spreads = np.array([_spread(beta[p], np.diag(inverse)[p]) for p in parts])
        if np.abs(np.r_[np.log(scale), spreads] - before).max() < TOLERANCE:
            break
    around = [np.eye(s) - 1 / s for s in sizes]
    pairs = list(zip(around, parts, strict=True))
    with np.errstate(divide="ignore"):
        log_mean = design @ beta + np.log(exposed)
    return Crossed(
        effects=tuple(floats(c @ beta[p]) for c, p in pairs),
        errors=tuple(floats(np.sqrt(np.diag(c @ inverse[p, p] @ c))) for c, p in pairs),
        spreads=tuple(float(s) for s in spreads),
        log_mean=floats(log_mean),
        log_error=floats(np.sqrt(np.einsum("ij,jk,ik->i", design, inverse, design))),
        scale=scale,
    )


def _solved(
    x: Floats, y: Floats, offset: Floats, penalty: Floats, beta: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return the penalised maximum, the means and the weighted cross product there, by Newton."""
    for _ in range(ROUNDS):
        mean = np.exp(x @ beta + offset)
        weighed = (x * mean[:, None]).T @ x
        slope = x.T @ (y - mean) - penalty * beta
        step = np.linalg.solve(weighed + np.diag(penalty), slope)
        beta = beta + step * min(1.0, STEP / max(float(np.abs(step).max()), STEP))
        if np.abs(step).max() < TOLERANCE:
            break
    return floats(beta), floats(mean), floats(weighed)


def _scale(y: Floats, mean: Floats, effects: float) -> float:
    """Return the Pearson dispersion, at least 1, for the effective number of effects."""
    return max(float(((y - mean) ** 2 / mean).sum()) / max(y.size - effects, 1.0), 1.0)


def _spread(values: Floats, variances: Floats) -> float:
    total = float((values**2 + variances).sum()) + PRIOR_WEIGHT * PRIOR_SPREAD**2
    return float(np.sqrt(total / (values.size + PRIOR_WEIGHT)))
