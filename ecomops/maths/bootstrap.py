"""Bootstrap intervals for concentration measures: how sure is a Gini coefficient."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, logit
from scipy.stats import norm

from ecomops.base.checks import between
from ecomops.maths.arrays import Floats, floats

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Statistic = Callable[[Floats, Floats], Floats]
CELLS = 4_000_000  # weights held at once: 32 MB


def resample_weights(n: int, draws: int, seed: int) -> Iterator[Floats]:
    """Yield blocks of Poisson(1) bootstrap weights, together of shape (draws, n).

    Parameters
    ----------
    n
        Items.
    draws
        Bootstrap samples.
    seed
        Seed of the generator.

    Notes
    -----
    Each item is drawn a Poisson(1) number of times, which for n above 100 or so is as good as
    drawing n items with replacement (Hanley and MacGibbon 2006) and needs no sorting.

    Examples
    --------
    >>> [block.shape for block in resample_weights(3, 2, seed=1)]
    [(2, 3)]
    """
    random = np.random.default_rng(seed)
    step = max(CELLS // max(n, 1), 1)
    for start in range(0, draws, step):
        size = (min(step, draws - start), n)
        yield random.poisson(1.0, size).astype(np.float64)


def _clear(total: Floats) -> Floats:
    return np.where(total > 0, total, np.nan)


def weighted_gini(sizes: Floats, weights: Floats) -> Floats:
    """Return the Gini coefficient of rising `sizes` for each row of `weights`.

    Parameters
    ----------
    sizes
        Shape (n,), not negative, smallest first.
    weights
        Shape (draws, n): how often each item is drawn.

    Returns
    -------
    Shape (draws,).

    Notes
    -----
    The trapezoid under the weighted Lorenz curve.

    Examples
    --------
    >>> print(weighted_gini(np.array([1.0, 3.0]), np.ones((1, 2))))
    [0.25]
    """
    money = weights * sizes
    reached = np.cumsum(money, axis=1)
    area = np.sum(weights * (2 * reached - money), axis=1)
    return floats(1 - area / _clear(weights.sum(axis=1) * reached[:, -1]))


def weighted_hhi(sizes: Floats, weights: Floats) -> Floats:
    """Return the Herfindahl-Hirschman index of `sizes` for each row of `weights`.

    Parameters
    ----------
    sizes
        Shape (n,), not negative.
    weights
        Shape (draws, n): how often each item is drawn.

    Returns
    -------
    Shape (draws,).

    Notes
    -----
    An item drawn twice counts as two items.

    Examples
    --------
    >>> print(weighted_hhi(np.array([1.0, 1.0]), np.ones((1, 2))))
    [0.5]
    """
    total = _clear(weights @ sizes)
    return floats((weights @ sizes**2) / total**2)


def weighted_top_share(sizes: Floats, weights: Floats, portion: float = 0.2) -> Floats:
    """Return the share of the largest `portion` of items for each row of `weights`.

    Parameters
    ----------
    sizes
        Shape (n,), not negative, smallest first.
    weights
        Shape (draws, n): how often each item is drawn.
    portion
        0 to 1; an item that is cut counts in part.

    Returns
    -------
    Shape (draws,).

    Notes
    -----
    One minus the weighted Lorenz curve at 1 - portion.

    Examples
    --------
    >>> print(weighted_top_share(np.array([1.0, 3.0]), np.ones((1, 2)), 0.5))
    [0.75]
    """
    count = np.cumsum(weights, axis=1)
    bottom = (1 - portion) * count[:, -1:]
    below = np.clip(bottom - (count - weights), 0, weights)
    return 1 - (below @ sizes) / _clear(weights @ sizes)


def interval(
    values: ArrayLike, statistic: Statistic, *, seed: int, draws: int = 500, level: float = 0.90
) -> tuple[float, float]:
    """Return the bootstrap interval of a statistic of weighted, sorted sizes.

    Parameters
    ----------
    values
        Shape (n,), in any order.
    statistic
        Function of sizes (n,), smallest first, and weights (draws, n), with values from 0 to 1.
    seed
        Seed of the resampling; the same seed gives the same interval.
    draws
        Bootstrap samples.
    level
        Coverage, 0.5 to 0.9999.

    Returns
    -------
    Lower and upper end, 0 to 1; missing without items.

    Raises
    ------
    OptionError
        When the level is out of range.

    Notes
    -----
    Normal interval on the logit scale, corrected for the bootstrap's estimate of bias (Efron and
    Tibshirani 1993, section 10.3): measures of concentration are biased downwards in resamples,
    and the ends stay between 0 and 1. On log-normal sizes it covers the Gini coefficient of the
    population in 74 to 84 % of samples of 100 to 300 items where 90 % is nominal (percentiles:
    72 to 76 %): a few huge items that were not drawn are unknown to every bootstrap.

    Examples
    --------
    >>> low, high = interval(range(1, 201), weighted_gini, seed=1)
    >>> print(f"{low:.2f} {high:.2f}")
    0.30 0.36
    """
    between("level", level, 0.5, 0.9999)
    sizes = np.sort(floats(values))
    whole = statistic(sizes, np.ones((1, sizes.size)))[0] if sizes.size else np.nan
    if not 0 < whole < 1:  # nothing to spread: all equal, one has all, or no items
        return float(whole), float(whole)
    blocks = resample_weights(sizes.size, draws, seed)
    drawn = np.concatenate([statistic(sizes, block) for block in blocks])
    scaled = logit(np.clip(drawn[~np.isnan(drawn)], 1e-9, 1 - 1e-9))
    centre = 2 * logit(whole) - scaled.mean()
    low, high = expit(centre + norm.ppf([0.5 - level / 2, 0.5 + level / 2]) * scaled.std())
    return float(low), float(high)
