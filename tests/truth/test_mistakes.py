"""Mistakes of peers that no other test names, each as a peer makes it (``conventions.md``)."""

from __future__ import annotations

import json
from collections import Counter, defaultdict

import numpy as np
import pandas as pd
import pytest

import ecomops as eo
from ecomops.channel import attribution, traffic
from ecomops.customer import cohorts, repeat, rfm
from ecomops.maths import uplift

DAYS = pd.date_range("2025-01-01", periods=4)


def orders(customers: list[str], days: list[int]) -> pd.DataFrame:
    at = pd.Timestamp("2025-01-01 12:00") + pd.to_timedelta(days, unit="D")
    ids = [str(i) for i in range(len(days))]
    rows = {"order_id": ids, "customer_id": customers, "paid_at": at, "paid_amount": 9.0}
    return pd.DataFrame(rows | {"currency": "CNY"})


@pytest.mark.parametrize("analysis", [rfm, cohorts, repeat])
def test_mistake_15_one_time_buyers_alone_have_an_answer(analysis) -> None:
    """Lifetimes raises on the money of one-time buyers, which it sets to 0 itself."""
    made = analysis(orders([f"c{i}" for i in range(60)], list(range(60))))
    assert not made.locked
    json.dumps(made.to_dict(), allow_nan=False)


def test_mistake_17_days_are_days_whatever_the_periods() -> None:
    """pymc-marketing reads weeks as days where the unit is not passed along: a factor of 7."""
    rows = orders([f"c{i % 50}" for i in range(100)], [0] * 50 + [21] * 50)
    assert repeat(rows).median == 21
    for period, days in (("day", 1), ("week", 7)):
        table = cohorts(rows, period=period, window="rolling").table
        own = table[(table["cohort"] != "all") & (table["age"] > 0) & (table["active"] > 0)]
        assert (own["age"] * days).tolist() == [21]


def test_mistake_20_touches_before_the_look_back_and_orders_exported_twice_do_not_count() -> None:
    log = pd.DataFrame(
        {
            "event_time": pd.to_datetime(["2025-01-01", "2025-03-01", "2025-03-02", "2025-03-02"]),
            "visitor_id": "v",
            "channel": ["old", "new", None, None],
            "event_name": ["visit", "visit", "purchase", "purchase"],
            "order_id": [None, None, "1", "1"],
            "value": [None, None, 100.0, 100.0],
        }
    )
    rows = attribution(log, lookback_days=30).table
    assert (rows.loc[rows["channel"] == "new", "conversions"] == 1).all()
    assert (rows.loc[rows["channel"] == "new", "value"] == 100).all()
    assert (rows.loc[rows["channel"] == "old", "conversions"] == 0).all()


def test_mistake_21_an_empty_answer_has_its_columns() -> None:
    """Mlxtend raises where no itemset is frequent."""
    for made in (eo.product.pareto(None), attribution(None), traffic(None)):
        assert made.locked
        assert len(made.table) == 0
        assert list(made.table.columns) == list(made.columns)


def test_mistake_22_one_score_for_all_is_the_mean_effect_in_any_order_of_rows() -> None:
    """scikit-uplift: uplift at 30 % of a constant score is .053 or 0 by the order of rows."""
    random = np.random.default_rng(4)
    y, treated = random.random(200) < 0.2, random.random(200) < 0.5
    truth = y[treated].mean() - y[~treated].mean()
    for order in (np.arange(200), np.argsort(y), np.argsort(~y), random.permutation(200)):
        found = uplift.uplift_at(y[order], treated[order], np.ones(200), 0.3)
        assert found == pytest.approx(truth)


def test_mistake_23_no_order_is_better_than_the_perfect_one_for_money_either() -> None:
    random = np.random.default_rng(5)
    treated = random.random(300) < 0.5
    money = random.gamma(0.3, 100, 300) * (random.random(300) < 0.4)
    best = np.where(treated, money, -money)
    for score in (best, random.random(300), -best, money):
        assert uplift.qini_share(money, treated, score) <= 1 + 1e-9


def test_mistake_27_rates_come_with_their_denominator_and_interval() -> None:
    daily = {
        "date": DAYS,
        "source_l1": "a",
        "visitors": [9, 0, 200, 30],
        "pay_buyers": [3, 0, 9, 0],
    }
    rows = traffic(pd.DataFrame(daily | {"pay_amount": 1.0}), period="day").table
    seen = rows[rows["visitors"] > 0]
    assert (seen["conversion"] == seen["buyers"] / seen["visitors"]).all()
    assert ((seen["low"] <= seen["conversion"]) & (seen["conversion"] <= seen["high"])).all()
    empty = rows[rows["visitors"] == 0]
    assert empty[["conversion", "uv_value", "low", "high"]].isna().all(axis=None)


def removal_by_hand(journeys: list, order: int) -> dict[str, float]:
    """Return removal effects by walking the chain until everybody has arrived."""
    steps: dict = defaultdict(Counter)
    for path, won, lost in journeys:
        state = ("",) * order
        for channel in path:
            following = (*state[1:], channel)
            steps[state][following] += won + lost
            state = following
        steps[state]["won"] += won
        steps[state]["lost"] += lost

    def arrive(without: str | None) -> float:
        here, won = {("",) * order: 1.0}, 0.0
        while sum(here.values()) > 1e-13:
            further: dict = defaultdict(float)
            for state, mass in here.items():
                whole = sum(steps[state].values())
                for target, n in steps[state].items():
                    if target == "won":
                        won += mass * n / whole
                    elif target != "lost" and without not in target:
                        further[target] += mass * n / whole
            here = further
        return won

    whole = arrive(None)
    return {c: 1 - arrive(c) / whole for c in sorted({c for path, *_ in journeys for c in path})}


@pytest.mark.parametrize("nulls", ["include", "exclude"])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_mistake_28_paths_of_any_order_equal_a_walk_by_hand(order: int, nulls: str) -> None:
    """Retentioneering anchored 39 % of paths at the wrong step. Channels repeat here."""
    random = np.random.default_rng(order)
    journeys = [
        (
            tuple(random.choice(list("abcd"), random.integers(1, 6))),
            *map(int, random.integers(0, 4, 2)),
        )
        for _ in range(30)
    ]
    table = pd.DataFrame(
        {
            "path": [" > ".join(path) for path, *_ in journeys],
            "conversions": [won for _, won, _ in journeys],
            "nulls": [lost for *_, lost in journeys],
        }
    )
    kept = [(p, won, lost if nulls == "include" else 0) for p, won, lost in journeys]
    wanted = removal_by_hand([j for j in kept if j[1] + j[2]], order)
    made = attribution(table, models=["markov"], order=order, nulls=nulls)
    effects = made.effects.set_index("channel")["effect"]
    assert effects.to_dict() == pytest.approx(wanted, abs=1e-9)
    shares = made.table.set_index("channel")["share"]
    total = sum(wanted.values())
    assert shares.to_dict() == pytest.approx({c: e / total for c, e in wanted.items()}, abs=1e-9)
