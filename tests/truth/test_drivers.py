"""Decomposition of a change: the published oracle, and Simpson's paradox by hand."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecomops.store import drivers
from ecomops.store.chains import decompose
from ecomops.store.comparison import chain_of
from tests.metrics.shops import shop

BEFORE = {"visitors": 10_000, "buyers": 300, "value": 120.0}
AFTER = {"visitors": 13_000, "buyers": 325, "value": 130.0}


def two_months(before: dict, after: dict) -> dict[str, pd.DataFrame]:
    """Return a shop with one order per buyer and one traffic row per month."""
    orders, traffic = [], []
    for month, end, facts in (("2025-10", "31", before), ("2025-11", "30", after)):
        days = np.where(np.arange(facts["buyers"]) == 0, f"{month}-01", f"{month}-{end}")
        orders.append(
            pd.DataFrame(
                {
                    "order_id": [f"{month}/{i}" for i in range(facts["buyers"])],
                    "customer_id": [f"c{i}" for i in range(facts["buyers"])],
                    "paid_at": pd.to_datetime(days),
                    "paid_amount": facts["value"],
                    "currency": "CNY",
                }
            )
        )
        share = [facts["visitors"] - 10, 10]
        days = pd.to_datetime([f"{month}-01", f"{month}-{end}"]).date
        traffic.append(pd.DataFrame({"date": days, "level": "shop", "visitors": share}))
    return {"orders": pd.concat(orders), "traffic_daily": pd.concat(traffic)}


def test_the_oracle_of_36_000_to_42_250() -> None:
    """Issue and methods.md: 10,000 x 3 % x 120 to 13,000 x 2.5 % x 130, measured with Shapley."""
    tables = two_months(BEFORE, AFTER)
    moved = drivers(shop(tables["orders"], traffic_daily=tables["traffic_daily"]))
    assert (moved.params["before"], moved.params["after"]) == ("2025-10", "2025-11")
    assert moved.params["total_before"] == pytest.approx(36_000)
    assert moved.params["total_after"] == pytest.approx(42_250)
    table = moved.table.set_index("factor")
    assert list(table.index) == ["visitors", "conversion", "buyer_value"]
    assert table["before"].tolist() == pytest.approx([10_000, 0.03, 120])
    assert table["after"].tolist() == pytest.approx([13_000, 0.025, 130])
    assert table["contribution"].tolist() == pytest.approx([10_300, -7_200, 3_150], abs=1e-6)
    assert table["share"].sum() == pytest.approx(1)


sizes = st.integers(min_value=1, max_value=10_000)
sums = st.fixed_dictionaries(
    {"traffic.visitors": sizes, "sales.buyers": sizes, "sales.amount": sizes}
)


@given(sums, sums)
def test_contributions_equal_the_average_over_all_orders_of_change(before, after) -> None:
    """By hand: change the factors one after the other, in each of the 6 orders, and average."""
    chain = chain_of("pay_amount", None, traffic=True)
    got = decompose(chain, pd.Series(before), pd.Series(after)).rows["contribution"]
    start, end = (
        [
            f["traffic.visitors"],
            f["sales.buyers"] / f["traffic.visitors"],
            f["sales.amount"] / f["sales.buyers"],
        ]
        for f in (before, after)
    )
    expected = [0.0, 0.0, 0.0]
    for order in itertools.permutations(range(3)):
        now = list(start)
        for i in order:
            was = math.prod(now)
            now[i] = end[i]
            expected[i] += (math.prod(now) - was) / 6
    assert got.tolist() == pytest.approx(expected, rel=1e-9, abs=1e-6)
    assert got.sum() == pytest.approx(after["sales.amount"] - before["sales.amount"], abs=1e-5)


def by_source(rows: list[tuple[str, str, int, int, float]]) -> pd.DataFrame:
    """Return traffic by source from month, source, visitors, buyers and amount."""
    made = []
    for month, source, visitors, buyers, amount in rows:
        last = {"2025-10": "31", "2025-11": "30"}[month]
        for day, part in ((f"{month}-01", 0), (f"{month}-{last}", 1)):
            made.append(
                {
                    "date": pd.Timestamp(day).date(),
                    "level": "source",
                    "source_l1": source,
                    "visitors": visitors * part,
                    "pay_buyers": buyers * part,
                    "pay_amount": amount * part,
                }
            )
    return pd.DataFrame(made)


def test_simpsons_paradox_is_flagged_and_the_mix_takes_the_blame() -> None:
    """Item 1 and mistake 24: conversion rises in both sources and falls in total.

    By hand: search 10 % to 11 %, live 5 % to 6 %; visitors move from search to live, so the total
    falls from 9 % to 7 %. The rates add +1 point, the mix takes -3.
    """
    tables = two_months(
        {"visitors": 1000, "buyers": 90, "value": 100.0},
        {"visitors": 1000, "buyers": 70, "value": 100.0},
    )
    traffic = by_source(
        [
            ("2025-10", "search", 800, 80, 8000.0),
            ("2025-10", "live", 200, 10, 1000.0),
            ("2025-11", "search", 200, 22, 2200.0),
            ("2025-11", "live", 800, 48, 4800.0),
        ]
    )
    moved = drivers(shop(tables["orders"], traffic_daily=traffic), by="source_l1")
    assert moved.params["simpson"] == ("conversion",)
    assert "simpson" in {finding.code for finding in moved.findings()}
    parts = moved.by_factor()
    assert parts["visitors"] == pytest.approx(0)
    assert parts["conversion_rate"] == pytest.approx(0.01 * 1000 * 100)
    assert parts["conversion_mix"] == pytest.approx(-0.03 * 1000 * 100)
    assert parts.sum() == pytest.approx(7000 - 9000)
    assert set(moved.table["source_l1"]) == {"", "search", "live"}


def test_equal_growth_of_all_segments_leaves_no_mix() -> None:
    tables = two_months(
        {"visitors": 1000, "buyers": 50, "value": 100.0},
        {"visitors": 2000, "buyers": 200, "value": 100.0},
    )
    traffic = by_source(
        [
            ("2025-10", "search", 600, 30, 3000.0),
            ("2025-10", "live", 400, 20, 2000.0),
            ("2025-11", "search", 1200, 120, 12000.0),
            ("2025-11", "live", 800, 80, 8000.0),
        ]
    )
    moved = drivers(shop(tables["orders"], traffic_daily=traffic), by="source_l1")
    parts = moved.by_factor()
    assert parts["conversion_mix"] == pytest.approx(0)
    assert moved.params["simpson"] == ()
    assert parts.sum() == pytest.approx(15_000)
