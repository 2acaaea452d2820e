"""store.decide: gates, discoveries, conflicts, budget; each rule on advice made for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

import ecomops as eo
from ecomops.base.errors import OptionError
from ecomops.product.price import Price
from ecomops.result import Action, Basis, Finding, Result, Value
from ecomops.result.words import catalogue
from ecomops.store.decide import Decide, decide
from ecomops.store.levers import LEVERS, moves
from ecomops.store.proposals import Proposal

END = date(2025, 12, 9)
UNTIL = date(2026, 3, 1)
CHANGE = {"item": "a", "price": 20.0, "best": 18.0, "elasticity": -2.0}


def money(low, mid, high, days=30):
    return Value(low=low, mid=mid, high=high, horizon_days=days)


def advice(code, *, subject="", value=None, grade="C", until=UNTIL, change=(), analysis="x.y"):
    return Proposal(analysis, Action(code, (), dict(change), grade, until, value, subject))


def verdicts(result):
    return dict(zip(result.table["action"], result.table["verdict"], strict=True))


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Stocked(Result):
    """Stands for the analyses that say what runs out."""

    code: ClassVar[str] = "product.inventory"
    columns: ClassVar = {"product_id": "text", "stockout": "percent"}

    def findings(self):
        return (Finding("x", "note", {}, 1),)


def stocked(**chances):
    rows = pd.DataFrame({"product_id": list(chances), "stockout": list(chances.values())})
    return Stocked(rows=rows, basis=Basis(n=1, unit="products", end=END))


def test_the_best_comes_first_and_the_unproven_is_held_back():
    """Median times chance by hand: 900·Φ(1.645·900/700) > 320·Φ(…); 10/20/80 has 0.95 at 5 %."""
    result = decide(
        [stocked()],
        earlier=[
            advice("small", value=money(30, 320, 900)),
            advice("large", value=money(200, 900, 1500)),
            advice("hopeful", value=money(-10, 5_000, 90_000)),
            advice("rule", grade="D", value=money(1, 2, 3)),
        ],
        level=0.1,
    )
    assert list(result.table["action"].head(2)) == ["x.y.large|", "x.y.small|"]
    assert list(result.table["rank"].head(2)) == [1, 2]
    assert verdicts(result)["x.y.hopeful|"] == verdicts(result)["x.y.rule|"] == "unproven"
    assert result.table["chance"].iloc[0] == pytest.approx(norm.cdf(1.6449 * 900 / 700), abs=1e-4)
    assert [p.action.code for p in result.chosen] == ["large", "small"]


@pytest.mark.parametrize(
    ("days", "expected"), [(90, [3, 6, 9]), (30, [9, 18, 27]), (7, [9, 18, 27])]
)
def test_money_is_what_falls_into_thirty_days(days, expected):
    """A longer horizon counts in proportion; a week's order is not stretched to a month of them."""
    result = decide([], earlier=[advice("a", value=money(9, 18, 27, days=days))])
    assert list(result.table[["low", "mid", "high"]].iloc[0]) == pytest.approx(expected)


def test_what_runs_out_is_not_pushed():
    """The naive list promotes what cannot be delivered."""
    cut = advice(
        "change", subject="product:P-1", value=money(10, 20, 30), change=CHANGE,
        analysis="product.price",
    )  # fmt: skip
    raised = advice(
        "change", subject="product:P-2", value=money(10, 20, 30),
        change=CHANGE | {"best": 25.0}, analysis="product.price",
    )  # fmt: skip
    result = decide([stocked(**{"P-1": 0.4, "P-2": 0.4})], earlier=[cut, raised])
    assert verdicts(result) == {cut.key: "stockout", raised.key: "kept"}
    assert list(result.table["suppressed_by"]) == ["", "product.inventory"]
    fine = decide([stocked(**{"P-1": 0.05, "P-2": np.nan})], earlier=[cut, raised])
    assert set(verdicts(fine).values()) == {"kept"}


