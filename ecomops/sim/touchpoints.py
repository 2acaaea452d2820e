"""The canonical table `touchpoints` of the tracked panel, in one world."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ecomops.sim import arrow, ids, journeys
from ecomops.sim.plan import NOBODY

if TYPE_CHECKING:
    from ecomops.sim.chunk import Chunk
    from ecomops.sim.plan import Plan
    from ecomops.sim.streams import Bools, Floats, Ints
    from ecomops.sim.tables import Scene


def last_clicks(plan: Plan, part: Chunk) -> tuple[Ints, Ints]:
    """Return (possible orders, channel) of the panel's orders: the last click before them."""
    found: tuple[list[Ints], list[Ints]] = ([], [])
    for name in ("buyers", "browsers"):
        visitors = getattr(part, name)
        seen = journeys.touches(plan, visitors, name, part.number)
        use = seen.click & _present(plan)[seen.channel] & (visitors.order[seen.visitor] != NOBODY)
        by_time = np.lexsort((seen.channel[use], seen.time[use]))
        last = np.full(len(visitors.end), NOBODY)
        last[seen.visitor[use][by_time]] = seen.channel[use][by_time]
        known = last != NOBODY
        found[0].append(visitors.order[known])
        found[1].append(last[known])
    return np.concatenate(found[0]), np.concatenate(found[1])


def _present(plan: Plan) -> Bools:
    """Return which channels exist: free ones, and paid ones that are switched on."""
    channels = plan.settings.channels
    return np.array([not c.paid or plan.on(c.key) for c in channels], dtype=bool)


def touchpoints(scene: Scene) -> pa.Table:
    """Return the panel's events: impressions and clicks by channel, and purchases.

    A row with `is_holdout` is a ghost: the visitor was about to meet the channel's ad and is in
    that channel's random holdout, so nothing was shown.
    """
    parts = [_events(scene, name) for name in ("buyers", "browsers")]
    visitor, channel, time, held, click, order = (
        np.concatenate([p[i] for p in parts]) for i in range(6)
    )
    rank = np.lexsort((channel, visitor, time))
    visitor, channel, time = visitor[rank], channel[rank], time[rank]
    held, click, order = held[rank], click[rank], order[rank]
    bought = order != NOBODY
    channels = scene.plan.settings.channels
    owner = scene.part.people
    buyer = scene.part.orders.customer[order]
    nobody = ~bought | owner.guest[buyer]
    price = np.array([round(c.touch_cost * 100) for c in channels], dtype=np.int64)
    cost = np.where(bought | ~click, 0, price[channel])
    event = np.where(bought, 2, click.astype(np.int64))
    number = np.arange(len(time)) + scene.part.number * 10_000_000
    return pa.table({
        "event_id": arrow.digits(number, 3, "e"),
        "event_time": arrow.stamps(time, scene.plan.epoch),
        "event_name": arrow.words(event, ("impression", "click", "purchase")),
        "visitor_id": arrow.digits(visitor, 3, "v"),
        "customer_id": arrow.nullable(ids.buyers(owner.key[buyer]), nobody),
        "channel": arrow.words(channel, [c.name for c in channels], bought),
        "order_id": arrow.nullable(ids.orders(scene.part.orders.key[order]), ~bought),
        "value": arrow.money(scene.sale.paid[order], ~bought),
        "cost": arrow.money(cost, digits=4),
        "is_holdout": pa.array(held),
    })  # fmt: skip


def _events(scene: Scene, name: str) -> tuple[Ints, Ints, Floats, Bools, Bools, Ints]:
    """Return the columns of touches and purchases of one kind of visitor."""
    plan, part = scene.plan, scene.part
    visitors = getattr(part, name)
    seen = journeys.touches(plan, visitors, name, part.number)
    kept = _present(plan)[seen.channel] & (seen.time >= 0)
    first = (part.number * 2 + (name == "browsers")) * 10_000_000
    sold = np.flatnonzero((visitors.order != NOBODY) & scene.sale.exists[visitors.order])
    order = visitors.order[sold]
    count, deals = int(kept.sum()), len(sold)
    no, yes = np.zeros(deals, dtype=bool), np.full(count, NOBODY)
    return (
        np.concatenate([seen.visitor[kept], sold]) + first,
        np.concatenate([seen.channel[kept], np.zeros(deals, dtype=np.int64)]),
        np.floor(np.concatenate([seen.time[kept], scene.sale.paid_at[order]])),
        np.concatenate([seen.held[kept], no]),
        np.concatenate([seen.click[kept], no]),
        np.concatenate([yes, order]),
    )
