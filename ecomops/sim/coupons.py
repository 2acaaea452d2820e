"""Coupons and 满减 as the shop lists them: canonical tables, and what they really brought."""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ecomops.sim import arrow, discounts
from ecomops.sim.calendar import DAY
from ecomops.sim.streams import counted, stream

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from ecomops.sim.plan import Plan
    from ecomops.sim.settings import Rule
    from ecomops.sim.streams import Ints
    from ecomops.sim.tables import Scene

    Listed = tuple[str, int, int, Rule]

KINDS = ("coupon", "full")
UNUSED = 1.8


def listed(plan: Plan) -> list[Listed]:
    """Return (identifier, promotion or -1, position of the rule, rule) of all coupons."""
    return [
        (f"Q{number + 2:02d}{place + 1}", number, place, rule)
        for number, rules in discounts.rule_sets(plan)
        for place, rule in enumerate(rules)
        if rule.kind in KINDS and rule.payer != "points"
        and (number < 0 or plan.on(plan.settings.promotions[number].key))
    ]  # fmt: skip


def coupons(plan: Plan) -> pa.Table:
    """Return the canonical table `coupons`: one row per template."""
    rows = listed(plan)
    spans = [_span(plan, number) for _, number, _, _ in rows]
    second = pa.timestamp("us")
    return pa.table({
        "coupon_id": pa.array([i for i, *_ in rows], pa.string()),
        "coupon_name": pa.array([_name(plan, n, r) for _, n, _, r in rows], pa.string()),
        "coupon_type": pa.array([r.payer for *_, r in rows], pa.string()),
        "face_value": arrow.money(np.array([r.off for *_, r in rows], dtype=np.int64)),
        "min_spend": arrow.money(np.array([r.least for *_, r in rows], dtype=np.int64)),
        "start_at": pa.array([datetime.combine(a, time()) for a, _ in spans], second),
        "end_at": pa.array([datetime.combine(b, time(23, 59, 59)) for _, b in spans], second),
        "borne_by": pa.array([r.payer for *_, r in rows], pa.string()),
    })  # fmt: skip


def _span(plan: Plan, number: int) -> tuple[date, date]:
    store, promos = plan.settings.store, plan.settings.promotions
    return promos[number].span if number >= 0 else (store.start, store.end)


def _name(plan: Plan, number: int, rule: Rule) -> str:
    place = "日常" if number < 0 else plan.settings.promotions[number].name
    return f"{place} 满 {rule.least // 100} 减 {rule.off // 100}"


def uses(scene: Scene, coupon: Listed) -> tuple[Ints, Ints]:
    """Return the paid orders that used a coupon and the cents it took off each."""
    plan, sale, part = scene.plan, scene.sale, scene.part
    _, number, place, _ = coupon
    rows = scene.rows[~sale.unpaid[scene.rows]]
    rows = rows[sale.promo[rows] == number]
    rules = dict(discounts.rule_sets(plan))[number]
    thrift = part.people.thrift[part.orders.customer[rows]]
    off = discounts.amounts(rules, sale.listed[rows], sale.pieces[rows], thrift)[place]
    return rows[off > 0], off[off > 0]


def coupon_daily(plan: Plan, scenes: Sequence[Scene]) -> pa.Table:
    """Return the canonical table `coupon_daily`: claims, uses and the orders they were used in."""
    parts = []
    for coupon in listed(plan):
        sums = np.zeros((4, plan.days))
        for scene in scenes:
            rows, off = uses(scene, coupon)
            sale = scene.sale
            day = (sale.paid_at[rows] // DAY).astype(np.int64)
            values = np.ones(len(rows)), sale.paid[rows], sale.pieces[rows], off
            sums += [np.bincount(day, each, minlength=plan.days) for each in values]
        used, paid, count, off = np.rint(sums).astype(np.int64)
        idle = UNUSED * np.convolve(used, np.full(min(7, plan.days), 1 / 7), mode="same")
        first, last = ((day - plan.settings.store.start).days for day in _span(plan, coupon[1]))
        idle *= (np.arange(plan.days) >= first) & (np.arange(plan.days) <= last)
        claimed = used + counted(stream(plan.seed, f"claims/{coupon[0]}"), idle)
        days = np.flatnonzero(claimed)
        parts.append(pa.table({
            "date": arrow.dates(days, plan.epoch),
            "coupon_id": arrow.constant(coupon[0], len(days)),
            "claimed": pa.array(claimed[days]),
            "used": pa.array(used[days]),
            "pay_amount": arrow.money(paid[days]),
            "pay_buyers": pa.array(used[days]),
            "pay_quantity": pa.array(count[days]),
            "discount_amount": arrow.money(off[days]),
        }))  # fmt: skip
    return pa.concat_tables(parts)


def planted(plan: Plan, scenes: Sequence[Scene]) -> pa.Table:
    """Return the truth: orders that used each coupon, and those that would not exist without.

    Coupons of ordinary days go to those who buy anyway and bring nothing; those of a promotion
    share the orders that the promotion brought and that used them.
    """
    rows = []
    for coupon in listed(plan):
        name, number, _, rule = coupon
        key = "" if number < 0 else plan.settings.promotions[number].key
        orders = new = given = 0
        for scene in scenes:
            used, off = uses(scene, coupon)
            part = scene.part
            cause = part.people.cause[part.orders.customer[used]]
            mine = (part.orders.requires[used] == plan.index.get(key, -2)) | (
                cause == plan.index.get(key, -2)
            )
            orders, new, given = orders + len(used), new + int(mine.sum()), given + int(off.sum())
        rows.append((name, key, orders, new, given, rule.share))
    columns = [list(c) for c in zip(*rows, strict=True)] or [[]] * 6
    return pa.table({
        "coupon_id": pa.array(columns[0], pa.string()),
        "intervention": pa.array(columns[1], pa.string()),
        "orders": pa.array(columns[2], pa.int64()),
        "incremental_orders": pa.array(columns[3], pa.int64()),
        "discount": arrow.money(np.array(columns[4], dtype=np.int64)),
        "share": pa.array(columns[5], pa.float64()),
    })  # fmt: skip
