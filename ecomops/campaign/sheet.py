"""The lines of a campaign brief: what each says, where it comes from, what nobody knows yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ecomops.data.policy import POLICY, sold_lines
from ecomops.data.tables import frame
from ecomops.metrics.customers import customers
from ecomops.metrics.daily import daily

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecomops.data.shop import Shop
    from ecomops.result import Result

UNKNOWN = "unknown"
LATELY = 28  # days that stand for ordinary sales
RECENT = 56  # days of channels, products and refunds
TOP = 3
SMALL = 0.02
# days before the presale (or the main days) by which material must be ready: a rule of thumb
DUE = {"pictures": 14, "pages": 7, "stock_in": 7, "coupons": 3}
CREW = 3
# what whoever runs the campaign can fill in; the rest is worked out
OPEN = ("target", "given", "best_segment", "rules", "sources", "heroes")


@dataclass(frozen=True)
class Line:
    """One line: its section and item, a value in a unit, an interval, and where it comes from."""

    section: str
    item: str
    value: Any
    unit: str
    source: str
    low: float = float("nan")
    high: float = float("nan")

    @property
    def row(self) -> dict[str, Any]:
        """The line as a row; what is not known says so."""
        missing = self.value is None or (isinstance(self.value, float) and np.isnan(self.value))
        known = {"value": UNKNOWN, "unit": "none", "source": UNKNOWN} if missing else {}
        return vars(self) | known


def goal(row: Mapping[str, Any], sales: Mapping[str, Any], target: float | None) -> list[Line]:
    """Return what the campaign is, what is wanted and what may be expected."""
    source = "campaign.calendar"
    expected = (sales["low"], sales["high"])
    return [
        Line("goal", "festival", row["festival"], "label", source),
        Line("goal", "main_from", row["main_from"], "date", source),
        Line("goal", "main_to", row["main_to"], "date", source),
        Line("goal", "target", target, "money", "owner"),
        Line("goal", "expected", sales["expected"], "money", sales["source"], *expected),
        Line("goal", "ordinary", sales["ordinary"], "money", "orders"),
        Line("goal", "net", row["net"], "percent", source, row["low"], row["high"]),
    ]


def audience(shop: Shop, rfm: Result | None, as_of: date | None) -> list[Line]:
    """Return how many are known, how much of recent sales is theirs, and the most valuable."""
    facts = customers(shop.orders, as_of=as_of)
    people, once = facts.heads if facts.coverage.purchases else (None, None)
    found = [
        Line("audience", "known", people, "count", "orders"),
        Line("audience", "once", once, "count", "orders"),
    ]
    return [*found, Line("audience", "best_segment", _best(rfm), "label", "customer.rfm")]


def _best(rfm: Result | None) -> str | None:
    """Return the segment with most money per customer, of those with 2 % of customers or more."""
    if rfm is None or rfm.locked or not {"amount", "customers"} <= set(rfm.rows):
        return None
    rows = rfm.rows[rfm.rows["customers"] >= SMALL * rfm.rows["customers"].sum()]
    each = rows["amount"] / rows["customers"]
    return None if rows.empty else str(rows["segment"].iloc[int(each.argmax())])


def offer(replay: Result) -> list[Line]:
    """Return the rules, what they cost the shop and the rise in orders that pays for them."""
    source, p = "campaign.promotion", replay.params
    rules = "; ".join(replay.rows["rule"]) if len(replay.rows) else None
    share = p["shop_cost"] / p["list_value"] if "shop_cost" in p else None
    return [
        Line("offer", "rules", rules, "shorthand", source),
        Line("offer", "cost_share", share, "percent", source),
        Line("offer", "margin_after", p.get("margin_after"), "percent", source),
        Line("offer", "breakeven", finite(p.get("breakeven")), "percent", source),
        Line("offer", "near", finite(p.get("near")), "percent", source),
    ]


def finite(value: Any) -> float | None:
    """Return a number, or None where it is missing or infinite."""
    return float(value) if value is not None and np.isfinite(value) else None


def channels(shop: Shop, last: date) -> list[Line]:
    """Return the three largest sources of recent sales with their shares."""
    sold = POLICY.sales(shop.orders, as_of=last)
    recent = sold.filter(sold["at"].date() > last - timedelta(days=RECENT))
    by = frame(recent.group_by("source_channel").aggregate(amount=recent.amount.sum()))
    whole = float(by["amount"].sum())
    named = by[by["source_channel"].notna()]
    top = named.sort_values(["amount", "source_channel"], ascending=[False, True]).head(TOP)
    if top.empty:
        return [Line("channels", "sources", None, "text", "orders")]
    pairs = zip(top["source_channel"], top["amount"], strict=True)
    return [Line("channels", str(name), float(x) / whole, "percent", "orders") for name, x in pairs]


def materials(shop: Shop, row: Mapping[str, Any], last: date) -> list[Line]:
    """Return the products to show and the days by which things must be ready."""
    due = {item: row["presale_from"] - timedelta(days=days) for item, days in DUE.items()}
    due["crew"] = row["main_from"] - timedelta(days=CREW)
    lines = [Line("materials", item, day, "date", "rule") for item, day in due.items()]
    return [Line("materials", "heroes", _heroes(shop, last), "names", "order_lines"), *lines]


def _heroes(shop: Shop, last: date) -> str | None:
    if "order_lines" not in shop:
        return None
    sold = POLICY.sales(shop.orders, as_of=last)
    recent = sold.filter(sold["at"].date() > last - timedelta(days=RECENT)).select("order_id")
    lines = sold_lines(shop.order_lines).semi_join(recent, "order_id")
    if "products" in shop:  # postage and fees sell well, too
        fees = shop.products.filter(shop.products.status == "not_a_product")
        lines = lines.anti_join(fees, "product_id")
    money = lines.line_paid_amount - lines.line_refund_amount.fill_null(0)
    name = lines.product_name.fill_null(lines.product_id)
    by = lines.mutate(name=name, money=money).group_by("name")
    sums = by.aggregate(money=lambda t: t.money.sum())
    top = frame(sums.order_by(sums.money.desc(), sums.name).limit(TOP))
    return "; ".join(top["name"].dropna()) or None


def budget(
    row: Mapping[str, Any],
    sales: Mapping[str, Any],
    replay: Result,
    margin: float | None,
    given: float | None,
) -> list[Line]:
    """Return the budget, what the offer costs, and what is left of the extra margin for the rest.

    Left: the festival's net effect on run-up, main days and aftermath x their ordinary sales x
    margin - the shop's share of the discount on the main days; unknown unless there is an effect.
    """
    p = replay.params
    expected, off = sales["expected"], None
    if expected is not None and "shop_cost" in p:
        off = expected * p["shop_cost"] / p["list_value"]
    left = dict.fromkeys(("net", "low", "high"), np.nan)
    if off is not None and margin is not None and row["low"] > 0:
        days = (row["after_to"] - row["presale_from"]).days + 1
        left = {end: row[end] * sales["daily"] * days * margin - off for end in left}
    return [
        Line("budget", "given", given, "money", "owner"),
        Line("budget", "discount", off, "money", "campaign.promotion"),
        Line("budget", "left", left["net"], "money", "arithmetic", left["low"], left["high"]),
    ]


def risks(shop: Shop, row: Mapping[str, Any], last: date) -> list[Line]:
    """Return what lies too close, the hangover's end, the peak against lately, and refunds."""
    sold = POLICY.sales(shop.orders, as_of=last)
    recent = sold.filter(sold["at"].date() > last - timedelta(days=RECENT))
    back = (recent.amount - recent.net).cast("float64").sum()
    sums = frame(recent.aggregate(paid=recent.amount.cast("float64").sum(), back=back)).iloc[0]
    refunds = float(sums["back"] / sums["paid"]) if sums["paid"] else None
    source = "campaign.calendar"
    close = "no_clash" if pd.isna(row["close_to"]) else row["close_to"]
    return [
        Line("risks", "close_to", close, "label", source),
        Line("risks", "peak", finite(row["peak"]), "percent", source),
        Line("risks", "hangover_to", row["after_to"], "date", source),
        Line("risks", "refunds", refunds, "percent", "orders"),
    ]


