"""store.forecast: engines, the split over categories, what is refused, what is said."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

import ecomops as eo
from ecomops.result import html
from ecomops.store.forecast import Forecast, forecast


def orders(n: int = 200, start: str = "2024-01-01") -> pd.DataFrame:
    """Return one order a day that follows the weekday: 100, 110, … 160."""
    days = pd.date_range(start, periods=n)
    return pd.DataFrame(
        {
            "order_id": [f"o{i}" for i in range(n)],
            "customer_id": [f"c{i % 40}" for i in range(n)],
            "created_at": days + pd.Timedelta(hours=12),
            "paid_amount": 100.0 + 10 * days.day_of_week,
        }
    )


@pytest.fixture(scope="module")
def result(demo) -> Forecast:
    return forecast(demo, horizon_days=45)


def test_equal_on_every_engine(table) -> None:  # type: ignore[no-untyped-def]
    rows = orders()
    expected = forecast(eo.open({"orders": rows}), horizon_days=14).table
    got = forecast(eo.open({"orders": table(rows)}), horizon_days=14).table
    pd.testing.assert_frame_equal(got, expected)
    assert list(expected.columns) == list(Forecast.columns)


def test_a_weekly_pattern_is_continued() -> None:
    ahead = forecast(eo.open({"orders": orders()}), horizon_days=14, calendar="western").table
    ahead = ahead[ahead["expected"].notna()]
    truth = [100.0 + 10 * pd.Timestamp(d).day_of_week for d in ahead["day"]]
    np.testing.assert_allclose(ahead["expected"].astype(float), truth, rtol=0.02)


def test_categories_add_up_to_the_total(result) -> None:
    parts = result.categories
    for column, key in (("expected", "total"), ("low", "total_low"), ("high", "total_high")):
        assert parts[column].sum() == pytest.approx(result.params[key])
    assert parts["share"].sum() == pytest.approx(1)


def test_past_forecasts_beat_last_year_on_the_demo_and_the_band_holds_the_total(demo) -> None:
    past = forecast(demo, horizon_days=45, as_of=date(2025, 8, 31))
    ahead = past.table[past.table["expected"].notna()]
    sold = demo.orders.filter(demo.orders.paid_amount > 0)
    inside = sold.filter(sold.paid_at.date().between(ahead["day"].iloc[0], ahead["day"].iloc[-1]))
    actual = float(inside.paid_amount.sum().to_pandas())
    assert past.params["total_low"] <= actual <= past.params["total_high"]
    assert past.params["error"] < past.params["naive"]
    assert past.evidence == "C"


def test_what_does_no_better_than_copying_is_no_validated_forecast() -> None:
    """The same 200 days again: copying is exact, so a forecast is at best as good."""
    twice = orders(728).assign(paid_amount=1000 / (1 + np.arange(728) % 364 % 50))
    found = forecast(eo.open({"orders": twice}), horizon_days=14, calendar="western")
    assert found.params["error"] >= found.params["naive"] == pytest.approx(0)
    assert "no_skill" in {f.code for f in found.findings()}
    assert found.evidence == "D"


def test_nothing_after_as_of_is_known(demo) -> None:
    early = forecast(demo, horizon_days=30, as_of=date(2025, 6, 30))
    cut = demo.orders.filter(demo.orders.paid_at.date() <= date(2025, 6, 30))
    same = forecast(eo.open({"orders": cut}), horizon_days=30)
    assert early.params["total"] == pytest.approx(same.params["total"])


def test_a_short_history_is_locked_and_says_how_many_days() -> None:
    locked = forecast(eo.open({"orders": orders(80)}), horizon_days=30)
    assert locked.locked
    assert "116" in locked.explain("en")
    assert "116" in locked.explain("zh")


def test_wrong_options_are_named() -> None:
    shop = eo.open({"orders": orders()})
    for wrong in ({"metric": "gmv"}, {"horizon_days": 500}, {"calendar": "mars"}):
        with pytest.raises(eo.OptionError):
            forecast(shop, **wrong)


def test_chart_and_words(result) -> None:
    band = result.plot().lines[1].get_ydata()
    ahead = result.table["expected"].dropna().astype(float)
    np.testing.assert_allclose(band, ahead)
    for lang in ("zh", "en"):
        assert result.in_language(lang)._repr_html_().count("<svg") == 2
    assert result.explain("zh").startswith("未来")


def test_the_page_shows_every_day_ahead(demo) -> None:
    found = forecast(demo, horizon_days=30)
    shown = html.table(found, found.words("en"))
    rows = found.table
    for day in (*rows["day"].tail(30), rows["day"].iloc[-60]):
        assert f">{day:%Y-%m-%d}<" in shown
    assert shown.count("<tr>") == 61
    pd.testing.assert_frame_equal(found.paged().sort_index(), rows)
