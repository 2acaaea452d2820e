"""Does a world look as its settings say? One check per marginal, module by module."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
from scipy.special import ndtr

from ecomops.sim import ads, coupons, crm, dirt, listing, market, opinions, regions
from ecomops.sim.calendar import DAY, HOUR
from ecomops.sim.effects import CAUSES, effects
from ecomops.sim.latent import ANNOYED, PERSUADABLE, senders
from ecomops.sim.plan import NOBODY
from ecomops.sim.prices import FULL
from ecomops.sim.shelves import lead_times, snapshots
from ecomops.sim.streams import hashed
from ecomops.sim.studio import sales
from ecomops.sim.surveys import MEAN, SPREAD, moods
from ecomops.sim.trials import exposures
from ecomops.sim.visits import STEP_RATE, visits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ecomops.sim.streams import Floats
    from ecomops.sim.world import World

WIDE = 4.5
GIFT = 120  # days until points are spent, on average
COLUMNS = ("value", "expected", "tolerance")
SCHEMA = {"module": pa.string(), "marginal": pa.string(), **dict.fromkeys(COLUMNS, pa.float64())}


class Check(NamedTuple):
    """One marginal: what it is in this world, what it should be, how far it may be off."""

    marginal: str
    value: float
    expected: float
    tolerance: float


def validate(world: World) -> pa.Table:
    """Return every marginal of every module that is on: value, expected, tolerance, ok.

    Tolerances are 4.5 standard errors of a count or a mean under the planted process, so a
    whole table of checks is right with a chance above 99.9 %.

    >>> from ecomops.sim import world
    >>> validate(world("clean", customers=200)).column_names
    ['module', 'marginal', 'value', 'expected', 'tolerance', 'ok']
    """
    rows = [(name, check) for name, checks in MODULES.items() for check in checks(world)]
    found = [{"module": name, **check._asdict()} for name, check in rows]
    ok = [abs(check.value - check.expected) <= check.tolerance for _, check in rows]
    return pa.Table.from_pylist(found, pa.schema(SCHEMA)).append_column("ok", [ok])


def _share(marginal: str, hits: float, tries: float, chance: float) -> Check:
    """Return the check of a share against a chance."""
    tries = max(tries, 1)
    error = np.sqrt(max(chance * (1 - chance), 1e-9) / tries)
    return Check(marginal, hits / tries, chance, WIDE * float(error))


def _count(marginal: str, found: float, mean: float) -> Check:
    """Return the check of a Poisson count."""
    return Check(marginal, found, mean, WIDE * float(np.sqrt(max(mean, 1))))


def _calendar(world: World) -> Iterator[Check]:
    plan = world.plan
    yield Check("operational days", float(plan.clock.tau[-1]), plan.days, 1e-6)


def _catalogue(world: World) -> Iterator[Check]:
    goods, settings = world.plan.catalogue, world.plan.settings
    kinds = goods.words["category"]
    for i, kind in enumerate(kinds):
        mine = int((goods.category == i).sum())
        yield _share(f"share of {kind['en']}", mine, len(goods.price), kind["share"])
    yield _share("defects", goods.defect.sum(), len(goods.defect), settings.orders.defects)


def _customers(world: World) -> Iterator[Check]:
    c, plan = world.plan.settings.customers, world.plan
    groups = [s.part.people.take(np.arange(s.part.groups["people"])) for s in world.scenes]
    count = sum(len(g) for g in groups)
    yield Check("customers", count, c.count, 0)
    yield _share("guests", sum(g.guest.sum() for g in groups), count, c.guests)
    if not c.correlation:
        rate = np.concatenate([g.rate for g in groups])
        spread = np.sqrt(c.r) / c.alpha / np.sqrt(count)
        yield Check("mean rate", float(rate.mean()), c.r / c.alpha, WIDE * float(spread))
    causes = np.concatenate([g.cause for g in groups])
    for channel in plan.settings.channels:
        if channel.paid:
            mine = (causes == plan.index[channel.key]).sum()
            yield _share(f"caused by {channel.name_en}", mine, count, channel.caused)


def _orders(world: World) -> Iterator[Check]:
    settings = world.plan.settings
    base = [s.part.blocks["orders"] for s in world.scenes]
    tried = [s.part.blocks["unpaid"] for s in world.scenes]
    yield _share("unpaid", sum(tried), sum(base), settings.orders.unpaid)
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
                yield _share(
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
            yield _share(f"held out of {channel.name_en}", held, met.sum(), channel.holdout)
            if channel.paid:
                open_to = (met & ~found.held[:, i]).sum()
                won = (found.cause == plan.index[channel.key]).sum()
                yield _share(f"effect of {channel.name_en}", won, open_to, channel.effect)


def _prices(world: World) -> Iterator[Check]:
    plan = world.plan
    if not len(plan.prices.product):
        return
    lower = (plan.prices.factor < FULL) & (plan.prices.response() > 1)
    gain = (1 - plan.settings.prices.cross) * (plan.prices.response() - 1)
    expected, found = 0.0, 0.0
    for scene in world.scenes:
        part = scene.part
        base = part.line_blocks["orders"]
        slot = plan.prices.slot[part.lines.product[:base]]
        day = (part.orders.time[part.lines.order[:base]] // DAY).astype(np.int64)
        mine = (slot != NOBODY) & (day < plan.days)
        expected += float((gain * lower)[slot[mine], day[mine]].sum())
        found += part.blocks["price"]
    yield _count("orders that lower prices bring", found, expected)


def _live(world: World) -> Iterator[Check]:
    plan, live = world.plan, world.plan.settings.live
    if not live.every or plan.settings.found:
        return
    mean = float(sales(plan).sum())
    yield _count("orders in sessions", sum(s.part.blocks["live"] for s in world.scenes), mean)


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


def _coupons(world: World) -> Iterator[Check]:
    plan = world.plan
    for coupon in coupons.listed(plan) if plan.settings.coupons else []:
        _, number, _, rule = coupon
        if number == NOBODY:
            able, used = set[int](), set[int]()
            for scene in world.scenes:
                sale, people = scene.sale, scene.part.people
                mine = sale.exists & ~sale.unpaid & (sale.promo == NOBODY)
                owner = people.key[scene.part.orders.customer]
                able |= set(owner[mine & (sale.listed >= rule.least)].tolist())
                used |= set(owner[coupons.uses(scene, coupon)[0]].tolist())
            yield _share("buyers with a coupon who could use it", len(used), len(able), rule.share)


def _returns(world: World) -> Iterator[Check]:
    plan, kinds = world.plan, world.plan.catalogue.words["category"]
    asked, paid = np.zeros(len(kinds)), np.zeros(len(kinds))
    for scene in world.scenes:
        lines, sale = scene.part.lines, scene.sale
        rows = (scene.fate.line_paid > 0) & ~sale.unpaid[lines.order]
        if plan.settings.returns.batch:
            rows &= sale.product != np.argmax(
                np.where(plan.catalogue.launch < 0, plan.catalogue.appeal, 0)
            )
        kind = plan.catalogue.category[sale.product]
        asked += np.bincount(kind[rows & scene.fate.asked], minlength=len(kinds))
        paid += np.bincount(kind[rows], minlength=len(kinds))
    for i, kind in enumerate(kinds):
        chance = kind["returned"] * plan.settings.returns.level
        yield _share(f"returned {kind['en']}", asked[i], paid[i], chance)


def _reviews(world: World) -> Iterator[Check]:
    stars: Floats = np.zeros(6)
    for scene in world.scenes:
        said = opinions.voices(scene)
        calm = ~scene.fate.asked[said.line]
        stars += np.bincount(said.stars[calm], minlength=6)
    yield _share("five stars", stars[5], stars.sum(), float(opinions.STARS[4]))


def _crm(world: World) -> Iterator[Check]:
    crm = world.plan.settings.crm
    for scene in world.scenes if crm.every else []:
        group = scene.part.people.take(np.arange(scene.part.groups["people"]))
        kind, held = senders(world.plan, group, scene.part.number)
        own = (group.cause == NOBODY) & ~group.guest
        yield _share("persuadable", (kind == PERSUADABLE).sum(), len(kind), crm.persuadable)
        yield _share("annoyed", (kind == ANNOYED).sum(), len(kind), crm.annoyed)
        yield _share("held out of messages", held[:, own].sum(), held[:, own].size, crm.holdout)


def _experiments(world: World) -> Iterator[Check]:
    for test in world.plan.settings.experiments:
        shown = exposures(world.plan, world.scenes).to_pandas()
        mine = shown[shown.experiment == test.name]
        arm_b = (mine.arm == "B").sum()
        chance = test.share * (1 - test.mismatch) / (1 - test.share * test.mismatch)
        yield _share(f"arm B of {test.name}", arm_b, len(mine), chance)


def _referrals(world: World) -> Iterator[Check]:
    rate = world.plan.settings.referral
    groups = [s.part.people.take(np.arange(s.part.groups["people"])) for s in world.scenes]
    able = [g.arrival[(g.cause == NOBODY) & ~g.guest] for g in groups]
    left = (world.plan.horizon - np.concatenate(able)) / DAY / 45
    mean = rate * float(-np.expm1(-left).sum())
    found = sum(int((s.part.referrer < s.part.groups["people"]).sum()) for s in world.scenes)
    yield _count("friends of customers", found, mean)


def _visits(world: World) -> Iterator[Check]:
    for scene in world.scenes if world.plan.settings.sessions.days else []:
        seen = visits(scene)
        idle = (seen.order == NOBODY) & ~seen.bot
        split = seen.visitor != seen.true_visitor
        plain = idle & ~split
        reached = (seen.depth[plain] >= 1).sum()
        yield _share("views that reach the cart", reached, plain.sum(), STEP_RATE[0])


def _surveys(world: World) -> Iterator[Check]:
    if world.plan.settings.opinions.surveyed:
        score = moods(world.plan, world.scenes)["score"].to_numpy()
        # a rounded normal number within 0 and 10: chances to reach 1, 2, … added up
        mean = ndtr((MEAN - np.arange(0.5, 10)) / SPREAD).sum()
        yield Check("mean score", score.mean(), mean, WIDE * SPREAD / np.sqrt(len(score)))


def _market(world: World) -> Iterator[Check]:
    if world.plan.settings.market.gaps:
        _searches, _offers, gap = market.cells(world.plan)
        yield Check("gaps", float(gap.sum()), world.plan.settings.market.gaps, 0)


def _listings(world: World) -> Iterator[Check]:
    goods, planned = world.plan.catalogue, world.plan.settings.listing
    found = (listing.defects(world.plan) >= 0)[~goods.defect]
    yield _share("listings with a defect", found.sum(), len(found), planned.defects)


def _regions(world: World) -> Iterator[Check]:
    plan = world.plan
    for scene in world.scenes if plan.settings.regions.longing else []:
        people = scene.part.people
        moved = hashed(people.key, plan.seed, "moved") < plan.settings.regions.away
        yield _share("live elsewhere", moved.sum(), len(people), plan.settings.regions.away)
        same = regions.homes(plan, people.key, people.province)[~moved] == people.province[~moved]
        yield Check("strangers among those who stayed", float((~same).sum()), 0, 0)


def _points(world: World) -> Iterator[Check]:
    settings = world.plan.settings.crm
    if settings.points:
        ledger = crm.points(world.plan, world.scenes).to_pandas()
        earned, spent = (ledger[ledger.reason == kind]["at"] for kind in ("earn", "redeem"))
        end = world.plan.epoch + world.plan.horizon
        left = (end - earned.astype("int64") / 1e6) / DAY
        # meant for gifts some months later, before they lapse
        chance = settings.redeemed * -np.expm1(-left.clip(upper=crm.EXPIRES) / GIFT).mean()
        yield _share("points spent by the end", len(spent), len(earned), chance)


def _advertising(world: World) -> Iterator[Check]:
    chance = ads.lags(world.plan)["chance"].to_numpy()
    yield Check("chance of all delays", float(chance.sum()), 1.0, 1e-9)


def _effects(world: World) -> Iterator[Check]:
    """Effects explain every order that exists only because of something."""
    for scene in world.scenes:
        found = effects(world.plan, scene.part, scene.sale)
        new = set(found.order[found.cause == CAUSES.index("incremental")].tolist())
        needs = (scene.part.orders.requires != NOBODY) & scene.sale.exists
        missing = set(np.flatnonzero(needs).tolist()) - new
        yield Check("orders without their cause", float(len(missing)), 0, 0)


def _scores(world: World) -> Iterator[Check]:
    said = opinions.shop_scores(world.plan)["score_description"].to_numpy()
    yield Check("mean score of descriptions", said.mean(), 4.84, 0.0014 * WIDE * said.size**0.5)


def _incidents(world: World) -> Iterator[Check]:
    plan = world.plan
    for incident in (i for i in plan.settings.incidents if i.kind == "payment" and plan.on(i.key)):
        low = plan.window(incident.day, 0, 0)[0] + incident.hour * HOUR
        for sale in (scene.sale for scene in world.scenes):
            at = sale.created[sale.exists & ~sale.unpaid]
            inside = ((at >= low) & (at < low + incident.hours * HOUR)).sum()
            yield Check(f"paid in {incident.key}", inside, 0, 0)


def _dirt(world: World) -> Iterator[Check]:
    planned = world.plan.settings.dirt
    kinds = dirt.truth(world.plan, world.scenes)["kind"].to_pylist()
    orders = sum(len(s.rows) for s in world.scenes)
    if world.plan.on("dirt"):
        yield _share("orders exported twice", kinds.count("duplicate"), orders, planned.duplicates)
        yield Check("test orders", kinds.count("test"), planned.tests, 0)
        yield Check("foreign orders", kinds.count("foreign"), planned.foreign, 0)


MODULES: Mapping[str, Callable[[World], Iterator[Check]]] = {
    check.__name__.removeprefix("_"): check
    for check in (
        _calendar, _catalogue, _customers, _orders,
        _promotions, _media, _prices, _live, _stock,
        _coupons, _returns, _reviews, _scores, _crm, _experiments, _incidents,
        _referrals, _visits, _surveys, _market, _listings, _regions, _points, _advertising, _dirt,
        _effects,
    )
}  # fmt: skip
