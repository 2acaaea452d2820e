"""What runs out before the next delivery, and what days without stock have cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ecomops.base import checks
from ecomops.data.policy import coverage
from ecomops.maths.forecast import MIN_DAYS
from ecomops.product import rows as rows_of
from ecomops.product.shelf import SEED, Lost, Pace, Shelf, lost, pace, shelf
from ecomops.result import Action, Basis, Finding, Need, Result, Value, lacking, style

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.axes import Axes

    from ecomops.data.shop import Shop
    from ecomops.result.words import Words

RISK = 0.1
WEEK = 7
SERVICE = 0.95
NAMED = 2  # products named in the advice
SHOWN = {True: 14, False: 10}
DRAWS = 2000


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Stock(Result):
    """One row per product: the chance to run out before a delivery ordered today.

    `params` holds what days without stock have cost (5, 50, 95 % quantiles) and the share of
    buyers who took another product instead.
    """

    code: ClassVar[str] = "product.stock"
    evidence: ClassVar[str] = "C"
    columns: ClassVar[Mapping[str, str]] = {
        "product_id": "text",
        "name": "text",
        "position": "count",
        "lead": "number",
        "expected": "number",
        "low": "number",
        "high": "number",
        "stockout": "chance",
        "days_out": "days",
        "sold": "count",
        "wanted": "number",
        "lost": "number",
        "lost_margin": "money",
        "order": "count",
        "delay": "money",
    }

    def findings(self) -> tuple[Finding, ...]:
        """Say what may run out before a delivery, what days without stock cost, what sales hide."""
        p, n = self.params, self.basis.n
        risky = self.rows[self.rows["stockout"] > RISK]
        if len(risky):
            worst = risky.iloc[0]
            facts = {"count": len(risky), "item": worst["name"], "chance": worst["stockout"]}
            facts |= {"lead": round(worst["lead"])}
            said = [Finding("risk", "act", facts, n)]
        else:
            count = int(self.rows["stockout"].notna().sum())
            said = [Finding("safe", "good", {"count": count, "risk": RISK}, n)]
        out = self.rows[self.rows["days_out"] > 0]
        if len(out):
            pieces = out["lost"].sum() * (1 - p["switched"])
            facts = {"count": len(out), "days": p["days"], "pieces": pieces}
            facts |= dict(zip(("low", "mid", "high"), p["lost"], strict=True))
            if np.isfinite(facts["mid"]):
                said.append(Finding("lost", "act", facts, n))
            hidden = 1 - out["sold"].sum() / max(out["wanted"].sum(), 1)
            said.append(Finding("hidden", "watch", {"hidden": hidden}, n))
            if p["switched"] > 0:
                said.append(Finding("switched", "note", {"share": p["switched"]}, n))
        if without := int(self.rows["lost_margin"].isna().sum()):
            said.append(Finding("no_cost", "watch", {"count": without}, n))
        return tuple(said)

    def propose(self) -> tuple[Action, ...]:
        """Propose to order what is at risk; the value is what a week's delay would lose."""
        until = (self.basis.end or date.max - timedelta(days=WEEK)) + timedelta(days=WEEK)
        risky = self.rows[(self.rows["stockout"] > RISK) & (self.rows["order"] > 0)]
        if risky.empty:
            return ()
        low, mid, high = self.params["delay"]
        known = np.isfinite(mid)
        value = Value(low=low, mid=mid, high=high, horizon_days=WEEK) if known else None
        change: dict[str, Any] = {"count": len(risky), "pieces": int(risky["order"].sum())}
        change |= {"items": [str(name) for name in risky["name"].head(NAMED)]}
        change |= {"expected": risky["expected"].sum(), "position": risky["position"].sum()}
        return (Action("order", ("risk",), change, "C", until, value, "stock"),)

    def headline(self) -> pd.DataFrame:
        """Return the ten most at risk."""
        return self.rows.head(10)

    def layout(self, *, wide: bool) -> style.Layout:
        """Return height and margins in pixels."""
        height = 58 + 26 * min(len(self.rows), SHOWN[wide])
        left, right = (230, 120) if wide else (130, 62)
        return style.Layout(height, left=left, right=right, top=8, bottom=46)

    def draw(self, ax: Axes, *, wide: bool, words: Words) -> None:
        """Draw demand until the delivery as an interval with its mean; the square is the stock."""
        rows = self.rows.head(SHOWN[wide])
        for i, row in enumerate(rows.to_dict("records")):
            rows_of.interval(ax, i, row, "expected")
            rows_of.square(ax, i, row["position"])
            rows_of.name(ax, i, row, wide=wide, words=words)
            code = "chance" if wide else "chance_short"
            rows_of.note(ax, i, words.say("labels", code, chance=row["stockout"]))
        right = max(float(rows["high"].max()) * 1.25, 1.0)
        ax.set(ylim=(len(rows) - 0.4, -0.6), xlim=(-0.02 * right, right))
        ax.grid(axis="x")
        ax.set_yticks([])
        axis = words.label("x_axis")
        style.tag(ax, right, 0, axis, 0, -34, at="below", size=style.SMALL, ha="right")