def trial(replay: Result, row: Mapping[str, Any]) -> list[Line]:
    """Return the test: halves, orders in each, days it takes, and when it may be read."""
    p, source = replay.params, "campaign.promotion"
    return [
        Line("test", "half", 0.5, "percent", "rule"),
        Line("test", "orders_each", finite(p.get("orders_needed")), "count", source),
        Line("test", "days_needed", finite(p.get("days_needed")), "days", source),
        Line("test", "read_on", row["after_to"] + timedelta(days=1), "date", "campaign.calendar"),
    ]


def expectation(shop: Shop, row: Mapping[str, Any], forecast: Any, last: date) -> dict[str, Any]:
    """Return ``expected, low, high, ordinary, daily, source`` of the main days' sales, as paid.

    From a forecast that covers them, with its band; else ordinary sales raised by what the same
    festival did before, without one; else nothing.
    """
    days = (row["main_to"] - row["main_from"]).days + 1
    lately = float(daily(shop.orders, as_of=last)["amount"].tail(LATELY).mean())
    found = {"ordinary": lately * days, "daily": lately, "low": np.nan, "high": np.nan}
    if forecast is not None and not forecast.locked and forecast.draws is not None:
        first = (row["main_from"] - forecast.basis.end).days - 1
        if first >= 0 and first + days <= forecast.draws.shape[1]:
            total = forecast.draws[:, first : first + days].sum(axis=1)
            low, mid, high = (float(q) for q in np.quantile(total, [0.05, 0.5, 0.95]))
            return found | {"expected": mid, "low": low, "high": high, "source": forecast.code}
    peak = finite(row["peak"])
    raised = None if peak is None else lately * days * (1 + peak)
    return found | {"expected": raised, "source": "campaign.calendar"}
