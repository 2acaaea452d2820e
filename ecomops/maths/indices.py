"""Search indices: chaining windows of different scale, trend beside season, lead over a series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import norm, rankdata
from scipy.stats import t as student

from ecomops.base.errors import DataError
from ecomops.maths.arrays import Floats, floats, ratio
from ecomops.maths.forecast import features

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from ecomops.maths.forecast import Days

# Prior standard deviations of log effects: level, growth a year, six harmonics that fade.
LEVEL, SLOPE, SEASON = 1e3, 2.0, 1.5 / np.arange(1, 7)
SMALL = 5.0  # an index below this is rounded too coarsely to tell a ratio
BLOCK = 56
FLOOR = 0.02
CLIP = 3.0


@dataclass(frozen=True)
class Chain:
    """A chained series (n,) on the scale of its first piece, missing where no piece is.

    `errors` (n,) is the standard deviation of the log of each day's scale against the first
    piece: it grows with every link.
    """

    values: Floats
    errors: Floats


def chain(pieces: Sequence[tuple[int, ArrayLike]], length: int) -> Chain:
    """Return one series from windows ``(first day, values)`` that each have a scale of their own.

    A window is scaled by the median ratio on the days it shares with those before it; days that
    several windows cover are averaged, which also makes repeated pulls of one window precise.
    Raises `DataError` when a window shares no day above 0 with those before it.

    >>> whole = np.array([40.0, 20, 10, 30, 60])
    >>> print(chain([(0, whole[:4]), (2, whole[2:] * 1.5)], 5).values)
    [40. 20. 10. 30. 60.]
    """
    total, count, errors = np.zeros(length), np.zeros(length), np.zeros(length)
    for first, values in sorted(pieces, key=lambda piece: piece[0]):
        own = np.full(length, np.nan)
        own[first : first + len(floats(values))] = floats(values)
        known = count > 0
        scale, error = 1.0, 0.0
        if known.any():
            done = ratio(total, count)
            scale, spread = _link(done, own)
            shared = known & np.isfinite(own)
            error = float(np.hypot(errors[shared].mean(), spread))
        fresh = np.isfinite(own) & ~known
        errors[fresh] = error
        inside = np.isfinite(own)
        total[inside] += own[inside] * scale
        count[inside] += 1
    return Chain(ratio(total, count), floats(errors))


def _link(done: Floats, own: Floats) -> tuple[float, float]:
    """Return the scale of a window against what is there, and the standard error of its log."""
    usable = (done > 0) & (own > 0)
    fine = usable & (own >= SMALL)
    usable = fine if fine.sum() >= SMALL else usable
    if not usable.any():
        raise DataError("no_overlap")
    ratio = np.log(done[usable] / own[usable])
    middle = float(np.median(ratio))
    # a median is 1.25 times less sure than a mean
    spread = 1.2533 * 1.4826 * float(np.median(np.abs(ratio - middle))) / np.sqrt(ratio.size)
    return float(np.exp(middle)), spread


@dataclass(frozen=True)
class Trend:
    """Growth of logs a year with its 90 % interval, the season of each day, and what is left.

    `season` (m,) covers all days asked for, `left` (n,) those with values; both are logs.
    """

    slope: float
    low: float
    high: float
    season: Floats
    left: Floats


def trend(found: Chain, days: Days, *, seed: int, draws: int = 400) -> Trend:
    """Return growth beside weekday, season and festivals of a chained index.

    `found` covers the first n of the m `days`. Robust ridge regression of logs (Huber 1964); the
    interval redraws residuals in blocks of 56 days (moving-block bootstrap: Kuensch 1989) and the
    scales of the windows by their errors; Student's t of the number of blocks.
    """
    y = found.values
    n = y.size
    seen = np.isfinite(y)
    floor = FLOOR * float(np.median(y[seen & (y > 0)])) if np.any(y > 0) else 1.0
    log = np.log(np.maximum(np.where(seen, y, 1.0), floor))
    design, prior = _design(days)
    x, target = design[:n][seen], log[seen]
    weight = np.ones(target.size)
    for _ in range(4):
        solver = _solver(x, weight, prior)
        effects = solver @ target
        left = target - x @ effects
        scale = max(1.4826 * float(np.median(np.abs(left))), 1e-6)
        weight = np.minimum(1, 2 * scale / np.maximum(np.abs(left), 1e-12))
    random = np.random.default_rng(seed)
    wider = left.size / max(left.size - float(np.sum(x.T * solver)), 1)  # the fit ate some of it
    slopes = [
        float(solver[1] @ (x @ effects + again * wider + steps))
        for again, steps in _redrawn(left, scale, found.errors[seen], draws, random)
    ]
    few = max(left.size // BLOCK - 2, 1)  # blocks, less level and slope
    reach = float(np.std(slopes) * student.ppf(0.95, few))
    whole = np.full(n, np.nan)
    whole[seen] = left
    slope, season = float(effects[1]), design[:, 2:] @ effects[2:]
    return Trend(slope, slope - reach, slope + reach, season, whole)


def _design(days: Days) -> tuple[Floats, Floats]:
    years = days.years - days.years[0]
    usual, prior = features(days, SEASON)
    return floats(np.c_[np.ones(len(days)), years, usual]), floats(np.r_[LEVEL, SLOPE, prior])


def _solver(x: Floats, weight: Floats, prior: Floats) -> Floats:
    """Return the matrix (p, n) that turns logs into effects."""
    scaled = x * weight[:, None]
    return floats(np.linalg.solve(scaled.T @ x + np.diag(0.1**2 / prior**2), scaled.T))


def _redrawn(
    left: Floats, scale: float, errors: Floats, draws: int, random: np.random.Generator
) -> list[tuple[Floats, Floats]]:
    """Return residuals redrawn in blocks, and errors of the windows' scales, for each draw."""
    n = left.size
    block = min(BLOCK, max(n // 4, 1))
    count = -(-n // block)
    kept = np.clip(left, -CLIP * scale, CLIP * scale)
    steps = np.unique(errors)
    out: list[tuple[Floats, Floats]] = []
    for _ in range(draws):
        starts = random.integers(0, n - block + 1, count)
        again = kept[(starts[:, None] + np.arange(block)).ravel()[:n]]
        jumps = np.cumsum(
            np.sqrt(np.diff(steps**2, prepend=0)) * random.standard_normal(steps.size)
        )
        out.append((again, jumps[np.searchsorted(steps, errors)]))
    return out


@dataclass(frozen=True)
class Lead:
    """By how many steps one series runs ahead of another, their rank correlation, its p-value."""

    steps: int
    correlation: float
    p: float


def lead(first: ArrayLike, second: ArrayLike, most: int) -> Lead:
    """Return the lead of `first` over `second`, both (n,), at which ranks correlate best.

    Steps run from -most to most (negative: `second` leads). The p-value allows for slow movements
    (Bartlett 1946: the variance of a correlation of two series that repeat themselves) and for the
    search over leads (Sidak 1967). Raises `DataError` when there are too few steps.

    >>> x = np.sin(np.arange(80.0) * 1.7) + np.arange(80) % 5
    >>> lead(x[3:], x[:-3], 6).steps
    3
    """
    a, b = (_ranks(series) for series in (first, second))
    n = a.size
    if n < 4 * most + 4:
        raise DataError("too_short_to_lead", n=n, needed=4 * most + 4)
    near = range(-most, most + 1)
    found = {k: _lagged(a, b, k) for k in near}
    at = max(near, key=lambda k: (round(abs(found[k]), 12), -abs(k)))
    repeated = sum(_lagged(a, a, k) * _lagged(b, b, k) for k in range(1, 2 * most + 1))
    error = np.sqrt(max(1 + 2 * repeated, 1.0) / (n - abs(at)))
    one = 2 * norm.sf(abs(found[at]) / error)
    return Lead(at, found[at], float(-np.expm1(len(near) * np.log1p(-min(one, 1 - 1e-12)))))


def _ranks(series: ArrayLike) -> Floats:
    ranks = rankdata(floats(series))
    spread = ranks.std()
    return floats((ranks - ranks.mean()) / (spread if spread > 0 else 1.0))


def _lagged(a: Floats, b: Floats, k: int) -> float:
    """Return the mean product of a_t and b_(t + k)."""
    x, y = (a[: a.size - k], b[k:]) if k >= 0 else (a[-k:], b[:k])
    return float(np.mean(x * y))
