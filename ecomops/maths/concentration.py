"""How unevenly a total is spread: Lorenz curve, Gini, Herfindahl, ABC classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ecomops.base.errors import DataError, OptionError
from ecomops.maths.arrays import Floats, floats, ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray


def _sizes(values: ArrayLike) -> Floats:
    sizes = floats(values).ravel()
    if np.any(~(sizes >= 0)):
        raise DataError("negative_sizes", count=int(np.sum(~(sizes >= 0))), n=sizes.size)
    return sizes


def lorenz(values: ArrayLike) -> tuple[Floats, Floats]:
    """Return the Lorenz curve of `values`, smallest first.

    Parameters
    ----------
    values
        Shape (n,), not negative.

    Returns
    -------
    Share of items and share of the total, both of shape (n + 1,), from 0 to 1. The share of the
    total is missing when the total is 0.

    Raises
    ------
    DataError
        When a value is negative or missing.

    Notes
    -----
    Lorenz (1905), Publications of the American Statistical Association 9: 209-219.

    Examples
    --------
    >>> items, total = lorenz([1, 3])
    >>> print(items, total)
    [0.  0.5 1. ] [0.   0.25 1.  ]
    """
    sizes = np.sort(_sizes(values))
    sums = np.concatenate([[0.0], np.cumsum(sizes)])
    shares = sums / sums[-1] if sums[-1] > 0 else np.full(sums.size, np.nan)
    return np.linspace(0, 1, sizes.size + 1), shares


def gini(values: ArrayLike) -> float:
    """Return the Gini coefficient: 0 when all are equal, (n - 1) / n when one has all.

    Missing without items or without a total.

    Parameters
    ----------
    values
        Shape (n,), not negative.

    Raises
    ------
    DataError
        When a value is negative or missing.

    Notes
    -----
    Twice the area between the Lorenz curve and the diagonal; for 1, 2, ..., n it is
    (n - 1) / (3 n). Not corrected for small n: compare it between groups of similar size.

    Examples
    --------
    >>> print(round(gini([1, 2, 3, 4]), 6))
    0.25
    """
    items, shares = lorenz(values)
    area = np.sum((shares[1:] + shares[:-1]) * np.diff(items))
    return float(1 - area) if items.size > 1 else float("nan")


def hhi(values: ArrayLike) -> float:
    """Return the Herfindahl-Hirschman index: the sum of squared shares, 1 / n to 1.

    Parameters
    ----------
    values
        Shape (n,), not negative.

    Raises
    ------
    DataError
        When a value is negative or missing.

    Notes
    -----
    Its inverse is the number of equal items that would be as concentrated.

    Examples
    --------
    >>> print(hhi([1, 1, 1, 1]), hhi([5, 0]))
    0.25 1.0
    """
    sizes = _sizes(values)
    total = sizes.sum()
    return float(np.sum((sizes / total) ** 2)) if total > 0 else float("nan")


def top_share(values: ArrayLike, portion: float = 0.2) -> float:
    """Return the share of the total that the largest `portion` of items holds.

    Parameters
    ----------
    values
        Shape (n,), not negative.
    portion
        0 to 1; an item that is cut counts in part.

    Raises
    ------
    DataError
        When a value is negative or missing.

    Notes
    -----
    One minus the Lorenz curve at 1 - portion, with straight lines between items.

    Examples
    --------
    >>> print(top_share([8, 1, 1, 0, 0], 0.2))
    0.8
    """
    items, shares = lorenz(values)
    return float(1 - np.interp(1 - portion, items, shares))


def abc_classes(values: ArrayLike, cuts: Sequence[float] = (0.8, 0.95)) -> NDArray[np.str_]:
    """Return the class of each item: A until the first cut of the running total, then B, then C.

    Parameters
    ----------
    values
        Shape (n,), in any order; items of 0 or less go to the last class.
    cuts
        Rising shares of the total, each between 0 and 1.

    Returns
    -------
    Class letters of shape (n,), in the order of `values`.

    Raises
    ------
    OptionError
        When the cuts do not rise between 0 and 1.

    Notes
    -----
    The item that crosses a cut stays in the better class, and equal items share a class (that of
    the first of them), so no class depends on row order.

    Examples
    --------
    >>> print(abc_classes([85, 10, 5]))
    ['A' 'B' 'C']
    """
    levels = floats(cuts)
    if np.any(np.diff([0.0, *levels, 1.0]) <= 0):
        raise OptionError("cuts_not_rising", cuts=list(cuts))
    sizes = np.maximum(floats(values), 0)
    distinct, place, count = np.unique(-sizes, return_inverse=True, return_counts=True)
    sums = np.cumsum(-distinct * count)
    before = ratio(np.concatenate([[0.0], sums])[:-1], sums[-1:] if sums.size else 1.0)
    # A hair of slack: a cut reached exactly in decimals counts as reached in floats as well.
    reached = np.searchsorted(levels, before + 1e-12, side="right")
    reached[distinct >= 0] = levels.size
    letters = np.array([chr(ord("A") + i) for i in range(levels.size + 1)])
    return letters[reached[place]]
