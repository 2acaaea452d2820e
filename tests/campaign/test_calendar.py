"""campaign.calendar: planted effects of festivals, windows, neighbours."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

import ecomops as eo
from ecomops.campaign.calendar import calendar

START, DAYS = date(2023, 1, 1), 1020


def shop(spike: float, dip: float, *, wrap=lambda t: t):
    """Return a shop at 1,000 a day with noise, `spike` on 双11, `dip` on ten days after it."""
    day = [START + timedelta(days=i) for i in range(DAYS)]
    level = 1000 * np.exp(np.random.default_rng(1).normal(0, 0.05, DAYS))
    for year in (2023, 2024):
        at = (date(year, 11, 11) - START).days
        level[at] *= 1 + spike
        level[at + 2 : at + 12] *= 1 - dip
    orders = pd.DataFrame(
        {
            "order_id": [f"o{i}" for i in range(DAYS)],
            "created_at": pd.to_datetime(day),
            "paid_amount": level.round(2),
        }
    )
    return eo.open({"orders": wrap(orders)})


def row(result, festival: str = "double_11"):
    return result.table.set_index("festival").loc[festival]


def test_a_festival_that_adds_sales_is_found_with_its_size():
    """Planted: +500 % on one of the 49 days of the window, nothing else: net 5 / 49."""
    found = row(calendar(shop(5.0, 0.0), horizon_days=60, as_of=date(2025, 10, 15)))
    assert found["seen"] == 2
    assert found["net"] == pytest.approx(5 / 49, abs=0.03)
    assert found["low"] > 0


def test_a_festival_that_only_moves_sales_has_no_net_effect():
    """Planted: +300 % on the day and -30 % on ten days after: naive lift 3, net 0 (naive 11)."""
    result = calendar(shop(3.0, 0.3), horizon_days=60, as_of=date(2025, 10, 15))
    found = row(result)
    assert found["peak"] == pytest.approx(3 / 13, abs=0.06)
    assert abs(found["net"]) < 0.03
    assert "moved" in {f.code for f in result.findings()}


def test_equal_on_every_engine(table):  # type: ignore[no-untyped-def]
    expected = calendar(shop(1, 0), horizon_days=60)
    got = calendar(shop(1, 0, wrap=table), horizon_days=60)
    pd.testing.assert_frame_equal(got.table, expected.table)


def test_windows_and_neighbours(demo):
    result = calendar(demo, horizon_days=120)
    rows = result.table.set_index("festival")
    assert str(rows.loc["spring_festival", "day"]) == "2026-02-17"
    assert str(rows.loc["spring_festival", "presale_from"]) == "2026-01-27"
    assert (rows["presale_from"] <= rows["main_from"]).all()
    assert (rows["main_to"] <= rows["after_to"]).all()
    assert {"next"} <= {f.code for f in result.findings()}


def test_main_days_that_overlap_are_close_and_every_neighbour_is_named():
    """By hand: 21-22 March lie inside 18-25; 1 April is 7 days later, 9 April 8 more."""
    days = [
        {"code": "long", "day": date(2027, 3, 20), "main": (-2, 5)},
        {"code": "inside", "day": date(2027, 3, 21), "main": (0, 1)},
        {"code": "after", "day": date(2027, 4, 1), "main": (0, 0)},
        {"code": "apart", "day": date(2027, 4, 9), "main": (0, 0)},
    ]
    dates = pd.date_range("2025-03-01", "2027-02-28")
    rows = pd.DataFrame({"order_id": dates.astype(str), "paid_at": dates, "paid_amount": 9.0})
    made = calendar(eo.open({"orders": rows}, currency="GBP"), own_days=days, horizon_days=40)
    close = made.table.set_index("festival")["close_to"]
    assert close["long"] == "inside"
    assert close["inside"] == "long"
    assert close["after"] == "long"
    assert pd.isna(close["apart"])
    said = {f.code: f.values for f in made.findings()}["close"]
    assert {"long", "inside", "after"} <= set(said["festivals"])
    assert "apart" not in said["festivals"]
    assert "at most 7 days apart" in made.explain("en")


def test_words_and_chart(demo):
    result = calendar(demo, horizon_days=120)
    assert len(result.plot().patches) == 3 * len(result.table)
    for lang in ("zh", "en"):
        assert result.in_language(lang)._repr_html_().count("<svg") == 2


def test_own_days_join():
    rows = [{"code": "birthday", "day": date(2025, 10, 30)}]
    found = calendar(shop(0, 0), horizon_days=60, own_days=rows).table
    assert "birthday" in set(found["festival"])


def quiet_shop(seed: int, growth: float):
    """Return a shop in which no festival does anything, and its sales by day."""
    day = pd.to_datetime([START + timedelta(days=i) for i in range(DAYS)])
    noise = np.random.default_rng(seed).normal(0, 0.05, DAYS)
    level = 1000 * np.exp(growth * np.arange(DAYS) + noise)
    rows = {"order_id": [f"o{i}" for i in range(DAYS)], "created_at": day}
    return eo.open({"orders": pd.DataFrame(rows | {"paid_amount": level.round(2)})}), level


def test_growth_is_not_credited_to_a_festival():
    """Mistake 26: before against after without a control. Planted: 0.2 % growth a day, no effect.

    The window of 双11 sells 10 % more than as many days before it; the calendar says nothing grew.
    """
    quiet, level = quiet_shop(3, 0.002)
    first, last = ((date(2024, 11, 11) - START).days + offset for offset in (-21, 27))
    before, during = level[2 * first - last - 1 : first], level[first : last + 1]
    assert during.mean() / before.mean() - 1 > 0.08
    found = row(calendar(quiet, horizon_days=60, as_of=date(2025, 10, 15)))
    assert found["low"] < 0 < found["high"]
    assert abs(found["net"]) < 0.05


def test_nine_in_ten_intervals_hold_an_effect_of_nothing():
    """Catalogue 35: bands from in-sample residuals. Planted: no effect, in 12 shops."""
    rows = pd.concat(
        calendar(quiet_shop(seed, 0.0005)[0], horizon_days=365).table for seed in range(12)
    ).dropna(subset=["net"])
    inside = (rows["low"] <= 0) & (rows["high"] >= 0)
    assert len(rows) > 80
    assert 0.84 <= inside.mean() <= 0.96


def test_without_a_festival_ahead_it_says_so_and_the_brief_goes_on():
    """The orders end in 2036: the calendar ends in 2035."""
    days = pd.date_range("2035-12-01", "2036-12-09")
    rows = pd.DataFrame({"order_id": days.astype(str), "paid_at": days, "paid_amount": 9.0})
    old = eo.open({"orders": rows}, currency="GBP")
    made = calendar(old)
    assert made.locked
    assert "2036-12-09" in made.explain("en")
    assert "节日" in made.explain("zh")
    assert made._repr_html_()
    assert eo.campaign.brief(old, results=[made]).locked


def test_holidays_are_known_before_there_were_platforms():
    """Truth: the calendars of 2011; Alibaba's first Double 11 that all know was years later."""
    days = pd.date_range("2010-01-01", "2011-10-20")
    rows = pd.DataFrame({"order_id": days.astype(str), "paid_at": days, "paid_amount": 9.0})
    west = calendar(eo.open({"orders": rows}, currency="GBP"), horizon_days=90).table
    assert {"black_friday", "christmas", "new_year"} <= set(west["festival"])
    black = west.set_index("festival")["day"].astype(str)["black_friday"]
    assert black == "2011-11-25"
    china = calendar(eo.open({"orders": rows}, currency="CNY"), horizon_days=90).table
    assert set(china["festival"]) == {"new_year"}


def test_festivals_are_those_of_the_shops_money():
    """Truth: where each money is spent; a calendar that is named is taken as it is."""
    days = pd.date_range("2023-01-01", "2025-10-15")
    rows = pd.DataFrame({"order_id": days.astype(str), "paid_at": days, "paid_amount": 9.0})
    china, west = {"double_11", "mid_autumn"}, {"black_friday", "christmas"}
    for money, has, lacks in (("CNY", {"double_11"}, west), ("USD", west, china),
                              ("HKD", {"double_11"} | west, set())):  # fmt: skip
        shop = eo.open({"orders": rows.assign(currency=money)})
        seen = set(calendar(shop, horizon_days=90).table["festival"])
        assert has <= seen
        assert not lacks & seen
    named = set(calendar(shop, horizon_days=90, calendar="western").table["festival"])
    assert not china & named
