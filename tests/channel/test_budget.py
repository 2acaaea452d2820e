"""channel.budget: sums to the money, by curves or by shares, tests sized by hand, words."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

import ecomops as eo
from ecomops.channel.budget import budget
from ecomops.channel.response import response
from ecomops.channel.trials import people_needed, weeks_needed
from tests.channel.planted import NONE, planted


@pytest.fixture(scope="module")
def curves():
    return response(planted(1).shop)


@pytest.fixture(scope="module")
def result(curves):
    return budget(curves)


def test_the_plan_adds_up_and_moves_by_curves(result, curves):
    rows = result.table
    assert result.params["by_curves"]
    assert rows["total"].sum() == pytest.approx(curves.table["spend"].sum() * 28)
    assert rows["total"].to_numpy() == pytest.approx(rows["plan"].to_numpy() * 28)
    assert result.params["gain_low"] > 0


def test_money_beyond_what_was_tried_stays_unspent(curves):
    rich = budget(curves, total=10_000 * 28)
    spent = rich.table["total"].sum()
    assert rich.params["spare"] == pytest.approx(10_000 * 28 - spent)
    assert (rich.table["plan"] <= curves.table["highest"] + 1e-6).all()
    assert "spare" in {f.code for f in rich.findings()}


def test_without_curves_shares_stay_and_tests_are_planned(demo):
    plan = budget(demo, total=20_000)
    rows = plan.table
    assert rows["total"].sum() == pytest.approx(20_000)
    assert (rows["total"] / 20_000).to_numpy() == pytest.approx(
        (rows["now"] / rows["now"].sum()).to_numpy()
    )
    assert not plan.params["by_curves"]
    tests = plan.actions()
    assert tests
    assert all(not a.emitted and a.subject.startswith("channel:") for a in tests)


def test_no_effect_moves_nothing():
    """Truth: spend that moves and does nothing; shares stay."""
    plan = budget(planted(4, NONE).shop)
    assert not plan.params["by_curves"]
    shares = plan.table["plan"] / plan.table["now"]
    assert shares.to_numpy() == pytest.approx(1)


def test_weeks_by_simulation():
    """Power by drawing 4,000 tests: a weekly lift of 100 under noise 120 is seen in 80 %."""
    weeks = int(weeks_needed(120, 100))
    random = np.random.default_rng(1)
    arm = random.normal(0, 120, (4000, 2, weeks // 2)).mean(axis=2)
    z = (100 + arm[:, 0] - arm[:, 1]) / (120 * np.sqrt(4 / weeks))
    assert (z > norm.ppf(0.95)).mean() == pytest.approx(0.80, abs=0.025)


def test_people_by_simulation():
    """Power by drawing 4,000 holdouts of a fifth: 3 % of orders with the ad, 2 % without."""
    people = int(people_needed(0.03, 0.01))
    random = np.random.default_rng(1)
    shown, held = round(people * 0.8), round(people * 0.2)
    a = random.binomial(shown, 0.03, 4000) / shown
    b = random.binomial(held, 0.02, 4000) / held
    z = (a - b) / np.sqrt(0.03 * 0.97 / shown + 0.02 * 0.98 / held)
    assert (z > norm.ppf(0.95)).mean() == pytest.approx(0.80, abs=0.025)


def test_what_cannot_be_tested_has_no_size():
    assert people_needed(0.0, 0.01) == np.inf
    assert weeks_needed(100, 0) == np.inf


def test_it_is_locked_without_reports(demo):
    assert budget(eo.open({"orders": demo.orders})).locked


def test_words_and_chart(result, demo):
    drawn = [line.get_xdata()[0] for line in result.plot().lines if line.get_marker() == "o"]
    np.testing.assert_allclose(drawn[1::2], result.table["plan"])
    for lang in ("zh", "en"):
        assert result.in_language(lang)._repr_html_().count("<svg") == 2
        assert budget(demo).in_language(lang)._repr_html_().count("<svg") == 2
