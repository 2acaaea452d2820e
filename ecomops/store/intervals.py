"""Intervals of sums, means and ratios from their sums and sums of squares."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from ecomops.maths.arrays import Floats, floats, ratio

LEVEL = 0.90
_Z = NormalDist().inv_cdf(0.5 + LEVEL / 2)


def of_total(total: Floats, squares: Floats) -> tuple[Floats, Floats]:
    """Return the 90 % interval of a sum of amounts whose number is itself chance.

    Parameters
    ----------
    total, squares
        Sum and sum of squares of the amounts (of a count: the count twice), any one shape.

    Notes
    -----
    A compound Poisson sum of independent amounts has variance n E(x²), which the sum of squares
    estimates. It says how far another such period could fall by chance of buyers alone: orders of
    one buyer are not independent, so that an amount is what one buyer brought.

    >>> low, high = of_total(floats(100), floats(100))
    >>> print(f"{low:.1f} {high:.1f}")
    83.6 116.4
    """
    half = _Z * np.sqrt(floats(squares))
    return total - half, total + half


def of_mean(total: Floats, squares: Floats, n: Floats) -> tuple[Floats, Floats]:
    """Return the 90 % interval of a mean from sum, sum of squares and count.

    Missing below two observations.

    >>> low, high = of_mean(floats(12), floats(56), floats(3))  # 2, 4, 6
    >>> print(f"{low:.2f} {high:.2f}")
    2.10 5.90
    """
    mean, n = ratio(total, n), floats(n)
    spread = np.maximum(floats(squares) - n * mean**2, 0)
    half = _Z * np.sqrt(ratio(spread, np.where(n > 1, (n - 1) * n, 0)))
    return mean - half, mean + half


def of_ratio(
    top: Floats,
    bottom: Floats,
    top_squares: Floats,
    bottom_squares: Floats,
    cross: Floats,
    n: Floats,
) -> tuple[Floats, Floats]:
    """Return the 90 % interval of a ratio of two sums over the same `n` independent units.

    Missing below two units.

    Parameters
    ----------
    top, bottom
        The sums; `cross` is the sum of products, the squares are sums of squares.
    n
        How many orders, or buyers, the sums are over.

    Notes
    -----
    Delta method (Cochran 1977, Sampling Techniques, 6.4): the sum of (x - R y)² times n / (n - 1),
    over the square of the sum of y.

    >>> three = (30, 300, 500, 30_000, 3_500, 3)  # refunds of three orders
    >>> low, high = of_ratio(*map(floats, three))
    >>> print(f"{low:.3f} {high:.3f}")
    0.033 0.167
    """
    share, n = ratio(top, bottom), floats(n)
    spread = top_squares - 2 * share * cross + share**2 * bottom_squares
    scale = ratio(n, np.where(n > 1, n - 1, 0))
    half = _Z * ratio(np.sqrt(np.maximum(spread, 0) * scale), np.abs(bottom))
    return share - half, share + half
