"""How demand answers to price, product by product, and which prices are worth testing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import ibis
import numpy as np
import pandas as pd

from ecomops.base import checks
from ecomops.data.policy import currency_of, line_exclusions, sold_lines
from ecomops.data.tables import frame, number, table
from ecomops.maths.elasticity import best_price, elasticity
from ecomops.maths.multiplicity import benjamini_hochberg
from ecomops.maths.shrinkage import hierarchical
from ecomops.product import rows as rows_of
from ecomops.result import Action, Basis, Finding, Need, Result, Value, style

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from ecomops.result.words import Words

MOST = 60  # best sellers looked at
LEAST_WEEKS, LEAST_PIECES = 26, 60
SEED = 20_250_505
DRAWS = 2000
STEP = 0.02  # prices closer than this to the present one are no advice
SHOWN = {True: 14, False: 10}
HORIZON = 28
FALSE = 0.05  # false discoveries among the changes named
FLATTEST = -0.5  # a mean above it says that prices follow demand; studies find -2.6


def weekly(order_lines: ibis.Table) -> pd.DataFrame:
    """Return one row per week with a sale of each of the 60 best sellers.

    ``product_id, name, week`` (Monday), ``pieces, paid, listed`` (before discounts), ``back``
    (refunds), ``spent`` on the ``costed`` pieces whose cost is known, ``first, last`` (days),
    ``until`` (the day after).
    """
    sold = sold_lines(order_lines)
    sold = sold.mutate(at=ibis.coalesce(sold.paid_at, sold.created_at))
    sold = sold.drop_null(["at", "product_id"])
    totals = sold.group_by("product_id").aggregate(n=sold.quantity.sum())
    best = totals.order_by(ibis.desc("n"), "product_id").limit(MOST).select("product_id")
    kept = sold.join(best, "product_id")
    by = kept.group_by(["product_id", kept["at"].truncate("W").name("week")]).aggregate(
        name=kept.product_name.nullif("").max(),
        pieces=kept.quantity.sum(),
        paid=kept.line_paid_amount.sum(),
        listed=kept.line_list_amount.fill_null(kept.line_paid_amount).sum(),
        back=kept.line_refund_amount.fill_null(0).sum(),
        spent=kept.line_cost.sum(),
        costed=kept.quantity.sum(where=kept.line_cost.notnull()),  # noqa: PD004 - ibis has no other
        first=kept["at"].date().min(),
        last=kept["at"].date().max(),
    )
    rows = frame(by.order_by("product_id", "week"))
    until = pd.Timestamp(rows["last"].max()) + pd.Timedelta(days=1)
    return rows.assign(week=pd.to_datetime(rows["week"]), until=until)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Price(Result):
    """One row per product: elasticity with its interval, price now and the best price tried.

    ``reason`` says why a product has none: "still" (its price hardly moved), "endogenous" (its
    price followed demand), "few" (too few weeks or pieces).
    """

    code: ClassVar[str] = "product.price"
    evidence: ClassVar[str] = "C"
    columns: ClassVar[Mapping[str, str]] = {
        "product_id": "text",
        "name": "text",
        "reason": "label",
        "elasticity": "number",
        "low": "number",
        "high": "number",
        "price": "money",
        "lowest": "money",
        "highest": "money",
        "best": "money",
        "gain": "money",
        "gain_low": "money",
        "gain_high": "money",
        "q": "percent",
    }

    @property
    def sure(self) -> pd.DataFrame:
        """Changes that pay, false discoveries over all products controlled; the best first."""
        rows = self.rows[(self.rows["gain_low"] > 0) & (self.rows["q"] <= FALSE)]
        return rows.sort_values(["gain", "product_id"], ascending=[False, True])

    def findings(self) -> tuple[Finding, ...]:
        """Say what the typical elasticity is, which price pays most to change, what was refused."""
        rows, known, n = self.rows, self.known, self.basis.n
        refused = rows["reason"].value_counts()
        said = []
        if len(known):
            facts = {name: self.params[name] for name in ("mean", "low", "high")}
            said.append(Finding("typical", "note", facts | {"count": len(known)}, n))
        else:
            said.append(Finding("none", "watch", {"count": n}, n))
        sure = self.sure
        if len(sure):
            best = sure.iloc[0]
            facts = {"item": best["name"], "price": best["price"], "best": best["best"]}
            said.append(Finding("change", "note", facts | {"count": len(sure)}, n))
        if without := int(np.nan_to_num(self.params.get("no_cost", 0))):
            said.append(Finding("no_cost", "watch", {"count": without}, n))
        for reason in ("endogenous", "still", "few"):
            if refused.get(reason, 0):
                level = "watch" if reason == "endogenous" else "note"
                said.append(Finding(reason, level, {"count": int(refused[reason])}, n))
        return tuple(said)

    def propose(self) -> tuple[Action, ...]:
        """Propose the changes whose profit is above 0 at the 5 % quantile; else a price test."""
        until = (self.basis.end or date(9999, 1, 1)) + timedelta(days=HORIZON)
        sure = self.sure
        if sure.empty and self.params.get("no_cost", 0) > 0:
            return ()  # it is costs that are missing, not changes of price
        if sure.empty:
            return (Action("test", ("none",), {"count": self.basis.n}, "D", until),)
        row = sure.iloc[0]
        low, mid, high = (float(row[name]) for name in ("gain_low", "gain", "gain_high"))
        value = Value(low=low, mid=mid, high=high, horizon_days=HORIZON)
        change = {"item": row["name"], "price": row["price"], "best": row["best"]}
        change |= {"elasticity": row["elasticity"]}
        subject = f"product:{row['product_id']}"
        return (Action("change", ("change",), change, "C", until, value, subject),)

    @property
    def known(self) -> pd.DataFrame:
        """The products with an estimate."""
        return self.rows[self.rows["reason"] == "known"]

    def layout(self, *, wide: bool) -> style.Layout:
        """Return height and margins in pixels."""
        if self.known.empty:
            height = 12 + 30 * self.rows["reason"].nunique()
            return style.Layout(height, left=150 if wide else 140, right=80, top=6, bottom=6)
        height = 52 + 26 * min(len(self.known), SHOWN[wide])
        return style.Layout(height, left=230 if wide else 130, right=20, top=10, bottom=42)

    def draw(self, ax: Axes, *, wide: bool, words: Words) -> None:
        """Draw the elasticity of each product with its interval; without any, why there is none."""
        if self.known.empty:
            self._draw_reasons(ax, words)
            return
        rows = self.known.head(SHOWN[wide])
        ax.axvline(-1, color=style.OTHER, lw=1.2, ls=(0, (4, 3)))
        for i, row in enumerate(rows.to_dict("records")):
            rows_of.interval(ax, i, row, "elasticity", 6)
            rows_of.name(ax, i, row, wide=wide, words=words)
        ax.set_ylim(len(rows) - 0.4, -0.6)
        ax.grid(axis="x")
        ax.set_yticks([])
        axis = words.label("x_axis")
        style.tag(ax, ax.get_xlim()[1], 0, axis, 0, -32, at="below", size=style.SMALL, ha="right")

    def _draw_reasons(self, ax: Axes, words: Words) -> None:
        """Draw how many products there are for each reason why none has an estimate."""
        counts = self.rows["reason"].value_counts(sort=True)
        ax.barh(range(len(counts)), counts, height=0.56, color=style.OTHER)
        for i, (reason, count) in enumerate(counts.items()):
            style.tag(ax, 0, i, words.label(reason), -8, at="left", ha="right", size=style.SMALL)
            text = words.say("labels", "counted", count=int(count))
            style.tag(ax, int(count), i, text, 6, size=style.SMALL)
        ax.set(xlim=(0, counts.max()), ylim=(len(counts) - 0.4, -0.6))
        ax.axis("off")


def price(order_lines: object, *, lang: str | None = None) -> Price:
    """Estimate how sales answer to price and which price earns most among those tried.

    Parameters
    ----------
    order_lines
        One row per order line: ``order_id, product_id, quantity, line_paid_amount, paid_at`` (or
        ``created_at``); ``line_list_amount`` tells promotions from prices; ``line_cost`` and
        ``line_refund_amount`` give profit. Money in the shop's currency.
    lang
        Language of the words.

    Returns
    -------
    Price
        `.table`: the 60 best sellers: ``elasticity, low, high`` (90 %, pooled), ``price`` (last 8
        weeks, paid per piece), ``lowest, highest`` tried (5 and 95 % quantiles of what a piece
        cost in single weeks), ``best`` within them (missing without a cost), ``gain, gain_low,
        gain_high`` (profit of 28 days after refunds, at `best` against now), ``q`` (false discovery
        rate of the gain), ``reason``.

    Notes
    -----
    Poisson pseudo-likelihood by week with the depth of promotions, a trend, the year's waves and
    the sales of the other products as controls (Santos Silva and Tenreyro 2006); partial pooling
    over an unknown spread (Gelman et al. 2013, 5.4); gains by Benjamini and Hochberg (1995). Where
    last week's unexplained demand foretells this week's price every such regression is biased: the
    product is refused; all are where their mean says that demand hardly minds the price, which
    prices that follow demand feign (meta-analysis: -2.6, Bijmolt et al. 2005).

    Examples
    --------
    >>> import ecomops as eo
    >>> set(price(eo.open("demo").order_lines).table["reason"]) <= set(REASONS)
    True
    """
    if order_lines is None:
        return Price.lock((Need("table", {"table": "order_lines"}),), lang=lang)
    lines = table(order_lines, "order_lines", once=True)
    rows = weekly(lines)
    if rows.empty:
        need = Need("rows", {"needed": LEAST_WEEKS, "found": 0, "unit": "weeks"})
        if number(lines.count()) and not number(lines.product_id.count()):
            need = Need("column", {"table": "order_lines", "column": "product_id"})
        return Price.lock((need,), lang=lang)
    weeks = pd.date_range(rows["week"].min(), rows["week"].max(), freq="7D")
    total = rows.groupby("week")["pieces"].sum().reindex(weeks, fill_value=0).to_numpy()
    parts = rows.groupby("product_id", sort=False)
    found = pd.DataFrame([_product(str(i), part, weeks, total) for i, part in parts])
    filled = ("low", "high", "best", "gain", "gain_low", "gain_high", "q")
    found = found.assign(**dict.fromkeys(filled, np.nan))
    known = found["reason"] == "known"
    none: dict[str, Any] = dict.fromkeys(("mean", "low", "high"), np.nan)
    params = _pool(found, known) if known.any() else none
    found = found.sort_values(["reason", "pieces", "product_id"], ascending=[False, False, True])
    found = found.sort_values("reason", key=lambda r: r != "known", kind="stable")
    basis = Basis(
        n=len(found),
        unit="products",
        start=pd.Timestamp(rows["first"].min()).date(),
        end=pd.Timestamp(rows["last"].max()).date(),
        currency=currency_of(lines),
        excluded=line_exclusions(lines),
    )
    kept = found.reset_index(drop=True)[list(Price.columns)]
    params["shown"] = "estimates" if (kept["reason"] == "known").any() else "reasons"
    params["key"] = f"{params['shown']}_key"
    return Price(rows=kept, basis=basis, params=params, lang=checks.language(lang))


REASONS = ("known", "still", "endogenous", "few")


def _product(item: str, part: pd.DataFrame, weeks: pd.DatetimeIndex, total: Any) -> dict[str, Any]:
    """Return the raw estimate of one product and what its price and profit are now."""
    own = part.set_index("week").reindex(weeks)
    first = own["pieces"].first_valid_index()
    own, others = own.loc[first:], total[-len(own.loc[first:]) :]
    pieces = own["pieces"].fillna(0).to_numpy(dtype=float)
    seen = own["listed"] / own["pieces"]
    # a week without a sale has a list price between those before and after it
    listed = (seen.ffill() + seen.bfill().fillna(seen.ffill())) / 2
    asked = (own["paid"] / own["pieces"]).fillna(listed).to_numpy(dtype=float)
    depth = (1 - own["paid"] / own["listed"]).clip(0, 0.9).fillna(0).to_numpy(dtype=float)
    enough = own["pieces"].notna().sum() >= LEAST_WEEKS and pieces.sum() >= LEAST_PIECES
    facts = {
        "product_id": item,
        "name": str(part["name"].ffill().fillna(item).iloc[-1]),
        "pieces": pieces.sum(),
        "price": float(own["paid"].tail(8).sum() / (own["pieces"].tail(8).sum() or np.nan)),
        "cost": float(part["spent"].sum() / (part["costed"].sum() or np.nan)),
        # goods come back with the money
        "kept": 1 - float(part["back"].sum() / (part["paid"].sum() or np.nan)),
        "weekly": float(7 * pieces[-8:].sum() / (part["until"].iloc[0] - own.index[-8:][0]).days),
        "lowest": float(np.nanquantile(asked, 0.05)),
        "highest": float(np.nanquantile(asked, 0.95)),
    }
    if not enough:
        return facts | {"reason": "few", "elasticity": np.nan, "se": np.nan}
    rest = np.log(np.maximum(others - pieces, 1))
    controls = np.c_[np.log1p(-depth), rest - rest.mean(), _course(pieces.size)]
    found = elasticity(pieces, asked, controls[:, controls.std(axis=0) > 0])
    return facts | {"reason": found.reason or "known", "elasticity": found.value, "se": found.se}


def _course(weeks: int) -> Any:
    """Return what moves slowly without the price: a trend and the year's two waves."""
    angle = 2 * np.pi * np.arange(weeks) / 52.18
    waves = [wave(k * angle) for k in (1, 2) for wave in (np.sin, np.cos)]
    return np.column_stack([np.linspace(-1, 1, weeks), *waves])


