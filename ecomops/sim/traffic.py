"""Daily traffic by source and of the shop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from scipy.special import ndtri

from ecomops.sim import arrow
from ecomops.sim.calendar import whole
from ecomops.sim.streams import distinct, stream

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ecomops.sim.plan import Plan
    from ecomops.sim.streams import Floats, Ints
    from ecomops.sim.tables import Scene

SUMS = ("pay_buyers", "pay_orders", "pay_quantity", "pay_amount", "new_pay_buyers", "order_buyers",
        "refund_amount")  # fmt: skip
COUNTS = ("order_buyers", "pay_buyers", "pay_orders", "pay_quantity", "new_pay_buyers")
OVERLAP = 0.87
CART = 0.095  # share of visitors who put something into their cart


def sums(scene: Scene) -> Mapping[str, Ints]:
    """Return additive daily sums of one chunk as (day, source) arrays; the last source is "shop".

    Buyers of different chunks differ, so distinct counts add over chunks.
    """
    sale, rows = scene.sale, scene.rows
    paid = rows[~sale.unpaid[rows]]
    owner = scene.part.orders.customer
    lines = scene.part.lines
    known = scene.line_rows[scene.refunded[scene.line_rows] > 0]
    first = np.full(len(scene.part.people), np.inf)
    np.minimum.at(first, owner[paid], sale.paid_at[paid])
    new = paid[sale.paid_at[paid] == first[owner[paid]]]
    return {
        "pay_buyers": _distinct(scene, paid, sale.paid_at),
        "pay_orders": _sum(scene, paid, sale.paid_at, np.ones(len(paid))),
        "pay_quantity": _sum(scene, paid, sale.paid_at, sale.pieces[paid]),
        "pay_amount": _sum(scene, paid, sale.paid_at, sale.paid[paid]),
        "new_pay_buyers": _distinct(scene, new, sale.paid_at),
        "order_buyers": _distinct(scene, rows, sale.created),
        "refund_amount": _sum(
            scene, lines.order[known], scene.fate.refunded[known], scene.refunded[known],
            aligned=True,
        ),
    }  # fmt: skip


def _sum(
    scene: Scene, orders: Ints, seconds: Floats, weight: Floats | Ints, *, aligned: bool = False
) -> Ints:
    """Return sums by (day, source), with the shop's total as the last source."""
    day = whole(seconds if aligned else seconds[orders])
    width = len(scene.plan.settings.channels) + 1
    shape = (scene.plan.days, width)
    cell = day * width + scene.source[orders]
    table = np.bincount(cell, weight, minlength=shape[0] * width).reshape(shape)
    table[:, -1] = table[:, :-1].sum(axis=1)
    return np.rint(table).astype(np.int64)


def _distinct(scene: Scene, orders: Ints, seconds: Floats) -> Ints:
    """Return distinct buyers by (day, source) and, as the last source, by day."""
    width = len(scene.plan.settings.channels) + 1
    day = whole(seconds[orders])
    owner = scene.part.orders.customer[orders]
    people = len(scene.part.people)
    cells = distinct((day * width + scene.source[orders]) * people + owner) // people
    days = distinct(day * people + owner) // people
    table = np.bincount(cells, minlength=scene.plan.days * width).reshape(-1, width)
    table[:, -1] = np.bincount(days, minlength=scene.plan.days)
    return table


def visitors(plan: Plan, buyers: Ints) -> Ints:
    """Return daily visitors by (day, source) and, as the last source, of the shop.

    Those who do not buy come with the calendar, more evenly than orders do; the shop counts a
    visitor of several sources once, so its number is below the sum.
    """
    channels = plan.settings.channels
    uniform = stream(plan.seed, "visitors").random((plan.days, len(channels) + 1))
    orders = plan.settings.customers.count * 1.9 / plan.days
    level = np.diff(plan.arrivals.tau)[: plan.days * 24].reshape(plan.days, 24).sum(axis=1)
    level = (level / level.mean()) ** 0.72
    base = np.array([0.6 * c.mix + 0.4 * c.again for c in channels])
    rates = np.array([c.conversion for c in channels])
    present = [plan.on(c.key) if c.paid else True for c in channels]
    mean = orders * level[:, None] * (base / base.sum() / rates) * present
    others = np.rint(mean * np.exp(0.10 * ndtri(uniform[:, :-1]))).astype(np.int64)
    table = np.empty((plan.days, len(channels) + 1), dtype=np.int64)
    table[:, :-1] = others + buyers[:, :-1]
    share = OVERLAP + 0.02 * (uniform[:, -1] - 0.5)
    table[:, -1] = np.maximum(np.rint(table[:, :-1].sum(axis=1) * share), buyers[:, -1])
    return table


def traffic_daily(plan: Plan, daily: Mapping[str, Ints]) -> pa.Table:
    """Return the canonical table `traffic_daily`: one row a day per source and one for the shop."""
    names = plan.settings.sources
    width = len(names) + 1
    seen = np.maximum(visitors(plan, daily["order_buyers"]), daily["pay_buyers"])
    lot = stream(plan.seed, "pages").random((3, plan.days, width))
    pages = np.rint(seen * (2.6 + 0.5 * lot[0])).astype(np.int64)
    # each visitor decides alone: binomial, as the normal distribution comes near it
    carts = np.rint(seen * CART + np.sqrt(seen * CART * (1 - CART)) * ndtri(lot[1]))
    carts = np.clip(carts, daily["order_buyers"], seen).astype(np.int64)
    new = np.rint(seen * (0.66 + 0.06 * lot[2])).astype(np.int64)
    source = np.tile(np.arange(width), plan.days)
    shop = source == width - 1
    numbers = {"visitors": seen, "new_visitors": new, "pageviews": pages, "cart_users": carts}
    numbers |= {name: daily[name] for name in COUNTS}
    whole = {k: pa.array(v.ravel()) for k, v in numbers.items()}
    table = pa.table({
        "date": arrow.dates(np.repeat(np.arange(plan.days), width), plan.epoch),
        "store_id": arrow.constant(plan.settings.store.store_id, len(source)),
        "level": arrow.words(shop.astype(np.int64), ("source", "shop")),
        "source_l1": arrow.words(np.where(shop, 0, source), names, shop),
        "device": arrow.constant("all", len(source)),
        **whole,
        "pay_amount": arrow.money(daily["pay_amount"].ravel()),
        "refund_amount": arrow.money(daily["refund_amount"].ravel()),
    })  # fmt: skip
    told = sum(daily[name].ravel() for name in ("pay_amount", "refund_amount")) > 0
    return table.filter(pa.array((seen.ravel() > 0) | shop | told))


def add(parts: Sequence[Mapping[str, Ints]]) -> Mapping[str, Ints]:
    """Return the sums of several chunks."""
    return {name: np.sum([p[name] for p in parts], axis=0) for name in SUMS}
