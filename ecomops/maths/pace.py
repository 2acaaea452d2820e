"""Where a period will end, from what has come in so far and how such periods went before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import t as student

from ecomops.base.errors import DataError
from ecomops.maths.arrays import Bools, Floats, floats
from ecomops.maths.forecast import MIN_DAYS, Days, point

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

REFIT = 14  # days between fits for past periods
STRIDE = 3  # days between past periods
BACK, SETTLED = 365, 400  # days back, and of history before, in which past periods are taken
FEW = 25  # past periods of a kind below which all are taken
FESTIVE = 0.25  # share of festival days from which a rest of a period is one of its kind
OWN_DAYS = 56  # ordinary days whose hours make the profile
BELIEF = 0.02  # variance of log pace that the prior of no carry-over is worth
LEAST = 12


@dataclass(frozen=True)
class Pace:
    """One period on its way: sums so far and to come, and how wrong such projections were.

    `due` and `rest` are expected sums before and after now, as forecast before the period began;
    `carry` is how much of the lead so far lasts; `errors` are log(actual rest / projected rest) of
    past periods, `half` the half-width that holds 90 % of them.
    """

    so_far: float
    due: float
    rest: float
    carry: float
    errors: Floats
    half: float
    expected: Floats
    hours: Floats

    @property
    def ahead(self) -> float:
        """Return what is still to come, with the lead so far carried on."""
        lead = (self.so_far + 1e-12) / (self.due + 1e-12) if self.due > 0 else 1.0
        return float(self.rest * max(lead, 1e-6) ** self.carry)

    @property
    def total(self) -> tuple[float, float, float]:
        """Return the projected total with its 90 % band."""
        low, high = (self.ahead * np.exp(sign * self.half) for sign in (-1, 1))
        return self.so_far + self.ahead, self.so_far + float(low), self.so_far + float(high)

    def chance(self, target: float) -> float:
        """Return the chance that the total reaches `target`."""
        missing = target - self.so_far
        if missing <= 0 or self.ahead <= 0:
            return float(missing <= 0)
        spread = max(float(np.sqrt(np.mean(self.errors**2))), 1e-6)
        return float(student.sf(np.log(missing / self.ahead) / spread, self.errors.size - 1).item())


def profile(hours: ArrayLike, own: Bools) -> Floats:
    """Return for each day the share of each hour, from days of its kind; shape (days, 24).

    `own` marks days with hours of their own (a sale that opens at midnight). Their shares lean on
    those of the last 56 other days where there are few.

    >>> hours = np.ones((60, 24))
    >>> print(profile(hours, np.zeros(60, dtype=bool))[0, :2].round(3))
    [0.042 0.042]
    """
    table = floats(hours)
    usual = table[~own][-OWN_DAYS:].sum(axis=0)
    usual = (usual + 1e-9) / (usual + 1e-9).sum()
    daily = table[own].sum(axis=1, keepdims=True)
    shares = table[own][daily[:, 0] > 0] / daily[daily[:, 0] > 0]
    special = (shares.sum(axis=0) + usual) / (len(shares) + 1)
    return floats(np.where(own[:, None], special, usual))


def pace(
    hours: ArrayLike, days: Days, own: Bools, start: int, length: int, done: tuple[int, int]
) -> Pace:
    """Return where the period of `length` days from day `start` will end.

    Parameters
    ----------
    hours
        Sums by day and hour, shape (n, 24); hours that are not over are 0.
    days
        Calendar facts of all days, at least up to the period's end.
    own
        Days with hours of their own, as many as `days`.
    done
        Whole days of the period that are over, and whole hours of the day after them.

    Notes
    -----
    Expected sums are those of the calendar forecast made before the period (so that nothing of it
    leaks in), split over hours by profile. The same is done for past periods of this length at
    this point; their errors make the band, those with as many festival days apart (rolling
    origins: Tashman 2000; conformal band: Vovk 2012), and say how much of a lead lasts. Raises
    `DataError` with fewer than a dozen past periods.
    """
    table = floats(hours)
    whole = table.sum(axis=1)
    shares = profile(table[:start], own[:start])
    kinds = (shares[~own[:start]][:1], shares[own[:start]][:1])
    by_day = np.where(own[:, None], kinds[bool(own[:start].any())], kinds[0])
    mean = point(whole[:start], days.part(0, start + length))[start:]
    so_far, due, _, rest = _split(table, mean, by_day, start, done)
    past, alike = _past(table, whole, days, by_day, start, length, done)
    if len(past) < LEAST:
        raise DataError("history_short", n=start, needed=needed(length))
    lead = _logs(past[:, 0], past[:, 1])
    left = _logs(past[:, 2], past[:, 3])
    carry = float(np.clip((lead @ left) / (lead @ lead + BELIEF * len(past)), 0, 1))
    kind = alike if alike.sum() >= FEW else np.ones(len(past), dtype=bool)
    errors = (left - carry * lead)[kind] * (rest > 0)
    half = float(np.quantile(np.abs(errors), min(0.9 * (1 + 1 / errors.size), 1.0)))
    return Pace(so_far, due, rest, carry, errors, half, mean, by_day[start : start + length])


def needed(length: int) -> int:
    """Return from how many days before a period of `length` days `pace` finds past ones enough.

    >>> needed(1), needed(60)
    (88, 181)
    """
    fits, more = divmod(LEAST - 1, -(-REFIT // STRIDE))
    span = length + REFIT * fits + STRIDE * more
    return max(MIN_DAYS + span, 2 * span - 1)


def _logs(actual: Floats, expected: Floats) -> Floats:
    floor = 0.01 * np.maximum(expected, 1e-9)
    ratio = np.maximum(actual, floor) / np.maximum(expected, 1e-9)
    return floats(np.where(expected > 0, np.log(ratio), 0.0))


def _split(
    table: Floats, mean: Floats, by_day: Floats, start: int, done: tuple[int, int]
) -> tuple[float, float, float, float]:
    """Return actual and expected sums before now, then actual and expected ones after it."""
    stop = start + mean.size
    period = np.zeros((mean.size, 24))
    there = table[start:stop]
    period[: len(there)] = there
    over = np.arange(mean.size)[:, None] * 24 + np.arange(24) < done[0] * 24 + done[1]
    due = mean[:, None] * by_day[start:stop]
    sums = (period[over].sum(), due[over].sum(), period[~over].sum(), due[~over].sum())
    so_far, expected, after, rest = (float(s) for s in sums)
    return so_far, expected, after, rest


def _past(
    table: Floats,
    whole: Floats,
    days: Days,
    by_day: Floats,
    start: int,
    length: int,
    done: tuple[int, int],
) -> tuple[Floats, Bools]:
    """Return sums of past periods (periods, 4), and which have a rest of the same kind."""
    first = max(start - BACK, min(SETTLED, start // 2), MIN_DAYS)
    rows, festive = [], []
    for origin in range(first, start - length + 1, REFIT):
        stop = min(origin + REFIT + length, start)
        mean = point(whole[:origin], days.part(0, stop))[origin:]
        for at in range(origin, min(origin + REFIT, start - length + 1), STRIDE):
            part = mean[at - origin : at - origin + length]
            rows.append(_split(table, part, by_day, at, done))
            festive.append(_festive(days, at + done[0], at + length))
    kind = _festive(days, start + done[0], start + length)
    return floats(rows).reshape(-1, 4), np.array(festive, dtype=bool) == kind


def _festive(days: Days, start: int, stop: int) -> bool:
    """Return whether a quarter or more of the days are main days of festivals."""
    part = days.festive[start:stop]
    return bool(part.size and part.mean() >= FESTIVE)
