"""Dirt in the export: orders that come twice, test orders, foreign money and hours, lost days."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ecomops.sim import arrow, ids
from ecomops.sim.calendar import DAY, HOUR
from ecomops.sim.streams import stream

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ecomops.sim.plan import Plan
    from ecomops.sim.streams import Bools, Floats
    from ecomops.sim.tables import Scene

FOREIGN_HOURS = 8


def soiled(
    plan: Plan, scenes: Sequence[Scene], tables: Mapping[str, pa.Table]
) -> dict[str, pa.Table]:
    """Return the tables with the planted dirt, and without what tracking lost."""
    made = dict(tables)
    if plan.on("dirt"):
        made["orders"] = _orders(plan, scenes, made["orders"])
    for incident in plan.settings.incidents:
        if incident.kind == "tracking" and plan.on(incident.key) and "touchpoints" in made:
            made["touchpoints"] = _outside(plan, made["touchpoints"], plan.outage(incident))
    return made


def _outside(plan: Plan, events: pa.Table, window: tuple[float, float]) -> pa.Table:
    """Return `events` without those in `window`, uncopied: each part is sorted by time."""
    low, high = (int((w + plan.epoch) * 1_000_000) for w in window)
    at = events["event_time"].cast(pa.int64()).to_numpy()
    edges = np.flatnonzero(np.diff((at < low) | (at >= high), prepend=False, append=False))
    runs = edges.reshape(-1, 2).tolist()
    return pa.concat_tables([events.slice(0, 0), *(events.slice(a, b - a) for a, b in runs)])


def _twice(plan: Plan, scenes: Sequence[Scene]) -> Bools:
    """Return which orders, chunk by chunk, are exported twice."""
    lots = [s.part.draws(plan, "dirt", 1)[0][s.rows] for s in scenes]
    twice: Bools = np.concatenate(lots) < plan.settings.dirt.duplicates
    return twice


def _orders(plan: Plan, scenes: Sequence[Scene], orders: pa.Table) -> pa.Table:
    dirt = plan.settings.dirt
    random = stream(plan.seed, "dirt")
    parts = [orders, orders.filter(pa.array(_twice(plan, scenes)))]
    parts += [_copies(plan, orders, random.random(dirt.tests), "T9", "CNY", 1)]
    parts += [_copies(plan, orders, random.random(dirt.foreign), "F9", "USD", 4_000)]
    return pa.concat_tables(parts, promote_options="default")


def _copies(
    plan: Plan, orders: pa.Table, moment: Floats, prefix: str, currency: str, cents: int
) -> pa.Table:
    """Return completed orders with a price of their own; foreign ones carry UTC hours."""
    count = len(moment)
    created = np.floor(moment * (plan.days - 1) * DAY)
    if currency != plan.settings.store.currency:
        created = np.maximum(created - FOREIGN_HOURS * HOUR, 0)
    amount = arrow.money(np.full(count, cents))
    zero = arrow.money(np.zeros(count, dtype=np.int64))
    number = np.arange(count)
    made = pa.table({
        "order_id": arrow.digits(number, 4, prefix),
        "store_id": arrow.constant(plan.settings.store.store_id, count),
        "customer_id": arrow.digits(number % 3, 2, prefix),
        "created_at": arrow.stamps(created, plan.epoch),
        "paid_at": arrow.stamps(created + 60, plan.epoch),
        "order_status": arrow.constant("completed", count),
        "currency": arrow.constant(currency, count),
        "item_count": pa.array(np.ones(count, dtype=np.int64)),
        "list_amount": amount,
        "payable_amount": amount,
        "paid_amount": amount,
        "refund_amount": zero,
    })  # fmt: skip
    return made.select([c for c in made.column_names if c in orders.column_names])


def truth(plan: Plan, scenes: Sequence[Scene]) -> pa.Table:
    """Return the order numbers that are dirt, with the kind of dirt."""
    dirt = plan.settings.dirt
    if not plan.on("dirt"):
        return pa.table({"order_id": pa.array([], pa.string()), "kind": pa.array([], pa.string())})
    key = np.concatenate([s.part.orders.key[s.rows] for s in scenes])
    again = ids.orders(key[_twice(plan, scenes)])
    sets = {
        "duplicate": again,
        "test": arrow.digits(np.arange(dirt.tests), 4, "T9"),
        "foreign": arrow.digits(np.arange(dirt.foreign), 4, "F9"),
    }
    return pa.concat_tables([
        pa.table({"order_id": numbers, "kind": arrow.constant(kind, len(numbers))})
        for kind, numbers in sets.items()
    ])  # fmt: skip
