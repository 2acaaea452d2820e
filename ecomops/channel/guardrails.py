"""Which campaigns cost more per order than an order earns, and which cannot be judged yet."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from ecomops.base import checks
from ecomops.channel import guardrails_chart as chart
from ecomops.channel import spending
from ecomops.data.tables import frame
from ecomops.maths.arrays import ratio
from ecomops.maths.counts import dispersion, pooled_rates
from ecomops.maths.shrinkage import partial_pooling
from ecomops.result import Action, Basis, Finding, Need, Result, Value, lacking, style

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from ecomops.data.shop import Shop
    from ecomops.result.words import Words

SURE, SAFE = 0.95, 0.80
EVIDENCE = 5.0  # orders that the spending would have brought at the limit, before any stop
HORIZON = 28
MOST_ACTIONS = 3
PATIENT = 60  # days; a campaign that needs longer is too small to judge


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Guardrails(Result):
    """One row per campaign: cost per order and ROAS with intervals, the limit, the verdict.

    `params` holds the margin, the delay's source and the share of orders still to come.
    """

    code: ClassVar[str] = "channel.guardrails"
    evidence: ClassVar[str] = "C"
    columns: ClassVar[Mapping[str, str]] = {
        "campaign": "text",
        "channel": "label",
        "verdict": "label",
        "spend": "money",
        "orders": "count",
        "completed": "number",
        "cost": "money",
        "cost_low": "money",
        "cost_high": "money",
        "limit": "money",
        "roas": "number",
        "roas_low": "number",
        "roas_high": "number",
        "chance": "chance",
        "evidence": "number",
        "stake": "money",
        "stake_low": "money",
        "stake_high": "money",
    }

    def findings(self) -> tuple[Finding, ...]:
        """Say what is over its limit, what only looks so, what is still to come and what is not."""
        rows, p, n = self.rows, self.params, self.basis.n
        over = rows[rows["verdict"] == "stop"]
        said = []
        if len(over):
            names = ("campaign", "cost", "cost_low", "cost_high", "limit", "chance")
            worst = over.sort_values(["spend", "campaign"]).iloc[-1]
            values = {name: worst[name] for name in names} | {"count": len(over), "all": n}
            said.append(Finding("stop", "act", values, n))
        elif p["judged"]:
            kept = int((rows["verdict"] == "keep").sum())
            code = "all_fine" if kept == n else "fine"
            said.append(Finding(code, "good", {"all": n, "kept": kept}, n))
        else:
            said.append(Finding("no_limit", "watch", {"all": n}, n))
        seeming = rows[
            (rows["verdict"] == "watch") & (rows["spend"] > rows["orders"] * rows["limit"])
        ]
        if len(seeming):
            values = {"count": len(seeming), "campaigns": list(seeming["campaign"].head(3))}
            said.append(Finding("seeming", "watch", values, n))
        if p["source"] == "unknown":
            said.append(Finding("immature", "watch", {"days": p["window"]}, n))
        elif p["coming"] > 0:
            values = {"coming": p["coming"], "days": p["days"]}
            said.append(Finding("coming", "note", values, n))
        said.append(Finding("claimed", "note", {}, n))
        return tuple(said)

    def propose(self) -> tuple[Action, ...]:
        """Propose to stop what is over its limit; for the most doubtful other one, to wait."""
        until = (self.basis.end or date.max - timedelta(days=7)) + timedelta(days=7)
        over = self.rows[self.rows["verdict"] == "stop"].sort_values("stake", ascending=False)
        found = [self._stop(row, until) for row in over.head(MOST_ACTIONS).to_dict("records")]
        unclear = self.rows[self.rows["verdict"] == "watch"]
        if len(unclear) and "seeming" in {f.code for f in self.findings()}:
            row = unclear.sort_values(["chance", "spend"]).iloc[-1]
            days = math.ceil(EVIDENCE * row["limit"] / (row["spend"] / self.params["days"]))
            change = {k: row[k] for k in ("campaign", "chance")} | {"days": min(days, PATIENT)}
            subject = self._subject(row["campaign"])
            found.append(Action("wait", ("seeming",), change, "D", until, None, subject))
        return tuple(found)

    def _stop(self, row: Mapping[Any, Any], until: date) -> Action:
        value = None
        if not math.isnan(row["stake"]):
            low, high = row["stake_low"], row["stake_high"]
            value = Value(low=low, mid=row["stake"], high=high, horizon_days=HORIZON)
        names = ("campaign", "channel", "cost", "limit", "chance", "spend")
        change = {name: row[name] for name in names} | {"days": self.params["days"]}
        return Action("stop", ("stop",), change, "C", until, value, self._subject(row["campaign"]))

    def _subject(self, campaign: str) -> str:
        return f"{self.params['by']}:{campaign}"

    def layout(self, *, wide: bool) -> style.Layout:
        """Return height and margins in pixels."""
        return chart.layout(len(self.rows), wide=wide)

    def draw(self, ax: Axes, *, wide: bool, words: Words) -> None:
        """Draw cost per order with its interval and the limit, a row per campaign."""
        chart.draw(ax, self.rows, wide=wide, words=words)


def guardrails(
    shop: Shop,
    *,
    max_cost: float | None = None,
    min_roas: float | None = None,
    days: int = 28,
    by: str = "campaign",
    delay: Sequence[float] | None = None,
    as_of: date | str | None = None,
    lang: str | None = None,
) -> Guardrails:
    """Judge each campaign's cost per order against a limit, for what is reported and still to come.

    Parameters
    ----------
    shop
        Needs `ad_reports`; `order_lines` with costs give the limit (an order's net margin) and
        the money at stake; `touchpoints` tell how long after a click people order.
    max_cost
        Most that an order may cost, in the shop's currency.
    min_roas
        Least sales per unit of spending; 1 / net margin where neither limit is given.
    days
        Days up to `as_of` that are judged, 7 to 90.
    by
        ``"campaign"`` or ``"channel"``.
    delay
        Shares of a click's orders reported by the end of its day, the day after, …; all of them
        from then on. ``[1.0]`` where the platform reports orders on the day of the order.
    as_of
        Last day known; the last day of the reports when None.
    lang
        Language of the words.

    Returns
    -------
    Guardrails
        `.table`: one row per campaign, the largest spending first: ``spend, orders`` (reported;
        missing where none can be judged), ``completed`` (with those still to come), ``cost,
        cost_low, cost_high`` per order (90 %), ``limit, roas`` with interval, ``chance`` of being
        over the limit, ``evidence`` (orders due at the limit), ``verdict`` ("stop", "keep",
        "watch"), ``stake`` (margin lost in 28 days).

    Raises
    ------
    OptionError
        When an option is out of range.

    Notes
    -----
    Orders are Poisson around spending times the share reported by now (Chapelle 2014 on delayed
    conversions), with the spread seen between days; campaigns are pooled. A stop needs 95 % and
    five orders due at the limit. Claimed orders are taken as the platform's: an upper bound.

    Examples
    --------
    >>> import ecomops as eo
    >>> sorted(set(guardrails(eo.open("demo")).table["verdict"]))
    ['keep', 'watch']
    """
    as_of = checks.day("as_of", as_of)
    checks.between("days", days, 7, 90)
    checks.choice("by", by, ("campaign", "channel"))
    for name, limit in (("max_cost", max_cost), ("min_roas", min_roas)):
        checks.between(name, 1.0 if limit is None else limit, 1e-6, 1e12)
    if absent := lacking(shop, "ad_reports"):
        return Guardrails.lock(absent, lang=lang)
    ads = shop.ad_reports
    last = _last(ads, as_of)
    if last is None:
        need = Need("column", {"table": "ad_reports", "column": "conversions"})
        return Guardrails.lock((need,), lang=lang)
    one, window = spending.one_report(ads)
    known = spending.delay_of(ads, shop.get("touchpoints"), last, window, delay)
    rows = spending.sums(one, known, last, max(days, window + 7))
    rows = spending.by_channel(rows) if by == "channel" else rows
    if rows.empty:
        values = {"needed": 1, "found": 0, "unit": "days"}
        return Guardrails.lock((Need("rows", values),), lang=lang)
    span = max(days, window + 7)
    margin = shop.margins(as_of).paid
    least = min_roas or (1 / margin if margin and margin > 0 and not max_cost else None)
    judged = _judged(rows, max_cost, least, margin, span)
    coming = 1 - rows["orders"].sum() / max(judged["completed"].sum(), 1e-9)
    params = {
        "by": by,
        "days": span,
        "window": window,
        "source": known.source,
        "coming": float(max(coming, 0.0)),
        "margin": margin,
        "judged": bool(max_cost or least),
    }
    start = last - timedelta(days=span - 1)
    basis = Basis(n=len(judged), unit="campaigns", start=start, end=last, currency=shop.currency)
    return Guardrails(rows=judged, basis=basis, params=params, lang=checks.language(lang))


def _last(ads: Any, as_of: date | None) -> date | None:
    """Return the last day with a report that has orders, not after `as_of`."""
    kept = ads.drop_null(["conversions", "spend"])
    kept = kept.filter(kept.date <= as_of) if as_of else kept
    last = frame(kept.aggregate(last=kept.date.max()))["last"].iloc[0]
    return None if pd.isna(last) else pd.Timestamp(last).date()


def _spread(rows: pd.DataFrame) -> float:
    """Return how much more than Poisson orders vary between days of one campaign."""
    known = rows[(rows["matched"] > 0) & (rows["mature"] > 0)]
    deviance = known["squares"] * known["mature"] / known["matched"] - known["matched"]
    return dispersion(float(deviance.sum()), int((known["days"] - 1).sum()))


def _values(rows: pd.DataFrame) -> tuple[Any, Any]:
    """Return mean and error of the logarithm of each campaign's value per order, pooled."""
    seen = (rows["valued"] > 0) & (rows["amount"] > 0)
    if not seen.any():
        return np.full(len(rows), np.nan), np.zeros(len(rows))
    some = rows[seen]
    each = some["amount"] / some["valued"]
    within = (some["value_squares"] / each**2 - some["valued"]).clip(lower=0).sum()
    cv2 = max(float(within / max((some["days"] - 1).sum(), 1)), 0.05)
    errors = np.sqrt(cv2 / some["valued"].to_numpy(dtype=float))
    raw = np.log(each.to_numpy(dtype=float))
    pooled, sd, mean, between = partial_pooling(raw, errors)
    means, sds = np.full(len(rows), mean), np.full(len(rows), max(between, 0.3))
    means[seen], sds[seen] = (pooled, sd) if len(some) > 1 else (raw, errors)
    return means, sds


def _judged(
    rows: pd.DataFrame, max_cost: float | None, least: float | None, margin: float | None, days: int
) -> pd.DataFrame:
    """Return the rows of the result: posteriors, limits, verdicts, money at stake."""
    spend = rows["spend"].to_numpy(dtype=float)
    rates = pooled_rates(rows["orders"], rows["mature"], _spread(rows))
    log_value, log_error = _values(rows)
    valued = bool(np.isfinite(log_value).all())
    sales = rates.times(log_value, log_error) if valued else None
    none = np.full(len(rows), np.nan)
    roas = [sales.quantile(q) for q in (0.05, 0.5, 0.95)] if sales else [none] * 3
    if max_cost:
        limit, chance = np.full(len(rows), max_cost), rates.below(1 / max_cost)
    elif least and sales:
        limit, chance = np.exp(log_value) / least, sales.below(least)
    else:
        limit, chance = none, none
    told = rows["mature"] > 0
    evidence = rows["mature"].to_numpy(dtype=float) / limit
    lost = [HORIZON / days * spend * (1 - (margin or np.nan) * r) for r in roas]
    cost = [1 / rates.quantile(q) for q in (0.05, 0.5, 0.95)]
    coming = (spend - rows["mature"]) * ratio(1, cost[1])
    out = pd.DataFrame({
        "campaign": rows["campaign"].astype(str),
        "channel": rows["channel"],
        "verdict": _verdict(chance, evidence),
        "spend": spend,
        "orders": rows["orders"].where(told),
        "completed": np.where(told, rows["orders"] + coming, np.nan),
        "cost": cost[1],
        "cost_low": cost[2],
        "cost_high": cost[0],
        "limit": limit,
        "roas": roas[1],
        "roas_low": roas[0],
        "roas_high": roas[2],
        "chance": chance,
        "evidence": evidence,
        "stake": lost[1],
        "stake_low": lost[2],
        "stake_high": lost[0],
    })  # fmt: skip
    return out[list(Guardrails.columns)]


def _verdict(chance: Any, evidence: Any) -> list[str]:
    """Return "stop", "keep" or "watch" for each chance of being over the limit."""
    over = (chance >= SURE) & (evidence >= EVIDENCE)
    under = (chance <= 1 - SAFE) & (evidence > 0)
    return [str(v) for v in np.where(over, "stop", np.where(under, "keep", "watch"))]
