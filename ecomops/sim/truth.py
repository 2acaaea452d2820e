"""The truth tables of a world: parameters, latents, causes and effects."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ecomops.sim import arrow, baskets, ids, listing, media
from ecomops.sim.calendar import DAY
from ecomops.sim.effects import CAUSES, Effects
from ecomops.sim.plan import NOBODY
from ecomops.sim.prices import best_factor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecomops.sim.plan import Plan
    from ecomops.sim.streams import Bools, Ints
    from ecomops.sim.tables import Scene

AHEAD = 90.0


def tables(plan: Plan, scenes: Sequence[Scene], causes: Sequence[Effects]) -> dict[str, pa.Table]:
    """Return the truth tables that every world has."""
    found = interventions(plan, scenes, causes)
    orders = pa.concat_tables([order_causes(s, e) for s, e in zip(scenes, causes, strict=True)])
    return {
        "params": params(plan),
        "customers": pa.concat_tables([customers(s) for s in scenes]),
        "orders": orders,
        "interventions": found,
        "promo": promo(plan, found),
        "live": live(plan, found),
        "daily": daily(plan),
        "sku": sku(plan),
        "channel": channel(plan, scenes),
    }


def params(plan: Plan) -> pa.Table:
    """Return every setting as (module, name, value), the value as JSON; one row is the seed."""
    rows: list[tuple[str, str, Any]] = [("world", "seed", plan.seed)]
    for module, record in asdict(plan.settings).items():
        pairs = record.items() if isinstance(record, dict) else [("value", record)]
        rows += [(module, name, value) for name, value in pairs]
    return pa.table({
        "module": [module for module, _, _ in rows],
        "name": [name for _, name, _ in rows],
        "value": [json.dumps(value, ensure_ascii=False, default=str) for _, _, value in rows],
    })  # fmt: skip


def customers(scene: Scene) -> pa.Table:
    """Return the latents of all customers that exist in this world.

    `expected_orders` is the expected number of further orders within 90 operational days given
    the true latents: (1 - exp(-rate·p·90)) / p while alive under BG/NBD, under
    Pareto/NBD the rate times what of them the customer will live; 0 once gone.
    """
    plan, people = scene.plan, scene.part.people
    here = np.flatnonzero(plan.has(people.cause))
    alive = _alive(scene)[here]
    rate, drop = people.rate[here], people.drop[here]
    if plan.settings.customers.death == "pareto":
        lives = plan.clock.operational(people.arrival[here]) + people.life[here]
        ahead = rate * np.clip(lives - plan.clock.tau[-1], 0, AHEAD)
    else:
        ahead = -np.expm1(-rate * drop * AHEAD) / drop
    names = [*plan.interventions, ""]
    cause = people.cause[here]
    return pa.table({
        "customer_id": ids.buyers(people.key[here]),
        "arrived_at": arrow.stamps(people.arrival[here], plan.epoch),
        "cause": arrow.words(cause, names, cause == NOBODY),
        "rate": pa.array(rate),
        "drop": pa.array(drop),
        "mean_spend": arrow.money(np.rint(people.spend[here]).astype(np.int64)),
        "thrift": pa.array(people.thrift[here]),
        "guest": pa.array(people.guest[here]),
        "alive": pa.array(alive),
        "expected_orders": pa.array(np.where(alive & ~people.guest[here], ahead, 0.0)),
    })  # fmt: skip


def _alive(scene: Scene) -> Bools:
    """Return who may still order after the end of the data."""
    people, part, plan = scene.part.people, scene.part, scene.plan
    count = len(people)
    made = np.zeros(count, dtype=np.int64)
    first = 0
    for name, size in part.blocks.items():
        if name in ("orders", "panel", "referral"):
            made += np.bincount(part.orders.customer[first : first + size], minlength=count)
        first += size
    arrived = plan.clock.operational(people.arrival)
    left = (made - 1 >= people.leaves) | (arrived + people.life < plan.clock.tau[-1])
    once = [name in ("price", "experiment", "live") for name in part.groups]
    single = np.repeat(once, list(part.groups.values()))
    alive: Bools = ~(left | single)
    return alive


def order_causes(scene: Scene, found: Effects) -> pa.Table:
    """Return one row per order and intervention that touched it, and one per untouched order.

    `effect` is paid_amount minus what it would have been without the intervention.
    """
    plan, key = scene.plan, scene.part.orders.key
    calm = scene.rows[~np.isin(scene.rows, found.order)]
    order = np.concatenate([found.order, calm])
    none, same = np.full(len(calm), NOBODY), scene.sale.created[calm]
    paid = np.concatenate([found.paid, scene.sale.paid[calm]])
    before = np.concatenate([found.paid_before, scene.sale.paid[calm]])
    number = np.concatenate([found.intervention, none])
    cause = np.concatenate([found.cause, np.full(len(calm), len(CAUSES))])
    created = np.concatenate([found.created, same])
    created_before = np.concatenate([found.created_before, same])
    return pa.table({
        "order_id": ids.orders(key[order]),
        "intervention": arrow.words(number, [*plan.interventions, ""], number == NOBODY),
        "cause": arrow.words(cause, (*CAUSES, "baseline")),
        "created_at": arrow.stamps(np.nan_to_num(created), plan.epoch, np.isnan(created)),
        "created_at_without": arrow.stamps(
            np.nan_to_num(created_before), plan.epoch, np.isnan(created_before)
        ),
        "paid_amount": arrow.money(paid),
        "paid_amount_without": arrow.money(before),
        "effect": arrow.money(paid - before),
    })  # fmt: skip


def interventions(plan: Plan, scenes: Sequence[Scene], causes: Sequence[Effects]) -> pa.Table:
    """Return per intervention the orders by cause, the effect on amount and its margin.

    Promotions also have what their rules took off, by who paid for it.
    """
    count = len(plan.index)
    width = len(CAUSES)
    cells, effect, margin = np.zeros(count * width), np.zeros(count), np.zeros(count)
    for scene, found in zip(scenes, causes, strict=True):
        cells += np.bincount(found.intervention * width + found.cause, minlength=count * width)
        change = found.paid - found.paid_before
        effect += np.bincount(found.intervention, change, minlength=count)
        new = found.cause == CAUSES.index("incremental")
        earned = found.paid[new] - _cost(scene)[found.order[new]]
        margin += np.bincount(found.intervention[new], earned, minlength=count)
    table = cells.reshape(count, width).astype(np.int64)
    off = sum((_given(s) for s in scenes), np.zeros((3, count), dtype=np.int64))
    on = [plan.on(key) for key in plan.index]
    return pa.table({
        "intervention": pa.array(list(plan.index), pa.string()),
        "on": pa.array(on, pa.bool_()),
        **{cause: table[:, i] for i, cause in enumerate(CAUSES)},
        "effect": arrow.money(np.rint(effect).astype(np.int64)),
        "incremental_margin": arrow.money(np.rint(margin).astype(np.int64)),
        "shop_discount": arrow.money(off[0]),
        "platform_discount": arrow.money(off[1]),
        "points_discount": arrow.money(off[2]),
    })  # fmt: skip


def _given(scene: Scene) -> Ints:
    """Return the cents that promotions took off paid orders, by (payer, intervention)."""
    plan, sale = scene.plan, scene.sale
    rows = np.flatnonzero(sale.exists & ~sale.unpaid & (sale.promo != NOBODY))
    number = np.array([plan.index[p.key] for p in plan.settings.promotions], dtype=np.int64)
    place = number[sale.promo[rows]]
    payers = (sale.off.shop, sale.off.platform, sale.off.points)
    sums = [np.bincount(place, off[rows], minlength=len(plan.index)) for off in payers]
    given: Ints = np.array(sums).astype(np.int64)
    return given


def promo(plan: Plan, found: pa.Table) -> pa.Table:
    """Return the promotions' rows of `interventions`, with their names."""
    rows = _kind(found, "promo")
    names = pa.array([p.name for p in plan.settings.promotions], pa.string())
    return rows.append_column("name", names)


