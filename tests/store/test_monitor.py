"""store.monitor: a planted bad day is found, a festival is not an alarm, engines agree."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

import ecomops as eo
from ecomops.result import html
from ecomops.store.monitor import monitor, visitors

BAD = date(2025, 7, 9)


def orders(n: int = 560, *, bad: float = 0.5, festival: float = 3.0) -> pd.DataFrame:
    """Return daily sales of one large order with noise, a lively 11 November and one bad day."""
    start = date(2024, 1, 10)
    days = [start + timedelta(days=i) for i in range(n)]
    level = 1000 * np.exp(np.random.default_rng(2).normal(0, 0.04, n))
    level *= [festival if (d.month, d.day) in {(6, 18), (11, 11)} else 1 for d in days]
    level *= [bad if d == BAD else 1 for d in days]
    return pd.DataFrame(
        {
            "order_id": [f"o{i}" for i in range(n)],
            "created_at": pd.to_datetime(days),
            "paid_amount": level.round(2),
        }
    )


@pytest.fixture(scope="module")
def result():
    return monitor(eo.open({"orders": orders()}))


def test_the_bad_day_is_found_and_named(result):
    row = result.table.set_index(["metric", "day"]).loc[("amount", BAD)]
    assert row["alarm"]
    assert row["change"] == pytest.approx(-0.5, abs=0.12)
    assert "2025-07-09" in result.explain("zh")
    assert "gravest" in {f.code for f in result.findings()}


def test_a_festival_seen_before_raises_less_alarm_than_the_naive_rule(result):
    """Week on week, 18 June is +200 % (naive 32); here it is within what its first year showed."""
    rows = result.table[result.table["metric"] == "amount"].set_index("day")
    naive = rows["actual"] / rows["actual"].shift(7) - 1
    assert naive[date(2025, 6, 18)] > 1.5
    assert abs(rows.loc[date(2025, 6, 18), "change"]) < 1


def test_few_alarms_on_quiet_days(result):
    rows = result.table[(result.table["metric"] == "amount") & (result.table["day"] != BAD)]
    assert rows["alarm"].sum() <= 10


def test_equal_on_every_engine(table):  # type: ignore[no-untyped-def]
    frame = orders(160)
    expected = monitor(eo.open({"orders": frame})).table
    got = monitor(eo.open({"orders": table(frame)})).table
    pd.testing.assert_frame_equal(got, expected)


def test_visitors_told_in_whole_and_in_parts_are_counted_once(table):
    """Truth by hand: 200 from search, of whom 120 and 80 by two ways, and 50 direct, twice told."""
    told = [("search", "", 200), ("search", "ads", 120), ("search", "free", 80), ("direct", "", 50)]
    rows = pd.DataFrame(told, columns=["source_l1", "source_l2", "visitors"])
    rows = rows.assign(date=BAD, level="source", device="all")
    phones = rows.assign(device="app", visitors=rows["visitors"] // 2)
    seen = visitors(eo.open({"traffic_daily": table(pd.concat([rows, phones]))}).traffic_daily)
    assert seen.to_dict() == {pd.Timestamp(BAD): 250}


def test_a_short_history_is_locked():
    locked = monitor(eo.open({"orders": orders(60)}))
    assert locked.locked
    assert "116" in locked.explain("en")


def test_demo_words_and_chart(demo):
    found = monitor(demo)
    assert found.params["metrics"] == ["amount", "orders", "value", "visitors", "conversion"]
    rows = found.table[found.table["metric"] == found.params["shown"]].tail(90)
    np.testing.assert_allclose(found.plot().lines[1].get_ydata(), rows["actual"])
    for lang in ("zh", "en"):
        assert found.in_language(lang)._repr_html_().count("<svg") == 2
    q = found.table.dropna(subset="q")
    assert (q["q"] >= q["p"] - 1e-12).all()


@pytest.mark.parametrize(
    ("factor", "code", "word"), [(0.8, "drift_down", "往下"), (1.3, "drift_up", "往上")]
)
def test_a_drift_says_which_way(factor, code, word):
    """Planted: the last ten days sell less, or more, than before."""
    frame = orders()
    frame.loc[frame.index[-10:], "paid_amount"] *= factor
    found = monitor(eo.open({"orders": frame}))
    said = {f.code: f.values for f in found.findings()}
    assert "amount" in said[code]["metrics"]
    assert not {"drift_down", "drift_up"} - {code} & said.keys()
    assert word in found.explain("zh")


def test_a_page_shows_the_newest_days_first_and_the_table_all_in_order(result):
    assert list(result.paged()["day"]) == sorted(result.table["day"], reverse=True)
    first = html.table(result, result.words()).split("</tr>")[1]
    assert str(result.table["day"].max()) in first
