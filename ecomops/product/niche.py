"""Where more is sought than offered: segments and attributes by category, lucky cells held down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import ibis
import numpy as np
import pandas as pd

from ecomops.base import checks
from ecomops.data.policy import sold_lines
from ecomops.data.tables import frame
from ecomops.maths.gaps import LEAST, gaps, kill_rule
from ecomops.metrics.sources import traffic
from ecomops.result import Action, Basis, Finding, Need, Result, lacking, style

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from ecomops.data.shop import Shop
    from ecomops.result.words import Words

SURE = 0.05  # false discoveries among the niches named
MONTH = 30
HORIZON = 90
TRIAL = 3  # products to try a niche with
SHOWN = 10
USUAL = 0.02  # buyers per visitor where neither the market nor the shop tells


def cells(market_keywords: ibis.Table) -> ibis.Table:
    """Return ``attribute, category, searches, offers, click_rate, pay_rate, first, last``.

    One row per attribute and category of the last period; several keywords of one cell add up,
    those that tell searches and offers, their rates weighted by searches. Without `attribute` it
    is what the keyword says beyond the category; bare categories are left out. Rates are 0-1.
    """
    t = market_keywords
    t = t.filter(t.period_end == t.period_end.max())
    t = t.drop_null("category")
    beyond = t.keyword.replace(t.category, "").strip()
    t = t.mutate(attribute=ibis.coalesce(t.attribute, beyond))
    t = t.filter(t.attribute != "")
    sought = _middle(t.search_popularity_low, t.search_popularity_high)
    t = t.mutate(sought=sought, paid=_middle(t.pay_rate_low, t.pay_rate_high))
    t = t.drop_null(["sought", "online_items"])
    return t.group_by(["attribute", "category"]).aggregate(
        searches=t.sought.sum(),
        offers=t.online_items.sum().cast("float64"),
        click_rate=_mean(t.click_rate, t.sought),
        pay_rate=_mean(t.paid, t.sought),
        first=t.period_start.min(),
        last=t.period_end.max(),
    )


def _mean(rate: Any, weight: Any) -> Any:
    return (rate * weight).sum() / weight.sum(where=rate >= 0).nullif(0)


def _middle(low: Any, high: Any) -> Any:
    return (ibis.coalesce(low, high) + ibis.coalesce(high, low)) / 2


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Niche(Result):
    """One row per attribute and category: how far demand exceeds supply, and what it might earn.

    `size` is the margin of a month's searches beyond those that the offers there usually get, at
    the market's or the shop's conversion and the shop's price and margin: a scenario, no forecast.
    """

    code: ClassVar[str] = "product.niche"
    evidence: ClassVar[str] = "D"
    columns: ClassVar[Mapping[str, str]] = {
        "attribute": "text",
        "category": "text",
        "searches": "count",
        "offers": "count",
        "ratio": "number",
        "low": "number",
        "high": "number",
        "q": "percent",
        "plain": "number",
        "size": "money",
        "verdict": "label",
    }

    @property
    def found(self) -> pd.DataFrame:
        """The niches: rows whose lower bound and false discovery rate both hold."""
        return self.rows[self.rows["verdict"] == "niche"]

    def findings(self) -> tuple[Finding, ...]:
        """Say how many niches there are, the best of them, what small cells would have feigned."""
        n, picked = len(self.rows), self.found
        if picked.empty:
            return (Finding("none", "note", {"cells": n, "worth": self.params["worth"]}, n),)
        best = picked.iloc[0]
        facts = {k: best[k] for k in ("attribute", "category", "ratio", "low", "high")}
        said = [Finding("niches", "good", facts | {"count": len(picked)}, n)]
        if np.isfinite(best["size"]):
            facts = {"searches": best["searches"], "offers": best["offers"], "size": best["size"]}
            said.append(Finding("size", "note", facts, n))
        names = self.rows.nlargest(len(picked), "plain")
        lucky = names[names["verdict"] != "niche"]
        if len(lucky):
            said.append(Finding("lucky", "watch", {"count": len(lucky)}, n))
        return tuple(said)

    def propose(self) -> tuple[Action, ...]:
        """Propose to try the niches worth most with a few products each and a rule to stop."""
        until = (self.basis.end or date.max - timedelta(days=HORIZON)) + timedelta(days=HORIZON)
        trials = []
        largest = self.found.sort_values("size", ascending=False, kind="stable")  # NaN last
        for row in largest.head(3).to_dict("records"):
            visitors, least = kill_rule(self.params["conversion"])
            change = {"attribute": row["attribute"], "category": row["category"]}
            change |= {"products": TRIAL, "visitors": visitors, "least": least}
            change |= {"ratio": row["ratio"], "low": row["low"]}
            subject = f"niche:{row['attribute']}×{row['category']}"
            trials.append(Action("trial", ("niches",), change, "D", until, subject=subject))
        return tuple(trials)

    def headline(self) -> pd.DataFrame:
        """Return the best ten."""
        return self.rows.head(SHOWN)

    def layout(self, *, wide: bool) -> style.Layout:
        """Return height and margins in pixels."""
        height = 56 + 26 * min(len(self.rows), SHOWN)
        left, right = (150, 120) if wide else (136, 14)
        return style.Layout(height, left=left, right=right, top=8, bottom=44)

    def draw(self, ax: Axes, *, wide: bool, words: Words) -> None:
        """Draw the ratio of each cell with its interval; full dots are niches, dashed: worth it."""
        rows = self.rows.head(SHOWN)
        ax.axvline(self.params["worth"], color=style.OTHER, lw=1.2, ls=(0, (4, 3)))
        ax.axvline(1, color=style.RULE, lw=1.2)
        for i, row in enumerate(rows.to_dict("records")):
            picked = row["verdict"] == "niche"
            ax.plot([row["low"], row["high"]], [i, i], color=style.HEX["s3"], lw=6)
            face = style.UP if picked else style.BG
            ax.plot([row["ratio"]], [i], "o", ms=7, color=style.UP, mfc=face)
            name = f"{words.own(row['attribute'])} × {words.own(row['category'])}"
            short = style.shortened(name, 138 if wide else 124)
            style.tag(ax, 0, i, short, -8, 0, at="left", ha="right", size=style.SMALL)
            if wide and picked and np.isfinite(row["size"]):
                text = words.say("labels", "size", size=row["size"])
                style.tag(ax, 1, i, text, 10, 0, at="right", size=style.SMALL, color=style.MUTE)
        ax.set(ylim=(len(rows) - 0.4, -0.6), xlim=(0, None))
        ax.grid(axis="x")
        ax.set_yticks([])
        axis = words.label("x_axis")
        style.tag(ax, ax.get_xlim()[1], 0, axis, 0, -34, at="below", size=style.SMALL, ha="right")


def niche(shop: Shop, *, worth: float = 1.5, lang: str | None = None) -> Niche:
    """Find the segments and attributes for which more is sought than offered, category by category.

    Parameters
    ----------
    shop
        Needs `market_keywords`: one row per period, category and keyword with
        ``search_popularity_low/high`` (searches), ``online_items`` (offers) and, where the source
        tells, ``attribute, click_rate, pay_rate_low/high`` (0-1). `order_lines` and `products`
        give price and margin, `traffic_daily` the shop's conversion.
    worth
        How many times the usual demand per offer makes a niche, 1 to 10.
    lang
        Language of the words.

    Returns
    -------
    Niche
        `.table`: one row per attribute and category, the surest niche first: ``searches, offers,
        ratio, low, high`` (demand over supply, 1 = usual, 90 %), ``q`` (false discovery rate),
        ``plain`` (searches per offer), ``size`` (money a month), ``verdict`` (niche, maybe, usual).

    Notes
    -----
    Demand and supply are each set against independent rows and columns, shrunk by a prior of
    two gammas and ranked by the 5 % bound (DuMouchel 1999). Raises
    `OptionError` for a `worth` outside 1-10.

    Examples
    --------
    >>> import ecomops as eo
    >>> print(
    ...     niche(eo.sim.world("lazy_clothes", customers=300).shop)
    ...     .table["verdict"]
    ...     .head(4)
    ...     .tolist()
    ... )
    ['niche', 'niche', 'niche', 'usual']
    """
    checks.between("worth", worth, 1, 10)
    if absent := lacking(shop, "market_keywords"):
        return Niche.lock(absent, lang=lang)
    rows = frame(cells(shop.market_keywords).order_by("attribute", "category"))
    sides = [rows[side].nunique() for side in ("attribute", "category")]
    if min(sides) < LEAST:
        values = {"needed": 2 * LEAST, "found": len(rows), "unit": "cells"}
        return Niche.lock((Need("rows", values),), lang=lang)
    rows = _ratios(rows, worth)
    conversion = _conversion(shop)
    days = (rows["last"].max() - rows["first"].min()).days + 1
    rows["size"] = _size(rows, shop, conversion) * MONTH / days
    basis = Basis(
        n=len(rows),
        unit="cells",
        start=pd.Timestamp(rows["first"].min()).date(),
        end=pd.Timestamp(rows["last"].max()).date(),
        currency=shop.currency,
    )
    params = {"worth": worth, "conversion": conversion or USUAL}
    kept = rows[list(Niche.columns)]
    return Niche(rows=kept, basis=basis, params=params, lang=checks.language(lang))


def _ratios(rows: pd.DataFrame, worth: float) -> pd.DataFrame:
    """Add ratio, bounds, q-value and verdict, and the plain ratio; the surest first."""
    demand, supply = (
        rows.pivot_table(index="attribute", columns="category", values=v, aggfunc="sum")
        for v in ("searches", "offers")
    )
    found = gaps(demand, supply, worth)
    at = (
        demand.index.get_indexer(pd.Index(rows["attribute"])),
        demand.columns.get_indexer(pd.Index(rows["category"])),
    )
    parts = {name: getattr(found, name)[at] for name in ("ratio", "low", "high", "q")}
    rows = rows.assign(**parts, plain=rows["searches"] / rows["offers"].clip(lower=1))
    sure = (rows["low"] > worth) & (rows["q"] <= SURE)
    verdict = np.where(sure, "niche", np.where(rows["ratio"] > worth, "maybe", "usual"))
    rows = rows.assign(verdict=verdict)
    order = ["low", "attribute", "category"]
    return rows.sort_values(order, ascending=[False, True, True], ignore_index=True)


def _conversion(shop: Shop) -> float | None:
    """Return the shop's buyers per visitor, from daily traffic; None without any."""
    if "traffic_daily" not in shop:
        return None
    t = traffic({"traffic_daily": shop.traffic_daily.filter(~ibis._.level.identical_to("product"))})
    sums = frame(t.aggregate(buyers=t.pay_buyers.sum(), visitors=t.visitors.sum())).iloc[0]
    return float(sums["buyers"] / sums["visitors"]) if (sums > 0).all() else None


