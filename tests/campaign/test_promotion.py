"""campaign.promotion: a replay by hand, engines, payers, what it refuses to promise."""

from __future__ import annotations

import math

import ibis
import pandas as pd
import pytest

import ecomops as eo
from ecomops.campaign.promotion import promotion
from ecomops.maths.promotion import Rule


def frames(cost: float | None = 0.5, n: int = 20):
    """Return n orders at 400 and n at 280, one line each, the cost a share of the price."""
    amounts = [400.0] * n + [280.0] * n
    orders = pd.DataFrame(
        {
            "order_id": [f"o{i:03d}" for i in range(2 * n)],
            "created_at": pd.date_range("2025-01-01", periods=2 * n, freq="12h"),
            "paid_amount": amounts,
        }
    )
    lines = pd.DataFrame(
        {
            "order_id": orders["order_id"],
            "product_id": "p",
            "quantity": 1,
            "line_paid_amount": amounts,
            "line_cost": [None if cost is None else a * cost for a in amounts],
        }
    )
    return orders, lines


def test_a_replay_by_hand():
    """20 x 400 + 20 x 280 = 13,600; 20 x 50 off = 1,000; half is margin: 6,800 / 5,800 - 1."""
    orders, lines = frames()
    result = promotion(eo.open({"orders": orders, "order_lines": lines}))
    row = result.table.iloc[0]
    assert (row["orders"], row["order_share"], row["cost"]) == (20, 0.5, 1000)
    assert result.params["breakeven"] == pytest.approx(6800 / 5800 - 1)
    assert result.params["near"] == 0.5
    assert result.params["margin_after"] == pytest.approx(5800 / 13600)
    needed = 2 * (1.6449 + 0.8416) ** 2 / math.log(6800 / 5800) ** 2
    assert result.actions()[0].change["orders"] == math.ceil(needed)
    assert not result.actions()[0].emitted


def test_equal_on_every_engine(table, engine, tmp_path):  # type: ignore[no-untyped-def]
    orders, lines = frames()
    expected = promotion(eo.open({"orders": orders, "order_lines": lines})).table
    if engine == "duckdb":  # one database holds both tables
        con = ibis.duckdb.connect(tmp_path / "shop.duckdb")
        con.create_table("orders", orders)
        con.create_table("order_lines", lines)
        got = promotion(eo.open(con)).table
    else:
        got = promotion(eo.open({"orders": table(orders), "order_lines": table(lines)})).table
    pd.testing.assert_frame_equal(got, expected)


def test_a_platform_coupon_is_not_counted_as_the_shops_cost():
    """Coupons of platform and shop must not be added up (naive catalogue 5)."""
    orders, lines = frames()
    rules = (
        Rule("platform", "red_packet", "platform", off=2_000),
        Rule("shop", "coupon", off=0, steps=((30_000, 1_000),)),
    )
    result = promotion(eo.open({"orders": orders, "order_lines": lines}), rules=rules)
    assert result.params["shop_cost"] == 20 * 10
    assert result.params["list_value"] - result.params["paid"] == 20 * 10 + 40 * 20
    assert "others" in {f.code for f in result.findings()}


def test_a_discount_beyond_the_margin_is_a_loss_and_has_no_test():
    orders, lines = frames(cost=0.97)
    result = promotion(eo.open({"orders": orders, "order_lines": lines}))
    assert "loss" in {f.code for f in result.findings()}
    assert result.actions() == ()


def test_without_costs_there_is_a_price_but_no_margin():
    orders, lines = frames(cost=None)
    result = promotion(eo.open({"orders": orders, "order_lines": lines}))
    assert [f.code for f in result.findings()] == ["cost", "example", "near"]


def test_a_young_shop_has_its_own_days_and_no_others():
    """40 orders in 20 days are two a day, also where 90 days are asked for."""
    orders, lines = frames()
    shop = eo.open({"orders": orders, "order_lines": lines})
    own, asked = (promotion(shop, days=days) for days in (20, 90))
    assert asked.basis.start == own.basis.start == orders["created_at"].iloc[0].date()
    assert asked.params["days_needed"] == own.params["days_needed"]
    assert own.params["days_needed"] == pytest.approx(own.params["orders_needed"], abs=1)


def test_without_lines_it_is_locked():
    locked = promotion(eo.open({"orders": frames()[0]}))
    assert locked.locked
    assert "order_lines" in locked.explain("zh")


def test_words_and_chart(demo):
    result = promotion(demo)
    assert [p.get_width() for p in result.plot().patches] == list(result.table["cost"])
    for lang in ("zh", "en"):
        assert result.in_language(lang)._repr_html_().count("<svg") == 2


def test_a_rule_named_by_its_numbers_is_read_out(demo):
    made = promotion(demo)
    assert made.table["rule"].tolist() == ["300-50"]
    for lang, text in (("zh", "满 ¥300 减 ¥50"), ("en", "¥50 off ¥300")):
        page = made.in_language(lang)._repr_html_()
        assert f'<td class="t">{text}</td>' in page
        assert "300-50" not in page


def test_a_rule_that_no_basket_reaches_is_neither_judged_nor_tested():
    orders, lines = frames()
    rule = Rule("900-50", "threshold", steps=((90_000, 5_000),))
    made = promotion(eo.open({"orders": orders, "order_lines": lines}), rules=[rule])
    assert made.params["shop_cost"] == 0
    assert {f.code for f in made.findings()} & {"breakeven", "loss"} == set()
    assert made.actions() == ()  # the test would take an unknown number of orders


def test_a_test_of_more_than_a_year_is_not_proposed():
    """By hand, at 2 orders a day: 489 orders in each half take 489 days; a year has 365 in each.

    Those tell exp(2.4865 x sqrt(2 / 365)) - 1 = 20.2 % from none.
    """
    orders, lines = frames()
    slow = promotion(eo.open({"orders": orders, "order_lines": lines}))
    (action,) = slow.actions()
    assert (action.code, action.emitted) == ("too_few", False)
    assert (action.change["orders"], action.change["days"]) == (489, 489)
    assert action.change["visible"] == pytest.approx(0.202, abs=5e-4)
    for lang, text in (("en", "cannot be settled by a test"), ("zh", "测不出来")):
        assert text in slow.words(lang).say("actions", action.code, "measure", **action.change)
    orders["created_at"] = pd.date_range("2025-01-01", periods=len(orders), freq="1h")
    quick = promotion(eo.open({"orders": orders, "order_lines": lines})).actions()[0]
    assert (quick.code, quick.change["days"]) == ("holdout", 49)
