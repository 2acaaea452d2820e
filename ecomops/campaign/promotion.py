"""What a promotion would have cost on past baskets, who pays, and the lift it needs to pay."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from ecomops.base import checks
from ecomops.data.policy import POLICY, coverage, sold_lines
from ecomops.data.tables import frame
from ecomops.maths.loyalty import breakeven_lift
from ecomops.maths.promotion import Rule, carts, priced
from ecomops.result import Action, Basis, Finding, Need, Result, lacking, style
from ecomops.result.words import Words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import ibis
    from matplotlib.axes import Axes

    from ecomops.data.shop import Shop

MOST = 20_000  # baskets replayed, the latest first
YEAR = 365  # days; a test that takes longer settles nothing in time
Z = 1.6449 + 0.8416  # 5 % one-sided error, 80 % power
NEAR = 0.2  # a basket within 20 % below a threshold may be topped up
BUNCH = 0.1
SHORTHAND = re.compile(r"(\d+)-(\d+)")
EXAMPLE = (Rule("300-50", "threshold", steps=((30_000, 5_000),)),)


def baskets(shop: Shop, since: date, as_of: date | None) -> pd.DataFrame:
    """Return the latest baskets, one row each: ``order_id, at, cents, pieces, cost``.

    `cents` is the goods' value before any discount (paid money where list prices are unknown),
    `cost` the goods' cost; at most 20,000, the latest first.
    """
    sold = POLICY.sales(shop.orders, as_of=as_of)
    recent = sold.filter(sold.at.date() >= since).select("order_id", "at")
    lines = sold_lines(shop.order_lines)
    worth = lines.line_list_amount.fill_null(lines.line_paid_amount)
    by_order: ibis.Table = lines.group_by("order_id").aggregate(
        amount=worth.sum(),
        pieces=lines.quantity.sum(),
        cost=lines.line_cost.sum(),
        unknown=lines.count() - lines.line_cost.count(),
    )
    joined = recent.join(by_order, "order_id")
    latest = joined.order_by(joined["at"].desc(), joined.order_id).limit(MOST)
    rows = frame(latest.select("order_id", "at", "amount", "pieces", "cost", "unknown"))
    cost = rows["cost"].where(rows["unknown"] == 0)
    return rows.assign(cents=(rows["amount"] * 100).round().astype("int64"), cost=cost)


@dataclass(frozen=True)
class RuleWords(Words):
    """Words with a unit of their own, ``rule``: a name such as 300-50 is read out."""

    def format_field(self, value: Any, format_spec: str) -> str:
        """Format one field; of several rules, joined by semicolons, each is read."""
        if format_spec != "rule" or not isinstance(value, str):
            return super().format_field(value, format_spec.replace("rule", "text"))
        names = [SHORTHAND.fullmatch(name) or name for name in value.split("; ")]
        read = [self.own(n) if isinstance(n, str) else self._read(*n.groups()) for n in names]
        return ("；" if self.lang == "zh" else "; ").join(read)

    def _read(self, start: str, off: str) -> str:
        words = Words("campaign.promotion", self.lang, self.currency)
        return words.say("labels", "off", start=float(start), off=float(off))


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Promotion(Result):
    """One row per rule: baskets it touches, what it costs and who bears it.

    `params` holds the replay's sums: ``list_value, paid, shop_cost, margin, margin_after,
    breakeven`` (the rise in orders that keeps the margin), ``near``, ``bunching``, ``orders``.
    """

    code: ClassVar[str] = "campaign.promotion"
    evidence: ClassVar[str] = "arithmetic"
    columns: ClassVar[Mapping[str, str]] = {
        "rule": "rule",
        "kind": "label",
        "payer": "label",
        "orders": "count",
        "order_share": "percent",
        "cost": "money",
        "cost_share": "percent",
    }

    def words(self, lang: str | None = None) -> RuleWords:
        """Return the words of the replay, which read rules out."""
        return RuleWords(self.code, checks.language(lang or self.lang), self.basis.currency)

    def findings(self) -> tuple[Finding, ...]:
        """Say what it costs the shop, the lift it needs, who else pays, who may top up."""
        p, n = self.params, self.basis.n
        cost = {"cost": p["shop_cost"], "share": p["shop_cost"] / p["list_value"], "orders": n}
        said = [Finding("cost", "note", cost, n)]
        said += [Finding("example", "note", {}, n)] if p["example"] else []
        if p["margin"] is not None and p["shop_cost"]:
            lift = {"lift": p["breakeven"], "before": p["margin"], "after": p["margin_after"]}
            code = "breakeven" if np.isfinite(p["breakeven"]) else "loss"
            level = "act" if code == "loss" else "watch"
            said.append(Finding(code, level, lift, n))
        others = p["list_value"] - p["paid"] - p["shop_cost"]
        if others > 0:
            said.append(Finding("others", "note", {"cost": others}, n))
        if p["threshold"]:
            near = {k: p[k] for k in ("threshold", "near", "bunching")}
            known = np.isfinite(p["bunching"])
            said.append(Finding("near" if known else "near_only", "note", near, n))
        return tuple(said)

    def propose(self) -> tuple[Action, ...]:
        """Propose the test that settles whether the lift is reached, or say that none can here."""
        p = self.params
        if not 0 < p["breakeven"] < np.inf:
            return ()
        until = (self.basis.end or date.max) + timedelta(days=60)
        change = {"lift": p["breakeven"], "orders": p["orders_needed"], "days": p["days_needed"]}
        if p["days_needed"] <= YEAR:
            return (Action("holdout", ("breakeven",), change, "D", until),)
        change |= {"longest": YEAR, "visible": p["visible"]}
        return (Action("too_few", ("breakeven",), change, "D", until),)

    def layout(self, *, wide: bool) -> style.Layout:
        """Return height and margins in pixels."""
        height = 44 + (46 if wide else 64) * len(self.rows)
        return style.Layout(height, left=14, right=190 if wide else 14, top=16, bottom=28)

    def draw(self, ax: Axes, *, wide: bool, words: Words) -> None:
        """Draw the cost of each rule as a bar, its payer as colour, its reach as text."""
        top = max(float(self.rows["cost"].max()), 1.0)
        for i, row in enumerate(self.rows.to_dict("records")):
            colour = style.UP if row["payer"] == "shop" else style.DOT
            ax.barh(i, row["cost"], height=0.28, color=colour)
            name = words.say("labels", "rule", rule=row["rule"], payer=row["payer"])
            style.tag(ax, 0, i, name, 0, 17 if wide else 19, size=style.BODY)
            reach = words.say("labels", "reach", cost=row["cost"], share=row["order_share"])
            if wide:
                style.tag(ax, row["cost"], i, reach, 8, 0, size=style.SMALL)
            else:
                style.tag(ax, 0, i, reach, 0, -21, size=style.SMALL, color=style.MUTE)
        ax.set(ylim=(len(self.rows) - 0.5, -0.5), xlim=(0, top * 1.02))
        ax.set_yticks([])
        ax.xaxis.set_major_formatter(lambda v, _: words.format_field(v, "money"))
        ax.locator_params(axis="x", nbins=6 if wide else 4)


def promotion(
    shop: Shop,
    *,
    rules: Sequence[Rule] = EXAMPLE,
    days: int = 90,
    as_of: date | str | None = None,
    lang: str | None = None,
) -> Promotion:
    """Replay a promotion on past baskets: its cost, who pays, and the lift it needs to pay.

    Parameters
    ----------
    shop
        Needs `orders` and `order_lines` (``line_cost`` for margins).
    rules
        Promotions in the order in which they apply (`ecomops.maths.promotion.Rule`, money in
        cents); by default 50 off from 300, paid by the shop.
    days
        How many days of baskets to replay, 7 to 730; at most the latest 20,000 baskets.
    as_of
        Last day known; the last day of the data when None.
    lang
        Language of the words.

    Returns
    -------
    Promotion
        `.table`: one row per rule: ``rule, kind, payer, orders, order_share`` (0-1), ``cost,
        cost_share`` (of the goods' value before discounts).

    Notes
    -----
    Baskets are taken at the goods' value before discounts and bought unchanged: buyers who come
    only for the promotion, or top up to its threshold, are not in it. The lift that keeps the
    margin is m / (m - d) - 1.

    Examples
    --------
    >>> import ecomops as eo
    >>> result = promotion(eo.open("demo"))
    >>> list(result.table["rule"]), result.params["breakeven"] > 0
    (['300-50'], True)
    """
    as_of = checks.day("as_of", as_of)
    checks.between("days", days, 7, 730)
    if absent := lacking(shop, "orders", "order_lines"):
        return Promotion.lock(absent, lang=lang)
    facts = coverage(shop.orders, as_of=as_of)
    since = max(facts.last_day - timedelta(days=days - 1), facts.first_day)
    rows = baskets(shop, since, as_of)
    if rows.empty:
        values = {"needed": 1, "found": 0, "unit": "orders"}
        return Promotion.lock((Need("rows", values),), lang=lang)
    deal = priced(carts(np.arange(len(rows)), rows["cents"].to_numpy()), rules)
    value = float(rows["cents"].sum()) / 100
    cost = deal.off.sum(axis=1) / 100
    touched = (deal.off > 0).sum(axis=1)
    table = pd.DataFrame(
        {
            "rule": [rule.name for rule in rules],
            "kind": [rule.kind for rule in rules],
            "payer": [rule.payer for rule in rules],
            "orders": touched,
            "order_share": touched / len(rows),
            "cost": cost,
            "cost_share": cost / value,
        }
    )
    shop_cost = deal.by_payer().get("shop", 0) / 100
    params = _margins(rows, value, shop_cost) | _threshold(rows["cents"].to_numpy(), rules)
    params |= {"list_value": value, "shop_cost": shop_cost, "paid": float(deal.paid.sum()) / 100}
    since = pd.Timestamp(rows["at"].min()).date() if len(rows) == MOST else since
    span = (facts.last_day - since).days + 1
    params |= _test(params["breakeven"], len(rows) / span) | {"example": rules is EXAMPLE}
    return Promotion(
        rows=table,
        basis=Basis(
            n=len(rows),
            unit="orders",
            start=since,
            end=facts.last_day,
            currency=facts.currency,
            excluded=facts.excluded_sales,
        ),
        params=params,
        lang=checks.language(lang),
    )


def _margins(rows: pd.DataFrame, value: float, shop_cost: float) -> dict[str, Any]:
    if rows["cost"].isna().any():
        return {"margin": None, "margin_after": None, "breakeven": np.nan}
    margin = 1 - float(rows["cost"].sum()) / value
    discount = shop_cost / value
    margins = {"margin": margin, "margin_after": margin - discount}
    return margins | {"breakeven": breakeven_lift(margin, discount)}


def _threshold(cents: Any, rules: Sequence[Rule]) -> dict[str, Any]:
    """Return the first threshold, the share of baskets just below it, and how they bunch there."""
    starts = [start for rule in rules for start, _ in rule.steps[:1]]
    if not starts:
        return {"threshold": None, "near": np.nan, "bunching": np.nan}
    start = starts[0]
    below = np.sum((cents >= start * (1 - BUNCH)) & (cents < start))
    above = np.sum((cents >= start) & (cents < start * (1 + BUNCH)))
    return {
        "threshold": start / 100,
        "near": float(np.mean((cents >= start * (1 - NEAR)) & (cents < start))),
        "bunching": float(above / below) if below else np.nan,
    }


def _test(lift: float, orders_a_day: float) -> dict[str, float]:
    """Return orders per arm, and days, that tell such a lift of a Poisson count from none.

    One-sided 5 %, power 80 %: 2 (1.645 + 0.842)^2 / ln(1 + lift)^2; ``visible`` is the lift that
    the longest test tells.
    """
    if not np.isfinite(lift) or lift <= 0:
        return dict.fromkeys(("orders_needed", "days_needed", "visible"), np.nan)
    orders = 2 * Z**2 / np.log1p(lift) ** 2
    return {
        "visible": float(np.expm1(Z * np.sqrt(4 / (orders_a_day * YEAR)))),
        "orders_needed": float(np.ceil(orders)),
        "days_needed": float(np.ceil(2 * orders / orders_a_day)),
    }
