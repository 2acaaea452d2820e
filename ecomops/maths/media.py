"""What advertising brings, from daily series: adstock, saturation and a sampler of their doubt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import log_ndtr, ndtri_exp

from ecomops.maths import curves
from ecomops.maths.arrays import Floats, Ints, floats

if TYPE_CHECKING:
    from collections.abc import Sequence

LAGS = 28
DECAYS = (0.0, 0.2, 0.4, 0.6, 0.8)
WEIBULLS = ((0.5, 0.1, "cdf"), (1.0, 0.1, "cdf"), (1.0, 0.3, "cdf"), (2.0, 0.1, "pdf"),
            (2.0, 0.3, "pdf"))  # fmt: skip
HALVES = (0.25, 0.5, 1.0, 2.0, 4.0)  # in average carried spend
SLOPES = (0.7, 1.0, 1.5, 2.2)
ROAS = 4.0  # prior: what a unit of spend brings is half-normal with this standard deviation
CHAINS, SWEEPS, WARM_UP, THIN = 8, 600, 100, 2
FOLDS = 4


@dataclass(frozen=True)
class Shapes:
    """A grid of response shapes: lag weights (c, lags) and, by shape (s,), which, half and slope.

    Halves are in units of a channel's average carried spend.
    """

    weights: Floats
    carry: Ints
    half: Floats
    slope: Floats


def shapes(adstock: str = "geometric") -> Shapes:
    """Return the grid of shapes for geometric or Weibull adstock, lag weights adding up to 1.

    >>> len(shapes().half), len(shapes("weibull").half)
    (100, 100)
    """
    if adstock == "geometric":
        lagged = [curves.geometric_weights(d, LAGS) for d in DECAYS]
    else:
        lagged = [curves.weibull_weights(*w[:2], LAGS, kind=w[2]) for w in WEIBULLS]
    weights = np.array([w / w.sum() for w in lagged])
    grid = np.meshgrid(np.arange(len(weights)), HALVES, SLOPES, indexing="ij")
    carry, half, slope = (part.ravel() for part in grid)
    return Shapes(weights, carry.astype(np.int64), floats(half), floats(slope))


def effects(spend: Floats, grid: Shapes, unit: float) -> Floats:
    """Return the saturated effect 0-1 of spend (n,) under every shape, of shape (s, n).

    `unit` is the average carried spend that halves are told in.

    >>> effects(np.array([0.0, 10.0]), shapes(), 10.0).shape
    (100, 2)
    """
    stock = np.array([curves.carried(spend, w) for w in grid.weights]) / unit
    powered = stock[grid.carry] ** grid.slope[:, None]
    return floats(powered / (powered + grid.half[:, None] ** grid.slope[:, None]))


@dataclass(frozen=True)
class Trial:
    """A measured experiment: the lift of one channel's sales and its standard error.

    `change` (n,) is the channel's spend as it would have been otherwise.
    """

    channel: int
    otherwise: Floats
    lift: float
    error: float


@dataclass(frozen=True)
class Series:
    """Daily series after the calendar is taken off.

    `share` (n,) is what the calendar makes of an average day; `level` the sales of an average day;
    `rows` whiten and project a matrix (m, n) of day-by-day effects; `target` is what is left of
    sales; `sigma` its standard deviation, as a share of an average day.
    """

    share: Floats
    level: float
    target: Floats
    projector: tuple[Floats, Floats, Floats, float]
    sigma: float
    used: float

    def rows(self, effect: Floats) -> Floats:
        """Return effects (m, n) without what the calendar explains, of shape (m, n - 1)."""
        design, inverse, weight, rho = self.projector
        white = _white(effect, weight, rho)
        return floats(white - (white @ design) @ inverse @ design.T)


def _white(effect: Floats, weight: Floats, rho: float) -> Floats:
    scaled = effect * np.sqrt(weight)
    return floats(scaled[..., 1:] - rho * scaled[..., :-1])


def series(sales: Floats, share: Floats, weight: Floats, design: Floats, prior: Floats) -> Series:
    """Return sales (n,) relative to the calendar's `share` (n,), ready for regression.

    `design` (n, p) holds calendar, level and other controls with prior standard deviations (p,);
    `weight` (n,) is how far each day is trusted. Errors follow each other (AR(1), Cochrane and
    Orcutt 1949).
    """
    relative = sales / share
    level = float(np.average(relative, weights=weight))
    z = relative / level
    root = np.sqrt(weight)
    sigma = 0.2
    for _ in range(3):
        left = z - design @ _ridge(design * root[:, None], z * root, prior, sigma)[0]
        sigma = max(float(np.sqrt(np.average(left**2, weights=weight))), 1e-6)
    rho = float(np.clip(np.sum(left[1:] * left[:-1]) / np.sum(left**2), 0, 0.9))
    white = _white(design.T, weight, rho).T
    _, inverse = _ridge(white, _white(z, weight, rho), prior, sigma)
    out = Series(share, level, z, (white, inverse, weight, rho), sigma, 0.0)
    target = out.rows(z[None, :])[0]
    used = float(np.trace(inverse @ (white.T @ white)))
    scale = float(np.sqrt(np.sum(target**2) / max(len(target) - used, 1)))
    return Series(share, level, target, (white, inverse, weight, rho), scale, used)


def _ridge(design: Floats, y: Floats, prior: Floats, sigma: float) -> tuple[Floats, Floats]:
    inverse = np.linalg.inv(design.T @ design + np.diag(sigma**2 / prior**2))
    return floats(inverse @ (design.T @ y)), floats(inverse)


@dataclass(frozen=True)
class Draws:
    """Posterior draws of the curves: arrays of shape (draws, channels).

    `top` is sales a day at saturation, on an average day; `half` the spend a day that brings half
    of it; `slope` and `shape` (place in the grid) the form; `brought` the mean sales a day in the
    period.
    """

    top: Floats
    half: Floats
    slope: Floats
    shape: Ints
    brought: Floats

    def sales(self, spend: Floats) -> Floats:
        """Return sales a day (draws, channels, ...) at a steady spend a day (channels, ...)."""
        more = (...,) + (None,) * (np.ndim(spend) - 1)
        powered = (np.maximum(spend, 0)[None] / self.half[more]) ** self.slope[more]
        return floats(self.top[more] * powered / (1 + powered))

    def marginal(self, spend: Floats) -> Floats:
        """Return sales of one more unit of spend (draws, channels) at a steady spend (channels,).

        >>> one = np.ones((1, 1))
        >>> Draws(2 * one, one, one, one.astype(int), one).marginal(np.array([1.0])).tolist()
        [[0.5]]
        """
        at = np.maximum(spend, 1e-9)[None]
        powered = (at / self.half) ** self.slope
        return floats(self.top * self.slope * powered / at / (1 + powered) ** 2)


@dataclass(frozen=True)
class Fit:
    """Draws, and by how much they foretell sales of times left out (above 0: better than none).

    `skill` has one entry per fold: the reduction of squared error in units of its variance.
    """

    draws: Draws
    skill: Floats


@dataclass(frozen=True)
class _Problem:
    """Sums that the sampler needs: (k s, k s), (k s,), and by channel and shape (k, s)."""

    gram: Floats
    cross: Floats
    total: float
    count: float
    prior: Floats
    seen: Floats
    told: Floats
    sigma: float


def fit(
    found: Series, spend: Floats, grid: Shapes, trials: Sequence[Trial] = (), *, seed: int
) -> Fit:
    """Return posterior draws of every channel's curve for spend (k, n), calibrated by `trials`.

    Sales are calendar times (level + sum of top x Hill(adstock) + error), so given the shapes the
    tops are linear: a Gibbs sampler draws each channel's shape from the grid with its top summed
    out, then the top (half-normal prior, `ROAS` in sales per spend). Jin et al. (2017), Bayesian
    methods for media mix modelling; Geweke (1996) for the bounded draws. Trials enter as
    likelihood. Shapes of `spend`: money a day.
    """
    channels, size = len(spend), len(grid.half)
    units = np.array([max(s.mean(), 1e-9) for s in spend])
    raw = np.stack([effects(s, grid, u) for s, u in zip(spend, units, strict=True)])
    mean = (raw * found.share).mean(axis=2)
    share = units[:, None] / found.level
    prior = ROAS * share / np.maximum(mean, 1e-12)
    rows = found.rows(raw.reshape(channels * size, -1))
    seen, told = _trials(trials, grid, units, spend, found)
    parts = np.array_split(np.arange(rows.shape[1]), FOLDS)
    whole = _problem(rows, found, prior, seen, told)
    tops, chosen = _gibbs(whole, seed)
    skill = np.array([_skill(rows, found, part, prior, seen, told, seed) for part in parts])
    place = np.arange(channels)[None, :]
    draws = Draws(
        top=tops * found.level,
        half=grid.half[chosen] * units,
        slope=grid.slope[chosen],
        shape=chosen,
        brought=tops * found.level * mean[place, chosen],
    )
    return Fit(draws, skill)


def _trials(
    trials: Sequence[Trial], grid: Shapes, units: Floats, spend: Floats, found: Series
) -> tuple[Floats, Floats]:
    """Return the precision and the precision-weighted sum that trials give each shape's top."""
    seen = np.zeros((len(spend), len(grid.half)))
    told = np.zeros_like(seen)
    for trial in trials:
        k = trial.channel
        change = effects(spend[k], grid, units[k]) - effects(trial.otherwise, grid, units[k])
        unit = found.level * (change * found.share).sum(axis=1)
        seen[k] += unit**2 / trial.error**2
        told[k] += unit * trial.lift / trial.error**2
    return seen, told


