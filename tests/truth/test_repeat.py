"""Mistake 3: a 60-day mean gap seen through a 180-day window must be recovered.

Planted truth: 20,000 customers arrive evenly over 180 days and order with exponential gaps of mean
60 days (median 41.6, 80 % point 96.6). Finished gaps alone have mean 36.5 and 80 % point 52.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ecomops.customer import repeat

MEAN, WINDOW, PEOPLE = 60, 180, 20_000
MEDIAN, P80 = MEAN * np.log(2), MEAN * np.log(5)


@pytest.fixture(scope="module")
def orders():
    rng = np.random.default_rng(2024)
    at, who = rng.uniform(0, WINDOW, PEOPLE), np.arange(PEOPLE)
    days, people = [at], [who]
    while who.size:
        at = at + rng.exponential(MEAN, at.size)
        who, at = who[at < WINDOW], at[at < WINDOW]
        days.append(at)
        people.append(who)
    day, person = np.concatenate(days), np.concatenate(people)
    start = pd.Timestamp("2024-01-01")
    return pd.DataFrame(
        {
            "order_id": np.arange(day.size).astype(str),
            "customer_id": person.astype(str),
            "created_at": start + pd.to_timedelta((day * 86_400).astype(int), unit="s"),
            "paid_amount": 10.0,
        }
    )


def day_of(made, share):
    table = made.table
    return int(table.loc[table["repeated"] >= share, "day"].min())


@pytest.mark.parametrize("after", ["first", "any"])
def test_mistake_3_median_80_percent_point_and_mean_are_recovered(orders, after):
    made = repeat(orders, after=after, as_of="2024-06-28")
    assert day_of(made, 0.5) == pytest.approx(MEDIAN, rel=0.05)
    assert day_of(made, 0.8) == pytest.approx(P80, rel=0.05)
    assert made.mean_gap == pytest.approx(MEAN, rel=0.05)


def test_mistake_3_finished_gaps_alone_are_far_too_short(orders):
    # the trap itself, so that the test above is known to be one
    rows = orders.sort_values(["customer_id", "created_at"])
    gaps = rows.groupby("customer_id")["created_at"].diff().dropna().dt.total_seconds() / 86_400
    assert gaps.mean() < 0.7 * MEAN
    assert gaps.quantile(0.8) < 0.7 * P80


def test_truncated_customers_do_not_lower_the_rate_by_day(orders):
    made = repeat(orders, as_of="2024-06-28")
    rate = made.rates.set_index("day").loc[90, "rate"]
    assert rate == pytest.approx(1 - np.exp(-90.5 / MEAN), rel=0.02)
    assert made.naive[90] < 0.9 * rate
