"""Where customers come from, and what they long for before the festivals: foods of their home."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ecomops.sim import arrow, ids
from ecomops.sim.calendar import events, whole
from ecomops.sim.people import PROVINCES
from ecomops.sim.presets import facts
from ecomops.sim.streams import hashed, pick, stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecomops.sim.plan import Plan
    from ecomops.sim.streams import Floats, Ints
    from ecomops.sim.tables import Scene

NAMES = [name for name, *_ in PROVINCES]
LEFT = {"四川省": 3.0, "湖南省": 3.0, "河南省": 3.0, "安徽省": 2.5, "江西省": 2.0, "湖北省": 2.0,
        "广西壮族自治区": 2.0, "黑龙江省": 2.0, "山东省": 1.0, "云南省": 1.0}  # fmt: skip
NONE = -1


def homes(plan: Plan, key: Ints, province: Ints) -> Ints:
    """Return each customer's province of origin: where they live, or another they moved from."""
    weights = np.array([LEFT.get(name, 0.3) for name in NAMES])
    moved = hashed(key, plan.seed, "moved") < plan.settings.regions.away
    return np.where(moved, pick(hashed(key, plan.seed, "origin"), weights), province)


def longing(plan: Plan) -> tuple[Floats, Ints]:
    """Return by day the chance to choose a food of one's home, and the festival ahead or -1."""
    regions, start = plan.settings.regions, plan.settings.store.start
    chance, ahead = np.full(plan.days, regions.ordinary), np.full(plan.days, NONE)
    for day, name in events():
        if name in FESTIVALS:
            number = (day - start).days
            window = slice(max(number - regions.before, 0), max(number, 0))
            chance[window], ahead[window] = regions.longing, FESTIVALS.index(name)
    return chance, ahead


FESTIVALS = ("春节", "中秋节")


def foods(plan: Plan) -> Ints:
    """Return the category by (festival, province of origin), the last row for ordinary days."""
    kinds = facts(plan.settings.orders.goods)["category"]
    table = np.full((len(FESTIVALS) + 1, len(NAMES)), NONE)
    for number, kind in enumerate(kinds):
        place = NAMES.index(kind["home"])
        table[[FESTIVALS.index(kind["festival"]), -1], place] = number
    return table


def homeward(
    plan: Plan, who: tuple[Ints, Ints], seconds: Floats, product: Ints, process: str, chunk: int
) -> Ints:  # fmt: skip
    """Return products after those who long for their home chose its food instead.

    `who` are the keys and provinces of the buyers, one per line, `seconds` when they order.
    """
    lot, chance = stream(plan.seed, f"regions/{process}", chunk).random((2, len(product)))
    often, ahead = longing(plan)
    day = whole(seconds.clip(0)).clip(0, plan.days - 1)
    kind = foods(plan)[ahead[day], homes(plan, *who)]
    rows = np.flatnonzero((kind != NONE) & (lot < often[day]))
    chosen = product.copy()
    staples = plan.catalogue.staples()
    for number in np.unique(kind[rows]):
        mine = rows[kind[rows] == number]
        offers = staples[plan.catalogue.category[staples] == number]
        if len(offers):
            weights = plan.catalogue.appeal[offers]
            chosen[mine] = offers[pick(chance[mine], weights)]
    return chosen


def origins(plan: Plan, scenes: Sequence[Scene]) -> pa.Table:
    """Return the truth by customer of this world: where they live and where they come from."""
    people = [s.part.people.take(np.flatnonzero(plan.has(s.part.people.cause))) for s in scenes]
    key, place = (np.concatenate([getattr(p, n) for p in people]) for n in ("key", "province"))
    return pa.table({
        "customer_id": ids.buyers(key),
        "province": arrow.words(place, NAMES),
        "home": arrow.words(homes(plan, key, place), NAMES),
    })  # fmt: skip


def planted(plan: Plan) -> pa.Table:
    """Return the truth by festival and origin: the food longed for, from when on, how often."""
    kinds = facts(plan.settings.orders.goods)["category"]
    table, regions = foods(plan), plan.settings.regions
    season, place = np.nonzero(table != NONE)
    usual = season == len(FESTIVALS)
    return pa.table({
        "festival": arrow.words(season.clip(0, len(FESTIVALS) - 1), FESTIVALS, usual),
        "home": arrow.words(place, NAMES),
        "category": arrow.words(table[season, place], [k["zh"] for k in kinds]),
        "days_before": pa.array(np.where(usual, 0, regions.before)),
        "chance": pa.array(np.where(usual, regions.ordinary, regions.longing)),
    })  # fmt: skip
