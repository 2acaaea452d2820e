"""customer.targeting: planted effects, the oracle's value, refusal of sends that were chosen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import ecomops as eo
from ecomops.base.errors import OptionError
from ecomops.customer import contacts
from ecomops.customer.targeting import _curve, foretold, targeting
from ecomops.maths import uplift
from tests.customer.conftest import START, money, orders_of

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


def test_list_and_rest_are_worth_what_all_are():
    """A shop with several sends: the parts add up, and the curve says the same at its end."""
    result = targeting(eo.open(sent(1500, shares=(0.2, 0.7))))
    p, rows = result.params, result.table
    assert p["contacts"] > result.basis.n
    assert p["policy"][1] - p["spared"][1] == pytest.approx(p["all"][1])
    assert rows["value"].iloc[-1] == pytest.approx(p["all"][1])
    assert rows["people"].iloc[-1] == result.basis.n


def test_where_all_earn_for_certain_and_the_list_does_not_all_are_proposed(result):
    earn, unsure, lose = (10.0, 20.0, 30.0), (-5.0, 5.0, 15.0), (-30.0, -20.0, -10.0)
    for params, codes in (
        ({"policy": unsure, "all": earn, "spared": lose}, ["everyone"]),
        ({"policy": unsure, "all": unsure, "spared": lose}, ["send"]),
        ({"policy": earn, "all": earn, "spared": lose}, ["send"]),
        ({"policy": earn, "all": earn, "spared": unsure}, ["send", "spare"]),
    ):
        made = replace(result, params=result.params | params)
        assert [a.code for a in made.propose()] == codes
    assert "{" not in made.explain("zh")


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


def test_people_who_tie_share_their_place_on_the_curve():
    """By hand: 100 people of two scores, the better ones worth 3 each, in any order of rows."""
    score = np.repeat([1.0, 2.0], 50)
    found = uplift.Effects(np.arange(100) % 2 * 2 + score, score, score)
    value = _curve(found, 0.0, np.ones(100, bool))["value"]
    assert value.tolist() == pytest.approx([*range(0, 151, 15), *range(160, 251, 10)])
    turned = uplift.Effects(found.pseudo[::-1], score[::-1], score[::-1])
    assert _curve(turned, 0.0, np.ones(100, bool))["value"].tolist() == pytest.approx(
        value.tolist()
    )


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


WAVES = (100, 160)  # days of the two sends


def sent(n: int = 2500, *, effect: float = 0.1, chosen=False, shares=(0.3, 0.3), seed=3):
    """Return the tables of a shop with two sends to everybody known.

    Each customer ordered for 100 once, a day to 90 days before the first send; 5 % order again
    within a month of a send, of those silent for more than 45 days then `effect` more with one.
    """
    random = np.random.default_rng(seed)
    first = WAVES[0] - random.uniform(1, 90, n)
    who, at, logs = [np.arange(n)], [first], []
    last = first
    for wave, share in zip(WAVES, shares, strict=True):
        silent = wave - last > 45
        held = random.random(n) < (np.where(silent, 0.8, 0.2) if chosen else share)
        comes = random.random(n) < 0.05 + effect * silent * ~held
        again = wave + 1 + random.uniform(0, 25, n)
        last = np.where(comes, again, last)
        who, at = [*who, np.flatnonzero(comes)], [*at, again[comes]]
        logs.append(log_of(n, wave, held, 1 - share))
    end = np.array([WAVES[1] + 40.0])
    buyers = [f"c{i:04d}" for i in np.concatenate(who)]
    orders = orders_of([*buyers, "end"], np.concatenate([*at, end]), [100] * (len(buyers) + 1))
    lines = pa.table({
        "order_id": orders["order_id"],
        "product_id": pa.array(["p"] * len(orders)),
        "quantity": pa.array([1] * len(orders)),
        "line_paid_amount": orders["paid_amount"],
        "line_cost": money([40] * len(orders)),
    })  # fmt: skip
    return {"orders": orders, "order_lines": lines, "message_sends": pa.concat_tables(logs)}


def log_of(n, wave, held, chance):
    moment = START + pd.Timedelta(days=wave, hours=10)
    return pa.table({
        "message_id": pa.array([f"M{wave}"] * n),
        "customer_id": pa.array([f"c{i:04d}" for i in range(n)]),
        "sent_at": pa.array([moment] * n, pa.timestamp("us")),
        "is_holdout": pa.array(held),
        "propensity": pa.array([chance] * n),
        "cost": money(np.where(held, "0", "0.05")),
    })  # fmt: skip


def test_a_shop_brings_its_own_sends():
    """Truth: 10 points x 60 margin = 6 for the silent, 0 for the rest, 0.05 for a message."""
    result = targeting(eo.open(sent()), lang="en")
    p, scores = result.params, result.scores
    assert result.basis.n == len(scores) == scores["customer_id"].nunique() == 2500
    assert p["contacts"] == 5000
    assert p["cost"] == pytest.approx(0.05)
    assert result.basis.end == (START + pd.Timedelta(days=WAVES[1])).date()
    low, mid, high = p["all"]
    rows = contacts.of_shop(eo.open(sent()), 30, 10**6)
    truth = 2500 * (6 * (rows.x[:, contacts.FEATURES.index("silent")] > 45).mean() - 0.05)
    assert low < truth < high
    assert low < mid < high
    assert p["policy"][0] > 0
    assert result.actions()[0].emitted
    assert "5,000" in result.explain("en")
    assert {"pooled", "skill"} <= {f.code for f in result.findings()}
    chosen = scores.loc[scores["send"], "customer_id"]
    late = rows.x[rows.last, contacts.FEATURES.index("silent")] > 45
    ids = rows.customer_id[rows.last]
    assert ids[late].isin(chosen).mean() > 0.9


def test_a_shop_is_the_same_on_every_engine(table):
    """Truth: the same tables as Arrow."""
    frames = sent(1500)
    shop = eo.open({name: table(rows) for name, rows in frames.items()})
    plain = contacts.of_shop(eo.open(frames), 30, 10**6)
    mine = contacts.of_shop(shop, 30, 10**6)
    np.testing.assert_array_equal(mine.x, plain.x)
    np.testing.assert_array_equal(mine.outcome, plain.outcome)
    np.testing.assert_array_equal(mine.chance, plain.chance)
    assert list(mine.customer_id) == list(plain.customer_id)


def test_sends_of_different_chances_teach_what_they_did():
    """Truth: no effect; the second send reached fewer and its people had been silent for longer."""
    result = targeting(eo.open(sent(effect=0.0, shares=(0.2, 0.7), seed=1)), lang="zh")
    low, _, high = result.params["all"]
    assert low < 0 < high
    codes = [f.code for f in result.findings()]
    assert codes[0] == "unsure"
    assert "区间都包含 0" in result.explain()
    assert not any(action.emitted for action in result.actions())


def test_without_recorded_chances_the_share_that_was_sent_to_stands_in():
    frames = sent()
    log = frames["message_sends"].drop_columns(["propensity"])
    rows = contacts.of_shop(eo.open(frames | {"message_sends": log}), 30, 10**6)
    assert np.unique(rows.chance).size == 2
    assert rows.chance.mean() == pytest.approx(0.7, abs=0.02)


@pytest.mark.parametrize("missing", ["message_sends", "order_lines"])
def test_a_missing_table_is_named(missing):
    frames = sent(600)
    del frames[missing]
    locked = targeting(eo.open(frames), lang="en")
    assert locked.locked
    assert missing in locked.explain()


def test_a_shop_without_costs_or_holdout_says_so():
    frames = sent(600)
    lines = frames["order_lines"].drop_columns(["line_cost"])
    assert "line_cost" in targeting(eo.open(frames | {"order_lines": lines}), lang="en").explain()
    all_sent = sent(600, shares=(0.0, 0.0))
    locked = targeting(eo.open(all_sent), lang="en")
    assert locked.locked
    assert "400" in locked.explain()


def test_a_shop_that_chose_whom_to_send_to_is_refused():
    locked = targeting(eo.open(sent(chosen=True)), lang="en")
    assert locked.locked
    assert "random" in locked.explain()


def test_the_demo_shop_answers(demo):
    """Its messages bring few orders: 90 % intervals are wide, and no list is advised."""
    result = targeting(demo, lang="en")
    assert not result.locked
    assert result.basis.n == len(result.scores)
    assert not any(action.emitted for action in result.actions())
