"""A world: one synthetic shop, the truth about it, and its twin without some intervention."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ecomops.base.options import options
from ecomops.data.shop import Shop
from ecomops.data.views import through
from ecomops.sim import build, touchpoints
from ecomops.sim.chunk import Chunk, chunk, chunks
from ecomops.sim.effects import effects
from ecomops.sim.fulfilment import fulfil
from ecomops.sim.plan import Plan
from ecomops.sim.plan import plan as planned
from ecomops.sim.presets import chosen
from ecomops.sim.selling import sell
from ecomops.sim.tables import Scene

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import pyarrow as pa

    from ecomops.sim.settings import Settings
    from ecomops.sim.streams import Ints


@dataclass(frozen=True, eq=False)
class World:
    """One synthetic shop.

    `plan` holds everything that defines it; tables, truth and the shop are made when first asked
    for. `interventions` lists what `without` can switch off.

    >>> small = world("tiny", seed=1, customers=300)
    >>> small.interventions[:2]
    ('channel:直通车', 'channel:再营销')
    """

    plan: Plan

    @property
    def interventions(self) -> tuple[str, ...]:
        """The names of everything that can be switched off."""
        return self.plan.interventions

    @cached_property
    def scenes(self) -> list[Scene]:
        """The chunks as they are in this world."""
        return [stage(self.plan, chunk(self.plan, i)) for i in range(len(chunks(self.plan)))]

    @cached_property
    def tables(self) -> Mapping[str, pa.Table]:
        """All canonical tables that the modules feed, by name."""
        return build.canonical(self.plan, self.scenes)

    @cached_property
    def truth(self) -> Mapping[str, pa.Table]:
        """What is true of this world, by table: parameters, latents, causes, effects."""
        causes = [effects(s.plan, s.part, s.sale) for s in self.scenes]
        return build.truths(self.plan, self.scenes, causes)

    @cached_property
    def shop(self) -> Shop:
        """The world as an open shop, like one that was read from files."""
        store = self.plan.settings.store
        options.glossary = self.plan.english
        names = {"zh": store.name_zh, "en": store.name_en}
        return Shop(
            name=store.name_zh, names=names, tables=through(self.tables, store.timezone),
            currency=store.currency, timezone=store.timezone, source="simulated",
        )  # fmt: skip

    def without(self, *keys: str) -> World:
        """Return the twin world in which some interventions are switched off."""
        return World(self.plan.without(keys))


def world(
    preset: str | Settings = "tiny",
    *,
    seed: int = 1,
    without: Collection[str] = (),
    customers: int | None = None,
) -> World:
    """Return a synthetic shop with its truth.

    Parameters
    ----------
    preset
        A preset's name (see `ecomops.sim.preset_names`) or settings of your own.
    seed
        Any whole number from 0 on; the same seed gives the same world, byte for byte.
    without
        Interventions that are switched off. All other draws stay as they are, so the difference
        to the whole world is the effect of what is missing, order by order.
    customers
        Another number of customers than the preset's.

    Raises `OptionError` for unknown presets, settings and interventions.

    >>> whole, twin = (world(seed=1, customers=300, without=w) for w in ((), ("channel:直播",)))
    >>> len(whole.tables["orders"]) > len(twin.tables["orders"])
    True
    """
    return World(planned(chosen(preset, customers), seed).without(without))


def stage(plan: Plan, part: Chunk) -> Scene:
    """Return what one chunk looks like in the world of `plan`."""
    sale = sell(plan, part)
    source = part.orders.source.copy()
    orders, channel = touchpoints.last_clicks(plan, part)
    source[orders] = channel
    return Scene(plan, part, sale, fulfil(plan, part, sale), _existing(plan, source))


def _existing(plan: Plan, source: Ints) -> Ints:
    """Return sources with those that are switched off replaced by the first free one."""
    channels = plan.settings.channels
    free = next((i for i, c in enumerate(channels) if not c.paid), 0)
    off = np.array([c.paid and not plan.on(c.key) for c in channels])
    return np.where(off[source], free, source)
