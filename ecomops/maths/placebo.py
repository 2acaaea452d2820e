"""What a change did: after against before, beside the same sums of what nobody touched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ecomops.base.errors import DataError
from ecomops.maths.arrays import Floats, floats, ratio

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

FEWEST = 9  # placebos from which the largest of them bounds nine in ten


@dataclass(frozen=True)
class Change:
    """What a change brought with a 90 % interval, and the growth of what was left alone."""

    value: float
    low: float
    high: float
    growth: float


def before_after(treated: ArrayLike, controls: ArrayLike) -> Change:
    """Return what came after beyond what the growth of untouched controls explains.

    Parameters
    ----------
    treated
        Sum before, sum of squares before, sum after, sum of squares after: shape (4,); the terms
        are single sales, so that the squares are the variance of a compound Poisson sum.
    controls
        The same of each control, shape (controls, 4).

    Raises
    ------
    DataError
        With fewer than nine controls, or when they sum to nothing before.

    Notes
    -----
    Difference in differences on a ratio scale. Each control is a placebo: treated as if it had
    been changed, its error in units of its standard error shows how far such a comparison is off
    where nothing was done; their split-conformal 90 % quantile is the width (Abadie, Diamond and
    Hainmueller 2010, J. Am. Stat. Assoc. 105: 493-505; Vovk 2012). The standard error holds the
    chance of single sales and a drift of popularity, estimated by moments over the controls.

    Examples
    --------
    >>> calm = [[100, 100, 110, 110]] * 20
    >>> found = before_after([50, 50, 75, 75], calm)
    >>> print(round(found.value, 6), round(found.growth, 6))
    20.0 1.1
    """
    own, others = floats(treated), floats(controls).reshape(-1, 4)
    if len(others) < FEWEST or others[:, 0].sum() <= 0:
        raise DataError("placebos_few", found=len(others), needed=FEWEST)
    drift = _drift(others)
    # of a placebo the growth is that of the others; one that holds all there was has none
    rest = others.sum(axis=0) - others
    errors, spreads, _ = _error(others, rest, drift)
    known = (rest[:, 0] > 0) & (spreads > 0)
    scores = np.sort(np.abs(errors[known] / spreads[known]))
    rank = int(np.ceil(0.9 * (scores.size + 1)))
    width = float(scores[min(rank, scores.size) - 1]) if scores.size else 0.0
    value, spread, growth = (float(v) for v in _error(own, others.sum(axis=0), drift))
    return Change(value, value - width * spread, value + width * spread, growth)


def _error(one: Floats, others: Floats, drift: float) -> tuple[Floats, Floats, Floats]:
    """Return differences to the growth of the others, their standard errors and the growth.

    Sums of shape (..., 4): of what is judged, and of everything that it is judged by.
    """
    before, before2, after, after2 = np.moveaxis(others, -1, 0)
    growth = ratio(after, before)
    wobble = ratio(after2 + growth**2 * before2, before**2)
    expected = growth * one[..., 0]
    variance = one[..., 3] + growth**2 * one[..., 1] + wobble * one[..., 0] ** 2
    return one[..., 2] - expected, np.sqrt(variance + (drift * expected) ** 2), growth


def _drift(others: Floats) -> float:
    """Return the standard deviation of the growth of single controls beyond chance."""
    growth = others[:, 2].sum() / others[:, 0].sum()
    expected = growth * others[:, 0]
    chance = others[:, 3] + growth**2 * others[:, 1]
    beyond = ((others[:, 2] - expected) ** 2 - chance).sum()
    return float(np.sqrt(max(beyond, 0.0) / (expected**2).sum()))
