"""Shops nobody thinks of first: a few days long, with a hole in the data, at the edge of limits."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from ecomops.base.errors import OptionError
from ecomops.sim import preset, simulate, world
from ecomops.sim.presets import sized
from ecomops.sim.settings import Incident, Sessions
from ecomops.sim.validation import validate

START = date(2024, 2, 29)


def of_days(name, days):
    """Return a small shop that is open for so many days from a leap day on."""
    base = sized(preset(name), 150)
    store = replace(base.store, start=START, end=START + timedelta(days=days - 1))
    return replace(base, store=store, stock=replace(base.stock, products=0))


@pytest.mark.parametrize("days", [1, 9, 40])
@pytest.mark.parametrize("name", ["course", "demo"])
def test_a_shop_of_a_few_days_has_all_its_tables_and_nothing_outside_them(name, days):
    """Truth: the first and the last day of the shop."""
    made = world(of_days(name, days), seed=3)
    first, end = pd.Timestamp(START), pd.Timestamp(START) + pd.Timedelta(days=days)
    dated = {
        "reviews": "created_at", "sessions": "started_at", "traffic_daily": "date",
        "market_keywords": "period_start", "ad_reports": "date", "orders": "created_at",
    }  # fmt: skip
    there = {table: column for table, column in dated.items() if table in made.tables}
    assert {"traffic_daily", "market_keywords", "ad_reports", "orders"} <= set(there)
    for table, column in there.items():
        at = pd.to_datetime(made.tables[table].to_pandas()[column])
        assert (at >= first).all(), table
        assert (at < end).all(), table
    assert len(made.truth["orders"]) > 100


def test_days_the_wrong_way_round_are_refused():
    """Within one year too; years are told as years."""
    base = preset("tiny")
    store = replace(base.store, start=date(2025, 5, 3), end=date(2025, 5, 1))
    with pytest.raises(OptionError, match="from 2015 to 2035, the first not after"):
        world(replace(base, store=store), customers=50)


@pytest.mark.parametrize(
    ("module", "changes", "message"),
    [("market", {"gaps": 65}, "market.gaps"), ("live", {"minutes": 241}, "live.minutes")],
)
def test_more_gaps_than_cells_and_sessions_past_midnight_are_refused(module, changes, message):
    base = preset("course")
    with pytest.raises(OptionError, match=message):
        world(replace(base, **{module: replace(getattr(base, module), **changes)}), customers=50)


def test_a_shop_whose_tracking_failed_is_written_as_it_is(tmp_path):
    """Truth: the world, made whole; the shop has nothing else that needs all chunks at once."""
    base = replace(sized(preset("tiny"), 600), chunk=200)
    settings = replace(base, incidents=(Incident("tracking", date(2025, 11, 1), hours=200),))
    folder = simulate(settings, tmp_path / "shop")
    lost, whole = (world(s).tables["touchpoints"] for s in (settings, base))
    assert 0 < len(lost) < len(whole)
    assert pq.read_table(folder / "touchpoints.parquet").equals(lost)


def test_no_message_costs_an_order_before_it_goes_out():
    """Truth: the hour at which messages are sent, ten; promotions move some orders before it."""
    base = sized(preset("loyal_buyers"), 1500)
    crm = replace(base.crm, every=7, annoyed=0.5, loss=1.0)
    made = world(replace(base, crm=crm), seed=3)
    causes = made.truth["orders"].to_pandas()
    lost = causes[(causes.cause == "lost") & causes.intervention.str.startswith("message:")]
    sent = pd.to_datetime(lost.intervention.str.removeprefix("message:")) + pd.Timedelta(hours=10)
    assert len(lost) > 500
    assert (lost.created_at_without >= sent).all()
    assert (lost.created_at_without < sent + pd.Timedelta(days=30)).mean() > 0.95


def test_visits_are_those_of_the_last_days():
    """Truth: the settings; orders that a promotion pulled forward were placed before them."""
    sessions = Sessions(days=14, share=1.0, split=0.0)
    made = world(replace(sized(preset("tiny"), 3000), sessions=sessions), seed=5)
    since = pd.Timestamp(made.plan.settings.store.end) - pd.Timedelta(days=13)
    assert (made.tables["sessions"].to_pandas().started_at >= since).all()


def test_what_pareto_customers_will_order_is_told():
    """Truth: the Pareto/NBD mean of Schmittlein, Morrison & Colombo 1987, 90 days further on."""
    base = sized(preset("clean"), 30_000)
    made = world(replace(base, customers=replace(base.customers, death="pareto", s=1.5)), seed=5)
    c, plan = made.plan.settings.customers, made.plan
    tau = plan.clock.tau[-1] - plan.clock.operational(made.scenes[0].part.people.arrival)
    left = [(c.beta / (c.beta + t)) ** (c.s - 1) for t in (tau, tau + 90)]
    mean = c.r * c.beta / c.alpha / (c.s - 1) * (left[0] - left[1])
    told = np.sum(made.truth["customers"]["expected_orders"].to_numpy())
    assert told == pytest.approx(mean.sum(), rel=0.05)


def test_no_source_has_more_buyers_than_visitors():
    """An order placed before midnight is paid after it, in a shop with hardly any visitors."""
    base = sized(preset("course"), 150)
    made = world(replace(base, customers=replace(base.customers, death="pareto")), seed=3)
    traffic = made.tables["traffic_daily"].to_pandas()
    assert (traffic.pay_buyers <= traffic.visitors).all()


def test_marginals_of_shops_without_answers_and_with_every_line_sent_back():
    """Truth: the settings; a chance is never above 1."""
    base = sized(preset("course"), 40)
    back = replace(base, returns=replace(base.returns, level=10.0, batch=0.0))
    quiet = replace(back, opinions=replace(base.opinions, surveyed=0.001))
    checks = validate(world(quiet, seed=3)).to_pandas()
    assert checks[(checks.module == "returns") | (checks.module == "surveys")].ok.all()


@pytest.mark.parametrize(
    ("name", "seed", "customers"),
    [("tiny", 2, 2), ("tiny", 3, 20), ("course", 1, 2), ("course", 2, 2), ("live_room", 3, 20)],
)
def test_a_shop_of_a_few_customers_is_no_false_alarm(name, seed, customers):
    """One of two customers where 2 % are expected: luck, though beyond 4.5 standard errors."""
    checks = validate(world(name, seed=seed, customers=customers)).to_pandas()
    assert checks[~checks.ok].empty
