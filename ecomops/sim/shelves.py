"""Stock on hand and on its way by variant and day, and the demand that stock-outs hide."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ecomops.sim import arrow, ids
from ecomops.sim.calendar import DAY, whole
from ecomops.sim.selling import sell
from ecomops.sim.streams import stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecomops.sim.chunk import Chunk
    from ecomops.sim.plan import Plan
    from ecomops.sim.selling import Sale
    from ecomops.sim.streams import Floats, Ints
    from ecomops.sim.tables import Scene

COVER = 28


def lead_times(plan: Plan) -> Ints:
    """Return the days between ordering and delivery of each product, 5 to 25."""
    lot = stream(plan.seed, "lead").gamma(6.0, 2.0, len(plan.catalogue.price))
    days: Ints = np.rint(lot).clip(5, 25).astype(np.int64)
    return days


def sold(plan: Plan, scenes: Sequence[Scene], since: int = 0) -> Ints:
    """Return pieces of paid orders by (variant, day), from the day `since` on."""
    shape = (len(plan.catalogue.sku_product), plan.days - since)
    table: Floats = np.zeros(shape[0] * shape[1])
    for scene in scenes:
        table += _pieces(plan, scene.part, scene.sale, scene.sale.sku, shape[0], since)
    return np.rint(table).astype(np.int64).reshape(shape)


def _pieces(plan: Plan, part: Chunk, sale: Sale, what: Ints, rows: int, since: int) -> Floats:
    order = part.lines.order
    here = sale.exists & ~sale.unpaid & (sale.created >= since * DAY)
    on = np.flatnonzero(sale.line_on & here[order])
    cell = what[on] * (plan.days - since) + whole(sale.created[order[on]]) - since
    pieces = np.bincount(cell, part.lines.quantity[on], minlength=rows * (plan.days - since))
    return pieces.astype(np.float64)


def _ever(plan: Plan, scenes: Sequence[Scene]) -> Ints:
    """Return pieces of paid orders by variant."""
    total = np.zeros(len(plan.catalogue.sku_product))
    for scene in scenes:
        order, sale = scene.part.lines.order, scene.sale
        on = sale.line_on & (sale.exists & ~sale.unpaid)[order]
        total += np.bincount(sale.sku, scene.part.lines.quantity * on, minlength=len(total))
    return np.rint(total).astype(np.int64)


def _ahead(pieces: Ints) -> Ints:
    """Return pieces by (variant, day) with eight further weeks at the pace of the last eight."""
    rate = pieces[:, -2 * COVER :].sum(axis=1) / (2 * COVER)
    days: Ints = np.arange(1, 2 * COVER + 1)
    more = np.diff(np.floor(rate[:, None] * days), axis=1, prepend=0).astype(np.int64)
    return np.concatenate([pieces, more], axis=1)


def _levels(plan: Plan, pieces: Ints, ever: Ints) -> tuple[Ints, Ints]:
    """Return stock at the end of each day and what is on its way, by (variant, day).

    `pieces` are those of the last days, `ever` those of all. Deliveries come every four weeks and
    cover what will be sold until the next one and some more; a spell without stock empties the
    shelf (what is left goes to another warehouse) and ends with a delivery. Lean products have no
    spare pieces, and nothing left at the end.
    """
    owner, days, width = plan.catalogue.sku_product, plan.days, pieces.shape[1]
    lot = stream(plan.seed, "shelf").random((2, len(plan.catalogue.price)))
    wanted = _ahead(pieces)
    phase = (lot[0] * COVER).astype(np.int64)[owner]
    lean = (lot[1] < plan.settings.stock.short)[owner]
    day: Ints = np.arange(wanted.shape[1])
    turn = (day + days - width + phase[:, None]) % COVER
    running = np.cumsum(wanted, axis=1)
    end = np.minimum(day + COVER - 1 - turn, wanted.shape[1] - 1)
    spare = 1 + (ever + wanted[:, width:].sum(axis=1)) * COVER // (2 * days)
    level = np.take_along_axis(running, end, axis=1) - running + np.where(lean, 0, spare)[:, None]
    level[(ever == 0) & ~lean] = 2
    late = day >= width - 1 - turn[:, [width - 1]]
    left = (running[:, [width - 1]] - running).clip(0)
    level = np.where(lean[:, None] & late, left, level)
    out = plan.stock.out(days, len(plan.catalogue.price), plan.present[plan.numbers("stockout")])
    level[:, :width][(out[:, days - width :] >= 0)[owner]] = 0
    came = np.cumsum((np.diff(level, axis=1, prepend=0) + wanted).clip(0), axis=1)
    due = np.minimum(day + lead_times(plan)[owner][:, None], wanted.shape[1] - 1)
    inbound = np.take_along_axis(came, due, axis=1) - came
    return level[:, :width], inbound[:, :width]


def snapshots(plan: Plan, scenes: Sequence[Scene]) -> pa.Table:
    """Return the canonical table `inventory_snapshots`: variant by day, from its launch on."""
    goods, history = plan.catalogue, plan.settings.stock.history
    since = max(plan.days - max(history, 2 * COVER), 0)
    pieces = sold(plan, scenes, since)
    level, inbound = _levels(plan, pieces, _ever(plan, scenes))
    day: Ints = np.arange(since, plan.days)
    listed = goods.launch[goods.sku_product][:, None] <= day
    row, at = np.nonzero(listed & (day >= plan.days - history))
    held = pa.array(level[row, at])
    return pa.table({
        "date": arrow.dates(day[at], plan.epoch),
        "sku_id": ids.skus(row),
        "warehouse_id": arrow.constant("W1", len(row)),
        "on_hand": held,
        "available": held,
        "inbound": pa.array(inbound[row, at]),
        "unit_cost": arrow.money(goods.cost[goods.sku_product[row]]),
        "outbound_qty": pa.array(pieces[row, at]),
    })  # fmt: skip


def demanded(plan: Plan, scenes: Sequence[Scene]) -> pa.Table:
    """Return the truth by product over the days of the snapshots: pieces wanted and sold.

    `demanded` is what the shop without any stock-out sells, substitutes and all.
    """
    keys = [key for key in plan.index if key.startswith("stockout:")]
    calm, count = plan.without(keys), len(plan.catalogue.price)
    first = max(plan.days - plan.settings.stock.history, 0)
    wanted, got = np.zeros((2, count * (plan.days - first)))
    for scene in scenes:
        free = sell(calm, scene.part)
        wanted += _pieces(plan, scene.part, free, free.product, count, first)
        got += _pieces(plan, scene.part, scene.sale, scene.sale.product, count, first)
    out = plan.stock.out(plan.days, count, plan.present[plan.numbers("stockout")]) >= 0
    sums = [np.rint(t).astype(np.int64).reshape(count, -1).sum(axis=1) for t in (wanted, got)]
    return pa.table({
        "product_id": ids.products(np.arange(count)),
        "demanded": pa.array(sums[0]),
        "sold": pa.array(sums[1]),
        "days_out": pa.array(out[:, first:].sum(axis=1)),
        "lead_time_days": pa.array(lead_times(plan)),
    })  # fmt: skip
