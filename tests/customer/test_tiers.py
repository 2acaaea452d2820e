"""customer.tiers: costs and break-evens by hand, IFRS 15 points, what the ledger tells."""

from __future__ import annotations

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ecomops as eo
from ecomops.base.errors import OptionError
from ecomops.customer.tiers import EXAMPLE, Tier, priced, tiers
from ecomops.maths.loyalty import breakeven_benefit, breakeven_lift, split_sale
from tests.customer.conftest import orders_of

TWO = (Tier("low", 0, points=1), Tier("high", 500, discount=0.05, gift=20, postage=5))


def columns():
    """Return 10 customers with 100 and 10 with two orders of 300, in one year."""
    customers = [f"a{i}" for i in range(10)] + [f"b{i}" for i in range(10)] * 2
    amounts = [100] * 10 + [300] * 20
    return orders_of(customers, np.linspace(0, 364, 30), amounts)


def lines(share=0.5):
    o = columns().to_pandas()
    return pd.DataFrame(
        {
            "order_id": o["order_id"],
            "product_id": "p",
            "quantity": 1,
            "line_paid_amount": o["paid_amount"].astype(float),
            "line_cost": o["paid_amount"].astype(float) * share,
        }
    )


def shop(**more):
    return eo.open({"orders": columns(), "order_lines": lines(), **more})


def test_costs_and_break_even_by_hand():
    """High: 10 x 600 spent, 5 % off 300, gifts 200, 20 orders at 5 = 100: 600 of 6,000.

    Each further yuan leaves 0.5 - 0.05 - 100 / 6,000: 600 / (6,000 x 0.43333) = 0.230769.
    """
    low, high = tiers(shop(), tiers=TWO, point_value=0.01).table.to_dict("records")
    assert (low["members"], low["value"], low["cost"]) == (10, 1000, pytest.approx(10))
    costs = [high[k] for k in ("points_cost", "discount_cost", "gift_cost", "postage_cost")]
    assert costs == pytest.approx([0, 300, 200, 100])
    assert high["cost_share"] == pytest.approx(0.1)
    assert high["breakeven"] == pytest.approx(600 / (6000 * (0.5 - 400 / 6000)))


@given(st.floats(0.05, 0.9), st.floats(0.0, 0.5), st.floats(1, 1e4), st.floats(0, 500))
def test_break_even_restores_the_margin(margin, discount, value, gift):
    """A second way: put the rise back in, and margin less benefits is what it was."""
    found = pd.DataFrame({"members": [1], "orders": [1], "value": [value], "below": 0, "above": 0})
    worth = {"point_value": 0.01, "redeemed": 1.0, "margin": margin}
    row = priced(found, [Tier("t", 0, discount=discount, gift=gift)], **worth).iloc[0]
    if abs(discount - margin) < 1e-6:
        return
    if discount > margin:
        assert np.isinf(row["breakeven"])
        return
    after = value * (1 + row["breakeven"]) * (margin - discount) - gift
    assert after == pytest.approx(value * margin, rel=1e-9, abs=1e-9)


def test_it_agrees_with_the_textbook_cases():
    """A pure discount is m / (m - d) - 1; a pure gift is cost / (margin x spending)."""
    found = pd.DataFrame({"members": [1], "orders": [1], "value": [1000], "below": 0, "above": 0})
    worth = {"point_value": 0.01, "redeemed": 1.0, "margin": 0.3}
    cut = priced(found, [Tier("t", 0, discount=0.1)], **worth)["breakeven"].iloc[0]
    gift = priced(found, [Tier("t", 0, gift=60)], **worth)["breakeven"].iloc[0]
    assert cut == pytest.approx(breakeven_lift(0.3, 0.1))
    assert gift == pytest.approx(breakeven_benefit(60, 1000, 0.3))


