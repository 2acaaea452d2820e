"""Canonical tables that list what the shop has: store, customers, products, variants, campaigns."""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ecomops.sim import arrow, crm, ids, listing, shelves
from ecomops.sim.calendar import DAY
from ecomops.sim.catalogue import attributes
from ecomops.sim.people import PROVINCES

if TYPE_CHECKING:
    from ecomops.sim.plan import Plan
    from ecomops.sim.tables import Scene


def stores(plan: Plan) -> pa.Table:
    """Return the canonical table `stores`: one row."""
    store = plan.settings.store
    names = ("store_id", "platform", "currency", "timezone")
    row = {name: [getattr(store, name)] for name in names}
    return pa.table({**row, "store_name": [store.name_zh]})


def customers(scene: Scene) -> pa.Table:
    """Return the canonical table `customers`: buyers with at least one paid order, no guests."""
    people, sale = scene.part.people, scene.sale
    paid = scene.rows[~sale.unpaid[scene.rows]]
    owner = scene.part.orders.customer[paid]
    count = len(people)
    first, last = np.full(count, np.inf), np.zeros(count)
    np.minimum.at(first, owner, sale.created[paid])
    np.maximum.at(last, owner, sale.created[paid])
    number = np.bincount(owner, minlength=count)
    total = np.bincount(owner, sale.paid[paid], minlength=count).astype(np.int64)
    found = np.flatnonzero((number > 0) & ~people.guest)
    found = found[np.lexsort((people.key[found], first[found]))]
    place = people.province[found]
    level = np.searchsorted([50_000, 150_000, 400_000], total[found], side="right")
    points = scene.plan.settings.crm.points
    return pa.table({
        "customer_id": ids.buyers(people.key[found]),
        **({"points_balance": pa.array(crm.balance(scene)[found])} if points else {}),
        "member_level": arrow.words(level, ("普通会员", "银卡会员", "金卡会员", "钻石会员")),
        "joined_at": arrow.stamps(first[found], scene.plan.epoch),
        "first_order_at": arrow.stamps(first[found], scene.plan.epoch),
        "last_order_at": arrow.stamps(last[found], scene.plan.epoch),
        "order_count": pa.array(number[found]),
        "total_paid": arrow.money(total[found]),
        "province": arrow.words(place, [p for p, *_ in PROVINCES]),
        "city": arrow.words(place, [c for _, c, _ in PROVINCES]),
        "gender": arrow.words(people.woman[found].astype(np.int64), ("男", "女")),
        "acquisition_channel": arrow.words(people.source[found], scene.plan.settings.sources),
    })  # fmt: skip


def products(plan: Plan) -> pa.Table:
    """Return the canonical table `products`, sorted by identifier."""
    goods, kinds = plan.catalogue, plan.catalogue.words["category"]
    number = np.arange(len(goods.price))
    gone = (plan.days - goods.launch > 4 * goods.fade).astype(np.int64)
    titles = [en for _, en in goods.titles]
    english = [attributes(en, kinds[c]["en"]) for en, c in zip(titles, goods.category, strict=True)]
    return pa.table({
        "product_id": ids.products(number),
        "product_name": pa.array([zh for zh, _ in goods.titles]),
        "category_l1": arrow.words(goods.category, [k["lead"][0] for k in kinds]),
        "category_l2": arrow.words(goods.category, [k["zh"] for k in kinds]),
        "article_no": pa.array([f"QH{i:05d}" for i in number]),
        "status": arrow.words(gone, ("在售", "下架")),
        "listed_at": arrow.stamps(goods.launch * DAY, plan.epoch),
        "list_price": arrow.money(goods.price),
        "unit_cost": arrow.money(goods.cost),
        "attributes": pa.array(english),
        **listing.quality(plan),
    })  # fmt: skip


def product_skus(plan: Plan) -> pa.Table:
    """Return the canonical table `product_skus`, sorted by identifier."""
    goods = plan.catalogue
    number = np.arange(len(goods.sku_product))
    return pa.table({
        "sku_id": ids.skus(number),
        "product_id": ids.products(goods.sku_product),
        "sku_name": pa.array(goods.sku_names),
        "price": arrow.money(goods.price[goods.sku_product]),
        "unit_cost": arrow.money(goods.cost[goods.sku_product]),
        "lead_time_days": pa.array(shelves.lead_times(plan)[goods.sku_product].astype(np.float64)),
    })  # fmt: skip


def campaigns(plan: Plan) -> pa.Table:
    """Return the canonical table `campaigns`: the promotions that are switched on."""
    here = [p for p in plan.settings.promotions if plan.on(p.key)]
    helped = [any(r.payer == "platform" for r in p.rules) for p in here]
    kinds = ["平台大促" if yes else "店铺活动" for yes in helped]
    last, wall = time(23, 59, 59), pa.timestamp("us")
    return pa.table({
        "campaign_id": pa.array([f"C{p.day:%Y%m%d}" for p in here], pa.string()),
        "campaign_name": pa.array([f"{p.day.year} {p.name}" for p in here], pa.string()),
        "campaign_type": pa.array(kinds, pa.string()),
        "start_at": pa.array([datetime.combine(p.span[0], time()) for p in here], wall),
        "end_at": pa.array([datetime.combine(p.span[1], last) for p in here], wall),
    })  # fmt: skip
