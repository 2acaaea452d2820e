"""Looking at many results at once without being fooled by the luckiest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ecomops.base.errors import DataError
from ecomops.maths.arrays import Floats, floats

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def benjamini_hochberg(p_values: ArrayLike) -> Floats:
    """Return q-values: keep those up to 0.05 and at most 5 % of what is kept is expected false.

    Parameters
    ----------
    p_values
        Shape (n,), each 0 to 1; missing values stay missing and do not count as tests.

    Returns
    -------
    q-values of shape (n,), in the order of `p_values`, each at least its p-value.

    Raises
    ------
    DataError
        When a p-value lies outside 0 to 1.

    Notes
    -----
    Benjamini and Hochberg (1995), J. R. Stat. Soc. B 57: 289-300, as adjusted p-values.

    Examples
    --------
    >>> print(benjamini_hochberg([0.01, 0.04, 0.03, 0.20]).round(4))
    [0.04   0.0533 0.0533 0.2   ]
    """
    p = floats(p_values)
    if np.any((p < 0) | (p > 1)):
        raise DataError("p_values_outside", count=int(np.sum((p < 0) | (p > 1))), n=p.size)
    out = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(-p[known], kind="stable")]
    ranks = np.arange(order.size, 0, -1)
    out[order] = np.minimum(np.minimum.accumulate(p[order] * order.size / ranks), 1)
    return out
