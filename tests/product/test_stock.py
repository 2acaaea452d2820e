"""product.stock: chances and money by hand, engines, what is said, proposed and locked."""

from __future__ import annotations

from datetime import date

import ibis
import numpy as np
import pandas as pd
import pytest
from scipy.stats import poisson

import ecomops as eo
from ecomops.metrics.daily import daily
from ecomops.metrics.shelves import on_hand
from ecomops.product import shelf
from ecomops.product.stock import stock

DAYS = 160
START = pd.Timestamp("2025-01-01")


def frames(*, left: int = 40, coming: int = 0, out: int = 30, lead: float | None = 10.0):
    """Return a shop that sells 4 of `fast` (100, cost 40) and 2 of `slow` (50, cost 20) a day.

    `fast` was out of stock on `out` days in the middle and has `left` pieces now.
    """
    day = pd.date_range(START, periods=DAYS)
    gone = (np.arange(DAYS) >= 60) & (np.arange(DAYS) < 60 + out)
    rows = []
    for i, at in enumerate(day):
        for product, pieces, price in (("fast", 0 if gone[i] else 4, 100.0), ("slow", 2, 50.0)):
            made = [(f"{product}{i}-{k}", product, at, price) for k in range(pieces)]
            rows += made
    lines = pd.DataFrame(rows, columns=["order_id", "product_id", "created_at", "paid"])
    orders = lines[["order_id", "created_at"]].assign(paid_amount=lines["paid"])
    lines = lines.assign(
        quantity=1,
        product_name=lines["product_id"].str.upper(),
        line_paid_amount=lines["paid"],
        line_cost=0.4 * lines["paid"],
    ).drop(columns=["paid", "created_at"])
    on_hand = np.where(gone, 0, 500)
    on_hand[-1] = left
    inbound = np.where(np.arange(DAYS) == DAYS - 1, coming, 0)
    shots = [
        pd.DataFrame({"date": day.date, "sku_id": "f", "on_hand": on_hand, "inbound": inbound}),
        pd.DataFrame({"date": day.date, "sku_id": "s", "on_hand": 900, "inbound": 0}),
    ]
    skus = pd.DataFrame({"sku_id": ["f", "s"], "product_id": ["fast", "slow"], "price": 1.0})
    if lead is not None:
        skus["lead_time_days"] = lead
    return {
        "orders": orders,
        "order_lines": lines,
        "product_skus": skus.assign(sku_code="x", sku_name="x"),
        "inventory_snapshots": pd.concat(shots, ignore_index=True),
    }


def shelf_of(**options):
    return stock(eo.open(frames(**options)), calendar="western").table.set_index("product_id")


@pytest.fixture(scope="module")
def result():
    return stock(eo.open(frames()), calendar="western")


def test_days_without_stock_are_made_up_for(result):
    """By hand: 4 pieces on each of 30 days."""
    row = result.table.set_index("product_id").loc["fast"]
    assert row["days_out"] == 30
    assert row["lost"] == pytest.approx(120, rel=0.03)
    assert row["wanted"] == pytest.approx(4 * DAYS, rel=0.01)
    assert row["lost_margin"] == pytest.approx(120 * 60, rel=0.15)


def test_the_chance_is_that_of_the_demand_until_a_delivery():
    """40 pieces in ten days: about one half at 40 on hand, none at 80, certain at 10."""
    assert shelf_of(left=40)["stockout"]["fast"] == pytest.approx(0.5, abs=0.2)
    assert shelf_of(left=10)["stockout"]["fast"] > 0.99
    assert shelf_of(left=90)["stockout"]["fast"] < 0.02
    assert shelf_of()["stockout"]["slow"] == 0


def test_spread_is_at_least_that_of_a_poisson_count(result):
    row = result.table.set_index("product_id").loc["fast"]
    assert row["expected"] == pytest.approx(40, rel=0.1)
    assert row["low"] <= poisson.ppf(0.05, 40)
    assert row["high"] >= poisson.ppf(0.95, 40)


def test_pieces_on_their_way_count_and_lead_times_are_read_or_given():
    assert shelf_of(left=10, coming=90)["stockout"]["fast"] < 0.02
    assert shelf_of(lead=None)["lead"]["fast"] == 14
    assert shelf_of(lead=20.0)["expected"]["fast"] == pytest.approx(80, rel=0.1)


