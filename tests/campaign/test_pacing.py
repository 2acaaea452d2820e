"""campaign.pacing: hours of sales days, the plan's own shape, bands, what is said and refused."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

import ecomops as eo
from ecomops.campaign.pacing import Pacing, pacing
from ecomops.data.tables import table as door
from ecomops.maths.pace import profile


def orders(n: int = 240, level: float = 1.0, noise: float = 0.05) -> pd.DataFrame:
    """Return two orders a day, at 10 (a third) and at 20 o'clock: 900 a day with a little noise."""
    days = pd.date_range("2025-01-06", periods=n)
    random = np.random.default_rng(3)
    size = 900 * np.exp(random.normal(0, noise, n))
    size[-5:] *= level
    at = np.concatenate([days + pd.Timedelta(hours=h, minutes=30) for h in (10, 20)])
    frame = pd.DataFrame(
        {
            "order_id": [f"o{i}" for i in range(2 * n)],
            "created_at": at,
            "paid_amount": np.r_[size / 3, size * 2 / 3].round(2),
        }
    )
    return frame.sort_values("created_at", ignore_index=True)


END = date(2025, 9, 2)  # the last of the 240 days
SPAN = {"start": date(2025, 8, 29), "end": date(2025, 9, 7), "calendar": "western"}


def half_way(level: float = 1.0, **more: object) -> Pacing:
    """Return ten days of which five are over."""
    return pacing(eo.open({"orders": orders(level=level)}), plan=9000, **SPAN, **more)


def test_on_plan_it_ends_at_the_plan() -> None:
    """Truth: 900 a day for ten days."""
    found = half_way(now=datetime(2025, 9, 3))
    p = found.params
    assert p["total"] == pytest.approx(9000, rel=0.03)
    assert p["low"] < 9000 < p["high"]
    assert p["elapsed"] == 0.5
    assert p["due"] == pytest.approx(4500, rel=0.02)


def test_a_morning_is_not_behind_because_evenings_sell_more() -> None:
    """Spread evenly, 15 o'clock should have 62 % of the day; planted is a third."""
    days = {"start": END, "end": END, "calendar": "western"}
    found = pacing(eo.open({"orders": orders()}), plan=900, now=datetime(2025, 9, 2, 15), **days)
    p = found.params
    assert p["due"] == pytest.approx(300, rel=0.02)
    assert p["so_far"] / (p["plan"] * p["elapsed"]) < 0.6
    assert p["low"] < 900 < p["high"]
    assert len(found.table) == 24


def test_a_plan_out_of_reach_is_said_with_what_is_missing() -> None:
    low = half_way(level=0.6)
    assert low.params["chance"] <= 0.2
    codes = [f.code for f in low.findings()]
    assert codes == ["chance_amount", "pace_amount", "behind_amount"]
    (close,) = low.actions()
    assert (close.code, close.subject, close.emitted) == ("close_amount", "store", False)
    high = half_way(level=1.5)
    assert high.params["chance"] >= 0.8
    assert high.actions() == ()


def test_a_campaign_that_is_over_has_no_band() -> None:
    span = {"start": date(2025, 8, 20), "end": date(2025, 8, 24), "calendar": "western"}
    found = pacing(eo.open({"orders": orders()}), plan=5000, **span)
    truth = orders()
    inside = truth["created_at"].between("2025-08-20", "2025-08-25")
    assert found.params["so_far"] == pytest.approx(truth.loc[inside, "paid_amount"].sum())
    assert [f.code for f in found.findings()] == ["over_amount"]
    assert found.table["actual"].notna().all()
    assert "结束" in found.explain("zh")


def test_orders_after_now_are_not_known() -> None:
    early = half_way(now=datetime(2025, 9, 1, 15))
    cut = orders()
    cut = cut[cut["created_at"] < "2025-09-01 15:00"]
    same = pacing(eo.open({"orders": cut}), plan=9000, now=datetime(2025, 9, 1, 15), **SPAN)
    pd.testing.assert_frame_equal(early.table, same.table)


def test_equal_on_every_engine(table) -> None:  # type: ignore[no-untyped-def]
    expected = half_way().table
    shop = eo.open({"orders": door(table(orders()), "orders")})
    pd.testing.assert_frame_equal(pacing(shop, plan=9000, **SPAN).table, expected)
    assert list(expected.columns) == list(Pacing.columns)


