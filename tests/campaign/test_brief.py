"""campaign.brief: every line has a source, sums by hand, and nothing is invented."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import ibis
import numpy as np
import pandas as pd
import pytest

import ecomops as eo
from ecomops.base.errors import OptionError
from ecomops.campaign.brief import brief
from ecomops.maths.promotion import Rule
from ecomops.result.words import Words
from tests.campaign.test_promotion import frames

SECTIONS = ["goal", "audience", "offer", "channels", "materials", "budget", "risks", "test"]


@pytest.fixture(scope="module")
def forecast(demo):
    return eo.store.forecast(demo, horizon_days=60)


@pytest.fixture(scope="module")
def full(demo, forecast):
    given = [forecast, eo.customer.rfm(demo.orders)]
    return brief(demo, results=given, target=200_000, budget=20_000)


def test_every_part_is_there_and_every_line_has_a_source(full):
    rows = full.table
    assert list(dict.fromkeys(rows["section"])) == SECTIONS
    assert rows["source"].notna().all()
    assert not rows["item"].duplicated().any()


def test_units_are_words_not_forms_of_words(full):
    assert {"days", "天"} <= {full.words(lang).label("days") for lang in ("zh", "en")}


def test_a_unit_names_what_the_value_is(full):
    units = full.table.set_index("item")["unit"]
    assert units[full.table.set_index("item")["value"] == "unknown"].eq("none").all()
    named = {units["rules"], units["left"]}
    assert [{full.words(lang).label(u) for u in named} for lang in ("zh", "en")] == [
        {"文字", "–"},
        {"text", "–"},
    ]


def test_what_nobody_said_is_unknown_not_invented(demo, full):
    bare = brief(demo)
    for item in ("target", "given", "best_segment"):
        row = bare.table.set_index("item").loc[item]
        assert (row["value"], row["source"]) == ("unknown", "unknown")
    found = {f.code: f for f in bare.findings()}
    assert {"target", "given", "best_segment"} <= set(found["unknown"].values["items"])
    assert full.said("target") == 200_000
    assert "unknown" not in {f.code for f in full.findings()}
    assert "未知" in bare.in_language("zh")._repr_html_()


def test_only_what_can_be_filled_in_is_asked_for():
    """Without costs no test can be sized: nobody can fill in the orders of each half."""
    orders, lines = frames(cost=None)
    made = brief(eo.open({"orders": orders, "order_lines": lines}), festival="june_618")
    said = {f.code: set(f.values["items"]) for f in made.findings() if "items" in f.values}
    assert {"target", "given"} <= said["unknown"]
    assert {"orders_each", "days_needed", "breakeven"} <= said["untold"]
    assert not said["unknown"] & said["untold"]
    assert "每组订单" not in made.explain("zh").partition("请补上：")[2].partition("。")[0]


def test_postage_is_no_product_to_feature():
    orders, lines = frames()
    half = len(lines) // 2
    lines["product_id"] = ["POST"] * half + ["p"] * half
    lines["product_name"] = lines["product_id"].map({"POST": "DOTCOM POSTAGE", "p": "Lamp"})
    status = pd.DataFrame({"product_id": ["POST", "p"], "status": ["not_a_product", "product"]})
    status["product_name"] = ["DOTCOM POSTAGE", "Lamp"]
    tables = {"orders": orders, "order_lines": lines}
    assert brief(eo.open(tables)).said("heroes") == "DOTCOM POSTAGE; Lamp"
    assert brief(eo.open(tables | {"products": status})).said("heroes") == "Lamp"


def test_a_rule_named_by_its_numbers_is_read_out(demo, full):
    assert full.said("rules") == "300-50"
    assert "<td>满 ¥300 减 ¥50</td>" in full.in_language("zh")._repr_html_()
    made = brief(demo, rules=(Rule("300-50", "percent", rate=1), Rule("vip 2-3", "percent")))
    page = made.in_language("en")._repr_html_()
    assert "¥50 off ¥300; vip 2-3" in page
    assert ">nan<" not in page


def test_expected_sales_are_the_forecasts_draws(full, forecast):
    """Second way: sum the drawn days by hand."""
    rows = full.table.set_index("item")
    first = (full.said("main_from") - forecast.basis.end).days - 1
    days = (full.said("main_to") - full.said("main_from")).days + 1
    sums = forecast.draws[:, first : first + days].sum(axis=1)
    line = rows.loc["expected"]
    assert [line["low"], line["value"], line["high"]] == pytest.approx(
        list(np.quantile(sums, [0.05, 0.5, 0.95]))
    )
    assert line["source"] == "store.forecast"


def test_without_a_forecast_the_past_is_used_without_an_interval(demo):
    made = brief(demo)
    rows = made.table.set_index("item")
    peak = rows.loc["peak", "value"]
    assert made.said("expected") == pytest.approx(made.said("ordinary") * (1 + peak))
    assert np.isnan(rows.loc["expected", "low"])
    assert "raised" in {f.code for f in made.findings()}


def test_what_is_left_for_advertising_by_hand(demo, full):
    """The net effect of run-up, main day and aftermath on their ordinary sales, less the offer."""
    made = brief(demo, festival="double_12")
    rows = made.table.set_index("item")
    ahead = eo.campaign.calendar(demo).table
    days = ahead[ahead["festival"] == "double_12"].iloc[0]
    ordinary = made.said("ordinary") * ((days["after_to"] - days["presale_from"]).days + 1)
    for end, column in (("value", "net"), ("low", "low"), ("high", "high")):
        wanted = rows.loc["net", end] * ordinary * demo.margin - made.said("discount")
        assert rows.loc["left", end] == pytest.approx(wanted), column
    share = full.said("cost_share")
    assert full.said("discount") == pytest.approx(share * full.said("expected"))
    assert "left" in {f.code for f in made.findings()}


def test_a_festival_without_a_net_effect_pays_for_no_advertising(full):
    """Its main days sell more, but what they gain may be missing on the days around them."""
    net = full.table.set_index("item").loc["net"]
    assert net["low"] < 0 < net["high"]
    assert full.said("expected") > full.said("ordinary")
    assert full.said("left") is None
    codes = {f.code for f in full.findings()}
    assert "gain_unclear" in codes
    assert not codes & {"left", "nothing_left", "no_gain"}
    assert "有没有多出来的毛利可以花在推广上，还不知道" in full.explain("zh")
    fallen = full.rows.assign(high=full.rows["high"].where(full.rows["item"] != "net", -0.01))
    assert "no_gain" in {f.code for f in replace(full, rows=fallen).findings()}


def test_a_discount_that_eats_the_extra_margin_is_said(demo):
    deep = (Rule("half", "percent", rate=5_000),)
    made = brief(demo, festival="double_12", rules=deep)
    codes = {f.code for f in made.findings()}
    assert "nothing_left" in codes
    assert "left" not in codes


def test_dates_follow_the_calendar(demo):
    ahead = eo.campaign.calendar(demo, horizon_days=400).table.set_index("festival")
    made = brief(demo, festival="june_618")
    row = ahead.loc["june_618"]
    assert made.said("main_from") == row["main_from"]
    assert made.said("pictures") == row["presale_from"] - dt.timedelta(days=14)
    assert made.said("read_on") == row["after_to"] + dt.timedelta(days=1)


def test_the_next_one_that_can_still_be_prepared_is_taken(demo):
    made = brief(demo)
    assert made.params["festival"] != "double_12"  # its presale has begun
    assert made.params["first_due"] > made.basis.end


def test_an_unknown_festival_is_refused_with_the_known_ones(demo):
    with pytest.raises(OptionError, match="june_618"):
        brief(demo, festival="june_619")


def test_the_action_is_a_test_without_money(full):
    (action,) = full.actions()
    assert (action.emitted, action.grade) == (False, "D")
    assert action.subject == f"campaign:{full.params['festival']}"
    assert action.change["orders"] == full.said("orders_each")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_list_of_all_advice_calls_the_festival_by_its_name(full, lang):
    (line,) = eo.store.decide([full]).table["action"]
    told = eo.store.decide([full]).words(lang).label(line)
    assert full.params["festival"] not in told
    assert Words("campaign.calendar", lang).label(full.params["festival"]) in told


def test_orders_alone_make_a_brief_that_says_what_is_missing():
    orders, _ = frames()
    made = brief(eo.open({"orders": orders}))
    assert not made.locked
    unknown = set(made.table.loc[made.table["value"] == "unknown", "item"])
    assert {"heroes", "sources", "left", "cost_share"} <= unknown
    assert made.actions() == ()
    assert made._repr_html_().count("<svg") == 2


def test_equal_on_every_engine(table, engine, tmp_path):  # type: ignore[no-untyped-def]
    orders, lines = frames()
    orders = orders.assign(source_channel=["a", "b"] * 20, customer_id=[f"c{i}" for i in range(40)])
    expected = brief(eo.open({"orders": orders, "order_lines": lines})).table
    if engine == "duckdb":  # one database holds both tables
        con = ibis.duckdb.connect(tmp_path / "shop.duckdb")
        con.create_table("orders", orders)
        con.create_table("order_lines", lines)
        got = brief(eo.open(con)).table
    else:
        got = brief(eo.open({"orders": table(orders), "order_lines": table(lines)})).table
    pd.testing.assert_frame_equal(got, expected)


def test_words_and_timeline(full):
    starts = [p.get_x() for p in full.plot().patches]
    assert starts == sorted(starts)
    for lang in ("zh", "en"):
        page = full.in_language(lang)._repr_html_()
        assert page.count("<svg") == 2
        assert "units" not in page


def test_a_test_that_outlasts_the_time_left_is_run_during_the_campaign(demo):
    """Days needed against days until the main days begin: weeks for the next, months for 618."""
    near, far = brief(demo), brief(demo, festival="june_618")
    (late,), (early,) = near.actions(), far.actions()
    left = (near.said("main_from") - near.basis.end).days
    assert near.said("days_needed") > left == late.change["left"]
    assert (late.code, early.code) == ("late", "test")
    assert "no time to finish" in near._repr_html_()