def ledger(expired=30, used=60, late=1000):
    """Return points of ten customers: 100 earned long ago each, `used` of them, `expired` gone."""
    rows = []
    for i in range(10):
        name = f"b{i}"
        rows.append((name, dt.datetime(2023, 6, 1), 100, "earn"))
        rows.append((name, dt.datetime(2023, 12, 1), -used, "redeem"))
        rows.append((name, dt.datetime(2024, 6, 1), -expired, "expire"))
        rows.append((name, dt.datetime(2024, 12, 1), late, "earn"))
    rows = [("b0", dt.datetime(2024, 12, 30), -10, "redeem"), *rows]
    names = ("customer_id", "at", "points", "reason")
    made = pd.DataFrame(rows, columns=list(names))
    return made.assign(entry_id=[str(i) for i in range(len(made))])


def test_breakage_comes_from_points_old_enough_to_lapse():
    """1,000 earned long ago, 300 lapsed: 70 % used. Used over earned says 6 % (new points)."""
    result = tiers(shop(loyalty_ledger=ledger()), tiers=TWO)
    assert result.params["redeemed"] == pytest.approx(0.7)
    naive = 610 / 11_000
    assert naive < 0.06
    assert result.params["redeemed_low"] <= 0.7 <= result.params["redeemed_high"]
    assert result.table["points_cost"].iloc[0] == pytest.approx(1000 * 0.01 * 0.7)
    assert result.params["owed"] == pytest.approx((11_000 - 600 - 10 - 300) * 0.01 * 0.7)


def test_the_interval_of_breakage_covers():
    """90 % of 200 drawn ledgers hold the planted share, binomial error allowed for."""
    random = np.random.default_rng(4)
    held = 0
    for _ in range(200):
        size = random.integers(50, 500, 60)
        lapsed = np.floor(size * random.beta(2, 5, 60))
        x, e = lapsed.sum(), size.sum()
        rows = [(f"b{i}", dt.datetime(2023, 1, 1), int(s), "earn") for i, s in enumerate(size)]
        rows += [
            (f"b{i}", dt.datetime(2024, 1, 2), -int(s), "expire") for i, s in enumerate(lapsed)
        ]
        rows += [("b0", dt.datetime(2023, 2, 1), -1, "redeem")]
        found = points_of(rows)
        assert found["redeemed"] == pytest.approx(1 - x / e)
        held += found["redeemed_low"] <= 1 - 2 / 7 <= found["redeemed_high"]
    assert 0.84 <= held / 200 <= 0.96


def points_of(rows):
    from ecomops.customer.points import usage
    from ecomops.data.shop import Shop
    from ecomops.data.tables import table

    made = pd.DataFrame(rows, columns=["customer_id", "at", "points", "reason"])
    made = table(made.assign(entry_id=[str(i) for i in range(len(made))]), "loyalty_ledger")
    small = Shop(
        name="s", tables={"loyalty_ledger": made}, currency="CNY", timezone="UTC", source="frames"
    )
    return usage(small, dt.date(2024, 12, 31), 365, None)


def test_points_are_not_owed_at_face_value():
    """Naive catalogue 43: 10 points per yuan at 0.01 are 10 % at face, 6.5 % by IFRS 15 at 70 %."""
    generous = (Tier("all", 0, points=10),)
    p = tiers(shop(loyalty_ledger=ledger()), tiers=generous).params
    assert p["face"] == pytest.approx(0.1 * 7000)
    assert p["deferred"] == pytest.approx(split_sale(7000, 70_000, 0.01, 0.7).points)
    assert p["deferred"] < 0.66 * p["face"]


def test_without_a_ledger_the_dearest_case_is_taken_and_said():
    result = tiers(shop(), tiers=TWO)
    assert result.params["redeemed"] == 1
    assert "assumed" in {f.code for f in result.findings()}
    assert "example" not in {f.code for f in result.findings()}
    assert "example" in {f.code for f in tiers(shop()).findings()}
    given_share = tiers(shop(), tiers=TWO, redeemed=0.4)
    assert given_share.table["points_cost"].iloc[0] == pytest.approx(4)


def test_a_ledger_without_a_use_is_not_read_as_all_lapsed():
    none = ledger(used=0).query("reason != 'redeem'")
    assert tiers(shop(loyalty_ledger=none), tiers=TWO).params["redeemed"] == 1


