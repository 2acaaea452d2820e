"""customer.winback: natural returns, planted effects by segment, refusal of chosen sends."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pytest

import ecomops as eo
from ecomops.customer import sends as log_of
from ecomops.customer import silence
from ecomops.customer.winback import winback
from ecomops.metrics.customers import customers
from tests.customer.conftest import START, orders_of

WAVE, DAYS = 300, 360


def world(effects, n=40_000, seed=1, *, chosen=False):
    """Return a shop and its send on day 300 with planted `effects` by kind of customer.

    Half the customers ordered once, half three times, the last time 0 to 290 days before the
    send; 6 % of the several and 3 % of the once come back by themselves within a month, active
    (silent for less than 60 days) ones three times as often. A quarter stays away for good.
    """
    random = np.random.default_rng(seed)
    several = random.random(n) < 0.5
    silent = random.uniform(0, 290, n)
    kind = np.where(several, "several", "once")
    fresh = silent < 60
    natural = np.where(several, 0.06, 0.03) * np.where(fresh, 3, 1)
    held = random.random(n) < (np.where(fresh, 0.2, 0.8) if chosen else 0.5)
    added = np.array([effects.get((k, f), 0.0) for k, f in zip(kind, fresh, strict=True)])
    comes = random.random(n) < natural + np.where(held, 0, added)
    who = np.arange(n)
    last = WAVE - silent
    old = np.concatenate([who[several], who[several], who])
    at = np.concatenate([last[several] - 40, last[several] - 20, last])
    again = WAVE + 0.5 + random.uniform(0, 25, comes.sum())
    ids = [f"c{i}" for i in np.concatenate([old, who[comes]])]
    orders = orders_of(ids, np.concatenate([at, again]) + 60, [100] * len(ids))
    lines = pd.DataFrame(
        {
            "order_id": orders["order_id"].to_pylist(),
            "product_id": "p",
            "quantity": 1,
            "line_paid_amount": 100.0,
            "line_cost": 40.0,
        }
    )
    send = pd.DataFrame(
        {
            "message_id": "M1",
            "customer_id": [f"c{i}" for i in who],
            "sent_at": pd.Timestamp(START) + pd.Timedelta(days=WAVE + 60, hours=6),
            "is_holdout": held,
            "cost": np.where(held, 0.0, 0.5),
        }
    )
    end = orders_of(["end"], [WAVE + 60 + 40], [100])
    whole = pd.concat([orders.to_pandas(), end.to_pandas().assign(order_id="end")])
    return eo.open({"orders": whole, "order_lines": lines}), send


@pytest.fixture(scope="module")
def planted():
    """Silent customers gain 5 points; active several lose 4 points."""
    effects = {("once", False): 0.05, ("several", False): 0.05, ("several", True): -0.04}
    return world(effects)


@pytest.fixture(scope="module")
def result(planted):
    shop, send = planted
    return winback(shop, sends=send)


def test_the_whole_effect_is_the_planted_one(planted, result):
    p = result.params
    sent = planted[1]
    assert p["low"] < p["uplift"] < p["high"]
    truth = 0.5 * (230 / 290) * 0.05 * 2 - 0.5 * (60 / 290) * 0.04
    assert p["low"] < truth < p["high"]
    assert p["sent"] == (~sent["is_holdout"]).sum()
    assert p["cost"] == pytest.approx(0.5)


def test_contacts_are_worth_what_they_add(result):
    """Truth: 5 points x 60 margin - 0.5 = 2.5 for the silent; -4 points: -2.9."""
    rows = result.table.dropna(subset=["value"]).set_index("segment")
    silent = rows[rows["verdict"] == "contact"]
    assert len(silent) >= 2
    assert all(name.endswith(("silent", "lost", "due")) for name in silent.index)
    inside = (silent["low"] <= 2.5) & (silent["high"] >= 2.5)
    assert inside.mean() >= 0.5
    assert np.average(silent["value"], weights=silent["customers"]) == pytest.approx(2.5, abs=0.6)
    assert set(rows.index[rows["verdict"] == "spare"]) == {"several_fresh"}


def test_the_naive_way_picks_those_who_come_anyway(result):
    """Contacting the alive: the highest return after a message is where messages do harm."""
    rows = result.table.dropna(subset=["contacted"])
    naive = rows.sort_values("contacted").iloc[-1]
    assert naive["segment"] == "several_fresh"
    assert naive["high"] < 0
    truth = result.params["contacted"] - result.params["held"]
    assert result.params["contacted"] > 2 * truth  # most of those who "returned" came anyway


def test_actions_are_of_grade_a_by_segment(result):
    actions = {a.subject: a for a in result.actions()}
    spare = actions["segment:several_fresh"]
    assert (spare.code, spare.grade, spare.emitted) == ("spare", "A", True)
    row = result.table.set_index("segment").loc["several_fresh"]
    assert spare.value.low == pytest.approx(-row["high"] * row["free"])
    contact = [a for a in actions.values() if a.code == "contact"]
    assert contact
    assert all(a.emitted for a in contact)


def test_kinds_that_differ_by_chance_alone_are_said_to_share_one_estimate(demo, result):
    """The demo's kinds are pooled wholly: one number in every row; the planted ones are not."""
    pooled = winback(demo)
    assert len(set(pooled.table["value"])) == 1
    assert pooled.findings()[-1].code == "pooled"
    assert len(set(result.table["value"])) > 1
    assert "pooled" not in {f.code for f in result.findings()}