def _pool(found: pd.DataFrame, known: pd.Series[bool]) -> dict[str, Any]:
    """Pull estimates to their mean, add intervals and the profit of the best price tried."""
    raw = found.loc[known]
    pooled, errors, mean, total = hierarchical(raw["elasticity"], raw["se"])
    span = {"mean": mean, "low": mean - 1.645 * total, "high": mean + 1.645 * total}
    span["no_cost"] = float(raw["cost"].isna().sum())
    if mean > FLATTEST:
        found.loc[known, "reason"] = "endogenous"
        found.loc[known, "elasticity"] = np.nan
        return dict.fromkeys(span, np.nan)
    found.loc[known, "elasticity"] = pooled
    found.loc[known, "low"] = pooled - 1.645 * errors
    found.loc[known, "high"] = pooled + 1.645 * errors
    random = np.random.default_rng(SEED)
    chance = np.full(len(found), np.nan)
    for place, (at, row) in enumerate(raw.iterrows()):
        draws = pooled[place] + errors[place] * random.standard_normal(DRAWS)
        gain = _gain(row, float(pooled[place]), draws)
        chance[found.index.get_loc(at)] = gain.pop("p")
        for name, value in gain.items():
            found.loc[at, name] = value
    found["q"] = benjamini_hochberg(chance)
    return span