def test_running_totals_grow_and_meet_the_facts() -> None:
    found = half_way()
    rows = found.table
    for column in ("planned", "actual", "projected", "low", "high"):
        assert (rows[column].dropna().diff().dropna() >= 0).all()
    assert rows["planned"].iloc[-1] == pytest.approx(9000)
    assert rows["projected"].iloc[-1] == pytest.approx(found.params["total"])
    assert rows["share"].iloc[-1] == pytest.approx(1)


def test_without_days_the_campaign_under_way_is_taken_else_the_month() -> None:
    campaigns = pd.DataFrame(
        {
            "campaign_id": ["c1", "c2"],
            "campaign_name": ["秋上新", "会员日常（长期有效）"],
            "start_at": ["2025-08-30", "2025-09-01"],
            "end_at": ["2025-09-05 23:59:59", "9999-12-31"],
        }
    )
    running = pacing(eo.open({"orders": orders(), "campaigns": campaigns}))
    assert (running.params["start"], running.params["end"]) == (date(2025, 8, 30), date(2025, 9, 5))
    month = pacing(eo.open({"orders": orders()}))
    assert (month.params["start"], month.params["end"]) == (date(2025, 9, 1), date(2025, 9, 30))
    assert month.findings()[0].code == "own_amount"


def test_orders_can_be_counted() -> None:
    found = pacing(eo.open({"orders": orders()}), plan=20, metric="orders", **SPAN)
    assert found.params["so_far"] == 10
    assert found.params["total"] == pytest.approx(20, rel=0.02)


def test_short_histories_and_wrong_options() -> None:
    locked = pacing(eo.open({"orders": orders(60)}))
    assert locked.locked
    assert "123" in locked.explain("en")  # a month; one day less is refused by `pace`
    shop = eo.open({"orders": orders()})
    with pytest.raises(eo.OptionError):
        pacing(shop, metric="visitors")
    with pytest.raises(eo.OptionError):
        pacing(shop, start=date(2025, 9, 3), end=date(2025, 9, 1))


def test_a_period_beyond_the_data_waits_for_the_days_before_it() -> None:
    """By hand: 242 days lie before the start, the data reach 240 of them."""
    later = {"start": date(2025, 9, 5), "end": date(2025, 9, 9), "calendar": "western"}
    found = pacing(eo.open({"orders": orders()}), plan=900, **later)
    assert found.locked
    assert "242" in found.explain("en")
    assert "240" in found.explain("en")


def test_profiles_of_sales_days_stand_apart() -> None:
    hours = np.ones((40, 24))
    hours[[10, 20, 30], 0] = 49
    own = np.isin(np.arange(40), [10, 20, 30])
    shares = profile(hours, own)
    assert shares[0, 0] == pytest.approx(1 / 24)
    assert 0.45 < shares[10, 0] < 49 / 72
    np.testing.assert_allclose(shares.sum(axis=1), 1)


def test_words_and_chart(demo) -> None:
    now = datetime(2025, 11, 11, 10)
    for days in (date(2025, 11, 9), date(2025, 11, 1)):
        found = pacing(demo, plan=150_000, start=days, end=date(2025, 11, 11), now=now)
        np.testing.assert_allclose(found.plot().lines[0].get_ydata()[1:], found.table["planned"])
        for lang in ("zh", "en"):
            assert found.in_language(lang)._repr_html_().count("<svg") == 2
    assert found.params["low"] < found.params["total"] < found.params["high"]


def test_without_a_plan_the_forecast_is_named_as_what_it_is(demo) -> None:
    own = pacing(demo)
    texts = [text.get_text() for text in own.plot().texts]
    assert "opening forecast" in texts
    assert "plan" not in texts
    with pytest.raises(eo.OptionError):
        pacing(demo, plan=0)


def test_days_before_a_long_campaign_that_are_too_few_are_told_and_no_error():
    """92 and 177 days lie before it; 99 are needed for 12 days, 181 for 60."""
    shop = eo.open({"orders": orders(n=180)})
    first = date(2025, 1, 6)
    for known, length, needed in ((92, 12, 99), (177, 60, 181)):
        start = first + timedelta(days=known)
        found = pacing(shop, plan=900, start=start, end=start + timedelta(days=length - 1))
        assert found.locked
        assert found.missing[0].values == {"needed": needed, "found": known, "unit": "days"}
