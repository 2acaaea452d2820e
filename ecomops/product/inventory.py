"""How much to order of each product until the next delivery, from demand draws and margins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ecomops.base import checks
from ecomops.data.policy import coverage
from ecomops.data.tables import number
from ecomops.maths import forecast as maths
from ecomops.maths.inventory import newsvendor_draws
from ecomops.metrics.daily import daily
from ecomops.metrics.shelves import on_hand
from ecomops.product import rows as rows_of
from ecomops.product.shelf import TOLD, Shelf, lost, pace, shelf, unseen
from ecomops.result import Action, Basis, Finding, Need, Result, Value, lacking, style

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.axes import Axes

    from ecomops.data.shop import Shop
    from ecomops.result.words import Words

WINDOW = 180  # days looked at, as in `product.stock`
SHOWN = {True: 14, False: 10}


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
        "stockout": "chance",
    }

    def findings(self) -> tuple[Finding, ...]:
        """Say how much to order in all, what is about to run out, what the buffer is worth."""
        p, n = self.params, self.basis.n
        total = {"pieces": int(self.rows["order"].sum()), "money": p["money"], "days": p["days"]}
        total["products"] = int((self.rows["order"] > 0).sum())
        said = [Finding("order" if total["pieces"] else "enough", "note", total, n)]
        if p["no_cost"]:
            said.append(Finding("no_cost", "watch", {"count": p["no_cost"]}, n))
        blind = int((self.rows["on_hand"].isna() & (self.rows["order"] > 0)).sum())
        if not p["known"]:
            said.append(Finding("no_stock", "watch", {}, n))
        elif blind:
            said.append(Finding("unstocked", "watch", {"count": blind}, n))
        risky = self.rows[self.rows["stockout"] > p["risk"]]
        if len(risky):
            worst = risky.sort_values(["stockout", "expected"], ascending=False).iloc[0]
            facts = {"count": len(risky), "item": worst["name"], "chance": worst["stockout"]}
            facts |= {"risk": p["risk"], "days": p["days"]}
            said.append(Finding("stockout", "act", facts, n))
        facts = dict(zip(("low", "mid", "high"), p["gain"], strict=True))
        if total["pieces"]:
            said.append(Finding("gain" if facts["low"] > 0 else "even", "note", facts, n))
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
        height = 58 + 26 * min(len(self.rows), SHOWN[wide])
        if wide:
            return style.Layout(height, left=230, right=110, top=10, bottom=48)
        return style.Layout(height, left=130, right=52, top=10, bottom=48)

    def draw(self, ax: Axes, *, wide: bool, words: Words) -> None:
        """Draw demand as an interval with its mean, and the level to order up to as a square."""
        rows = self.rows.head(SHOWN[wide])
        for i, row in enumerate(rows.to_dict("records")):
            rows_of.interval(ax, i, row, "expected")
            rows_of.square(ax, i, row["level"])
            rows_of.name(ax, i, row, wide=wide, words=words)
            code = "order" if wide else "order_short"
            rows_of.note(ax, i, words.say("labels", code, order=row["order"]))
        ax.set(ylim=(len(rows) - 0.4, -0.6), xlim=(0, None))
        ax.grid(axis="x")
        ax.set_yticks([])
        look: dict[str, Any] = {"size": style.SMALL, "ha": "right"}
        style.tag(ax, ax.get_xlim()[1], 0, words.label("x_axis"), 0, -34, at="below", **look)


def inventory(
    shop: Shop,
    *,
    days: int = 21,
    salvage: float = 0.4,
    pack: int = 1,
    calendar: str | None = None,
    as_of: date | str | None = None,
    lang: str | None = None,
) -> Inventory:
    """Say how many pieces of each product to order so that profit until the next delivery is best.

    Parameters
    ----------
    shop
        Needs `orders` and `order_lines` with ``line_cost``; `inventory_snapshots` (and
        `product_skus`) give the stock on hand, taken as 0 otherwise, and the days without any;
        `products` the categories within which buyers switch.
    days
        Days until the delivery after this one, 7 to 90: lead time and review period.
    salvage
        What a piece left over is still worth, as a share of its cost, 0 to 1.
    pack
        Pieces per pack; orders are whole packs.
    calendar
        ``"cn"``, ``"western"`` or ``"all"``; by the currency when None.
    as_of
        Last day known; the last day of the data when None.
    lang
        Language of the words.

    Returns
    -------
    Inventory
        `.table`: those of the 200 best sellers whose cost is known: ``expected, low, high``
        (pieces, 90 %), ``service`` (the critical ratio), ``level`` to order up to, ``on_hand``
        (missing without a snapshot: an order takes it as 0), ``order``, ``stockout`` (its chance
        without an order).

    Notes
    -----
    Demand is that of `product.stock`: corrected for days without stock where snapshots tell them,
    forecast with error paths, shared out after the last 56 days. Pieces that come back later count.
    The level is the newsvendor's quantile (Arrow, Harris and Marschak 1951): margin against what a
    leftover loses.

    Examples
    --------
    >>> import ecomops as eo
    >>> result = inventory(eo.open("demo"))
    >>> bool((result.table["order"] >= 0).all())
    True
    """
    as_of = checks.day("as_of", as_of)
    checks.between("days", days, 7, 90)
    checks.between("salvage", salvage, 0, 1)
    if absent := lacking(shop, "orders", "order_lines"):
        return Inventory.lock(absent, lang=lang)
    facts = coverage(shop.orders, as_of=as_of)
    history = daily(shop.orders, as_of=as_of)
    needed = maths.MIN_DAYS + 2 * days
    if len(history) < needed:
        lines = shop.order_lines
        costs = bool(number(lines.line_cost.count()))
        return Inventory.lock(_missing(len(history), needed, costs=costs), lang=lang)
    kept = _shelf(shop, facts.last_day)
    gone = lost(kept)
    wanted = gone.wanted[:, -TOLD:].sum(axis=1) > 0
    known = kept.items["cost"].notna() & wanted
    if not known.any():
        return Inventory.lock(_missing(len(history), needed, costs=False), lang=lang)
    sells = pace(shop, kept, gone, days=days, calendar=calendar)
    demand = sells.until(np.full(len(known), days))[:, known.to_numpy()]
    stock = on_hand(shop, facts.last_day)
    rows, params = _orders(kept.items[known], demand, stock, salvage, pack)
    basis = Basis(
        n=len(rows),
        unit="products",
        start=kept.end - timedelta(days=kept.sold.shape[1] - 1),
        end=facts.last_day,
        currency=facts.currency,
        excluded=facts.excluded_sales,
    )
    params |= {"days": days, "known": stock is not None, "risk": 0.1}
    params["no_cost"] = int(wanted.sum() - known.sum())
    return Inventory(rows=rows, basis=basis, params=params, lang=checks.language(lang))


def _missing(found: int, needed: int, *, costs: bool) -> tuple[Need, ...]:
    cost = {"table": "order_lines", "column": "line_cost"}
    rows = {"needed": needed, "found": found, "unit": "days"}
    return Need("rows", rows, found >= needed), Need("column", cost, costs)


def _shelf(shop: Shop, last: date) -> Shelf:
    """Return the shelf up to the last day; days without stock are known if snapshots reach it."""
    if all(name in shop for name in ("inventory_snapshots", "product_skus")):
        kept = shelf(shop, days=WINDOW, as_of=last, lead=1.0)
        if kept is not None and kept.end == last and kept.sold.shape[1] >= TOLD:
            return kept
    return unseen(shop, days=WINDOW, as_of=last)


def _orders(
    items: pd.DataFrame, demand: Any, stock: pd.Series[float] | None, salvage: float, pack: int
) -> tuple[pd.DataFrame, dict[str, Any]]:
    price, cost = items["price"].to_numpy(), items["cost"].to_numpy()
    over, under = cost * (1 - salvage), np.maximum(price - cost, 0)
    level = [
        newsvendor_draws(max(o, 1e-9), u, demand[::2, i]).quantity
        for i, (o, u) in enumerate(zip(over, under, strict=True))
    ]
    there = items["product_id"].map({} if stock is None else stock).to_numpy(dtype=float)
    held = np.nan_to_num(there)
    order = np.ceil(np.maximum(np.array(level) - held, 0) / pack) * pack
    plain = np.maximum(np.ceil(demand.mean(axis=0)) - held, 0)
    # levels are chosen on one half of the draws and judged on the other
    fresh = demand[1::2]
    gain = _profit(fresh, held + order, over, under) - _profit(fresh, held + plain, over, under)
    rows = items[["product_id", "name"]].assign(
        expected=demand.mean(axis=0),
        low=np.quantile(demand, 0.05, axis=0),
        high=np.quantile(demand, 0.95, axis=0),
        service=under / (over + under),
        level=np.array(level).astype(int),
        on_hand=there,
        order=order.astype(int),
        stockout=np.where(np.isnan(there), np.nan, (demand > held).mean(axis=0)),
    )
    quantiles = np.quantile(gain.sum(axis=1), [0.05, 0.5, 0.95])
    params = {"gain": tuple(quantiles.tolist()), "money": float((order * cost).sum())}
    rows = rows.sort_values(["order", "expected", "product_id"], ascending=[False, False, True])
    return rows[list(Inventory.columns)].reset_index(drop=True), params


def _profit(demand: Any, level: Any, over: Any, under: Any) -> Any:
    """Return the margin earned less what leftovers lose, by draw and product."""
    return np.minimum(demand, level) * under - np.maximum(level - demand, 0) * over
