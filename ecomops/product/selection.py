"""Which products to build on, which to mend and which to let go, and how sure that ranking is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ecomops.base import checks
from ecomops.data.policy import coverage, line_exclusions
from ecomops.maths.concentration import abc_classes
from ecomops.product import rows as rows_of
from ecomops.product.assortment import (
    HALF,
    WEEKS,
    Z,
    dated_lines,
    growth,
    returns,
    steadiness,
    weekly_sums,
)
from ecomops.result import Action, Basis, Finding, Need, Result, lacking, style

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.axes import Axes

    from ecomops.data.shop import Shop
    from ecomops.result.words import Words

CUTS = (0.8, 0.95)
WEIGHTS = {"margin": 0.4, "growth": 0.25, "steady": 0.2, "kept": 0.15}
FIRMNESS = 20.0  # Dirichlet draws stay about as near to the weights as 20 votes would
DRAWS, SEED = 1000, 20_251_111
CERTAIN, HOPELESS = 0.9, 0.05
FAR = 2.5  # standard deviations beyond which a measure counts no more
LEAST_LINES = 20
SHOWN = {True: 14, False: 10}
LUCKY = 20


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Selection(Result):
    """One row per product: margin class, steadiness, growth, returns, chance to be in the top."""

    code: ClassVar[str] = "product.selection"
    evidence: ClassVar[str] = "descriptive"
    columns: ClassVar[Mapping[str, str]] = {
        "product_id": "text",
        "name": "text",
        "verdict": "label",
        "chance": "chance",
        "margin": "money",
        "abc": "text",
        "cv": "number",
        "xyz": "text",
        "growth": "percent",
        "growth_low": "percent",
        "growth_high": "percent",
        "returned": "percent",
        "returns": "percent",
        "returns_low": "percent",
        "returns_high": "percent",
    }

    def findings(self) -> tuple[Finding, ...]:
        """Say how much of the top is certain, what grows, what comes back, what may go."""
        rows, p, n = self.rows, self.params, self.basis.n
        sure = int((rows["chance"] >= CERTAIN).sum())
        facts = {"sure": sure, "top": p["top"], "products": n, "item": rows["name"].iloc[0]}
        code = "all" if p["top"] == n else "top" if sure else "unsure"
        said = [Finding(code, "note", facts | {"chance": rows["chance"].iloc[0]}, n)]
        told = {code: rows["verdict"] == code for code in ("rising", "mend", "leave")}
        told["rising"] = rows["growth_low"] > 0  # what is core or to be mended grows too
        for code, level in (("rising", "good"), ("mend", "act"), ("leave", "watch")):
            found = rows[told[code]]
            if len(found):
                facts = {"count": len(found), "items": list(found["name"].head(2))}
                said.append(Finding(code, level, facts, n))
        if p["lucky"][0] > p["lucky"][1]:  # else nobody would be misled
            facts = dict(zip(("raw", "shrunk", "usual"), p["lucky"], strict=True))
            said.append(Finding("lucky", "note", facts | {"count": p["lucky_count"]}, n))
        return tuple(said)

    def propose(self) -> tuple[Action, ...]:
        """Propose what to try: mending what comes back, letting go of the tail; no money yet."""
        until = (self.basis.end or date.max - timedelta(days=28)) + timedelta(days=28)
        proposed = []
        for row in self.rows[self.rows["verdict"] == "mend"].head(1).to_dict("records"):
            change = {"item": row["name"], "returns": row["returns"], "low": row["returns_low"]}
            change |= {"usual": self.params["usual"]}
            subject = f"product:{row['product_id']}"
            proposed.append(Action("mend", ("mend",), change, "D", until, subject=subject))
        leave = self.rows[self.rows["verdict"] == "leave"]
        if len(leave):
            change = {"count": len(leave), "margin": float(leave["margin"].sum())}
            proposed.append(Action("leave", ("leave",), change, "D", until, subject="assortment"))
        return tuple(proposed)

    def headline(self) -> pd.DataFrame:
        """Return the ten surest of the top."""
        return self.rows.head(10)

    def layout(self, *, wide: bool) -> style.Layout:
        """Return height and margins in pixels."""
        height = 56 + 26 * min(len(self.rows), SHOWN[wide])
        left, right = (230, 170) if wide else (130, 60)
        return style.Layout(height, left=left, right=right, top=8, bottom=44)

    def draw(self, ax: Axes, *, wide: bool, words: Words) -> None:
        """Draw the chance of each product to be in the top, with its classes and growth."""
        rows = self.rows.head(SHOWN[wide])
        for i, row in enumerate(rows.to_dict("records")):
            sure = row["chance"] >= CERTAIN
            colour = style.UP if sure else style.HEX["s5"]
            ax.barh([i], [row["chance"]], height=0.56, color=colour)
            rows_of.name(ax, i, row, wide=wide, words=words)
            code = "classes" if wide and np.isfinite(row["growth"]) else "classes_short"
            facts = {"abc": row["abc"], "xyz": row["xyz"], "growth": row["growth"]}
            text = words.say("labels", code, **facts)
            style.tag(ax, 1, i, text, 10, 0, at="right", size=style.SMALL, color=style.MUTE)
        ax.set(ylim=(len(rows) - 0.4, -0.6), xlim=(0, 1))
        ax.xaxis.set_major_formatter(lambda v, _: f"{100 * v:.0f}%")
        ax.grid(axis="x")
        ax.set_yticks([])
        axis = words.say("labels", "x_axis", top=self.params["top"])
        style.tag(ax, 1, 0, axis, 0, -34, at="below", size=style.SMALL, ha="right")


def selection(
    shop: Shop,
    *,
    top: int = 20,
    steady: tuple[float, float] = (0.5, 1.0),
    weights: Mapping[str, float] | None = None,
    as_of: date | str | None = None,
    lang: str | None = None,
) -> Selection:
    """Judge every product by margin, steadiness, growth and returns, and how sure its rank is.

    Parameters
    ----------
    shop
        Needs `orders` and `order_lines` with ``line_cost``; `refunds` (or ``line_refund_amount``)
        tells returns.
    top
        Places at the top whose holders are asked for, 1 to 500.
    steady
        Weekly coefficients of variation up to which a product is X, and up to which it is Y.
    weights
        Of "margin", "growth", "steady" and "kept" (not returned), each 0 or more; by default
        40, 25, 20 and 15 %.
    as_of
        Last day known; the last day of the data when None.
    lang
        Language of the words.

    Returns
    -------
    Selection
        `.table`: the 2,000 products that earn most in 52 weeks, the surest of the top first:
        ``verdict`` (core, rising, mend, leave, new, keep), ``chance`` to be in the top, ``margin``
        (paid less cost, of lines whose cost is known; missing without any), ``abc, cv, xyz,
        growth, growth_low, growth_high`` (13 weeks on 13, against the shop), ``returned`` (as
        seen), ``returns, returns_low, returns_high`` (shrunk, with returns still to come).

    Notes
    -----
    ABC on margin; XYZ around the shop's season, without promotions; growth pooled (DerSimonian and
    Laird 1986); return rates beta-binomial (Robbins 1956), recent sales counted by Kaplan-Meier;
    ranks under Dirichlet weights and drawn measures. Raises `OptionError` for unknown weights.

    Examples
    --------
    >>> import ecomops as eo
    >>> sorted(selection(eo.open("demo")).table["abc"].unique())
    ['A', 'B', 'C']
    """
    as_of = checks.day("as_of", as_of)
    checks.between("top", top, 1, 500)
    checks.between("steady", steady[1], steady[0], 10)
    shares = _weights(weights)
    if absent := lacking(shop, "orders", "order_lines"):
        return Selection.lock(absent, lang=lang)
    facts = coverage(shop.orders, as_of=as_of)
    lines = dated_lines(shop, facts.last_day)
    rows, weeks = weekly_sums(lines)
    span = int(weeks["week"].max()) + 1 if len(weeks) else 0
    missing = _missing(rows, span)
    if missing:
        return Selection.lock(missing, lang=lang)
    rows, params = _judged(rows, weeks, returns(shop, lines), (top, steady, shares))
    basis = Basis(
        n=len(rows),
        unit="products",
        start=max(facts.first_day, facts.last_day - timedelta(days=7 * WEEKS - 1)),
        end=facts.last_day,
        currency=facts.currency,
        excluded=line_exclusions(shop.order_lines),
    )
    return Selection(rows=rows, basis=basis, params=params, lang=checks.language(lang))


def _weights(weights: Mapping[str, float] | None) -> Any:
    for name in weights or {}:
        checks.choice("weights", name, tuple(WEIGHTS))
    given = np.array([float((weights or WEIGHTS).get(name, 0.0)) for name in WEIGHTS])
    checks.between("weights", float(given.min()), 0, 1e9)
    checks.between("weights", float(given.sum()), 1e-9, 1e9)
    return given / given.sum()


def _missing(rows: pd.DataFrame, span: int) -> tuple[Need, ...]:
    costs = bool(rows["margin"].notna().any())
    cost = Need("column", {"table": "order_lines", "column": "line_cost"}, costs)
    enough = Need("rows", {"needed": HALF, "found": span, "unit": "weeks"}, span >= HALF)
    return () if cost.have and enough.have else (cost, enough)


def _judged(
    rows: pd.DataFrame, weeks: pd.DataFrame, back: pd.DataFrame | None, asked: tuple[Any, ...]
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the table and its parameters."""
    top, steady, shares = asked
    cv = steadiness(rows, weeks)
    grown, error, _ = growth(rows)
    xyz = np.where(cv <= steady[0], "X", np.where(cv <= steady[1], "Y", "Z"))
    rows = rows.assign(
        abc=np.where(rows["margin"].isna(), "–", abc_classes(rows["margin"].fillna(0), CUTS)),
        cv=cv,
        xyz=np.where(np.isfinite(cv), xyz, "–"),
        growth=np.expm1(grown),
        growth_low=np.expm1(grown - Z * error),
        growth_high=np.expm1(grown + Z * error),
    )
    rows, usual, lucky, count = _with_returns(rows, back)
    rows = rows.assign(chance=_chances(rows, grown, error, top, shares))
    rows = rows.assign(verdict=_verdicts(rows, usual))
    order = ["chance", "margin", "product_id"]
    rows = rows.sort_values(order, ascending=[False, False, True], ignore_index=True)
    params = {"top": min(top, len(rows)), "usual": usual, "lucky": lucky, "lucky_count": count}
    return rows[list(Selection.columns)], params