def test_ordering_is_worth_what_a_week_of_delay_loses():
    """By hand: sold out for certain, seven days of 4 pieces at a margin of 60."""
    (order,) = stock(eo.open(frames(left=0)), calendar="western").actions()
    assert order.emitted
    assert order.value.mid == pytest.approx(7 * 4 * 60, rel=0.15)
    assert order.value.low > 0
    assert order.subject == "stock"


def test_a_sku_told_twice_has_its_stock_once():
    """By hand: two rows of one SKU, whose lead times are 10 and 20 days, are 40 pieces and 15."""
    made = frames()
    again = made["product_skus"].assign(lead_time_days=20.0)
    skus = pd.concat([made["product_skus"], again])
    told = stock(eo.open(made | {"product_skus": skus}), calendar="western").table
    row = told.set_index("product_id").loc["fast"]
    assert (row["position"], row["lead"]) == (40, 15)


def test_plenty_of_stock_proposes_nothing():
    calm = stock(eo.open(frames(left=900)), calendar="western")
    assert calm.actions() == ()
    assert calm.findings()[0].code == "safe"


def test_without_costs_there_is_no_money():
    shop = frames(left=0)
    shop["order_lines"] = shop["order_lines"].drop(columns="line_cost")
    found = stock(eo.open(shop), calendar="western")
    assert [a.emitted for a in found.actions()] == [False]
    assert "lost" not in [f.code for f in found.findings()]


def test_lines_without_a_cost_are_not_free(result):
    """Every other line lacks its cost: the others tell that a piece still costs 40 % of its price.

    Taken as 0, margins rose from 60 % to 80 % of the price, and all money with them.
    """
    tables = frames()
    tables["order_lines"].loc[::2, "line_cost"] = None
    some = stock(eo.open(tables), calendar="western")
    pd.testing.assert_frame_equal(some.table, result.table)
    assert some.params["lost"] == pytest.approx(result.params["lost"])


def test_money_says_whom_it_leaves_out():
    """By hand: of two products `slow` has no cost; it alone is counted neither way."""
    shop = frames()
    shop["order_lines"].loc[shop["order_lines"]["product_id"] == "slow", "line_cost"] = None
    found = stock(eo.open(shop), calendar="western")
    told = {f.code: f.values for f in found.findings()}
    assert told["no_cost"] == {"count": 1}
    assert "no_cost" not in {f.code for f in stock(eo.open(frames())).findings()}


def test_only_products_whose_stock_is_known_are_said_to_be_safe():
    shop = frames(left=5_000)
    shots = shop["inventory_snapshots"]
    shop["inventory_snapshots"] = shots[shots["sku_id"] == "f"]
    (safe,) = (f for f in stock(eo.open(shop)).findings() if f.code == "safe")
    assert safe.values["count"] == 1


def test_refunds_come_off_the_margin_that_was_lost(result):
    """By hand: every fourth line is refunded in full: of 60 a piece 3/4 are left."""
    tables = frames()
    paid = tables["order_lines"]["line_paid_amount"]
    back = paid.where(tables["order_lines"].groupby("product_id").cumcount() % 4 == 0, 0.0)
    tables["order_lines"] = tables["order_lines"].assign(line_refund_amount=back)
    some = stock(eo.open(tables), calendar="western")
    for column in ("lost_margin", "delay"):
        np.testing.assert_allclose(some.table[column], 0.75 * result.table[column], rtol=0.01)
    assert some.params["lost"][1] == pytest.approx(0.75 * result.params["lost"][1], rel=0.01)


def test_pieces_lost_to_the_shop_leave_out_who_bought_another_product(demo):
    """By hand: pieces and money of the sentence are both less the share that switched."""
    found = stock(demo)
    said = {f.code: f.values for f in found.findings()}["lost"]
    stayed = 1 - found.params["switched"]
    assert stayed < 1
    assert said["pieces"] == pytest.approx(found.table["lost"].sum() * stayed)
    assert said["mid"] == pytest.approx(found.table["lost_margin"].sum(), rel=0.05)


@pytest.mark.parametrize("kept", [True, False])
def test_stock_that_nobody_counted_is_not_empty(kept):
    """The last snapshot of `fast` says nothing of it, or is not there: no stock-out is told."""
    tables = frames(left=1)
    shots = tables["inventory_snapshots"]
    last = (shots["sku_id"] == "f") & (shots["date"] == shots["date"].max())
    shots["on_hand"] = shots["on_hand"].astype("Float64").mask(last)
    tables["inventory_snapshots"] = shots if kept else shots[~last]
    found = stock(eo.open(tables), calendar="western")
    fast = found.table.set_index("product_id").loc["fast"]
    assert fast[["position", "stockout", "order", "delay"]].isna().all()
    assert fast["days_out"] == 30
    assert next(f.code for f in found.findings()) == "safe"


