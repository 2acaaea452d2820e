"""How much to order of each product until the next delivery, from demand draws and margins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import ibis
import numpy as np

from ecomops.base import checks
from ecomops.data.festivals import calendar_of
from ecomops.data.festivals import days as calendar_days
from ecomops.data.policy import POLICY, coverage, sold_lines
from ecomops.data.tables import frame
from ecomops.maths import forecast as maths
from ecomops.maths.inventory import newsvendor_draws
from ecomops.metrics.daily import daily
from ecomops.metrics.shelves import on_hand
from ecomops.product import rows as rows_of
from ecomops.result import Action, Basis, Finding, Need, Result, Value, style

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.axes import Axes

    from ecomops.data.shop import Shop
    from ecomops.result.words import Words

RECENT = 56  # days whose product mix is taken on
SEED = 20_250_707
SHOWN = {True: 14, False: 10}
MOST = 200  # products ordered for, the best sellers first


def recent_sales(shop: Shop, since: date, as_of: date | None) -> pd.DataFrame:
    """Return ``product_id, name, pieces, price, cost`` of the best 200 sellers since a day.

    `price` and `cost` are paid money and goods' cost per piece; products without a cost are left
    out, as are pieces refunded in full with their order.
    """
    orders = POLICY.sales(shop.orders, as_of=as_of)
    kept = orders.filter(orders.at.date() >= since, orders.net > 0).select("order_id")
    lines = sold_lines(shop.order_lines).join(kept, "order_id")
    by = lines.group_by("product_id").aggregate(
        name=lines.product_name.max(),
        pieces=lines.quantity.sum(),
        paid=lines.line_paid_amount.sum(),
        spent=lines.line_cost.sum(),
    )
    best = by.order_by(ibis.desc("pieces"), "product_id").limit(MOST)
    rows = frame(best)
    rows = rows[rows["spent"].notna() & (rows["pieces"] > 0)].reset_index(drop=True)
    return rows.assign(price=rows["paid"] / rows["pieces"], cost=rows["spent"] / rows["pieces"])


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Inventory(Result):
    """One row per product: demand until the next delivery, stock, order, profit against the mean.

    `params` holds the gain of the quantities over ordering the expected demand, with its interval.
    """

    code: ClassVar[str] = "product.inventory"
    evidence: ClassVar[str] = "C"
    columns: ClassVar[Mapping[str, str]] = {
        "product_id": "text",
        "name": "text",
        "expected": "number",
        "low": "number",
        "high": "number",
        "service": "percent",
        "level": "count",
        "on_hand": "count",
        "order": "count",
        "stockout": "percent",
    }

    def findings(self) -> tuple[Finding, ...]:
        """Say how much to order in all, what is about to run out, what the buffer is worth."""
        p, n = self.params, self.basis.n
        total = {"pieces": int(self.rows["order"].sum()), "money": p["money"], "days": p["days"]}
        total["products"] = int((self.rows["order"] > 0).sum())
        said = [Finding("order", "note", total, n)]
        if p["known"]:
            risky = self.rows[self.rows["stockout"] > p["risk"]]
            if len(risky):
                worst = risky.sort_values(["stockout", "expected"], ascending=False).iloc[0]
                facts = {"count": len(risky), "item": worst["name"], "chance": worst["stockout"]}
                said.append(Finding("stockout", "act", facts, n))
        else:
            said.append(Finding("no_stock", "watch", {}, n))
        low, mid, high = p["gain"]
        said.append(
            Finding(
                "gain" if low > 0 else "even", "note", {"low": low, "mid": mid, "high": high}, n
            )
        )
        return tuple(said)

    def propose(self) -> tuple[Action, ...]:
        """Propose the order; its value is the profit over ordering what is expected on average."""
        p = self.params
        low, mid, high = p["gain"]
        value = Value(low=low, mid=mid, high=high, horizon_days=p["days"]) if p["known"] else None
        until = (self.basis.end or date.max - timedelta(days=7)) + timedelta(days=7)
        change = {"pieces": int(self.rows["order"].sum()), "money": p["money"], "days": p["days"]}
        return (Action("order", ("order",), change, "C", until, value),)

    def layout(self, *, wide: bool) -> style.Layout:
        """Return height and margins in pixels."""
        height = 44 + 26 * min(len(self.rows), SHOWN[wide])
        if wide:
            return style.Layout(height, left=230, right=110, top=10, bottom=34)
        return style.Layout(height, left=130, right=52, top=10, bottom=34)

    def draw(self, ax: Axes, *, wide: bool, words: Words) -> None:
        """Draw demand as an interval with its mean, and the level to order up to as a square."""
        rows = self.rows.head(SHOWN[wide])
        for i, row in enumerate(rows.to_dict("records")):
            rows_of.interval(ax, i, row, "expected")
            rows_of.square(ax, i, row["level"])
            rows_of.name(ax, i, row, wide=wide)
            code = "order" if wide else "order_short"
            text = words.say("labels", code, order=row["order"])
            rows_of.note(ax, i, text)
        ax.set(ylim=(len(rows) - 0.4, -0.6), xlim=(0, None))
        ax.grid(axis="x")
        ax.set_yticks([])


def inventory(
    shop: Shop,
    *,
    days: int = 21,
    salvage: float = 0.4,
    pack: int = 1,
    calendar: str = "cn",
    as_of: date | None = None,
    lang: str | None = None,
) -> Inventory:
    """Say how many pieces of each product to order so that profit until the next delivery is best.

    Parameters
    ----------
    shop
        Needs `orders` and `order_lines` with ``line_cost``; `inventory_snapshots` (and
        `product_skus`) give the stock on hand, taken as 0 otherwise.
    days
        Days until the delivery after this one, 7 to 90: lead time and review period.
    salvage
        What a piece left over is still worth, as a share of its cost, 0 to 1.
    pack
        Pieces per pack; orders are whole packs.
    calendar
        ``"cn"``, ``"western"`` or ``"all"``.
    as_of
        Last day known; the last day of the data when None.
    lang
        Language of the words.

    Returns
    -------
    Inventory
        `.table`: the 200 best sellers: ``expected, low, high`` (pieces, 90 %), ``service`` (the
        critical ratio), ``level`` to order up to, ``on_hand, order``, ``stockout`` (its chance
        without an order).

    Notes
    -----
    The shop's orders are forecast with error paths (`store.forecast`), each product's share of
    pieces is Gamma distributed after the last 56 days, pieces are Poisson. The level is the
    newsvendor's quantile (Arrow, Harris and Marschak 1951): margin against what a leftover loses.

    Examples
    --------
    >>> import ecomops as eo
    >>> result = inventory(eo.open("demo"))
    >>> bool((result.table["order"] >= 0).all())
    True
    """
    checks.between("days", days, 7, 90)
    checks.between("salvage", salvage, 0, 1)
    if "order_lines" not in shop:
        need = Need("table", {"table": "order_lines"})
        return Inventory.lock((need,), lang=lang)  # type: ignore[no-any-return]
    facts = coverage(shop.orders, as_of=as_of)
    history = daily(shop.orders, as_of=as_of)
    needed = maths.MIN_DAYS + 2 * days
    since = facts.last_day - timedelta(days=RECENT - 1)
    items = recent_sales(shop, since, as_of)
    if len(history) < needed or items.empty:
        return Inventory.lock(_missing(len(history), needed, items), lang=lang)  # type: ignore[no-any-return]
    demand = _demand(history, items["pieces"].to_numpy(dtype=float), days, calendar)
    stock = on_hand(shop, facts.last_day)
    rows, params = _orders(items, demand, stock, salvage, pack)
    basis = Basis(
        n=len(rows),
        unit="products",
        start=since,
        end=facts.last_day,
        currency=facts.currency,
        excluded=facts.excluded_sales,
    )
    params |= {"days": days, "known": stock is not None, "risk": 0.1}
    return Inventory(rows=rows, basis=basis, params=params, lang=checks.language(lang))


def _missing(found: int, needed: int, items: pd.DataFrame) -> tuple[Need, ...]:
    cost = {"table": "order_lines", "column": "line_cost"}
    rows = {"needed": needed, "found": found, "unit": "days"}
    return Need("rows", rows, found >= needed), Need("column", cost, not items.empty)


def _demand(history: pd.DataFrame, pieces: Any, days: int, calendar: str) -> Any:
    """Return draws of each product's pieces, shape (draws, products)."""
    y = history["orders"].to_numpy()
    start = history["day"].iloc[0].date()
    facts = calendar_days(start, y.size + days, calendar_of(calendar))
    ahead = maths.forecast(y, facts, seed=SEED).draws.sum(axis=1)
    random = np.random.default_rng(SEED)
    share = random.gamma(pieces + 0.5, 1 / y[-RECENT:].sum(), (ahead.size, pieces.size))
    return random.poisson(ahead[:, None] * share)


