"""Campaigns with a planted cost per order and delayed reports: who is stopped, how often wrongly.

The generator is the tests' own: spending in flights, Poisson orders on the click's day whose
reports come in geometrically over 15 days.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy.stats import gamma

import ecomops as eo
from ecomops.maths.counts import dispersion, pooled_rates

LIMIT, DAYS, WINDOW = 50.0, 60, 15
LAG = 0.75 ** np.arange(WINDOW) * 0.25
LAG /= LAG.sum()
SHARE = np.cumsum(LAG)
COSTS = np.r_[np.full(30, 35.0), np.full(10, 100.0)]  # good ones at 0.7, bad ones at 2.0 x limit


@cache
def reports(seed: int):
    """Return spend (days, k) and orders by click day and lag (days, window, k)."""
    random = np.random.default_rng(seed)
    level = random.lognormal(np.log(40), 0.5, COSTS.size)
    spend = level * random.lognormal(0, 0.3, (DAYS, COSTS.size))
    orders = random.poisson(spend[:, None] / COSTS * LAG[:, None])
    return spend, orders


def known(seed: int, today: int):
    """Return spend by day and the orders reported by the end of `today`."""
    spend, orders = reports(seed)
    age = today - np.arange(today + 1)
    there = np.arange(WINDOW)[None, :] <= age[:, None]
    return spend[: today + 1], (orders[: today + 1] * there[:, :, None]).sum(axis=1), age


def stopped(seed: int, rule) -> np.ndarray:
    """Return the day on which each campaign is stopped, looking every day; 999 for never."""
    out = np.full(COSTS.size, 999)
    for today in range(DAYS):
        spend, orders, age = known(seed, today)
        hit = rule(spend, orders, age) & (out == 999)
        out[hit] = today
    return out


def ours(spend, orders, age):
    mature = spend * SHARE[np.minimum(age, WINDOW - 1)][:, None]
    total = mature.sum(axis=0)
    chance = pooled_rates(orders.sum(axis=0), total).below(1 / LIMIT)
    return (chance >= 0.95) & (total / LIMIT >= 5)


def three_times(spend, orders, age):
    """Stop once 3 x the limit was spent since the last reported order."""
    since = np.zeros(COSTS.size)
    for day in range(len(spend)):
        since = np.where(orders[day] > 0, 0, since + spend[day])
    return since >= 3 * LIMIT


def plain_cost(spend, orders, age):
    """Stop once the cost in the report is over the limit, after five orders' worth of spending."""
    total = spend.sum(axis=0)
    return (total / LIMIT >= 5) & (total > LIMIT * orders.sum(axis=0))


@pytest.mark.slow
def test_good_campaigns_live_where_rules_of_thumb_kill_them():
    """A stop 'after 3 x target cost without an order' and the report's own cost kill good ones."""
    good, wrong = COSTS < LIMIT, {}
    for rule in (ours, three_times, plain_cost):
        days = np.stack([stopped(seed, rule) for seed in range(5)])
        wrong[rule.__name__] = np.mean(days[:, good] < 999)
        if rule is ours:
            bad = days[:, ~good]
    assert wrong["ours"] <= 0.03
    assert wrong["three_times"] >= 0.25
    assert wrong["plain_cost"] >= 0.5
    assert np.mean(bad < 999) >= 0.9
    assert np.median(bad) <= 30


def test_intervals_hold_the_planted_rate():
    """90 % of 20 x 40 campaigns; rates drawn log-normal, with counts from a few to dozens."""
    held = []
    for seed in range(20):
        random = np.random.default_rng(seed)
        rate = np.exp(random.normal(-4, 0.4, 40))
        exposure = random.lognormal(7, 1, 40)
        found = pooled_rates(random.poisson(rate * exposure), exposure)
        held.append((found.quantile(0.05) <= rate) & (rate <= found.quantile(0.95)))
    assert 0.86 <= np.mean(held) <= 0.94


def test_one_campaign_alone_keeps_its_own_likelihood():
    """Against the exact posterior under a flat prior on the log rate: Gamma(n)."""
    found = pooled_rates([9], [1000.0])
    for share in (0.05, 0.5, 0.95):
        exact = gamma.ppf(share, 9, scale=1 / 1000)
        assert found.quantile(share)[0] == pytest.approx(exact, rel=0.06)


def test_campaigns_without_orders_borrow_and_stay_uncertain():
    found = pooled_rates([0, 40, 50, 45], [300.0, 1e4, 1e4, 1e4])
    assert 0 < found.quantile(0.05)[0] < found.mean()[0] < 0.0046
    assert found.below(0.0045)[0] < 0.95


def test_dispersion_is_measured_between_days():
    random = np.random.default_rng(1)
    counts = random.negative_binomial(4, 4 / (4 + 8), 4000)  # variance 8 + 64 / 4 = 3 x mean
    assert dispersion(float(((counts - 8) ** 2 / 8).sum()), 4000) == pytest.approx(3, rel=0.1)


def frame(seed: int = 3, today: int = 40) -> pd.DataFrame:
    """Return the canonical table `ad_reports` as it stands on day `today`."""
    spend, orders, _ = known(seed, today)
    day, campaign = (axis.ravel() for axis in np.indices(spend.shape))
    first = date(2025, 3, 1)
    return pd.DataFrame(
        {
            "date": [first + timedelta(days=int(d)) for d in day],
            "platform": "alimama",
            "campaign_id": [f"c{c:02d}" for c in campaign],
            "campaign_name": [f"计划{c:02d}" for c in campaign],
            "scene_name": "关键词推广",
            "clicks": np.rint(spend.ravel()).astype(int),
            "impressions": np.rint(spend.ravel() * 30).astype(int),
            "spend": spend.ravel().round(2),
            "attribution_model": "last_click",
            "attribution_window_days": WINDOW,
            "conversions": orders.ravel(),
            "conversion_value": orders.ravel() * 120.0,
        }
    )


def test_the_delay_is_corrected_and_the_planted_cost_covered():
    """Without correction cost is too high by what has yet to be reported."""
    shop = eo.open({"orders": ORDERS, "ad_reports": frame()})
    right = eo.channel.guardrails(shop, max_cost=LIMIT, delay=list(SHARE[:-1])).table
    plain = eo.channel.guardrails(shop, max_cost=LIMIT, delay=[1.0]).table
    truth = pd.Series(COSTS, index=[f"计划{c:02d}" for c in range(COSTS.size)])
    held = [r.cost_low <= truth[r.campaign] <= r.cost_high for r in right.itertuples()]
    assert np.mean(held) >= 0.8
    off = {
        name: np.log(rows.set_index("campaign")["cost"] / truth).mean()
        for name, rows in (("right", right), ("plain", plain))
    }
    assert abs(off["right"]) < 0.06
    assert off["plain"] > off["right"] + 0.08
    assert set(right[right["verdict"] == "stop"]["campaign"]) <= set(truth[truth > LIMIT].index)


ORDERS = pd.DataFrame(
    {"order_id": ["1"], "created_at": pd.to_datetime(["2025-04-01"]), "paid_amount": [1.0]}
)
