"""Messages to customers and the points ledger: canonical tables, who was sent what, and truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ecomops.sim import arrow, found, ids
from ecomops.sim.calendar import DAY, HOUR
from ecomops.sim.latent import ANNOYED, HOUR_SENT, PERSUADABLE, gone, senders

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecomops.sim.people import People
    from ecomops.sim.plan import Plan
    from ecomops.sim.streams import Bools, Floats, Ints
    from ecomops.sim.tables import Scene

KINDS = ("indifferent", "persuadable", "annoyed")
PRICE = 5
EXPIRES = 365


def _base(scene: Scene) -> tuple[People, Ints, Bools, Bools]:
    """Return a chunk's people, their kinds, who is held out and who could be sent to, by send."""
    plan, group = scene.plan, scene.part.own
    kind, held = senders(plan, group, scene.part.number)
    known = (group.arrival < plan.sends[:, None] * float(DAY)) & ~group.guest & (group.cause == -1)
    if plan.settings.found:
        orders, shape = scene.part.orders, known.shape
        caused = np.zeros(shape[0] * shape[1], dtype=bool)
        sent = np.isin(orders.requires, plan.numbers("message"))
        sent &= orders.customer < shape[1]  # clones at a lower price are placed by others
        number = np.searchsorted(plan.numbers("message"), orders.requires[sent])
        caused[number * shape[1] + orders.customer[sent]] = True
        held = found.held_out(plan, known, kind, caused.reshape(shape), scene.part.number)
    return group, kind, held, known


def _ids(number: Ints) -> pa.Array:
    return arrow.digits(number + 1, 1, "M")


def sends(plan: Plan, scenes: Sequence[Scene]) -> pa.Table:
    """Return the canonical table `message_sends`: who was sent each one or held out at random."""
    on = plan.present[plan.numbers("message")]
    parts = []
    for scene in scenes:
        group, _kind, held, known = _base(scene)
        which, who = np.nonzero(known & on[:, None])
        parts.append(pa.table({
            "message_id": _ids(which),
            "customer_id": ids.buyers(group.key[who]),
            "sent_at": arrow.stamps(plan.sends[which] * DAY + HOUR_SENT * HOUR, plan.epoch),
            "is_holdout": pa.array(held[which, who]),
            "propensity": pa.array(np.full(len(who), 1 - plan.settings.crm.holdout)),
            "channel": arrow.constant("sms", len(who)),
            "cost": arrow.money(np.where(held[which, who], 0, PRICE)),
        }))  # fmt: skip
    return pa.concat_tables(parts)


def campaigns(plan: Plan, scenes: Sequence[Scene]) -> pa.Table:
    """Return the canonical table `message_campaigns`: sends that are switched on."""
    days = plan.sends
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
        group, kind, held, known = _base(scene)
        who = np.flatnonzero(known.any(axis=0))
        lost = -settings.loss * group.rate[who] * 30
        won = np.full(len(who), settings.lift)
        if plan.settings.found:
            open_to = known & ~held & (kind == PERSUADABLE)
            won, lost = _won(scene, group, known, open_to)[who], 0 * lost
        effect = np.select([kind[who] == PERSUADABLE, kind[who] == ANNOYED], [won, lost], 0.0)
        parts.append(pa.table({
            "customer_id": ids.buyers(group.key[who]),
            "kind": arrow.words(kind[who], KINDS),
            "effect": pa.array(effect),
        }))  # fmt: skip
    return pa.concat_tables(parts)


def _won(scene: Scene, group: People, known: Bools, open_to: Bools) -> Floats:
    """Return the expected orders that one message brings, were each customer persuadable.

    As many as messages really brought, in proportion to the chance to buy: rate while alive.
    """
    part, plan = scene.part, scene.plan
    base = part.orders.take(np.arange(part.blocks["orders"]))
    sent = plan.sends[:, None] * float(DAY)
    weight = known * (gone(group, base) > sent) * group.rate
    brought = np.isin(base.requires, plan.numbers("message")).sum()
    each = weight.sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    won: Floats = brought / max(float(weight[open_to].sum()), 1e-9) * each
    return won


def _earned(scene: Scene) -> tuple[Ints, Floats, Ints, Floats]:
    """Return members' completed orders, when, the points of each and when it gives a gift.

    A share of what is earned is spent whole on gifts some months later, before it expires.
    """
    part, sale, plan = scene.part, scene.sale, scene.plan
    rows = scene.rows
    member = ~part.people.guest[part.orders.customer[rows]]
    done = scene.known(scene.fate.completed[rows])
    rows = rows[member & done & (sale.paid[rows] > 0) & ~scene.closed[rows]]
    lot, late = part.draws(plan, "gifts", 2)[:, rows]
    at = scene.fate.completed[rows]
    spent = np.floor(at - 120 * DAY * np.log1p(-late))
    spends = (lot < plan.settings.crm.redeemed) & (spent < at + EXPIRES * DAY)
    return rows, at, sale.paid[rows] // 100, np.where(spends, spent, np.inf)


def points(plan: Plan, scenes: Sequence[Scene]) -> pa.Table:
    """Return the canonical table `loyalty_ledger`: a point a yuan on completion, gone in a year."""
    parts = []
    for scene in scenes:
        part = scene.part
        rows, at, earned, gift = _earned(scene)
        given = scene.known(gift)
        old = ~np.isfinite(gift) & scene.known(at + EXPIRES * DAY)
        kind = np.repeat([0, 1, 2], [len(rows), given.sum(), old.sum()])
        order = np.concatenate([rows, rows[given], rows[old]])
        when = np.concatenate([at, gift[given], at[old] + EXPIRES * DAY])
        parts.append(pa.table({
            "entry_id": arrow.digits(part.orders.key[order], 3, "P", kind),
            "customer_id": ids.buyers(part.people.key[part.orders.customer[order]]),
            "at": arrow.stamps(when, plan.epoch),
            "points": pa.array(np.concatenate([earned, -earned[given], -earned[old]])),
            "reason": arrow.words(kind, ("earn", "redeem", "expire")),
        }))  # fmt: skip
    return pa.concat_tables(parts)


def balance(scene: Scene) -> Ints:
    """Return each customer's points at the end of the data."""
    rows, at, earned, gift = _earned(scene)
    kept = ~scene.known(gift) & ~(~np.isfinite(gift) & scene.known(at + EXPIRES * DAY))
    owner = scene.part.orders.customer[rows]
    left: Ints = np.bincount(owner, earned * kept, len(scene.part.people)).astype(np.int64)
    return left
