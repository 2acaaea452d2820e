"""customer.activation: hazards by hand, products that open, reminders that only look good."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import ibis
import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

import ecomops as eo
from ecomops.customer import silence
from ecomops.customer.activation import activation, weekly
from ecomops.customer.openers import judged
from ecomops.metrics.customers import customers
from tests.customer.conftest import START, orders_of


def buyers(n=3000, seed=1, rate=60.0, days=400):
    """Return orders of n customers: first over `days`, second after an exponential wait."""
    random = np.random.default_rng(seed)
    first = random.uniform(0, days - 1, n)
    wait = random.exponential(rate, n)
    comes = (random.random(n) < 0.5) & (first + wait < days)
    customers = [f"c{i}" for i in range(n)] + [f"c{i}" for i in np.flatnonzero(comes)]
    at = np.concatenate([first, (first + wait)[comes]])
    return orders_of(customers, at, [100] * len(at)), first, wait, comes


def test_the_weekly_chance_is_events_over_weeks_waited():
    """By hand: 100 wait, 10 return on day 3, 5 stop being watched on day 10, 85 on day 13."""
    counted = pd.DataFrame(
        {"day": [3, 10, 13], "events": [10, 0, 0], "censored": [0, 5, 85], "old_enough": [100] * 3}
    )
    every = counted.set_index("day").reindex(range(14), fill_value=0).reset_index()
    rows = weekly(every)
    days = 3 * 100 + 95 + 3 * 90  # half a day each for those who left on day 3
    assert rows["hazard"].iloc[0] == pytest.approx(10 / (days / 7))
    assert rows["waiting"].tolist() == [100, 90]
    low, high = chi2.ppf(0.05, 20) / 2, chi2.ppf(0.95, 22) / 2  # Garwood (1936)
    assert rows["low"].iloc[0] == pytest.approx(low / (days / 7))
    assert rows["high"].iloc[0] == pytest.approx(high / (days / 7))
    assert (rows["hazard"].iloc[1], rows["low"].iloc[1]) == (0, 0)


def test_the_chance_is_the_planted_one():
    """Half never return, the others at rate 1 / 60 a day: known hazard, within 90 % mostly."""
    orders, *_ = buyers(n=20_000, seed=2)
    rows = activation(eo.open({"orders": orders})).table.iloc[:12]
    day = (rows["week"] - 0.5) * 7
    alive = 0.5 * np.exp(-day / 60)
    truth = 7 / 60 * alive / (0.5 + alive)
    inside = (rows["low"] <= truth) & (truth <= rows["high"])
    assert inside.mean() >= 0.75
    np.testing.assert_allclose(rows["hazard"], truth, rtol=0.15)


def test_a_return_nobody_could_see_is_not_told_and_sizes_no_test():
    """Day 35 is the last: who waits since day 10 has 25 days, the horizon is 60."""
    back = [i for i in range(120) if i % 3 == 0 and i % 36 < 20]
    names = [f"c{i}" for i in range(120)] + [f"c{i}" for i in back]
    days = [i % 36 for i in range(120)] + [i % 36 + 8 + i % 7 for i in back]
    made = activation(
        eo.open({"orders": orders_of(names, days, [10] * len(days))}), horizon_days=60
    )
    assert made.params["now"] > 0
    assert np.isnan(made.params["natural"])
    assert [f.code for f in made.findings()] == ["when", "untested"]
    assert made.actions() == ()


def test_nobody_in_the_window_is_not_said_to_return():
    """All 40 bought on day 0; half came back by day 20; the others are past the window."""
    names = [f"c{i}" for i in range(40)] + [f"c{i}" for i in range(20)]
    days = [0] * 40 + list(range(1, 21))
    orders = orders_of([*names, "end"], [*days, 100], [10] * 61)
    made = activation(eo.open({"orders": orders}))
    assert made.params["now"] == 0
    codes = [f.code for f in made.findings()]
    assert "when_empty" in codes
    assert {"when", "anyway"} & set(codes) == set()
    assert made.actions() == ()
    assert "0 customers" not in made.explain("en")


def test_the_list_is_who_stands_in_the_window():
    """Second implementation with pandas."""
    orders, first, _, comes = buyers()
    result = activation(eo.open({"orders": orders}))
    p = result.params
    end = pd.Timestamp(result.basis.end)
    last = pd.to_datetime([START + dt.timedelta(days=float(d)) for d in first]).normalize()
    age = (end - last).days
    alone = ~comes
    assert p["now"] == (alone & (age >= p["start"]) & (age <= p["stop"])).sum()
    new = alone & (age >= p["start"]) & (age < p["start"] + 28)
    assert p["a_day"] == pytest.approx(new.sum() / 28)


def lines_of(orders, product):
    frame = orders.to_pandas()
    return pd.DataFrame(
        {
            "order_id": frame["order_id"],
            "product_id": product,
            "product_name": product,
            "quantity": 1,
            "line_paid_amount": 100.0,
            "line_cost": 40.0,
        }
    )


def opened(lift, n=12_000, seed=3):
    """Return a shop with 12 first products; `lift` multiplies the return after one of them."""
    random = np.random.default_rng(seed)
    first = random.uniform(0, 360, n)
    product = random.integers(0, 12, n)
    chance = np.where(product == 0, 0.10 * lift, 0.10)
    comes = random.random(n) < chance
    customers = [f"c{i}" for i in range(n)] + [f"c{i}" for i in np.flatnonzero(comes)]
    at = np.concatenate([first, first[comes] + random.uniform(1, 29, comes.sum())])
    orders = orders_of(customers, at, [100] * len(at))
    named = [f"p{k}" for k in product] + ["again"] * int(comes.sum())
    return eo.open({"orders": orders, "order_lines": lines_of(orders, named)})


def test_the_planted_product_is_named_and_no_other():
    result = activation(opened(2.0))
    sure = result.products[result.products["q"] <= 0.05]
    assert sure["opener"].tolist() == ["p0"]
    best = sure.iloc[0]
    assert 1.5 < best["ratio"] < 2.1  # planted 2 against an average of 1.083
    assert "product" in {f.code for f in result.findings()}


def test_a_channel_is_named_only_where_it_is_above_average_at_the_lower_bound():
    """Eight channels of the demo: 61 returns for 41 expected are no luck (q), and no certainty."""
    returned = [61.0, 202, 38, 51, 112, 72, 157, 124]
    expected = [41.183809, 197.628868, 34.702074, 49.786108, 113.973442, 78.503185, 166.46541]
    rows = {"opener": list("abcdefgh"), "customers": 500, "returned": returned}
    found = judged(pd.DataFrame(rows | {"expected": [*expected, 134.757104]}))
    assert found["q"].iloc[0] < 0.05
    assert found["low"].iloc[0] < 1 < found["ratio"].iloc[0]
    result = activation(opened(2.0))
    seen = {f.code for f in replace(result, channels=found).findings()}
    assert not {"channel", "channels"} & seen
    above = replace(result, channels=found.assign(low=[1.03, 1.02, *[0.9] * 6], q=0.01))
    (said,) = (f for f in above.findings() if f.code.startswith("channel"))
    assert (said.code, said.values["count"], said.values["low"]) == ("channels", 2, 1.03)


def test_chance_names_nothing_where_the_luckiest_looks_good():
    """Naive catalogue 22: the best raw rate of 200 equal products is far above the average."""
    random = np.random.default_rng(5)
    customers = random.integers(5, 60, 200).astype(float)
    returned = random.binomial(customers.astype(int), 0.2).astype(float)
    found = pd.DataFrame({"opener": [f"p{i:03d}" for i in range(200)], "customers": customers})
    rows = judged(found.assign(returned=returned, expected=customers * 0.2))
    assert (returned / customers).max() > 0.35
    assert rows["ratio"].max() < 1.15
    assert (rows["q"] > 0.05).all()


def sends_of(first, comes, lift, seed=7, wave_day=330, n=None):
    """Return a random send to everybody, and the customers whom it brought."""
    random = np.random.default_rng(seed)
    n = len(first)
    held = random.random(n) < 0.5
    brought = ~held & ~comes & (first < wave_day) & (random.random(n) < lift)
    log = pd.DataFrame(
        {
            "message_id": "M1",
            "customer_id": [f"c{i}" for i in range(n)],
            "sent_at": pd.Timestamp(START) + pd.Timedelta(days=wave_day, hours=10),
            "is_holdout": held,
            "cost": 0.05,
        }
    )
    return log, brought


def reminded(lift, n=30_000):
    orders, first, _, comes = buyers(n=n, seed=11)
    log, brought = sends_of(first, comes, lift)
    extra = orders_of(
        [f"c{i}" for i in np.flatnonzero(brought)],
        np.full(brought.sum(), 335.0),
        [100] * brought.sum(),
    ).to_pandas()
    extra["order_id"] = [f"x{i}" for i in range(len(extra))]
    whole = pd.concat([orders.to_pandas(), extra], ignore_index=True)
    lines = pd.DataFrame(
        {
            "order_id": whole["order_id"],
            "product_id": "p",
            "quantity": 1,
            "line_paid_amount": 100.0,
            "line_cost": 40.0,
        }
    )
    return eo.open({"orders": whole, "order_lines": lines}), log


def test_a_reminder_that_works_is_priced_at_what_it_adds():
    shop, log = reminded(0.08)
    result = activation(shop, sends=log)
    p = result.params
    assert p["low"] < 0.08 < p["high"]
    low, mid, high = p["worth"]
    assert low < 0.08 * 60 - 0.05 < high
    (action,) = result.actions()
    assert action.emitted
    assert action.value.mid == pytest.approx(p["now"] * mid)
    assert "reminded" in {f.code for f in result.findings()}


def test_natural_returns_are_not_the_reminders():
    """Nothing planted: 10 % of the contacted come back all the same, and no money is promised."""
    shop, log = reminded(0.0)
    result = activation(shop, sends=log)
    assert result.params["contacted"] > 0.05
    assert result.params["low"] < 0 < result.params["high"]
    (action,) = result.actions()
    assert not action.emitted
    told = [action.change[k] for k in ("each_low", "each", "each_high")]
    assert told == list(result.params["worth"])
    shown = result.words("en").say("actions", "remind", "measure", **action.change)
    low, high = (result.words("en").format_field(told[at], "+money") for at in (0, 2))
    assert f"[{low}, {high}]" in shown


def test_without_sends_it_says_measure_first_with_the_size():
    orders, *_ = buyers()
    result = activation(eo.open({"orders": orders}))
    (action,) = result.actions()
    assert (action.emitted, action.grade) == (False, "D")
    p = result.params["natural"]
    assert action.change["people"] == np.ceil(16 * (1 - p) / (p * 0.01))  # Lehr, a lift of a tenth
    assert result.evidence == "descriptive"


def test_nobody_has_returned_yet():
    result = activation(eo.open({"orders": orders_of(["a", "b"], [1, 2], [5, 6])}))
    assert [f.code for f in result.findings()] == ["nobody"]
    assert result.actions() == ()
    assert result._repr_html_().count("<svg") == 2


def test_guests_only_are_locked():
    assert activation(eo.open({"orders": orders_of([None], [1], [5])})).locked


def test_equal_on_every_engine(table, engine, tmp_path, mixed):  # type: ignore[no-untyped-def]
    lines = lines_of(mixed, [f"p{i % 4}" for i in range(mixed.num_rows)])
    expected = activation(eo.open({"orders": mixed, "order_lines": lines}))
    if engine == "duckdb":  # one database holds both tables
        con = ibis.duckdb.connect(tmp_path / "shop.duckdb")
        con.create_table("orders", mixed)
        con.create_table("order_lines", lines)
        got = activation(eo.open(con))
    else:
        got = activation(eo.open({"orders": table(mixed), "order_lines": table(lines)}))
    pd.testing.assert_frame_equal(got.table, expected.table)
    pd.testing.assert_frame_equal(got.products, expected.products, check_dtype=False)
    pd.testing.assert_frame_equal(got.channels, expected.channels, check_dtype=False)


def test_words_and_chart(demo):
    result = activation(demo)
    line = result.plot().lines[0]
    np.testing.assert_allclose(line.get_ydata(), result.table["hazard"])
    for lang in ("zh", "en"):
        assert result.in_language(lang)._repr_html_().count("<svg") == 2


def test_the_natural_return_is_that_of_the_people_who_stand_in_the_window(demo):
    """Each day of silence counts by how many stand there, not one day as much as another."""
    p = activation(demo).params
    facts = customers(demo.orders)
    table = facts.table.to_pandas()
    silent = (pd.Timestamp(facts.as_of) - pd.to_datetime(table["last_day"])).dt.days
    silent = silent[(table["orders"] == 1) & silent.between(p["start"], p["stop"])].astype(int)
    chance = silence.returns(silence.waits(facts), int(p["horizon_days"]))["once"]
    assert p["now"] == len(silent)
    assert p["natural"] == pytest.approx(chance[silent.to_numpy()].mean(), rel=1e-12)
    assert p["natural"] != pytest.approx(chance[40:102].mean(), rel=1e-4)
