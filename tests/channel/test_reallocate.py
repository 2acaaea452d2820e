"""channel.reallocate: the split against the simulator's curves, abstaining, limits, words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ecomops as eo
from ecomops.base.errors import DataError
from ecomops.channel.reallocate import reallocate, split
from ecomops.channel.response import response
from ecomops.maths.media import Draws
from tests.channel.planted import NAMES, NEAR, planted


@pytest.fixture(scope="module")
def world():
    return planted(1)


@pytest.fixture(scope="module")
def curves(world):
    return response(world.shop)


@pytest.fixture(scope="module")
def result(curves):
    return reallocate(curves)


def one_draw(top, half, slope):
    parts = [np.array([p], dtype=float) for p in (top, half, slope)]
    return Draws(*parts, np.zeros((1, len(top)), dtype=np.int64), np.zeros((1, len(top))))


def test_split_is_the_concave_optimum():
    """Shared oracle `mmm/transforms.json`: 144.30249 at (89.0387, 58.6521, 52.3092)."""
    draws = one_draw([100, 80, 60], [50, 20, 100], [1, 1, 1])
    best = split(draws, 200.0, np.zeros(3), np.full(3, 200.0))
    np.testing.assert_allclose(best, [89.0387, 58.6521, 52.3092], atol=0.5)
    assert draws.sales(best).sum() == pytest.approx(144.30249, abs=1e-3)


def test_split_is_the_global_optimum_of_s_curves():
    """Shared oracle: 8.2237 at (100, 0), where SLSQP from (20, 80) stops at 7.4013."""
    draws = one_draw([10, 9], [60, 60], [3, 3])
    best = split(draws, 100.0, np.zeros(2), np.full(2, 100.0))
    assert draws.sales(best).sum() == pytest.approx(8.223684, abs=1e-6)


def test_the_move_gains_in_truth(result, world):
    """Truth: planted curves; the advice has a value and its interval holds the true gain."""
    rows = result.table.set_index("channel").loc[list(NAMES)]
    true = (world.sales(rows["plan"]) - world.sales(rows["now"])).sum() * 0.5 * 28
    (move,) = result.actions()
    assert move.emitted
    assert move.value.low <= true <= move.value.high
    assert true > 0
    assert rows["plan"].sum() == pytest.approx(rows["now"].sum())


def test_a_near_optimal_plan_stays():
    found = reallocate(response(planted(2, NEAR, settled=True).shop))
    assert not any(action.emitted for action in found.actions())
    assert found.explain("en").startswith(("Leave it for now", "Within the limits"))


def test_limits_hold(curves):
    for change in (0.1, 0.3, 1.0):
        rows = reallocate(curves, change=change).table
        highest = curves.table["highest"].to_numpy()
        assert (rows["change"].abs() <= change + 1e-9).all()
        assert (rows["plan"] <= np.maximum(highest, rows["now"]) + 1e-9).all()
    with pytest.raises(DataError, match="bounds"):
        reallocate(curves, total=1e9)


def test_another_total_pays_for_itself_in_the_gain(curves):
    more = reallocate(curves, total=3000.0)
    rows = more.table
    assert rows["plan"].sum() == pytest.approx(3000, abs=1)
    cost = (rows["plan"] - rows["now"]).sum()
    expected = (rows["gain"].sum() * curves.params["margin"] - cost) * 28
    assert more.params["gain"] == pytest.approx(expected, rel=0.35)
    assert "total" in {f.code for f in more.findings()}


@given(st.lists(st.floats(0.5, 4), min_size=2, max_size=4), st.floats(0.1, 0.9))
def test_no_other_split_beats_the_mean_of_the_draws(tops, part):
    k = len(tops)
    draws = Draws(
        np.array([tops, [t * 2 for t in tops]]),
        np.ones((2, k)),
        np.array([[1.0] * k, [2.0] * k]),
        np.zeros((2, k), dtype=np.int64),
        np.zeros((2, k)),
    )
    best = split(draws, 1.0, np.zeros(k), np.ones(k))
    other = np.full(k, (1 - part) / (k - 1))
    other[0] = part
    value = [draws.sales(x).sum(axis=1).mean() for x in (best, other)]
    assert value[0] >= value[1] - 1e-3
    assert best.sum() == pytest.approx(1)


def test_the_best_guess_promises_more_than_it_keeps():
    """Catalogue 37: over noisy shops without any effect the naive optimum always sees a gain."""
    noisy = [
        reallocate(response(planted(s, ((0.0,) * 3, (900, 1500, 600))).shop)) for s in range(3)
    ]
    assert all(r.params["point"] > 0 for r in noisy)  # the truth is 0
    assert not any(a.emitted for r in noisy for a in r.actions())


def test_without_two_curves_it_is_locked(demo):
    steady = demo.ad_reports.filter(demo.ad_reports.scene_name.isin(["直播", "淘宝客"]))
    locked = reallocate(eo.open({"orders": demo.orders, "ad_reports": steady}))
    assert locked.locked
    assert "2" in locked.explain("en")
    assert reallocate(eo.open({"orders": demo.orders})).locked


def test_the_demo_keeps_its_split_and_says_why(demo):
    """Three budgets vary and have curves; no other split is better in 95 of 100 cases."""
    found = reallocate(demo)
    known = found.table.loc[found.table["reason"] == "known", "channel"]
    assert set(known) == {"直通车", "再营销", "短视频"}
    assert found.findings()[0].code == "keep"
    assert not any(action.emitted for action in found.actions())


def test_words_and_chart(result):
    ax = result.plot()
    drawn = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(drawn[1::2], result.table["plan"])
    for lang in ("zh", "en"):
        assert result.in_language(lang)._repr_html_().count("<svg") == 2


def test_without_costs_there_is_no_value_and_a_steady_channel_stays(world):
    frames = {k: v for k, v in world.frames.items() if k != "order_lines"}
    ads = frames["ad_reports"]
    steady = ads["spend"].where(ads["scene_name"] != NAMES[2], 600.0)
    shop = eo.open(frames | {"ad_reports": ads.assign(spend=steady)}, currency="CNY")
    found = reallocate(shop, change=1.0)
    codes = {f.code for f in found.findings()}
    assert {"no_margin", "fixed"} <= codes
    row = found.table.set_index("channel").loc[NAMES[2]]
    assert row["plan"] == row["now"] == pytest.approx(600)
    assert all(a.value is None for a in found.actions())
    assert found.in_language("zh")._repr_html_().count("<svg") == 2


def test_a_move_too_small_to_matter_is_none():
    near = reallocate(response(planted(2, NEAR, settled=True).shop), change=0.05)
    assert near.params["near"]
    assert near.actions() == ()
    assert "no split of" in near.explain("en")


def test_more_money_than_was_ever_tried_is_capped(world):
    """Spend of the last weeks at the highest ever: what lies beyond is not proposed."""
    ads = world.frames["ad_reports"].copy()
    best = ads["scene_name"] == NAMES[1]
    top = ads.loc[best, "spend"].rolling(7).mean().max()
    last = best & (ads["date"] >= sorted(set(ads["date"]))[-56])
    ads.loc[last, "spend"] = round(top * 0.9, 2)
    found = reallocate(eo.open(world.frames | {"ad_reports": ads}, currency="CNY"), change=1.0)
    rows = found.table.set_index("channel")
    assert rows.loc[NAMES[1], "plan"] <= top * 1.001
    if rows.loc[NAMES[1], "plan"] >= top * 0.99:
        assert found.params["capped"] == [NAMES[1]]
