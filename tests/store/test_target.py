"""store.target: the chance by hand, the identity of the levers, what is said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import ecomops as eo
from ecomops.store.target import LEVERS, target


@pytest.fixture(scope="module")
def result(demo):
    return target(demo, target=400_000, horizon_days=30)


def test_chance_is_the_share_of_draws_at_or_above_the_target(result):
    totals = result.plan.draws.sum(axis=1)
    assert result.params["chance"] == np.mean(totals >= 400_000)
    assert result.params["gap"] == pytest.approx(400_000 - np.median(totals))


def test_levers_multiply_to_sales_and_each_alone_closes_the_gap(result, demo):
    """Truth: visitors x conversion x value per buyer x 56 days is what the sources sold."""
    rows = result.table.set_index(["channel", "lever"])
    end = result.basis.end
    source = demo.traffic_daily.filter(demo.traffic_daily.level == "source").to_pandas()
    recent = source[source["date"] > pd.Timestamp(end) - pd.Timedelta(days=56)]
    now = np.prod([rows.loc[("total", lever), "now"] for lever in LEVERS]) * 56
    assert now == pytest.approx(float(recent["pay_amount"].astype(float).sum()))
    for lever in LEVERS:
        row = rows.loc[("total", lever)]
        assert row["needed"] / row["now"] - 1 == pytest.approx(result.params["growth"])


def test_visitors_a_day_are_those_of_the_days_with_traffic(demo):
    """Traffic of the last 14 days alone: their mean, not a quarter of it."""
    rows = demo.traffic_daily.to_pandas()
    rows = rows[rows["level"] == "source"]
    rows = rows[rows["date"] > rows["date"].max() - pd.Timedelta(days=14)]
    short = eo.open({"orders": demo.orders.to_pandas(), "traffic_daily": rows})
    now = target(short, target=400_000).table.set_index(["channel", "lever"])["now"]
    assert now["total", "visitors"] == pytest.approx(rows["visitors"].sum() / 14)


def test_visitors_that_nobody_counted_are_missing(demo):
    rows = demo.traffic_daily.to_pandas()
    rows = rows[rows["level"] == "source"].assign(visitors=None)
    shop = eo.open({"orders": demo.orders.to_pandas(), "traffic_daily": rows})
    now = target(shop, target=400_000).table.set_index(["channel", "lever"])["now"]
    assert now["total"][["visitors", "conversion"]].isna().all()
    assert now["total", "value"] > 0


def test_parts_of_the_gap_add_up(result):
    parts = result.table[(result.table["lever"] == "value") & (result.table["channel"] != "total")]
    assert parts["part"].sum() == pytest.approx(result.params["gap"])


def test_an_easy_target_is_ahead_and_proposes_nothing(demo):
    easy = target(demo, target=1_000, horizon_days=30)
    assert {"ahead"} <= {f.code for f in easy.findings()}
    assert easy.actions() == ()
    assert easy.params["chance"] == 1
    rows = easy.table
    assert rows["now"].gt(0).all()
    assert rows[["needed", "lift", "part"]].isna().all(axis=None)  # no gap: nothing is needed
    assert "没有缺口" in easy.explain("zh")


def test_a_target_many_times_what_is_expected_is_doubted_before_money_is_spent(demo):
    far = target(demo, target=4_000_000)
    (advice,) = far.actions()
    assert (advice.code, advice.emitted) == ("doubt", False)
    assert advice.change["times"] == pytest.approx(4_000_000 / far.params["total"])


def test_without_traffic_there_is_still_a_chance(demo):
    bare = target(eo.open({"orders": demo.orders}), target=400_000)
    assert bare.table.empty
    assert 0 < bare.params["chance"] < 1
    assert "<svg" in bare._repr_html_()


def test_words_and_chart(result):
    bars = [patch.get_height() for patch in result.plot().patches]
    assert bars == result.params["heights"]
    for lang in ("zh", "en"):
        shown = result.in_language(lang)
        assert shown._repr_html_().count("<svg") == 2
        assert not shown.actions()[0].emitted


def stocked(pieces: dict[str, float]):
    """Return a shop of two products, each half of the sales at 100 a piece, with stock."""
    days = pd.date_range("2025-01-01", periods=180)
    orders = pd.DataFrame(
        {
            "order_id": [f"o{i}" for i in range(360)],
            "created_at": np.repeat(days, 2),
            "paid_amount": 100.0,
        }
    )
    lines = pd.DataFrame(
        {
            "order_id": orders["order_id"],
            "product_id": ["a", "b"] * 180,
            "product_name": ["甲", "乙"] * 180,
            "quantity": 1,
            "line_paid_amount": 100.0,
        }
    )
    stock = pd.DataFrame(
        {
            "date": [days[-1].date()] * len(pieces),
            "sku_id": [f"s{p}" for p in pieces],
            "on_hand": list(pieces.values()),
        }
    )
    skus = pd.DataFrame({"sku_id": ["sa", "sb"], "product_id": ["a", "b"]})
    tables = {"orders": orders, "order_lines": lines, "product_skus": skus}
    return eo.open(tables | {"inventory_snapshots": stock})


def test_stock_limits_the_target_by_product_not_in_sum():
    """6,000 at half and half is 30 of each: 10 of a and 500 of b carry 1,000 + 3,000."""
    found = target(stocked({"a": 10, "b": 500}), target=6_000)
    assert found.params["stock"]["amount"] == pytest.approx(4_000)
    assert found.params["stock"]["items"] == ["甲"]
    said = {f.code: f.values for f in found.findings()}
    assert said["stock"]["carried"] == pytest.approx(2 / 3)
    assert "甲" in found.explain("zh")
    enough = target(stocked({"a": 40, "b": 40}), target=6_000)
    assert "stocked" in {f.code for f in enough.findings()}


def test_less_than_all_of_the_target_never_reads_as_all():
    """By hand: one piece of 600 is missing, then one of 6,000, which rounds to 100.0 %."""
    near = target(stocked({"a": 299, "b": 500}), target=60_000).findings()[-1]
    assert near.code == "nearly"
    assert near.values["carried"] == pytest.approx(599 / 600)
    assert (near.values["short"], near.values["items"]) == (1, ["甲"])
    hair = target(stocked({"a": 2999, "b": 5000}), target=600_000)
    assert hair.params["stock"]["carried"] == pytest.approx(5999 / 6000)
    assert "covers 99.9% of the target; 1 product falls short" in hair.explain("en")
    assert "99.9%；1 个商品不够卖" in hair.explain("zh")
    whole = target(stocked({"a": 300, "b": 300}), target=60_000)
    assert "covers the whole target" in whole.explain("en")


def test_a_chance_that_stock_does_not_carry_is_that_of_demand_alone():
    """By hand: 200 a day for 30 days reach 5,500 for sure; stock of 25 and 500 carries 5,250."""
    found = target(stocked({"a": 25, "b": 500}), target=5_500)
    first = found.findings()[0]
    assert (first.code, first.level) == ("chance_of_demand", "watch")
    assert first.values["amount"] == pytest.approx(2_500 + 2_750)
    assert "without reordering it will be missed" in found.sentences("en")[0]
    enough = target(stocked({"a": 40, "b": 40}), target=5_500)
    assert (enough.findings()[0].code, enough.findings()[0].level) == ("chance", "good")


def test_stock_that_nobody_counted_is_no_stock_and_carries_nothing():
    """Snapshots whose pieces are missing tell neither that stock is short nor that it is enough."""
    found = target(stocked({"a": np.nan, "b": np.nan}), target=10_000)
    assert found.params["stock"] is None


def test_a_product_without_a_snapshot_is_not_short():
    found = target(stocked({"b": 500}), target=6_000)
    assert found.params["stock"]["carried"] == pytest.approx(1)


def with_sources(demo, names: dict[str, str]):
    """Return the demo's orders and traffic, its sources renamed and the others left out."""
    rows = demo.traffic_daily.to_pandas()
    rows = rows[(rows["level"] == "source") & rows["source_l1"].isin(names)]
    rows["source_l1"] = rows["source_l1"].map(names)
    return eo.open({"orders": demo.orders.to_pandas(), "traffic_daily": rows})


