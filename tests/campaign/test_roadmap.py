"""campaign.roadmap: value of information by Monte Carlo, order, dates, what cannot be settled."""

from __future__ import annotations

from datetime import date, timedelta
from typing import ClassVar

import ibis
import numpy as np
import pandas as pd
import pytest

import ecomops as eo
from ecomops.campaign.candidates import Candidate, Scope, prior, scopes
from ecomops.campaign.roadmap import roadmap
from ecomops.result import Action, Basis, Finding, Result, Value
from tests.campaign.test_promotion import frames


class Stub(Result):
    """A result that proposes what it is given."""

    code = "campaign.promotion"
    columns: ClassVar = {"rule": "text"}

    def findings(self):
        return (Finding("breakeven", "watch", {}, 1),)

    def propose(self):
        return self.params["proposals"]


def stub(*proposals):
    basis = Basis(n=1, unit="orders")
    return Stub(rows=pd.DataFrame({"rule": []}), basis=basis, params={"proposals": proposals})


def advice(subject="store", value=None, code="holdout", grade="D"):
    change = {"lift": 0.1, "orders": 10.0, "days": 10.0}
    return Action(code, ("breakeven",), change, grade, date(2026, 1, 1), value, subject)


@pytest.fixture(scope="module")
def usual(demo):
    return [eo.campaign.promotion(demo), eo.customer.repeat(demo.orders)]


@pytest.fixture(scope="module")
def plan(demo, usual):
    return roadmap(demo, results=usual)


def test_the_first_test_is_advice_and_no_problem(plan):
    """A page shows findings of the level "act" as its problem; quotes do not stand in quotes."""
    (first,) = [f for f in plan.findings() if f.code == "first"]
    assert first.level == "note"
    for left, right, lang in (("“", "”", "zh"), ("“", "”", "en")):
        depth = np.cumsum([(c == left) - (c == right) for c in plan.explain(lang)])
        assert depth.max() <= 1


def test_the_value_is_what_a_simulated_owner_gains(demo, plan):
    """Monte Carlo of the whole story: draw a truth and a test, decide, count what is left."""
    row = plan.table.set_index("test").loc["campaign.promotion.holdout|store"]
    scope = scopes(demo, ["store"], plan.basis.end, demo.gross_margin)["store"]
    random = np.random.default_rng(2)
    truth = random.normal(0, row["spread"], 1_000_000) * scope.margin * 26
    noise = scope.noise / np.sqrt(row["weeks"]) * scope.margin * 26
    seen = truth + random.normal(0, noise, truth.size)
    gain = np.where(seen > 0, truth, 0) * (26 - row["weeks"]) / 26
    assert row["value"] == pytest.approx(gain.mean(), abs=4 * gain.std() / 1e3)


def test_the_noise_of_a_week_is_that_of_random_halves():
    """Second way: split Poisson orders of log-normal size in halves, 4,000 times."""
    random = np.random.default_rng(3)
    sizes = np.exp(random.normal(0, 0.6, 200_000))
    cv = sizes.std() / sizes.mean()
    n = 120
    lifts = []
    for _ in range(4000):
        halves = [sizes[random.integers(0, sizes.size, random.poisson(n / 2))].sum() for _ in "ab"]
        lifts.append((halves[0] - halves[1]) / (n / 2 * sizes.mean()))
    assert np.std(lifts) == pytest.approx(Scope(n, 1.0, cv).noise, rel=0.04)


def test_scopes_are_what_is_touched(demo):
    """Second implementation with pandas over the last 56 days."""
    last = date(2025, 12, 9)
    found = scopes(demo, ["store", "channel:直播", "segment:x", "product:none"], last, 0.5)
    orders = demo.orders.to_pandas()
    paid = orders[
        ~orders["order_status"].isin(["unpaid", "closed_unpaid", "presale_deposit"])
        & (orders["paid_amount"].astype(float) > 0)
        & ~orders["is_gift_or_brush"].fillna(value=False).astype(bool)
    ]
    day = paid["paid_at"].fillna(paid["created_at"]).dt.date
    recent = paid[(day > last - timedelta(days=56)) & (day <= last)]
    net = recent["paid_amount"].astype(float) - recent["refund_amount"].fillna(0).astype(float)
    assert found["store"].orders == pytest.approx(len(recent) / 8)
    assert found["store"].margin == pytest.approx(net.sum() * 0.5 / 8)
    assert found["channel:直播"].orders == (recent["source_channel"] == "直播").sum() / 8
    old = set(paid.loc[day <= last - timedelta(days=56), "customer_id"].dropna())
    assert found["segment:x"].orders == recent["customer_id"].isin(old).sum() / 8
    assert "product:none" not in found


def test_tests_follow_each_other_by_value_per_week(plan):
    planned = plan.planned
    assert len(planned) == 2
    assert planned["per_week"].is_monotonic_decreasing
    assert planned["start"].iloc[0] == plan.basis.end + timedelta(days=1)
    gaps = [b - a for a, b in zip(planned["end"], planned["start"].iloc[1:], strict=False)]
    assert gaps == [timedelta(days=1)] * (len(planned) - 1)
    lengths = [(e - s).days + 1 for s, e in zip(planned["start"], planned["end"], strict=True)]
    assert lengths == list(planned["weeks"] * 7)


