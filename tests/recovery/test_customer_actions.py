"""Advice about customers against planted truth, twenty repetitions each.

Targeting: sends drawn by the harness, with effects planted by features, so that the oracle is
known person by person. Win-back, reminders and points: simulated shops and their twins without
messages. That nothing is made of nothing is in `test_silence.py`.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

import ecomops as eo
from benchmarks.methods import silence
from benchmarks.methods.customers import COST, FEATURES, send
from benchmarks.recovery import recover

pytestmark = pytest.mark.slow
REPS, CUSTOMERS = 20, 2_000
ERROR = np.sqrt(0.9 * 0.1 / REPS)


@cache
def targeted():
    return recover("targeting", "drawn", REPS)


def test_targeting_gains_three_quarters_of_what_an_oracle_would():
    """The oracle sends to exactly those whose planted effect exceeds the cost."""
    money = targeted().money
    assert money["gained"].sum() >= 0.75 * money["best"].sum()
    assert (money["gained"] > 0).all()


def test_sending_to_likely_buyers_or_to_all_loses_where_the_list_gains():
    """Naive catalogue 26: a perfect response model knows who buys, not whom a message moves."""
    worth = targeted().rows.groupby("target")["estimate"].sum()
    assert worth["likely buyers"] < 0
    assert worth["everybody"] < 0


def test_the_value_of_the_list_is_covered():
    assert abs(targeted().by_target().loc["list", "coverage"] - 0.90) <= 0.06 + 2 * ERROR


@pytest.mark.parametrize("seed", range(REPS))
def test_sends_that_were_chosen_are_refused(seed):
    """Naive catalogue 27: a mild preference for recent customers, and 3,000 people."""
    random = np.random.default_rng(seed)
    rows = send("drawn", 20_000, seed).head(3000)
    odds = np.where(rows["recency"] < 60, 0.65, 0.40)
    rows = rows.assign(treated=(random.random(len(rows)) < odds).astype(int))
    assert eo.customer.targeting(rows, features=FEATURES, cost=COST).locked


@cache
def loyal():
    return recover("winback", "loyal_buyers", REPS).by_target()


def test_the_effect_of_messages_is_covered():
    """Truth: the twin world without messages, people and all other draws the same."""
    found = loyal().loc["uplift"]
    assert abs(found["coverage"] - 0.90) <= 0.06 + 2 * ERROR
    assert abs(found["bias"]) < 0.002


def test_counting_all_who_return_after_a_message_says_six_times_too_much():
    """Naive: most of those who return would have returned unasked."""
    found = loyal()
    truth = found.loc["all who return", "bias"]
    assert truth > 0.05
    assert abs(found.loc["uplift", "bias"]) < 0.002


def test_the_share_of_points_used_is_covered():
    """Truth: 40 % are meant for gifts, after 120 days on average, before they lapse in a year."""
    found = loyal().loc["points used"]
    assert abs(found["coverage"] - 0.90) <= 0.06 + 2 * ERROR
    assert abs(found["bias"]) < 0.01


def indifferent():
    """Return by shop whose messages do nothing: advice emitted, and the band of sending to all."""
    found = []
    for seed in range(1, REPS + 1):
        result = silence.result("customer.targeting", CUSTOMERS, seed)
        spent = result.params["cost"] * result.basis.n
        low, _, high = (value + spent for value in result.params["all"])
        found.append((any(a.emitted for a in result.actions()), low, high))
    return pd.DataFrame(found, columns=["emitted", "low", "high"])


@pytest.mark.xdist_group("silence")  # which has made these shops already
def test_sends_that_do_nothing_make_no_list():
    """No list and nobody spared in 95 % of shops; what sending brings before its cost is 0."""
    found = indifferent()
    assert found["emitted"].mean() <= 0.05
    inside = (found["low"] <= 0) & (found["high"] >= 0)
    assert abs(inside.mean() - 0.90) <= 0.06 + 2 * ERROR
