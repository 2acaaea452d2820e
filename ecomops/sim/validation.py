"""Does a world look as its settings say? One check per marginal, module by module."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from scipy.special import ndtr

from ecomops.sim import ads, coupons, crm, dirt, listing, market, opinions, regions
from ecomops.sim.calendar import DAY
from ecomops.sim.latent import ANNOYED, PERSUADABLE, senders
from ecomops.sim.marginals import CORE, WIDE, Check, count, share
from ecomops.sim.plan import NOBODY
from ecomops.sim.streams import hashed
from ecomops.sim.surveys import MEAN, SPREAD, moods
from ecomops.sim.trials import exposures
from ecomops.sim.visits import STEP_RATE, visits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ecomops.sim.streams import Floats
    from ecomops.sim.world import World

GIFT = 120  # days until points are spent, on average
COLUMNS = ("value", "expected", "tolerance")
SCHEMA = {"module": pa.string(), "marginal": pa.string(), **dict.fromkeys(COLUMNS, pa.float64())}


def validate(world: World) -> pa.Table:
    """Return every marginal of every module that is on: value, expected, tolerance, ok.

    Tolerances are 4.5 standard errors of a count or a mean under the planted process, and wider
    where counts are small (Bernstein's inequality), so that a check is wrong less than once in
    10,000 times, in shops of a few customers too.

    >>> from ecomops.sim import world
    >>> validate(world("clean", customers=200)).column_names
    ['module', 'marginal', 'value', 'expected', 'tolerance', 'ok']
    """
    rows = [(name, check) for name, checks in MODULES.items() for check in checks(world)]
    found = [{"module": name, **check._asdict()} for name, check in rows]
    ok = [abs(check.value - check.expected) <= check.tolerance for _, check in rows]
    return pa.Table.from_pylist(found, pa.schema(SCHEMA)).append_column("ok", [ok])


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
            yield share("buyers with a coupon who could use it", len(used), len(able), rule.share)


def _reviews(world: World) -> Iterator[Check]:
    stars: Floats = np.zeros(6)
    for scene in world.scenes:
        said = opinions.voices(scene)
        calm = ~scene.fate.asked[said.line]
        stars += np.bincount(said.stars[calm], minlength=6)
    yield share("five stars", stars[5], stars.sum(), float(opinions.STARS[4]))


def _crm(world: World) -> Iterator[Check]:
    crm = world.plan.settings.crm
    for scene in world.scenes if crm.every else []:
        group = scene.part.own
        kind, held = senders(world.plan, group, scene.part.number)
        own = (group.cause == NOBODY) & ~group.guest
        yield share("persuadable", (kind == PERSUADABLE).sum(), len(kind), crm.persuadable)
        yield share("annoyed", (kind == ANNOYED).sum(), len(kind), crm.annoyed)
        yield share("held out of messages", held[:, own].sum(), held[:, own].size, crm.holdout)


def _experiments(world: World) -> Iterator[Check]:
    for test in world.plan.settings.experiments:
        shown = exposures(world.plan, world.scenes).to_pandas()
        mine = shown[shown.experiment == test.name]
        chance = test.share * (1 - test.mismatch) / (1 - test.share * test.mismatch)
        yield share(f"arm B of {test.name}", (mine.arm == "B").sum(), len(mine), chance)


def _referrals(world: World) -> Iterator[Check]:
    rate = world.plan.settings.referral
    groups = [s.part.own for s in world.scenes]
    able = [g.arrival[(g.cause == NOBODY) & ~g.guest] for g in groups]
    left = (world.plan.horizon - np.concatenate(able)) / DAY / 45
    mean = rate * float(-np.expm1(-left).sum())
    found = sum(int((s.part.referrer < s.part.groups["people"]).sum()) for s in world.scenes)
    yield count("friends of customers", found, mean)


def _visits(world: World) -> Iterator[Check]:
    for scene in world.scenes if world.plan.settings.sessions.days else []:
        seen = visits(scene)
        idle = (seen.order == NOBODY) & ~seen.bot
        split = seen.visitor != seen.true_visitor
        plain = idle & ~split
        reached = (seen.depth[plain] >= 1).sum()
        yield share("views that reach the cart", reached, plain.sum(), STEP_RATE[0])


def _surveys(world: World) -> Iterator[Check]:
    score = moods(world.plan, world.scenes)["score"].to_numpy()
    if len(score):
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
    yield share("listings with a defect", found.sum(), len(found), planned.defects)


def _regions(world: World) -> Iterator[Check]:
    plan = world.plan
    for scene in world.scenes if plan.settings.regions.longing else []:
        people = scene.part.people
        moved = hashed(people.key, plan.seed, "moved") < plan.settings.regions.away
        yield share("live elsewhere", moved.sum(), len(people), plan.settings.regions.away)
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
        yield share("points spent by the end", len(spent), len(earned), chance)


def _advertising(world: World) -> Iterator[Check]:
    yield Check("chance of all delays", sum(ads.lags(world.plan)["chance"].to_pylist()), 1.0, 1e-9)


def _scores(world: World) -> Iterator[Check]:
    said = opinions.shop_scores(world.plan)["score_description"].to_numpy()
    yield Check("mean score of descriptions", said.mean(), 4.84, 0.0014 * WIDE * said.size**0.5)


def _dirt(world: World) -> Iterator[Check]:
    planned = world.plan.settings.dirt
    kinds = dirt.truth(world.plan, world.scenes)["kind"].to_pylist()
    orders = sum(len(s.rows) for s in world.scenes)
    if world.plan.on("dirt"):
        yield share("orders exported twice", kinds.count("duplicate"), orders, planned.duplicates)
        yield Check("test orders", kinds.count("test"), planned.tests, 0)
        yield Check("foreign orders", kinds.count("foreign"), planned.foreign, 0)


MODULES: Mapping[str, Callable[[World], Iterator[Check]]] = {
    check.__name__.removeprefix("_"): check
    for check in (
        *CORE, _coupons, _reviews, _scores, _crm, _experiments, _referrals, _visits, _surveys,
        _market, _listings, _regions, _points, _advertising, _dirt,
    )
}  # fmt: skip
