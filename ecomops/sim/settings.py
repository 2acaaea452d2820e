"""The parameters of a synthetic shop, one small record per module; a preset fills them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta


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
    noise: float = 0.06


@dataclass(frozen=True)
class Customers:
    """Arrivals, and the purchase and spend process in operational days.

    `count` customers arrive over the whole period. Purchase rates are Gamma(r, rate alpha). With
    `death` "bgnbd" the chance to leave after each repeat order is Beta(a, b); with "pareto" the
    time to leave is exponential with a Gamma(s, rate beta) rate. Spend per order at list prices
    is Gamma(p) around a mean that is inverse-gamma over customers (shape q, mean `spend` cents);
    `correlation` couples purchase rate and mean spend.
    """

    count: int = 11_200
    growth: float = 0.10
    ramp: float = 45.0
    guests: float = 0.05
    r: float = 0.40
    alpha: float = 140.0
    death: str = "bgnbd"
    a: float = 0.9
    b: float = 2.6
    s: float = 0.6
    beta: float = 300.0
    p: float = 5.5
    q: float = 6.0
    spend: float = 21_500.0
    correlation: float = 0.0


@dataclass(frozen=True)
class Rule:
    """One discount rule; rules are applied in order to what is left of the list amount.

    `kind` is "percent" (`rate` per mille off), "full" (`off` for every `least`, at most `most`
    times), "coupon" (`off` from `least` on) or "bundle" (`rate` off from `pieces` pieces on);
    `payer` is "shop", "platform" or "points". Only the share `share` of customers has it; of
    several rules of one `group` only the first that gives anything applies.
    """

    kind: str
    payer: str = "shop"
    rate: int = 0
    least: int = 0
    off: int = 0
    most: int = 1
    pieces: int = 0
    share: float = 1.0
    group: str = ""


@dataclass(frozen=True)
class Orders:
    """Baskets, payment and the discounts of ordinary days; `goods` is "catalogue" or "foods"."""

    goods: str = "catalogue"
    products: int = 300
    defects: float = 0.0
    lines: float = 0.62
    unpaid: float = 0.07
    free_shipping: int = 9_900
    shipping: int = 800
    rules: tuple[Rule, ...] = (Rule("coupon", least=19_900, off=1_500, share=0.22),)


@dataclass(frozen=True)
class Promotion:
    """One promotion of the shop; days count from its main day.

    `arrivals` is the share of all customers who come only because of it, `extra` its push on
    those who are customers already (in days' worth of ordinary buying), `pulled` and `waited`
    the chance that an ordinary order moves into it from up to 30 days after or 10 days before,
    `switched` the chance that a line becomes the promoted product of its category, `halo` the
    chance of an added line.
    """

    day: date
    name: str
    first: int = 0
    last: int = 0
    rules: tuple[Rule, ...] = ()
    arrivals: float = 0.0
    extra: float = 0.0
    pulled: float = 0.0
    waited: float = 0.0
    switched: float = 0.0
    halo: float = 0.0

    @property
    def key(self) -> str:
        """The intervention's name."""
        return f"promo:{self.day}"

    @property
    def span(self) -> tuple[date, date]:
        """Its first and its last day."""
        return self.day + timedelta(days=self.first), self.day + timedelta(days=self.last)


@dataclass(frozen=True)
class Channel:
    """One source of visitors; the fields from `caused` on matter for paid ones.

    `mix` is its share of ordinary visits, `again` its share of repeat buyers' visits, `caused`
    the share of all customers who come only because of it. In the panel of journeys a visitor
    meets it with log-odds `reach` + `intent` × purchase intent, at position `stage` (0 first, 1
    last) of the path; `effect` is the chance that meeting it turns a non-buyer into a buyer.
    With `budget` (cents a day) its customers follow spending through geometric adstock with
    `retention` and a Hill curve that is half full at `half` times the mean. `festive` is how much
    more is spent on the days of promotions; `switched` weeks from week `switched_from` on are a
    test: of each two weeks one, by lot, has no spending and the other half as much again.
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
    budget: int = 0
    retention: float = 0.5
    half: float = 1.5
    slope: float = 1.4
    festive: float = 0.0
    switched: int = 0
    switched_from: int = 0

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
class Prices:
    """Price changes of some products, and how demand answers.

    `design` is "none", "random" (cells of `cell` days at lot), "markdown" (one planned cut) or
    "endogenous" (the price follows the product's demand shock with strength `rho`). Elasticities
    are N(`elasticity`, `spread`) over products. Of what a lower price gains, new orders bring
    1 - `cross`; each line of a product whose rival it is goes over with the chance `cross` times
    the gain. Demand follows the elasticity exactly where `cross` is 0, and less or more closely
    where rivals sell less or more than the product.
    """

    design: str = "none"
    products: int = 40
    cell: int = 14
    factors: tuple[int, ...] = (850, 1000, 1150)
    elasticity: float = -2.2
    spread: float = 0.4
    cross: float = 0.0
    rho: float = 0.0
    shock: float = 0.0


@dataclass(frozen=True)
class Live:
    """Live sessions: every `every` days from 20 o'clock, until midnight at most."""

    every: int = 0
    minutes: int = 180
    orders: float = 6.0
    hosts: tuple[float, ...] = (1.6, 1.0, 0.6)
    shifted: float = 0.0


@dataclass(frozen=True)
class Stock:
    """Stock-outs of `products` products, `spells` each, `days` long; some buyers switch.

    With `snapshots`, the stock of each variant on each of the last `history` days is recorded;
    the share `short` of products has no spare pieces and runs low.
    """

    products: int = 0
    spells: int = 2
    days: int = 12
    substitute: float = 0.4
    snapshots: bool = False
    history: int = 180
    short: float = 0.0


@dataclass(frozen=True)
class Returns:
    """Refunds: a level factor, and a bad batch of one product from a share of the period on."""

    level: float = 0.9
    batch: float = 0.0
    batch_from: float = 0.6


@dataclass(frozen=True)
class Opinions:
    """Reviews, the size of a brushing burst, and a yearly survey of recommendation."""

    reviews: float = 0.06
    lang: str = "zh"
    brushed: int = 0
    surveyed: float = 0.0


@dataclass(frozen=True)
class Crm:
    """Randomised sends: every `every` days to known customers, `holdout` of them left out.

    Shares of persuadable and of annoyed customers, and what a send does to them: the chance of
    an extra order within a week, and the chance that an order of the next 30 days is lost. Where
    effects are found (see `Settings`), `found` is the share of the orders that the persuadable
    place within a week which the message brought. `points` keeps a ledger: a point a yuan,
    `redeemed` of them spent on gifts.
    """

    every: int = 0
    holdout: float = 0.3
    persuadable: float = 0.25
    annoyed: float = 0.10
    lift: float = 0.05
    loss: float = 0.30
    found: float = 0.0
    points: bool = False
    redeemed: float = 0.4


@dataclass(frozen=True)
class Experiment:
    """An A/B test on visitors who buy: days, share of B, relative lift and its novelty decay."""

    name: str
    start: date
    days: int = 28
    share: float = 0.5
    lift: float = 0.0
    novelty: float = 0.0
    mismatch: float = 0.0

    @property
    def key(self) -> str:
        """The intervention's name."""
        return f"experiment:{self.name}"


@dataclass(frozen=True)
class Incident:
    """Something went wrong: "payment" or "tracking" from an hour on for some hours."""

    kind: str
    day: date
    hour: int = 20
    hours: int = 6

    @property
    def key(self) -> str:
        """The intervention's name."""
        return f"incident:{self.kind}-{self.day}"


@dataclass(frozen=True)
class Dirt:
    """Shares of orders that are exported twice, and numbers of test orders and foreign ones."""

    duplicates: float = 0.0
    tests: int = 0
    foreign: int = 0


@dataclass(frozen=True)
class Sessions:
    """Visits with their funnel events in the last `days` days: share that is recorded."""

    days: int = 0
    share: float = 0.1
    bots: float = 0.03
    split: float = 0.08
    disorder: float = 0.01


@dataclass(frozen=True)
class Market:
    """Search demand: keywords, and segment × attribute cells in which supply is missing."""

    keywords: int = 0
    gaps: int = 0


@dataclass(frozen=True)
class Listing:
    """Traffic by product in the last `days` days, and planted defects that cost conversion.

    The share `defects` of listings has few pictures or empty attributes; their visitors buy
    55 % as often. Orders stay as they are: such listings have more visitors.
    """

    days: int = 0
    defects: float = 0.0


@dataclass(frozen=True)
class Regions:
    """What people long for: foods of their home (`goods` "foods").

    The share `away` lives elsewhere. A line becomes a food of the buyer's home with the chance
    `ordinary`, in the `before` days before 春节 and 中秋 with the chance `longing`.
    """

    longing: float = 0.0
    ordinary: float = 0.0
    before: int = 20
    away: float = 0.35


@dataclass(frozen=True)
class Ads:
    """How advertising is reported: campaigns per paid channel, and orders on their click's day.

    Clicks come `delay` days before the order on average, half of them on its day; with a delay
    the last days are incomplete. Campaigns of one channel convert differently by `spread`.
    """

    campaigns: int = 1
    delay: float = 0.0
    spread: float = 0.0


@dataclass(frozen=True)
class Settings:
    """Everything that defines a synthetic shop but its seed.

    With `found`, messages, tests and live sessions add no orders: those that exist anyway are
    labelled as brought by them, so the same shop can be had with and without these modules.
    """

    store: Store = field(default_factory=Store)
    customers: Customers = field(default_factory=Customers)
    orders: Orders = field(default_factory=Orders)
    panel: Panel = field(default_factory=Panel)
    prices: Prices = field(default_factory=Prices)
    live: Live = field(default_factory=Live)
    stock: Stock = field(default_factory=Stock)
    returns: Returns = field(default_factory=Returns)
    opinions: Opinions = field(default_factory=Opinions)
    crm: Crm = field(default_factory=Crm)
    dirt: Dirt = field(default_factory=Dirt)
    sessions: Sessions = field(default_factory=Sessions)
    market: Market = field(default_factory=Market)
    listing: Listing = field(default_factory=Listing)
    regions: Regions = field(default_factory=Regions)
    ads: Ads = field(default_factory=Ads)
    coupons: bool = False
    found: bool = False
    promotions: tuple[Promotion, ...] = ()
    channels: tuple[Channel, ...] = ()
    experiments: tuple[Experiment, ...] = ()
    incidents: tuple[Incident, ...] = ()
    referral: float = 0.0
    chunk: int = 1 << 16

    @property
    def sources(self) -> list[str]:
        """The names of the channels."""
        return [channel.name for channel in self.channels]
