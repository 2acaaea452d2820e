"""Visits with their funnel events: recorded sessions, bots, split identities, disorder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ecomops.sim import arrow, ids
from ecomops.sim.calendar import DAY
from ecomops.sim.plan import NOBODY
from ecomops.sim.streams import Columns, spread, stream

if TYPE_CHECKING:
    from ecomops.sim.streams import Bools, Floats, Ints
    from ecomops.sim.tables import Scene

STEPS = ("view_item", "add_to_cart", "begin_checkout", "purchase")
STEP_RATE = (0.24, 0.38, 0.42)
PER_ORDER = 26
BOT_VIEWS = 40


@dataclass(frozen=True)
class Visits(Columns):
    """Recorded sessions of one chunk; `depth` is the last step reached (0 view … 3 purchase).

    Those of orders that do not exist in a world are not `there`; they are drawn all the same.
    """

    visitor: Ints
    true_visitor: Ints
    order: Ints
    start: Floats
    depth: Ints
    views: Ints
    bot: Bools
    device: Ints
    there: Bools


def visits(scene: Scene) -> Visits:
    """Return the sessions that are there."""
    seen = possible(scene)
    return seen.take(np.flatnonzero(seen.there))


def possible(scene: Scene) -> Visits:
    """Return the sessions of the last days: those that end in orders, others, and bots.

    A visitor who does not buy gets as far as the planted step rates say. Some visitors look from
    one device and buy from another: two identities, one person. Orders that a promotion before
    those days pulled forward have no session in them.
    """
    plan, s = scene.plan, scene.plan.settings.sessions
    random = stream(plan.seed, "sessions", scene.part.number)
    count = len(scene.part.orders)
    lot, before, split = random.random((3, count))
    since = max(plan.horizon - s.days * DAY, 0.0)
    late = scene.part.orders.time >= since
    base = np.flatnonzero(late & (lot < s.share) & ~scene.part.orders.unpaid)
    start = scene.sale.created[base] - 120 - 900 * before[base]
    on = scene.sale.exists[base] & ~scene.sale.unpaid[base] & (start >= since)
    idle = round(len(base) * PER_ORDER)
    bots = round(idle * s.bots)
    moment, steps = random.random(idle + bots), random.random((3, idle))
    low, high = (np.full(idle + bots, edge) for edge in (since, plan.horizon))
    when = plan.clock.within(moment, low, high)
    depth = np.cumprod(steps < np.array(STEP_RATE)[:, None], axis=0).sum(axis=0).clip(max=2)
    other = np.flatnonzero(split[base] < s.split)
    earlier = start[other] - 3600 - 2 * DAY * before[base][other]
    first = scene.part.number * 10**8
    buyers, rest = np.split(np.arange(len(base) + idle + bots), [len(base)])
    who, seen = (np.concatenate([buyers, others, rest]) for others in (other, 10**7 + other))
    none = np.full(len(other) + idle + bots, NOBODY)
    return Visits(
        visitor=seen + first,
        true_visitor=who + first,
        order=np.concatenate([base, none]),
        start=np.concatenate([start, np.maximum(earlier, 0.0), when]),
        depth=np.concatenate([
            np.full(len(base), 3), np.zeros(len(other), dtype=np.int64), depth,
            np.zeros(bots, dtype=np.int64),
        ]),
        views=1 + random.poisson(np.concatenate([
            np.full(len(base) + len(other) + idle, 1.6), np.full(bots, float(BOT_VIEWS))
        ])),
        bot=np.arange(len(who)) >= len(who) - bots,
        device=(np.arange(len(who)) % 11 == 0).astype(np.int64),
        there=np.concatenate([on, on[other], none[len(other) :] == NOBODY]),
    )  # fmt: skip


def sessions(scene: Scene) -> pa.Table:
    """Return the canonical table `sessions`."""
    seen = visits(scene)
    rows = np.lexsort((seen.visitor, seen.start))
    order = seen.order[rows]
    owner = scene.part.orders.customer[order]
    nobody = (order == NOBODY) | scene.part.people.guest[owner]
    return pa.table({
        "session_id": arrow.digits(seen.visitor[rows], 3, "s"),
        "visitor_id": arrow.digits(seen.visitor[rows], 3, "w"),
        "customer_id": arrow.nullable(ids.buyers(scene.part.people.key[owner]), nobody),
        "started_at": arrow.stamps(np.floor(seen.start[rows]), scene.plan.epoch),
        "device": arrow.words(seen.device[rows], ("mobile", "pc")),
        "pageviews": pa.array(seen.views[rows]),
        "is_engaged": pa.array(seen.depth[rows] > 0),
    })  # fmt: skip


def events(scene: Scene) -> pa.Table:
    """Return funnel events for the canonical table `touchpoints`; their channel is null.

    A planted share of steps carries the second of the step before, or one before it.
    """
    plan, seen = scene.plan, possible(scene)
    random = stream(plan.seed, "events", scene.part.number)
    visit, rank = spread(seen.views + seen.depth)
    gap, jitter, odd = random.random((3, len(visit)))
    step = np.maximum(rank - seen.views[visit] + 1, 0)
    pace = np.where(seen.bot[visit], 1.0, 8 + 40 * gap)
    running = np.cumsum(pace)
    first = np.append(0.0, running)[np.flatnonzero(rank == 0)] if len(visit) else np.empty(0)
    at = seen.start[visit] + running - pace - first[np.cumsum(rank == 0) - 1]
    mixed = (odd < plan.settings.sessions.disorder) & (step > 0)
    at = np.floor(at - mixed * pace * np.where(jitter < 0.5, 1.0, 1.2))  # noqa: PLR2004
    order = np.where(step == len(STEPS) - 1, seen.order[visit], NOBODY)
    at = np.where(order != NOBODY, np.maximum(at, scene.sale.paid_at[order]), at)
    rows = np.lexsort((rank, visit, at))
    rows = rows[scene.known(at[rows]) & seen.there[visit[rows]]]
    return _event_table(scene, seen, visit[rows], step[rows], at[rows], order[rows])


def _event_table(
    scene: Scene, seen: Visits, visit: Ints, step: Ints, at: Floats, order: Ints
) -> pa.Table:
    number = np.arange(len(visit)) + scene.part.number * 10**9
    owner = scene.part.orders.customer[order]
    bought = order != NOBODY
    nobody = ~bought | scene.part.people.guest[owner]
    return pa.table({
        "event_id": arrow.digits(number, 3, "f"),
        "event_time": arrow.stamps(np.maximum(at, 0), scene.plan.epoch),
        "event_name": arrow.words(step, STEPS),
        "visitor_id": arrow.digits(seen.visitor[visit], 3, "w"),
        "customer_id": arrow.nullable(ids.buyers(scene.part.people.key[owner]), nobody),
        "session_id": arrow.digits(seen.visitor[visit], 3, "s"),
        "order_id": arrow.nullable(ids.orders(scene.part.orders.key[order]), ~bought),
        "value": arrow.money(scene.sale.paid[order], ~bought),
    })  # fmt: skip


def identities(scene: Scene) -> pa.Table:
    """Return the truth about visitors: the person behind each identity, and who is a bot."""
    seen = visits(scene)
    return pa.table({
        "visitor_id": arrow.digits(seen.visitor, 3, "w"),
        "person": arrow.digits(seen.true_visitor, 3, "w"),
        "bot": pa.array(seen.bot),
        "steps": pa.array(seen.depth),
    })  # fmt: skip
