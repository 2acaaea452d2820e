"""Demand of many products by day while some were sold out, and who bought another instead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.stats import poisson

from ecomops.base.errors import DataError
from ecomops.maths.arrays import Floats, floats

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ecomops.maths.arrays import Bools

WIDTH = 40.0  # days over which a product's level changes little
ROUNDS = 10
SHARES = np.linspace(0.0, 1.0, 5)
TINY = 1e-9


@dataclass(frozen=True)
class Latent:
    """Demand behind sales: `demand` per product and day, shape (products, days).

    `substitution` is the share of those who found their product sold out and bought another of
    its group, `substitution_error` its standard error (nan where nothing was sold out).
    """

    demand: Floats
    substitution: float
    substitution_error: float


def latent_demand(
    sales: ArrayLike, empty: ArrayLike, groups: ArrayLike, width: float = WIDTH
) -> Latent:
    """Return what would have been bought had every product always been there.

    Parameters
    ----------
    sales
        Pieces by product and day, shape (products, days).
    empty
        Days on which the product ran out or was not to be had, same shape.
    groups
        Names of the groups within which buyers switch, shape (products,).
    width
        Standard deviation in days of the window over which a product's level is taken.

    Returns
    -------
    Latent

    Raises
    ------
    DataError
        When the shapes differ.

    Notes
    -----
    A day's mean is the product's local level times the shop's day, told by products that never ran
    out; sold-out days enter by their expectation given what was sold (EM; Dempster, Laird and Rubin
    1977; Nahmias 1994). Of the demand lost in a group a share goes to the products still there, in
    proportion to their own; the share has the largest profile likelihood (Anupindi, Dada and Gupta
    1998, Marketing Science 17).

    Examples
    --------
    >>> sold = np.full((2, 60), 5.0)
    >>> out = np.zeros((2, 60), bool)
    >>> sold[0, 20:40], out[0, 20:40] = 0, True
    >>> print(latent_demand(sold, out, ["a", "b"]).demand.sum(axis=1).round(1))
    [300. 300.]
    """
    sold, out = floats(sales), np.asarray(empty, dtype=bool)
    names = np.asarray(groups)
    if sold.shape != out.shape or names.shape != sold.shape[:1]:
        raise DataError("latent_shapes", shapes=[str(a.shape) for a in (sold, out, names)])
    if not out.any():
        return Latent(sold.copy(), 0.0, float("nan"))
    member = floats(names[:, None] == np.unique(names)[None, :])
    fits = [_fitted(sold, out, member, share, width)[1] for share in SHARES]
    share, error = _peak(floats(fits))
    return Latent(_fitted(sold, out, member, share, width)[0], share, error)


def _season(demand: Floats, always: Bools) -> Floats:
    """Return each day's level, mean 1, from the products that never ran out; flat without any."""
    total = demand[always].sum(axis=0)
    if not total.any():
        return np.ones(demand.shape[1])
    return floats(total / total.mean() + 1e-6)


def _fitted(
    sold: Floats, out: Bools, member: Floats, share: float, width: float
) -> tuple[Floats, float]:
    """Return demand at a share of substitution, and its log likelihood."""
    always: Bools = ~np.asarray(out.any(axis=1))
    day = _season(sold, always)
    seen = _smooth(np.where(out, 0, day), width)
    level = _smooth(np.where(out, 0, sold), width) / np.maximum(seen, TINY)
    base = np.maximum(_smooth(day[None, :], width), TINY)
    for _ in range(ROUNDS):
        own = np.maximum(level * day, TINY)
        missing = member.T @ np.where(out, own, 0)
        there = member.T @ np.where(out, 0, own)
        drawn = 1 + share * (member @ (missing / np.maximum(there, TINY)))
        demand = sold / drawn
        demand[out] = _at_least(sold[out], own[out])
        level = _smooth(demand, width) / base
    mean = (own * drawn)[~out]
    return floats(demand), float(np.sum(sold[~out] * np.log(mean) - mean))


def _smooth(values: Floats, width: float) -> Floats:
    return floats(gaussian_filter1d(values, width, axis=1, mode="constant", truncate=3.0))


def _at_least(sold: Floats, mean: Floats) -> Floats:
    """Return E(D | D >= sold) of a Poisson count."""
    chance = poisson.sf(sold - 1, mean)
    return floats(
        np.where(chance > 0, mean * poisson.sf(sold - 2, mean) / np.maximum(chance, 1e-300), sold)
    )


def _peak(fits: Floats) -> tuple[float, float]:
    """Return where a parabola through the log likelihoods peaks, within 0-1, and its error."""
    curve = np.polyfit(SHARES, fits, 2)
    if curve[0] >= 0:
        return float(SHARES[np.argmax(fits)]), float("nan")
    best = float(np.clip(-curve[1] / (2 * curve[0]), 0.0, 1.0))
    return best, float(np.sqrt(-1 / (2 * curve[0])))