def _with_returns(
    rows: pd.DataFrame, back: pd.DataFrame | None
) -> tuple[pd.DataFrame, float, tuple[float, float, float], int]:
    """Add return rates; also the usual rate, and what the worst products by luck look like."""
    if back is None or not back["returned"].any():  # no refund at all: none were recorded
        nothing = dict.fromkeys(("returned", "returns", "returns_low", "returns_high"), np.nan)
        return rows.assign(**nothing), np.nan, (np.nan,) * 3, 0
    told = back.set_index("product_id").reindex(rows["product_id"])
    rows = rows.assign(
        returned=(told["returned"] / told["lines"]).to_numpy(),
        returns=told["rate"].to_numpy(),
        returns_low=told["low"].to_numpy(),
        returns_high=told["high"].to_numpy(),
    )
    usual = float(back["returned"].sum() / back["seen"].sum())
    enough = back[back["lines"] >= LEAST_LINES]
    worst = enough.assign(raw=enough["returned"] / enough["lines"]).nlargest(LUCKY, "raw")
    means = (float(worst["raw"].mean()), float(worst["rate"].mean()), usual)
    return rows, usual, means, len(worst)


def _chances(rows: pd.DataFrame, grown: Any, error: Any, top: int, shares: Any) -> Any:
    """Return each product's chance to be in the top under weights and measures drawn by lot."""
    random = np.random.default_rng(SEED)
    weight = random.dirichlet(np.maximum(FIRMNESS * shares, 1e-3), DRAWS)
    spread = (rows["returns_high"] - rows["returns_low"]).fillna(0).to_numpy() / (2 * Z)
    kept = -rows["returns"].fillna(rows["returns"].mean()).fillna(0).to_numpy()
    margin = np.log(rows["margin"].clip(lower=1.0))  # where no cost is known, the usual one
    # the worst steadiness for what is too new to tell; no growth known is none
    cv = rows["cv"].fillna(rows["cv"].max()).fillna(1.0).to_numpy()
    measures = (
        (margin.fillna(margin.mean()).to_numpy(), 0.0),
        (np.nan_to_num(grown), np.nan_to_num(error)),
        (-cv, 0.0),
        (kept, spread),
    )
    score = np.zeros((DRAWS, len(rows)))
    for place, (value, width) in enumerate(measures):
        drawn = value + width * random.standard_normal((DRAWS, len(rows)))
        scale = max(float(np.std(value)), 1e-9)
        score += weight[:, [place]] * np.clip((drawn - value.mean()) / scale, -FAR, FAR)
    last = min(top, len(rows))
    least = -np.partition(-score, last - 1, axis=1)[:, [last - 1]]
    return (score >= least).mean(axis=0)


def _verdicts(rows: pd.DataFrame, usual: float) -> Any:
    """Return what to do with each product: the first reason that applies."""
    tests = {
        "mend": rows["returns_low"] > usual,
        "core": rows["chance"] >= CERTAIN,
        "new": rows["first"] < 2 * HALF - 1,
        "rising": rows["growth_low"] > 0,
        "leave": (rows["abc"] == "C") & (rows["growth_high"] < 0) & (rows["chance"] < HOPELESS),
    }
    return np.select([t.to_numpy() for t in tests.values()], list(tests), "keep")
