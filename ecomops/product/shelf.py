"""Stock and sales by product and day: what was there, what it would have sold, what it will."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import pandas as pd

from ecomops.data.festivals import days as calendar_days
from ecomops.data.policy import POLICY, earned, ends, sold_lines
from ecomops.data.tables import exact, frame, held
from ecomops.maths import forecast as maths
from ecomops.maths.latent import latent_demand
from ecomops.metrics.daily import daily
from ecomops.metrics.sources import counted

if TYPE_CHECKING:
    from ecomops.data.shop import Shop

MOST = 200  # best sellers looked at
RECENT, TOLD = 28, 56  # days foretold from, and days that foretell them
PRIOR = 0.5  # pieces beside those sold: nothing sold is no proof of nothing wanted
SEED = 20_251_128
HELD = 7  # days a snapshot speaks for where the next one is missing


@dataclass(frozen=True)
class Shelf:
    """The best sellers of the window: one row per product, and products by days.

    `items` has ``product_id, name, group, price, cost, margin, on_hand, inbound, lead``, a piece's
    ``margin`` after refunds; `sold` pieces, `empty` days without stock.
    """

    items: pd.DataFrame
    sold: Any
    empty: Any
    end: date


def stock_days(shop: Shop, as_of: date) -> ibis.Table:
    """Return pieces by product and day: ``product_id, day, on_hand, inbound, lead``."""
    skus = shop.product_skus.group_by("sku_id", "product_id")
    skus = skus.aggregate(lead_time_days=ibis._.lead_time_days.mean())
    known = shop.inventory_snapshots.filter(ibis._.date.cast("date") <= ibis.literal(as_of))
    t = counted(known).join(skus, "sku_id")
    t = t.mutate(left=ibis.coalesce(t.available, t.on_hand), coming=t.inbound.fill_null(0))
    return t.group_by(["product_id", "day"]).aggregate(
        on_hand=t.left.sum(), inbound=t.coming.sum(), lead=t.lead_time_days.mean()
    )


def shelf(shop: Shop, *, days: int, as_of: date, lead: float) -> Shelf | None:
    """Return the shelf of the last `days` days that have snapshots; None without any of them.

    `lead` stands in where no lead time is stated.
    """
    stock = held(stock_days(shop, as_of))
    span = ends(stock, "day", "inventory_snapshots")
    if not span:
        return None
    since, end = max(span[1] - timedelta(days=days - 1), span[0]), span[1]
    items, sold = _sold(shop, since, end)
    if items.empty:
        return None
    index, ids = pd.date_range(since, end, freq="D"), items["product_id"]
    seen = stock.filter(stock.day >= ibis.literal(since), stock.product_id.isin(ids.tolist()))
    out = seen.filter(seen.on_hand <= 0).select("product_id", "day")
    known = frame(seen.select("day").distinct())["day"]
    empty = _held(frame(out), pd.DatetimeIndex(sorted(known)), index, ids)
    now = frame(seen.filter(seen.day == ibis.literal(end))).set_index("product_id")
    now = now[["on_hand", "inbound", "lead"]].astype(float).reindex(ids).reset_index(drop=True)
    now["lead"] = now["lead"].fillna(lead).clip(1, 90)
    return Shelf(pd.concat([items, now], axis=1).fillna({"inbound": 0.0}), sold, empty, end)


def unseen(shop: Shop, *, days: int, as_of: date) -> Shelf:
    """Return the shelf of the last `days` days where nothing tells what was there: never empty."""
    items, sold = _sold(shop, as_of - timedelta(days=days - 1), as_of)
    unknown = {"on_hand": np.nan, "inbound": 0.0, "lead": np.nan}
    return Shelf(items.assign(**unknown), sold, np.zeros(sold.shape, dtype=bool), as_of)


def _sold(shop: Shop, since: date, end: date) -> tuple[pd.DataFrame, Any]:
    """Return the best sellers and their pieces by day, shape (products, days)."""
    sales = _sales(shop, since, end)
    items = _items(sales, shop)
    by = sales.pivot_table(index="product_id", columns="day", values="pieces", aggfunc="sum")
    index = pd.date_range(since, end, freq="D")
    pieces = by.reindex(index=items["product_id"], columns=index).fillna(0)
    return items, pieces.to_numpy(dtype=float)


def _sales(shop: Shop, since: date, end: date) -> pd.DataFrame:
    """Return ``product_id, day, name, pieces, paid``; ``spent, earned`` of the ``costed`` ones."""
    orders = POLICY.sales(shop.orders, as_of=end)
    kept = orders.filter(orders.at.date() >= since).select("order_id", day=orders.at.date())
    lines = sold_lines(shop.order_lines).join(kept, "order_id").drop_null("product_id")
    totals = lines.group_by("product_id").aggregate(n=lines.quantity.sum())
    best = totals.order_by(ibis.desc("n"), "product_id").limit(MOST).select("product_id")
    lines = lines.join(best, "product_id")
    by = lines.group_by(["product_id", "day"]).aggregate(
        name=lines.product_name.nullif("").max(),
        pieces=lines.quantity.sum(),
        paid=lines.line_paid_amount.sum(),
        spent=lines.line_cost.sum(),
        earned=exact(earned(lines)).sum(),
        costed=lines.quantity.sum(where=lines.line_cost.notnull()),  # noqa: PD004 - ibis has no other
    )
    rows = frame(by.order_by("product_id", "day"))
    return rows.assign(day=pd.to_datetime(rows["day"]))


def _items(sales: pd.DataFrame, shop: Shop) -> pd.DataFrame:
    """Return one row per product, the best sellers first: name, group, money a piece."""
    sums = {name: (name, "sum") for name in ("pieces", "paid", "spent", "earned", "costed")}
    rows = sales.groupby("product_id", as_index=False).agg(name=("name", "max"), **sums)
    rows = rows.sort_values(["pieces", "product_id"], ascending=[False, True], ignore_index=True)
    known = rows["costed"].where(rows["spent"] > 0)
    rows = rows.assign(price=rows["paid"] / rows["pieces"], cost=rows["spent"] / known)
    rows["margin"] = rows["earned"] / known
    rows["name"] = rows["name"].fillna(rows["product_id"])
    groups: dict[Any, Any] = {}
    if "products" in shop:
        t = shop.products
        named = t.select("product_id", group=ibis.coalesce(t.category_l3, t.category_l2)).distinct()
        groups = frame(named).dropna().set_index("product_id")["group"].to_dict()
    return rows.assign(group=[str(groups.get(item, "")) for item in rows["product_id"]])


def _held(
    out: pd.DataFrame, known: pd.DatetimeIndex, index: pd.DatetimeIndex, ids: pd.Series[Any]
) -> Any:
    """Return which products were out by day; a snapshot holds until the next, a week at most."""
    state = np.zeros((len(known), len(ids)))
    days = known.get_indexer(pd.DatetimeIndex(out["day"]))
    state[days, pd.Index(ids).get_indexer(out["product_id"])] = 1.0
    held = pd.DataFrame(state, index=known).reindex(index).ffill(limit=HELD - 1).fillna(0)
    return held.to_numpy().T > 0


@dataclass(frozen=True)
class Lost:
    """Demand by product and day, pieces lost by product and, net of switching, by day."""

    wanted: Any
    pieces: Any
    daily: Any
    switched: float


def lost(kept: Shelf) -> Lost:
    """Return what days without stock hid: see `maths.latent`."""
    found = latent_demand(kept.sold, kept.empty, kept.items["group"].to_numpy())
    gone = np.where(kept.empty, found.demand - kept.sold, 0)
    share = found.substitution
    return Lost(found.demand, gone.sum(axis=1), gone.sum(axis=0) * (1 - share), share)


@dataclass(frozen=True)
class Pace:
    """Draws of the shop's orders, cumulated, (draws, days), and of pieces per order by product."""

    orders: Any
    share: Any

    def until(self, days: Any) -> Any:
        """Return draws of each product's pieces within its `days`, shape (draws, products)."""
        random = np.random.default_rng(SEED)
        return random.poisson(self.orders[:, np.asarray(days) - 1] * self.share)

    def between(self, days: Any, more: int) -> Any:
        """Return draws of the pieces in the `more` days after `days`."""
        last = np.asarray(days) - 1
        rest = np.maximum(self.orders[:, last + more] - self.orders[:, last], 0)
        return np.random.default_rng(SEED + 1).poisson(rest * self.share)


