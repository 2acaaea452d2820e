"""Intervals for shares and for the difference of two shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import norm

from ecomops.base.checks import between
from ecomops.base.errors import DataError
from ecomops.maths.arrays import Floats, floats, ratio

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def _z(level: float) -> float:
    between("level", level, 0.5, 0.9999)
    return float(norm.ppf(0.5 + level / 2))


def wilson(successes: ArrayLike, trials: ArrayLike, level: float = 0.90) -> tuple[Floats, Floats]:
    """Return the Wilson score interval of a share.

    Parameters
    ----------
    successes, trials
        Counts of any broadcastable shape, 0 <= successes <= trials.
    level
        Coverage, 0.5 to 0.9999.

    Returns
    -------
    Lower and upper end, 0 to 1, in the broadcast shape; missing where there are no trials.

    Raises
    ------
    DataError
        When a count is negative or successes exceed trials.

    Notes
    -----
    Wilson (1927), J. Am. Stat. Assoc. 22: 209-212. Unlike the textbook interval it stays inside
    0 to 1 and does not shrink to a point at 0 or n successes.

    Examples
    --------
    >>> low, high = wilson(8, 10, level=0.95)
    >>> print(f"{low:.5f} {high:.5f}")
    0.49016 0.94332
    """
    k, n = np.broadcast_arrays(floats(successes), floats(trials))
    if np.any((k < 0) | (k > n)):
        raise DataError("counts_outside", k=int(np.sum((k < 0) | (k > n))), n=int(k.size))
    z = _z(level)
    share, spread = ratio(k, n), z**2 / np.where(n > 0, n, np.nan)
    centre = (share + spread / 2) / (1 + spread)
    half = np.sqrt(share * (1 - share) * spread + spread**2 / 4) / (1 + spread)
    # Rounding must not push the ends past the share itself at 0 or n successes.
    low, high = np.maximum(centre - half, 0), np.minimum(centre + half, 1)
    return np.minimum(low, share), np.maximum(high, share)


def newcombe(
    successes: ArrayLike,
    trials: ArrayLike,
    other_successes: ArrayLike,
    other_trials: ArrayLike,
    level: float = 0.90,
) -> tuple[Floats, Floats, Floats]:
    """Return the difference of two independent shares and its interval.

    Parameters
    ----------
    successes, trials
        Counts of the first group.
    other_successes, other_trials
        Counts of the second group, subtracted from the first.
    level
        Coverage, 0.5 to 0.9999.

    Returns
    -------
    Difference, lower and upper end, each -1 to 1; missing where a group is empty.

    Raises
    ------
    DataError
        When a count is negative or successes exceed trials.

    Notes
    -----
    Newcombe (1998), Statistics in Medicine 17: 873-890, method 10 (hybrid of Wilson intervals).

    Examples
    --------
    >>> difference, low, high = newcombe(56, 70, 48, 80, level=0.95)
    >>> print(f"{difference:.4f} {low:.4f} {high:.4f}")
    0.2000 0.0524 0.3339
    """
    p, q = ratio(successes, trials), ratio(other_successes, other_trials)
    p_low, p_high = wilson(successes, trials, level)
    q_low, q_high = wilson(other_successes, other_trials, level)
    low = p - q - np.hypot(p - p_low, q_high - q)
    return p - q, low, p - q + np.hypot(p_high - p, q - q_low)
