"""product.inventory: the critical ratio by hand, stock on hand, packs, engines, what is said."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pytest

import ecomops as eo
from ecomops.product.inventory import inventory
from ecomops.product.stock import stock
from tests.product.test_stock import frames as empty_shelves

DAYS = 150


def frames(cost: float = 20.0, left: int | None = None):
    """Return a shop that sells 4 of `fast` (100 each) and 1 of `slow` (50 each) every day."""
    day = pd.date_range("2025-01-01", periods=DAYS)
    ids = [f"o{i:04d}" for i in range(5 * DAYS)]
    product = (["fast"] * 4 + ["slow"]) * DAYS
    price = [100.0 if p == "fast" else 50.0 for p in product]
    at = [d + pd.Timedelta(hours=h) for d in day for h in range(5)]
    orders = pd.DataFrame({"order_id": ids, "created_at": at, "paid_amount": price})
    lines = pd.DataFrame(
        {
            "order_id": ids,
            "product_id": product,
            "quantity": 1,
            "line_paid_amount": price,
            "line_cost": cost,
        }
    )
    found = {"orders": orders, "order_lines": lines}
    if left is not None:
        skus = pd.DataFrame({"sku_id": ["f", "s"], "product_id": ["fast", "slow"]})
        shots = {"date": [day[-1].date()] * 2, "sku_id": ["f", "s"], "on_hand": [left, 500]}
        found["product_skus"] = skus.assign(sku_code="x", sku_name="x", price=1.0)
        found["inventory_snapshots"] = pd.DataFrame(shots).assign(available=shots["on_hand"])
    return found


@pytest.fixture(scope="module")
def result():
    return inventory(eo.open(frames()), days=14, salvage=0.5, calendar="western")


def test_service_is_margin_against_the_loss_of_a_leftover(result):
    """By hand: fast 80 / (80 + 10), slow 30 / (30 + 10)."""
    rows = result.table.set_index("product_id")
    assert rows.loc["fast", "service"] == pytest.approx(80 / 90)
    assert rows.loc["slow", "service"] == pytest.approx(30 / 40)


def test_expected_demand_is_what_the_shop_sells(result):
    rows = result.table.set_index("product_id")
    assert rows.loc["fast", "expected"] == pytest.approx(4 * 14, rel=0.06)
    assert rows.loc["slow", "expected"] == pytest.approx(14, rel=0.10)
    assert (rows["level"] > rows["expected"]).all()  # both ratios exceed one half


def test_stock_on_hand_is_taken_off_and_an_order_without_it_has_no_value(result):
    known = inventory(eo.open(frames(left=30)), days=14, salvage=0.5, calendar="western")
    rows = known.table.set_index("product_id")
    assert rows.loc["slow", "order"] == 0
    assert rows.loc["fast", "order"] == rows.loc["fast", "level"] - 30
    assert rows.loc["fast", "stockout"] > 0.99
    assert rows.loc["slow", "stockout"] == 0
    assert result.actions()[0].value is None


def test_lines_without_a_cost_are_not_free(result):
    """As in `product.price` and `product.stock`: the lines with a cost tell what a piece costs."""
    tables = frames()
    tables["order_lines"].loc[::2, "line_cost"] = None
    some = inventory(eo.open(tables), days=14, salvage=0.5, calendar="western")
    assert some.table["service"].tolist() == pytest.approx(result.table["service"].tolist())
    assert some.params["money"] == pytest.approx(result.params["money"])


def test_a_product_without_a_snapshot_has_no_chance_to_run_out():
    """Its order takes the stock as 0, as without snapshots; what is on hand stays missing."""
    tables = frames(left=30)
    shots = tables["inventory_snapshots"]
    tables["inventory_snapshots"] = shots[shots["sku_id"] == "s"]
    found = inventory(eo.open(tables), days=14, salvage=0.5, calendar="western")
    rows = found.table.set_index("product_id")
    assert rows.loc["fast", ["on_hand", "stockout"]].isna().all()
    assert rows.loc["fast", "order"] == rows.loc["fast", "level"]
    assert "stockout" not in {finding.code for finding in found.findings()}


def test_what_is_not_ordered_or_not_counted_is_told():
    """By hand: `slow` has no cost and is left out; `fast` has no row of stock and counts as 0."""
    shop = frames(left=30)
    slow = shop["order_lines"]["product_id"] == "slow"
    shop["order_lines"].loc[slow, "line_cost"] = None
    found = inventory(eo.open(shop), days=14, calendar="western")
    told = {f.code: f.values for f in found.findings()}
    assert told["no_cost"] == {"count": 1}
    assert "unstocked" not in told
    assert "1 more product sells but has no cost" in found.explain("en")
    shop = frames(left=30)
    shop["inventory_snapshots"] = shop["inventory_snapshots"].tail(1)
    told = {f.code: f.values for f in inventory(eo.open(shop), days=14).findings()}
    assert told["unstocked"] == {"count": 1}
    assert "no_cost" not in told


def test_enough_stock_asks_for_no_order():
    """By hand: 5,000 and 500 pieces for about 56 and 14."""
    found = inventory(eo.open(frames(left=5_000)), days=14, calendar="western")
    assert [f.code for f in found.findings()] == ["enough"]
    assert found.explain("en") == "Nothing needs to be ordered for the next 14 days."
    assert found.actions() == ()


def test_demand_is_that_of_product_stock_days_without_stock_made_up_for():
    """`fast` sells 4 a day and was out for 30 of the last 56 days: as sold it would be 1.9."""
    shop = eo.open(empty_shelves(left=40, out=70, lead=14.0))
    ours = inventory(shop, days=14, calendar="western").table.set_index("product_id")
    theirs = stock(shop, calendar="western").table.set_index("product_id")
    assert ours.loc["fast", "expected"] == pytest.approx(4 * 14, rel=0.1)
    np.testing.assert_allclose(ours["expected"], theirs["expected"].loc[ours.index], rtol=0.03)
    np.testing.assert_allclose(ours["stockout"], theirs["stockout"].loc[ours.index], atol=0.05)


def test_dear_leftovers_order_less():
    dear = inventory(eo.open(frames(cost=48.0)), days=14, salvage=0.0, calendar="western")
    rows = dear.table.set_index("product_id")
    assert rows.loc["slow", "level"] < rows.loc["slow", "expected"]


def test_packs_are_whole():
    rows = inventory(eo.open(frames()), days=14, pack=12, calendar="western").table
    assert (rows["order"] % 12 == 0).all()


def test_equal_on_every_engine(table, engine, tmp_path):  # type: ignore[no-untyped-def]
    shop = frames()
    expected = inventory(eo.open(shop), days=14).table
    if engine == "duckdb":  # one database holds both tables
        con = ibis.duckdb.connect(tmp_path / "shop.duckdb")
        for name, rows in shop.items():
            con.create_table(name, rows)
        got = inventory(eo.open(con), days=14).table
    else:
        got = inventory(eo.open({name: table(rows) for name, rows in shop.items()}), days=14).table
    pd.testing.assert_frame_equal(got, expected)


def test_without_costs_or_lines_it_is_locked():
    shop = frames()
    assert inventory(eo.open({"orders": shop["orders"]})).locked
    bare = shop | {"order_lines": shop["order_lines"].drop(columns="line_cost")}
    assert "line_cost" in inventory(eo.open(bare)).explain("en")
    young = {name: rows.head(10) for name, rows in bare.items()}
    assert [need.have for need in inventory(eo.open(young)).missing] == [False, False]


def test_words_and_chart(demo):
    found = inventory(demo)
    drawn = [line.get_xdata()[0] for line in found.plot().lines[1::3]]
    np.testing.assert_allclose(drawn, found.table["expected"].head(14))
    for lang in ("zh", "en"):
        assert found.in_language(lang)._repr_html_().count("<svg") == 2


def test_the_axis_names_its_unit(result):
    for lang, unit in (("zh", "件"), ("en", "pieces")):
        assert f">{unit}</text>" in result.in_language(lang)._repr_html_()
