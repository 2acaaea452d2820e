"""A world: one synthetic shop with its tables, and the twin in which something is switched off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ecomops.sim import opinions, registers, tables, touchpoints, traffic
from ecomops.sim.chunk import Chunk, chunk, chunks
from ecomops.sim.fulfilment import fulfil
from ecomops.sim.selling import sell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecomops.sim.plan import Plan
    from ecomops.sim.tables import Scene

SORTED = {
    "orders": "created_at", "order_lines": "created_at", "refunds": "applied_at",
    "customers": "joined_at", "reviews": "created_at", "touchpoints": "event_time",
}  # fmt: skip


def stage(plan: Plan, part: Chunk) -> Scene:
    """Return what one chunk looks like in the world of `plan`."""
    sale = sell(plan, part)
    source = part.orders.source.copy()
    orders, channel = touchpoints.last_clicks(plan, part)
    source[orders] = channel
    return tables.Scene(plan, part, sale, fulfil(plan, part, sale), _existing(plan, source))


def _existing(plan: Plan, source: np.ndarray) -> np.ndarray:
    """Return sources with those that are switched off replaced by the first free one."""
    free = next(i for i, c in enumerate(plan.settings.channels) if not c.paid)
    off = [c.paid and not plan.on(c.key) for c in plan.settings.channels]
    return np.where(np.array(off)[source], free, source)


def canonical(plan: Plan) -> Mapping[str, pa.Table]:
    """Return all canonical tables of the world of `plan`, rows in order of time."""
    scenes = [stage(plan, chunk(plan, i)) for i in range(len(chunks(plan)))]
    daily = traffic.add([traffic.sums(s) for s in scenes])
    each = {
        "orders": tables.orders, "order_lines": tables.order_lines, "refunds": tables.refunds,
        "customers": registers.customers, "touchpoints": touchpoints.touchpoints,
        "reviews": opinions.reviews,
    }  # fmt: skip
    made = {
        name: _together([build(s) for s in scenes], SORTED[name]) for name, build in each.items()
    }
    whole = {
        "stores": registers.stores, "products": registers.products,
        "product_skus": registers.product_skus, "campaigns": registers.campaigns,
        "shop_scores": opinions.shop_scores,
    }  # fmt: skip
    made |= {name: build(plan) for name, build in whole.items()}
    made["traffic_daily"] = traffic.traffic_daily(plan, daily)
    made["ad_reports"] = traffic.ad_reports(plan, daily)
    return made


def _together(parts: list[pa.Table], by: str) -> pa.Table:
    """Return the rows of all chunks, stably sorted by time when there are several."""
    if len(parts) == 1:
        return parts[0]
    table = pa.concat_tables(parts)
    order = np.argsort(table[by].cast(pa.int64()).to_numpy(), kind="stable")
    return table.take(pa.array(order))
