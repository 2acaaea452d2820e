"""customer.targeting: planted effects, the oracle's value, refusal of sends that were chosen."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ecomops.base.errors import OptionError
from ecomops.customer.targeting import foretold, targeting

FEATURES = ["recency", "orders", "coupon"]
COST = 1.0


def people(n: int = 8000, seed: int = 1, *, chosen: bool = False, effect: float = 6.0):
    """Return a send with planted effects: `effect` for coupon lovers, -4 for the recent, else 0."""
    random = np.random.default_rng(seed)
    rows = pd.DataFrame(
        {
            "customer_id": [f"c{i:05d}" for i in range(n)],
            "recency": random.uniform(0, 200, n),
            "orders": random.poisson(3, n),
            "coupon": random.uniform(0, 1, n),
        }
    )
    odds = 1 / (1 + np.exp(-(rows["orders"] - 3))) if chosen else 0.5
    rows["treated"] = (random.random(n) < odds).astype(int)
    rows["tau"] = np.where(rows["coupon"] > 0.6, effect, np.where(rows["recency"] < 60, -4.0, 0.0))
    noise = random.normal(0, 8, n)
    rows["outcome"] = 5 * rows["orders"] + rows["tau"] * rows["treated"] + noise
    return rows


@pytest.fixture(scope="module")
def sends():
    return people()


@pytest.fixture(scope="module")
def result(sends):
    return targeting(sends, features=FEATURES, cost=COST)


def test_the_list_earns_three_quarters_of_the_oracle_where_likely_buyers_earn_less(sends, result):
    """Oracle: all whose planted effect exceeds the cost; a response model fails (naive 26)."""
    truth = sends.sort_values("customer_id")["tau"].to_numpy() - COST
    best = truth[truth > 0].sum()
    chosen = result.scores["send"].to_numpy()
    assert truth[chosen].sum() >= 0.75 * best
    buyers = sends.sort_values("customer_id")["orders"].to_numpy()
    likely = np.argsort(-buyers, kind="stable")[: chosen.sum()]
    assert truth[likely].sum() < 0.4 * best


def test_values_lie_where_the_planted_ones_do(sends, result):
    """Within the 99 % band of each estimate; 90 % coverage is held in tests/truth/test_uplift."""
    truth = sends.sort_values("customer_id")["tau"].to_numpy() - COST
    chosen = result.scores["send"].to_numpy()
    for key, planted in (("policy", truth[chosen].sum()), ("all", truth.sum())):
        low, mid, high = result.params[key]
        assert abs(planted - mid) < (high - low) / 2 * 2.576 / 1.645


def test_both_actions_carry_money_of_grade_a(result):
    send, spare = result.actions()
    assert send.emitted
    assert spare.emitted
    assert send.grade == "A"
    assert send.value.mid == pytest.approx(result.params["policy"][1])
    assert "asleep" in {f.code for f in result.findings()}


def test_a_send_to_chosen_people_is_refused():
    """Uplift on non-random sends (naive catalogue 27)."""
    refused = targeting(people(chosen=True), features=FEATURES)
    assert refused.locked
    assert "random" in refused.explain("en")
    assert "随机" in refused.explain("zh")


def test_random_sends_are_not_taken_for_chosen_ones():
    """The score is standard normal for random sends: 200 draws of 1,000 people, 6 features."""
    scores = []
    for seed in range(200):
        random = np.random.default_rng(seed)
        x = np.c_[random.normal(size=(1000, 5)), random.geometric(0.4, 1000)]
        scores.append(foretold(x, (random.random(1000) < 0.5).astype(float)))
    assert abs(np.mean(scores)) < 0.2
    assert 0.85 < np.std(scores) < 1.15
    assert max(scores) < 3.5


def test_choosing_the_middle_is_seen_too():
    """A sender who picks the middle ages leaves no linear trace."""
    random = np.random.default_rng(1)
    age = random.normal(size=3000)
    treated = (random.random(3000) < np.where(abs(age) < 0.7, 0.6, 0.4)).astype(float)
    assert foretold(age[:, None], treated) > 3.5
    assert foretold(np.ones((3000, 2)), treated) == 0


def test_features_are_needed(sends):
    with pytest.raises(OptionError, match="features"):
        targeting(sends)


def test_no_effect_gives_no_action():
    quiet = people(4000, seed=5, effect=0.0).assign(
        outcome=lambda r: r["outcome"] - r["tau"] * r["treated"]
    )
    found = targeting(quiet, features=FEATURES, cost=0.5)
    assert not found.actions()[0].emitted


def test_the_curve_ends_where_everybody_is_sent_to(result):
    rows = result.table
    assert rows["value"].iloc[0] == 0
    assert rows["value"].iloc[-1] == pytest.approx(result.params["all"][1])
    assert rows["random"].iloc[-1] == pytest.approx(rows["value"].iloc[-1])
    np.testing.assert_allclose(result.plot().lines[1].get_ydata(), rows["value"])


def test_order_of_rows_does_not_matter(sends, result):
    again = targeting(sends.sample(frac=1, random_state=3), features=FEATURES, cost=COST)
    pd.testing.assert_frame_equal(again.table, result.table)


def test_few_people_are_refused():
    assert targeting(people(300), features=FEATURES).locked


def test_without_a_send_it_says_what_is_needed():
    locked = targeting(None)
    assert locked.locked
    assert "treated" in locked.explain("zh")


def test_words(result):
    for lang in ("zh", "en"):
        assert result.in_language(lang)._repr_html_().count("<svg") == 2
