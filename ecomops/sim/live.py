"""Live sessions: canonical tables, and viewers minute by minute as truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ecomops.sim import arrow, ids
from ecomops.sim.calendar import DAY, HOUR
from ecomops.sim.latent import LIVE_HOUR
from ecomops.sim.newcomers import SLOT, on_show
from ecomops.sim.plan import session_days
from ecomops.sim.streams import stream

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ecomops.sim.plan import Plan
    from ecomops.sim.streams import Floats, Ints
    from ecomops.sim.tables import Scene

HOSTS = ("主播小禾", "主播阿青", "主播米米", "主播南南", "主播柚子")
STAY = 8.0


def _days(plan: Plan) -> Ints:
    """Return the days of the sessions that are switched on."""
    days = np.array(session_days(plan.settings.live.every, plan.days), dtype=np.int64)
    on: Ints = days[plan.present[plan.numbers("live")]]
    return on


def viewers(plan: Plan, session: int, day: int) -> tuple[Ints, Ints]:
    """Return (arrivals, online) by minute of one session: a birth and death process.

    Viewers come at a rate that rises and falls, and stay 8 minutes on average.
    """
    live = plan.settings.live
    random = stream(plan.seed, f"viewers/{session}")
    minute = np.arange(live.minutes)
    shape = 0.35 + np.sin(np.pi * (minute + 10) / (live.minutes + 20)) ** 2
    pull = live.hosts[session % len(live.hosts)] * plan.daily[day] / plan.daily.mean()
    come = random.poisson(live.orders * 4 * pull * shape)
    online = np.zeros(live.minutes, dtype=np.int64)
    there = 0
    for i in range(live.minutes):
        there = there + int(come[i]) - int(random.binomial(there, 1 - np.exp(-1 / STAY)))
        online[i] = there
    return come, online


def _sold(plan: Plan, scenes: Sequence[Scene]) -> Mapping[str, Ints]:
    """Return orders, pieces, cents, refunds and lines' sessions of what sessions sold directly."""
    numbers = plan.numbers("live")
    parts = []
    for scene in scenes:
        lines, sale, orders = scene.part.lines, scene.sale, scene.part.orders
        cause = orders.requires[lines.order]
        here = np.isin(cause, numbers) & sale.exists[lines.order] & sale.line_on
        rows = np.flatnonzero(here)
        parts.append(np.stack([
            np.searchsorted(numbers, cause[rows]), sale.product[rows], lines.quantity[rows],
            scene.fate.line_paid[rows], scene.refunded[rows],
        ]))  # fmt: skip
    found = np.concatenate(parts, axis=1) if parts else np.empty((5, 0), dtype=np.int64)
    return dict(zip(("session", "product", "quantity", "paid", "refund"), found, strict=True))


def sessions(plan: Plan, scenes: Sequence[Scene]) -> pa.Table:
    """Return the canonical table `live_sessions`: those that are switched on."""
    live = plan.settings.live
    every = session_days(live.every, plan.days)
    sold = _sold(plan, scenes)
    count = len(every)
    on = plan.present[plan.numbers("live")]
    number = np.flatnonzero(on)
    seen = [viewers(plan, int(i), every[i]) for i in number]
    sums = {
        k: np.bincount(sold["session"], v, minlength=count)[number].astype(np.int64)
        for k, v in {"orders": np.ones(len(sold["session"])), **sold}.items()
    }
    start = np.array(every, dtype=np.float64)[number] * DAY + LIVE_HOUR * HOUR
    come = np.array([c.sum() for c, _ in seen], dtype=np.int64)
    return pa.table({
        "live_session_id": _session_ids(number),
        "store_id": arrow.constant(plan.settings.store.store_id, len(number)),
        "anchor_name": arrow.words(number % len(live.hosts), HOSTS),
        "started_at": arrow.stamps(start, plan.epoch),
        "ended_at": arrow.stamps(start + live.minutes * 60, plan.epoch),
        "duration_min": pa.array(np.full(len(number), float(live.minutes))),
        "viewers": pa.array(come),
        "peak_online": pa.array(np.array([o.max() for _, o in seen], dtype=np.int64)),
        "avg_online": pa.array(np.array([o.mean() for _, o in seen])),
        "order_count": pa.array(sums["orders"]),
        "buyers": pa.array(sums["orders"]),
        "quantity": pa.array(sums["quantity"]),
        "gmv": arrow.money(sums["paid"]),
        "refund_amount": arrow.money(sums["refund"]),
    })  # fmt: skip


def _session_ids(number: Ints) -> pa.Array:
    return arrow.digits(number + 1, 1, "L")


def products(plan: Plan, scenes: Sequence[Scene]) -> pa.Table:
    """Return the canonical table `live_products`: what each session sold of each product."""
    sold = _sold(plan, scenes)
    width = len(plan.catalogue.price)
    cell, place = np.unique(sold["session"] * width + sold["product"], return_inverse=True)
    count = len(cell)
    orders = np.bincount(place, minlength=count)
    pieces = np.bincount(place, sold["quantity"], minlength=count).astype(np.int64)
    paid = np.bincount(place, sold["paid"], minlength=count).astype(np.int64)
    return pa.table({
        "live_session_id": _session_ids(cell // width),
        "product_id": ids.products(cell % width),
        "buyers": pa.array(orders),
        "quantity": pa.array(pieces),
        "order_count": pa.array(orders),
        "gmv": arrow.money(paid),
    })  # fmt: skip


def minutes(plan: Plan, scenes: Sequence[Scene]) -> pa.Table:
    """Return the truth by session and minute: arrivals, viewers online, product on show, host."""
    del scenes
    days = _days(plan)
    every = session_days(plan.settings.live.every, plan.days)
    number = np.array([every.index(int(d)) for d in days], dtype=np.int64)
    length = plan.settings.live.minutes
    seen = [viewers(plan, int(i), int(d)) for i, d in zip(number, days, strict=True)]
    session = np.repeat(number, length)
    minute: Floats = np.tile(np.arange(length, dtype=np.float64), len(number))
    empty = np.empty(0, dtype=np.int64)
    hosts = np.array(plan.settings.live.hosts)
    return pa.table({
        "live_session_id": _session_ids(session),
        "minute": pa.array(minute.astype(np.int64)),
        "slot": pa.array((minute // SLOT).astype(np.int64)),
        "product_id": ids.products(on_show(plan, session, minute)),
        "arrivals": pa.array(np.concatenate([empty, *(c for c, _ in seen)])),
        "online": pa.array(np.concatenate([empty, *(o for _, o in seen)])),
        "host_pull": pa.array(hosts[session % len(hosts)]),
    })  # fmt: skip
