"""Analyses against planted truth: intervals cover, curves are right, nothing is made of nothing.

Twenty worlds each, more where a coverage is held to 84 to 96 %: so many that the luck of the
seeds hardly matters. ``python -m benchmarks.recovery --reps 200`` does the same with more.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from benchmarks.methods import METHODS
from benchmarks.recovery import recover

pytestmark = pytest.mark.slow
REPS = 20
COVERED = {"repeat": 60, "cohorts": 30, "attribution": 40, "scorecard": REPS}


@cache
def found(method, preset=None, reps=None):
    usual = METHODS[method].presets[0]
    reps = reps or (REPS if preset else COVERED.get(method, REPS))
    return recover(method, preset or usual, reps)


@pytest.mark.parametrize("method", COVERED)
def test_ninety_percent_intervals_cover(method):
    """Truth: closed forms of BG/NBD, orders that channels caused, the same shop twenty-fold."""
    recovery = found(method)
    assert recovery.coverage_error < 0.03
    assert 0.84 <= recovery.coverage <= 0.96


def test_intervals_of_every_number_on_the_scorecard_cover():
    """Truth: the same months without chance; each number by itself, within its two errors."""
    targets = found("scorecard").by_target()
    assert len(targets) == 13
    error = np.sqrt(0.9 * 0.1 / targets["n"])
    assert (targets["coverage"] >= 0.84 - 2 * error).all()
    assert (targets["coverage"] <= 0.96 + 2 * error).all()


@pytest.mark.parametrize("day", [30, 60, 90, 180, 365])
def test_the_repeat_curve_is_within_two_points(day):
    """Truth: the planted purchase process in operational time."""
    targets = found("repeat").by_target()
    assert abs(targets["bias"][f"curve {day} d"]) < 0.008
    assert targets["rmse"][f"curve {day} d"] < 0.02


def test_cohort_cells_are_unbiased():
    """Truth: chance of an order in a month under BG/NBD."""
    assert (found("cohorts").by_target()["bias"].abs() < 0.004).all()


def test_driver_contributions_are_exact():
    """Truth: the difference of the two months' paid amounts, added from the orders."""
    assert found("drivers", "tiny", 5).error.abs().max() < 0.005


def test_scores_rank_customers_by_what_they_are_worth():
    """Truth: planted rate, life and spend of each customer; chance agreement is 0."""
    assert found("rfm").rows["estimate"].min() > 0.05


def test_last_click_misleads_where_the_holdout_does_not():
    """Truth: retargeting has no effect; credit stands for many orders all the same."""
    targets = found("attribution", "retarget_trap").by_target()
    assert abs(targets["bias"]["holdout"]) < 20
    assert targets["bias"]["last click"] > 180
