"""Canonical tables of orders, lines, refunds and customers of one chunk in one world."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ecomops.sim import arrow, baskets, ids
from ecomops.sim.calendar import DAY
from ecomops.sim.fulfilment import EARLY, REASONS, Fate
from ecomops.sim.people import PROVINCES
from ecomops.sim.plan import NOBODY
from ecomops.sim.streams import spread

if TYPE_CHECKING:
    from ecomops.sim.arrow import Text
    from ecomops.sim.chunk import Chunk
    from ecomops.sim.plan import Plan
    from ecomops.sim.selling import Sale
    from ecomops.sim.streams import Bools, Floats, Ints


DESKTOP = 0.07
POSITION = 30  # bits: more possible orders than a chunk ever has


@dataclass(frozen=True, eq=False)
class Scene:
    """One chunk in one world: what was possible, what was sold, what became of it."""

    plan: Plan
    part: Chunk
    sale: Sale
    fate: Fate
    source: Ints

    @cached_property
    def rows(self) -> Ints:
        """Positions of the orders that exist, by time of creation."""
        found = np.flatnonzero(self.sale.exists)
        both = (self.sale.created[found].astype(np.int64) << POSITION) | found
        both.sort()
        rows: Ints = both & ((1 << POSITION) - 1)
        return rows

    @cached_property
    def line_rows(self) -> Ints:
        """Positions of the lines of orders that exist, in the order of their orders."""
        order = self.part.lines.order
        count = np.bincount(order, minlength=len(self.part.orders))
        first = np.cumsum(count) - count
        rows = self.rows
        owner, rank = spread(count[rows])
        lines: Ints = first[rows][owner] + rank
        return lines[self.sale.line_on[lines]]

    @cached_property
    def numbers(self) -> Text:
        """The order numbers of all possible orders."""
        return arrow.written(arrow.scattered(self.part.orders.key), 3, ids.ORDER)

    def known(self, seconds: Floats) -> Bools:
        """Return what has happened by the end of the data."""
        return seconds < self.plan.horizon

    @cached_property
    def refunded(self) -> Ints:
        """Cents refunded by the end of the data, by possible line."""
        return self.fate.amount * self.known(self.fate.refunded)

    @cached_property
    def closed(self) -> Bools:
        """Paid orders that were refunded whole before the end, by possible order."""
        back = baskets.totals(self.part.lines.order, self.refunded, len(self.part.orders))
        goods = self.sale.paid - self.sale.shipping
        whole: Bools = (goods > 0) & (back == goods)
        return whole


def orders(scene: Scene) -> pa.Table:
    """Return the canonical table `orders` of a scene."""
    plan, rows = scene.plan, scene.rows
    people, latent = scene.part.people, scene.part.orders
    owner, store = latent.customer.take(rows), plan.settings.store
    promo, place = scene.sale.promo.take(rows), people.province.take(owner)
    campaigns = [f"C{p.day:%Y%m%d}" for p in plan.settings.promotions] or [""]
    return pa.table({
        "order_id": arrow.column(scene.numbers.take(rows)),
        "store_id": arrow.constant(store.store_id, len(rows)),
        "customer_id": arrow.nullable(ids.buyers(people.key.take(owner)), people.guest.take(owner)),
        **_times(scene),
        "currency": arrow.constant(store.currency, len(rows)),
        **_amounts(scene),
        "source_channel": arrow.words(
            scene.source.take(rows), [c.name for c in plan.settings.channels]
        ),
        "campaign_id": arrow.words(promo.clip(0), campaigns, promo == NOBODY),
        "device": arrow.words(_device(scene).take(rows), ["mobile", "pc"]),
        "receiver_province": arrow.words(place, [p for p, *_ in PROVINCES]),
        "receiver_city": arrow.words(place, [c for _, c, _ in PROVINCES]),
    })  # fmt: skip


def _times(scene: Scene) -> dict[str, pa.Array]:
    """Return when each order was placed, paid, shipped, received and closed, and its status."""
    sale, fate, rows, epoch = scene.sale, scene.fate, scene.rows, scene.plan.epoch
    unpaid, closed = sale.unpaid.take(rows), scene.closed.take(rows)
    never = unpaid | closed
    shipped, completed = fate.shipped.take(rows), fate.completed.take(rows)
    created = sale.created.take(rows)
    ends = np.where(unpaid, created + DAY, _last_refund(scene).take(rows))
    return {
        "created_at": arrow.stamps(created, epoch),
        "paid_at": arrow.stamps(sale.paid_at.take(rows), epoch, unpaid),
        "shipped_at": arrow.stamps(shipped, epoch, never | ~scene.known(shipped)),
        "completed_at": arrow.stamps(completed, epoch, never | ~scene.known(completed)),
        "closed_at": arrow.stamps(ends, epoch, ~never | ~scene.known(ends)),
        "order_status": _status(scene, created, unpaid, closed, shipped, completed),
    }


def _amounts(scene: Scene) -> dict[str, pa.Array]:
    """Return pieces, kinds and money of each order; points only where the shop takes them."""
    sale, rows, lines = scene.sale, scene.rows, scene.part.lines
    count, on = len(scene.part.orders), sale.line_on
    goods = (sale.listed - sale.off.shop - sale.off.points).take(rows)
    back = baskets.totals(lines.order, scene.refunded, count).take(rows)
    rules = [rule for p in scene.plan.settings.promotions for rule in p.rules]
    taken = any(rule.payer == "points" for rule in (*rules, *scene.plan.settings.orders.rules))
    points = {"points_discount": arrow.money(sale.off.points.take(rows))} if taken else {}
    return {
        "item_count": pa.array(sale.pieces.take(rows)),
        "sku_kind_count": pa.array(baskets.totals(lines.order, on, count).take(rows)),
        "list_amount": arrow.money(sale.listed.take(rows)),
        "shop_discount": arrow.money(sale.off.shop.take(rows)),
        "platform_discount": arrow.money(sale.off.platform.take(rows)),
        **points,
        "shipping_fee": arrow.money(sale.shipping.take(rows)),
        "goods_payable_amount": arrow.money(goods),
        "payable_amount": arrow.money(goods + sale.shipping.take(rows)),
        "paid_amount": arrow.money(sale.paid.take(rows)),
        "refund_amount": arrow.money(back),
    }


def _device(scene: Scene) -> Ints:
    device: Ints = (scene.part.draws(scene.plan, "device", 1)[0] < DESKTOP).astype(np.int64)
    return device


def _last_refund(scene: Scene) -> Floats:
    """Return when the last line of each possible order was refunded."""
    last = np.zeros(len(scene.part.orders))
    back = np.flatnonzero(scene.refunded)
    np.maximum.at(last, scene.part.lines.order[back], scene.fate.refunded[back])
    return last


STATUSES = ("unpaid", "paid", "shipped", "completed", "closed_unpaid", "closed_refunded")


def _status(
    scene: Scene, created: Floats, unpaid: Bools, closed: Bools, shipped: Floats, completed: Floats
) -> pa.Array:
    one, over = np.int8(1), scene.known(created + DAY)
    paid = one + scene.known(shipped) + scene.known(completed)
    status = np.where(unpaid, 4 * one * over, np.where(closed, 5 * one, paid))
    return arrow.words(status, STATUSES)


def order_lines(scene: Scene) -> pa.Table:
    """Return the canonical table `order_lines` of a scene."""
    plan, lines, rows, goods = scene.plan, scene.part.lines, scene.line_rows, scene.plan.catalogue
    sale = scene.sale
    order, product, quantity = (c.take(rows) for c in (lines.order, sale.product, lines.quantity))
    price, sku, paid = (c.take(rows) for c in (sale.price, sale.sku, scene.fate.line_paid))
    number, unpaid, listed = scene.numbers.take(order), sale.unpaid.take(order), price * quantity
    return pa.table({
        "order_line_id": arrow.column(arrow.suffixed(number, lines.rank[rows] + 1)),
        "order_id": arrow.column(number),
        "product_id": ids.products(product),
        "sku_id": ids.skus(sku),
        "product_name": arrow.words(product, [zh for zh, _ in goods.titles]),
        "sku_name": arrow.words(sku, goods.sku_names),
        "quantity": pa.array(quantity),
        "unit_price": arrow.money(price, digits=4),
        "line_list_amount": arrow.money(listed),
        "line_discount": arrow.money((listed - paid) * ~unpaid),
        "line_paid_amount": arrow.money(paid),
        "line_cost": arrow.money(goods.cost.take(product) * quantity),
        "line_refund_amount": arrow.money(scene.refunded.take(rows)),
        "refund_status": _refund_status(scene, rows),
        "created_at": arrow.stamps(sale.created.take(order), plan.epoch),
        "paid_at": arrow.stamps(sale.paid_at.take(order), plan.epoch, unpaid),
    })  # fmt: skip


def _refund_status(scene: Scene, rows: Ints) -> pa.Array:
    fate, status = scene.fate, np.zeros(len(rows), dtype=np.int64)
    asked = np.flatnonzero(fate.asked.take(rows))
    lines = rows[asked]
    begun = scene.known(fate.applied[lines])
    status[asked] = begun.astype(np.int64) + (begun & scene.known(fate.refunded[lines]))
    return arrow.words(status, ("none", "refunding", "refunded"))


def refunds(scene: Scene) -> pa.Table:
    """Return the canonical table `refunds`: what has been asked for by the end of the data."""
    fate, lines = scene.fate, scene.part.lines
    rows = scene.line_rows
    rows = rows[fate.asked[rows] & scene.known(fate.applied[rows])]
    rows = rows[np.lexsort((lines.rank[rows], fate.applied[rows]))]
    number = arrow.scattered(scene.part.orders.key[lines.order[rows]])
    early, partial = fate.early[rows], fate.partial[rows]
    done = scene.known(fate.refunded[rows])
    returned = ~early & ~partial
    epoch = scene.plan.epoch
    reasons = [*(name for name, _ in REASONS), *EARLY]
    return pa.table({
        "refund_id": arrow.digits(number, 3, "TK", lines.rank[rows] + 1),
        "order_id": arrow.digits(number, 3, ids.ORDER),
        "order_line_id": arrow.digits(number, 3, ids.ORDER, lines.rank[rows] + 1),
        "refund_type": arrow.words(returned.astype(np.int64), ("refund_only", "return_refund")),
        "refund_phase": arrow.words(early.astype(np.int64), ("aftersale", "onsale")),
        "refund_status": arrow.words(done.astype(np.int64), ("refunding", "refunded")),
        "applied_at": arrow.stamps(fate.applied[rows], epoch),
        "refunded_at": arrow.stamps(fate.refunded[rows], epoch, ~done),
        "refund_amount": arrow.money(fate.amount[rows]),
        "goods_received": pa.array(~early),
        "reason": arrow.words(fate.reason[rows], reasons),
    })  # fmt: skip
