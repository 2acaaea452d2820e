"""All tables of a world from its scenes: canonical ones, further data, and truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ecomops.sim import (
    crm,
    dirt,
    live,
    market,
    opinions,
    registers,
    stock,
    surveys,
    tables,
    touchpoints,
    traffic,
    trials,
    truth,
    visits,
)
from ecomops.sim.calendar import DAY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ecomops.sim.effects import Effects
    from ecomops.sim.plan import Plan
    from ecomops.sim.streams import Ints
    from ecomops.sim.tables import Scene

    Tables = Mapping[str, pa.Table]

EACH = {
    "orders": tables.orders,
    "order_lines": tables.order_lines,
    "refunds": tables.refunds,
    "customers": registers.customers,
    "touchpoints": touchpoints.touchpoints,
    "reviews": opinions.reviews,
}
WHOLE = {
    "stores": registers.stores,
    "products": registers.products,
    "product_skus": registers.product_skus,
    "campaigns": registers.campaigns,
    "shop_scores": opinions.shop_scores,
}


def canonical(plan: Plan, scenes: Sequence[Scene]) -> Tables:
    """Return all canonical tables; those without rows are left out."""
    made = {name: pa.concat_tables([make(s) for s in scenes]) for name, make in EACH.items()}
    made |= {name: make(plan) for name, make in WHOLE.items()}
    daily = traffic.add([traffic.sums(s) for s in scenes])
    made["traffic_daily"] = traffic.traffic_daily(plan, daily)
    made["ad_reports"] = traffic.ad_reports(plan, daily)
    made |= _optional(plan, scenes)
    if plan.settings.sessions.days:
        made["sessions"] = pa.concat_tables([visits.sessions(s) for s in scenes])
        funnel = [visits.events(s) for s in scenes]
        both = [made["touchpoints"], *funnel]
        made["touchpoints"] = pa.concat_tables(both, promote_options="default")
    made = dirt.soiled(plan, scenes, made)
    return {name: table for name, table in made.items() if len(table)}


def _optional(plan: Plan, scenes: Sequence[Scene]) -> dict[str, pa.Table]:
    """Return the canonical tables of modules that a preset may leave out."""
    made, settings = {}, plan.settings
    if settings.live.every:
        made["live_sessions"] = live.sessions(plan, scenes)
        made["live_products"] = live.products(plan, scenes)
    if settings.crm.every:
        made["message_campaigns"] = crm.campaigns(plan, scenes)
    if settings.crm.points:
        made["loyalty_ledger"] = crm.points(plan, scenes)
    if settings.opinions.surveyed:
        made["surveys"] = surveys.surveys(plan, scenes)
        made["survey_answers"] = surveys.survey_answers(plan, scenes)
    if settings.stock.snapshots:
        made["inventory_snapshots"] = stock.snapshots(plan, _sold(plan, scenes))
    if settings.market.keywords:
        made["search_index"] = market.search_index(plan)
    if settings.market.gaps:
        made["market_keywords"] = market.market_keywords(plan)
    return made


def _sold(plan: Plan, scenes: Sequence[Scene]) -> Ints:
    """Return pieces sold by (product, day)."""
    width = plan.days
    sold = np.zeros(len(plan.catalogue.price) * width)
    for scene in scenes:
        rows, sale = scene.line_rows, scene.sale
        rows = rows[~sale.unpaid[scene.part.lines.order[rows]]]
        day = (sale.created[scene.part.lines.order[rows]] // DAY).astype(np.int64)
        cell = sale.product[rows] * width + day
        sold += np.bincount(cell, scene.part.lines.quantity[rows], minlength=len(sold))
    return np.rint(sold).astype(np.int64).reshape(-1, width)


def extras(plan: Plan, scenes: Sequence[Scene]) -> Tables:
    """Return tables that are data without a canonical form; those without rows are left out."""
    made = {}
    if plan.settings.crm.every:
        made["message_sends"] = crm.sends(plan, scenes)
    if plan.settings.experiments:
        made["experiment_exposures"] = trials.exposures(plan, scenes)
    return {name: table for name, table in made.items() if len(table)}


def truths(plan: Plan, scenes: Sequence[Scene], causes: Sequence[Effects]) -> Tables:
    """Return all truth tables by name; those without rows are left out."""
    settings = plan.settings
    made = truth.tables(plan, scenes, causes)
    made["reviews"] = pa.concat_tables([opinions.labels(s) for s in scenes])
    made["incidents"] = truth.incidents(plan)
    made["dirt"] = dirt.truth(plan, scenes)
    made["experiments"] = trials.planted(plan)
    if settings.live.every:
        made["live_minutes"] = live.minutes(plan, scenes)
    if settings.crm.every:
        made["crm"] = crm.kinds(plan, scenes)
    if settings.opinions.surveyed:
        made["moods"] = surveys.moods(plan, scenes)
    if settings.sessions.days:
        made["identities"] = pa.concat_tables([visits.identities(s) for s in scenes])
    if settings.market.keywords:
        made["demand"] = market.truth_demand(plan)
    if settings.market.gaps:
        made["niches"] = market.niches(plan)
    if settings.referral:
        made["referrals"] = pa.concat_tables([truth.referrals(s) for s in scenes])
    return {name: table for name, table in made.items() if len(table)}
