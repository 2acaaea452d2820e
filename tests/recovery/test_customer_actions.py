"""Advice about customers against planted truth, twenty repetitions each.

Targeting: sends drawn here, with effects planted by features, so that the oracle is known person
by person. Win-back, reminders and points: simulated shops and their twins without messages.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

import ecomops as eo
from ecomops.customer import points, sends
from ecomops.metrics.customers import customers
from ecomops.sim import world

pytestmark = pytest.mark.slow
REPS = 20
PEOPLE = 20_000
COST = 1.0
FEATURES = ["recency", "orders", "coupon", "spend", "luck"]


def send(seed):
    """Return a random send: coupon lovers gone quiet are persuadable, recent others annoyed.

    Outcomes are 0 for most and log-normal for the rest; `tau` is the planted effect in margin,
    `base` the chance to buy unasked, which is highest where messages do nothing or harm.
    """
    random = np.random.default_rng(seed)
    n = PEOPLE
    rows = pd.DataFrame(
        {
            "customer_id": [f"c{i:06d}" for i in range(n)],
            "recency": random.gamma(2, 60, n),
            "orders": random.geometric(0.45, n),
            "coupon": random.beta(2, 3, n),
            "spend": np.exp(random.normal(4, 0.6, n)),
            "luck": random.normal(size=n),
        }
    )
    base = 0.25 * np.exp(-rows["recency"] / 60) * np.minimum(rows["orders"], 5) / 3 + 0.01
    persuadable = (rows["coupon"] > 0.45) & (rows["recency"] > 60)
    annoyed = (rows["recency"] < 30) & (rows["coupon"] < 0.35)
    lift, loss = random.uniform(0.05, 0.12), random.uniform(0.5, 0.9)
    moved = np.clip(base + np.select([persuadable, annoyed], [lift, -loss * base], 0.0), 0, 1)
    treated = (random.random(n) < 0.5).astype(int)
    buys = random.random(n) < np.where(treated, moved, base)
    margin = 0.5 * rows["spend"]
    outcome = buys * margin * random.lognormal(0, 0.4, n)
    tau = (moved - base) * margin * np.exp(0.08)
    return rows.assign(treated=treated, outcome=outcome, tau=tau, base=base)


@cache
def targeted():
    """Return by repetition: oracle, chosen, as many likely buyers, everybody, band."""
    found = []
    for seed in range(REPS):
        rows = send(seed)
        result = eo.customer.targeting(
            rows[["customer_id", "treated", "outcome", *FEATURES]], features=FEATURES, cost=COST
        )
        net = rows["tau"].to_numpy() - COST  # ids are in order, as scores are
        chosen = result.scores["send"].to_numpy()
        likely = np.argsort(-rows["base"].to_numpy(), kind="stable")[: chosen.sum()]
        low, _, high = result.params["policy"]
        sums = (net[net > 0].sum(), net[chosen].sum(), net[likely].sum(), net.sum())
        found.append((*sums, low, high))
    columns = ["oracle", "chosen", "likely", "all", "low", "high"]
    return pd.DataFrame(found, columns=columns)


def test_targeting_gains_three_quarters_of_what_an_oracle_would():
    """The oracle sends to exactly those whose planted effect exceeds the cost."""
    found = targeted()
    assert found["chosen"].sum() >= 0.75 * found["oracle"].sum()
    assert (found["chosen"] > 0).all()


def test_sending_to_likely_buyers_or_to_all_loses_where_the_list_gains():
    """Naive catalogue 26: a perfect response model knows who buys, not whom a message moves."""
    found = targeted()
    assert found["likely"].sum() < 0
    assert found["all"].sum() < 0


def test_the_value_of_the_list_is_covered():
    found = targeted()
    inside = (found["low"] <= found["chosen"]) & (found["chosen"] <= found["high"])
    error = np.sqrt(0.9 * 0.1 / REPS)
    assert abs(inside.mean() - 0.90) <= 0.06 + 2 * error


@pytest.mark.parametrize("seed", range(REPS))
def test_sends_that_were_chosen_are_refused(seed):
    """Naive catalogue 27: a mild preference for recent customers, and 3,000 people."""
    random = np.random.default_rng(seed)
    rows = send(seed).head(3000)
    odds = np.where(rows["recency"] < 60, 0.65, 0.40)
    rows["treated"] = (random.random(len(rows)) < odds).astype(int)
    assert eo.customer.targeting(rows, features=FEATURES, cost=COST).locked


@cache
def loyal():
    """Return by world: truth and estimate of a message's effect on returning, and actions."""
    found = []
    for seed in range(1, REPS + 1):
        made = world("loyal_buyers", seed=seed, customers=5_000)
        shop = made.shop
        result = eo.customer.winback(shop)
        messages = [key for key in made.interventions if key.startswith("message:")]
        quiet = customers(made.without(*messages).shop.orders, as_of=result.basis.end)
        log = shop.message_sends
        with_, without = (_back(facts, log) for facts in (customers(shop.orders), quiet))
        p = result.params
        share = points.usage(shop, result.basis.end, 365, None)
        found.append(
            {
                "truth": with_ - without,
                **{k: p[k] for k in ("uplift", "low", "high")},
                **{k: share[k] for k in ("redeemed", "redeemed_low", "redeemed_high")},
            }
        )
    return pd.DataFrame(found)


def _back(facts, log):
    """Return the share of those sent to who bought within 30 days."""
    seen = sends.outcomes(facts, log, 30)
    return float(seen.filter(seen.treated == 1).back.mean().to_pandas())


def test_the_effect_of_messages_is_covered():
    """Truth: the twin world without messages, people and all other draws the same."""
    found = loyal()
    inside = (found["low"] <= found["truth"]) & (found["truth"] <= found["high"])
    error = np.sqrt(0.9 * 0.1 / REPS)
    assert abs(inside.mean() - 0.90) <= 0.06 + 2 * error
    assert abs((found["uplift"] - found["truth"]).mean()) < 0.002


def test_the_share_of_points_used_is_covered():
    """Truth: 40 % are meant for gifts, after 120 days on average, before they lapse in a year."""
    found = loyal()
    truth = 0.4 * (1 - np.exp(-365 / 120))
    inside = (found["redeemed_low"] <= truth) & (truth <= found["redeemed_high"])
    error = np.sqrt(0.9 * 0.1 / REPS)
    assert abs(inside.mean() - 0.90) <= 0.06 + 2 * error
    assert abs(found["redeemed"].mean() - truth) < 0.01


@cache
def null():
    """Return by world without any effect: actions emitted by win-back and by reminders."""
    emitted = []
    for seed in range(1, REPS + 1):
        shop = world("no_effect", seed=seed, customers=3_000).shop
        found = (eo.customer.winback(shop), eo.customer.activation(shop))
        assert not found[0].locked
        emitted.append([sum(a.emitted for a in result.actions()) for result in found])
    return np.array(emitted)


def test_nothing_is_made_of_nothing():
    """No action in 95 % of shops in which messages do nothing."""
    assert ((null() > 0).mean(axis=0) <= 0.05).all()
