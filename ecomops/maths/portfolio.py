"""Uncertain sums of money, each known by three quantiles: the chance of a gain, and their sum."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import norm

from ecomops.base.errors import DataError
from ecomops.maths.arrays import Z90, Floats, floats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

STRATA = 4_000


def _checked(low: ArrayLike, mid: ArrayLike, high: ArrayLike) -> tuple[Floats, Floats, Floats]:
    three = floats(low), floats(mid), floats(high)
    wrong = ~((three[0] <= three[1]) & (three[1] <= three[2]))
    if np.any(wrong):
        raise DataError("quantiles_cross", count=int(wrong.sum()), n=wrong.size)
    return three


def chance_above_zero(low: ArrayLike, mid: ArrayLike, high: ArrayLike) -> Floats:
    """Return the chance that each value is above 0, from its 5, 50 and 95 % quantiles.

    Parameters
    ----------
    low, mid, high
        Shape (n,), in that order by value.

    Returns
    -------
    Chances of shape (n,).

    Raises
    ------
    DataError
        When the quantiles of a value are not in order.

    Notes
    -----
    Two half-normals that meet at the median, so that all three quantiles are exact (the "split
    normal" of Wallis (2014), Int. Stat. Rev. 82: 318-331, fixed by its median, not its mode).

    Examples
    --------
    >>> print(chance_above_zero([0.0, -10], [10.0, 0], [30.0, 10]).round(3))
    [0.95 0.5 ]
    """
    low, mid, high = _checked(low, mid, high)
    side = np.where(mid > 0, mid - low, high - mid) / Z90
    with np.errstate(divide="ignore", invalid="ignore"):
        chance: Floats = norm.cdf(np.where(side > 0, mid / side, np.sign(mid) * np.inf))
    return np.where((side == 0) & (mid == 0), 0.0, chance)


def together(
    low: ArrayLike, mid: ArrayLike, high: ArrayLike, groups: Sequence[str], *, seed: int
) -> tuple[float, float, float]:
    """Return the 5, 50 and 95 % quantiles of the sum of values known by theirs.

    Values of one group share their error (they come from one analysis of the same data) and move
    together; groups are independent. Quantiles themselves do not add up.

    Parameters
    ----------
    low, mid, high
        Shape (n,), in that order by value.
    groups
        The group of each value.
    seed
        Of the draws, which are stratified: one group alone gives the sums of the quantiles.

    Returns
    -------
    Three numbers; zeros when there is no value.

    Raises
    ------
    DataError
        When the quantiles of a value are not in order.

    Examples
    --------
    >>> [round(q) for q in together([0, 0], [10, 10], [20, 20], ["a", "a"], seed=1)]
    [0, 20, 40]
    >>> [round(q) for q in together([0, 0], [10, 10], [20, 20], ["a", "b"], seed=1)]
    [6, 20, 34]
    """
    low, mid, high = _checked(low, mid, high)
    strata = norm.ppf((np.arange(STRATA) + 0.5) / STRATA)
    total = np.zeros(STRATA)
    random = np.random.default_rng(seed)
    for name in sorted(set(groups)):
        z = random.permutation(strata)[:, None]
        mine = np.array([group == name for group in groups])
        down, up = (mid - low)[mine] / Z90, (high - mid)[mine] / Z90
        total += (mid[mine] + z * np.where(z < 0, down, up)).sum(axis=1)
    lower, middle, upper = np.quantile(total, [0.05, 0.5, 0.95])
    return float(lower), float(middle), float(upper)
