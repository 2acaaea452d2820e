"""The test that shows whether spend on a channel pays for itself, and how long it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ecomops.channel.outlay import NOW_DAYS, WEEK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecomops.channel.outlay import Money
    from ecomops.channel.response import Response

Z = 1.645 + 0.842  # 5 % one-sided error, 80 % power
HELD = 0.2
LEAST_WEEKS = 4
LONGEST = 182


def weeks_needed(weekly_noise: float, lift: float) -> float:
    """Return the weeks, half up and half down, that show a weekly `lift` of sales.

    `weekly_noise` is the standard deviation of a week's sales, in the same money; one-sided error
    5 %, power 80 %, difference of two means.

    >>> weeks_needed(100.0, 100.0)
    26
    """
    each = 2 * (Z * weekly_noise / lift) ** 2 if lift > 0 else np.inf
    return max(2 * int(np.ceil(each)), LEAST_WEEKS) if np.isfinite(each) else np.inf


def people_needed(rate: float, lift: float, held: float = HELD) -> float:
    """Return the people, `held` of them without the ad, that show a `lift` of their order rate.

    One-sided error 5 %, power 80 %, unpooled difference of two shares.

    >>> people_needed(0.03, 0.01)
    8312
    """
    if not (0 < rate < 1 and lift > 0):
        return np.inf
    below = max(rate - lift, 0.0)
    spread = rate * (1 - rate) / (1 - held) + below * (1 - below) / held
    return int(np.ceil(spread * (Z / lift) ** 2))


def trial(row: Mapping[Any, Any], found: Response) -> dict[str, Any]:
    """Return the shorter of the two tests that show whether a channel pays for itself."""
    none = {"design": "none", "days": np.nan, "people": np.nan}
    both, margin, even = found.money, found.params["margin"], found.params["break_even"]
    if row["reason"] == "known" and even is not None and not row["low"] <= even <= row["high"]:
        return none | {"design": "pays" if row["low"] > even else "loses"}
    if both is None or not margin or margin <= 0 or row["spend"] <= 0:
        return none
    weeks = weeks_needed(both.weekly, row["spend"] * WEEK / margin)
    people, days = _holdout(row, both, margin)
    if min(days, weeks * WEEK) > LONGEST:
        return none | {"design": "long"}
    if days <= weeks * WEEK:
        return {"design": "holdout", "days": float(days), "people": float(people)}
    return none | {"design": "weeks", "days": float(weeks * WEEK)}


def _holdout(row: Mapping[Any, Any], both: Money, margin: float) -> tuple[float, float]:
    """Return people and days of a holdout, taking each click for a person."""
    k = both.channels.index(row["channel"])
    clicks = both.clicks[k, -NOW_DAYS:].sum()
    if clicks <= 0:
        return np.inf, np.inf
    rate = both.orders[k, -NOW_DAYS:].sum() / clicks
    lift = row["spend"] * NOW_DAYS / clicks / (margin * both.each)
    people = people_needed(rate, lift)
    weeks = np.ceil(people / (clicks / NOW_DAYS) / WEEK)
    return people, float(max(weeks, LEAST_WEEKS / 2) * WEEK)