def test_prices_that_followed_demand_take_no_price_advice():
    rows = pd.DataFrame({c: [np.nan] for c in Price.columns}).astype(object)
    rows["product_id"], rows["reason"] = ["P-1"], ["endogenous"]
    prices = Price(rows=rows, basis=Basis(n=1, unit="products", end=END))
    other = advice(
        "mark_down", subject="product:P-1", value=money(10, 20, 30), change=CHANGE,
        analysis="product.price",
    )  # fmt: skip
    moved = Proposal("campaign.x", other.action)
    LEVERS["campaign.x.mark_down"] = ("price", -1)
    try:
        result = decide([prices], earlier=[moved])
    finally:
        del LEVERS["campaign.x.mark_down"]
    assert verdicts(result)[moved.key] == "endogenous"


def test_of_two_that_pull_one_lever_the_better_stays():
    cut = advice(
        "cut", subject="channel:A", value=money(10, 20, 30), analysis="channel.attribution"
    )
    same = advice(
        "price", subject="channel:A", value=money(1, 2, 3), analysis="channel.attribution"
    )
    LEVERS["channel.z.raise"], LEVERS["channel.z.cut"] = ("spend", 1), ("spend", -1)
    try:
        up = advice("raise", subject="channel:A", value=money(5, 10, 15), analysis="channel.z")
        again = advice("cut", subject="channel:A", value=money(5, 9, 15), analysis="channel.z")
        elsewhere = advice(
            "raise", subject="channel:B", value=money(5, 8, 15), analysis="channel.z"
        )
        result = decide([], earlier=[up, cut, again, elsewhere, same])
    finally:
        del LEVERS["channel.z.raise"], LEVERS["channel.z.cut"]
    found = verdicts(result)
    assert [found[p.key] for p in (cut, up, again, elsewhere, same)] == [
        "kept", "contrary", "double", "kept", "double",
    ]  # fmt: skip
    by = result.table.set_index("action")["suppressed_by"]
    assert by[up.key] == by[again.key] == cut.key


def test_money_is_not_taken_twice_from_one_channel():
    """One analysis cuts A, another moves money from A to B: the same saving."""
    cut = advice("cut", subject="channel:A", value=money(9, 20, 31), analysis="channel.attribution")
    step = advice(
        "move", subject="channel:B", value=money(9, 15, 30), analysis="channel.reallocate",
        change={"source": "A", "to": "B"},
    )  # fmt: skip
    order = [
        advice("order", subject=where, value=money(9, mid, 31), analysis=f"product.{name}")
        for name, where, mid in (("stock", "stock", 12), ("inventory", "store", 11))
    ]
    found = verdicts(decide([], earlier=[cut, step, *order]))
    assert [found[p.key] for p in (cut, step)] == ["kept", "double"]
    assert [found[p.key] for p in order] == ["kept", "double"]