def test_only_unproven_advice_is_tested(demo):
    proven = advice(value=Value(10, 20, 30), grade="A", code="proven")
    again = advice(value=Value(-10, 20, 50), grade="A", code="holdout")
    found = roadmap(demo, results=stub(proven, again))
    assert list(found.table["test"]) == ["campaign.promotion.holdout|store"]


def test_an_unproven_estimate_is_its_own_prior():
    made = Candidate("x.y", advice(value=Value(-3_290, 0, 3_290, horizon_days=7), grade="A"))
    mean, spread = prior(made, Scope(100, 5_000, 1.0), 26, {})
    assert (mean, spread) == (0, pytest.approx(2_000 * 26, rel=1e-3))
    own = prior(made, Scope(100, 5_000, 1.0), 26, {"x.y.holdout": (0.01, 0.03)})
    assert own == pytest.approx((0.01 * 5_000 * 26, 0.03 * 5_000 * 26))


def test_more_doubt_and_more_orders_make_a_test_worth_more(demo, usual):
    key = "campaign.promotion.holdout"
    values = [
        roadmap(demo, results=usual, priors={key: (0.0, spread)}).table.set_index("test")["value"]
        for spread in (0.01, 0.02, 0.04)
    ]
    assert values[0][f"{key}|store"] < values[1][f"{key}|store"] < values[2][f"{key}|store"]
    sure = roadmap(demo, results=usual, priors={key: (0.2, 0.01)}).table.set_index("test")
    assert sure.loc[f"{key}|store", "value"] < 1


def test_too_few_orders_are_said_to_settle_nothing(demo):
    """A spread of 0.1 % of the margin is far below what the shop's orders can show."""
    key = "campaign.promotion.holdout"
    found = roadmap(demo, priors={key: (0.0, 0.001)})
    assert found.table["verdict"].tolist() == ["blunt"]
    assert {f.code for f in found.findings()} == {"none", "blunt"}
    assert found.actions() == ()
    assert found._repr_html_().count("<svg") == 2


def test_what_does_not_fit_waits(demo, usual):
    more = stub(*(advice(f"channel:{name}") for name in ("手淘搜索", "手淘推荐", "我的淘宝")))
    priors = {"campaign.promotion.holdout": (0.0, 0.2)}
    found = roadmap(demo, results=[*usual, more], priors=priors, weeks=12)
    assert found.planned["weeks"].sum() <= 12
    assert "later" in set(found.table["verdict"])


def test_the_plan_is_a_scenario_without_money(plan):
    (action,) = plan.actions()
    assert (action.emitted, action.grade, plan.evidence) == (False, "D", "D")


def test_without_costs_or_advice_it_is_locked(demo):
    orders, lines = frames(cost=None)
    locked = roadmap(eo.open({"orders": orders, "order_lines": lines}))
    assert locked.locked
    assert "line_cost" in locked.explain("en")
    assert roadmap(demo, results=[]).locked


def test_goods_sold_at_a_loss_are_called_so():
    """Costs of 120 % of each price leave -20 %: they are there, and not asked for again."""
    orders, lines = frames(cost=1.2)
    locked = roadmap(eo.open({"orders": orders, "order_lines": lines}))
    assert [(need.code, need.values) for need in locked.missing] == [
        ("margin", {"margin": pytest.approx(-0.2)})
    ]
    assert "line_cost" not in locked.explain("en")
    assert "−20.0%" in locked.explain("en")
    assert "商品成本高于售价" in locked.explain("zh")


def test_a_notebooks_out_is_taken(demo, usual, plan):
    out = {1: usual[0], 2: "text", 3: usual[1]}
    pd.testing.assert_frame_equal(roadmap(demo, results=out).table, plan.table)


def test_equal_on_every_engine(table, engine, tmp_path):  # type: ignore[no-untyped-def]
    orders, lines = frames(n=200)
    orders = orders.assign(created_at=pd.date_range("2025-01-01", periods=400, freq="4h"))
    expected = roadmap(eo.open({"orders": orders, "order_lines": lines})).table
    if engine == "duckdb":  # one database holds both tables
        con = ibis.duckdb.connect(tmp_path / "shop.duckdb")
        con.create_table("orders", orders)
        con.create_table("order_lines", lines)
        got = roadmap(eo.open(con)).table
    else:
        got = roadmap(eo.open({"orders": table(orders), "order_lines": table(lines)})).table
    pd.testing.assert_frame_equal(got, expected)


def test_words_and_chart(plan):
    widths = [p.get_width() for p in plan.plot().patches]
    assert widths == [7 * w for w in plan.planned["weeks"]]
    for lang in ("zh", "en"):
        page = plan.in_language(lang)._repr_html_()
        assert page.count("<svg") == 2
        assert "holdout" not in page  # a sentence, not a code
