"""What all chunks of one world share: clocks, catalogue, schedules and what is switched on."""

from __future__ import annotations

import ctypes
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from ecomops.base.errors import OptionError, suggestion
from ecomops.sim import ids
from ecomops.sim.calendar import DAY, HOUR, Clock, daily_rate, hourly
from ecomops.sim.catalogue import Catalogue, catalogue
from ecomops.sim.media import responses
from ecomops.sim.presets import possible
from ecomops.sim.prices import PricePlan, price_plan
from ecomops.sim.stock import StockPlan, stock_plan

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ecomops.sim.settings import Incident, Settings
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
    paced: Mapping[int, Clock]
    catalogue: Catalogue
    prices: PricePlan
    stock: StockPlan
    index: Mapping[str, int]
    present: Bools

    @property
    def interventions(self) -> tuple[str, ...]:
        """The names of everything that can be switched off."""
        return tuple(self.index)

    @property
    def english(self) -> Mapping[str, str]:
        """What pages in English call the shop's channels, products, hosts and the like."""
        words = self.catalogue.words
        kinds = {kind["zh"]: kind["en"] for kind in words["category"]}
        channels = {c.name: c.name_en for c in self.settings.channels}
        return channels | dict(self.catalogue.titles) | kinds | dict(words.get("english", {}))

    @property
    def horizon(self) -> float:
        """The end of the data, in seconds."""
        return float(self.days * DAY)

    @property
    def epoch(self) -> int:
        """The first midnight in seconds since 1970, wall time."""
        return epoch_of(self.settings.store.start)

    def numbers(self, kind: str) -> Ints:
        """Return the indices of all interventions of a kind, such as "stockout"."""
        return np.array([i for key, i in self.index.items() if key.split(":")[0] == kind], np.int64)

    def has(self, number: Ints) -> Bools:
        """Return whether each intervention is on; -1 (none needed) counts as on."""
        on: Bools = self.present.take(number)
        return on

    def hit(self, number: Ints) -> Bools:
        """Return whether each intervention is on; -1 (none there) counts as off."""
        on: Bools = self.has(number) & (number != NOBODY)
        return on

    def on(self, key: str) -> bool:
        """Return whether the intervention `key` exists and is switched on."""
        return key in self.index and bool(self.present[self.index[key]])

    @property
    def sends(self) -> Ints:
        """The days since the start on which messages go out."""
        return session_days(self.settings.crm.every, self.days)

    @property
    def sessions(self) -> Ints:
        """The days since the start on which there is a live session."""
        return session_days(self.settings.live.every, self.days)

    def window(self, day: date, first: int, last: int) -> tuple[float, float]:
        """Return the seconds at which days `first` to `last` around `day` begin and end."""
        middle = (day - self.settings.store.start).days
        return (middle + first) * float(DAY), (middle + last + 1) * float(DAY)

    def outage(self, incident: Incident) -> tuple[float, float]:
        """Return the seconds at which `incident` begins and ends."""
        start = self.window(incident.day, 0, 0)[0] + incident.hour * HOUR
        return start, start + incident.hours * HOUR

    def without(self, keys: Collection[str]) -> Plan:
        """Return the same plan with some interventions switched off."""
        present = self.present.copy()
        present[[self.index[key] for key in self.known(keys)]] = False
        return replace(self, present=present)

    def known(self, keys: Collection[str]) -> tuple[str, ...]:
        """Return `keys` when every one is an intervention of this world; raise otherwise."""
        for key in keys:
            if key not in self.index:
                near = suggestion(key, self.index) or "—"
                known = list(self.index)
                raise OptionError("sim_intervention", value=key, near=near, known=known)
        return tuple(keys)


def epoch_of(day: date) -> int:
    """Return a day's midnight in seconds since 1970.

    >>> epoch_of(date(1970, 1, 2))
    86400
    """
    return (datetime(day.year, day.month, day.day) - datetime(1970, 1, 1)).days * DAY


def _keep_memory() -> None:
    """Let glibc keep what a chunk frees for the next one: asking again costs a fifth of the time.

    Arrays beyond 32 MB still go back at once, the others when more than 256 MB lie idle.
    """
    with suppress(AttributeError, TypeError):  # other C libraries have no such switch
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(-3, 1 << 25)  # M_MMAP_THRESHOLD
        mallopt(-1, 1 << 28)  # M_TRIM_THRESHOLD


def plan(settings: Settings, seed: int) -> Plan:
    """Return the plan of a world in which every intervention is switched on."""
    possible(int, seed, "seed", (0, 2**63 - 1))
    _keep_memory()
    store = settings.store
    daily = daily_rate(store.start, store.end, seed, store.noise)
    clock = Clock.of(hourly(daily, store.start))
    hours = np.diff(clock.tau)
    goods = catalogue(settings, len(daily), seed)
    stock = stock_plan(settings.stock, goods, len(daily), seed)
    prices = price_plan(settings.prices, goods, len(daily), seed)
    keys = _keys(settings, len(daily), prices, stock, goods)
    return Plan(
        settings=settings,
        seed=seed,
        days=len(daily),
        daily=daily,
        clock=clock,
        arrivals=Clock.of(hours * _trend(settings, len(daily))),
        paced={i: Clock.of(hours * pace) for i, pace in responses(settings, daily, seed).items()},
        catalogue=goods,
        prices=prices,
        stock=stock,
        index={key: i for i, key in enumerate(keys)},
        present=np.ones(len(keys) + 1, dtype=bool),
    )


def _keys(
    settings: Settings, days: int, prices: PricePlan, stock: StockPlan, goods: Catalogue
) -> list[str]:
    """Return the names of all interventions of a world, module by module."""
    keys = [c.key for c in settings.channels if c.paid]
    keys += [p.key for p in settings.promotions]
    keys += [f"price:{ids.product_name(i)}" for i in prices.product]
    spells = zip(stock.product, range(len(stock.product)), strict=True)
    keys += [f"stockout:{ids.product_name(i)}:{spell}" for i, spell in spells]
    start = settings.store.start
    for kind, every in (("live", settings.live.every), ("message", settings.crm.every)):
        when = session_days(every, days).tolist()
        keys += [f"{kind}:{start + timedelta(days=day)}" for day in when]
    keys += [e.key for e in settings.experiments]
    keys += [i.key for i in settings.incidents]
    if settings.returns.batch:
        keys.append(f"batch:{ids.product_name(batch_product(goods))}")
    flags = {
        "referral": settings.referral,
        "brushing": settings.opinions.brushed,
        "dirt": settings.dirt.duplicates + settings.dirt.tests + settings.dirt.foreign,
    }
    return keys + [key for key, amount in flags.items() if amount]


def session_days(every: int, days: int) -> Ints:
    """Return the days since the start on which something periodic happens.

    >>> session_days(30, 100).tolist()
    [30, 60, 90]
    """
    return np.arange(every, days, every) if every else np.empty(0, dtype=np.int64)


def batch_product(goods: Catalogue) -> int:
    """Return the product that gets the bad batch: the most wanted one that stays on sale."""
    return int(np.argmax(np.where(goods.launch < 0, goods.appeal, 0)))


def _trend(settings: Settings, days: int) -> Floats:
    """Return the level of acquisition by hour: a ramp after opening, then yearly growth."""
    day = np.arange(days * DAY // HOUR, dtype=np.float64) / 24
    customers = settings.customers
    ramp = 1 - 0.6 * np.exp(-day / customers.ramp)
    level: Floats = ramp * (1 + customers.growth) ** (day / 365)
    return level
