"""Listings: pictures, attributes, planted defects, and each product's daily traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ecomops.sim import arrow, ids
from ecomops.sim.calendar import DAY
from ecomops.sim.catalogue import DEFECT
from ecomops.sim.streams import counted, distinct, stream

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ecomops.sim.plan import Plan
    from ecomops.sim.streams import Floats, Ints
    from ecomops.sim.tables import Scene

KINDS = ("images", "attributes")
ASKED, FILMED = 18, 0.6
CONVERSION = 0.02
CARTS = 4.0


def defects(plan: Plan) -> Ints:
    """Return the planted defect of each listing: a position in `KINDS`, -1 for none.

    Those of the catalogue cost orders; those of `Listing` have more visitors instead.
    """
    random = stream(plan.seed, "listing")
    lot, kind = random.random((2, len(plan.catalogue.price)))
    bad = plan.catalogue.defect | (lot < plan.settings.listing.defects)
    return np.where(bad, (kind * len(KINDS)).astype(np.int64), -1)


def quality(plan: Plan) -> dict[str, pa.Array]:
    """Return the columns of `products` that tell how a listing is made."""
    random = stream(plan.seed, "pictures")
    count, bad = len(plan.catalogue.price), defects(plan)
    images, filled = random.integers(5, 10, count), random.integers(14, ASKED + 1, count)
    film, few = random.random(count), random.integers(1, 3, count)
    empty = random.integers(3, 7, count)
    return {
        "image_count": pa.array(np.where(bad == KINDS.index("images"), few, images)),
        "has_video": pa.array(film < FILMED),
        "attributes_filled": pa.array(np.where(bad == KINDS.index("attributes"), empty, filled)),
        "attributes_total": pa.array(np.full(count, ASKED)),
    }


def _conversion(plan: Plan) -> Floats:
    """Return the chance that a visitor of each product buys it: by price, by lot, by defect."""
    lot = stream(plan.seed, "conversion").standard_normal(len(plan.catalogue.price))
    price = plan.catalogue.price / np.median(plan.catalogue.price)
    chance: Floats = CONVERSION * price**-0.4 * np.exp(0.25 * lot)
    return np.where(defects(plan) >= 0, DEFECT, 1.0) * chance


def _orders(plan: Plan, scenes: Sequence[Scene]) -> Mapping[str, Ints]:
    """Return buyers (orders), pieces and cents by (product, day)."""
    shape = (len(plan.catalogue.price), plan.days)
    sums = {name: np.zeros(shape[0] * shape[1]) for name in ("orders", "pieces", "cents")}
    for scene in scenes:
        rows, sale, lines = scene.line_rows, scene.sale, scene.part.lines
        rows = rows[~sale.unpaid[lines.order[rows]]]
        order = lines.order[rows]
        cell = sale.product[rows] * plan.days + (sale.paid_at[order] // DAY).astype(np.int64)
        once = distinct(cell * len(scene.part.orders) + order) // len(scene.part.orders)
        sums["orders"] += np.bincount(once, minlength=len(sums["orders"]))
        for name, value in (("pieces", lines.quantity), ("cents", scene.fate.line_paid)):
            sums[name] += np.bincount(cell, value[rows], minlength=len(sums[name]))
    return {name: np.rint(t).astype(np.int64).reshape(shape) for name, t in sums.items()}


def _visitors(plan: Plan, orders: Ints) -> Ints:
    """Return visitors of the last days by (product, day), never fewer than buyers.

    What a product sells in seven weeks (in all days of a shop that has fewer), at the shop's
    daily pace, over its conversion. Nobody sees a product before it is listed.
    """
    ones, last = np.ones(min(49, plan.days)), slice(-plan.settings.listing.days, None)
    pace = plan.daily * (np.arange(plan.days) >= plan.catalogue.launch[:, None])
    whole, usual = (
        np.array([np.convolve(row, ones, mode="same") for row in table.astype(np.float64)])
        for table in (orders, pace)
    )
    mean = whole * pace / usual.clip(1e-9) / _conversion(plan)[:, None]
    return np.maximum(counted(stream(plan.seed, "shoppers"), mean[:, last]), orders[:, last])


def traffic(plan: Plan, scenes: Sequence[Scene]) -> pa.Table:
    """Return the rows of `traffic_daily` at level "product", of the last days."""
    made = _orders(plan, scenes)
    seen = _visitors(plan, made["orders"])
    first = plan.days - seen.shape[1]
    sums = {name: table[:, first:] for name, table in made.items()}
    product, day = np.nonzero(seen)
    carts = counted(stream(plan.seed, "wanted"), CARTS * (1 + sums["orders"]))
    here = product, day
    return pa.table({
        "date": arrow.dates(first + day, plan.epoch),
        "store_id": arrow.constant(plan.settings.store.store_id, len(day)),
        "level": arrow.constant("product", len(day)),
        "product_id": ids.products(product),
        "device": arrow.constant("all", len(day)),
        "visitors": pa.array(seen[here]),
        "cart_users": pa.array(np.clip(carts[here], sums["orders"][here], seen[here])),
        "pay_buyers": pa.array(sums["orders"][here]),
        "pay_orders": pa.array(sums["orders"][here]),
        "pay_quantity": pa.array(sums["pieces"][here]),
        "pay_amount": arrow.money(sums["cents"][here]),
    })  # fmt: skip


def planted(plan: Plan) -> dict[str, pa.Array]:
    """Return the truth by product: its defect, and the conversion of its visitors."""
    bad = defects(plan)
    return {
        "defect_kind": arrow.words(bad.clip(0), KINDS, bad < 0),
        "conversion": pa.array(_conversion(plan)),
    }
