"""Products and their variants: titles, prices, costs, launches, seasons and appeal."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ecomops.sim.presets import facts
from ecomops.sim.streams import pick, stream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecomops.sim.settings import Settings
    from ecomops.sim.streams import Bools, Floats, Ints

TIERS = 16
STEPS = 64
CHEAPEST, DEAREST = 2500.0, 70000.0
NINES = np.array([9, 9, 9, 8, 5])


@dataclass(frozen=True, eq=False)
class Catalogue:
    """The products of a shop; arrays have one entry per product, `sku_*` one per variant.

    Money is in cents. `launch` is in days since the shop's start (negative: before it).
    `cells` is the cumulative choice probability within each (month, price tier), each cell
    offset by its index, so that one search picks a product for any month and price.
    """

    category: Ints
    price: Ints
    cost: Ints
    launch: Floats
    fade: Floats
    appeal: Floats
    titles: tuple[tuple[str, str], ...]
    colour: Ints
    colours: Ints
    sizes: Ints
    sku_first: Ints
    sku_product: Ints
    cells: Floats
    cell_product: Ints
    months: int
    shock: Floats
    defect: Bools
    words: Mapping[str, Any]

    @cached_property
    def variants(self) -> Ints:
        """Number of variants of each product."""
        return self.colours * self.sizes

    def staples(self) -> Ints:
        """Return the products that were there from the first day, the most wanted first."""
        order: Ints = np.argsort(-self.appeal, kind="stable")
        there = order[self.launch[order] < 0]
        return there if len(there) else order[:1]

    @cached_property
    def sku_names(self) -> list[str]:
        """The names of all variants: colour and size."""
        names = self.words
        owner = self.sku_product
        place = np.arange(len(owner)) - self.sku_first[owner]
        colour = (self.colour[owner] + place // self.sizes[owner]) % len(names["colour"])
        size, single = place % self.sizes[owner], self.sizes[owner] == 1
        return [
            f"{names['colour'][c][0]}；{names['single'] if one else names['size'][s]}"
            for c, s, one in zip(colour, size, single, strict=True)
        ]

    def tier(self, price: Floats) -> Ints:
        """Return the price tier (0 to 15) of prices in cents."""
        position = np.log(price / CHEAPEST) / np.log(DEAREST / CHEAPEST) * TIERS
        tier: Ints = np.clip(position, 0, TIERS - 1).astype(np.int64)
        return tier

    def month(self, day: Ints) -> Ints:
        """Return the month of sale (30 days each) of days since the start."""
        return np.clip(day // 30, 0, self.months - 1)

    def choose(self, uniform: Floats, month: Ints, price: Floats) -> Ints:
        """Return the product bought in `month` by who wants to spend about `price`."""
        cell = month * TIERS + self.tier(price)
        point = cell + uniform
        found = self.guide.take((point * STEPS).astype(np.int64))
        short = np.flatnonzero(self.cells.take(found) <= point)
        while len(short):
            found[short] += 1
            short = short[self.cells[found[short]] <= point[short]]
        product: Ints = self.cell_product.take(found)
        return product

    @cached_property
    def guide(self) -> Ints:
        """Where to begin looking in `cells`, by steps of 1/64."""
        count = self.months * TIERS * STEPS
        return np.searchsorted(self.cells, np.arange(count) / STEPS, side="right")


DEFECT = 0.55
STAYS = 0.35


def catalogue(settings: Settings, days: int, seed: int) -> Catalogue:
    """Return a catalogue whose appeal follows Zipf's law within a price tier.

    A third is there from the first day and stays; the others launch by season and fade. Listings
    with a planted defect convert at 55 % of what they would.
    """
    products, start = settings.orders.products, settings.store.start
    random = stream(seed, "catalogue")
    words = facts(settings.orders.goods)
    kinds = words["category"]
    category = np.sort(pick(random.random(products), np.array([k["share"] for k in kinds])))
    ranges = np.log([k["price"] for k in kinds])[category]
    log_price = ranges[:, 0] + random.beta(1.6, 2.0, products) * np.ptp(ranges, axis=1)
    price = _friendly(np.exp(log_price), random.integers(0, len(NINES), products))
    wobble = np.exp(random.standard_normal(products) * 0.12)
    share = np.array([k["cost"] for k in kinds])[category] * wobble
    cost = np.rint(price * share.clip(0.2, 0.7) / 10).astype(np.int64) * 10
    stays = random.random(products) < STAYS
    lot = random.random(products)
    launch = np.where(stays, -200 - 600 * lot // 1, np.floor(lot * (days + 60) / 30) * 30 - 90)
    fade = np.where(stays, 4000.0, 120 + random.gamma(2.0, 90.0, products))
    appeal = _zipf(random.permutation(products), log_price)
    colours, sizes = random.integers(2, 5, products), np.where(category == len(kinds) - 1, 1, 3)
    first = np.cumsum(colours * sizes) - colours * sizes
    shock, defect = _planted(settings, products, days // 30 + 1, seed)
    pull = appeal * np.where(defect, DEFECT, 1.0)
    season = np.array([k["month"] for k in kinds])[category]
    cells, members, months = _cells(season, price, launch, fade, pull, shock, start, days)
    return Catalogue(
        category, price, cost, launch, fade, appeal,
        _titles(words, category, launch, start, random.random((products, 3))),
        random.integers(0, len(words["colour"]), products), colours, sizes, first,
        np.repeat(np.arange(products), colours * sizes), cells, members, months, shock, defect,
        words,
    )  # fmt: skip


def _planted(settings: Settings, products: int, months: int, seed: int) -> tuple[Floats, Bools]:
    """Return monthly demand shocks (log) and which listings have a defect."""
    random = stream(seed, "planted")
    shock = settings.prices.shock * random.standard_normal((products, months))
    return shock, random.random(products) < settings.orders.defects


def _friendly(yuan: Floats, ending: Ints) -> Ints:
    """Return prices in cents that end in 9, 8 or 5 yuan."""
    cents: Ints = (np.floor(yuan / 10).astype(np.int64) * 10 + NINES[ending]) * 100
    return cents


def _tier_of(log_price: Floats) -> Ints:
    low, high = np.log(CHEAPEST / 100), np.log(DEAREST / 100)
    tier: Ints = np.clip((log_price - low) / (high - low) * TIERS, 0, TIERS - 1).astype(np.int64)
    return tier


def _zipf(shuffled: Ints, log_price: Floats) -> Floats:
    """Return appeal 1/rank within each price tier, ranks by lot."""
    tier = _tier_of(log_price)
    order = np.lexsort((shuffled, tier))
    sizes = np.bincount(tier, minlength=TIERS)
    rank = np.arange(len(tier)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    appeal = np.empty(len(tier))
    appeal[order] = 1.0 / (rank + 1.5)
    return appeal


def _cells(
    season: Floats, price: Ints, launch: Floats, fade: Floats, appeal: Floats, shock: Floats,
    start: date, days: int,
) -> tuple[Floats, Ints, int]:  # fmt: skip
    """Return the cumulative choice weights by (month, tier) and the product of each entry."""
    months = days // 30 + 1
    middle = np.arange(months)[:, None] * 30.0 + 15
    calendar = np.array([(start + timedelta(days=int(d))).month - 1 for d in middle[:, 0]])
    age = middle - launch
    life = np.where(age >= 0, np.exp(-age / fade), 0.0)
    weight = appeal * life * season[:, calendar].T * np.exp(shock.T)
    tier = _tier_of(np.log(price / 100))
    order = np.argsort(tier, kind="stable")
    shelves = [[_shelf(order, tier, weight[i], k) for k in range(TIERS)] for i in range(months)]
    cumulative = [
        i * TIERS + k + _share(weight[i, shelf])
        for i, month in enumerate(shelves)
        for k, shelf in enumerate(month)
    ]
    product = np.concatenate([shelf for month in shelves for shelf in month])
    return np.concatenate(cumulative), product, months


def _shelf(order: Ints, tier: Ints, weight: Floats, wanted: int) -> Ints:
    """Return the products of a price tier, or of the nearest one that has any on sale."""
    have = np.flatnonzero(np.bincount(tier[weight > 0]))
    nearest = have[np.abs(have - wanted).argmin()] if len(have) else wanted
    shelf: Ints = order[tier[order] == nearest]
    return shelf if len(have) else order


def _share(weight: Floats) -> Floats:
    """Return cumulative shares that end at one exactly."""
    share: Floats = np.cumsum(weight) / max(weight.sum(), 1e-300)
    share[-1] = 1.0
    return share


def _titles(
    words: Mapping[str, Any], category: Ints, launch: Floats, start: date, uniform: Floats
) -> tuple[tuple[str, str], ...]:
    used: dict[tuple[str, str], int] = {}
    titles = []
    for kind, day, (a, b, c) in zip(category, launch, uniform, strict=True):
        item = words["category"][kind]
        parts = [_word(words["origin"], a), _word(item["fabric"], b), _word(words["fit"], c)]
        year = (start + timedelta(days=float(day))).year
        zh = "".join(p[0] for p in parts) + f"{item['zh']} {year} {words['tail']}"
        en = f"{year} " + " ".join(p[1] for p in parts) + f" {item['en']}"
        serial = used[zh, en] = used.get((zh, en), 0) + 1
        mark = "" if serial == 1 else f" {chr(64 + serial)}款"
        titles.append((zh + mark, en + ("" if serial == 1 else f" ({chr(64 + serial)})")))
    return tuple(titles)


def _word(words: list[list[str]], uniform: float) -> list[str]:
    return words[int(uniform * len(words))]


def attributes(title_en: str, category_en: str) -> str:
    """Return the product's attributes as JSON: its English title and category."""
    return json.dumps({"en": title_en, "category_en": category_en}, ensure_ascii=False)
