"""Reports tell of the orders and of nothing else: noise stays when an intervention goes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ecomops.sim import preset, preset_names, validate, world
from ecomops.sim.streams import counted, shared, stream

ADVERTISED = [
    name
    for name in preset_names()
    if name not in ("bench", "huge") and any(c.paid for c in preset(name).channels)
]


@pytest.fixture(scope="module")
def shop():
    return world("course", seed=11, customers=1500, without=("dirt",))


@pytest.fixture(scope="module")
def demo():
    return world("demo", seed=4)


@pytest.fixture(scope="module")
def large():
    return world("course", seed=3)


def frame(made, name):
    return made.tables[name].to_pandas()


def moved(made, twin, table, keys):
    """Return the rows of a table that only one of two worlds has."""
    both = pd.concat([frame(made, table), frame(twin, table)])
    return both.drop_duplicates(keep=False).sort_values(keys)


@pytest.mark.parametrize("kind", ["live:", "message:"])
def test_without_an_intervention_other_rows_of_reports_stay_as_they_were(demo, kind):
    """A live session or a message touches what it sold, in its weeks, and no other row."""
    told = demo.truth["interventions"].to_pandas().query("effect > 0").intervention
    key = [k for k in demo.interventions if k.startswith(kind) and k in set(told)][-1]
    twin = demo.without(key)
    orders = moved(demo, twin, "orders", "order_id")
    lines = moved(demo, twin, "order_lines", "order_line_id")
    assert 0 < len(orders) < 0.01 * len(frame(demo, "orders"))
    traffic = moved(demo, twin, "traffic_daily", "date")
    pages = traffic[traffic.level == "product"]
    assert set(pages.product_id) <= set(lines.product_id)
    days = pd.to_datetime(pages.date)
    sold = pd.to_datetime(lines.created_at).dt.normalize()
    assert days.min() >= sold.min() - pd.Timedelta(days=25)
    assert days.max() <= sold.max() + pd.Timedelta(days=25)
    ads = moved(demo, twin, "ad_reports", "date")
    assert set(ads.scene_name) <= set(orders.source_channel)
    assert len(ads) <= 20 * len(orders)


def test_a_count_of_its_own_is_that_of_scipy_and_moves_no_other():
    """Truth: mean and variance of the Poisson and the binomial distribution."""
    many = counted(stream(1, "counts"), np.full(200_000, 3.2))
    assert many.mean() == pytest.approx(3.2, rel=0.01)
    assert many.var() == pytest.approx(3.2, rel=0.02)
    mean = np.full(1000, 3.2)
    mean[500] = 40.0
    assert (counted(stream(1, "counts"), mean) != many[:1000]).sum() == 1
    lot, counts = stream(1, "parts").random((100_000, 3)), np.full(100_000, 12)
    parts = shared(lot, counts, np.array([0.5, 0.2, 0.3]))
    assert (parts.sum(axis=1) == counts).all()
    assert parts.mean(axis=0) == pytest.approx([6.0, 2.4, 3.6], rel=0.01)
    assert parts.var(axis=0) == pytest.approx([3.0, 1.92, 2.52], rel=0.03)


@pytest.mark.parametrize("name", ADVERTISED)
def test_no_order_comes_without_a_click_and_no_click_without_a_view(name):
    told = frame(world(name, seed=4, customers=600), "ad_reports")
    assert told.conversions.sum() > 0
    assert (told.conversions <= told.clicks).all()
    assert (told.clicks <= told.impressions).all()


def test_goods_that_came_back_had_been_sent(shop):
    """Truth: the refunds; an order closed after a return was shipped before it was asked for."""
    back = frame(shop, "refunds").query("refund_phase == 'aftersale'")
    asked = back.groupby("order_id").applied_at.min().rename("asked")
    orders = frame(shop, "orders").set_index("order_id").join(asked, how="inner")
    closed = orders[orders.order_status == "closed_refunded"]
    assert len(closed) > 10
    assert (closed.shipped_at < closed.asked).all()
    early = frame(shop, "refunds").query("refund_phase == 'onsale'").order_id
    unsent = frame(shop, "orders").set_index("order_id").loc[early].query("item_count == 1")
    assert unsent.query("order_status == 'closed_refunded'").shipped_at.isna().all()


def test_what_live_sessions_say_they_sold_are_the_orders_that_need_them(shop):
    """Truth: orders of the truth by cause."""
    sessions = frame(shop, "live_sessions").order_count.sum()
    kept = shop.without(*(k for k in shop.interventions if k.startswith("live:")))
    gone = set(frame(shop, "orders").order_id) - set(frame(kept, "orders").order_id)
    assert sessions == len(gone)


def test_lower_prices_multiply_demand_by_what_was_planted(large):
    """Orders of promotions, messages and the panel are multiplied too, not ordinary ones alone."""
    found = validate(large).to_pandas().set_index("marginal").loc["orders that lower prices bring"]
    assert found.value == pytest.approx(found.expected, rel=0.02)
