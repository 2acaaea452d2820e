"""What a test is worth before it is run: the value of sample information, and how long to test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import norm

from ecomops.maths.arrays import Floats, floats

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def unit_loss(u: ArrayLike) -> Floats:
    """Return the unit normal linear-loss integral, E max(Z - u, 0), shape of `u`.

    Raiffa and Schlaifer (1961), Applied Statistical Decision Theory, table II.

    >>> print(unit_loss([0, 1]).round(5))
    [0.39894 0.08332]
    """
    x = floats(u)
    return floats(norm.pdf(x) - x * norm.sf(x))


def evsi(mean: ArrayLike, spread: ArrayLike, error: ArrayLike) -> Floats:
    """Return the expected value of sample information of a change that may be rolled out or not.

    Parameters
    ----------
    mean, spread
        What is believed of the change's value before the test: a normal distribution. Any
        broadcastable shapes, in money.
    error
        Standard error of the test's estimate of that value, in the same money; infinite for none.

    Returns
    -------
    Money, 0 or more: what deciding after the test earns beyond deciding now, at best the value of
    perfect information (`error` 0).

    Notes
    -----
    Preposterior analysis with a normal prior and normal data (Raiffa and Schlaifer 1961, 5.4): the
    posterior mean will be normal around `mean` with spread² / sqrt(spread² + error²).

    Examples
    --------
    >>> print(evsi(0, 100, [0, 100, np.inf]).round(4))
    [39.8942 28.2095  0.    ]
    """
    moved, far = _learned(mean, spread, error)
    return floats(np.where(moved > 0, moved * unit_loss(np.minimum(far, 40.0)), 0.0))


def changes_mind(mean: ArrayLike, spread: ArrayLike, error: ArrayLike) -> Floats:
    """Return the chance that the test overturns what would be done without it.

    >>> print(changes_mind(0, 1, 1), changes_mind(-1, 1, 0).round(4))
    0.5 0.1587
    """
    return floats(norm.sf(_learned(mean, spread, error)[1]))


def _learned(mean: ArrayLike, spread: ArrayLike, error: ArrayLike) -> tuple[Floats, Floats]:
    """Return by how much the test will move the mean, and how many such moves away from 0 it is."""
    m, s, e = np.broadcast_arrays(floats(mean), floats(spread), floats(error))
    total = np.hypot(s, e)
    known = (total > 0) & np.isfinite(total)
    moved = np.divide(s * s, total, out=np.zeros_like(total), where=known)
    far = np.divide(np.abs(m), moved, out=np.full_like(moved, np.inf), where=moved > 0)
    return floats(moved), floats(far)


@dataclass(frozen=True)
class Length:
    """The best length of a test in whole weeks, its value net of cost, and its standard error."""

    weeks: int
    value: float
    error: float


def best_length(
    mean: float,
    spread: float,
    weekly_error: float,
    horizon: int,
    *,
    least: int = 2,
    cost: float = 0.0,
) -> Length:
    """Return how many weeks of testing pay most, when what is learned is used until the horizon.

    `mean` and `spread` are the change's value over `horizon` weeks, `weekly_error` the standard
    error of that value after one week of data (falling with the square root of weeks), `cost` that
    of one week of testing. After w weeks only (horizon - w) / horizon of the value is left to earn.

    >>> found = best_length(0, 1000, 2000, 26)
    >>> print(found.weeks, round(found.value))
    5 240
    """
    weeks = np.arange(min(least, horizon), horizon + 1)
    error = weekly_error / np.sqrt(weeks)
    value = evsi(mean, spread, error) * (horizon - weeks) / horizon - cost * weeks
    best = int(np.argmax(value))
    return Length(int(weeks[best]), float(value[best]), float(error[best]))