def live(plan: Plan, found: pa.Table) -> pa.Table:
    """Return the live sessions' rows of `interventions`, with the planted pull of their hosts."""
    rows, hosts = _kind(found, "live"), plan.settings.live.hosts
    pull = [hosts[i % len(hosts)] for i in range(len(rows))]
    return rows.append_column("host_pull", pa.array(pull, pa.float64()))


def _kind(found: pa.Table, kind: str) -> pa.Table:
    return found.filter(pc.starts_with(found["intervention"], f"{kind}:"))


def _cost(scene: Scene) -> Ints:
    """Return the cost of the goods of each possible order, in cents."""
    lines, sale = scene.part.lines, scene.sale
    cost = scene.plan.catalogue.cost[sale.product] * lines.quantity * sale.line_on
    return baskets.totals(lines, cost)


def daily(plan: Plan) -> pa.Table:
    """Return by day the relative purchase rate and operational time at the day's end."""
    days: Ints = np.arange(plan.days)
    return pa.table({
        "date": arrow.dates(days, plan.epoch),
        "rate": pa.array(plan.daily / plan.daily.mean()),
        "operational_days": pa.array(plan.clock.operational(((days + 1) * DAY).astype(np.float64))),
        "arrival_rate": pa.array(np.diff(plan.arrivals.tau[::24])),
    })  # fmt: skip