def test_cells_of_levers_have_units(result):
    """Truth: the numbers of the table, written by hand as a share and as money."""
    cells = result.in_language("en")._repr_html_()
    now = result.table.set_index(["channel", "lever"])["now"]
    assert f"<td>{100 * now['total', 'conversion']:.1f}%</td>" in cells
    assert f"<td>¥{now['total', 'value']:,.1f}</td>" in cells


@pytest.mark.parametrize(
    ("names", "tested", "rows"),
    [
        ({"手淘搜索": "手淘搜索", "直通车": "直通车"}, "直通车", 3),
        ({"手淘搜索": "手淘搜索", "直通车": "合计"}, None, 2),
        ({"手淘搜索": "汇总"}, None, 1),
    ],
)
def test_only_what_can_be_bought_is_to_be_scaled_up(demo, names, tested, rows):
    made = target(with_sources(demo, names), target=900_000)
    (advice,) = made.actions()
    assert advice.change.get("channel") == tested
    assert made.table["channel"].nunique() == rows
    assert not {"合计", "汇总"} & set(made.table["channel"])
    for lang in ("zh", "en"):
        assert made.in_language(lang)._repr_html_()


def test_without_a_target_the_same_days_of_last_year_stand_in(demo):
    """Truth: pandas' sum over the paid orders of those days, 52 weeks before."""
    found = target(demo, horizon_days=28)
    orders = demo.orders.to_pandas()
    kept = orders["order_status"].isin(["paid", "shipped", "completed", "closed_refunded"])
    day = orders["paid_at"].dt.normalize()
    first = pd.Timestamp(found.basis.end) + pd.Timedelta(days=1 - 364)
    mine = kept & day.between(first, first + pd.Timedelta(days=27))
    assert found.params["target"] == pytest.approx(float(orders.loc[mine, "paid_amount"].sum()))
    assert "year" in {f.code for f in found.findings()}
    assert "year" not in {f.code for f in target(demo, target=9e5).findings()}


def test_a_young_shop_takes_its_last_days_for_a_target():
    days = pd.date_range("2025-01-01", periods=200)
    orders = pd.DataFrame(
        {
            "order_id": [str(i) for i in range(200)],
            "paid_at": days,
            "created_at": days,
            "paid_amount": np.arange(200) % 7 + 20.0,
            "currency": "CNY",
        }
    )
    found = target(eo.open({"orders": orders}), horizon_days=14)
    assert found.params["target"] == orders["paid_amount"].tail(14).sum()
    assert "recent" in {f.code for f in found.findings()}
