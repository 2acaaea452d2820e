"""Daily forecasts that know weekday, season and festivals, with bands from past errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.sparse import csc_array, csr_array, diags_array
from scipy.sparse.linalg import splu

from ecomops.base.errors import DataError
from ecomops.maths.arrays import Bools, Floats, Ints, floats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

YEAR = 365.2425
HARMONICS = 3
KNOT_DAYS = 28
HUBER = 2.0
LEAST = 0.5 * 1.4826 / 2**0.5  # of the usual change in a week: a closer fit has learned chance
ROUNDS = 4
# Prior standard deviations of log effects: what an unseen weekday, season or festival day may do.
PRIOR = {"weekday": 0.5, "event": 0.6, "level": 0.12}
SEASON = (0.25,) * HARMONICS
MIN_DAYS = 56
FLOOR = 0.05  # a day without sales counts as 5 % of an ordinary one: logs need a bottom
DAILY = 0.8  # share of the other weekdays with a sale, from which one without any is closed
FEW = 20  # past days of a kind below which all days share one band


@dataclass(frozen=True)
class Days:
    """Calendar facts of consecutive days: weekday 0-6, years since some origin, festival days.

    `offsets` has shape (events, n): the day's position within the window of each festival, counted
    from 0, and -1 outside it. `sizes` are the windows' lengths. `festive` marks the days whose
    errors are judged apart: the main days of festivals.
    """

    weekday: Ints
    years: Floats
    offsets: Ints
    sizes: tuple[int, ...]
    festive: Bools

    def __len__(self) -> int:
        return int(self.weekday.size)

    def part(self, start: int, stop: int) -> Days:
        """Return the days from `start` up to `stop`."""
        cut = slice(start, stop)
        offsets, festive = self.offsets[:, cut], self.festive[cut]
        return Days(self.weekday[cut], self.years[cut], offsets, self.sizes, festive)


def features(days: Days, season: ArrayLike = SEASON) -> tuple[Floats, Floats]:
    """Return the regressors (n, p) of the days and the prior sd (p,) of each effect.

    Weekdays, a sine and a cosine for each yearly harmonic of `season` (its prior standard
    deviation), and one column per festival and day of its window.
    """
    weekday = np.eye(7)[days.weekday]
    fade = floats(season)
    angle = 2 * np.pi * np.arange(1, fade.size + 1) * days.years[:, None]
    columns = [weekday, np.sin(angle), np.cos(angle)]
    prior = [np.full(7, PRIOR["weekday"]), fade, fade]
    for offset, size in zip(days.offsets, days.sizes, strict=True):
        columns.append((offset[:, None] == np.arange(size)).astype(float))
        prior.append(np.full(size, PRIOR["event"]))
    return floats(np.hstack(columns)), floats(np.concatenate(prior))


def _level(n: int, ahead: int) -> tuple[Floats, Floats]:
    """Return the basis of a level that walks from knot to knot and stays where it ends."""
    knots = np.arange(0, max(n - KNOT_DAYS // 2, 1), KNOT_DAYS)
    t = np.arange(n + ahead)[:, None]
    walk = np.clip((t - knots) / KNOT_DAYS, 0, 1)
    prior = np.r_[1e3, np.full(knots.size, PRIOR["level"])]
    return floats(np.c_[np.ones(n + ahead), walk]), floats(prior)


def point(history: ArrayLike, days: Days) -> Floats:
    """Return the fitted and expected values of all `days`, of which `history` covers the first.

    `history` has shape (n,), not negative; the result shape (len(days),), in its units. Robust
    ridge regression of logs (Huber weights) with a slow random-walk level; the mean is put back by
    the mean of exponentiated residuals (Duan 1983). Raises `DataError` below 56 days.

    >>> days = plain_days(70)
    >>> print(point(np.full(63, 10.0), days)[-7:].round(6))
    [10. 10. 10. 10. 10. 10. 10.]
    """
    return _modelled(history, days, festivals=True)


def baseline(history: ArrayLike, days: Days) -> Floats:
    """Return what each day would bring without festivals, by the same fit as `point`.

    >>> days = plain_days(63)
    >>> print(baseline(np.full(63, 10.0), days)[:2].round(6))
    [10. 10.]
    """
    return _modelled(history, days, festivals=False)


def calendar_parts(history: ArrayLike, days: Days) -> tuple[Floats, Floats, Floats, Floats]:
    """Return what the calendar makes of each day, for regressions that need it taken off.

    `history` has shape (n,) for the n `days`. Returns the day's share of an average day (n,), how
    far each day is trusted (n,) (Huber weights), and the design (n, p) of a slow level, weekdays,
    season and festivals with the prior standard deviations (p,) of its effects.

    >>> share, weight, design, prior = calendar_parts(np.full(63, 10.0), plain_days(63))
    >>> print(share[:2].round(6), design.shape == (63, prior.size))
    [1. 1.] True
    """
    fit = _fit(floats(history), days)
    share = np.exp(fit.design[:, fit.slow :] @ fit.effects[fit.slow :])
    return floats(share / share.mean()), fit.trust, fit.design, fit.sd


def left_out(history: ArrayLike, days: Days, windows: Sequence[Ints]) -> list[Floats]:
    """Return log(actual / ordinary) of the days of each window, had the fit not seen that window.

    `history` has shape (n,) for the n `days`; `windows` hold positions of days. What is left of
    an ordinary stretch of days when they are hidden is how far off `baseline` is within windows
    of that length: the in-sample residuals are much smaller. Exact for the weights of the whole
    fit (Woodbury identity; Cook and Weisberg 1982 on case deletion).

    >>> y = 10 + np.sin(np.arange(84))
    >>> (hidden,) = left_out(y, plain_days(84), [np.arange(40, 50)])
    >>> hidden.shape, bool(np.abs(hidden).max() < 0.2)
    ((10,), True)
    """
    fit = _fit(floats(history), days)
    design, trust = fit.design, fit.trust / fit.scale**2
    spread = np.linalg.inv(design.T @ (design * trust[:, None]) + np.diag(1 / fit.sd**2))
    hat = design @ spread @ design.T * trust
    return [
        floats(np.linalg.solve(np.eye(w.size) - hat[np.ix_(w, w)], fit.residual[w]))
        for w in windows
    ]


def _modelled(history: ArrayLike, days: Days, *, festivals: bool) -> Floats:
    y = floats(history)
    if y.size < MIN_DAYS:
        raise DataError("history_short", n=y.size, needed=MIN_DAYS)
    if not np.any(y > 0):
        return np.zeros(len(days))
    fit = _fit(y, days)
    usual = np.clip(fit.residual, -3 * fit.scale, 3 * fit.scale)
    smear = np.average(np.exp(usual), weights=fit.trust)
    kept = slice(None) if festivals else slice(fit.slow + 7 + 2 * HARMONICS)
    return floats(np.exp(fit.design[:, kept] @ fit.effects[kept]) * smear)


class _Fit(NamedTuple):
    """Robust ridge regression of the logs of a series; its first `slow` columns are the level."""

    design: Floats
    sd: Floats
    slow: int
    effects: Floats
    scale: float
    residual: Floats
    trust: Floats


def _fit(y: Floats, days: Days) -> _Fit:
    """Return the fit of `y` to the first of the `days`; `trust` are its Huber weights."""
    log = np.log(np.maximum(y, float(np.median(y[y > 0])) * FLOOR))
    seasonal, prior = features(days)
    level, level_prior = _level(y.size, len(days) - y.size)
    design, sd = floats(np.hstack([level, seasonal])), floats(np.r_[level_prior, prior])
    known = design[: y.size]
    sparse = csr_array(known)  # mostly zeros: one festival day in hundreds of columns
    least = max(LEAST * float(np.median(np.abs(log[7:] - log[:-7]))), 1e-3)
    trust, scale = floats(np.ones(log.shape)), max(float(np.std(log)) / 3, least)
    for _ in range(ROUNDS):
        scaled = csr_array(sparse.multiply((trust / scale**2)[:, None])).T
        ridge = csc_array(scaled @ sparse + diags_array(1 / sd**2))
        effects = floats(splu(ridge).solve(scaled @ log))
        residual = floats(log - known @ effects)
        scale = max(1.4826 * float(np.median(np.abs(residual))), least)
        trust = floats(np.minimum(1, HUBER * scale / np.maximum(np.abs(residual), 1e-12)))
    return _Fit(design, sd, level.shape[1], effects, scale, residual, trust)


def plain_days(n: int, first_weekday: int = 0) -> Days:
    """Return `n` days without festivals, for series that have no dates.

    >>> len(plain_days(3))
    3
    """
    t = np.arange(n)
    none = np.zeros((0, n), dtype=np.int64)
    return Days((t + first_weekday) % 7, t / YEAR, none, (), np.zeros(n, dtype=bool))


@dataclass(frozen=True)
class Forecast:
    """Expected values and 90 % band of the days ahead, and the past errors they rest on.

    `errors` (origins, horizon) are log(actual / forecast) of earlier forecasts made the same way;
    `festive` (origins, horizon) says which of those days were main days of a festival.
    """

    mean: Floats
    low: Floats
    high: Floats
    errors: Floats
    festive: Bools
    draws: Floats


def origins(n: int, horizon: int, most: int = 8) -> Ints:
    """Return the last days before past forecasts, latest first, spread over the last year.

    >>> print(origins(400, 60, most=3))
    [340 270 200]
    """
    last, first = n - horizon, max(n // 2, n - 365 - horizon, MIN_DAYS)
    if last < first:
        return np.zeros(0, dtype=np.int64)
    count = min(most, (last - first) // 14 + 1)
    return np.unique(np.linspace(first, last, count).round().astype(np.int64))[::-1]


def forecast(
    history: ArrayLike, days: Days, *, seed: int, level: float = 0.90, draws: int = 500
) -> Forecast:
    """Return the days after `history` with bands from the errors of earlier forecasts.

    The same forecast is made from origins in the past; the band on a day is the quantile of those
    errors among ordinary or among festival days, since the two differ most where it matters
    (conformal prediction in groups: Vovk 2012; rolling origins: Tashman 2000). On a weekday on
    which the shop is closed 0 is expected, and its days say nothing about those of others. `draws`
    (draws, horizon) are whole error paths, so that sums carry the right spread. Raises
    `DataError` when there are too few days, or no sale in them, for a single past origin.
    """
    y = floats(history)
    horizon = len(days) - y.size
    mean = np.where(closed(y, days)[y.size :], 0.0, point(y, days)[y.size :])
    starts = [start for start in origins(y.size, horizon) if np.any(y[:start] > 0)]
    if not starts:
        seen = int(np.sum(np.cumsum(y) > 0))  # days since the first sale
        raise DataError("history_short", n=seen, needed=2 * horizon + MIN_DAYS)
    errors = np.stack([_errors(y, days, start, horizon) for start in starts])
    festive = np.stack([days.festive[s : s + horizon] for s in starts])
    ahead = days.festive[y.size :]
    low, high = _bands(errors, festive, ahead, level)
    paths = _paths(errors, festive, ahead, draws, seed)
    return Forecast(mean, mean * low, mean * high, errors, festive, mean * paths)


def _errors(y: Floats, days: Days, start: int, horizon: int) -> Floats:
    known = days.part(0, start + horizon)
    ratio = y[start : start + horizon] / point(y[:start], known)[start:]
    shut = closed(y[:start], known)[start:]
    return floats(np.where(shut, np.nan, np.log(np.maximum(ratio, FLOOR))))


def closed(history: ArrayLike, days: Days) -> Bools:
    """Return which `days` fall on a weekday without any sale in eight weeks of nearly daily sales.

    >>> week = [5.0, 5, 5, 5, 5, 0, 5]
    >>> closed(week * 8, plain_days(63))[-7:].tolist()
    [False, False, False, False, False, True, False]
    """
    recent, weekday = floats(history)[-MIN_DAYS:], days.weekday[: np.size(history)][-MIN_DAYS:]
    sold = np.array([np.mean(recent[weekday == day] > 0) for day in range(7)])
    return np.asarray((sold == 0)[days.weekday] & (sold.sum() >= DAILY * (sold > 0).sum() > 0))


def _bands(errors: Floats, festive: Bools, ahead: Bools, level: float) -> tuple[Floats, Floats]:
    half = np.empty(ahead.size)
    for kind in (False, True):
        pool = _pool(errors, festive == kind)
        half[ahead == kind] = np.quantile(np.abs(pool), min(level * (1 + 1 / pool.size), 1))
    return floats(np.exp(-half)), floats(np.exp(half))


def _pool(errors: Floats, mine: Bools) -> Floats:
    """Return the errors of one kind of days, of all where it has few; closed days have none."""
    mine, seen = mine & ~np.isnan(errors), ~np.isnan(errors)
    return errors[mine] if np.sum(mine) >= FEW else errors[seen] if seen.any() else np.zeros(1)


def _paths(errors: Floats, festive: Bools, ahead: Bools, draws: int, seed: int) -> Floats:
    """Return multiplicative error paths: a past path's mean error kept, its days drawn by kind."""
    random = np.random.default_rng(seed)
    count = np.sum(~np.isnan(errors), axis=1, keepdims=True)
    drift = np.nansum(errors, axis=1, keepdims=True) / np.maximum(count, 1)
    around = errors - drift
    out = np.empty((draws, ahead.size))
    for kind in (False, True):
        pool = _pool(around, festive == kind)
        where = np.flatnonzero(ahead == kind)
        out[:, where] = random.choice(pool, (draws, where.size))
    shift = random.choice(drift[:, 0] - drift.mean(), draws)
    return np.exp(out + shift[:, None])
