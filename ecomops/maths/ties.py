"""Quantiles of values that come with how often each occurs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ecomops.maths.arrays import Floats, floats

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def quantiles(values: ArrayLike, counts: ArrayLike, at: ArrayLike) -> Floats:
    """Return linear quantiles of values of which each occurs `counts` times.

    Parameters
    ----------
    values, counts
        Distinct values in any order and how often each occurs, 1 or more; one shape (n,).
    at
        Shares from 0 to 1, shape (m,).

    Returns
    -------
    Quantiles, shape (m,): what `numpy.quantile` gives of the values written out one by one.

    Notes
    -----
    Type 7 of Hyndman and Fan (1996), Sample Quantiles in Statistical Packages.

    >>> quantiles([30, 10, 20], [1, 2, 1], [0.5, 0.75]).tolist()
    [15.0, 22.5]
    """
    order = np.argsort(floats(values))
    ordered = floats(values)[order]
    last = np.cumsum(np.asarray(counts, dtype=np.int64)[order])
    place = floats(at) * (last[-1] - 1)
    below, above = (
        ordered[np.searchsorted(last, end(place), side="right")] for end in (np.floor, np.ceil)
    )
    return floats(below + (above - below) * (place - np.floor(place)))