def test_a_send_to_the_active_is_refused():
    """Naive catalogue 27: whoever sends to the recent finds a large effect where there is none."""
    shop, send = world({}, n=8000, chosen=True)
    naive = log_of.outcomes(customers(shop.orders), send, 30)
    sums = naive.group_by("treated").aggregate(back=naive.back.mean()).to_pandas()
    by = sums.set_index("treated")["back"]
    assert by[1] > 1.2 * by[0]
    refused = winback(shop, sends=send)
    assert refused.locked
    assert "random" in refused.explain("en")
    assert "随机" in refused.explain("zh")


def test_small_sends_are_refused():
    shop, send = world({}, n=700)
    assert winback(shop, sends=send).locked


def test_natural_return_is_kaplan_meier():
    """Waits of 10, 20, 30 days and three still waiting at 40: S(20) = 4/6, S(40) = 3/6."""
    counted = pd.DataFrame(
        {"kind": "once", "days": [10, 20, 30, 40], "events": [1, 1, 1, 0], "censored": [0, 0, 0, 3]}
    )
    chance = silence.returns(counted, 20)["once"]
    assert chance[0] == pytest.approx(2 / 6)
    assert chance[20] == pytest.approx(1 - (3 / 6) / (4 / 6))
    assert len(chance) == 21


def test_who_was_not_watched_long_enough_is_unknown_not_lost():
    """Day 200 is the last: of 100 first orders of day 0, ten were followed on day 150.

    By Kaplan-Meier 10 of 100 return between day 110 and 200. No second wait is longer than 75 days,
    so nobody knows who of those return within 90.
    """
    names = [f"a{i}" for i in range(100)] + [f"b{i}" for i in range(100)]
    days = [0] * 100 + [120] * 100 + [150] * 10 + [125] * 70 + [140] * 30
    orders = orders_of([*names, *names[:10], *names[100:], "end"], [*days, 200], [10] * 311)
    result = winback(eo.open({"orders": orders}), horizon_days=90)
    lost = result.table.set_index("segment")["customers"]
    assert (result.params["breaks"], lost["once_lost"], lost["several_lost"]) == (
        (5, 20, 40),
        90,
        110,
    )
    assert result.params["natural"] == pytest.approx(0.1)


