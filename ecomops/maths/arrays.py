"""Names for the arrays every method takes and gives."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

Z90 = 1.6448536269514722  # half the width of a normal 90 % interval, in standard errors


def floats(values: ArrayLike) -> Floats:
    """Return `values` as an array of 64-bit floats.

    >>> floats([1, 2])
    array([1., 2.])
    """
    return np.asarray(values, dtype=np.float64)


def ints(values: ArrayLike) -> Ints:
    """Return `values` as an array of 64-bit integers.

    >>> ints([1.0, 2.0])
    array([1, 2])
    """
    return np.asarray(values, dtype=np.int64)


def ratio(numerator: ArrayLike, denominator: ArrayLike) -> Floats:
    """Return `numerator / denominator`, missing (nan) where the denominator is 0.

    >>> ratio([1, 1], [4, 0])
    array([0.25,  nan])
    """
    top, bottom = np.broadcast_arrays(floats(numerator), floats(denominator))
    out: Floats = np.full(top.shape, np.nan)
    np.divide(top, bottom, out=out, where=bottom != 0)
    return out
