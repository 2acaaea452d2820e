"""What is wrong with listings, and what each defect costs: measured, not points."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import ibis
import numpy as np
import pandas as pd
from scipy.stats import norm

from ecomops.base import checks
from ecomops.base.errors import DataError
from ecomops.data.policy import ends
from ecomops.maths.elasticity import Fit, own_spread, poisson_regression
from ecomops.maths.multiplicity import benjamini_hochberg
from ecomops.maths.shrinkage import hierarchical
from ecomops.product.listing_rules import RULES, defects, listings, rules
from ecomops.result import Action, Basis, Finding, Need, Result, Value, lacking, style

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from ecomops.data.shop import Shop
    from ecomops.result.words import Words

FEWEST = 5  # listings with a defect, and without, before its cost is estimated
MONTH = 28
SHORTEST = 14  # days of traffic, from which a month is told
DRAWS, SEED = 2000, 20_251_012
POOLED = 3  # effects from which on they are pulled to their mean
FALSE = 0.05  # false discoveries among the defects named
OWN = 0.05  # part of a defect that nothing else foretells, below which it has no price
LEAST_SHARE = 0.03  # categories with fewer listings are one


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Listing(Result):
    """One row per rule: how many listings break it and what that costs in 28 days.

    `products` has one row per listing and rule broken, the dearest first: ``product_id, name,
    rule, visitors, buyers, loss``.
    """

    code: ClassVar[str] = "product.listing"
    evidence: ClassVar[str] = "C"
    columns: ClassVar[Mapping[str, str]] = {
        "rule": "label",
        "count": "count",
        "checked": "count",
        "effect": "percent",
        "low": "percent",
        "high": "percent",
        "q": "percent",
        "loss": "money",
        "loss_low": "money",
        "loss_high": "money",
    }

    products: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def sure(self) -> pd.DataFrame:
        """Rules whose breach costs conversion, false discoveries controlled."""
        rows = self.rows
        return rows[(rows["q"] <= FALSE) & (rows["effect"] < 0)]

    def findings(self) -> tuple[Finding, ...]:
        """Say which defect costs most, what costs nothing visible, what could not be measured."""
        rows, n = self.rows, self.basis.n
        broken = rows[rows["count"] > 0]
        if broken.empty:
            return (Finding("clean", "good", {"checked": n}, n),)
        said = []
        for row in self.sure.head(2).to_dict("records"):
            facts = {k: row[k] for k in ("rule", "count", "effect", "low", "high")}
            said.append(Finding("costs", "act", facts, n))
        money = self.sure.head(1)
        if len(money) and money["loss"].iloc[0] > 0:
            facts = {k: money[k].iloc[0] for k in ("rule", "loss", "loss_low", "loss_high")}
            said.append(Finding("loss", "act", facts, n))
        seen = broken[broken["effect"].notna() & ~broken["rule"].isin(self.sure["rule"])]
        if len(seen):
            said.append(Finding("harmless", "note", {"rules": list(seen["rule"])}, n))
        blind = broken[broken["effect"].isna()]
        if len(blind):
            facts = {"rules": list(blind["rule"]), "count": int(blind["count"].sum())}
            if not said:
                facts["count"] = self.products["product_id"].nunique()
            said.append(Finding("unmeasured" if said else "unknown", "watch", facts, n))
        return tuple(said)

    def propose(self) -> tuple[Action, ...]:
        """Propose to mend the defect that costs most; unmeasured ones are to be tried first."""
        until = (self.basis.end or date.max - timedelta(days=MONTH)) + timedelta(days=MONTH)
        proposed = []
        for row in self.sure.head(2).to_dict("records"):
            mine = self.products[self.products["rule"] == row["rule"]]
            change = {k: row[k] for k in ("rule", "count", "effect")}
            change |= {"items": [str(name) for name in mine["name"].head(2)]}
            value = None
            if np.isfinite(row["loss"]):
                low, mid, high = (float(row[k]) for k in ("loss_low", "loss", "loss_high"))
                value = Value(low=low, mid=mid, high=high, horizon_days=MONTH)
            subject = f"listing:{row['rule']}"
            proposed.append(Action("mend", ("costs",), change, "C", until, value, subject))
        blind = self.rows[(self.rows["count"] > 0) & self.rows["effect"].isna()]
        for row in blind.head(1).to_dict("records"):
            change = {"rule": row["rule"], "count": row["count"], "days": MONTH}
            subject, because = f"listing:{row['rule']}", self.findings()[-1].code
            proposed.append(Action("trial", (because,), change, "D", until, subject=subject))
        return tuple(proposed)

    def layout(self, *, wide: bool) -> style.Layout:
        """Return height and margins in pixels."""
        height = 56 + 30 * max(int((self.rows["count"] > 0).sum()), 1)
        left, right = (190, 190) if wide else (146, 16)
        return style.Layout(height, left=left, right=right, top=8, bottom=46)

    def draw(self, ax: Axes, *, wide: bool, words: Words) -> None:
        """Draw the change of conversion of each defect with its interval; solid line: none."""
        rows = self.rows[self.rows["count"] > 0]
        lowest, highest = rows["low"].min(), rows["high"].max()
        left = min(-0.2, lowest * 1.1) if np.isfinite(lowest) else -0.2
        right = max(0.2, highest * 1.1) if np.isfinite(highest) else 0.2
        ax.axvline(0, color=style.OTHER, lw=1.2)
        for i, row in enumerate(rows.to_dict("records")):
            text = words.say("labels", "counted", rule=row["rule"], count=row["count"])
            style.tag(ax, 0, i, text, -8, 0, at="left", ha="right", size=style.SMALL)
            if not np.isfinite(row["effect"]):
                unknown, at = words.label("unknown"), "data" if wide else "left"
                look = {"size": style.SMALL, "color": style.MUTE, "clear": True}
                style.tag(ax, 0, i, unknown, 8, 0, at=at, **look)
                continue
            ax.plot([row["low"], row["high"]], [i, i], color=style.HEX["s3"], lw=7)
            ax.plot([row["effect"]], [i], "o", ms=7, color=style.UP)
            if wide and row["q"] <= FALSE and row["loss"] > 0:
                text = words.say("labels", "loss", loss=row["loss"])
                style.tag(ax, 1, i, text, 10, 0, at="right", size=style.SMALL)
        ax.set(ylim=(max(len(rows), 1) - 0.4, -0.6), xlim=(left, right))
        ax.xaxis.set_major_formatter(
            lambda v, _: f"{100 * v:+.0f}%".replace("-", "−") if v else "0"
        )
        ax.grid(axis="x")
        ax.set_yticks([])
        axis = words.label("x_axis")
        style.tag(ax, right, 0, axis, 0, -34, at="below", size=style.SMALL, ha="right")


def listing(
    shop: Shop,
    *,
    platform: str = "tmall",
    days: int = 90,
    as_of: date | str | None = None,
    lang: str | None = None,
) -> Listing:
    """Check listings against a platform's rules and say what each kind of defect costs.

    Parameters
    ----------
    shop
        Needs `products` (``product_name, image_count, has_video, attributes_filled,
        attributes_total, article_no`` as far as known); `traffic_daily` rows of level "product"
        (``visitors, pay_buyers, pay_amount``) measure the cost, ``line_cost`` makes it margin.
    platform
        Whose rules: a name in ``product/listing_rules.toml``.
    days
        Days of traffic looked at, 14 to 365; fewer, though never taken as fewer than
        14, where it begins later.
    as_of
        Last day known (products listed later are left out); the last day of the traffic when None.
    lang
        Language of the words.

    Returns
    -------
    Listing
        `.table`: one row per rule, the dearest first: ``count`` of ``checked`` listings break it,
        ``effect, low, high`` (change of conversion, 90 %), ``q``, ``loss, loss_low, loss_high``
        (margin in 28 days). `.products` lists what to mend.

    Notes
    -----
    Negative binomial regression of buyers on visitors with price and category beside the defects,
    robust errors; effects are pulled to their mean (Gelman et al. 2013, 5.4), false discoveries
    are controlled (Benjamini and Hochberg 1995). Raises `OptionError` for an unknown platform.

    Examples
    --------
    >>> import ecomops as eo
    >>> print(listing(eo.open("demo")).sure["rule"].sort_values().tolist())
    ['attributes', 'images']
    """
    as_of = checks.day("as_of", as_of)
    checks.choice("platform", platform, tuple(rules()))
    checks.between("days", days, SHORTEST, 365)
    if absent := lacking(shop, "products"):
        return Listing.lock(absent, lang=lang)
    first, last = _seen(shop, as_of)
    until = min(as_of or last, last)
    since = min(max(until - timedelta(days=days - 1), first), until)
    goods = listings(shop, since=since, until=until, as_of=as_of)
    broken = defects(goods, platform)
    told = broken.notna().any()
    if goods.empty or not told[["images", "attributes", "video"]].any():
        need = Need("column", {"table": "products", "column": "image_count"})
        return Listing.lock((need,), lang=lang)
    days = max((until - since).days + 1, SHORTEST)
    rows, worst = _costs(goods, broken, shop.margins(as_of).paid, days)
    basis = Basis(n=len(goods), unit="listings", start=since, end=until, currency=shop.currency)
    params = {"platform": platform, "days": days}
    lang = checks.language(lang)
    return Listing(rows=rows, products=worst, basis=basis, params=params, lang=lang)


def _seen(shop: Shop, as_of: date | None) -> tuple[date, date]:
    """Return the first and the last day of traffic by product, else of the orders."""
    if "traffic_daily" in shop:
        seen = shop.traffic_daily.filter(ibis._.level == "product")
        if span := ends(seen, "date", "traffic_daily"):
            return span
    if as_of and "orders" not in shop:
        return as_of, as_of
    return shop.coverage.first_day, shop.coverage.last_day


def _costs(
    goods: pd.DataFrame, broken: pd.DataFrame, margin: float | None, days: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the table by rule and the listings to mend."""
    found = _effects(goods, broken)
    random = np.random.default_rng(SEED)
    rows, worst = [], []
    for name in RULES:
        bad = broken[name].fillna(value=False).to_numpy(dtype=bool)
        row = {"rule": name, "count": int(bad.sum()), "checked": int(broken[name].notna().sum())}
        effect, error = found.get(name, (np.nan, np.nan))
        earned = goods["amount"].where(bad).sum() * (margin or np.nan) * MONTH / days
        draws = effect + error * random.standard_normal(DRAWS)
        loss = earned * (np.exp(-draws) - 1)
        row |= {"beta": effect, "p": norm.cdf(effect / error) if error > 0 else np.nan}
        row |= dict(zip(("low", "high"), np.exp(effect + error * LIMITS) - 1, strict=True))
        row |= dict(zip(QUANTILES, np.quantile(loss, [0.05, 0.5, 0.95]), strict=True))
        rows.append(row | {"effect": np.exp(effect) - 1})
        mine = goods[bad].assign(rule=name)
        each = mine["amount"] * (margin or np.nan) * MONTH / days * (np.exp(-effect) - 1)
        worst.append(mine.assign(loss=each)[[*WORST]])
    table = pd.DataFrame(rows)
    table["q"] = benjamini_hochberg(table["p"])
    sure = (table["q"] <= FALSE).to_numpy()
    table.loc[~sure, list(QUANTILES)] = np.nan
    table = table.assign(dear=table["loss"].fillna(0), found=table["effect"].notna())
    table = table.sort_values(
        ["dear", "found", "count", "rule"], ascending=[False, False, False, True], ignore_index=True
    )
    order = ["loss", "visitors", "product_id", "rule"]
    listed = pd.concat(worst).sort_values(order, ascending=[False, False, True, True])
    return table[list(Listing.columns)], listed.reset_index(drop=True)


