"""channel.guardrails: engines, delay, windows, limits, what is locked, what is said."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ecomops as eo
from ecomops.channel.guardrails import Guardrails, guardrails
from ecomops.data.tables import table as door
from ecomops.maths.counts import pooled_rates

DAYS = pd.date_range("2025-05-01", periods=40)


def reports(rates=(0.04, 0.02, 0.002), spend: float = 100.0, window: int = 15) -> pd.DataFrame:
    """Return 40 days of campaigns that bring `rates` orders per yuan, 200 yuan each."""
    random = np.random.default_rng(5)
    rows = [
        {
            "date": day.date(),
            "platform": "alimama",
            "campaign_id": f"c{i}",
            "campaign_name": f"camp{i}",
            "scene_name": "search" if i else "feed",
            "clicks": 80,
            "impressions": 3000,
            "spend": spend,
            "attribution_model": "last_click",
            "attribution_window_days": window,
            "conversions": int(n),
            "conversion_value": 200.0 * n,
        }
        for i, rate in enumerate(rates)
        for day, n in zip(DAYS, random.poisson(rate * spend, len(DAYS)), strict=True)
    ]
    return pd.DataFrame(rows)


def orders(n: int = 30) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "order_id": [f"o{i}" for i in range(n)],
            "created_at": pd.date_range("2025-05-01", periods=n),
            "paid_amount": 200.0,
        }
    )


def lines(cost: float = 0.6) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "order_id": orders()["order_id"],
            "product_id": "p",
            "quantity": 1,
            "line_paid_amount": 200.0,
            "line_cost": 200.0 * cost,
        }
    )


def shop(ads: object, **more: object):
    return eo.open({"orders": orders(), "ad_reports": ads, **more})


@pytest.fixture(scope="module")
def result() -> Guardrails:
    return guardrails(shop(reports(), order_lines=lines()), delay=[1.0])


def test_equal_on_every_engine(table) -> None:  # type: ignore[no-untyped-def]
    expected = guardrails(shop(reports()), max_cost=60, delay=[0.5, 0.8])
    ads = door(table(reports()), "ad_reports")
    got = guardrails(shop(ads), max_cost=60, delay=[0.5, 0.8])
    pd.testing.assert_frame_equal(got.table, expected.table)


def test_the_campaign_that_loses_money_is_stopped_for_what_it_loses(result) -> None:
    """Planted: 500 yuan per order worth 200 at 40 % margin, 100 a day: 84 of each 100 is lost."""
    rows = result.table.set_index("campaign")
    assert rows["verdict"].to_dict() == {"camp0": "keep", "camp1": "keep", "camp2": "stop"}
    assert rows["limit"].to_numpy() == pytest.approx(80, rel=0.02)
    stop = result.actions()[0]
    assert (stop.subject, stop.grade, stop.emitted) == ("campaign:camp2", "C", True)
    assert stop.value.low < 28 * 84 < stop.value.high
    recent = reports()[reports()["date"] > DAYS[11].date()]
    assert (
        rows["orders"].to_dict() == recent.groupby("campaign_name")["conversions"].sum().to_dict()
    )


def test_stopping_on_a_thin_report_is_refused() -> None:
    """Two days, 1.5 x the limit spent without an order (a rule of thumb stops here)."""
    thin = reports((0.02, 0.02), spend=60.0)
    late = reports((0.0,), spend=45.0).tail(2).assign(campaign_id="new", campaign_name="new")
    found = guardrails(shop(pd.concat([thin, late])), max_cost=60, delay=[1.0])
    row = found.table.set_index("campaign").loc["new"]
    assert (row["orders"], row["verdict"]) == (0, "watch")
    assert row["chance"] < 0.95
    assert "seeming" in {f.code for f in found.findings()}
    (wait,) = found.actions()
    assert (wait.grade, wait.value, wait.subject) == ("D", None, "campaign:new")


def test_orders_to_come_are_added_to_those_reported() -> None:
    """By hand: all reported, nothing to come; half of the last day's, half a day's spend more."""
    ads = reports((0.02, 0.0, 0.002), spend=60.0)
    whole = guardrails(shop(ads), max_cost=60, delay=[1.0])
    assert whole.table["completed"].tolist() == pytest.approx(whole.table["orders"].tolist())
    assert "coming" not in {f.code for f in whole.findings()}
    late = guardrails(shop(ads), max_cost=60, delay=[0.5]).table
    more = (late["completed"] - late["orders"]).to_numpy()
    assert more == pytest.approx((30 / late["cost"]).to_numpy())
    assert (more > 0).all()


def test_a_campaign_whose_orders_nobody_reports_is_not_stopped() -> None:
    """No orders told are not 0 orders: it was to be stopped with over 99 % certainty."""
    ads = reports().astype({"conversions": "Float64"})
    ads.loc[ads["campaign_id"] == "c0", ["conversions", "conversion_value"]] = None
    found = guardrails(shop(ads, order_lines=lines()))
    row = found.table.set_index("campaign").loc["camp0"]
    assert row["verdict"] == "watch"
    assert row["evidence"] == 0
    assert row[["orders", "completed"]].isna().all()
    said = {f.code: f.values for f in found.findings()}
    assert "camp0" not in said.get("seeming", {}).get("campaigns", [])


def test_days_without_a_report_are_no_days_without_orders(result) -> None:
    """Every other day of one campaign tells nothing: its cost per order stays near what it is."""
    ads = reports().astype({"conversions": "Float64"})
    gaps = (ads["campaign_id"] == "c0") & (np.arange(len(ads)) % 2 == 0)
    ads.loc[gaps, ["conversions", "conversion_value"]] = None
    row = (
        guardrails(shop(ads, order_lines=lines()), delay=[1.0])
        .table.set_index("campaign")
        .loc["camp0"]
    )
    whole = result.table.set_index("campaign").loc["camp0"]
    assert row["cost"] == pytest.approx(whole["cost"], rel=0.2)
    assert row["verdict"] == whole["verdict"]


def test_orders_without_a_value_do_not_lower_that_of_the_others(result) -> None:
    """An order is worth 200 wherever it is told; half of the days of one campaign do not."""
    ads = reports()
    gaps = (ads["campaign_id"] == "c0") & (np.arange(len(ads)) % 2 == 0)
    ads["conversion_value"] = ads["conversion_value"].mask(gaps)
    row = (
        guardrails(shop(ads, order_lines=lines()), delay=[1.0])
        .table.set_index("campaign")
        .loc["camp0"]
    )
    assert row["roas"] == pytest.approx(
        result.table.set_index("campaign").loc["camp0", "roas"], rel=0.05
    )


def test_windows_of_one_report_are_not_added_up_and_give_the_delay() -> None:
    """Planted: 60 % of orders within a day, all within seven."""
    whole = reports((0.5,), window=7).assign(conversions=50)
    first = whole.assign(attribution_window_days=1, conversions=30)
    found = guardrails(shop(pd.concat([whole, first])), max_cost=60)
    assert found.params["source"] == "windows"
    row = found.table.iloc[0]
    assert (row["spend"], row["orders"]) == (2800, 28 * 50)
    missing = 0.4 * np.arange(6, 0, -1).sum() / 6 / 28  # six days from 60 % to all, in a line
    assert found.params["coming"] == pytest.approx(missing, rel=0.2)


def test_touchpoints_give_the_delay(demo) -> None:
    """Some orders of the last days are still to come; not many."""
    found = guardrails(demo)
    assert found.params["source"] == "touchpoints"
    assert 0 < found.params["coming"] < 0.2


def test_without_a_known_delay_recent_days_are_not_judged() -> None:
    found = guardrails(shop(reports()), max_cost=60)
    assert found.params["source"] == "unknown"
    assert "immature" in {f.code for f in found.findings()}
    assert found.table["evidence"].max() == pytest.approx(13 * 100 / 60)


def test_without_a_limit_there_is_no_verdict() -> None:
    found = guardrails(shop(reports()), delay=[1.0])
    assert set(found.table["verdict"]) == {"watch"}
    assert found.findings()[0].code == "no_limit"
    assert found.actions() == ()


def test_campaigns_that_are_all_within_the_limit_are_said_to_be_all(result) -> None:
    """By hand: of three, two are kept; without the one that is stopped all are."""
    rows = result.rows[result.rows["verdict"] == "keep"]
    fine = replace(result, rows=rows, basis=replace(result.basis, n=2)).findings()[0]
    assert (fine.code, fine.values["kept"]) == ("all_fine", 2)
    waits = result.rows.assign(verdict=result.rows["verdict"].replace("stop", "watch"))
    some = replace(result, rows=waits).findings()[0]
    assert (some.code, some.values) == ("fine", {"all": 3, "kept": 2})


def test_by_channel_adds_campaigns(result) -> None:
    found = guardrails(shop(reports(), order_lines=lines()), delay=[1.0], by="channel")
    rows = found.table.set_index("campaign")
    assert rows["spend"].to_dict() == {"feed": 2800, "search": 5600}
    assert rows["orders"].sum() == result.table["orders"].sum()


def test_a_channel_of_several_campaigns_is_no_less_certain_than_its_orders() -> None:
    """By hand: orders are Poisson, so the logarithm of their cost errs by 1 / sqrt(orders)."""
    many = reports(rates=(0.05, 0.05, 0.05, 0.05, 0.05))
    found = guardrails(shop(many), max_cost=60, delay=[1.0], by="channel").table
    row = found.set_index("campaign").loc["search"]
    half = np.log(row["cost_high"] / row["cost_low"]) / 2
    assert half == pytest.approx(1.645 / np.sqrt(row["orders"]), rel=0.15)


def test_nothing_after_as_of_is_known() -> None:
    until = date(2025, 5, 30)
    early = guardrails(shop(reports()), max_cost=60, as_of=until)
    cut = guardrails(shop(reports().query("date <= @until")), max_cost=60)
    pd.testing.assert_frame_equal(early.table, cut.table)


@pytest.mark.parametrize("missing", ["table", "rows"])
def test_what_is_missing_is_said(missing) -> None:
    if missing == "table":
        locked = guardrails(eo.open({"orders": orders()}))
    else:
        locked = guardrails(shop(reports().assign(conversions=None)))
    assert locked.locked
    assert "ad_reports" in locked.explain("zh")


def test_wrong_options_are_named() -> None:
    for wrong in ({"days": 3}, {"by": "keyword"}, {"max_cost": -1}, {"min_roas": 0}):
        with pytest.raises(eo.OptionError):
            guardrails(shop(reports()), **wrong)


@settings(max_examples=25)
@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=6),
    st.floats(0.01, 100),
    st.integers(0, 5),
)
def test_neither_order_nor_currency_matters(counts, scale, shift) -> None:
    n = np.array(counts, dtype=float)
    exposure = np.linspace(200, 900, n.size)
    found = pooled_rates(n, exposure)
    turned = pooled_rates(np.roll(n, shift), np.roll(exposure, shift) * scale)
    np.testing.assert_allclose(turned.mean() * scale, np.roll(found.mean(), shift), rtol=1e-6)
    assert np.all(np.diff([found.quantile(q) for q in (0.05, 0.5, 0.95)], axis=0) > 0)
    raw = (n.sum() + 0.5) / exposure.sum()
    assert np.all((found.mean() > raw / 40) & (found.mean() < raw * 40))


def test_words_and_chart(result) -> None:
    dots = [line.get_xdata()[0] for line in result.plot().lines if line.get_marker() == "o"]
    shown = result.table["cost"].to_numpy()
    np.testing.assert_allclose(sorted(dots), sorted(c for c in shown if c in dots))
    for lang in ("zh", "en"):
        assert result.in_language(lang)._repr_html_().count("<svg") == 2
    assert "camp2" in result.explain("zh")


def test_orders_reported_on_days_without_spending_count() -> None:
    """Reports book an order on its own day: a pause of a third of all days costs none of them."""
    ads = reports()
    ads["spend"] = ads["spend"].mask(
        (ads["campaign_id"] == "c0") & (np.arange(len(ads)) % 3 == 0), 0
    )
    found = guardrails(shop(ads, order_lines=lines()), delay=[1.0])
    row = found.table.set_index("campaign").loc["camp0"]
    told = ads[(ads["campaign_id"] == "c0") & (ads["date"] > DAYS[-29].date())]
    assert row["orders"] == told["conversions"].sum()
    assert row["spend"] == pytest.approx(told["spend"].sum())
    assert row["cost"] == pytest.approx(row["spend"] / row["orders"], rel=0.1)
    assert row["roas"] == pytest.approx(200 / row["cost"], rel=0.05)
