"""Shops made to mislead: the plain way of reading them is wrong, ours is right or says nothing.

One test for each preset whose trap no other file shows. Elsewhere: retargeting (`test_recovery`),
empty shelves (`test_product`), messages to loyal buyers (`test_customer_actions`), nothing at all
(`test_silence`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import cache

import numpy as np
import pandas as pd
import pytest

import ecomops as eo
from benchmarks.recovery import recover
from ecomops.report.outcome import Deed
from ecomops.report.randomised import experiment
from ecomops.sim import preset, world
from ecomops.sim.presets import sized

pytestmark = pytest.mark.slow
SEEDS = (1, 2, 3)


def paid(made):
    return made.tables["orders"].to_pandas().dropna(subset="paid_at")


def test_prices_that_follow_demand_hide_what_they_do():
    """Naive catalogue 25: the slope is off by more than 2; most seem to sell better when dearer.

    Truth: planted elasticities around -2.2. Ours gives none.
    """
    found = recover("price", "endogenous_price", 5)
    naive = found.rows[found.rows["target"] == "regression"]
    assert (naive["estimate"] - naive["truth"]).mean() > 2
    assert naive["truth"].mean() < -2
    assert (naive["estimate"] > 0).mean() > 0.5
    assert (found.rows["target"] == "elasticity").sum() <= 0.05 * len(naive)
    assert found.quiet == 1


@cache
def batch(seed):
    """Return the product, how much of its goods turned bad, and the shop's rates and verdicts."""
    made = world("bad_batch", seed=seed)
    key = next(k for k in made.interventions if k.startswith("batch:"))
    return key.split(":")[1], made, made.without(key)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_bad_batch_is_lost_in_the_shops_refunds(seed):
    """Truth: 45 points more returns of one best seller; the shop's share moves by under 3."""
    item, made, calm = batch(seed)
    shares = [
        float(o["refund_amount"].sum() / o["paid_amount"].sum()) for o in map(paid, (made, calm))
    ]
    assert 0 < shares[0] - shares[1] < 0.03
    rates = [eo.product.selection(w.shop).rows.set_index("product_id") for w in (made, calm)]
    assert rates[0]["returns_low"].idxmax() == item != rates[1]["returns_low"].idxmax()
    assert rates[0].loc[item, "verdict"] == "mend"
    assert rates[0].loc[item, "returns_low"] > rates[1].loc[item, "returns_high"] + 0.1


def test_rows_that_are_missing_look_like_a_lift():
    """Naive catalogue 20: six of a hundred idle visitors of B are gone; the lift is 0.

    Conversion seems 6.4 % higher; the measurement sees the split and says nothing.
    """
    test = replace(preset("srm").experiments[0], days=250)
    settings = replace(sized(preset("srm"), 30_000), experiments=(test,))
    made = world(settings, seed=1)
    shown = made.tables["experiment_exposures"].to_pandas()
    rate = shown.groupby("arm")["orders"].agg(lambda orders: (orders > 0).mean())
    assert rate["B"] / rate["A"] - 1 > 0.03
    end = test.start + timedelta(days=test.days)
    before = test.start - timedelta(days=1)
    deed = Deed("1", "product.listing", "trial", test.name, {}, before, end)
    assert experiment(made.shop, deed).method == "mismatch"
    honest = replace(settings, experiments=(replace(test, mismatch=0.0),))
    told = experiment(world(honest, seed=1).shop, deed)
    assert told.low <= 0 <= told.high


def test_frequent_buyers_who_spend_more_break_what_models_of_value_assume():
    """Naive catalogue 29: frequency times money understates value by a fifth.

    Truth: planted rates and spends.
    Scores of each customer, which assume nothing of the kind, agree with the truth as well as
    where both are independent; so does the share who come again.
    """
    for name, least, most in (("clean", -0.06, 0.06), ("correlated_spend", -0.30, -0.12)):
        truth = world(name, seed=1, customers=8_000).truth["customers"].to_pandas()
        orders, spend = truth["expected_orders"], truth["mean_spend"].astype(float)
        apart = orders.mean() * spend.mean() / (orders * spend).mean() - 1
        assert least < apart < most
    ranks = [
        recover("rfm", name, 5).rows["estimate"].mean() for name in ("clean", "correlated_spend")
    ]
    assert ranks[1] > ranks[0] - 0.01
    again = recover("repeat", "correlated_spend", 5)
    assert again.by_target()["bias"].abs().max() < 0.02


def test_what_is_searched_most_is_no_niche():
    """Truth: three cells without offers a shop; the three most searched hold one or none of them.

    Ours names them all, and at most one of twenty falsely.
    """
    found = recover("niche", "lazy_clothes", 10)
    hits = found.rows.groupby("target")["estimate"].mean()
    assert hits["most searched"] < 1
    assert hits["fewest offers"] < 1
    assert hits["found"] > 2.8
    assert found.false_share <= 0.05


@pytest.mark.parametrize("seed", SEEDS)
def test_hours_of_live_sessions_sell_what_would_have_sold_anyway(seed):
    """Truth: orders that sessions brought, and those they moved; naive: hours with less without.

    The naive gain is 15 to 35 % too high. What the analysis counts is what sessions brought.
    """
    made = world("live_room", seed=seed)
    truth = made.truth["live"].to_pandas()[["incremental", "pulled"]].sum()
    orders = paid(made)
    day = orders["created_at"].dt.normalize()
    inside = orders["created_at"].dt.hour.isin([20, 21, 22])
    every = pd.date_range(day.min(), day.max())
    sold = day[inside].value_counts().reindex(every, fill_value=0)
    on = every.isin(made.tables["live_sessions"].to_pandas()["started_at"].dt.normalize())
    naive = (sold[on].mean() - sold[~on].mean()) * on.sum()
    assert 1.15 < naive / truth["incremental"] < 1.35
    assert naive - truth["incremental"] == pytest.approx(truth["pulled"], rel=0.3)
    counted = made.shop.live_sessions.order_count.sum().to_pandas()
    assert abs(counted / truth["incremental"] - 1) < 0.01


def test_days_before_a_festival_say_little_of_what_its_promotion_brings():
    """Naive catalogue 11: a promotion's days less the four weeks before.

    Truth: orders that each promotion brought.
    The calendar moves under it: the naive gain is off by more than a fifth on average. The
    analysis says what a promotion costs, gives its advice no value and asks for a holdout,
    unless it would take more than a year.
    """
    off = []
    for seed in SEEDS:
        made = world("taste_of_home", seed=seed)
        truth = made.truth["interventions"].to_pandas().set_index("intervention")["incremental"]
        day = paid(made)["created_at"].dt.normalize()
        sold = day.value_counts().reindex(pd.date_range(day.min(), day.max()), fill_value=0)
        for promo in made.plan.settings.promotions:
            first, last = (pd.Timestamp(promo.day) + pd.Timedelta(days=d) for d in (promo.first, promo.last))  # fmt: skip # noqa: E501
            inside, before = sold[first:last], sold[: first - pd.Timedelta(days=1)].tail(28)
            off.append((inside.sum() - len(inside) * before.mean()) / truth[promo.key] - 1)
        said = eo.campaign.promotion(made.shop)
        asked = "holdout" if said.params["days_needed"] <= 365 else "too_few"
        assert [(action.code, action.value) for action in said.propose()] == [(asked, None)]
    assert np.abs(off).mean() > 0.2
    assert min(off) < -0.2
    assert max(off) > 0.1