def stop(name, mid):
    return advice(
        "stop", subject=f"campaign:{name}", value=money(9, mid, 2 * mid),
        analysis="channel.guardrails", change={"campaign": name, "channel": "A"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("source", "to", "verdict"), [("A", "B", "double"), ("B", "A", "contrary")]
)
def test_a_campaign_is_part_of_its_channel(source, to, verdict):
    """By hand: campaigns of channel A lose money while another analysis moves A's money."""
    step = advice(
        "move", subject=f"channel:{to}", value=money(9, 15, 30), analysis="channel.reallocate",
        change={"source": source, "to": to},
    )  # fmt: skip
    found = decide([], earlier=[stop("1", 20), stop("2", 10), step])
    assert list(verdicts(found).values()) == ["kept", "kept", verdict]
    by = found.table.set_index("action")["suppressed_by"]
    assert by[step.key] == stop("1", 20).key
    first = decide([], earlier=[stop("1", 12), stop("2", 10), step])
    assert [verdicts(first)[p.key] for p in (step, stop("1", 12), stop("2", 10))] == [
        "kept", verdict, verdict,
    ]  # fmt: skip
    elsewhere = decide([], earlier=[stop("1", 20), advice("cut", subject="channel:A/B",
        value=money(9, 15, 30), analysis="channel.attribution")])  # fmt: skip
    assert set(verdicts(elsewhere).values()) == {"kept"}


def test_money_is_not_moved_to_where_better_advice_takes_it_away():
    """By hand: one analysis moves money from A to B, another from B to C."""
    first = advice(
        "move", subject="channel:A", value=money(9, 20, 30), analysis="channel.attribution",
        change={"to": "B"},
    )  # fmt: skip
    second = advice(
        "move", subject="channel:C", value=money(9, 15, 30), analysis="channel.reallocate",
        change={"source": "B", "to": "C"},
    )  # fmt: skip
    found = verdicts(decide([], earlier=[first, second]))
    assert [found[p.key] for p in (first, second)] == ["kept", "contrary"]


def test_what_guardrails_judge_by_channel_is_a_channel():
    """The subject is what the row is, and the channel is told with a campaign."""
    day = pd.date_range("2025-01-01", periods=40)
    ads = pd.DataFrame({"date": day.date, "platform": "P", "scene_name": "A", "campaign_id": "1",
                        "campaign_name": "one", "spend": 500.0, "clicks": 50, "conversions": 1,
                        "conversion_value": 100.0, "impressions": 900,
                        "attribution_model": "x", "attribution_window_days": 7})  # fmt: skip
    orders = pd.DataFrame({"order_id": ["o"], "created_at": day[:1], "paid_amount": 1.0})
    shop = eo.open({"orders": orders, "ad_reports": ads})
    subjects = {
        by: eo.channel.guardrails(shop, max_cost=50, delay=[1.0], by=by).propose()[0]
        for by in ("campaign", "channel")
    }
    assert {by: a.subject for by, a in subjects.items()} == {
        "campaign": "campaign:one", "channel": "channel:A",
    }  # fmt: skip
    assert {a.change["channel"] for a in subjects.values()} == {"A"}
    keys = {("channel:A > campaign:one", "spend"), ("channel:A", "spend")}
    assert {key for a in subjects.values() for key in moves("channel.guardrails", a)} == keys


def test_many_pieces_of_advice_need_better_evidence():
    """Benjamini and Hochberg by hand: p = 0.045 passes 0.05 alone, not beside nine failures."""
    edge = float(norm.isf(0.045)) / 1.6449
    weak = advice("weak", value=money(10 - 10 / edge, 10, 20))
    failures = [advice(f"f{i}", value=money(-9, 0, 9)) for i in range(9)]
    rules = [advice(f"r{i}", grade="D") for i in range(9)]
    alone = decide([], earlier=[weak, *rules])
    assert verdicts(alone)[weak.key] == "kept"
    assert alone.table["q"].iloc[0] == pytest.approx(0.045, abs=1e-4)
    assert verdicts(decide([], earlier=[weak, *failures]))[weak.key] == "chance"


def test_an_analysis_that_found_nothing_is_a_test_that_failed():
    """By hand: p = 0.045 beside two analyses that can earn and do not has q = 0.135."""
    edge = float(norm.isf(0.045)) / 1.6449
    weak = advice("weak", value=money(10 - 10 / edge, 10, 20))
    silent = [
        advice("test", grade="D", analysis="product.price"),
        advice("order", grade="C", analysis="product.inventory"),
    ]
    result = decide([], earlier=[weak, *silent])
    assert verdicts(result)[weak.key] == "chance"
    assert result.table.set_index("action").loc[weak.key, "q"] == pytest.approx(0.135, abs=1e-4)


def test_luck_alone_is_held_back_where_a_plain_gate_is_not():
    """Truth: 40 worthless pieces of advice a shop; a plain 5 % gate speaks in 87 % of shops."""
    random = np.random.default_rng(7)
    spoke = {"gate": 0, "decide": 0}
    for _ in range(60):
        mids = random.standard_normal(40) * 10
        made = [advice(f"a{i}", value=money(m - 16.449, m, m + 16.449)) for i, m in enumerate(mids)]
        spoke["gate"] += bool((mids > 16.449).any())
        spoke["decide"] += bool((decide([], earlier=made).table["verdict"] == "kept").any())
    assert spoke["gate"] >= 45
    assert spoke["decide"] <= 0.05 * 60 + 2 * np.sqrt(60 * 0.05 * 0.95)


def test_expired_advice_is_not_kept():
    old = advice("old", value=money(1, 2, 3), until=date(2025, 12, 8))
    today = advice("new", value=money(1, 2, 3), until=END)
    found = verdicts(decide([stocked()], earlier=[old, today]))
    assert (found[old.key], found[today.key]) == ("expired", "kept")


def test_the_budget_goes_to_the_best():
    first = advice("first", value=money(10, 30, 40), change={"money": 700.0})
    second = advice("second", value=money(10, 20, 30), change={"money": 500.0})
    third = advice("third", value=money(5, 10, 15), change={"money": 300.0})
    found = verdicts(decide([], earlier=[third, second, first], budget=1_000))
    assert [found[p.key] for p in (first, second, third)] == ["kept", "over_budget", "kept"]


def test_the_sum_is_not_the_sum_of_quantiles():
    """Truth: two independent normals of sd s have a sum of sd s√2; of one analysis, 2 s."""
    made = [advice(c, value=money(100 - 50, 100, 100 + 50), analysis=f"a.{c}") for c in "bc"]
    low, mid, high = decide([], earlier=made).params["total"]
    assert (mid, high - low) == (pytest.approx(200, abs=2), pytest.approx(100 * 2**0.5, rel=0.03))
    one = [advice(c, value=money(50, 100, 150)) for c in "bc"]
    assert decide([], earlier=one).params["total"] == pytest.approx((100, 200, 300), abs=0.5)


def test_a_notebooks_outputs_count_once_and_other_things_not_at_all():
    first, last = stocked(a=0.9), stocked(a=0.0)
    pushed = advice(
        "change", subject="product:a", value=money(10, 20, 30), change=CHANGE,
        analysis="product.price",
    )  # fmt: skip
    out = {1: "text", 2: first, 5: last, 7: None}
    result = decide(out, earlier=[pushed])
    assert verdicts(result) == {pushed.key: "kept"}
    assert len(decide({**out, 8: result}, earlier=[pushed]).table) == 1


def test_new_results_replace_what_they_said_earlier(demo):
    now = eo.channel.attribution(demo.touchpoints, margin=demo.margin)
    old = advice("move", value=money(10, 20, 30), analysis="channel.attribution", subject="old")
    assert old.key not in verdicts(decide(now, earlier=[old]))


def test_nothing_gives_a_locked_result_and_bad_options_an_error():
    assert decide([]).locked
    assert decide({}, lang="zh").explain().startswith("暂无答案")
    for option in ({"level": 2}, {"budget": -1}):
        with pytest.raises(OptionError):
            decide([stocked()], **option)


def test_no_advice_is_said_so():
    result = decide(stocked())
    assert result.locked
    assert "None of 0" not in result._repr_html_()


def test_it_speaks_both_languages_with_the_sentences_of_others(demo):
    result = decide(eo.channel.attribution(demo.touchpoints, margin=demo.margin))
    kept = result.table["action"].iloc[0]
    assert result.words("zh").label(kept).startswith("把")
    assert result.words("en").label(kept).startswith("Cut")
    assert result.words("en").label("channel.attribution") != "channel.attribution"
    assert "把" in result.in_language("zh")._repr_html_()
    assert result.actions() == ()
    assert result.evidence in {"A", "B", "C"}


def test_every_listed_lever_is_advice_that_exists():
    known = {
        f"{element}.{name}.{code}"
        for element, analyses in catalogue("en").items()
        for name, words in analyses.items()
        if isinstance(words, dict)
        for code in words.get("actions", {})
    }
    assert set(LEVERS) <= known


values = st.tuples(*[st.floats(-1e4, 1e4) for _ in range(3)]).map(sorted)


@given(st.lists(values, min_size=1, max_size=8), st.randoms())
def test_order_does_not_matter_and_each_stays_once(quantiles, random):
    made = [advice(f"a{i}", value=money(*q)) for i, q in enumerate(quantiles)]
    shuffled = random.sample(made, len(made))
    one, other = decide([], earlier=made), decide([], earlier=shuffled)
    pd.testing.assert_frame_equal(one.table, other.table)
    assert sorted(one.table["action"]) == sorted(p.key for p in made)
    kept = one.table[one.table["verdict"] == "kept"]
    assert (kept["low"] > 0).all()
    assert (kept["mid"] * kept["chance"]).is_monotonic_decreasing
    low, mid, high = one.params["total"]
    assert low <= mid <= high
    assert isinstance(one, Decide)
