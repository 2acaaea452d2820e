"""Will the target be reached: its probability, and what each lever would have to give."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from ecomops.base import checks
from ecomops.data.tables import frame
from ecomops.metrics.daily import daily
from ecomops.metrics.shelves import carried
from ecomops.metrics.sources import WHOLE, at_depth
from ecomops.result import Action, Finding, Result, style
from ecomops.store.forecast import Forecast, forecast

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import ibis
    from matplotlib.axes import Axes

    from ecomops.data.shop import Shop
    from ecomops.result.words import Words

LEVERS = ("visitors", "conversion", "value")
BASE_DAYS = 56  # days whose traffic is "now"
LIKELY, UNLIKELY = 0.7, 0.3
# What money can scale up and down; free search and recommendations cannot be bought.
PAID = (
    "直通车", "淘宝客", "再营销", "万相台", "引力魔方", "超级推荐", "钻展", "钻石展位", "品销宝",
    "千川", "快车", "推广", "付费", "广告", "cpc", "ppc", "paid", "ads", "affiliate", "sponsored",
)  # fmt: skip
FAR = 3.0  # of the expected sales: a gap that no lever closes is a question to whoever set it
ENOUGH = 0.995  # of the target that stock must carry before it is a limit: what reads 100 %
NEARLY = 0.999  # the most that is said of less than all


def traffic(traffic_daily: ibis.Table, last: date) -> pd.DataFrame:
    """Return ``channel, visitors, buyers, amount, days`` of the last 56 days, largest first.

    Visitors are sums of daily UV, `days` those with traffic; only rows of level "source" and one
    depth are read, so nothing counts twice; rows over all sources only where there are no others.
    """
    since = last - timedelta(days=BASE_DAYS - 1)
    rows = traffic_daily.filter(
        traffic_daily.level == "source", traffic_daily.date.between(since, last)
    )
    rows = at_depth(rows, "source_l1")
    by = rows.group_by(channel=rows.source_l1).aggregate(
        visitors=rows.visitors.sum(), buyers=rows.pay_buyers.sum(), amount=rows.pay_amount.sum()
    )
    days = frame(rows.aggregate(days=rows.date.nunique()))["days"].iloc[0]
    found = frame(by).assign(days=days).sort_values(["amount", "channel"], ascending=[False, True])
    whole = found["channel"].isna() | found["channel"].isin(WHOLE)
    if whole.all():
        return found.assign(channel="total").head(1)
    return found[~whole].reset_index(drop=True)


def bought(shop: Shop, channels: Sequence[str]) -> list[str]:
    """Return those of `channels` that money buys: advertised, or called like paid placements."""
    ads = shop.get("ad_reports")
    known = set() if ads is None else set(frame(ads.select("scene_name").distinct())["scene_name"])
    return [c for c in channels if c in known or any(word in c.lower() for word in PAID)]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Target(Result):
    """What each lever is now and would have to be, alone, to close the gap; whole shop and sources.

    `params` holds ``target, chance, gap, growth`` and the forecast's total with its interval.
    """

    code: ClassVar[str] = "store.target"
    columns: ClassVar[Mapping[str, str]] = {
        "channel": "label",
        "lever": "label",
        "now": "units[lever]",
        "needed": "units[lever]",
        "lift": "percent",
        "part": "money",
    }

    plan: Forecast | None = None

    @property
    def evidence(self) -> str:  # type: ignore[override]
        """That of the forecast it rests on."""
        return self.plan.evidence if self.plan else "C"

    def findings(self) -> tuple[Finding, ...]:
        """Say how likely the target is, how much is missing and what would close it."""
        p, n = self.params, self.basis.n
        expected = {k: p[k] for k in ("total", "total_low", "total_high")}
        said = [self._chance(), Finding("expected", "note", expected, n)]
        if p["like"] != "given":
            said.append(Finding(p["like"], "note", {k: p[k] for k in ("target", "days")}, n))
        if p["gap"] > 0:
            lifts = {"gap": p["gap"], "one": p["growth"], "all": (1 + p["growth"]) ** (1 / 3) - 1}
            said.append(Finding("gap", "watch", lifts, n))
        else:
            said.append(Finding("ahead", "good", {"spare": -p["gap"]}, n))
        if p["peak_orders"] > p["most_orders"] > 0:
            peak = {"peak": p["peak_orders"], "most": p["most_orders"]}
            said.append(Finding("capacity", "watch", peak, n))
        if p["stock"]:
            said.append(self._carried())
        return tuple(said)

    @property
    def _short(self) -> bool:
        return bool(self.params["stock"]) and self.params["stock"]["carried"] < ENOUGH

    def _carried(self) -> Finding:
        """Say what runs out on the way to the target, or how much of it stock carries."""
        stock, n = self.params["stock"], self.basis.n
        if self._short:
            return Finding("stock", "watch", stock, n)
        if not stock["short"]:
            return Finding("stocked", "note", {}, n)
        return Finding("nearly", "note", stock | {"carried": min(stock["carried"], NEARLY)}, n)

    def _chance(self) -> Finding:
        """Say how likely the target is; that of demand alone where stock does not carry it."""
        p = self.params
        chance = {k: p[k] for k in ("target", "days", "chance")}
        level = "good" if p["chance"] >= LIKELY else "watch" if p["chance"] > UNLIKELY else "act"
        if not self._short:
            return Finding("chance", level, chance, self.basis.n)
        chance |= {k: p["stock"][k] for k in ("amount", "carried")}
        level = "watch" if level == "good" else level
        return Finding("chance_of_demand", level, chance, self.basis.n)

    def propose(self) -> tuple[Action, ...]:
        """Propose to test the cheapest lever; a forecast alone gives no lever a value."""
        p = self.params
        until = (self.basis.end or date.max) + timedelta(days=14)
        values = {"gap": p["gap"], "one": p["growth"]}
        if p["growth"] > FAR:
            values |= {"target": p["target"], "total": p["total"], "times": 1 + p["growth"]}
            return (Action("doubt", ("gap",), values, "D", until),)
        if p["paid"] is None:
            return (Action("choose", ("gap",), values, "D", until),)
        return (Action("close_gap", ("gap",), values | {"channel": p["paid"]}, "D", until),)

    def layout(self, *, wide: bool) -> style.Layout:
        """Return height and margins in pixels."""
        if wide:
            return style.Layout(230, left=20, right=20, top=40, bottom=44)
        return style.Layout(210, left=20, right=20, top=48, bottom=44)

    def draw(self, ax: Axes, *, wide: bool, words: Words) -> None:
        """Draw where the total may end: the draws as dots in columns, the target as a line."""
        p = self.params
        heights, edges = np.array(p["heights"]), np.array(p["edges"])
        middle = (edges[1:] + edges[:-1]) / 2
        colours = [style.UP if m >= p["target"] else style.DOT for m in middle]
        ax.bar(middle, heights, width=np.diff(edges) * 0.86, color=colours)
        ax.axvline(p["target"], color=style.DOWN, lw=2)
        text = words.say("labels", "target_line", target=p["target"], chance=p["chance"])
        right = p["target"] > (edges[0] + edges[-1]) / 2
        side = {"ha": "right" if right else "left", "color": style.DOWN}
        style.tag(ax, p["target"], 1, text, -8 if right else 8, 8, at="above", **side)
        ax.set(ylim=(0, heights.max() * 1.15), xlim=_limits(edges, p["target"]))
        ax.set_yticks([])
        ax.xaxis.set_major_formatter(lambda v, _: words.format_field(v, "money"))
        ax.locator_params(axis="x", nbins=6 if wide else 4)


def _limits(edges: Any, target: float) -> tuple[float, float]:
    low, high = min(edges[0], target), max(edges[-1], target)
    room = 0.05 * (high - low)
    return low - room, high + room


def target(
    shop: Shop,
    *,
    target: float | None = None,
    horizon_days: int = 30,
    calendar: str | None = None,
    as_of: date | str | None = None,
    lang: str | None = None,
) -> Target:
    """Say how likely a sales target is and split the gap over visitors, conversion and value.

    Parameters
    ----------
    shop
        Needs `orders`; `traffic_daily` (level "source") splits the gap over channels and levers;
        `inventory_snapshots`, `product_skus` and `order_lines` say what stock can carry.
    target
        Paid sales to reach within the horizon, in the shop's currency, before refunds; when None,
        what the same days sold a year ago, or where that is not known the last days, stands in.
    horizon_days
        Days ahead, 7 to 120.
    calendar
        Festivals of the forecast: ``"cn"``, ``"western"`` or ``"all"``; by the currency when None.
    as_of
        Last day known; the last day of the data when None.
    lang
        Language of the words.

    Returns
    -------
    Target
        `.table`: ``channel`` (total first), ``lever`` (visitors a day, conversion, value per
        buyer), ``now`` (those of the last 56 days with traffic), ``needed`` if that lever alone
        closed the gap, ``lift`` (0-1) and ``part`` (the channel's share of the gap), missing where
        there is none. Empty without traffic.

    Notes
    -----
    Visitors x conversion x value per buyer is an identity; a gap of g asks (1 + g) of one lever, or
    (1 + g)^(1/3) of each. Draws of `store.forecast` give the probability.

    Examples
    --------
    >>> import ecomops as eo
    >>> result = target(eo.open("demo"), target=400_000)
    >>> 0 <= result.params["chance"] <= 1
    True
    """
    as_of = checks.day("as_of", as_of)
    if target is not None:
        checks.between("target", target, 1, 1e15)
    plan = forecast(shop, horizon_days=horizon_days, calendar=calendar, as_of=as_of, lang=lang)
    if plan.locked:
        return Target.lock(plan.missing, lang=lang)
    like = "given"
    if target is None:
        target, like = before(shop, plan.basis.end or date.max, horizon_days)
    totals = plan.draws.sum(axis=1)
    heights, edges = np.histogram(totals, bins=24, range=np.quantile(totals, [0.005, 0.995]))
    total = plan.params["total"]
    gap = target - total
    sources = _sources(shop, plan.basis.end)
    params = {
        "target": float(target),
        "like": like,
        "days": horizon_days,
        "chance": float(np.mean(totals >= target)),
        "gap": float(gap),
        "growth": float(gap / total),
        "heights": [int(h) for h in heights],
        "edges": [float(e) for e in edges],
        "paid": next(iter(bought(shop, [str(c) for c in sources["channel"]])), None),
        **{k: plan.params[k] for k in ("total", "total_low", "total_high")},
        **_capacity(plan),
        "stock": _stock(shop, target, plan.basis.end),
    }
    return Target(
        rows=_rows(sources, *((gap, gap / total) if gap > 0 else (np.nan, np.nan))),
        plan=plan,
        basis=plan.basis,
        params=params,
        lang=checks.language(lang),
    )


def before(shop: Shop, last: date, days: int) -> tuple[float, str]:
    """Return what the days after `last` sold 52 weeks ago ("year"), or the last ones ("recent")."""
    sold = daily(shop.orders, as_of=last).set_index("day")["amount"]
    year = sold.reindex(pd.date_range(last - timedelta(days=363), periods=days))
    if year.notna().all() and year.sum() > 0:
        return float(year.sum()), "year"
    return float(max(sold.tail(days).sum(), 1.0)), "recent"


def _sources(shop: Shop, last: date | None) -> pd.DataFrame:
    if "traffic_daily" not in shop or last is None:
        return pd.DataFrame(columns=["channel", "visitors", "buyers", "amount", "days"])
    return traffic(shop.traffic_daily, last)


def _capacity(plan: Forecast) -> dict[str, float]:
    """Return the highest day expected and the highest day of the last 90, in money."""
    rows = plan.rows
    return {
        "peak_orders": float(rows["expected"].max()),
        "most_orders": float(rows["actual"].max()),
    }


def _stock(shop: Shop, target: float, last: date | None) -> dict[str, Any] | None:
    """Return the share of the target that stock carries, and which products run short."""
    if last is None:
        return None
    rows = carried(shop, target, last, last - timedelta(days=BASE_DAYS - 1))
    if rows is None:
        return None
    short = rows[rows["carried"] < rows["due"] - 0.005]
    names = [str(name) for name in short["name"].fillna(short["product_id"]).head(3)]
    total = float(rows["carried"].sum())
    return {"carried": total / target, "amount": total, "short": len(short), "items": names}


def _rows(sources: pd.DataFrame, gap: float, growth: float) -> pd.DataFrame:
    rows = []
    whole = sources[["visitors", "buyers", "amount"]].sum(min_count=1)
    days = sources["days"].max()
    parts = sources[sources["channel"] != "total"]
    named = [("total", whole), *((str(r["channel"]), r) for _, r in parts.iterrows())]
    for channel, sums in named if len(sources) else []:
        now = {
            "visitors": sums["visitors"] / days,
            "conversion": sums["buyers"] / sums["visitors"] if sums["visitors"] else np.nan,
            "value": sums["amount"] / sums["buyers"] if sums["buyers"] else np.nan,
        }
        part = gap * sums["amount"] / whole["amount"] if whole["amount"] else np.nan
        for lever in LEVERS:
            needed = now[lever] * (1 + growth)
            rows.append((channel, lever, now[lever], needed, growth, part))
    return pd.DataFrame(rows, columns=list(Target.columns))