def test_nobody_is_called_silent_who_is_not():
    """Everyone bought within 60 days: neither a finding nor a test speaks of the silent."""
    names = [f"c{i}" for i in range(50)] * 2
    orders = orders_of(names, [*range(50), *range(180, 230)], [10] * 100)
    result = winback(eo.open({"orders": orders}))
    assert not result.table["segment"].str.contains("silent|lost").any()
    assert result.params["silent"] == 0
    assert {f.code for f in result.findings()} == {"untested"}
    assert result.actions() == ()


def test_natural_return_is_what_the_held_out_did(result):
    """Second way: the holdout of the send; planted 3 and 6 % a month for the silent."""
    rows = result.table.set_index("segment")
    assert rows.loc["once_lost", "held"] == pytest.approx(0.03, abs=0.008)
    assert rows.loc["several_lost", "held"] == pytest.approx(0.06, abs=0.012)


def test_those_sent_to_lately_are_left_alone(planted):
    shop, send = planted
    capped = winback(shop, sends=send, cap_days=60).table
    free = winback(shop, sends=send, cap_days=7).table
    assert (free["free"] == free["customers"]).all()
    held = send.loc[send["is_holdout"], "customer_id"].nunique()
    assert capped["free"].sum() == held + 1  # and the customer who marks the end


def test_without_sends_it_says_measure_first(planted):
    shop, _ = planted
    result = winback(shop)
    assert {f.code for f in result.findings()} == {"natural", "untested"}
    (action,) = result.actions()
    p = result.params["natural"]
    assert action.change["per_group"] == np.ceil(16 * p * (1 - p) / (0.2 * p) ** 2)
    waves = result.params["waves"]
    assert (action.code, action.emitted) == ("test" if waves <= 12 else "too_few", False)
    assert result.evidence == "descriptive"


def test_a_test_of_more_than_a_year_of_sends_is_not_asked_for():
    """Hardly anybody returns: 0.2 % of 3,000, so one fifth more takes far more than there are."""
    customers = [f"c{i}" for i in range(3000)] + [f"c{i}" for i in range(6)]
    days = [i % 300 for i in range(3000)] + [590 + i for i in range(6)]
    (action,) = winback(eo.open({"orders": orders_of(customers, days, [10] * 3006)})).actions()
    assert (action.code, action.emitted) == ("too_few", False)
    assert action.change["waves"] > 12


def test_segments_hold_every_customer_once(mixed):
    shop = eo.open({"orders": mixed})
    result = winback(shop)
    facts = customers(shop.orders)
    known = int(facts.table.filter(facts.table.orders > 0).count().to_pandas())
    assert result.table["customers"].sum() == known == result.basis.n


def test_guests_only_are_locked():
    assert winback(eo.open({"orders": orders_of([None], [1], [5])})).locked


def test_equal_on_every_engine(table, engine, tmp_path):  # type: ignore[no-untyped-def]
    shop, send = world({("once", False): 0.05}, n=2500)
    orders, lines = (shop.tables[n].to_pandas() for n in ("orders", "order_lines"))
    lines = lines[["order_id", "product_id", "quantity", "line_paid_amount", "line_cost"]]
    orders = orders[["order_id", "customer_id", "created_at", "paid_at", "paid_amount"]]
    made = {"orders": orders, "order_lines": lines, "message_sends": send}
    expected = winback(eo.open(made))
    if engine == "duckdb":  # one database holds all tables
        con = ibis.duckdb.connect(tmp_path / "shop.duckdb")
        for name, rows in made.items():
            con.create_table(name, rows)
        got = winback(eo.open(con))
    else:
        got = winback(eo.open({n: table(t) for n, t in made.items()}))
    pd.testing.assert_frame_equal(got.table, expected.table, check_dtype=False)


def test_words_and_chart(demo, result):
    for found in (winback(demo), result):
        widths = [p.get_width() for p in found.plot().patches]
        np.testing.assert_allclose(widths, found.table["natural"].fillna(0))
        for lang in ("zh", "en"):
            assert found.in_language(lang)._repr_html_().count("<svg") == 2
