"""Canonical tables of orders, lines, refunds and customers of one chunk in one world."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ecomops.sim import arrow, baskets, ids
from ecomops.sim.calendar import DAY
from ecomops.sim.fulfilment import EARLY, REASONS, Fate
from ecomops.sim.people import PROVINCES
from ecomops.sim.plan import NOBODY
from ecomops.sim.streams import ascending, spread

if TYPE_CHECKING:
    from ecomops.sim.arrow import Text
    from ecomops.sim.chunk import Chunk
    from ecomops.sim.plan import Plan
    from ecomops.sim.selling import Sale
    from ecomops.sim.streams import Bools, Floats, Ints


DESKTOP = 0.07


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
        return found.take(ascending(self.sale.created.take(found)))

    @property
    def line_rows(self) -> Ints:
        """Positions of the lines of orders that exist, in the order of their orders."""
        return self.placed[1]

    @cached_property
    def placed(self) -> tuple[Ints, Ints]:
        """The place among `rows` of each line's order, and the line's position."""
        ends = self.part.lines.ends
        count = np.diff(ends, prepend=-1).take(self.rows)
        owner, rank = spread(count)
        lines = (ends.take(self.rows) + 1 - count).take(owner) + rank
        on = self.sale.line_on.take(lines)
        return (owner, lines) if on.all() else (owner[on], lines[on])

    @cached_property
    def numbers(self) -> Text:
        """The numbers of the orders that exist."""
        key = self.part.orders.key.take(self.rows)
        return arrow.written(arrow.scattered(key), 3, ids.ORDER)

    def at(self, column: Any) -> Any:
        """Return whole numbers of the orders that exist."""
        return narrow(column).take(self.rows)

    def known(self, seconds: Floats) -> Bools:
        """Return what has happened by the end of the data."""
        return seconds < self.plan.horizon

    @cached_property
    def refunded(self) -> Ints:
        """Cents refunded by the end of the data, by possible line."""
        return self.fate.amount * self.known(self.fate.refunded)

    @cached_property
    def back(self) -> Ints:
        """Cents refunded by the end of the data, by possible order."""
        return baskets.totals(self.part.lines, self.refunded)

    @cached_property
    def closed(self) -> Bools:
        """Paid orders that were refunded whole before the end, by possible order."""
        goods = self.sale.paid - self.sale.shipping
        whole: Bools = (goods > 0) & (self.back == goods)
        return whole


def narrow(column: Any) -> Any:
    """Return whole numbers in 32 bits if they fit: fetching from half the memory is far faster."""
    return column.astype(np.int32) if column.max(initial=0) < 1 << 31 else column.astype(np.int64)


def orders(scene: Scene) -> pa.Table:
    """Return the canonical table `orders` of a scene."""
    plan, rows = scene.plan, scene.rows
    people, latent = scene.part.people, scene.part.orders
    owner, store = scene.at(latent.customer), plan.settings.store
    promo, place = scene.at(scene.sale.promo), people.province.take(owner)
    buyers = arrow.written(arrow.scattered(people.key), 3, ids.BUYER).take(owner)
    desktop = scene.part.draws(plan, "device", 1)[0] < DESKTOP
    campaigns = [f"C{p.day:%Y%m%d}" for p in plan.settings.promotions] or [""]
    return pa.table({
        "order_id": arrow.column(scene.numbers),
        "store_id": arrow.constant(store.store_id, len(rows)),
        "customer_id": arrow.nullable(arrow.column(buyers), people.guest.take(owner)),
        **_times(scene),
        "currency": arrow.constant(store.currency, len(rows)),
        **_amounts(scene),
        "source_channel": arrow.words(scene.at(scene.source), plan.settings.sources),
        "campaign_id": arrow.words(promo.clip(0), campaigns, promo == NOBODY),
        "device": arrow.words(desktop.take(rows), ["mobile", "pc"]),
        "receiver_province": arrow.words(place, [p for p, *_ in PROVINCES]),
        "receiver_city": arrow.words(place, [c for _, c, _ in PROVINCES]),
    })  # fmt: skip


def _times(scene: Scene) -> dict[str, pa.Array]:
    """Return when each order was placed, paid, shipped, received and closed, and its status."""
    sale, fate, rows, epoch = scene.sale, scene.fate, scene.rows, scene.plan.epoch
    unpaid, closed = sale.unpaid.take(rows), scene.closed.take(rows)
    shipped, completed, created = (
        scene.at(c) for c in (fate.shipped, fate.completed, sale.created)
    )
    ends = np.where(unpaid, created + DAY, scene.at(_last(scene, fate.refunded)))
    asked = np.where(closed, scene.at(_last(scene, fate.applied)), np.inf)
    until = np.minimum(asked, scene.plan.horizon)  # nothing is sent once all of it is asked back
    return {
        "created_at": arrow.stamps(created, epoch),
        "paid_at": arrow.stamps(scene.at(sale.paid_at), epoch, unpaid),
        "shipped_at": arrow.stamps(shipped, epoch, unpaid | (shipped >= until)),
        "completed_at": arrow.stamps(completed, epoch, unpaid | (completed >= until)),
        "closed_at": arrow.stamps(ends, epoch, ~(unpaid | closed) | ~scene.known(ends)),
        "order_status": _status(scene, created, unpaid, closed, shipped, completed),
    }


def _amounts(scene: Scene) -> dict[str, pa.Array]:
    """Return pieces, kinds and money of each order; points only where the shop takes them."""
    sale, off = scene.sale, scene.sale.off
    kinds = baskets.totals(scene.part.lines, sale.line_on)
    listed, shop, points, shipping = map(
        scene.at, (sale.listed, off.shop, off.points, sale.shipping)
    )
    goods = listed - shop - points
    rules = [rule for p in scene.plan.settings.promotions for rule in p.rules]
    taken = any(rule.payer == "points" for rule in (*rules, *scene.plan.settings.orders.rules))
    return {
        "item_count": pa.array(scene.at(sale.pieces).astype(np.int64)),
        "sku_kind_count": pa.array(scene.at(kinds).astype(np.int64)),
        "list_amount": arrow.money(listed),
        "shop_discount": arrow.money(shop),
        "platform_discount": arrow.money(scene.at(off.platform)),
        **({"points_discount": arrow.money(points)} if taken else {}),
        "shipping_fee": arrow.money(shipping),
        "goods_payable_amount": arrow.money(goods),
        "payable_amount": arrow.money(goods + shipping),
        "paid_amount": arrow.money(scene.at(sale.paid)),
        "refund_amount": arrow.money(scene.at(scene.back)),
    }


def _last(scene: Scene, moment: Floats) -> Floats:
    """Return when the last line of each possible order was refunded (or was asked back)."""
    last = np.zeros(len(scene.part.orders))
    back = np.flatnonzero(scene.refunded > 0)
    np.maximum.at(last, scene.part.lines.order[back], moment[back])
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
    plan, lines, sale, goods = scene.plan, scene.part.lines, scene.sale, scene.plan.catalogue
    owner, rows = scene.placed
    columns = lines.rank, lines.quantity, sale.product, sale.sku, sale.price, scene.fate.line_paid
    rank, quantity, product, sku, price, paid = (narrow(c).take(rows) for c in columns)
    number, unpaid = scene.numbers.take(owner), sale.unpaid.take(scene.rows).take(owner)
    listed = np.multiply(price, quantity, dtype=np.int64)
    return pa.table({
        "order_line_id": arrow.column(arrow.suffixed(number, rank + 1)),
        "order_id": arrow.column(number),
        "product_id": ids.products(product),
        "sku_id": ids.skus(sku),
        "product_name": arrow.words(product, [zh for zh, _ in goods.titles]),
        "sku_name": arrow.words(sku, goods.sku_names),
        "quantity": pa.array(quantity.astype(np.int64)),
        "unit_price": arrow.money(price, digits=4),
        "line_list_amount": arrow.money(listed),
        "line_discount": arrow.money((listed - paid) * ~unpaid),
        "line_paid_amount": arrow.money(paid),
        "line_cost": arrow.money(goods.cost.take(product) * quantity),
        "line_refund_amount": arrow.money(narrow(scene.refunded).take(rows)),
        "refund_status": _refund_status(scene, rows),
        "created_at": arrow.stamps(scene.at(sale.created).take(owner), plan.epoch),
        "paid_at": arrow.stamps(scene.at(sale.paid_at).take(owner), plan.epoch, unpaid),
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
