"""store.target: the chance by hand, the identity of the levers, what is said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import ecomops as eo
from ecomops.store.target import LEVERS, target


@pytest.fixture(scope="module")
def result(demo):
    return target(demo, target=400_000, horizon_days=30)


def test_chance_is_the_share_of_draws_at_or_above_the_target(result):
    totals = result.plan.draws.sum(axis=1)
    assert result.params["chance"] == np.mean(totals >= 400_000)
    assert result.params["gap"] == pytest.approx(400_000 - np.median(totals))


def test_levers_multiply_to_sales_and_each_alone_closes_the_gap(result, demo):
    """Truth: visitors x conversion x value per buyer x 56 days is what the sources sold."""
    rows = result.table.set_index(["channel", "lever"])
    end = result.basis.end
    source = demo.traffic_daily.filter(demo.traffic_daily.level == "source").to_pandas()
    recent = source[source["date"] > pd.Timestamp(end) - pd.Timedelta(days=56)]
    now = np.prod([rows.loc[("total", lever), "now"] for lever in LEVERS]) * 56
    assert now == pytest.approx(float(recent["pay_amount"].astype(float).sum()))
    for lever in LEVERS:
        row = rows.loc[("total", lever)]
        assert row["needed"] / row["now"] - 1 == pytest.approx(result.params["growth"])


def test_parts_of_the_gap_add_up(result):
    parts = result.table[(result.table["lever"] == "value") & (result.table["channel"] != "total")]
    assert parts["part"].sum() == pytest.approx(result.params["gap"])


def test_an_easy_target_is_ahead_and_proposes_nothing(demo):
    easy = target(demo, target=1_000, horizon_days=30)
    assert {"ahead"} <= {f.code for f in easy.findings()}
    assert easy.actions() == ()
    assert easy.params["chance"] == 1


def test_without_traffic_there_is_still_a_chance(demo):
    bare = target(eo.open({"orders": demo.orders}), target=400_000)
    assert bare.table.empty
    assert 0 < bare.params["chance"] < 1
    assert "<svg" in bare._repr_html_()


def test_words_and_chart(result):
    bars = [patch.get_height() for patch in result.plot().patches]
    assert bars == result.params["heights"]
    for lang in ("zh", "en"):
        shown = result.in_language(lang)
        assert shown._repr_html_().count("<svg") == 2
        assert not shown.actions()[0].emitted
