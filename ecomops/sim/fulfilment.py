"""After the payment: shipping, receipt, refunds and what of it is known at the data's end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtri

from ecomops.sim import baskets, ids
from ecomops.sim.calendar import DAY, HOUR
from ecomops.sim.plan import batch_product
from ecomops.sim.presets import facts
from ecomops.sim.streams import pick

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecomops.sim.chunk import Chunk
    from ecomops.sim.plan import Plan
    from ecomops.sim.selling import Sale
    from ecomops.sim.streams import Bools, Floats, Ints

REASONS: Sequence[tuple[str, float]] = facts("people")["returns"]
EARLY: Sequence[str] = facts("people")["regrets"]
EARLIER, PARTLY = 0.2, 0.93


@dataclass(frozen=True)
class Fate:
    """Delivery by possible order, refunds by possible line; times in seconds, money in cents.

    What is told about a refund is 0 for lines for which none is asked; `early` tells of every
    line whether it would be sent back before dispatch.

    Refunds are all that will ever be asked for; `horizon` decides what is known already.
    """

    shipped: Floats
    completed: Floats
    asked: Bools
    early: Bools
    partial: Bools
    applied: Floats
    refunded: Floats
    amount: Ints
    reason: Ints
    line_paid: Ints


def fulfil(plan: Plan, part: Chunk, sale: Sale) -> Fate:
    """Return delivery and refunds of the possible orders of `part`.

    Refunds before dispatch come within hours, returns days after receipt, so the refund rate of
    the last weeks is not final yet.
    """
    pack, road, accept = part.draws(plan, "delivery", 3)
    peak = 1 + 1.6 * (sale.promo >= 0)
    shipped = np.floor(sale.paid_at + 9 * HOUR * np.exp(0.6 * ndtri(pack)) * peak)
    received = shipped + 2.3 * DAY * np.exp(0.35 * ndtri(road))
    completed = np.floor(received + np.minimum(-4.5 * DAY * np.log1p(-accept), 10 * DAY))
    goods = sale.paid - sale.shipping * (sale.paid > 0)
    listed = sale.price * part.lines.quantity * sale.line_on
    line_paid = baskets.share_out(part.lines, goods, listed)
    return _returns(plan, part, sale, shipped, received, completed, line_paid)


def _returns(
    plan: Plan, part: Chunk, sale: Sale, shipped: Floats, received: Floats, completed: Floats,
    line_paid: Ints,
) -> Fate:  # fmt: skip
    lots = part.draws(plan, "refunds", 6, lines=True)
    order = part.lines.order
    chance = np.array([k["returned"] for k in plan.catalogue.words["category"]])
    hazard = (chance * plan.settings.returns.level)[plan.catalogue.category].take(sale.product)
    if plan.settings.returns.batch:
        hazard += _batch(plan, sale, order)
    asked = (lots[0] < hazard) & ~sale.unpaid.take(order) & (line_paid > 0)
    rows = np.flatnonzero(asked)
    _, phase, wait, handle, why, cut = lots.take(rows, axis=1)
    own = order.take(rows)
    early, partial = phase < EARLIER, phase > PARTLY
    paid_at = sale.paid_at.take(own)
    soon = paid_at + 300 + wait * np.maximum(shipped.take(own) - paid_at - 600, 0)
    later = received.take(own) + (0.15 - 2.1 * np.log1p(-wait)) * DAY
    applied = np.floor(np.where(early, soon, later))
    refunded = np.floor(applied + np.where(early, 0.2, 1.2 + 4.5 * handle) * DAY)
    share = np.where(partial, np.round(0.1 + 0.3 * cut, 2), 1.0)
    amount = np.floor(line_paid[rows] * share).astype(np.int64)
    usual = pick(why, np.array([weight for _, weight in REASONS]))
    reason = np.where(early, len(REASONS) + (why * len(EARLY)).astype(np.int64), usual)
    told = {"partial": partial, "applied": applied, "refunded": refunded, "amount": amount}
    placed = {n: _placed(rows, len(order), c) for n, c in (told | {"reason": reason}).items()}
    return Fate(
        shipped=shipped, completed=completed, asked=asked, early=lots[1] < EARLIER,
        line_paid=line_paid, **placed,
    )  # fmt: skip


def _placed(rows: Ints, count: int, values: Any) -> Any:
    """Return values at their rows among `count`, 0 elsewhere."""
    column = np.zeros(count, dtype=values.dtype)
    column[rows] = values
    return column


def _batch(plan: Plan, sale: Sale, order: Ints) -> Floats:
    """Return the added chance of a return for lines of the bad batch."""
    settings = plan.settings.returns
    product = batch_product(plan.catalogue)
    on = plan.on(f"batch:{ids.product_name(product)}")
    late = sale.created[order] >= settings.batch_from * plan.horizon
    added: Floats = settings.batch * (on & late & (sale.product == product))
    return added
