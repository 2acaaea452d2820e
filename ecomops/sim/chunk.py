"""One chunk of customers: all its possible orders with what is in them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ecomops.sim import baskets, found, journeys, latent, newcomers, people, referrals
from ecomops.sim.plan import NOBODY
from ecomops.sim.streams import stream, uniforms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecomops.sim.people import People
    from ecomops.sim.plan import Plan
    from ecomops.sim.streams import Floats, Ints

WANTED = ("orders", "extra", "panel", "message")  # processes whose orders lower prices multiply


@dataclass(frozen=True, eq=False)
class Chunk:
    """Everything drawn for one chunk; nothing in it depends on what is switched on.

    `blocks` gives the number of possible orders of each process, in the order they are laid;
    `groups` the number of customers of each group. A part of a chunk has a `whole` and the rows
    of it that it holds.
    """

    number: int
    people: people.People
    orders: latent.Latent
    lines: baskets.Lines
    blocks: Mapping[str, int]
    line_blocks: Mapping[str, int]
    groups: Mapping[str, int]
    referrer: Ints
    buyers: journeys.Visitors
    browsers: journeys.Visitors
    whole: tuple[Chunk, Ints, Ints] | None = None
    drawn: dict[tuple[str, bool], Floats] = field(default_factory=dict)

    @cached_property
    def own(self) -> People:
        """The customers whom nobody else brings: the first group."""
        return self.people.take(np.arange(self.groups["people"]))

    def draws(self, plan: Plan, module: str, rows: int, *, lines: bool = False) -> Floats:
        """Return uniform numbers, (rows, possible orders or lines), from the module's streams."""
        if self.whole:
            parent, orders, rest = self.whole
            drawn = parent.draws(plan, module, rows, lines=lines)
            return drawn.take(rest if lines else orders, axis=1)
        if (module, lines) not in self.drawn:
            blocks = self.line_blocks if lines else self.blocks
            self.drawn[module, lines] = _draws(plan, module, rows, self.number, blocks)
        return self.drawn[module, lines]

    def part(self, orders: Ints) -> Chunk:
        """Return the chunk with only the possible orders at these positions (ascending)."""
        place = np.full(len(self.orders), NOBODY)
        place[orders] = np.arange(len(orders))
        rows = np.flatnonzero(place[self.lines.order] != NOBODY)
        lines = self.lines.take(rows)
        return replace(
            self,
            orders=self.orders.take(orders),
            lines=replace(lines, order=place[lines.order]),
            whole=(self, orders, rows),
        )


def _draws(plan: Plan, module: str, rows: int, chunk: int, blocks: Mapping[str, int]) -> Floats:
    drawn, start = np.empty((rows, sum(blocks.values()))), 0
    for name, count in blocks.items():
        if count:
            uniforms(stream(plan.seed, f"{module}/{name}", chunk), drawn[:, start : start + count])
        start += count
    return drawn


def chunks(plan: Plan) -> list[int]:
    """Return the number of customers of each chunk."""
    whole, rest = divmod(plan.settings.customers.count, plan.settings.chunk)
    return [plan.settings.chunk] * whole + [rest] * bool(rest)


def chunk(plan: Plan, number: int) -> Chunk:
    """Return chunk `number`: customers, their possible orders and the panel's visitors."""
    count = chunks(plan)[number]
    share = count / plan.settings.customers.count
    group = people.arrivals(plan, number, count)
    base = newcomers.deterred(
        plan, group, latent.ordinary(plan, group, 0, "orders", number), number
    )
    base = found.labelled(plan, group, base, number)
    browsers = journeys.browsers(plan, number, round(plan.settings.panel.journeys * share))
    won = journeys.customers(plan, browsers, number)
    groups, blocks = {"people": group, "panel": won}, {"orders": base}
    blocks["unpaid"] = latent.unpaid(plan, base, number)
    blocks["extra"] = latent.prompted(plan, group, base, number)
    start = sum(len(b) for b in blocks.values())
    blocks["panel"] = latent.ordinary(plan, won, len(group), "panel", number)
    blocks["message"] = latent.messaged(plan, group, base, number)
    everyone = group.joined([won])
    lines = {
        name: baskets.fill(plan, block, everyone, name, number) for name, block in blocks.items()
    }
    referrer = _late(plan, number, share, groups, blocks, lines)
    return _laid(plan, number, groups, blocks, lines, referrer, _placed(browsers, start))


def _late(
    plan: Plan, number: int, share: float, groups: dict[str, people.People],
    blocks: dict[str, latent.Latent], lines: dict[str, baskets.Lines],
) -> Ints:  # fmt: skip
    """Add the groups that come on top of ordinary orders; return who referred the referred."""
    base = groups["people"], blocks["orders"], lines["orders"]
    bases = {"price": _wanted(groups, blocks, lines)} if len(plan.prices.product) else {}

    def first() -> int:
        return sum(len(g) for g in groups.values())

    for name in newcomers.KINDS:
        new = newcomers.come(plan, name, bases.get(name, base), first(), number, share)
        groups[name], blocks[name] = new.people, new.orders
        lines[name] = new.lines or _filled(plan, groups, new.orders, name, number)
    start = first()
    friends, referrer = referrals.friends(plan, groups["people"], start, number)
    groups["referral"] = friends
    blocks["referral"] = latent.ordinary(plan, friends, start, "referral", number)
    lines["referral"] = _filled(plan, groups, blocks["referral"], "referral", number)
    return referrer


def _wanted(
    groups: Mapping[str, people.People], blocks: Mapping[str, latent.Latent],
    lines: Mapping[str, baskets.Lines],
) -> tuple[people.People, latent.Latent, baskets.Lines]:  # fmt: skip
    """Return the orders that lower prices multiply, with their customers and lines."""
    first, *others = (blocks[name] for name in WANTED)
    group, *more = groups.values()
    filled = baskets.join([lines[n] for n in WANTED], [len(blocks[n]) for n in WANTED])
    return group.joined(more), first.joined(others), filled


def _filled(
    plan: Plan, groups: Mapping[str, people.People], orders: latent.Latent, name: str, number: int
) -> baskets.Lines:
    """Return what is in the orders of a late group, which may be empty."""
    first, *others = groups.values()
    everyone = first.joined(others) if len(orders) else first
    return baskets.fill(plan, orders, everyone, name, number)


def _laid(
    plan: Plan, number: int, groups: dict[str, people.People], blocks: dict[str, latent.Latent],
    lines: dict[str, baskets.Lines], referrer: Ints, browsers: journeys.Visitors,
) -> Chunk:  # fmt: skip
    """Return the chunk with all blocks laid one after the other."""
    (group, *others), (base, *more) = groups.values(), blocks.values()
    everyone = group.joined(others)
    sizes = {name: len(b) for name, b in blocks.items()}
    uncaused = everyone.cause[base.customer] == NOBODY
    return Chunk(
        number=number,
        people=everyone,
        orders=base.joined(more),
        lines=baskets.join(list(lines.values()), list(sizes.values())),
        blocks=sizes,
        line_blocks={name: len(part) for name, part in lines.items()},
        groups={name: len(g) for name, g in groups.items()},
        referrer=referrer,
        buyers=journeys.buyers(plan, base, uncaused, number),
        browsers=browsers,
    )


def _placed(visitors: journeys.Visitors, first: int) -> journeys.Visitors:
    """Return the browsers with the position of the order that each won one of them placed."""
    won = visitors.cause != NOBODY
    order = np.where(won, first + np.cumsum(won) - 1, NOBODY)
    return replace(visitors, order=order)
