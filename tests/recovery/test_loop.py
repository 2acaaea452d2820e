"""The loop on a simulated shop: plan, act, run it with and without, measure, compare.

At the end of August each shop plans on what it knows. Then it acts: it cuts what seems to bring
nothing, goes on writing to its customers and rolls a new checkout out to half of its visitors.
The ledger's realised values are estimated from the shop alone: ghost holdouts, customers left out
at random, the other half of the visitors. Truth is the twin of the same shop without the action,
in which every other draw is the same.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from functools import cache

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import ecomops as eo
from ecomops.customer import sends
from ecomops.data.tables import table as door
from ecomops.maths.proportions import wilson
from ecomops.metrics.customers import customers
from ecomops.report.memory import NAME, ledger
from ecomops.result import Action, Value
from ecomops.sim import preset, tables, touchpoints, world
from ecomops.sim.presets import sized
from ecomops.sim.settings import Experiment
from ecomops.store.proposals import Proposal

pytestmark = pytest.mark.slow
REPS = 20
Z = 1.6448536
PLANNED = date(2025, 8, 31)
FIRST, LAST = date(2025, 9, 1), date(2025, 12, 9)
DAYS = (LAST - FIRST).days + 1
UNTIL = date(2026, 3, 1)
HORIZON = 30
SIDES = {"n": ("paid", "size"), "sum": ("paid", "sum"), "squares": ("square", "sum")}


def settings():
    base = sized(preset("tiny"), 3_000)
    return replace(
        base,
        panel=replace(base.panel, journeys=5_000, days=200),
        crm=replace(base.crm, every=30, lift=0.08, annoyed=0.02),
        experiments=(Experiment("checkout", start=date(2025, 9, 15), days=60, lift=0.25),),
    )


def window(source, column, first, last):
    """Return the rows of a table between two days."""
    return source.filter(source[column].date().between(ibis.literal(first), ibis.literal(last)))


def frame(source):
    return source.to_pandas()


def cut(shop, channel, first, last):
    """Return what leaving a channel saves, net of the margin it brought: value, low, high."""
    found = eo.channel.attribution(
        shop.touchpoints, models=["last"], start=first, end=last, margin=shop.margin
    )
    row = found.incremental.set_index("channel").loc[channel]
    each = found.facts["value"] / found.facts["conversions"] * shop.margin
    value, low, high = (row["cost"] - row[k] * each for k in ("conversions", "high", "low"))
    return value, low, high


def panel_money(made):
    """Return what the panel of a world paid in the period."""
    rows = pd.concat([touchpoints.touchpoints(scene).to_pandas() for scene in made.scenes])
    day = rows["event_time"].dt.date
    bought = rows[(rows["event_name"] == "purchase") & (day >= FIRST) & (day <= LAST)]
    return float(bought["value"].astype(float).sum())


def messages(shop, first, last):
    """Return what the sends between two days brought, net of their cost: value, low, high."""
    log = window(shop.message_sends, "sent_at", first, last)
    seen = sends.outcomes(customers(shop.orders, as_of=LAST), log, HORIZON)
    cells = sends.cells(seen, ibis.literal("all"))
    gap = sends.effect(cells, "net")
    n = float(cells.loc[cells["treated"] == 1, "n"].sum())
    cost = sends.price(log)
    return n * np.array([
        gap.value * shop.margin - cost,
        (gap.value - Z * gap.error) * shop.margin - cost,
        (gap.value + Z * gap.error) * shop.margin - cost,
    ])  # fmt: skip


def sent_in_time(shop, first, last):
    """Return who was sent a message when, where the horizon ends within the data."""
    log = window(shop.message_sends, "sent_at", first, last - timedelta(days=HORIZON - 1))
    bought = frame(customers(shop.orders, as_of=LAST).purchases.select("customer_id", "at"))
    rows = frame(log.filter(~log.is_holdout).select("customer_id", "sent_at"))
    before = rows.merge(bought, on="customer_id")
    before = before[before["at"] < before["sent_at"]].drop_duplicates(["customer_id", "sent_at"])
    return before[["customer_id", "sent_at"]]


def orders(made):
    """Return the orders of a world, without making its other tables."""
    return door(pa.concat_tables([tables.orders(scene) for scene in made.scenes]), "orders")


def net_within(made, who):
    """Return the net money that `who` spent within the horizon of each message."""
    facts = customers(orders(made), as_of=LAST)
    bought = facts.purchases.select("customer_id", at=facts.purchases["at"], net="net")
    both = who.merge(frame(bought), on="customer_id")
    gap = both["at"].dt.normalize() - both["sent_at"].dt.normalize()
    inside = (both["at"] >= both["sent_at"]) & (gap < pd.Timedelta(days=HORIZON))
    return float(both.loc[inside, "net"].astype(float).sum())


def checkout(shop):
    """Return what version B of the checkout brought: value, low, high."""
    rows = frame(shop.experiment_exposures.select("arm", "paid_amount"))
    paid = rows["paid_amount"].astype(float)
    rows = rows.assign(paid=paid, square=paid**2)
    by = rows.groupby("arm").agg(**SIDES)
    mean = by["sum"] / by["n"]
    error = np.sqrt(((by["squares"] / by["n"] - mean**2) / by["n"]).sum())
    gap, n = mean["B"] - mean["A"], by.loc["B", "n"]
    return n * shop.margin * np.array([gap, gap - Z * error, gap + Z * error])


def paid_total(made):
    paid = orders(made).paid_amount
    return float(paid.cast("float64").sum().to_pandas())


def advice(analysis, code, subject, change, estimate, days):
    value, low, high = (float(x) for x in estimate)
    money = Value(low=low, mid=value, high=high, horizon_days=days)
    return Proposal(analysis, Action(code, (), change, "A", UNTIL, money, subject))


def acted(made):
    """Return (advice with what was expected, what was realised, what the twin says)."""
    shop, found, panel = made.shop, [], panel_money(made)
    for channel in ("再营销", "直通车", "短视频"):
        expected = cut(shop, channel, PLANNED - timedelta(days=DAYS - 1), PLANNED)
        change = {"channel": channel, "cut": 1.0, "amount": expected[0], "to": "直播", "risk": 0.0}
        step = advice("channel.attribution", "move", f"channel:{channel}", change, expected, DAYS)
        realised = cut(shop, channel, FIRST, LAST)
        money = panel - panel_money(made.without(f"channel:{channel}"))
        spent = window(shop.touchpoints, "event_time", FIRST, LAST)
        spent = spent.filter(spent.channel == channel)
        cost = float(frame(spent.aggregate(c=spent.cost.cast("float64").sum()))["c"].iloc[0])
        found.append((step, realised, cost - money * shop.margin, "holdout"))
    last = LAST - timedelta(days=HORIZON - 1)
    expected = messages(shop, date(2025, 3, 1), PLANNED - timedelta(days=HORIZON))
    change = {
        "segment": "once_fresh", "natural": 0.05, "held": 0.05, "contacted": 0.1, "value": 1.0,
        "people": 900, "cap": 30,
    }  # fmt: skip
    step = advice("customer.winback", "contact", "segment:all", change, expected, DAYS)
    who = sent_in_time(shop, FIRST, LAST)
    keys = [k for k in made.interventions if k.startswith("message:") and k > f"message:{FIRST}"]
    gained = net_within(made, who) - net_within(made.without(*keys), who)
    cost = len(who) * sends.price(window(shop.message_sends, "sent_at", FIRST, last))
    realised = messages(shop, FIRST, last)
    found.append((step, realised, gained * shop.margin - cost, "randomised"))
    change = {"item": "checkout", "price": 2.0, "best": 1.0, "elasticity": -1.0}
    step = advice("product.price", "change", "store", change, (3_000, -2_000, 8_000), DAYS)
    gained = paid_total(made) - paid_total(made.without("experiment:checkout"))
    found.append((step, checkout(shop), gained * shop.margin, "experiment"))
    return found


@cache
def lived(seed):
    return acted(world(settings(), seed=seed))


def covered():
    return [
        (how, bool(low <= truth <= high))
        for seed in range(1, REPS + 1)
        for _, (_, low, high), truth, how in lived(seed)
    ]


def test_realised_values_cover_what_the_twin_says():
    """Truth: the same shop without the action, draw by draw; at least 80 % of actions."""
    inside = [hit for _, hit in covered()]
    assert len(inside) == 5 * REPS
    assert np.mean(inside) >= 0.80


@pytest.mark.parametrize("how", ["holdout", "randomised", "experiment"])
def test_no_way_of_measuring_is_off(how):
    """Truth: the twins; each way's share of intervals that hold them is compatible with 90 %."""
    inside = [hit for name, hit in covered() if name == how]
    low, high = wilson(sum(inside), len(inside), level=0.99)
    assert low <= 0.90 <= high


def test_the_page_says_what_came_true(tmp_path):
    """Truth: the counts of what was written."""
    book = ledger(tmp_path / NAME)
    for step, (value, low, high), _, how in lived(1):
        book.propose([step], on=PLANNED)
        book.decide(step, accepted=True, owner="Li", on=PLANNED)
        book.realise(
            step, value=value, low=low, high=high, method=how, start=FIRST, end=LAST, on=LAST
        )
    result = eo.store.review(book.outcomes, as_of=LAST)
    assert result.params["measured"] == len(lived(1)) == len(result.table)
    came = result.params["came"]
    assert f"{came} of {len(lived(1))} measured actions" in result._repr_html_()
    assert f"{len(lived(1))} 条测过的行动里，{came} 条" in result.in_language("zh")._repr_html_()
