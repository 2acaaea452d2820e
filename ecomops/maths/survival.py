"""How long until: Kaplan-Meier curves from counts by day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import norm

from ecomops.base.checks import between
from ecomops.base.errors import DataError
from ecomops.maths.arrays import Floats, floats, ratio

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


@dataclass(frozen=True, eq=False, kw_only=True)
class Curve:
    """A Kaplan-Meier curve at the times that occur, all of shape (times,).

    `at_risk` counts those observed for at least `time` without the event, `survival` is the share
    still without it just after `time`, `low` and `high` its interval.
    """

    time: Floats
    at_risk: Floats
    events: Floats
    survival: Floats
    low: Floats
    high: Floats


def _checked(*columns: ArrayLike) -> list[Floats]:
    arrays = [floats(column) for column in columns]
    shapes = {array.shape for array in arrays}
    if len(shapes) != 1 or any(array.ndim != 1 for array in arrays):
        raise DataError("survival_shapes", shapes=[str(array.shape) for array in arrays])
    bad = sum(int(np.sum(~(array >= 0))) for array in arrays)
    if bad:
        raise DataError("survival_negative", count=bad)
    return arrays


def kaplan_meier(
    time: ArrayLike, events: ArrayLike, censored: ArrayLike, level: float = 0.90
) -> Curve:
    """Return the Kaplan-Meier curve of counts by time.

    Parameters
    ----------
    time
        Days since the start, shape (rows,), any order; equal times are added up.
    events
        How many had the event at that time.
    censored
        How many were last seen without it at that time.
    level
        Coverage of the pointwise interval, 0.5 to 0.9999.

    Returns
    -------
    Curve at the distinct times, rising.

    Raises
    ------
    DataError
        When the columns differ in length or hold negative or missing numbers.

    Notes
    -----
    Kaplan and Meier (1958), J. Am. Stat. Assoc. 53: 457-481. Those censored on a day are at risk
    for the events of that day. Interval: Greenwood's variance on the log(-log) scale (Kalbfleisch
    and Prentice 1980), which stays inside 0 to 1; missing before the first event and where the
    curve is 0.

    Examples
    --------
    >>> curve = kaplan_meier([1, 2, 3, 4], [1, 0, 1, 0], [0, 1, 0, 1])
    >>> print(curve.at_risk, curve.survival)
    [4. 3. 2. 1.] [0.75  0.75  0.375 0.375]
    """
    between("level", level, 0.5, 0.9999)
    days, happened, lost = _checked(time, events, censored)
    distinct, place = np.unique(days, return_inverse=True)
    d = floats(np.bincount(place, happened, distinct.size))
    leaving = d + floats(np.bincount(place, lost, distinct.size))
    at_risk = np.cumsum(leaving[::-1])[::-1]
    survival = np.cumprod(1 - np.where(at_risk > 0, ratio(d, at_risk), 0))
    low, high = _band(survival, d, at_risk, level)
    return Curve(time=distinct, at_risk=at_risk, events=d, survival=survival, low=low, high=high)


def _band(survival: Floats, events: Floats, at_risk: Floats, level: float) -> tuple[Floats, Floats]:
    terms = np.where(at_risk > events, ratio(events, at_risk * (at_risk - events)), 0)
    greenwood = np.sqrt(np.cumsum(terms))
    inside = (survival > 0) & (survival < 1)
    logs = np.log(survival, out=np.full(survival.shape, np.nan), where=inside)
    width = np.exp(norm.ppf(0.5 + level / 2) * greenwood / np.abs(logs))
    return np.exp(logs * width), np.exp(logs / width)


def at(curve: Curve, times: ArrayLike) -> Floats:
    """Return the share still without the event after each of `times`.

    Parameters
    ----------
    curve
        A curve of `kaplan_meier`.
    times
        Any shape; missing results past the last time observed.

    Returns
    -------
    Survival in the shape of `times`.

    Notes
    -----
    Step function, continuous from the right.

    Examples
    --------
    >>> print(at(kaplan_meier([2, 5], [1, 1], [0, 2]), [0, 2, 9]))
    [1.   0.75  nan]
    """
    asked = floats(times)
    steps = np.concatenate([[1.0], curve.survival])
    values = steps[np.searchsorted(curve.time, asked, side="right")]
    last = curve.time[-1] if curve.time.size else -np.inf
    return np.where(asked > last, np.nan, values)


def quantile(curve: Curve, share: float) -> float:
    """Return the first time by which `share` of all had the event.

    Parameters
    ----------
    curve
        A curve of `kaplan_meier`.
    share
        0 to 1: 0.5 gives the median.

    Returns
    -------
    A time; missing when the curve does not get that far.

    Raises
    ------
    OptionError
        When the share is out of range.

    Notes
    -----
    Brookmeyer and Crowley (1982), Biometrics 38: 29-41.

    Examples
    --------
    >>> quantile(kaplan_meier([1, 2, 3, 4], [1, 1, 1, 1], [0, 0, 0, 0]), 0.5)
    2.0
    """
    between("share", share, 0, 1)
    reached = np.flatnonzero(curve.survival <= 1 - share + 1e-12)
    return float(curve.time[reached[0]]) if reached.size else float("nan")


def hazard(time: ArrayLike, events: ArrayLike, censored: ArrayLike) -> float:
    """Return events per day at risk; its inverse is the mean gap when the hazard is constant.

    Parameters
    ----------
    time, events, censored
        As for `kaplan_meier`.

    Returns
    -------
    Events per day; missing without any day at risk.

    Raises
    ------
    DataError
        When the columns differ in length or hold negative or missing numbers.

    Notes
    -----
    The maximum likelihood estimate of the exponential model under right censoring: those still
    waiting count with the days they waited, which a mean over finished gaps leaves out.

    Examples
    --------
    >>> hazard([10, 20], [1, 0], [0, 1])
    0.03333333333333333
    """
    days, happened, lost = _checked(time, events, censored)
    return float(ratio(happened.sum(), np.sum(days * (happened + lost))))