def stock(
    shop: Shop,
    *,
    days: int = 180,
    lead: float = 14.0,
    calendar: str | None = None,
    as_of: date | str | None = None,
    lang: str | None = None,
) -> Stock:
    """Say which products may run out before a delivery, and what days without stock have cost.

    Parameters
    ----------
    shop
        Needs `orders`, `order_lines`, `product_skus` (``lead_time_days`` where known) and
        `inventory_snapshots` (``on_hand`` or ``available``, ``inbound``); ``line_cost`` gives money
        and `products` the categories within which buyers switch.
    days
        Days of stock history looked at, 28 to 730.
    lead
        Days from order to delivery where the table does not tell, 1 to 90.
    calendar
        ``"cn"``, ``"western"`` or ``"all"``; by the currency when None.
    as_of
        Last day known; the last day of the data when None.
    lang
        Language of the words.

    Returns
    -------
    Stock
        `.table`: the 200 best sellers, the riskiest first: ``position`` (on hand and on its way),
        ``lead`` (days), ``expected, low, high`` (pieces wanted until a delivery ordered today,
        90 %), ``stockout`` (chance), ``days_out, sold, wanted, lost`` (pieces), ``lost_margin``
        (after refunds, net of buyers who took another product), ``order`` (to last until a week
        after with 95 %), ``delay`` (margin after refunds that ordering a week later would lose on
        average). What rests on stock is missing where the last snapshot lacks the product.

    Notes
    -----
    Days without stock only bound demand from below; see `maths.latent`. What is lost to the shop is
    less than what a product lost: some buyers take another. Negative binomial demand draws.

    Examples
    --------
    >>> import ecomops as eo
    >>> result = stock(eo.open("demo"))
    >>> bool(result.table["stockout"].between(0, 1).all())
    True
    """
    as_of = checks.day("as_of", as_of)
    checks.between("days", days, 28, 730)
    checks.between("lead", lead, 1, 90)
    needed = ("orders", "order_lines", "inventory_snapshots", "product_skus")
    if absent := lacking(shop, *needed):
        return Stock.lock(absent, lang=lang)
    facts = coverage(shop.orders, as_of=as_of)
    found = (facts.last_day - facts.first_day).days + 1
    kept = shelf(shop, days=days, as_of=facts.last_day, lead=lead)
    if kept is None or kept.sold.shape[1] < WEEK or found < MIN_DAYS:
        stocked = 0 if kept is None else kept.sold.shape[1]
        short = {"needed": MIN_DAYS, "found": min(found, stocked), "unit": "days"}
        return Stock.lock((Need("rows", short),), lang=lang)
    gone = lost(kept)
    longest = int(np.ceil(kept.items["lead"].max())) + WEEK
    sells = pace(shop, kept, gone, days=longest, calendar=calendar)
    rows, delay = _rows(kept, gone, sells)
    basis = Basis(
        n=len(rows),
        unit="products",
        start=kept.end - timedelta(days=kept.sold.shape[1] - 1),
        end=kept.end,
        currency=facts.currency,
        excluded=facts.excluded_sales,
    )
    params = {"lost": _cost(kept, gone), "switched": gone.switched}
    params |= {"days": kept.sold.shape[1], "delay": delay}
    return Stock(rows=rows, basis=basis, params=params, lang=checks.language(lang))


Three = tuple[float, float, float]


def _rows(kept: Shelf, gone: Lost, sells: Pace) -> tuple[pd.DataFrame, Three]:
    """Return the table, and what a week's delay loses on all products at risk together."""
    items = kept.items
    position = (items["on_hand"] + items["inbound"]).to_numpy()
    margin = items["margin"].clip(lower=0).to_numpy()
    lead = np.ceil(items["lead"].to_numpy()).astype(int)
    until = sells.until(lead)
    later = until + sells.between(lead, WEEK)
    short = np.maximum(until - position, 0), np.maximum(later - position, 0)
    delay = (short[1] - short[0]) * margin
    known = np.isfinite(position)
    chance = np.where(known, (until > position).mean(axis=0), np.nan)
    level = np.quantile(later, SERVICE, axis=0)
    rows = items[["product_id", "name", "lead"]].assign(
        position=position,
        expected=until.mean(axis=0),
        low=np.quantile(until, 0.05, axis=0),
        high=np.quantile(until, 0.95, axis=0),
        stockout=chance,
        days_out=kept.empty.sum(axis=1),
        sold=kept.sold.sum(axis=1),
        wanted=gone.wanted.sum(axis=1),
        lost=gone.pieces,
        lost_margin=gone.pieces * margin * (1 - gone.switched),
        order=np.ceil(np.maximum(level - position, 0)),
        delay=delay.mean(axis=0),
    )
    order = ["stockout", "expected", "product_id"]
    rows = rows.sort_values(order, ascending=[False, False, True], ignore_index=True)
    return rows[list(Stock.columns)], _quantiles(np.nansum(delay[:, chance > RISK], axis=1))


def _quantiles(draws: Any) -> Three:
    low, mid, high = (float(q) for q in np.quantile(draws, [0.05, 0.5, 0.95]))
    return low, mid, high


def _cost(kept: Shelf, gone: Lost) -> Three:
    """Return quantiles of the margin lost to the shop: pieces lost are Poisson around an estimate.

    A product's level rests on the pieces it sold, so its error is one over their root.
    """
    margin = kept.items["margin"].clip(lower=0).to_numpy()
    known = np.isfinite(margin)
    if not known.any():
        return (np.nan, np.nan, np.nan)
    random = np.random.default_rng(SEED)
    seen = kept.sold.sum(axis=1)[known] + 1
    level = random.gamma(seen, 1 / seen, (DRAWS, known.sum()))
    pieces = random.poisson(gone.pieces[known] * level)
    return _quantiles((pieces * margin[known]).sum(axis=1) * (1 - gone.switched))
