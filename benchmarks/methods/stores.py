"""The store as a whole: its numbers, what moved them, what comes, and alarms."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import pandas as pd

import ecomops as eo
from benchmarks.methods.common import Estimate, Found, Method, bare, emitted, orders
from ecomops.sim import preset as settings_of
from ecomops.sim.plan import Plan, plan
from ecomops.sim.presets import sized
from ecomops.sim.world import World

if TYPE_CHECKING:
    from ecomops.sim.settings import Settings

LARGER = 20
COUNTS = ("net_sales", "pay_amount", "pay_orders", "pay_buyers")
AHEAD = 28
YEAR = 365


def redrawn(preset: str, customers: int, seed: int) -> World:
    """Return one shop's period under another draw of chance: customers, visits and orders.

    Calendar, catalogue and all parameters are the same for every seed.
    """
    return World(replace(_shared(sized(settings_of(preset), customers)), seed=seed))


@cache
def _shared(settings: Settings) -> Plan:
    return plan(settings, 0)


@cache
def _expected(settings: Settings) -> pd.Series[float]:
    """Return what the numbers are without chance, by (metric, period): the shop twenty-fold."""
    many = sized(settings, settings.customers.count * LARGER)
    rows = _whole_months(eo.store.scorecard(World(replace(_shared(settings), settings=many)).shop))
    values = rows.set_index(["metric", "period"])["value"]
    counted = values.index.get_level_values("metric").isin(COUNTS)
    return values.where(~counted, values / LARGER)


def _whole_months(result: Any) -> pd.DataFrame:
    return result.rows[~result.rows["partial"]]


def scorecard(made: World) -> Found:
    """Numbers of whole months with their intervals.

    Truth: the same months of the same shop on average over chance, from one twenty times as large.
    """
    truth = _expected(made.plan.settings)
    result = eo.store.scorecard(made.shop)
    rows = _whole_months(result).dropna(subset=["low", "high"])
    found: list[Estimate] = [
        (r.metric, r.value, truth[r.metric, r.period], r.low, r.high) for r in rows.itertuples()
    ]
    return Found(found, emitted(result))


def drivers(made: World) -> Found:
    """Contributions of the last two whole months add up to the change of the orders' amount."""
    months = {"before": "2025-10", "after": "2025-11"}
    result = eo.store.drivers(made.shop, **months)
    paid = orders(made).to_pandas().dropna(subset="paid_at")
    amount = paid["paid_amount"].astype(float).groupby(paid["paid_at"].dt.to_period("M")).sum()
    change = amount[months["after"]] - amount[months["before"]]
    total = float(result.table["contribution"].sum())
    return Found([bare("contributions", total, float(change))], emitted(result))


def forecast(made: World) -> Found:
    """Sales of the last four weeks, foretold without them, day by day and together.

    Truth: what the shop sold; naive: the same weekday 52 weeks before.
    """
    end = made.shop.coverage.last_day - timedelta(days=AHEAD)
    result = eo.store.forecast(made.shop, horizon_days=AHEAD, as_of=end)
    if result.locked:
        return Found()
    paid = orders(made).to_pandas().dropna(subset="paid_at")
    day = paid["paid_at"].dt.normalize()
    sold = paid["paid_amount"].astype(float).groupby(day).sum()
    rows = result.rows[pd.to_datetime(result.rows["day"]) > pd.Timestamp(end)].head(AHEAD)
    ahead = pd.to_datetime(rows["day"])
    actual, before = (
        sold.reindex(ahead - pd.Timedelta(days=d), fill_value=0.0).to_numpy() for d in (0, 364)
    )
    bounds = (rows[c] for c in ("expected", "low", "high"))
    found: list[Estimate] = [
        ("day", mid, true, low, high) for true, mid, low, high in zip(actual, *bounds, strict=True)
    ]
    found += [bare("day, a year before", b, a) for a, b in zip(actual, before, strict=True)]
    found.append(bare("four weeks", rows["expected"].sum(), actual.sum()))
    found.append(bare("four weeks, a year before", before.sum(), actual.sum()))
    return Found(found, emitted(result))


def monitor(made: World) -> Found:
    """Alarms a year and metric where nothing is wrong: all are false."""
    result = eo.store.monitor(made.shop)
    if result.locked:
        return Found(emitted=emitted(result))
    rows = result.rows
    drift = rows["drift_alarm"] & ~rows.groupby("metric")["drift_alarm"].shift(fill_value=False)
    count = float((rows["alarm"] | drift).sum())
    return Found(emitted=emitted(result), alarms=count * YEAR / len(rows))


METHODS = {
    "scorecard": Method(scorecard, ("tiny", "clean", "no_effect"), 4_000, redrawn),
    "drivers": Method(drivers, ("tiny", "no_effect"), 1_500),
    "forecast": Method(forecast, ("clean", "tiny", "no_effect"), 11_200),
    "monitor": Method(monitor, ("clean", "no_effect"), 11_200),
}