def _orders(
    items: pd.DataFrame, demand: Any, stock: pd.Series[float] | None, salvage: float, pack: int
) -> tuple[pd.DataFrame, dict[str, Any]]:
    price, cost = items["price"].to_numpy(), items["cost"].to_numpy()
    over, under = cost * (1 - salvage), np.maximum(price - cost, 0)
    level = [
        newsvendor_draws(max(o, 1e-9), u, demand[::2, i]).quantity
        for i, (o, u) in enumerate(zip(over, under, strict=True))
    ]
    known = items["product_id"].map(stock).fillna(0.0).to_numpy() if stock is not None else 0.0
    held = np.broadcast_to(np.asarray(known, dtype=float), (len(items),))
    order = np.ceil(np.maximum(np.array(level) - held, 0) / pack) * pack
    plain = np.maximum(np.ceil(demand.mean(axis=0)) - held, 0)
    # levels are chosen on one half of the draws and judged on the other
    fresh = demand[1::2]
    gain = _profit(fresh, held + order, over, under) - _profit(fresh, held + plain, over, under)
    low, mid, high = (float(q) for q in np.quantile(gain.sum(axis=1), [0.05, 0.5, 0.95]))
    rows = items[["product_id", "name"]].assign(
        expected=demand.mean(axis=0),
        low=np.quantile(demand, 0.05, axis=0),
        high=np.quantile(demand, 0.95, axis=0),
        service=under / (over + under),
        level=np.array(level).astype(int),
        on_hand=held if stock is not None else np.nan,
        order=order.astype(int),
        stockout=(demand > held).mean(axis=0) if stock is not None else np.nan,
    )
    params = {"gain": (low, mid, high), "money": float((order * cost).sum())}
    rows = rows.sort_values(["order", "expected", "product_id"], ascending=[False, False, True])
    return rows[list(Inventory.columns)].reset_index(drop=True), params


def _profit(demand: Any, level: Any, over: Any, under: Any) -> Any:
    """Return the margin earned less what leftovers lose, by draw and product."""
    return np.minimum(demand, level) * under - np.maximum(level - demand, 0) * over
