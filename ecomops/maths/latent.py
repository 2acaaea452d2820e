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
ROUNDS, TURNS = 4, 3
PRIOR = 0.15  # how far from 0 gains are thought to be when demand is corrected for them
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
    A day's mean is the product's local level times the shop's day, both told by what was there; a
    day that ran empty enters by its expectation given what was sold (EM; Dempster, Laird and Rubin
    1977; Nahmias 1994). Of the demand lost in a group a share goes to the products still there, in
    proportion to their own (Anupindi, Dada and Gupta 1998, Marketing Science 17). The share is read
    off what levels and days do not explain (Robinson 1988, Econometrica 56), else they take it up;
    apart for products that ran out; gains are pulled to 0 where demand is corrected for them.

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
    gains = np.zeros(2)
    own, pull = _own(sold, out, sold, np.ones_like(sold), width), np.zeros_like(sold)
    for _ in range(ROUNDS):
        pull = _pull(own, _gone(sold, out, own), out, member)
        free, gains, known = _gains(sold, out, own, pull, gains, width)
        own = _own(sold, out, own, _drawn(out, pull, gains), width)
    drawn = _drawn(out, pull, gains)
    demand = np.where(out, _at_least(sold, own), sold / drawn)
    lost = _gone(sold, out, own).sum()
    taken = [np.where(out | (ran != _ran_out(out)), 0, own * pull).sum() for ran in (False, True)]
    share = floats(taken) / max(lost, TINY)
    error = float(np.sqrt(share @ known @ share)) if np.isfinite(known).all() else float("nan")
    return Latent(floats(demand), float(np.clip(share @ free, 0, 1)), error)


def _ran_out(out: Bools) -> Bools:
    return np.asarray(out.any(axis=1))[:, None]


def _own(sold: Floats, out: Bools, own: Floats, drawn: Floats, width: float) -> Floats:
    """Return the mean of each product's own demand by day: its level times the shop's day."""
    seen: Bools = ~out | (sold > 0)
    value = np.where(seen, np.where(out, _at_least(sold, own), sold / drawn), 0)
    level = np.repeat(value.sum(axis=1, keepdims=True), sold.shape[1], axis=1)
    level = level / np.maximum(seen.sum(axis=1, keepdims=True), 1)
    for _ in range(TURNS):
        day = _season(np.where(out, 0, value), level, ~out)
        level = _smooth(value, width) / np.maximum(_smooth(seen * day, width), TINY)
        own = np.maximum(level * day, TINY)
        value = np.where(out & seen, _at_least(sold, own), value)
    return floats(own)


def _season(value: Floats, level: Floats, seen: Bools) -> Floats:
    """Return each day's demand over what levels make of it, mean 1; between days where unknown."""
    due = np.where(seen, level, 0).sum(axis=0)
    known = np.flatnonzero(due > 0)
    if not value.any() or not known.size:
        return np.ones(due.size)
    day = np.interp(np.arange(due.size), known, value.sum(axis=0)[known] / due[known])
    return floats(day / day.mean() + 1e-6)


def _gone(sold: Floats, out: Bools, own: Floats) -> Floats:
    """Return the demand of empty days that was not served."""
    return floats(np.where(out, _at_least(sold, own) - sold, 0))


def _pull(own: Floats, gone: Floats, out: Bools, member: Floats) -> Floats:
    """Return the demand lost in a product's group over the demand that is still served there."""
    missing, there = member.T @ gone, member.T @ np.where(out, 0, own)
    return floats(member @ (missing / np.maximum(there, TINY)))


def _drawn(out: Bools, pull: Floats, gains: Floats) -> Floats:
    return floats(np.where(out, 1, 1 + gains[_ran_out(out).astype(int)] * pull))


def _gains(
    sold: Floats, out: Bools, own: Floats, pull: Floats, gains: Floats, width: float
) -> tuple[Floats, Floats, Floats]:
    """Return which share of what is lost goes to products that never, or once ran out.

    As found, as used for the correction, and the covariance of what is found; by a step of Gauss
    and Newton from `gains`.
    """
    mean = np.where(out, 0, own * _drawn(out, pull, gains))
    parts = [np.where(out | (_ran_out(out) != ran), 0, pull) for ran in (False, True)]
    apart = [_apart(part, mean, width) for part in parts]
    left = np.where(out, 0, sold - mean)
    steep = floats([[np.sum(np.where(out, 0, own) * x * z) for z in apart] for x in apart])
    slope = floats([np.sum(x * left) for x in apart])
    excess = max(float(np.sum(left**2) / max(mean.sum(), TINY)), 1.0)
    ridge, prior = np.eye(2) * TINY, np.eye(2) * excess / PRIOR**2
    free = gains + np.linalg.solve(steep + ridge, slope)
    used = gains + np.linalg.solve(steep + prior, slope - prior @ gains)
    learnt = bool(np.diag(steep).max() > 1)
    known = excess * np.linalg.pinv(steep) if learnt else np.full((2, 2), np.nan)
    return floats(np.clip(free, 0, 1)), floats(np.clip(used, 0, 1)), floats(known)


def _apart(values: Floats, mean: Floats, width: float) -> Floats:
    """Return what of `values` a product's level and the day do not explain, weighted by `mean`."""
    level, day = np.maximum(_smooth(mean, width), TINY), np.maximum(mean.sum(axis=0), TINY)
    there = mean > 0
    for _ in range(TURNS):
        values = values - there * _smooth(mean * values, width) / level
        values = values - there * (mean * values).sum(axis=0) / day
    return floats(values)


def _smooth(values: Floats, width: float) -> Floats:
    return floats(gaussian_filter1d(values, width, axis=1, mode="constant", truncate=3.0))


def _at_least(sold: Floats, mean: Floats) -> Floats:
    """Return E(D | D >= sold) of a Poisson count."""
    chance = poisson.sf(sold - 1, mean)
    return floats(
        np.where(chance > 0, mean * poisson.sf(sold - 2, mean) / np.maximum(chance, 1e-300), sold)
    )
