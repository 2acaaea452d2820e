"""All tables of a world from its scenes: canonical ones, further data, and truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from ecomops.sim import (
    ads,
    coupons,
    crm,
    dirt,
    listing,
    live,
    market,
    opinions,
    regions,
    registers,
    shelves,
    surveys,
    tables,
    touchpoints,
    traffic,
    trials,
    truth,
    visits,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ecomops.sim.effects import Effects
    from ecomops.sim.plan import Plan
    from ecomops.sim.tables import Scene

    Tables = Mapping[str, pa.Table]
    Optional = Mapping[str, tuple[object, Callable[[], pa.Table]]]

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
    if plan.settings.listing.days:
        both = [made["traffic_daily"], listing.traffic(plan, scenes)]
        made["traffic_daily"] = pa.concat_tables(both, promote_options="default")
    made["ad_reports"] = ads.ad_reports(plan, daily)
    made |= {name: make() for name, (on, make) in _optional(plan, scenes).items() if on}
    if plan.settings.sessions.days:
        both = [made["touchpoints"], _each(visits.events, scenes)]
        made["touchpoints"] = pa.concat_tables(both, promote_options="default")
    made = dirt.soiled(plan, scenes, made)
    return {name: table for name, table in made.items() if len(table)}


def _optional(plan: Plan, scenes: Sequence[Scene]) -> Optional:
    """Return the canonical tables of modules that a preset may leave out."""
    s = plan.settings
    return {
        "live_sessions": (s.live.every, lambda: live.sessions(plan, scenes)),
        "live_products": (s.live.every, lambda: live.products(plan, scenes)),
        "live_minutes": (s.live.every, lambda: live.minutes(plan, scenes)),
        "message_campaigns": (s.crm.every, lambda: crm.campaigns(plan, scenes)),
        "message_sends": (s.crm.every, lambda: crm.sends(plan, scenes)),
        "experiment_exposures": (s.experiments, lambda: trials.exposures(plan, scenes)),
        "loyalty_ledger": (s.crm.points, lambda: crm.points(plan, scenes)),
        "surveys": (s.opinions.surveyed, lambda: surveys.surveys(plan, scenes)),
        "survey_answers": (s.opinions.surveyed, lambda: surveys.survey_answers(plan, scenes)),
        "coupons": (s.coupons, lambda: coupons.coupons(plan)),
        "coupon_daily": (s.coupons, lambda: coupons.coupon_daily(plan, scenes)),
        "inventory_snapshots": (s.stock.snapshots, lambda: shelves.snapshots(plan, scenes)),
        "search_index": (s.market.keywords, lambda: market.search_index(plan)),
        "market_keywords": (s.market.gaps, lambda: market.market_keywords(plan)),
        "sessions": (s.sessions.days, lambda: _each(visits.sessions, scenes)),
    }


def truths(plan: Plan, scenes: Sequence[Scene], causes: Sequence[Effects]) -> Tables:
    """Return all truth tables by name; those without rows are left out."""
    made = truth.tables(plan, scenes, causes)
    made["reviews"] = pa.concat_tables([opinions.labels(s) for s in scenes])
    made["incidents"] = truth.incidents(plan)
    made["dirt"] = dirt.truth(plan, scenes)
    made["experiments"] = trials.planted(plan)
    made |= {name: make() for name, (on, make) in _optional_truths(plan, scenes).items() if on}
    return {name: table for name, table in made.items() if len(table)}


def _optional_truths(plan: Plan, scenes: Sequence[Scene]) -> Optional:
    """Return the truth tables of modules that a preset may leave out."""
    s = plan.settings
    return {
        "live_slots": (s.live.every, lambda: live.planted(plan)),
        "crm": (s.crm.every, lambda: crm.kinds(plan, scenes)),
        "moods": (s.opinions.surveyed, lambda: surveys.moods(plan, scenes)),
        "identities": (s.sessions.days, lambda: _each(visits.identities, scenes)),
        "ads": (s.ads.campaigns > 1, lambda: ads.planted(plan)),
        "ad_lags": (s.ads.delay, lambda: ads.lags(plan)),
        "ad_tests": (any(c.switched for c in s.channels), lambda: ads.switched(plan)),
        "coupon": (s.coupons, lambda: coupons.planted(plan, scenes)),
        "stock": (s.stock.snapshots, lambda: shelves.demanded(plan, scenes)),
        "demand": (s.market.keywords, lambda: market.truth_demand(plan)),
        "niches": (s.market.gaps, lambda: market.niches(plan)),
        "homes": (s.regions.longing, lambda: regions.origins(plan, scenes)),
        "longing": (s.regions.longing, lambda: regions.planted(plan)),
        "referrals": (s.referral, lambda: _each(truth.referrals, scenes)),
    }


def needs_all(plan: Plan) -> bool:
    """Return whether something is on whose tables need all chunks at once."""
    rows = {**_optional(plan, []), **_optional_truths(plan, [])}
    lossy = any(i.kind == "tracking" and plan.on(i.key) for i in plan.settings.incidents)
    further = lossy or plan.settings.listing.days or plan.on("dirt")
    return bool(further) or any(on for on, _ in rows.values())


def _each(make: Callable[[Scene], pa.Table], scenes: Sequence[Scene]) -> pa.Table:
    return pa.concat_tables([make(scene) for scene in scenes])
