"""Messages to customers and the points ledger: canonical tables, who was sent what, and truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ecomops.sim import arrow, ids
from ecomops.sim.calendar import DAY, HOUR
from ecomops.sim.latent import ANNOYED, PERSUADABLE, senders
from ecomops.sim.plan import session_days

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecomops.sim.people import People
    from ecomops.sim.plan import Plan
    from ecomops.sim.streams import Bools, Ints
    from ecomops.sim.tables import Scene

KINDS = ("indifferent", "persuadable", "annoyed")
PRICE = 5
HOUR_SENT = 10
EXPIRES = 365


def _base(scene: Scene) -> tuple[People, Ints, Bools, Bools]:
    """Return a chunk's people, their kinds, who is held out and who could be sent to, by send."""
    plan, everyone = scene.plan, scene.part.people
    group = everyone.take(np.arange(scene.part.groups["people"]))
    kind, held = senders(plan, group, scene.part.number)
    sends = np.array(session_days(plan.settings.crm.every, plan.days), dtype=np.float64)
    known = (group.arrival < sends[:, None] * DAY) & ~group.guest & (group.cause == -1)
    return group, kind, held, known


def _ids(number: Ints) -> pa.Array:
    return arrow.digits(number + 1, 1, "M")


def sends(plan: Plan, scenes: Sequence[Scene]) -> pa.Table:
    """Return one row per message and customer who was sent it or held out at random (data)."""
    on = plan.present[plan.numbers("message")]
    parts = []
    for scene in scenes:
        group, _kind, held, known = _base(scene)
        which, who = np.nonzero(known & on[:, None])
        days = np.array(session_days(plan.settings.crm.every, plan.days), dtype=np.float64)
        parts.append(pa.table({
            "message_id": _ids(which),
            "customer_id": ids.buyers(group.key[who]),
            "sent_at": arrow.stamps(days[which] * DAY + HOUR_SENT * HOUR, plan.epoch),
            "is_holdout": pa.array(held[which, who]),
        }))  # fmt: skip
    return pa.concat_tables(parts)


def campaigns(plan: Plan, scenes: Sequence[Scene]) -> pa.Table:
    """Return the canonical table `message_campaigns`: sends that are switched on."""
    days = np.array(session_days(plan.settings.crm.every, plan.days), dtype=np.float64)
    count = np.zeros(len(days), dtype=np.int64)
    for scene in scenes:
        _group, _kind, held, known = _base(scene)
        count += (known & ~held).sum(axis=1)
    number = np.flatnonzero(plan.present[plan.numbers("message")])
    return pa.table({
        "message_id": _ids(number),
        "name": pa.array([f"老客关怀 {i + 1}" for i in number], pa.string()),
        "channel": arrow.constant("sms", len(number)),
        "sent_at": arrow.stamps(days[number] * DAY + HOUR_SENT * HOUR, plan.epoch),
        "recipients": pa.array(count[number]),
        "delivered": pa.array(count[number] * 97 // 100),
        "cost": arrow.money(count[number] * PRICE),
    })  # fmt: skip


def kinds(plan: Plan, scenes: Sequence[Scene]) -> pa.Table:
    """Return the truth per customer: kind, and what one message does to their expected orders.

    `effect` is the expected change in orders per message: the chance of an extra order for the
    persuadable, the expected orders lost within 30 days for the annoyed.
    """
    settings = plan.settings.crm
    parts = []
    for scene in scenes:
        group, kind, _held, known = _base(scene)
        who = np.flatnonzero(known.any(axis=0))
        lost = -settings.loss * group.rate[who] * 30
        effect = np.select(
            [kind[who] == PERSUADABLE, kind[who] == ANNOYED], [settings.lift, lost], 0.0
        )
        parts.append(pa.table({
            "customer_id": ids.buyers(group.key[who]),
            "kind": arrow.words(kind[who], KINDS),
            "effect": pa.array(effect),
        }))  # fmt: skip
    return pa.concat_tables(parts)


def points(plan: Plan, scenes: Sequence[Scene]) -> pa.Table:
    """Return the canonical table `loyalty_ledger`: a point a yuan on completion, gone in a year."""
    parts = []
    for scene in scenes:
        part, sale = scene.part, scene.sale
        rows = scene.rows
        member = ~part.people.guest[part.orders.customer[rows]]
        done = scene.known(scene.fate.completed[rows])
        rows = rows[member & done & (sale.paid[rows] > 0) & ~scene.closed[rows]]
        earned, at = sale.paid[rows] // 100, scene.fate.completed[rows]
        old = scene.known(at + EXPIRES * DAY)
        order = np.concatenate([rows, rows[old]])
        when = np.concatenate([at, at[old] + EXPIRES * DAY])
        change = np.concatenate([earned, -earned[old]])
        gone = np.arange(len(order)) >= len(rows)
        number = arrow.scattered(part.orders.key[order])
        owner = part.people.key[part.orders.customer[order]]
        parts.append(pa.table({
            "entry_id": arrow.digits(number, 3, "P", gone.astype(np.int64)),
            "customer_id": ids.buyers(owner),
            "at": arrow.stamps(when, plan.epoch),
            "points": pa.array(change),
            "reason": arrow.words(gone.astype(np.int64), ("earn", "expire")),
            "order_id": arrow.digits(number, 3, ids.ORDER),
        }))  # fmt: skip
    return pa.concat_tables(parts)
