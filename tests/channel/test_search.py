"""channel.search: planted growth on two scales, season, lunar years, engines, words."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

import ecomops as eo
from ecomops.base.errors import OptionError
from ecomops.base.options import options
from ecomops.channel.search import readings, search, year_before
from ecomops.data.tables import table as door

DAYS = 730
GROWTH = {"连衣裙": 0.25, "外套": -0.20}


def index(seed: int = 1, *, first: str = "2024-01-01", days: int = DAYS) -> pd.DataFrame:
    """Return Baidu counts, and Google requests of 300 days scaled to 100 each, of two words."""
    random = np.random.default_rng(seed)
    day = pd.date_range(first, periods=days)
    t = np.arange(days)
    rows = []
    for word, growth in GROWTH.items():
        season = 1 + 0.6 * np.cos(2 * np.pi * (day.day_of_year.to_numpy() - 170) / 365.25)
        demand = 2000 * season * (1 + growth) ** (t / 365.25)
        demand = demand * np.exp(0.05 * random.standard_normal(days))
        own = {"keyword": word, "granularity": "day"}
        baidu = {"date": day, "source": "baidu", "region": "全国", "index_value": demand.round()}
        rows.append(pd.DataFrame(own | baidu))
        for number, low in enumerate(range(0, days - 60, 240)):
            part = slice(low, min(low + 300, days))
            value = np.round(100 * demand[part] / demand[part].max())
            google = {"date": day[part], "source": "google_trends", "region": f"CN-{number}"}
            rows.append(pd.DataFrame(own | google | {"index_value": value}))
    return pd.concat(rows, ignore_index=True)


def shop(rows: pd.DataFrame):
    return eo.open({"search_index": rows}, currency="CNY")


@pytest.fixture(scope="module")
def result():
    return search(shop(index()))


def test_growth_is_what_was_planted_on_either_scale(result):
    assert len(result.table) == 4
    for row in result.table.to_dict("records"):
        planted = GROWTH[row["keyword"]]
        assert row["growth"] == pytest.approx(planted, abs=0.04)
        assert row["low"] - 0.02 <= planted <= row["high"] + 0.02
    assert "连衣裙" in result.explain("zh")
    assert "apart" not in {f.code for f in result.findings()}


def test_keywords_are_told_as_they_are_typed(result, monkeypatch):
    """A glossary knows some keywords and not others; a translated one finds nothing again."""
    monkeypatch.setattr(options, "glossary", {"外套": "coat"})
    page = result.in_language("en")._repr_html_()
    assert "外套" in page
    assert "coat" not in page


def test_levels_stay_on_their_own_scale(result):
    levels = result.table.set_index(["keyword", "source"])["level"]
    last = index().query("source == 'baidu' and keyword == '外套'")["index_value"].tail(28)
    assert levels["外套", "baidu_index"] == pytest.approx(last.mean())
    assert levels["外套", "google_trends"] < 100


def test_the_season_peaks_in_june(result):
    """Planted on day 170, 1.6 against 0.4 at the turn of the year."""
    peaks = pd.to_datetime(result.table["peak"])
    assert (abs(peaks.dt.day_of_year - 170) <= 12).all()
    assert result.table["rise"].between(3, 4.5).all()


def test_a_peak_soon_asks_to_prepare():
    found = search(shop(index(first="2023-05-05")))
    (action,) = found.actions()
    assert (action.code, action.emitted, action.grade) == ("prepare", False, "D")
    assert action.subject == "keyword:连衣裙"  # the other one falls
    assert action.change["start"] < action.change["peak"]


def test_years_are_aligned_by_the_spring_festival():
    """Spring Festivals: 2024-02-10, 2025-01-29 (354 days), 2026-02-17 (384 days)."""
    assert year_before(date(2025, 2, 1)) == (354, "lunar")
    assert year_before(date(2026, 2, 20)) == (384, "lunar")
    assert year_before(date(2024, 12, 20)) == (354, "lunar")  # 40 days before that of 2025
    assert year_before(date(2024, 12, 10)) == (364, "civil")
    assert year_before(date(2025, 11, 11)) == (364, "civil")


def test_a_shifted_festival_is_no_fall():
    """Catalogue 10: the same dip at each Spring Festival; by civil date the year seems to boom."""
    day = pd.date_range("2024-01-01", "2026-02-10")
    dip = np.zeros(len(day))
    for festival in ("2024-02-10", "2025-01-29", "2026-02-17"):
        dip[abs((day - pd.Timestamp(festival)).days) <= 10] = -1.5
    rows = pd.DataFrame({"date": day, "keyword": "礼盒", "source": "baidu_index", "region": "全国"})
    rows = rows.assign(granularity="day", index_value=np.round(1000 * np.exp(dip)))
    row = search(shop(rows)).table.iloc[0]
    values = rows["index_value"].to_numpy()
    civil = values[-28:].mean() / values[-28 - 364 : -364].mean() - 1
    assert row["aligned"] == "lunar"
    assert row["change"] == pytest.approx(0, abs=0.01)
    assert civil > 0.5


def test_baidu_before_mobile_is_left_out():
    """Mobile searches count from 2011 on: the jump is no growth."""
    day = pd.date_range("2010-01-01", periods=1200)
    mobile = np.where(day >= "2011-01-01", 400.0, 0.0)
    rows = pd.DataFrame({"date": day, "keyword": "外套", "source": "baidu", "region": "全国"})
    rows = rows.assign(granularity="day", index_pc=600.0, index_mobile=mobile)
    found = search(shop(rows))
    assert found.basis.excluded["before_mobile"] == 365
    assert found.basis.start == date(2011, 1, 1)
    assert found.table["growth"].iloc[0] == pytest.approx(0, abs=1e-6)


def test_an_index_that_runs_ahead_of_sales_is_found():
    """Sales repeat the surprises of searches two weeks later."""
    random = np.random.default_rng(5)
    weekly = np.repeat(random.normal(0, 0.25, 110), 7)[:DAYS]
    day = pd.date_range("2024-01-01", periods=DAYS)  # a Monday
    rows = pd.DataFrame({"date": day, "keyword": "外套", "source": "baidu_index", "region": "全国"})
    rows = rows.assign(granularity="day", index_value=np.round(2000 * np.exp(weekly)))
    paid = 5000 * np.exp(np.roll(weekly, 14) + 0.05 * random.standard_normal(DAYS))
    orders = pd.DataFrame({"order_id": [f"o{i}" for i in range(DAYS)], "created_at": day})
    frames = {"search_index": rows, "orders": orders.assign(paid_amount=paid.round(2))}
    found = search(eo.open(frames, currency="CNY"))
    row = found.table.iloc[0]
    assert row["lead"] == 14
    assert row["p"] < 0.05
    assert "lead" in {f.code for f in found.findings()}


def test_ranges_and_weeks_are_read():
    rows = {
        "date": ["2025-01-05", "2025-01-12"],
        "keyword": "a",
        "source": "google_trends",
        "region": "CN",
        "granularity": "week",
        "index_low": [0.0, np.nan],
        "index_high": [1.0, np.nan],
        "index_value": [np.nan, 30.0],
    }
    found = readings(door(pd.DataFrame(rows), "search_index"), None)
    assert found["value"].tolist() == [0.5, 30.0]


def test_windows_that_cannot_be_chained_are_counted():
    rows = index()
    broken = (rows["region"] == "CN-1") & (rows["keyword"] == "外套")
    found = search(shop(rows[~broken]))
    assert len(found.table) == 3
    assert found.basis.excluded["no_overlap"] == 1


def test_equal_on_every_engine(table, engine, tmp_path, result):
    import ibis

    rows = index()
    if engine == "duckdb":
        con = ibis.duckdb.connect(tmp_path / "shop.duckdb")
        con.create_table("search_index", rows)
        got = search(eo.open(con, currency="CNY"))
    else:
        got = search(shop(table(rows)))
    pd.testing.assert_frame_equal(got.table, result.table)


def test_it_is_locked_without_an_index_or_history(demo):
    assert "search_index" in search(eo.open({"orders": demo.orders})).explain("en")
    assert "400" in search(shop(index(days=300))).explain("zh")
    with pytest.raises(OptionError, match="外套"):
        search(shop(index()), keywords=["外衣"])


def test_words_and_chart(result):
    drawn = [line.get_xdata()[0] for line in result.plot().lines if line.get_marker() in "oD"]
    assert sorted(drawn) == pytest.approx(sorted(result.table["growth"]))
    for lang in ("zh", "en"):
        assert result.in_language(lang)._repr_html_().count("<svg") == 2


def test_indices_that_disagree_are_named():
    rows = index()
    google = (rows["source"] == "google_trends") & (rows["keyword"] == "连衣裙")
    t = (rows["date"] - rows["date"].min()).dt.days / 365.25
    rows["index_value"] = rows["index_value"].where(~google, rows["index_value"] * 0.5**t)
    found = search(shop(rows), keywords=["连衣裙"])
    assert "apart" in {f.code for f in found.findings()}
    assert found.table["growth"].prod() < 0


def test_where_all_fall_none_is_said_to_grow(result):
    """Of rows that all fall, the one that falls least is named as such."""
    rows = result.rows
    fall = replace(result, rows=rows.assign(growth=rows["growth"] - 0.5)).findings()[0]
    assert (fall.code, fall.values["growth"]) == ("held", pytest.approx(rows["growth"].max() - 0.5))
    assert result.findings()[0].code == "fastest"
    declining = search(shop(index().query("keyword == '外套'")))
    assert "grow fastest" not in declining.explain("en")
    assert "增长最快" not in declining.explain("zh")


def test_a_word_falls_only_where_every_index_says_so(result):
    """Baidu -2.4 % [-4.9 %, +0.2 %] beside Google -8.8 % [-11.5 %, -6.0 %] is no clear fall."""

    def falling(baidu, google):
        rows = result.rows[result.rows["keyword"] == "连衣裙"]
        high = rows["source"].map({"baidu_index": baidu, "google_trends": google})
        found = replace(result, rows=rows.assign(high=high)).findings()
        return [f.values["keywords"] for f in found if f.code == "falling"]

    assert falling(0.002, -0.06) == []
    assert falling(-0.002, -0.06) == [["连衣裙"]]


def test_a_weekly_index_is_read_like_a_daily_one():
    """One reading a week, 25 % growth planted."""
    day = pd.date_range("2023-01-01", periods=120, freq="7D")
    value = 1000 * 1.25 ** (np.arange(120) * 7 / 365.25)
    rows = {"date": day, "keyword": "a", "source": "sycm", "region": "", "granularity": "week"}
    found = search(shop(pd.DataFrame(rows | {"index_value": value})))
    row = found.table.iloc[0]
    assert row["growth"] == pytest.approx(0.25, abs=0.02)
    assert row["change"] == pytest.approx(0.25, abs=0.02)
    assert "<svg" in found._repr_html_()


def test_an_index_older_than_the_lunar_table_has_no_change():
    day = pd.date_range("2011-01-01", periods=800)
    rows = {"date": day, "keyword": "a", "source": "baidu", "region": "", "granularity": "day"}
    row = search(shop(pd.DataFrame(rows | {"index_value": 100.0}))).table.iloc[0]
    assert np.isnan(row["change"])
    assert row["growth"] == pytest.approx(0, abs=1e-6)
