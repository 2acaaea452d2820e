"""Attribution against published and independently computed numbers, each to 1e-6.

Small inputs are written out here with their source; the six-channel data set and its numbers are
the project's own oracle (exact code of its own; ChannelAttribution 2.2.5 at 3e7 simulations,
do-attribution 0.0.2 and MAM 2.1.1 agree), read from the shared folder.
"""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from ecomops.channel import attribution
from ecomops.maths import shapley

TINY = {
    # c1 > c2 > c3: the textbook example; MAM 2.1.1 and do-attribution agree
    "classic3": [("c1 > c2 > c3", 1, 0), ("c1", 0, 1), ("c2 > c3", 0, 1)],
    # serhiipuzyrov.com 2019-07, Markov chain attribution explained by hand
    "puzyrov": [
        ("google ads", 2, 0), ("mailing", 1, 0), ("google ads > mailing", 1, 0),
        ("google ads", 0, 1),
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def expected(shared):
    return json.loads((shared / "oracles" / "mta" / "expected.json").read_text())


@pytest.fixture(scope="module")
def six(shared):
    return paths_of(shared, "synthetic6")


def paths_of(shared, name):
    rows = pd.read_csv(shared / "oracles" / "mta" / f"{name}.csv")
    return rows.rename(columns={"conv": "conversions", "null": "nulls"})


def column(result, model, measure="conversions"):
    rows = result.table.query("model == @model").set_index("channel")
    return rows[measure].to_dict()


def effects(result, model="markov", measure="effect"):
    rows = result.effects.query("model == @model").set_index("channel")
    return rows[measure].to_dict()


def test_classic_example_by_hand():
    """P = 1/3; removal 1/2, 1, 1; credit 0.2, 0.4, 0.4; without nulls a third each."""
    rows = pd.DataFrame(TINY["classic3"], columns=["path", "conversions", "nulls"])
    result = attribution(rows, models=["markov"])
    assert effects(result) == pytest.approx({"c1": 0.5, "c2": 1, "c3": 1})
    assert column(result, "markov") == pytest.approx({"c1": 0.2, "c2": 0.4, "c3": 0.4})
    without = attribution(rows, models=["markov"], nulls="exclude")
    assert column(without, "markov") == pytest.approx(dict.fromkeys(["c1", "c2", "c3"], 1 / 3))


@pytest.mark.parametrize(
    ("strategy", "credit"), [("fail", [1 / 3, 1 / 3, 1 / 3]), ("detour", [1, 0, 0])]
)
def test_other_removals_of_the_classic_example(strategy, credit):
    """do-attribution 0.0.2: "fail" a third each, "detour" all on c1."""
    rows = pd.DataFrame(TINY["classic3"], columns=["path", "conversions", "nulls"])
    result = attribution(rows, models=["markov"], removal=strategy)
    got = column(result, "markov")
    assert [got[c] for c in ("c1", "c2", "c3")] == pytest.approx(credit)


def test_puzyrov_by_hand():
    """P = 0.8, removal 0.75 and 0.5, credit 2.4 and 1.6 of 4 (the article's numbers)."""
    rows = pd.DataFrame(TINY["puzyrov"], columns=["path", "conversions", "nulls"])
    result = attribution(rows, models=["markov"])
    assert effects(result) == pytest.approx({"google ads": 0.75, "mailing": 0.5})
    assert column(result, "markov") == pytest.approx({"google ads": 2.4, "mailing": 1.6})


@pytest.mark.parametrize("case", ["classic3", "puzyrov", "readme10"])
def test_tiny_oracles(case, expected, shared):
    result = attribution(paths_of(shared, case), models=["markov"])
    truth = expected[case]
    assert effects(result) == pytest.approx(truth["removal"], abs=1e-6)
    if "conversions" in truth:
        assert column(result, "markov") == pytest.approx(truth["conversions"], abs=1e-6)
    else:
        assert column(result, "markov", "share") == pytest.approx(truth["share"], abs=1e-6)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_markov_of_every_order(order, expected, six):
    truth = expected[f"synthetic6_order{order}"]
    result = attribution(six, models=["markov"], order=order)
    assert effects(result) == pytest.approx(truth["removal"], abs=1e-6)
    assert effects(result, measure="value_effect") == pytest.approx(
        truth["removal_value"], abs=1e-6
    )
    assert column(result, "markov") == pytest.approx(truth["conversions"], abs=1e-6)
    assert column(result, "markov", "value") == pytest.approx(truth["value"], abs=1e-6)


def test_heuristics(expected, six):
    truth = expected["synthetic6_heuristics"]
    result = attribution(six, direct=["ch00"])
    names = {
        "first": "first",
        "last": "last",
        "linear": "linear_touch",
        "position": "position_40_20_40",
        "last_non_direct": "last_non_ch00",
    }
    for model, name in names.items():
        assert column(result, model) == pytest.approx(truth[name], abs=1e-6)
    unique = attribution(six, models=["linear"], repeat="unique")
    assert column(unique, "linear") == pytest.approx(truth["linear_unique"], abs=1e-6)


@pytest.mark.parametrize(
    ("game", "name"),
    [
        ("subset_sum", "subset_sum"),
        ("set_conversions", "exact_set_conversions"),
        ("set_rate", "exact_set_convrate"),
    ],
)
def test_shapley_games(game, name, expected, six):
    result = attribution(six, models=["shapley"], game=game)
    assert effects(result, "shapley") == pytest.approx(
        expected[f"synthetic6_shapley_{name}"], abs=1e-6
    )
    assert sum(column(result, "shapley").values()) == pytest.approx(271)


def test_subset_sums_are_equal_shares(six):
    """Zhao, Mahboobi and Bagheri (2018): the converters' game is linear by unique channel."""
    game = attribution(six, models=["shapley"], game="subset_sum")
    equal = attribution(six, models=["linear"], repeat="unique")
    for measure in ("conversions", "value"):
        assert column(game, "shapley", measure) == pytest.approx(
            column(equal, "linear", measure), abs=1e-6
        )


def test_published_games(expected):
    """Towards Data Science's three-channel worth vector and the glove game."""
    worth = expected["shapley_tds"]["worth"]
    players = "FOL"
    names = ["".join(p for i, p in enumerate(players) if c >> i & 1) for c in range(8)]
    known = {"".join(sorted(name)): value for name, value in worth.items()}
    values = shapley.exact([known.get("".join(sorted(name)), 0) for name in names])
    truth = expected["shapley_tds"]["shapley"]
    np.testing.assert_allclose(values, [truth[p] for p in players], atol=1e-9)
    glove = shapley.exact([0, 0, 0, 0, 0, 1, 1, 1])
    truth = expected["shapley_glove"]["shapley"]
    np.testing.assert_allclose(glove, [truth["L1"], truth["L2"], truth["R1"]], atol=1e-9)


def test_repeated_touches():
    """A > B > A > C and A > C, one order each: mta 0.0.9 and MAM 2.1.1 give these."""
    rows = pd.DataFrame({"path": ["A > B > A > C", "A > C"], "conversions": [1, 1]})
    touch = attribution(rows, models=["linear", "position"])
    assert column(touch, "linear") == pytest.approx({"A": 1.0, "B": 0.25, "C": 0.75})
    assert column(touch, "position") == pytest.approx({"A": 1.0, "B": 0.1, "C": 0.9})
    unique = attribution(rows, models=["linear"], repeat="unique")
    assert column(unique, "linear") == pytest.approx({"A": 5 / 6, "B": 1 / 3, "C": 5 / 6})


def test_time_decay_is_continuous():
    """Touches 200, 168 and 0 hours before the order, half-life a week: .2261 .2580 .5160."""
    order = pd.Timestamp("2025-06-18 12:00")
    hours = {"A": 200, "B": 168, "C": 0}
    events = pd.DataFrame(
        {
            "event_time": [*(order - pd.Timedelta(hours=h) for h in hours.values()), order],
            "event_name": ["click"] * 3 + ["purchase"],
            "visitor_id": "v",
            "channel": [*hours, None],
        }
    )
    result = attribution(events, models=["time_decay"])
    assert column(result, "time_decay") == pytest.approx(
        {"A": 0.2261, "B": 0.2580, "C": 0.5160}, abs=1e-4
    )
