"""How the shop is doing: traffic, sales, conversion, repurchase and reputation by period."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from ecomops.base import checks
from ecomops.data.policy import coverage
from ecomops.maths.proportions import wilson
from ecomops.metrics import metric, periods
from ecomops.metrics.compute import tables_of, values
from ecomops.metrics.observe import Observed, observe
from ecomops.result import Action, Basis, Finding, Result, lacking, style
from ecomops.store import intervals, sparks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from ecomops.data.shop import Shop
    from ecomops.result.words import Words

BLOCKS: Mapping[str, tuple[str, ...]] = {
    "traffic": ("visitors", "pageviews"),
    "sales": ("net_sales", "pay_amount", "pay_orders", "pay_buyers", "aov_buyer", "aov_order"),
    "conversion": ("cvr_pay", "cart_rate"),
    "repurchase": ("repurchase_rate", "repeat_buyer_share"),
    "reputation": ("refund_rate_amt", "refund_rate_cnt", "dsr", "positive_rate"),
}
METRICS = tuple(code for block in BLOCKS.values() for code in block)
COMPARES = ("previous", "year")
# The six of the page; the ones behind stand in where data is missing.
CARDS = (
    "net_sales",
    "pay_amount",
    "visitors",
    "cvr_pay",
    "aov_buyer",
    "refund_rate_amt",
    "repurchase_rate",
    "pay_buyers",
    "pay_orders",
    "aov_order",
    "repeat_buyer_share",
)
MAIN = ("net_sales", "pay_amount")  # what was paid where no refund is on record
SIX = 6
COURSE = 14
MOST_PERIODS = 60
# of orders where orders are compared, else of buyers: one buyer's orders come and go together
SPREAD = {
    "pay_buyers": "sales.buyers",
    "pay_orders": "sales.buyer_order_squares",
    "pay_amount": "sales.buyer_squares",
    "net_sales": "sales.buyer_net_squares",
}
# squares of both sides, their products, and how many stand for themselves
RATIOS = {
    "aov_order": (
        "sales.buyer_squares",
        "sales.buyer_order_squares",
        "sales.buyer_cross",
        "sales.buyers",
    ),
    "refund_rate_amt": ("sales.refund_squares", "sales.squares", "sales.cross", "sales.orders"),
}
MOMENTS = (*SPREAD.values(), *(name for names in RATIOS.values() for name in names))


def cards(available: Sequence[str]) -> list[str]:
    """Return the six metrics to show first among those available.

    >>> cards(["pay_orders", "net_sales", "visitors"])
    ['net_sales', 'visitors', 'pay_orders']
    """
    spare = "pay_amount" if "net_sales" in available else "net_sales"
    return [code for code in CARDS if code in available and code != spare][:SIX]


def before(first: date, period: str, compare: str) -> date:
    """Return the start of the period that the one starting on `first` is compared with.

    >>> before(date(2025, 11, 1), "month", "year")
    datetime.date(2024, 11, 1)
    """
    if compare == "year":
        return periods.year_before(first, period)
    return periods.shift(first, period, -1)


def compared(tidy: pd.DataFrame, seen: Observed, compare: str) -> pd.DataFrame:
    """Return one metric's rows with ``previous, change``; partial periods are never compared.

    The change of a rate or score is a difference, that of anything else relative.
    """
    starts = list(seen.values.index)
    earlier = [before(at, seen.period, compare) for at in starts]
    full = tidy["value"].where(~tidy["partial"]).set_axis(starts)
    known = full.reindex(earlier).to_numpy()
    previous = pd.Series(known, index=tidy.index).where(~tidy["partial"])
    gap = tidy["value"] - previous
    relative = metric(str(tidy["metric"].iloc[0])).unit in ("money", "count")
    return tidy.assign(
        previous=previous, change=gap / previous.where(previous != 0) if relative else gap
    )


def interval(code: str, tidy: pd.DataFrame, seen: Observed) -> tuple[Any, Any]:
    """Return the 90 % interval of a metric's values; missing where nothing was sampled.

    Wilson for shares of people and orders, second moments for amounts, means and the refund rate.
    """
    top, bottom = (tidy[c].to_numpy(dtype=float) for c in ("numerator", "denominator"))
    sums = {name: seen.values[name].to_numpy() for name in MOMENTS if name in seen.values}
    if code in SPREAD:
        return intervals.of_total(top, sums[SPREAD[code]])
    if code == "aov_buyer":
        return intervals.of_mean(top, sums["sales.buyer_squares"], bottom)
    if code in RATIOS:
        return intervals.of_ratio(top, bottom, *(sums[name] for name in RATIOS[code]))
    if metric(code).unit == "percent":
        return _share(top, bottom)
    return top * np.nan, top * np.nan


def _share(top: Any, bottom: Any) -> tuple[Any, Any]:
    usable = (top >= 0) & (top <= bottom)  # a shop can have more buyers than tracked visitors
    return wilson(np.where(usable, top, 0), np.where(usable, bottom, 0))


def signals(rows: pd.DataFrame, answer: str | None, versus: str | None) -> pd.DataFrame:
    """Return the rows of the period `answer` by metric, with ``signal``.

    The signal is the change over the half width of its own 90 % interval: beyond 1 in size it is
    more than chance of single orders makes. Missing where nothing was sampled.
    """
    now, then = (rows[rows["period"] == period].set_index("metric") for period in (answer, versus))
    widths = [
        ((each["high"] - each["low"]) / 2).reindex(now.index).to_numpy() for each in (now, then)
    ]
    noise = pd.Series(np.hypot(widths[0], widths[1]), index=now.index, dtype="float64")
    return now.assign(signal=(now["value"] - now["previous"]) / noise.where(noise > 0))


def verdicts(now: pd.DataFrame) -> dict[str, str]:
    """Return, by metric, whether its change is good, to watch, or neither (within chance)."""
    return {str(code): _verdict(str(code), row) for code, row in now.iterrows()}


def _verdict(code: str, row: pd.Series[Any]) -> str:
    wanted = {"up": row["change"] > 0, "down": row["change"] < 0}.get(metric(code).good)
    sampled = code in (*SPREAD, *RATIOS, "aov_buyer") or metric(code).unit == "percent"
    chance = np.isnan(row["signal"]) if sampled else False  # how much is chance is not known
    if wanted is None or not row["change"] or np.isnan(row["change"]):
        return "note"
    if chance or abs(row["signal"]) <= 1:
        return "note"
    return "good" if wanted else "watch"


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Scorecard(Result):
    """KPIs by period, newest period first.

    For a page of cards, `params` holds ``cards`` (the six codes), ``answer`` and ``versus`` (the
    last full period and what it is compared with), ``partial`` (a later unfinished period, its
    last day in ``until``), ``gaps`` (on how many days with sales either of the two has no traffic)
    and ``verdicts`` (code -> good, watch, note). Units of values and changes are ``units`` and
    ``changes`` of the words, by code; `.table` holds the course.
    """

    code: ClassVar[str] = "store.scorecard"
    columns: ClassVar[Mapping[str, str]] = {
        "period": "text",
        "metric": "label",
        "numerator": "number",
        "denominator": "number",
        "value": "units[metric]",
        "previous": "units[metric]",
        "change": "changes[metric]",
        "low": "units[metric]",
        "high": "units[metric]",
        "partial": "flag",
    }

    def now(self) -> pd.DataFrame:
        """Return the rows of the last full period by metric, with ``signal``; see `signals`."""
        return signals(self.rows, self.params["answer"], self.params["versus"])

    def findings(self) -> tuple[Finding, ...]:
        """Say what the last full period sold, what moved beyond chance, what is not compared."""
        now, n = self.now(), self.basis.n
        if now.empty:
            partial = {"period": self.params["partial"], "until": self.params["until"]}
            return (Finding("no_full_period", "note", partial, n),)
        main = self.params["main"]
        row = now.loc[main]
        facts = {"period": self.params["answer"], "versus": self.params["versus"]}
        facts |= {"metric": main, "amount": row["value"], "low": row["low"], "high": row["high"]}
        if not np.isfinite(row["change"]):
            said = [Finding("headline_alone", "note", facts, n)]
        else:
            facts["change"] = row["change"]
            said = [Finding("headline", self.params["verdicts"][main], facts, n), *self._moves(now)]
        if self.params["partial"]:
            partial = {"period": self.params["partial"], "until": self.params["until"]}
            said.append(Finding("partial", "note", partial, n))
        gaps = self.params["gaps"].items()
        return (*said, *(Finding("gap", "watch", {"period": p, "days": d}, n) for p, d in gaps))

    def _moves(self, now: pd.DataFrame) -> list[Finding]:
        """Return the largest good and bad move beyond chance, and how many stayed within it."""
        judged = now[now["signal"].notna()].drop(index=self.params["main"], errors="ignore")
        levels = {str(code): self.params["verdicts"][code] for code in judged.index}
        found = []
        for level in ("good", "watch"):
            codes = [code for code, each in levels.items() if each == level]
            if codes:
                row = judged.loc[codes].sort_values("signal", key=abs).iloc[-1]
                found.append(self._move(str(row.name), level, row))
        calm = int((judged["signal"].abs() <= 1).sum())
        counts = {"calm": calm, "judged": len(judged)}
        return [*found, Finding("calm", "note", counts, self.basis.n)] if len(judged) else found

    def _move(self, code: str, level: str, row: pd.Series[Any]) -> Finding:
        values = {"metric": code} | {k: row[k] for k in ("value", "previous", "change")}
        kind = "rate" if metric(code).unit == "percent" else metric(code).unit
        return Finding(f"{level}_{kind}", level, values, self.basis.n)

    def propose(self) -> tuple[Action, ...]:
        """Propose to take a bad move apart before acting on it."""
        bad = next(
            (f for f in self.findings() if f.level == "watch" and "metric" in f.values), None
        )
        if bad is None:
            return ()
        until = (self.basis.end or date.max) + timedelta(days=28)
        change = {"metric": bad.values["metric"], "until": until}
        return (Action("split", (bad.code,), change, "D", until),)

    def headline(self) -> pd.DataFrame:
        """Return the course of the six cards over the latest periods, unfinished ones too."""
        recent = sorted(self.rows["period"].unique())[-COURSE:]
        kept = self.rows["metric"].isin(self.params.get("cards", ()))
        shown = ["period", "metric", "value", "change", "partial"]
        return self.rows.loc[kept & self.rows["period"].isin(recent), shown]

    def layout(self, *, wide: bool) -> style.Layout:
        """Return height and margins in pixels."""
        return sparks.layout(len(self.params["cards"]), wide=wide)

    def draw(self, ax: Axes, *, wide: bool, words: Words) -> None:
        """Draw the six numbers with their course; the unfinished period is hollow."""
        sparks.draw(ax, self.rows, self.params, wide=wide, words=words)


def scorecard(
    shop: Shop,
    *,
    period: str = "month",
    compare: str = "previous",
    as_of: date | str | None = None,
    lang: str | None = None,
) -> Scorecard:
    """Say how the shop did in its last full period, compared with the one before or a year ago.

    Parameters
    ----------
    shop
        The shop: orders; with ``traffic_daily``, ``shop_scores`` and ``reviews`` also traffic,
        conversion and reputation.
    period
        ``"day"``, ``"week"``, ``"month"``, ``"quarter"`` or ``"year"``.
    compare
        ``"previous"`` period or the same one a ``"year"`` before.
    as_of
        Drop what is later and take the data as complete up to this day; None: the last day of each
        table.
    lang
        Language of the words.

    Returns
    -------
    Scorecard
        `.table`: one row per period (newest first, 60 and the one compared with at most) and
        metric: ``period, metric, numerator, denominator, value, previous, change`` (relative; for
        rates and scores the difference), ``low, high`` (90 % interval of the value), ``partial``.
        Money in the shop's
        currency, net of refunds where the metric says so; rates 0-1. Partial periods have no
        ``previous``.

    Raises
    ------
    DataError
        When the orders cannot be used (none, mixed currencies, impossible dates).

    Notes
    -----
    Intervals: Wilson 1927 for shares; compound Poisson over buyers for sums, delta method (Cochran
    1977) for the refund rate. They cover chance of orders and buyers, not of the season.

    Examples
    --------
    >>> import ecomops as eo
    >>> card = scorecard(eo.open("demo"))
    >>> card.params["answer"], card.params["versus"]
    ('2025-11', '2025-10')
    """
    checks.choice("period", period, periods.PERIODS)
    checks.choice("compare", compare, COMPARES)
    last = checks.day("as_of", as_of)
    if absent := lacking(shop, "orders"):
        return Scorecard.lock(absent, lang=lang, period=period)
    wanted = [code for code in METRICS if set(tables_of(metric(code))) <= set(shop.tables)]
    asked = (name for code in wanted for name in metric(code).measures)
    names = list(dict.fromkeys((*asked, *MOMENTS)))
    seen = observe(shop.tables, names, period=period, as_of=last)
    known = coverage(shop.orders, as_of=last) if last else shop.coverage  # read off those sums
    empty = seen.empty
    known_codes = [code for code in wanted if not set(metric(code).measures) & empty]
    rows = _rows(seen, known_codes, compare)
    params = _params(rows, seen, period, compare)
    newest = sorted(rows["period"].unique())[-MOST_PERIODS:]
    return Scorecard(
        rows=rows[rows["period"].isin([*newest, params["versus"]])].reset_index(drop=True),
        basis=Basis(
            n=known.sales,
            unit="orders",
            start=known.first_day,
            end=last or known.last_day,
            currency=known.currency,
            excluded=known.excluded_sales,
        ),
        params=params,
        lang=checks.language(lang),
    )


def _rows(seen: Observed, codes: Sequence[str], compare: str) -> pd.DataFrame:
    """Return all metrics, newest period first."""
    made = []
    for code in codes:
        tidy = compared(values(seen, metric(code)), seen, compare)
        low, high = interval(code, tidy, seen)
        made.append(tidy.assign(low=low, high=high))
    rows = pd.concat(made).sort_values("period", ascending=False, kind="stable")
    return rows[list(Scorecard.columns)].reset_index(drop=True)


def _params(rows: pd.DataFrame, seen: Observed, period: str, compare: str) -> dict[str, Any]:
    """Return what the words and a page need besides the table."""
    main = next(code for code in MAIN if (rows["metric"] == code).any())
    sales = rows[rows["metric"] == main]
    full = sales.loc[~sales["partial"], "period"]
    answer = full.iloc[0] if len(full) else None
    later = sales.loc[sales["partial"] & ((sales["period"] > answer) if answer else True), "period"]
    earlier = before(periods.parse(answer)[0], period, compare) if answer else None
    versus = periods.label(earlier, period) if earlier else None
    codes = list(dict.fromkeys(rows["metric"]))
    return {
        "period": period,
        "compare": compare,
        "main": main,
        "answer": answer,
        "versus": versus,
        "partial": later.iloc[0] if len(later) else None,
        "until": seen.days["sales"][1],
        "gaps": seen.missing([periods.parse(p)[0] for p in (versus, answer) if p]),
        "cards": cards(codes),
        "verdicts": verdicts(signals(rows, answer, versus)),
    }
