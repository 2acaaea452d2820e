"""The demo shop: the committed files are a rebuild, its sums are exact, its figures look real."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from ecomops.data import schema
from ecomops.sim import world
from tests.demo_script import SEED

FOLDER = Path(__file__).parents[2] / "datasets" / "demo"
FILES = sorted(path.stem for path in FOLDER.glob("*.parquet"))


@pytest.fixture(scope="module")
def rebuilt():
    return world("demo", seed=SEED).tables


@pytest.fixture(scope="module")
def shop():
    return {name: pq.read_table(FOLDER / f"{name}.parquet").to_pandas() for name in FILES}


@pytest.fixture(scope="module")
def paid(shop):
    return shop["orders"].dropna(subset="paid_at")


@pytest.mark.parametrize("name", FILES)
def test_committed_files_equal_a_rebuild(rebuilt, name):
    """Truth: the generator itself, run again; compared by value, so no writer version matters."""
    assert pq.read_table(FOLDER / f"{name}.parquet").equals(rebuilt[name])


def test_every_table_is_committed_and_small(rebuilt):
    assert sorted(rebuilt) == FILES
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 5_000_000


@pytest.mark.parametrize("name", FILES)
def test_columns_are_canonical_and_none_is_empty(rebuilt, name):
    """Truth: the data model, plus the one column that attribution reads beyond it."""
    known = {*schema.table_schema(name).columns, "is_holdout"}
    assert set(rebuilt[name].column_names) <= known
    assert all(rebuilt[name][c].null_count < len(rebuilt[name]) for c in rebuilt[name].column_names)


def test_order_sums_are_exact_to_the_cent(rebuilt):
    """Truth: the identities of the data model, in decimals."""
    orders, lines = rebuilt["orders"], rebuilt["order_lines"]
    by_order = lines.group_by("order_id").aggregate(
        [("line_paid_amount", "sum"), ("line_list_amount", "sum"), ("line_refund_amount", "sum")]
    )
    both = orders.join(by_order, "order_id")
    assert len(both) == len(orders) == len(by_order)
    goods = pc.subtract(both["paid_amount"], both["shipping_fee"])
    unpaid = pc.is_null(both["paid_at"])
    expected = pc.if_else(unpaid, pa.scalar(0, pa.decimal128(19, 2)), goods)
    assert pc.all(pc.equal(both["line_paid_amount_sum"], expected)).as_py()
    assert pc.all(pc.equal(both["line_list_amount_sum"], both["list_amount"])).as_py()
    assert pc.all(pc.equal(both["line_refund_amount_sum"], both["refund_amount"])).as_py()
    off = pc.add(both["shop_discount"], both["platform_discount"])
    due = pc.add(pc.subtract(both["list_amount"], off), both["shipping_fee"])
    assert pc.all(pc.or_(unpaid, pc.equal(both["paid_amount"], due))).as_py()


def test_refunds_table_adds_up_to_the_orders(shop):
    """Truth: refunds that are done, added by hand, against the orders' column."""
    refunds = shop["refunds"]
    done = refunds[refunds.refund_status == "refunded"].groupby("order_id").refund_amount.sum()
    orders = shop["orders"].set_index("order_id").refund_amount
    assert (orders[orders > 0] == done.reindex(orders[orders > 0].index)).all()
    assert set(done.index) == set(orders[orders > 0].index)


def test_traffic_is_made_of_the_orders(shop, paid):
    """Truth: buyers and amounts counted from the orders, day by day and source by source."""
    traffic = shop["traffic_daily"]
    days = paid.groupby(paid.paid_at.dt.date)
    at = traffic[traffic.level == "shop"].set_index("date")
    assert (at.pay_amount == days.paid_amount.sum().reindex(at.index, fill_value=0)).all()
    guests = paid.assign(who=paid.customer_id.fillna(paid.order_id))
    buyers = guests.groupby(guests.paid_at.dt.date).who.nunique()
    assert (at.pay_buyers == buyers.reindex(at.index, fill_value=0)).all()
    parts = traffic[traffic.level == "source"].groupby("date")
    assert (parts.pay_orders.sum() == days.size().reindex(at.index, fill_value=0)).all()
    assert (at.visitors < parts.visitors.sum()).all()
    assert (at.visitors > 0.8 * parts.visitors.sum()).all()


def test_size_of_the_shop(shop, paid):
    """Truth: the shop that was ordered: about 20,000 orders, 11,500 customers, 300 products."""
    orders = shop["orders"]
    assert 19_000 < len(orders) < 22_000
    assert 10_500 < len(shop["customers"]) < 12_000
    assert len(shop["products"]) == 300
    assert shop["products"].category_l2.nunique() == 8
    assert len(shop["touchpoints"]) < 60_000
    assert str(paid.paid_at.max().date()) == "2025-12-09"
    assert 0.02 < orders.customer_id.isna().mean() < 0.04


def test_repeat_share_is_an_apparel_shops(paid):
    """Shape: a quarter to two fifths of apparel shops' customers order again within two years.

    Source: yearly benchmarks of shop systems such as Shopify's and Yotpo's.
    """
    orders = paid.groupby("customer_id").size()
    assert 0.25 < (orders >= 2).mean() < 0.40


