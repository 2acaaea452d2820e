"""Watching a series day by day: conformal p-values for sudden days, CUSUM for slow drifts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ecomops.maths.arrays import Bools, Floats, floats
from ecomops.maths.forecast import Days, closed, point

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

REFIT_DAYS = 14
SMOOTHING = 0.3
MEMORY = 250  # past days of a kind that a day is held against
ALARM = 0.025  # on simulated shops 6 false alarms a year and 0.78 of days at -25 % found
LEAST = 20  # past scores of a kind before that kind is judged on its own
EPISODE = 28  # days within which a drift called again is the same one
SLACK, LIMIT = 0.75, 7.0  # about 1.5 false alarms a year there; finds a fortnight at -15 %


@dataclass(frozen=True)
class Watch:
    """One value per day watched: expected level, log deviation, p-value and drift statistics.

    `p` is two-sided; `drift_up` and `drift_down` are CUSUMs in standard deviations, an alarm from
    `LIMIT` on.
    """

    expected: Floats
    deviation: Floats
    p: Floats
    drift_up: Floats
    drift_down: Floats


def ahead(y: ArrayLike, days: Days, start: int) -> Floats:
    """Return what each day from `start` was expected to bring, knowing only the days before.

    `y` has shape (n,); the result (n - start,). The calendar regression is fitted again every 14
    days and an exponential average of the days since follows the level in between; 0 is expected on
    weekdays on which the shop is closed.
    """
    values = floats(y)
    out = np.empty(values.size - start)
    for first in range(start, values.size, REFIT_DAYS):
        known = days.part(0, first + REFIT_DAYS)
        fitted = np.where(closed(values[:first], known), 0.0, point(values[:first], known))
        out[first - start : len(known) - start] = fitted[first:]
    return floats(out)


def corrected(log_ratio: ArrayLike) -> Floats:
    """Return deviations from the exponential average of the deviations before; outliers count less.

    >>> print(corrected([0.1, 0.1, 0.3]).round(3))
    [0.1   0.07  0.249]
    """
    ratio = floats(log_ratio)
    level, out = 0.0, np.empty_like(ratio)
    bound = 3 * 1.4826 * float(np.median(np.abs(ratio - np.median(ratio)))) or np.inf
    for i, value in enumerate(ratio):
        out[i] = value - level
        level += SMOOTHING * float(np.clip(out[i], -bound, bound))
    return floats(out)


def conformal_p(scores: ArrayLike, kinds: ArrayLike) -> Floats:
    """Return for each score the share of earlier |scores| of its kind that are as large.

    Shapes (n,); missing for the first 20. A kind with fewer than 20 earlier days borrows all
    earlier days. Valid when days of a kind are exchangeable (Vovk, Gammerman and Shafer 2005).

    >>> print(conformal_p([0.1] * 24 + [9], [0] * 25)[-1])
    0.04
    """
    size, kind = np.abs(floats(scores)), np.asarray(kinds)
    out = np.full(size.size, np.nan)
    for i in range(LEAST, size.size):
        past = size[:i][kind[:i] == kind[i]]
        past = (past if past.size >= LEAST else size[:i])[-MEMORY:]
        out[i] = (1 + np.sum(past >= size[i])) / (past.size + 1)
    return out


def cusum(z: ArrayLike) -> tuple[Floats, Floats]:
    """Return upward and downward CUSUM of standardised deviations, restarted after an alarm.

    Page (1954), Biometrika 41.

    >>> up, down = cusum([-1.75] * 5)
    >>> print(down)
    [1. 2. 3. 4. 5.]
    """
    steps = floats(z)
    up, down = np.zeros_like(steps), np.zeros_like(steps)
    high = low = 0.0
    for i, value in enumerate(steps):
        high = max(0.0, (0.0 if high >= LIMIT else high) + value - SLACK)
        low = max(0.0, (0.0 if low >= LIMIT else low) - value - SLACK)
        up[i], down[i] = high, low
    return up, down


def episodes(statistic: ArrayLike) -> Bools:
    """Return the days on which a drift is called: once per episode, not once per restart.

    `statistic` is one side of `cusum`. As it restarts after each alarm, a drift that lasts passes
    the limit again and again; what comes within 28 days of the last time is the same drift.

    >>> print(np.flatnonzero(episodes([0, 7, 0, 8, *[0] * 30, 9])))
    [ 1 34]
    """
    called, last = np.zeros(np.size(statistic), dtype=bool), -EPISODE - 1
    for i in np.flatnonzero(floats(statistic) >= LIMIT).tolist():
        called[i] = i - last > EPISODE
        last = i
    return called


def watch(y: ArrayLike, days: Days, start: int) -> Watch:
    """Return the watch over the days from `start` of a daily series with its calendar.

    `y` has shape (n,), not negative; at least 56 days must precede `start`. Festival days are
    judged among festival days, those on which the shop is closed not at all.
    """
    values = floats(y)
    level = ahead(values, days, start)
    floor = np.maximum(level, 1e-9) * 1e-3
    ratio = np.maximum(values[start:], floor) / np.maximum(level, floor)
    deviation = np.where(level > 0, np.log(ratio), 0.0)
    score = np.where(level > 0, corrected(deviation), 0.0)
    kind = days.festive[start:] + 2 * (level == 0)
    spread = np.ones(score.size)
    for group in (False, True):
        among = score[kind == group] if np.sum(kind == group) >= LEAST else score
        spread[kind == group] = 1.4826 * float(np.median(np.abs(among))) or 1.0
    up, down = cusum(np.clip(deviation - np.median(deviation), -3 * spread, 3 * spread) / spread)
    return Watch(level, score, conformal_p(score, kind), up, down)
