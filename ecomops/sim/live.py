"""Live sessions: canonical tables, and viewers minute by minute as truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ecomops.sim import arrow, ids, studio
from ecomops.sim.calendar import DAY, HOUR
from ecomops.sim.latent import LIVE_HOUR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ecomops.sim.plan import Plan
    from ecomops.sim.streams import Ints
    from ecomops.sim.tables import Scene

HOSTS = ("主播小禾", "主播阿青", "主播米米", "主播南南", "主播柚子")


def _sold(plan: Plan, scenes: Sequence[Scene]) -> Mapping[str, Ints]:
    """Return session, minute, product, pieces, cents, refunds of lines that sessions sold."""
    numbers = plan.numbers("live")
    parts = []
    for scene in scenes:
        lines, sale, orders = scene.part.lines, scene.sale, scene.part.orders
        cause = orders.requires[lines.order]
        exists = sale.exists[lines.order] & sale.line_on
        rows = np.flatnonzero(np.isin(cause, numbers) & exists)
        session = np.searchsorted(numbers, cause[rows])
        start = plan.sessions[session] * DAY + LIVE_HOUR * HOUR
        minute = (sale.created[lines.order[rows]] - start) // 60
        parts.append(np.stack([
            session, minute.astype(np.int64), sale.product[rows], lines.quantity[rows],
            scene.fate.line_paid[rows], scene.refunded[rows],
            np.diff(lines.order[rows], prepend=-1) > 0,
        ]))  # fmt: skip
    found = np.concatenate(parts, axis=1) if parts else np.empty((7, 0), dtype=np.int64)
    names = ("session", "minute", "product", "quantity", "paid", "refund", "orders")
    return dict(zip(names, found, strict=True))


def sessions(plan: Plan, scenes: Sequence[Scene]) -> pa.Table:
    """Return the canonical table `live_sessions`: those that are switched on."""
    live = plan.settings.live
    every = plan.sessions
    sold = _sold(plan, scenes)
    number = np.flatnonzero(plan.present[plan.numbers("live")])
    come, online = (table[number] for table in studio.viewers(plan))
    clicks, comments = (table[number].sum(axis=1) for table in studio.attention(plan))
    sums = {
        k: np.bincount(sold["session"], v, minlength=len(every))[number].astype(np.int64)
        for k, v in sold.items()
    }
    start = every[number] * DAY + LIVE_HOUR * HOUR
    return pa.table({
        "live_session_id": _session_ids(number),
        "store_id": arrow.constant(plan.settings.store.store_id, len(number)),
        "anchor_name": arrow.words(number % len(live.hosts), HOSTS),
        "started_at": arrow.stamps(start, plan.epoch),
        "ended_at": arrow.stamps(start + live.minutes * 60, plan.epoch),
        "duration_min": pa.array(np.full(len(number), float(live.minutes))),
        "viewers": pa.array(come.sum(axis=1)),
        "peak_online": pa.array(online.max(axis=1, initial=0)),
        "avg_online": pa.array(online.mean(axis=1)),
        "comments": pa.array(comments),
        "product_clicks": pa.array(clicks),
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
    orders = np.bincount(place)
    pieces, paid = (np.bincount(place, sold[k]).astype(np.int64) for k in ("quantity", "paid"))
    return pa.table({
        "live_session_id": _session_ids(cell // width),
        "product_id": ids.products(cell % width),
        "buyers": pa.array(orders),
        "quantity": pa.array(pieces),
        "order_count": pa.array(orders),
        "gmv": arrow.money(paid),
    })  # fmt: skip


def minutes(plan: Plan, scenes: Sequence[Scene]) -> pa.Table:
    """Return the canonical table `live_minutes`: viewers, the product on show and its sales."""
    sold, length = _sold(plan, scenes), plan.settings.live.minutes
    every = plan.sessions
    number = np.flatnonzero(plan.present[plan.numbers("live")])
    session, minute = np.repeat(number, length), np.tile(np.arange(length), len(number))
    cell = sold["session"] * length + sold["minute"].clip(0, length - 1)
    sums = {
        k: np.bincount(cell, sold[k], minlength=len(every) * length).astype(np.int64)
        for k in ("orders", "quantity", "paid")
    }
    here = session * length + minute
    come, online = (table.ravel()[here] for table in studio.viewers(plan))
    clicks, comments = (table.ravel()[here] for table in studio.attention(plan))
    at = every[session] * DAY + LIVE_HOUR * HOUR + minute * 60
    return pa.table({
        "live_session_id": _session_ids(session),
        "minute": pa.array(minute),
        "at": arrow.stamps(at, plan.epoch),
        "product_id": ids.products(studio.on_show(plan, session, minute)),
        "arrivals": pa.array(come),
        "online": pa.array(online),
        "comments": pa.array(comments),
        "product_clicks": pa.array(clicks),
        "order_count": pa.array(sums["orders"][here]),
        "quantity": pa.array(sums["quantity"][here]),
        "gmv": arrow.money(sums["paid"][here]),
    })  # fmt: skip


def planted(plan: Plan) -> pa.Table:
    """Return the truth by session and quarter of an hour: pulls of host and product, sales meant.

    `expected` is the expected number of orders given the viewers that came; there is no effect
    of the slot beyond its viewers and its product.
    """
    length = plan.settings.live.minutes
    number = np.flatnonzero(plan.present[plan.numbers("live")])
    starts = np.arange(0, length, studio.SLOT)
    means = np.add.reduceat(studio.sales(plan), starts, axis=1)
    session, slot = np.repeat(number, len(starts)), np.tile(np.arange(len(starts)), len(number))
    product = studio.on_show(plan, session, slot * studio.SLOT)
    return pa.table({
        "live_session_id": _session_ids(session),
        "slot": pa.array(slot),
        "product_id": ids.products(product),
        "host_pull": pa.array(studio.hosts(plan)[session]),
        "product_pull": pa.array(studio.pull(plan)[product]),
        "expected": pa.array(means[session, slot]),
    })  # fmt: skip