def _told(draws: Any) -> bool:
    """Return whether an elasticity is below 0 and its 90 % interval leaves out -1."""
    low, high = np.quantile(draws, [0.05, 0.95])
    return bool(high < 0 and not low <= -1 <= high)


def _gain(row: pd.Series[Any], value: float, draws: Any) -> dict[str, float]:
    now, cost = float(row["price"]), float(row["cost"])
    best = best_price(value, cost, float(row["lowest"]), float(row["highest"]))
    # a product that was not sold of late has no price to move from
    if not (_told(draws) and np.isfinite(cost) and now > 0) or abs(best / now - 1) < STEP:
        nothing = dict.fromkeys(("gain", "gain_low", "gain_high"), np.nan)
        known = 1.0 if np.isfinite(cost) else np.nan  # without a cost no price was tested
        return nothing | {"best": now * known, "p": known}
    sold = row["weekly"] * row["kept"] * HORIZON / 7
    profit = sold * ((best - cost) * (best / now) ** draws - (now - cost))
    low, mid, high = (float(q) for q in np.quantile(profit, [0.05, 0.5, 0.95]))
    loses = (1 + np.sum(profit <= 0)) / (1 + profit.size)
    return {"best": best, "gain": mid, "gain_low": low, "gain_high": high, "p": float(loses)}