def test_weekly_snapshots_hold_until_the_next():
    shop = frames()
    shots = shop["inventory_snapshots"]
    weekly = pd.to_datetime(shots["date"]).dt.day_of_week == START.day_of_week
    last = shots["date"] == shots["date"].max()
    found = stock(eo.open(shop | {"inventory_snapshots": shots[weekly | last]}), calendar="western")
    row = found.table.set_index("product_id").loc["fast"]
    assert 24 <= row["days_out"] <= 36


def test_equal_on_every_engine(table, engine, tmp_path, result):  # type: ignore[no-untyped-def]
    shop = frames()
    if engine == "duckdb":  # one database holds all tables
        con = ibis.duckdb.connect(tmp_path / "shop.duckdb")
        for name, rows in shop.items():
            con.create_table(name, rows)
        got = stock(eo.open(con), calendar="western")
    else:
        opened = eo.open({name: table(rows) for name, rows in shop.items()})
        got = stock(opened, calendar="western")
    pd.testing.assert_frame_equal(got.table, result.table)


def test_without_tables_or_history_it_is_locked():
    shop = frames()
    bare = {name: shop[name] for name in ("orders", "order_lines")}
    assert "inventory_snapshots" in stock(eo.open(bare)).explain("en")
    late = shop["inventory_snapshots"].assign(date=pd.Timestamp("2030-01-01").date())
    assert stock(eo.open(shop | {"inventory_snapshots": late})).locked


def test_words_and_chart(demo):
    found = stock(demo)
    drawn = [line.get_xdata()[0] for line in found.plot().lines[1::3]]
    np.testing.assert_allclose(drawn, found.table["expected"].head(14))
    for lang in ("zh", "en"):
        assert found.in_language(lang)._repr_html_().count("<svg") == 2


def test_products_keep_what_newcomers_leave_them():
    """Truth: of the last 28 days' pieces a quarter went to products that never sold before."""
    wanted = np.zeros((3, 120))
    wanted[:2, :92] = 1.0
    wanted[0, 92:], wanted[1, 92:], wanted[2, 92:] = 1.0, 2.0, 1.0
    assert shelf.staying(wanted) == pytest.approx(3 / 4)
    assert shelf.staying(wanted[:, -83:]) == 1  # too few days to tell
    assert shelf.staying(wanted * 0) == 1


def test_pieces_of_all_products_together_are_those_that_were_sold():
    """Truth: pieces an order of the last 56 days, known to a hundredth from so many products."""
    shop = eo.open("demo")
    kept = shelf.shelf(shop, days=180, as_of=date(2025, 12, 9), lead=14.0)
    gone = shelf.lost(kept)
    pace = shelf.pace(shop, kept, gone, days=7, calendar=None)
    days = daily(shop.orders, as_of=kept.end)
    orders = days["orders"].to_numpy()[-56:].sum()
    orders += gone.daily[-56:].sum() * days["orders"].to_numpy()[-180:].sum() / kept.sold.sum()
    expected = gone.wanted[:, -56:].sum() / orders * shelf.staying(gone.wanted)
    assert pace.share.sum(axis=1).mean() == pytest.approx(expected, rel=0.01)


def test_a_warehouse_counted_once_a_week_has_its_stock_on_the_days_between():
    """A second warehouse holds 700 of `fast`; its last count is four days before the end."""
    given = frames(left=0, out=30)
    shots = given["inventory_snapshots"].assign(warehouse_id="daily")
    mine = shots[(shots["sku_id"] == "f") & (pd.to_datetime(shots["date"]).dt.day_of_week == 3)]
    weekly = mine.assign(warehouse_id="weekly", on_hand=700, inbound=0)
    both = given | {"inventory_snapshots": pd.concat([shots, weekly], ignore_index=True)}
    assert pd.Timestamp(weekly["date"].max()).date() < shots["date"].max()
    store, alone = eo.open(both), eo.open(given)
    end = store.coverage.last_day
    made = shelf.shelf(store, days=DAYS, as_of=end, lead=7.0)
    assert made.empty[made.items["product_id"].tolist().index("fast")].sum() == 0
    assert made.items.set_index("product_id").loc["fast", "on_hand"] == 700
    assert on_hand(store, end)["fast"] == 700
    assert on_hand(alone, end)["fast"] == 0