def _size(rows: pd.DataFrame, shop: Shop, conversion: float | None) -> Any:
    """Return the margin of the searches beyond the usual; missing without price and margin."""
    if shop.margin is None:
        return np.full(len(rows), np.nan)
    clicks = rows["click_rate"].astype(float).fillna(1.0)
    buyers = rows["pay_rate"].astype(float).fillna(conversion or np.nan)
    price = rows["category"].map(_prices(shop))
    price = price.fillna(price.mean())
    beyond = rows["searches"] * (1 - 1 / rows["ratio"].clip(lower=1))
    return beyond * clicks * buyers * price * shop.margin


def _prices(shop: Shop) -> dict[str, float]:
    """Return the money paid per piece by category name at any level; "" is the whole shop."""
    lines = sold_lines(shop.order_lines).select("product_id", "quantity", "line_paid_amount")
    found: dict[str, float] = {}
    if "products" not in shop:
        return found
    goods = shop.products.select("product_id", "category_l1", "category_l2", "category_l3")
    joined = lines.join(goods.distinct(), "product_id")
    for level in ("category_l1", "category_l2", "category_l3"):
        by = joined.group_by(category=joined[level]).aggregate(
            paid=joined.line_paid_amount.sum(), pieces=joined.quantity.sum()
        )
        part = frame(by).dropna()
        found |= dict(zip(part["category"], part["paid"] / part["pieces"], strict=True))
    return found