def pace(shop: Shop, kept: Shelf, gone: Lost, *, days: int, calendar: str | None) -> Pace:
    """Return what the shop and its products will sell in `days` days after the shelf's end.

    The shop's orders, with those it lost, are forecast with error paths; a product's share is
    Gamma distributed after its corrected demand of the last 56 days, less what products yet to
    come will take, and pieces are negative binomial with the drift that the last 28 days showed
    against the 56 before.
    """
    history = daily(shop.orders, as_of=kept.end)
    y, wanted = history["orders"].to_numpy(dtype=float, copy=True), gone.wanted
    window = min(kept.sold.shape[1], y.size)
    y[-window:] += gone.daily[-window:] * y[-window:].sum() / max(kept.sold.sum(), 1)
    facts = calendar_days(history["day"].iloc[0].date(), y.size + days, shop.festivals(calendar))
    paths = np.cumsum(maths.forecast(y, facts, seed=SEED).draws, axis=1)
    random = np.random.default_rng(SEED + 2)
    recent = wanted[:, -TOLD:].sum(axis=1)
    shape = (len(paths), len(recent))
    level = staying(wanted) * recent.sum() / (recent + PRIOR).sum()  # no piece is added in all
    share = random.gamma(recent + PRIOR, level / max(y[-TOLD:].sum(), 1), shape)
    share *= random.gamma(1 / drift(wanted), drift(wanted), shape)
    return Pace(paths, share)


def staying(wanted: Any) -> float:
    """Return the part of the last 28 days' pieces that products had which sold in the 56 before.

    The rest went to newcomers, as it will again. `wanted` has shape (products, days); 1 where the
    days are too few to tell.
    """
    last, before = wanted[:, -RECENT:].sum(axis=1), wanted[:, -RECENT - TOLD : -RECENT].sum(axis=1)
    if wanted.shape[1] < RECENT + TOLD or not last.sum() or not before.sum():
        return 1.0
    return float(last[before > 0].sum() / last.sum())


def drift(wanted: Any) -> float:
    """Return the variance of products' shares from one period to the next, beyond Poisson counts.

    `wanted` has shape (products, days); at least 0.005.
    """
    if wanted.shape[1] < RECENT + TOLD:
        return 0.1
    last, before = wanted[:, -RECENT:].sum(axis=1), wanted[:, -RECENT - TOLD : -RECENT].sum(axis=1)
    told = before * last.sum() / max(before.sum(), 1)
    excess = (last - told) ** 2 - told * (1 + last.sum() / max(before.sum(), 1))
    return float(np.clip(excess.sum() / max((told**2).sum(), 1), 0.005, 1.0))
