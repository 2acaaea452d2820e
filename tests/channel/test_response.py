"""channel.response: planted curves, refusals, experiments, repeated reports, engines, words."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pytest

import ecomops as eo
from ecomops.base.errors import DataError, OptionError
from ecomops.channel.budget import budget
from ecomops.channel.outlay import daily_spend
from ecomops.channel.reallocate import reallocate
from ecomops.channel.response import response
from ecomops.data.tables import table as door
from tests.channel.planted import BAD, NAMES, NONE, planted


@pytest.fixture(scope="module")
def world():
    return planted(1)


@pytest.fixture(scope="module")
def result(world):
    return response(world.shop)


def test_intervals_hold_the_planted_curves(result, world):
    """Truth: the simulator's Hill curves (`sim.media`) at a steady spend like now."""
    rows = result.table.set_index("channel").loc[list(NAMES)]
    sales, more = world.sales(rows["spend"]), world.marginal(rows["spend"])
    inside = [*((rows["sales_low"] <= sales) & (sales <= rows["sales_high"]))]
    inside += [*((rows["low"] <= more) & (more <= rows["high"]))]
    assert sum(inside) >= 5  # of 6 at 90 %; coverage over 20 shops is in tests/recovery
    assert rows["sales"].iloc[:2].to_numpy() == pytest.approx(sales[:2], rel=0.25)


def test_spend_now_and_tried_are_plain_means(result, world):
    ads = world.frames["ad_reports"]
    own = ads[ads["scene_name"] == NAMES[0]]["spend"].to_numpy()
    row = result.table.set_index("channel").loc[NAMES[0]]
    weeks = own[len(own) % 7 :].reshape(-1, 7).mean(axis=1)
    assert row["spend"] == pytest.approx(own[-56:].mean())
    assert row["highest"] == pytest.approx(weeks.max())
    assert row["lowest"] == pytest.approx(weeks.min())


def test_curves_rise_from_nothing_and_are_dashed_beyond_what_was_tried(result):
    for name, curve in result.curves.groupby("channel"):
        highest = result.table.set_index("channel").loc[name, "highest"]
        assert curve["low"].iloc[0] == curve["high"].iloc[0] == 0
        assert (curve["mid"].diff().dropna() >= 0).all()
        assert (curve.loc[curve["tried"], "spend"] <= highest + 1e-6).all()
        assert (~curve["tried"]).sum() >= 5


def test_what_lies_beyond_the_spend_tried_is_not_promised(result, world):
    """Catalogue 36: a straight line through what was tried promises too much of three times it."""
    rows = result.table.set_index("channel").loc[list(NAMES)]
    far = rows["highest"].to_numpy() * 3
    naive = world.sales(rows["spend"]) / rows["spend"].to_numpy() * far
    assert (naive > 2.5 * world.sales(far)).all()
    assert (result.curves.groupby("channel")["spend"].max() < far.max()).all()
    moved = reallocate(result, change=1.0).table
    assert (moved["plan"] <= np.maximum(result.table["highest"], moved["now"]) + 1e-9).all()


def test_spend_that_follows_demand_is_refused(world):
    """Spend set to a share of last week's sales: cause and effect run the other way."""
    frames = dict(world.frames)
    sold = frames["orders"]["paid_amount"]
    shock = np.exp(np.repeat(np.random.default_rng(2).normal(0, 0.3, 105), 7))[: len(sold)]
    paid = (10_000 * shock * np.exp(np.random.default_rng(3).normal(0, 0.05, len(sold)))).round(2)
    spend = pd.Series(paid).shift(7).rolling(7, min_periods=1).mean().fillna(9000) * 0.1
    frames["orders"] = frames["orders"].assign(paid_amount=paid)
    ads = frames["ad_reports"]
    first = ads["scene_name"] == NAMES[0]
    frames["ad_reports"] = ads[first].assign(spend=spend.round(2).to_numpy())
    found = response(eo.open(frames, currency="CNY"))
    assert list(found.table["reason"]) == ["follows"]
    assert found.table["marginal"].isna().all()
    assert {"none", "follows"} <= {f.code for f in found.findings()}


def test_steady_spend_is_refused_and_asks_for_a_test(world):
    frames = dict(world.frames)
    frames["ad_reports"] = frames["ad_reports"].assign(spend=500.0)
    found = response(eo.open(frames, currency="CNY"))
    assert set(found.table["reason"]) == {"still"}
    (test,) = found.actions()
    assert (test.code, test.emitted, test.value) == ("test", False, None)
    assert test.subject.startswith("channel:")