def sku(plan: Plan) -> pa.Table:
    """Return by product its appeal, costs, planted defect, elasticity and most earning price."""
    goods, prices = plan.catalogue, plan.prices
    elasticity = np.append(prices.elasticity, np.nan)[prices.slot]
    best = best_factor(elasticity, goods.price, goods.cost) * goods.price
    unknown = np.isnan(best)
    cents = np.rint(np.where(unknown, 0, best)).astype(np.int64)
    return pa.table({
        "product_id": ids.products(np.arange(len(goods.price))),
        "appeal": pa.array(goods.appeal),
        "list_price": arrow.money(goods.price),
        "unit_cost": arrow.money(goods.cost),
        "defect": pa.array(listing.defects(plan) >= 0),
        "elasticity": pa.array(elasticity, mask=np.isnan(elasticity)),
        "best_price": arrow.money(cents, unknown),
        **listing.planted(plan),
    })  # fmt: skip


def channel(plan: Plan, scenes: Sequence[Scene]) -> pa.Table:
    """Return by paid channel its planted effects: customers brought, panel orders, curve, mROAS."""
    paid = [c for c in plan.settings.channels if c.paid]
    number = [plan.index[c.key] for c in paid]
    brought = np.zeros(len(plan.index) + 1)
    panel = np.zeros(len(plan.index) + 1)
    for scene in scenes:
        people = scene.part.people.cause
        brought += np.bincount(people[people != NOBODY], minlength=len(brought))
        cause = scene.part.browsers.cause
        panel += np.bincount(cause[cause != NOBODY], minlength=len(panel))
    growth = [_growth(plan, c.name) for c in paid]
    return pa.table({
        "channel": [c.name for c in paid],
        "on": [plan.on(c.key) for c in paid],
        "customers": brought[number].astype(np.int64),
        "panel_orders": panel[number].astype(np.int64),
        "effect": [c.effect for c in paid],
        "retention": [c.retention for c in paid],
        "half": [c.half for c in paid],
        "slope": [c.slope for c in paid],
        "growth": growth,
    })  # fmt: skip


def _growth(plan: Plan, name: str) -> float | None:
    """Return by what share the channel's customers grow when spending grows by 1 %, × 100."""
    settings = next(c for c in plan.settings.channels if c.name == name)
    busy = media.promoted(plan.settings, plan.days)
    now, more = (
        float((media.response(settings, plan.days, plan.seed, s, busy) * plan.daily).sum())
        for s in (1.0, 1.01)
    )
    return (more / now - 1) * 100 if now else None


def incidents(plan: Plan) -> pa.Table:
    """Return what went wrong and when: incidents, stock-outs and the bad batch."""
    rows = [(incident.key, *plan.outage(incident)) for incident in plan.settings.incidents]
    spells = [key for key in plan.index if key.startswith("stockout:")]
    edges = zip(spells, plan.stock.first * DAY, plan.stock.last * DAY, strict=True)
    rows += [(key, float(low), float(high)) for key, low, high in edges]
    begin = plan.settings.returns.batch_from * plan.horizon
    rows += [(key, begin, plan.horizon) for key in plan.index if key.startswith("batch:")]
    return pa.table({
        "intervention": pa.array([key for key, *_ in rows], pa.string()),
        "on": pa.array([plan.on(key) for key, *_ in rows], pa.bool_()),
        "start_at": arrow.stamps(np.array([low for _, low, _ in rows]), plan.epoch),
        "end_at": arrow.stamps(np.array([high for *_, high in rows]), plan.epoch),
    })  # fmt: skip


def referrals(scene: Scene) -> pa.Table:
    """Return who referred whom, of the customers that exist in this world."""
    people, part = scene.part.people, scene.part
    first = len(people) - part.groups["referral"]
    here = np.flatnonzero(scene.plan.has(people.cause[first:]))
    return pa.table({
        "customer_id": ids.buyers(people.key[first + here]),
        "referrer_id": ids.buyers(people.key[part.referrer[here]]),
        "referred_at": arrow.stamps(people.arrival[first + here], scene.plan.epoch),
    })  # fmt: skip
