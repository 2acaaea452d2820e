"""Two groups compared within strata: the difference that no stratum's size or level confounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ecomops.maths.arrays import Bools, Floats, Ints, floats

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Difference:
    """Weighted means of both groups, their difference and its standard error.

    `null` is the standard error were there no difference at all: a test of it is not misled by a
    small group in which, by chance, few had an outcome and those that had were much alike.
    """

    one: float
    none: float
    error: float
    null: float

    @property
    def value(self) -> float:
        """The difference of the two means."""
        return self.one - self.none


def difference(
    n: ArrayLike, total: ArrayLike, squares: ArrayLike, treated: ArrayLike, stratum: ArrayLike
) -> Difference:
    """Return the difference of means between treated and untreated people over strata.

    Parameters
    ----------
    n, total, squares
        People, sum of outcomes and sum of squared outcomes of each cell, shape (cells,).
    treated
        1 or 0 for each cell.
    stratum
        Label of each cell's stratum; a stratum without two people on both sides says nothing.

    Returns
    -------
    Difference; missing when no stratum has both sides.

    Notes
    -----
    Strata are weighted by n1 n0 / (n1 + n0) (Mantel and Haenszel 1959; Cochran 1954), which is
    the most precise where the effect and the spread are the same in all of them. `null` takes the
    spread of both groups together within each stratum (score test, Rao 1948).

    Examples
    --------
    >>> found = difference([4, 4], [8, 4], [20, 8], [1, 0], ["a", "a"])
    >>> print(found.value, round(found.error, 4))
    1.0 0.8165
    """
    size, sums, square, group = (floats(v) for v in (n, total, squares, treated))
    _, place = np.unique(np.asarray(stratum), return_inverse=True)
    sides = [_side(size, sums, square, place, group == side) for side in (1, 0)]
    (n1, mean1, var1), (n0, mean0, var0) = sides
    both = (n1 > 1) & (n0 > 1)
    if not both.any():
        return Difference(np.nan, np.nan, np.nan, np.nan)
    weight = n1[both] * n0[both] / (n1[both] + n0[both])
    weight = weight / weight.sum()
    spread = var1[both] / n1[both] + var0[both] / n0[both]
    whole, _, var = (v[both] for v in _side(size, sums, square, place, group >= 0))
    alike = var * whole / (n1[both] * n0[both])
    return Difference(
        float(weight @ mean1[both]),
        float(weight @ mean0[both]),
        float(np.sqrt(weight**2 @ spread)),
        float(np.sqrt(weight**2 @ alike)),
    )


def _side(
    n: Floats, total: Floats, squares: Floats, place: Ints, mine: Bools
) -> tuple[Floats, Floats, Floats]:
    """Return people, mean and variance of one side in each stratum."""
    size, sums, square = (
        np.bincount(place, np.where(mine, values, 0.0)) for values in (n, total, squares)
    )
    known = np.maximum(size, 1)
    mean = sums / known
    rest = np.maximum(square - size * mean**2, 0.0)
    return floats(size), floats(mean), floats(rest / np.maximum(size - 1, 1))
