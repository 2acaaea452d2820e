"""Marginals of what possible orders are made of: one check each, module by module."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ecomops.sim.calendar import DAY
from ecomops.sim.chunk import WANTED
from ecomops.sim.effects import CAUSES, effects
from ecomops.sim.plan import NOBODY, batch_product
from ecomops.sim.prices import FULL
from ecomops.sim.shelves import lead_times, snapshots
from ecomops.sim.studio import sales

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecomops.sim.world import World

WIDE = 4.5


class Check(NamedTuple):
    """One marginal: what it is in this world, what it should be, how far it may be off."""

    marginal: str
    value: float
    expected: float
    tolerance: float


def share(marginal: str, hits: float, tries: float, chance: float) -> Check:
    """Return the check of a share against a chance."""
    tries = max(tries, 1)
    return Check(marginal, hits / tries, chance, _far(chance * (1 - chance) * tries) / tries)


def count(marginal: str, found: float, mean: float) -> Check:
    """Return the check of a Poisson count."""
    return Check(marginal, found, mean, _far(mean))


def _far(variance: float) -> float:
    """Return how far a count may be off: `WIDE` standard errors, more where they are no guide.

    A count of which 0.1 is expected is 3 once in 6,000 worlds (Bernstein's inequality, as in
    Boucheron, Lugosi and Massart 2013, Concentration Inequalities, 2.8).

    >>> round(_far(0.1), 1), round(_far(1e6), 1)
    (7.0, 4503.4)
    """
    return WIDE**2 / 6 + float(np.hypot(WIDE**2 / 6, WIDE * variance**0.5))


def _calendar(world: World) -> Iterator[Check]:
    yield Check("operational days", float(world.plan.clock.tau[-1]), world.plan.days, 1e-6)


def _catalogue(world: World) -> Iterator[Check]:
    goods, settings = world.plan.catalogue, world.plan.settings
    kinds = goods.words["category"]
    for i, kind in enumerate(kinds):
        mine = int((goods.category == i).sum())
        yield share(f"share of {kind['en']}", mine, len(goods.price), kind["share"])
    yield share("defects", goods.defect.sum(), len(goods.defect), settings.orders.defects)


def _customers(world: World) -> Iterator[Check]:
    c, plan = world.plan.settings.customers, world.plan
    groups = [s.part.own for s in world.scenes]
    count = sum(len(g) for g in groups)
    yield Check("customers", count, c.count, 0)
    yield share("guests", sum(g.guest.sum() for g in groups), count, c.guests)
    if not c.correlation:
        rate = np.concatenate([g.rate for g in groups])
        spread = np.sqrt(c.r) / c.alpha / np.sqrt(count)
        yield Check("mean rate", float(rate.mean()), c.r / c.alpha, WIDE * float(spread))
    causes = np.concatenate([g.cause for g in groups])
    for channel in plan.settings.channels:
        if channel.paid:
            mine = (causes == plan.index[channel.key]).sum()
            yield share(f"caused by {channel.name_en}", mine, count, channel.caused)


def _orders(world: World) -> Iterator[Check]:
    settings = world.plan.settings
    base = [s.part.blocks["orders"] for s in world.scenes]
    tried = [s.part.blocks["unpaid"] for s in world.scenes]
    yield share("unpaid", sum(tried), sum(base), settings.orders.unpaid)
    for scene in world.scenes:
        paid = scene.sale.paid - scene.sale.shipping * ~scene.sale.unpaid
        lines = np.bincount(scene.part.lines.order, scene.fate.line_paid, minlength=len(paid))
        off = np.abs(np.where(scene.sale.exists, lines - paid, 0)).sum()
        yield Check("cents lost in allocation", float(off), 0, 0)


def _promotions(world: World) -> Iterator[Check]:
    plan = world.plan
    for scene in world.scenes:
        latent, cause = scene.part.orders, scene.part.people.cause[scene.part.orders.customer]
        day = (latent.time // DAY).astype(np.int64)
        for promo in plan.settings.promotions:
            low, high = plan.window(promo.day, promo.first, promo.last)
            near = (latent.time >= low - 10 * DAY) & (latent.time < low) & (cause == NOBODY)
            near &= (day < low // DAY) & (latent.requires == NOBODY) & ~latent.unpaid
            mine = latent.mover == plan.index[promo.key]
            free = near & (mine | (latent.mover == NOBODY))
            if mine.any() and not _crowded(plan.days, low, world):
                yield share(
                    f"waited for {promo.key}", (mine & free).sum(), free.sum(), promo.waited
                )
            inside = scene.sale.created[mine & scene.sale.exists]
            off = ((inside < low - 1) | (inside >= high)).sum() * plan.on(promo.key)
            yield Check(f"moved elsewhere by {promo.key}", float(off), 0, 0)


def _crowded(days: int, low: float, world: World) -> bool:
    """Return whether another mover claims some of the ten days before a promotion."""
    plan = world.plan
    others = [plan.window(p.day, p.first, p.last) for p in plan.settings.promotions]
    ends = [high for _, high in others if low > high > low - 40 * DAY]
    return bool(ends or plan.settings.live.shifted or low < 10 * DAY or low >= days * DAY)


def _media(world: World) -> Iterator[Check]:
    for scene in world.scenes:
        plan, found = scene.plan, scene.part.browsers
        for i, channel in enumerate(plan.settings.channels):
            met = found.met[:, i]
            held = found.held[:, i].sum()
            yield share(f"held out of {channel.name_en}", held, met.sum(), channel.holdout)
            if channel.paid:
                open_to = (met & ~found.held[:, i]).sum()
                won = (found.cause == plan.index[channel.key]).sum()
                yield share(f"effect of {channel.name_en}", won, open_to, channel.effect)


def _prices(world: World) -> Iterator[Check]:
    plan = world.plan
    if not len(plan.prices.product):
        return
    lower = (plan.prices.factor < FULL) & (plan.prices.response() > 1)
    gain = (1 - plan.settings.prices.cross) * (plan.prices.response() - 1)
    expected, found = 0.0, 0.0
    for scene in world.scenes:
        part = scene.part
        wanted = [name in WANTED for name in part.line_blocks]
        rows = np.flatnonzero(np.repeat(wanted, list(part.line_blocks.values())))
        slot = plan.prices.slot[part.lines.product[rows]]
        day = (part.orders.time[part.lines.order[rows]] // DAY).astype(np.int64)
        mine = (slot != NOBODY) & (day < plan.days)
        expected += float((gain * lower)[slot[mine], day[mine]].sum())
        found += part.blocks["price"]
    yield count("orders that lower prices bring", found, expected)


def _live(world: World) -> Iterator[Check]:
    plan, live = world.plan, world.plan.settings.live
    if not live.every or plan.settings.found:
        return
    mean = float(sales(plan).sum())
    yield count("orders in sessions", sum(s.part.blocks["live"] for s in world.scenes), mean)


def _stock(world: World) -> Iterator[Check]:
    plan = world.plan
    on = plan.present[plan.numbers("stockout")]
    out = plan.stock.out(plan.days, len(plan.catalogue.price), on) != NOBODY
    sold = 0
    for scene in world.scenes:
        rows = scene.line_rows
        day = (scene.sale.created[scene.part.lines.order[rows]] // DAY).astype(np.int64)
        sold += int(out[scene.sale.product[rows], day].sum())
    yield Check("lines sold without stock", sold, 0, 0)
    if plan.settings.stock.snapshots:
        days = lead_times(plan)
        yield Check("mean lead time", days.mean(), 12, WIDE * 5 / np.sqrt(len(days)))
        seen = snapshots(plan, world.scenes).to_pandas()
        yield Check("pieces below none", seen.on_hand.clip(upper=0).sum(), 0, 0)


def _returns(world: World) -> Iterator[Check]:
    plan, kinds = world.plan, world.plan.catalogue.words["category"]
    asked, paid = np.zeros(len(kinds)), np.zeros(len(kinds))
    for scene in world.scenes:
        lines, sale = scene.part.lines, scene.sale
        rows = (scene.fate.line_paid > 0) & ~sale.unpaid[lines.order]
        if plan.settings.returns.batch:
            rows &= sale.product != batch_product(plan.catalogue)
        kind = plan.catalogue.category[sale.product]
        asked += np.bincount(kind[rows & scene.fate.asked], minlength=len(kinds))
        paid += np.bincount(kind[rows], minlength=len(kinds))
    for i, kind in enumerate(kinds):
        chance = min(kind["returned"] * plan.settings.returns.level, 1.0)
        yield share(f"returned {kind['en']}", asked[i], paid[i], chance)


def _effects(world: World) -> Iterator[Check]:
    """Effects explain every order that exists only because of something."""
    for scene in world.scenes:
        found = effects(world.plan, scene.part, scene.sale)
        new = set(found.order[found.cause == CAUSES.index("incremental")].tolist())
        needs = (scene.part.orders.requires != NOBODY) & scene.sale.exists
        missing = set(np.flatnonzero(needs).tolist()) - new
        yield Check("orders without their cause", float(len(missing)), 0, 0)


def _incidents(world: World) -> Iterator[Check]:
    plan = world.plan
    for incident in (i for i in plan.settings.incidents if i.kind == "payment" and plan.on(i.key)):
        low, high = plan.outage(incident)
        for sale in (scene.sale for scene in world.scenes):
            at = sale.created[sale.exists & ~sale.unpaid]
            inside = ((at >= low) & (at < high)).sum()
            yield Check(f"paid in {incident.key}", inside, 0, 0)


CORE = (
    _calendar, _catalogue, _customers, _orders, _promotions, _media, _prices, _live, _stock,
    _returns, _incidents, _effects,
)  # fmt: skip
