"""What a test with a random holdout of a given size can settle."""

from __future__ import annotations

import math

from ecomops.base import checks

LEHR = 16  # 2 * (1.96 + 0.84) ** 2, rounded: power 80 %, two-sided level 5 %


def per_group(share: float, difference: float) -> int:
    """Return how many people each of two equal groups needs.

    Parameters
    ----------
    share
        Share that responds in the group left alone, 0 to 1.
    difference
        Smallest difference of shares worth seeing, more than 0.

    Notes
    -----
    Lehr (1992), Statistics in Medicine 11: 1099-1102: 16 p (1 - p) / d², for power 80 % at 5 %.

    Examples
    --------
    >>> per_group(0.2, 0.02)
    6400
    """
    checks.between("share", share, 0, 1)
    needed = LEHR * share * (1 - share) / difference**2
    return math.ceil(round(needed, 6))  # 6400.000000000001 people are 6400


def visible_difference(people: int) -> float:
    """Return the largest smallest-visible difference when `people` are split into two halves.

    Notes
    -----
    Lehr's rule solved for the difference at a share of one half, where it is widest.

    Examples
    --------
    >>> visible_difference(3200)
    0.05
    """
    return math.sqrt(LEHR * 0.25 / (people / 2)) if people else math.nan