def test_benefits_beyond_the_margin_lose_and_have_no_test():
    result = tiers(shop(), tiers=(Tier("all", 0, discount=0.6),))
    assert "loss" in {f.code for f in result.findings()}
    assert result.actions() == ()


def test_no_money_is_promised_and_the_size_of_the_test_is_lehrs():
    result = tiers(shop(), tiers=TWO)
    (action,) = result.actions()
    assert (action.emitted, action.grade, action.subject) == (False, "D", "segment:tier high")
    spent = np.array([100.0] * 10 + [600.0] * 10)
    cv2 = spent.var() / spent.mean() ** 2
    lift = result.table["breakeven"].iloc[1]
    assert action.change["people"] == np.ceil(16 * cv2 / lift**2)
    assert action.code == "too_few"


def test_people_near_the_threshold_are_counted_not_explained():
    near = orders_of(["a", "b", "c", "d"], [1, 2, 3, 4], [455, 499, 520, 900])
    rows = tiers(eo.open({"orders": near}), tiers=TWO).table
    assert rows["below"].tolist() == [0, 2]
    assert rows["bunching"].iloc[1] == 0.5


def test_who_stands_on_the_threshold_is_not_below_it():
    """In floating point 0.9 * 99 + 0.1 * 99 is more than 99."""
    near = orders_of(["a", "b"], [1, 2], [95, 99])
    rows = tiers(eo.open({"orders": near}), tiers=(Tier("low", 0), Tier("high", 99))).table
    assert (rows["members"].tolist(), rows["below"].tolist()) == ([1, 1], [0, 1])
    assert rows["bunching"].iloc[1] == 1


def test_the_window_ends_on_the_day_asked_for_not_on_the_last_sale():
    """Day 400 less 365: the order of day 30 is too old, even if nothing was sold after day 300."""
    old = eo.open({"orders": orders_of(["a", "b"], [30, 300], [600, 600])})
    whole, later = tiers(old, tiers=TWO), tiers(old, tiers=TWO, as_of="2025-02-04")
    assert (whole.basis.n, later.basis.n) == (2, 1)
    assert str(later.basis.end) == "2025-02-04"
    assert later.table["gift_cost"].sum() == pytest.approx(20)  # a whole year for one member


def test_without_costs_there_is_no_break_even():
    result = tiers(eo.open({"orders": columns()}), tiers=TWO)
    assert result.table["breakeven"].isna().all()
    assert "no_margin" in {f.code for f in result.findings()}


def test_tiers_must_rise_from_zero():
    with pytest.raises(OptionError, match="start at 0"):
        tiers(shop(), tiers=(Tier("a", 100),))


def test_shops_without_known_customers_are_locked():
    guests = orders_of([None, None], [1, 2], [5, 6])
    assert tiers(eo.open({"orders": guests})).locked


def test_equal_on_every_engine(table, engine, tmp_path):  # type: ignore[no-untyped-def]
    expected = tiers(shop(loyalty_ledger=ledger()), tiers=TWO)
    made = {"orders": columns(), "order_lines": lines(), "loyalty_ledger": ledger()}
    if engine == "duckdb":  # one database holds all tables
        con = ibis.duckdb.connect(tmp_path / "shop.duckdb")
        for name, rows in made.items():
            con.create_table(name, rows)
        got = tiers(eo.open(con), tiers=TWO)
    else:
        got = tiers(eo.open({n: table(t) for n, t in made.items()}), tiers=TWO)
    pd.testing.assert_frame_equal(got.table, expected.table)
    assert got.params["redeemed"] == expected.params["redeemed"]


def test_words_and_chart(demo):
    result = tiers(demo)
    assert len(result.table) == len(EXAMPLE)
    widths = [p.get_width() for p in result.plot().patches]
    assert sum(widths) == pytest.approx(result.table["cost"].sum())
    for lang in ("zh", "en"):
        assert result.in_language(lang)._repr_html_().count("<svg") == 2
