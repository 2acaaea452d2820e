"""One chunk of customers: all its possible orders with what is in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ecomops.sim import baskets, journeys, latent, people
from ecomops.sim.plan import NOBODY
from ecomops.sim.streams import stream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecomops.sim.plan import Plan
    from ecomops.sim.streams import Bools, Floats


@dataclass(frozen=True)
class Chunk:
    """Everything drawn for one chunk; nothing in it depends on what is switched on.

    `blocks` gives the number of possible orders of each process, in the order they are laid.
    """

    number: int
    people: people.People
    orders: latent.Latent
    lines: baskets.Lines
    blocks: Mapping[str, int]
    line_blocks: Mapping[str, int]
    buyers: journeys.Visitors
    browsers: journeys.Visitors

    def draws(self, plan: Plan, module: str, rows: int) -> Floats:
        """Return uniform numbers, (rows, possible orders), from the module's own streams."""
        return _draws(plan, module, rows, self.number, self.blocks)

    def line_draws(self, plan: Plan, module: str, rows: int) -> Floats:
        """Return uniform numbers, (rows, possible lines), from the module's own streams."""
        return _draws(plan, module, rows, self.number, self.line_blocks)


def _draws(plan: Plan, module: str, rows: int, chunk: int, blocks: Mapping[str, int]) -> Floats:
    parts = [
        stream(plan.seed, f"{module}/{name}", chunk).random((rows, n)) for name, n in blocks.items()
    ]
    return np.concatenate(parts, axis=1)


def chunks(plan: Plan) -> list[int]:
    """Return the number of customers of each chunk."""
    whole, rest = divmod(plan.settings.customers.count, plan.settings.chunk)
    return [plan.settings.chunk] * whole + [rest] * bool(rest)


def chunk(plan: Plan, number: int) -> Chunk:
    """Return chunk `number`: customers, their possible orders and the panel's visitors."""
    count = chunks(plan)[number]
    group = people.arrivals(plan, number, count)
    ordinary = latent.ordinary(plan, group, 0, "orders", number)
    share = count / plan.settings.customers.count
    browsers = journeys.browsers(plan, number, round(plan.settings.panel.journeys * share))
    won = journeys.customers(plan, browsers, number)
    everyone = people.join([group, won])
    blocks = {
        "orders": ordinary,
        "unpaid": latent.unpaid(plan, ordinary, number),
        "extra": latent.extra(plan, group, ordinary, number),
        "panel": latent.ordinary(plan, won, len(group), "panel", number),
    }
    lines = [baskets.fill(plan, b, everyone, name, number) for name, b in blocks.items()]
    sizes = {name: len(b) for name, b in blocks.items()}
    return Chunk(
        number=number,
        people=everyone,
        orders=latent.join(list(blocks.values())),
        lines=baskets.join(lines, list(sizes.values())),
        blocks=sizes,
        line_blocks={name: len(part) for name, part in zip(blocks, lines, strict=True)},
        buyers=journeys.buyers(plan, ordinary, _uncaused(everyone, ordinary), number),
        browsers=_placed(browsers, len(ordinary) + sizes["unpaid"] + sizes["extra"]),
    )


def _uncaused(group: people.People, orders: latent.Latent) -> Bools:
    return group.cause[orders.customer] == NOBODY


def _placed(visitors: journeys.Visitors, first: int) -> journeys.Visitors:
    """Return the browsers with the position of the order that each won one of them placed."""
    won = visitors.cause != NOBODY
    order = np.where(won, first + np.cumsum(won) - 1, NOBODY)
    return journeys.Visitors(**{**visitors.__dict__, "order": order})
