"""The parameters of a synthetic shop, one small record per module."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True)
class Store:
    """Who the shop is and which days its data cover."""

    store_id: str = "TM10001"
    name_zh: str = "青禾衣铺"
    name_en: str = "Qinghe Apparel"
    platform: str = "tmall"
    currency: str = "CNY"
    timezone: str = "Asia/Shanghai"
    start: date = date(2024, 1, 1)
    end: date = date(2025, 12, 9)


@dataclass(frozen=True)
class Customers:
    """Arrivals, and the BG/NBD purchase and gamma-gamma spend process in operational days.

    `count` customers arrive over the whole period. Purchase rates are Gamma(r, rate alpha), the
    chance to leave after each repeat order is Beta(a, b). Spend per order at list prices is
    Gamma(p, mean nu) with nu = gamma-distributed over customers (shape q), mean `spend` cents.
    """

    count: int = 11_200
    growth: float = 0.10
    ramp: float = 45.0
    guests: float = 0.05
    r: float = 0.40
    alpha: float = 140.0
    a: float = 0.9
    b: float = 2.6
    p: float = 5.5
    q: float = 6.0
    spend: float = 21_500.0
    correlation: float = 0.0


@dataclass(frozen=True)
class Orders:
    """Baskets, payment and delivery."""

    products: int = 300
    lines: float = 0.62
    unpaid: float = 0.07
    coupon: float = 0.22
    coupon_min: int = 19_900
    coupon_off: int = 1_500
    free_shipping: int = 9_900
    shipping: int = 800


@dataclass(frozen=True)
class Promotion:
    """One promotion of the shop; days count from its main day.

    `discount` is the shop's price cut; the platform adds `platform_off` for every `platform_min`
    cents. `arrivals` is the share of all customers who come only because of it, `extra` its push
    on those who are customers already (in days' worth of ordinary buying), `pulled` and `waited`
    the chance that an ordinary order moves into it from up to 30 days after or 10 days before.
    """

    day: date
    name: str
    first: int = 0
    last: int = 0
    discount: float = 0.10
    platform_min: int = 0
    platform_off: int = 0
    arrivals: float = 0.0
    extra: float = 0.0
    pulled: float = 0.0
    waited: float = 0.0

    @property
    def key(self) -> str:
        """The intervention's name."""
        return f"promo:{self.day}"


@dataclass(frozen=True)
class Channel:
    """One source of visitors; the last fields matter for paid ones.

    `mix` is its share of ordinary visits, `again` its share of repeat buyers' visits, `caused`
    the share of all customers who come only because of it. In the panel of journeys a visitor
    meets it with log-odds `reach` + `intent` × purchase intent, at position `stage` (0 first, 1
    last) of the path; `effect` is the chance that meeting it turns a non-buyer into a buyer.
    """

    name: str
    name_en: str
    paid: bool
    mix: float
    again: float
    conversion: float
    caused: float = 0.0
    reach: float = -2.0
    intent: float = 0.0
    stage: float = 0.5
    effect: float = 0.0
    touch_cost: float = 0.0
    holdout: float = 0.0

    @property
    def key(self) -> str:
        """The intervention's name."""
        return f"channel:{self.name}"


@dataclass(frozen=True)
class Panel:
    """The tracked panel of journeys: how many visitors, over how many last days."""

    journeys: int = 14_500
    tracked: float = 0.55
    days: int = 100
    intent: float = 1.1


@dataclass(frozen=True)
class Settings:
    """Everything that defines a synthetic shop but its seed."""

    store: Store = field(default_factory=Store)
    customers: Customers = field(default_factory=Customers)
    orders: Orders = field(default_factory=Orders)
    panel: Panel = field(default_factory=Panel)
    promotions: tuple[Promotion, ...] = ()
    channels: tuple[Channel, ...] = ()
    refunds: float = 0.9
    chunk: int = 1 << 16