LIMITS = np.array([-1.645, 1.645])
QUANTILES = ("loss_low", "loss", "loss_high")
WORST = ("product_id", "name", "rule", "visitors", "buyers", "loss")


def _effects(goods: pd.DataFrame, broken: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Return log change of conversion and its error by rule, of those that can be estimated."""
    seen = (goods["visitors"] > 0) & goods["price"].gt(0)
    goods, broken = goods[seen], broken[seen]
    flags = {name: broken[name].fillna(value=False).to_numpy(dtype=float) for name in RULES}
    usable = [n for n in RULES if FEWEST <= flags[n].sum() <= len(goods) - FEWEST]
    if not usable or goods["buyers"].sum() == 0:
        return {}
    beside = _controls(goods)
    others = {n: [flags[m] for m in usable if m != n] for n in usable}
    usable = [n for n in usable if _told_apart(flags[n], [*others[n], *beside])]
    x = np.column_stack([np.ones(len(goods)), *(flags[n] for n in usable), *beside])
    try:
        fit = _conversion(goods["buyers"].to_numpy(), x, goods["visitors"].to_numpy())
    except DataError:  # no buyers at all behind one of the flags
        return {}
    beta, error = fit.beta[1 : len(usable) + 1], fit.se[1 : len(usable) + 1]
    if len(usable) >= POOLED:
        beta, error, _, _ = hierarchical(beta, error)
    return {n: (float(b), float(e)) for n, b, e in zip(usable, beta, error, strict=True)}


def _controls(goods: pd.DataFrame) -> list[Any]:
    """Return the price and the large categories, one column each."""
    log_price = np.log(goods["price"].to_numpy(dtype=float))
    category = goods["category"].fillna("").astype(str)
    large = category.value_counts(normalize=True)
    kinds = sorted(large.index[large >= LEAST_SHARE])[1:]
    return [log_price - log_price.mean(), *((category == k).to_numpy(dtype=float) for k in kinds)]


def _told_apart(flag: Any, others: list[Any]) -> bool:
    """Return whether a defect is more than what price, category and other defects foretell."""
    x = np.column_stack([np.ones(len(flag)), *others])
    rest = flag - x @ np.linalg.lstsq(x, flag, rcond=None)[0]
    return bool(rest @ rest > OWN * flag.var() * flag.size)


def _conversion(buyers: Any, x: Any, visitors: Any) -> Fit:
    """Return the fit of buyers on visitors, where each listing also converts in its own way."""
    fit = poisson_regression(buyers, x, exposure=visitors, ridge=1e-6)
    for _ in range(2):
        spread = own_spread(buyers, visitors * np.exp(x @ fit.beta))
        fit = poisson_regression(buyers, x, exposure=visitors, ridge=1e-6, spread=spread)
    return fit