def gini(values):
    ordered = np.sort(np.asarray(values, dtype=float))
    rank = np.arange(1, len(ordered) + 1)
    return 2 * (rank * ordered).sum() / (len(ordered) * ordered.sum()) - (len(ordered) + 1) / len(
        ordered
    )


def test_concentration_of_products_and_customers(shop, paid):
    """Shape: product Gini about 0.5 to 0.7, the best fifth of customers bring 40 to 70 %.

    Source: Brynjolfsson, Hu & Simester 2011 for online apparel; McCarthy & Winer 2019.
    """
    lines = shop["order_lines"]
    assert 0.5 < gini(lines.groupby("product_id").line_paid_amount.sum()) < 0.7
    spent = paid.groupby("customer_id").paid_amount.sum().astype(float).sort_values()
    assert 0.40 < spent.iloc[-len(spent) // 5 :].sum() / spent.sum() < 0.70


def test_money_of_an_order(shop, paid):
    """Shape: 客单价 of mid-price women's wear on Tmall about ¥180 to ¥220, 1.6 to 2 lines."""
    assert 180 < paid.paid_amount.astype(float).mean() < 225
    assert 1.55 < len(shop["order_lines"]) / len(shop["orders"]) < 2.0
    lines = shop["order_lines"].dropna(subset="paid_at")
    margin = 1 - lines.line_cost.sum() / lines.line_paid_amount.sum()
    assert 0.5 < margin < 0.7


def test_refund_share_by_amount(paid):
    """Shape: 10 to 15 % of amount for clothing; the last fortnight is not yet matured."""
    share = paid.refund_amount.sum() / paid.paid_amount.sum()
    assert 0.10 < share < 0.15
    late = paid[paid.paid_at >= "2025-11-26"]
    assert late.refund_amount.sum() / late.paid_amount.sum() < share / 2


def test_festivals_and_weekdays(paid):
    """Shape: yearly peak on 双11, then 618; a valley at 春节; more on Sunday than on Wednesday."""
    days = paid.groupby(paid.paid_at.dt.date.astype(str)).size()
    assert days.idxmax() == "2025-11-11"
    assert days["2024-06-18"] > 2.5 * days["2024-05-20":"2024-06-16"].mean()
    assert days["2024-12-12"] > 2 * days["2024-11-20":"2024-12-05"].mean()
    assert days["2025-01-28":"2025-02-03"].mean() < 0.6 * days["2025-01-06":"2025-01-14"].mean()
    calm = paid[paid.paid_at.dt.month.isin((4, 7, 8))]
    weekday = calm.groupby(calm.paid_at.map(lambda moment: moment.weekday())).size()
    assert weekday[6] > 1.05 * weekday[2]
    hours = paid.groupby(paid.paid_at.dt.hour).size()
    assert hours[[20, 21, 22]].sum() > 4 * hours[[3, 4, 5]].sum()


def test_conversion_by_source(shop):
    """Shape: 支付转化率 about 3 % for the shop; search and returning visitors convert best."""
    traffic = shop["traffic_daily"]
    rate = traffic.groupby(["level", "source_l1"], dropna=False)[["pay_buyers", "visitors"]].sum()
    rate = rate.pay_buyers / rate.visitors
    assert 0.025 < rate["shop"].iloc[0] < 0.035
    assert rate["source", "我的淘宝"] > rate["source", "手淘搜索"] > rate["source", "短视频"]


def test_holdouts_tell_what_credit_does_not(shop):
    """Truth: planted effects.

    Retargeting does nothing and gets much last-click credit; live shopping does more than first,
    last or even credit gives it.
    """
    touches = shop["touchpoints"].sort_values(["event_time", "event_id"])
    bought = set(touches[touches.event_name == "purchase"].visitor_id)
    met = touches[touches.event_name != "purchase"]
    held = met.groupby(["channel", "visitor_id"]).is_holdout.max().reset_index()
    held["bought"] = held.visitor_id.isin(bought)
    effect, error = {}, {}
    for channel, group in held.groupby("channel"):
        seen, ghost = group[~group.is_holdout].bought, group[group.is_holdout].bought
        if len(ghost):
            effect[channel] = len(seen) * (seen.mean() - ghost.mean())
            error[channel] = len(seen) * np.sqrt(seen.var() / len(seen) + ghost.var() / len(ghost))
    paths = met[~met.is_holdout & met.visitor_id.isin(bought)]
    first = paths.groupby("visitor_id").channel.first().value_counts()
    last = paths.groupby("visitor_id").channel.last().value_counts()
    weight = 1 / paths.groupby("visitor_id").visitor_id.transform("size")
    even = weight.groupby(paths.channel).sum()
    assert abs(effect["再营销"]) < 1.645 * error["再营销"]
    assert last["再营销"] > 5 * error["再营销"]
    assert effect["直播"] > max(first["直播"], last["直播"], even["直播"])


def test_every_panel_order_is_an_order(shop):
    bought = shop["touchpoints"].dropna(subset="order_id")
    orders = shop["orders"].set_index("order_id").paid_amount
    assert (orders.reindex(bought.order_id).to_numpy() == bought.value.to_numpy()).all()
