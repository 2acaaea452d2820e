"""Channels: what they really bring, their curves, and who sells in live sessions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

import ecomops as eo
from benchmarks.methods.common import Estimate, Found, Method, bare, emitted
from ecomops.channel import minutes
from ecomops.sim import media, world
from ecomops.sim import preset as settings_of
from ecomops.sim.presets import sized
from ecomops.sim.truth import channel as channel_truth

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecomops.sim import World

MONTH = 30
MARGIN = 0.5
PAID = {"直通车": (0.30, 20_000), "直播": (0.20, 40_000), "短视频": (0.02, 30_000)}


def attribution(made: World) -> Found:
    """Orders that paid channels bring, measured by their holdouts, and last-click credit.

    Truth: the panel's orders that exist only because of the channel. Money: a cut of two thirds
    saves its cost less the margin of the orders it loses; best: who cuts what costs more than
    it brings, and nothing else.
    """
    result = eo.channel.attribution(made.tables["touchpoints"], margin=MARGIN)
    truth = won(made)
    credit = result.table.query("model == 'last'").set_index("channel")["conversions"]
    found: list[Estimate] = []
    for row in result.incremental.itertuples():
        if row.channel in truth:
            real = truth[row.channel]
            found.append(("holdout", row.conversions, real, row.low, row.high))
            found.append(bare("last click", credit.get(row.channel, 0), real))
    saved = _saved(result, truth)
    cuts = [a for a in result.actions() if a.emitted]
    gained = sum(saved[str(a.subject).removeprefix("channel:")] for a in cuts)
    best = sum(max(amount, 0.0) for amount in saved.values())
    return Found(found, len(cuts), gained=gained, best=best)


def _saved(result: Any, truth: Mapping[str, float]) -> dict[str, float]:
    """Return what a cut of each measured channel truly saves in a month."""
    facts, rows = result.facts, result.incremental.set_index("channel")
    each = facts["value"] / facts["conversions"] * MARGIN
    share = eo.channel.reading.CUT * MONTH / max(facts["days"], 1)
    known = rows.index.intersection(list(truth))
    return {c: float(share * (rows.loc[c, "cost"] - truth[c] * each)) for c in known}


def won(made: World) -> dict[str, float]:
    """Return the panel's orders that exist only because of a paid channel, by channel."""
    found = channel_truth(made.plan, made.scenes).to_pandas().set_index("channel")["panel_orders"]
    return {str(name): float(count) for name, count in found.items()}


def advertised(preset: str, customers: int, seed: int) -> World:
    """Return a world in which three channels' spend varies and brings many, some or few."""
    base = sized(settings_of(preset), customers)
    if preset == "no_effect":
        return world(base, seed=seed)
    channels = tuple(
        replace(c, caused=PAID[c.name][0], budget=PAID[c.name][1]) if c.name in PAID else c
        for c in base.channels
    )
    return world(replace(base, channels=channels), seed=seed)


def response(made: World) -> Found:
    """Sales a day of channels at their present spend, and the gain of moving money between them.

    Truth: customers that the channels caused times what one order is worth. What they buy later is
    no part of the curve, which answers within weeks; it is part of what moving money gains.
    """
    curves = eo.channel.response(made.shop)
    moves = eo.channel.reallocate(curves)
    count = emitted(moves)
    if curves.locked or not (curves.table["reason"] == "known").any():
        return Found(emitted=count)
    known = curves.table[curves.table["reason"] == "known"]
    found: list[Estimate] = [
        ("sales", r.sales, first_sales(made, r.channel, r.spend), r.sales_low, r.sales_high)
        for r in known.itertuples()
        if r.channel in PAID
    ]
    gained = _gain(made, moves) if count else 0.0
    return Found(found, count, named=count, false=int(count > 0 and gained <= 0), gained=gained)


def _gain(made: World, moves: Any) -> float:
    rows = moves.table[moves.table["reason"] == "known"].to_dict("records")
    change = sum(
        true_sales(made, r["channel"], r["plan"]) - true_sales(made, r["channel"], r["now"])
        for r in rows
    )
    return float(change * made.shop.margin * 28)


def true_sales(made: World, name: str, spend: float) -> float:
    """Return sales a day of a channel at a steady spend: its customers times what one buys."""
    plan = made.plan
    channel = next(c for c in plan.settings.channels if c.name == name)
    found = channel_truth(plan, made.scenes).to_pandas().set_index("channel")
    customers = found.loc[name, "customers"]
    paid = made.tables["orders"].to_pandas()["paid_amount"].astype(float).sum()
    effect = media.response(channel, plan.days, plan.seed)
    per_effect = customers / float((effect * plan.daily).sum()) * plan.daily.mean()
    scaled = np.array([spend * 100 / channel.budget])
    shape = float(media.hill(scaled, channel.half, channel.slope)[0])
    return float(paid / plan.settings.customers.count * per_effect * shape)


def first_sales(made: World, name: str, spend: float) -> float:
    """Return those of the sales that are first orders."""
    orders = made.tables["orders"]["paid_at"]
    once = made.plan.settings.customers.count / (len(orders) - orders.null_count)
    return true_sales(made, name, spend) * once


def live(made: World) -> Found:
    """Effects of hosts, products and times of live sessions, as logarithms.

    Truth: planted pulls of hosts and products; times have no effect beyond their viewers.
    Naive: a host's orders a session over all sessions', which counts the better days as well.
    """
    shop = made.shop
    chosen = minutes.sessions(shop.live_sessions, None)
    effects, levels = minutes.selling(minutes.cells(shop.live_minutes, chosen))
    planted = made.truth["live_slots"].to_pandas().drop_duplicates("product_id")
    pull = np.log(planted.set_index("product_id")["product_pull"].loc[levels[1]].to_numpy())
    crowd, hosts = minutes.audience(chosen, shop.festivals())
    draw = np.log(made.plan.settings.live.hosts)  # in the order of the hosts' first sessions
    names = list(dict.fromkeys(chosen["host"]))
    draw = np.array([draw[names.index(h)] for h in hosts])
    truths = (np.zeros(len(levels[0])), pull - pull.mean(), np.zeros(len(levels[2])))
    kinds = zip(("host", "product", "slot"), effects.effects, effects.errors, truths, strict=True)
    whole = ("audience", crowd.effects[0], crowd.errors[0], draw - draw.mean())
    found: list[Estimate] = []
    for kind, effect, error, truth in (*kinds, whole):
        half = minutes.Z * np.asarray(error)
        rows = zip(effect, truth, effect - half, effect + half, strict=True)
        found += [(kind, float(e), float(t), float(a), float(b)) for e, t, a, b in rows]
    return Found(found, emitted(eo.channel.live(shop)))


METHODS = {
    "attribution": Method(attribution, ("tiny", "retarget_trap", "no_effect"), 5_000, truths=won),
    "response": Method(response, ("tiny", "no_effect"), 6_000, advertised),
    "live": Method(live, ("live_room",), 11_200),
}
