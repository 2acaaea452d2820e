"""What all chunks of one world share: clocks, catalogue, interventions and what is switched on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

import numpy as np

from ecomops.base.errors import OptionError, suggestion
from ecomops.sim.calendar import DAY, HOUR, Clock, daily_rate, hourly
from ecomops.sim.catalogue import Catalogue, catalogue

if TYPE_CHECKING:
    from collections.abc import Collection

    from ecomops.sim.settings import Settings
    from ecomops.sim.streams import Bools, Floats, Ints

NOBODY = -1


@dataclass(frozen=True)
class Plan:
    """The shared part of a world.

    Times are seconds since the store's first midnight, local wall time. `present` tells which
    intervention is switched on; its last entry is True and stands for "needs none".
    """

    settings: Settings
    seed: int
    days: int
    daily: Floats
    clock: Clock
    arrivals: Clock
    catalogue: Catalogue
    interventions: tuple[str, ...]
    present: Bools

    @property
    def horizon(self) -> float:
        """The end of the data, in seconds."""
        return float(self.days * DAY)

    @property
    def epoch(self) -> int:
        """The first midnight in seconds since 1970, wall time."""
        return epoch_of(self.settings.store.start)

    def number(self, key: str) -> int:
        """Return the index of an intervention."""
        return self.interventions.index(key)

    def window(self, day: date, first: int, last: int) -> tuple[float, float]:
        """Return the seconds at which days `first` to `last` around `day` begin and end."""
        middle = (day - self.settings.store.start).days
        return (middle + first) * float(DAY), (middle + last + 1) * float(DAY)

    def without(self, keys: Collection[str]) -> Plan:
        """Return the same plan with some interventions switched off."""
        present = self.present.copy()
        present[[self.number(key) for key in self.known(keys)]] = False
        return Plan(**{**self.__dict__, "present": present})

    def known(self, keys: Collection[str]) -> tuple[str, ...]:
        """Return `keys` when every one is an intervention of this world; raise otherwise."""
        for key in keys:
            if key not in self.interventions:
                near = suggestion(key, self.interventions)
                raise OptionError(
                    "sim_intervention", value=key, near=near or "—", known=list(self.interventions)
                )
        return tuple(keys)


def epoch_of(day: date) -> int:
    """Return a day's midnight in seconds since 1970.

    >>> epoch_of(date(1970, 1, 2))
    86400
    """
    return (datetime(day.year, day.month, day.day) - datetime(1970, 1, 1)).days * DAY  # noqa: DTZ001


def plan(settings: Settings, seed: int) -> Plan:
    """Return the plan of a world in which every intervention is switched on."""
    store = settings.store
    daily = daily_rate(store.start, store.end, seed)
    clock = Clock.of(hourly(daily, store.start))
    keys = (
        *(c.key for c in settings.channels if c.paid),
        *(p.key for p in settings.promotions),
    )
    return Plan(
        settings=settings,
        seed=seed,
        days=len(daily),
        daily=daily,
        clock=clock,
        arrivals=Clock.of(np.diff(clock.tau) * _trend(settings, len(daily))),
        catalogue=catalogue(settings.orders.products, store.start, len(daily), seed),
        interventions=keys,
        present=np.ones(len(keys) + 1, dtype=bool),
    )


def _trend(settings: Settings, days: int) -> Floats:
    """Return the level of acquisition by hour: a ramp after opening, then yearly growth."""
    day: Ints = np.arange(days * DAY // HOUR) / 24
    customers = settings.customers
    ramp = 1 - 0.6 * np.exp(-day / customers.ramp)
    return ramp * (1 + customers.growth) ** (day / 365)
