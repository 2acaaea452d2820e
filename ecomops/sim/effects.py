"""Causes order by order: what each intervention did to each possible order.

For every intervention the orders that it can touch are sold again without it; what differs is
its effect. Orders do not depend on each other, so effects add up to the difference between the
world and its twin, to the cent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ecomops.sim.calendar import HOUR
from ecomops.sim.plan import NOBODY
from ecomops.sim.selling import sell

if TYPE_CHECKING:
    from ecomops.sim.chunk import Chunk
    from ecomops.sim.plan import Plan
    from ecomops.sim.selling import Sale
    from ecomops.sim.streams import Bools, Floats, Ints

CAUSES = (
    "incremental", "lost", "pulled", "waited", "switched", "halo", "repriced", "unpaid",
)  # fmt: skip
NO_MONEY = ("batch", "brushing", "dirt")


@dataclass(frozen=True)
class Effects:
    """One row per possible order and intervention that did something to it.

    `before` is what would have been without the intervention, `after` what is; both in cents,
    0 where the order does not exist. Times are in seconds, NaN where it does not exist.
    """

    order: Ints
    intervention: Ints
    cause: Ints
    created: Floats
    created_before: Floats
    paid: Ints
    paid_before: Ints


def effects(plan: Plan, part: Chunk, sale: Sale) -> Effects:
    """Return what the interventions that are switched on did to the orders of a chunk."""
    rows = [_one(plan, part, sale, key) for key in plan.index if plan.on(key)]
    empty, none = np.empty(0, dtype=np.int64), np.empty(0)
    columns = zip(*rows, strict=True) if rows else [[]] * 7
    starts = (empty, empty, empty, none, none, empty, empty)
    return Effects(*(np.concatenate([s, *c]) for s, c in zip(starts, columns, strict=True)))


def _one(
    plan: Plan, part: Chunk, sale: Sale, key: str
) -> tuple[Ints, Ints, Ints, Floats, Floats, Ints, Ints]:
    """Return the columns of one intervention."""
    rows = np.flatnonzero(touched(plan, part, key))
    piece = part.part(rows)
    other = sell(plan.without([key]), piece)
    here = sale.exists[rows], sale.created[rows], sale.paid[rows], sale.unpaid[rows]
    paid, before = here[0] * here[2], other.exists * other.paid
    cause = _cause(here, other, _goods_differ(part, sale, other, piece))
    told = cause != NOBODY
    number = np.full(int(told.sum()), plan.index[key])
    created = np.where(here[0], here[1], np.nan)[told]
    created_before = np.where(other.exists, other.created, np.nan)[told]
    return rows[told], number, cause[told], created, created_before, paid[told], before[told]


def _goods_differ(part: Chunk, sale: Sale, other: Sale, piece: Chunk) -> tuple[Bools, Bools]:
    """Return by order whether a product changed, and whether there are more lines than before."""
    lines = piece.whole[2] if piece.whole else np.arange(len(part.lines))
    count = len(piece.orders)
    changed = (sale.product[lines] != other.product) & sale.line_on[lines] & other.line_on
    more = sale.line_on[lines] & ~other.line_on
    each = piece.lines.order
    return (
        np.bincount(each, changed, minlength=count) > 0,
        np.bincount(each, more, minlength=count) > 0,
    )


def _cause(
    here: tuple[Bools, Floats, Ints, Bools], other: Sale, goods: tuple[Bools, Bools]
) -> Ints:
    """Return the code of what was done to each order, -1 for nothing."""
    exists, created, paid, unpaid = here
    both: Bools = exists & other.exists
    tests = {
        "incremental": exists & ~other.exists,
        "lost": ~exists & other.exists,
        "pulled": both & (created < other.created),
        "waited": both & (created > other.created),
        "unpaid": both & unpaid & ~other.unpaid,
        "halo": both & goods[1],
        "switched": both & goods[0],
        "repriced": both & (paid != other.paid),
    }
    codes = [CAUSES.index(name) for name in tests]
    cause: Ints = np.select(list(tests.values()), codes, NOBODY)
    return cause


def touched(plan: Plan, part: Chunk, key: str) -> Bools:
    """Return the possible orders that an intervention may do something to."""
    orders, number = part.orders, plan.index[key]
    named: Bools = (part.people.cause[orders.customer] == number) | (orders.requires == number)
    named |= (orders.blocked == number) | (orders.mover == number)
    kind, _, rest = key.partition(":")
    if kind in NO_MONEY:
        return np.zeros(len(orders), dtype=bool)
    if kind == "promo":
        promo = next(p for p in plan.settings.promotions if p.key == key)
        named |= _within(orders.time, orders.moved, plan.window(promo.day, promo.first, promo.last))
    elif kind in ("price", "stockout"):
        named |= _in_category(plan, part, rest.split(":")[0])
    elif kind == "incident":
        named |= _in_incident(plan, part, key)
    return named


def _within(time: Floats, moved: Floats, window: tuple[float, float]) -> Bools:
    low, high = window[0] - HOUR, window[1] + HOUR
    inside: Bools = ((time >= low) & (time < high)) | ((moved >= low) & (moved < high))
    return inside


def _in_category(plan: Plan, part: Chunk, product: str) -> Bools:
    """Return the orders with a possible line in the product's category: rivals are of the same."""
    goods = plan.catalogue
    kind = goods.category[(int(product[4:]) - 6_0000) // 37]
    lines = part.lines
    mine = goods.category[lines.product] == kind
    inside: Bools = np.bincount(lines.order, mine, minlength=len(part.orders)) > 0
    return inside


def _in_incident(plan: Plan, part: Chunk, key: str) -> Bools:
    incident = next(i for i in plan.settings.incidents if i.key == key)
    if incident.kind != "payment":
        return np.zeros(len(part.orders), dtype=bool)
    return _within(part.orders.time, part.orders.moved, plan.outage(incident))