def _problem(
    rows: Floats, found: Series, prior: Floats, seen: Floats, told: Floats, drop: Ints | None = None
) -> _Problem:
    kept, target = rows, found.target
    if drop is not None:
        kept, target = np.delete(rows, drop, axis=1), np.delete(target, drop)
    count = max(len(target) - found.used, 8.0)
    return _Problem(
        gram=kept @ kept.T,
        cross=kept @ target,
        total=float(target @ target),
        count=count,
        prior=prior,
        seen=seen,
        told=told,
        sigma=found.sigma,
    )


def _skill(
    rows: Floats, found: Series, part: Ints, prior: Floats, seen: Floats, told: Floats, seed: int
) -> float:
    """Return how much better the days of `part` are foretold with spend than without."""
    tops, chosen = _gibbs(_problem(rows, found, prior, seen, told, part), seed, sweeps=150)
    channels, size = prior.shape
    mean = np.zeros(channels * size)
    at = np.arange(channels)[None, :] * size + chosen
    np.add.at(mean, at.ravel(), (tops / len(tops)).ravel())
    real, said = found.target[part], mean @ rows[:, part]
    return float(np.sum(real**2 - (real - said) ** 2) / found.sigma**2)


def _gibbs(p: _Problem, seed: int, sweeps: int = SWEEPS) -> tuple[Floats, Ints]:
    """Return draws of tops and shapes, each (draws, k), from parallel chains."""
    random = np.random.default_rng(seed)
    channels, size = p.prior.shape
    base = np.arange(channels) * size
    shape = random.integers(0, size, (CHAINS, channels))
    top = np.zeros((CHAINS, channels))
    variance = np.full(CHAINS, p.sigma**2)
    tops, chosen = [], []
    for sweep in range(WARM_UP + sweeps):
        for k in range(channels):
            at = base + shape
            others = top.copy()
            others[:, k] = 0.0
            block = slice(base[k], base[k] + size)
            left = p.cross[block] - np.einsum("cj,cjs->cs", others, p.gram[:, block][at])
            shape[:, k], top[:, k] = _draw(p, k, left, block, variance, random)
        at = base + shape
        inner = np.einsum("ci,cij,cj->c", top, p.gram[at[:, :, None], at[:, None, :]], top)
        squares = p.total - 2 * np.sum(top * p.cross[at], axis=1) + inner
        variance = np.maximum(squares, 1e-12) / random.chisquare(p.count, CHAINS)
        if sweep >= WARM_UP and sweep % THIN == 0:
            tops.append(top.copy())
            chosen.append(shape.copy())
    return np.concatenate(tops), np.concatenate(chosen)


def _draw(
    p: _Problem, k: int, left: Floats, block: slice, variance: Floats, random: np.random.Generator
) -> tuple[Ints, Floats]:
    """Draw a channel's shape with its top summed out, then the top above 0; one per chain."""
    precise = np.diagonal(p.gram)[block] / variance[:, None] + p.seen[k] + 1 / p.prior[k] ** 2
    mean = (left / variance[:, None] + p.told[k]) / precise
    z = mean * np.sqrt(precise)
    weight = -np.log(p.prior[k]) - 0.5 * np.log(precise) + 0.5 * z**2 + log_ndtr(z)
    lot = random.gumbel(size=weight.shape)
    shape = np.argmax(weight + lot, axis=1)
    one = np.arange(len(shape))
    z, scale = z[one, shape], np.sqrt(precise[one, shape])
    below = np.log(random.random(len(shape))) + log_ndtr(z)
    return shape, floats(np.maximum(z - ndtri_exp(below), 0) / scale)
