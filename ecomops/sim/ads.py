"""What advertising cost and what its reports credit to it, by day and campaign."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ecomops.sim import arrow, media
from ecomops.sim.streams import shared, stream
from ecomops.sim.traffic import visitors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecomops.sim.plan import Plan
    from ecomops.sim.streams import Floats, Ints

WINDOW = 15
SAME_DAY = 0.5
KINDS = ("日常", "新品", "爆款", "拉新", "清仓", "测款")


def _paid(plan: Plan) -> list[int]:
    return [i for i, c in enumerate(plan.settings.channels) if c.paid and plan.on(c.key)]


def _clicks(plan: Plan, daily: Mapping[str, Ints], orders: Ints, paid: list[int]) -> Ints:
    """Return impressions, clicks and cents by (day, paid channel).

    A channel with a budget spends what was planned; the others pay for each click. No order
    comes without a click.
    """
    channels = plan.settings.channels
    seen = visitors(plan, daily["order_buyers"])[:, paid]
    lot = stream(plan.seed, "ads").random((3, plan.days, len(channels)))[:, :, paid]
    clicks = np.rint(seen * (1.05 + 0.06 * lot[0])).astype(np.int64)
    price = np.array([channels[i].touch_cost for i in paid]) * 100 * (0.9 + 0.2 * lot[2])
    spend = np.rint(clicks * price).astype(np.int64)
    busy = media.promoted(plan.settings, plan.days)
    for place, number in enumerate(paid):
        if channels[number].budget:
            spend[:, place] = media.spending(channels[number], plan.days, plan.seed, busy)
            clicks[:, place] = np.rint(spend[:, place] / price[:, place])
    clicks = np.maximum(clicks, orders)
    shown = np.rint(clicks / (0.028 + 0.008 * lot[1])).astype(np.int64)
    return np.stack([shown, clicks, spend])


def _lags(plan: Plan) -> Floats:
    """Return the chance that an order follows its click by 0 to 14 days."""
    delay = plan.settings.ads.delay
    if not delay:
        return np.ones(1)
    late = (1 - 1 / (1 + delay / (1 - SAME_DAY))) ** np.arange(WINDOW - 1)
    return np.append(SAME_DAY, (1 - SAME_DAY) * late / late.sum())


def _on_click_day(plan: Plan, orders: Ints, cents: Ints) -> tuple[Ints, Ints]:
    """Return orders and cents by (day of the click, channel): recent days lack what will come."""
    chance = _lags(plan)
    lot = stream(plan.seed, "lags").random((plan.days, len(plan.settings.channels), len(chance)))
    split = shared(lot[:, _paid(plan)], orders, chance)
    upto = np.cumsum(split, axis=2)
    reached = cents[:, :, None] * upto // np.maximum(orders, 1)[:, :, None]
    money = np.diff(reached, axis=2, prepend=0)
    found = np.zeros((2, *orders.shape), dtype=np.int64)
    for lag in range(min(len(chance), plan.days)):
        found[0, : plan.days - lag] += split[lag:, :, lag]
        found[1, : plan.days - lag] += money[lag:, :, lag]
    return found[0], found[1]


def _campaigns(plan: Plan, paid: list[int]) -> tuple[Floats, Floats, Floats]:
    """Return shares of clicks, relative conversion and relative price, by (channel, campaign)."""
    ads = plan.settings.ads
    random = stream(plan.seed, "ad campaigns")
    lots = random.standard_normal((2, len(plan.settings.channels), ads.campaigns))[:, paid]
    share = np.broadcast_to(1 / (1.5 + np.arange(ads.campaigns)), lots[0].shape)
    share = share / share.sum(axis=1, keepdims=True)
    return share, np.exp(ads.spread * lots[0]), np.exp(0.3 * ads.spread * lots[1])


def _split(plan: Plan, name: str, counts: Ints, chance: Floats) -> Ints:
    """Return counts by (day, channel) shared out by lot over campaigns."""
    chance = chance / chance.sum(axis=1, keepdims=True)
    shape = plan.days, len(plan.settings.channels), chance.shape[1]
    lot = stream(plan.seed, f"ad campaigns/{name}").random(shape)
    return shared(lot[:, _paid(plan)], counts, chance)


def _spread(cents: Ints, weight: Floats | Ints) -> Ints:
    """Return cents by (day, channel) shared out over campaigns by weight, exact to the cent."""
    running = np.cumsum(weight, axis=2).astype(np.float64)
    total = np.where(running[:, :, -1:] > 0, running[:, :, -1:], 1.0)
    reached = np.floor(cents[:, :, None] * (running / total)).astype(np.int64)
    reached[:, :, -1] = cents
    parts: Ints = np.diff(reached, axis=2, prepend=0)
    return parts


def ad_reports(plan: Plan, daily: Mapping[str, Ints]) -> pa.Table:
    """Return the canonical table `ad_reports`: one row a day for each campaign of paid channels.

    Conversions are last-click orders, on the day of the click.
    """
    paid = _paid(plan)
    each = plan.settings.ads.campaigns
    share, quality, price = _campaigns(plan, paid)
    orders, cents = _on_click_day(plan, daily["pay_orders"][:, paid], daily["pay_amount"][:, paid])
    shown, clicks, spend = _clicks(plan, daily, orders, paid)
    bought = _split(plan, "orders", orders, share * quality)
    clicks = bought + _split(plan, "clicks", clicks - orders, share)
    names = [plan.settings.channels[i].name for i in paid]
    place = np.tile(np.repeat(np.arange(len(paid)), each), plan.days)
    which = np.tile(np.arange(each), plan.days * len(paid))
    count = len(place)
    return pa.table({
        "date": arrow.dates(np.repeat(np.arange(plan.days), len(paid) * each), plan.epoch),
        "platform": arrow.constant("alimama", count),
        "account_id": arrow.constant("A1", count),
        "scene_name": arrow.words(place, names),
        "campaign_id": arrow.words(place * each + which, _ids(plan, paid)),
        "campaign_name": arrow.words(place * each + which, [f"{n}{k}" for n in names
                                                            for k in KINDS[:each]]),
        "impressions": pa.array(_spread(shown, clicks).ravel()),
        "clicks": pa.array(clicks.ravel()),
        "spend": arrow.money(_spread(spend, clicks * price).ravel()),
        "attribution_model": arrow.constant("last_click", count),
        "attribution_window_days": pa.array(np.full(count, WINDOW)),
        "conversions": pa.array(bought.ravel()),
        "conversion_value": arrow.money(_spread(cents, bought).ravel()),
    })  # fmt: skip


def _ids(plan: Plan, paid: list[int]) -> list[str]:
    each = plan.settings.ads.campaigns
    return [f"AD{i:02d}{k}" for i in paid for k in (range(1, each + 1) if each > 1 else [""])]


def planted(plan: Plan) -> pa.Table:
    """Return the truth by campaign: how its clicks convert and cost beside those of its channel."""
    paid = _paid(plan)
    share, quality, price = _campaigns(plan, paid)
    mean = (share * quality).sum(axis=1, keepdims=True)
    names = [plan.settings.channels[i].name for i in paid]
    return pa.table({
        "campaign_id": pa.array(_ids(plan, paid), pa.string()),
        "channel": pa.array([n for n in names for _ in range(share.shape[1])], pa.string()),
        "share": pa.array(share.ravel()),
        "conversion": pa.array((quality / mean).ravel()),
        "price": pa.array((price / (share * price).sum(axis=1, keepdims=True)).ravel()),
    })  # fmt: skip


def lags(plan: Plan) -> pa.Table:
    """Return the truth: the chance that an order follows its click by so many days."""
    chance = _lags(plan)
    return pa.table({"days": pa.array(np.arange(len(chance))), "chance": pa.array(chance)})


def switched(plan: Plan) -> pa.Table:
    """Return the truth of tests of spending: each tested channel's weeks, and which were on."""
    tests = [c for c in plan.settings.channels if c.switched and plan.on(c.key)]
    rows = [
        {"channel": c.name, "week": week, "on": bool(level)}
        for c in tests
        for week, level in enumerate(media.switches(c, plan.days // media.WEEK, plan.seed))
        if level >= 0
    ]
    return pa.Table.from_pylist(rows)