def test_an_experiment_narrows_its_channel_towards_what_it_measured(world, result):
    """Truth: switching the weak channel off for four weeks costs what the simulator planted."""
    trial = {"channel": [NAMES[2]], "start": ["2025-03-01"], "end": ["2025-03-28"]}
    lift = float(world.sales([0, 0, 600])[2] * 28)
    told = response(world.shop, experiments=pd.DataFrame(trial | {"lift": lift, "error": 500.0}))
    before, after = (r.table.set_index("channel").loc[NAMES[2]] for r in (result, told))
    assert after["sales_high"] - after["sales_low"] < 0.6 * (
        before["sales_high"] - before["sales_low"]
    )
    assert after["sales_low"] <= world.sales([1, 1, after["spend"]])[2] <= after["sales_high"]
    assert "calibrated" in {f.code for f in told.findings()}


def test_a_false_experiment_is_named(world):
    trial = pd.DataFrame(
        {"channel": ["抖音"], "start": ["2025-03-01"], "end": ["2025-03-28"], "lift": 1, "error": 1}
    )
    with pytest.raises(DataError, match="抖音"):
        response(world.shop, experiments=trial)
    with pytest.raises(DataError, match="error"):
        response(world.shop, experiments=trial.drop(columns="error"))
    with pytest.raises(OptionError, match="adstock"):
        response(world.shop, adstock="linear")


def test_spend_reported_for_several_windows_counts_once():
    """The same day in windows of 1 and 15 days, two campaigns: 30 + 12 by hand, not 72."""
    rows = {
        "date": ["2025-01-01"] * 3,
        "platform": "alimama",
        "scene_name": "直通车",
        "campaign_id": ["a", "a", "b"],
        "attribution_model": "last_click",
        "attribution_window_days": [1, 15, 15],
        "spend": [30.0, 30.0, 12.0],
        "clicks": [20, 20, 5],
        "conversions": [2, 5, 1],
        "impressions": 1,
        "account_id": "A",
    }
    found = daily_spend(door(pd.DataFrame(rows), "ad_reports"), "scene_name")
    assert found[["spend", "clicks", "conversions"]].to_numpy().tolist() == [[42.0, 25, 6]]


def test_spend_that_a_report_does_not_tell_is_not_0(world):
    """Twenty days without a figure among hundreds are bridged; half of them teach nothing."""
    rows = world.frames["ad_reports"]
    rows = rows.to_pandas() if hasattr(rows, "to_pandas") else rows
    whole = response(world.shop).table.set_index("channel")
    top = whole.index[0]
    own = rows.index[rows["scene_name"] == top]
    few = rows.assign(spend=rows["spend"].astype(float))
    few.loc[own[40:60], "spend"] = np.nan
    found = response(eo.open(world.frames | {"ad_reports": few})).table.set_index("channel")
    assert found.loc[top, "spend"] == pytest.approx(whole.loc[top, "spend"], rel=1e-9)
    assert found.loc[top, "sales"] == pytest.approx(whole.loc[top, "sales"], rel=0.1)
    few.loc[own[::2], "spend"] = np.nan
    found = response(eo.open(world.frames | {"ad_reports": few})).table.set_index("channel")
    assert found.loc[top, "reason"] == "few"


def test_weibull_adstock_agrees(world, result):
    other = response(world.shop, adstock="weibull").table
    assert other["sales"].iloc[:2].to_numpy() == pytest.approx(
        result.table["sales"].iloc[:2].to_numpy(), rel=0.2
    )


def test_equal_on_every_engine(table, engine, tmp_path, world, result):
    if engine == "duckdb":  # one database holds all tables
        con = ibis.duckdb.connect(tmp_path / "shop.duckdb")
        for name, rows in world.frames.items():
            con.create_table(name, rows)
        got = response(eo.open(con))
    else:
        got = response(eo.open({n: table(rows) for n, rows in world.frames.items()}))
    pd.testing.assert_frame_equal(got.table, result.table)


def test_without_reports_or_history_it_is_locked(demo, world):
    assert "ad_reports" in response(eo.open({"orders": demo.orders})).explain("en")
    short = planted(1, BAD, n=120)
    assert "182" in response(short.shop).explain("zh")


def test_the_demo_never_moved_its_spend(demo):
    found = response(demo)
    assert not any(action.emitted for action in found.actions())
    assert "<svg" in found._repr_html_()


def test_words_and_chart(result):
    panels = result.plot().child_axes
    assert len(panels) == 3
    for panel, (_, curve) in zip(panels, result.curves.groupby("channel", sort=False), strict=True):
        inside = curve[curve["tried"]]
        np.testing.assert_allclose(panel.lines[0].get_ydata(), inside["mid"])
    for lang in ("zh", "en"):
        assert result.in_language(lang)._repr_html_().count("<svg") == 2


def test_curves_that_foretell_nothing_say_so():
    found = response(planted(3, NONE).shop)
    assert found.evidence == "D"
    assert "no_skill" in {f.code for f in found.findings()}
    assert not any(a.emitted for a in found.actions())


def test_a_test_that_cannot_end_is_not_proposed(demo):
    found = response(demo)
    long = budget(found).table.query("design == 'long'")["channel"]
    still = found.table.query("reason == 'still'")["channel"]
    assert set(still) == set(long)  # no channel of the demo without a curve can be tested alone
    assert found.propose() == ()
