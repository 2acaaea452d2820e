"""From the first order to the second: whom to remind, when, and whether reminding does anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import ibis
import numpy as np
import pandas as pd
from scipy.stats import gamma

from ecomops.base import checks
from ecomops.customer import holdout, openers, sends, silence
from ecomops.customer.basis import basis
from ecomops.customer.repeat import by_age, gaps, repeat, waits
from ecomops.maths.arrays import Z90
from ecomops.metrics.customers import customers
from ecomops.result import Action, Finding, Need, Result, Value, lacking, style

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from ecomops.customer.repeat import Repeat
    from ecomops.data.shop import Shop
    from ecomops.metrics.customers import Customers
    from ecomops.result.words import Words

WEEK = 7
ENOUGH, SHARE = 30, 0.1  # people waited for, and of all, below which a week is not shown
LATELY = 28  # days over which the length of the daily list is averaged
LIFT = 0.1  # of the natural return: the smallest effect of a reminder worth a test
SURE = 0.05  # expected share of false names among the products and channels named
YEAR = 365
SURER = 1.959963984540054  # standard errors that leave 2.5 % on one side


def weekly(counted: pd.DataFrame) -> pd.DataFrame:
    """Return the chance of a second order by week since the first, of those still without one.

    Columns ``week`` (from 1), ``waiting`` (at its start), ``returned``, ``hazard, low, high`` (per
    week waited; 90 % interval of a Poisson rate, Garwood 1936).
    """
    week = counted["day"] // WEEK
    leaving = counted["events"] + counted["censored"]
    at_risk = leaving[::-1].cumsum()[::-1]
    days = at_risk - leaving / 2  # who leaves on a day was waited for through half of it
    sums = pd.DataFrame({"returned": counted["events"], "days": days}).groupby(week).sum()
    rows = sums.assign(waiting=at_risk.groupby(week).first())
    exposure = rows["days"] / WEEK
    rows["hazard"] = rows["returned"] / exposure
    rows["low"] = gamma.ppf(0.05, rows["returned"]) / exposure
    rows["low"] = rows["low"].where(rows["returned"] > 0, 0.0)
    rows["high"] = gamma.ppf(0.95, rows["returned"] + 1) / exposure
    least = max(min(ENOUGH, rows["waiting"].iloc[0]), SHARE * rows["waiting"].iloc[0])
    rows = rows[rows["waiting"] >= least]
    made = rows.assign(week=rows.index + 1).astype({"waiting": int, "returned": int, "week": int})
    shown: pd.DataFrame = made[list(Activation.columns)].reset_index(drop=True)
    return shown


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Activation(Result):
    """The chance of a second order by week since the first, of those still without one.

    `products` and `channels` compare what first orders held with how often a second followed.
    `params` holds ``start, stop`` (days of the reminder), the list and what random sends did.
    """

    code: ClassVar[str] = "customer.activation"
    columns: ClassVar[Mapping[str, str]] = {
        "week": "count",
        "waiting": "count",
        "returned": "count",
        "hazard": "percent",
        "low": "percent",
        "high": "percent",
    }

    products: pd.DataFrame = field(default_factory=pd.DataFrame)
    channels: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def evidence(self) -> str:  # type: ignore[override]
        """Randomised where there are random sends, else descriptive."""
        return "A" if self.params.get("tested") else "descriptive"

    def findings(self) -> tuple[Finding, ...]:
        """Say whom to remind and when, who returns anyway, what reminders add, what opens well."""
        p, n = self.params, self.basis.n
        if np.isnan(p["start"]):
            return (Finding("nobody", "watch", {}, n),)
        when = {k: p[k] for k in ("start", "stop", "now", "a_day")}
        said = [Finding("when" if p["now"] else "when_empty", "note", when, n)]
        if p["now"] and p["natural"] >= 0:  # else there is nobody, or nobody watched so long
            anyway = {k: p[k] for k in ("natural", "horizon_days", "now")}
            said.append(Finding("anyway", "watch", anyway, n))
        if p["tested"]:
            seen = {k: p[k] for k in ("contacted", "held", "uplift", "low", "high", "sent")}
            said.append(Finding("reminded", "good" if p["low"] > 0 else "watch", seen, n))
        else:
            said.append(Finding("untested", "note", {}, n))
        for code, found in (("product", self.products), ("channel", self.channels)):
            sure = found[(found["q"] <= SURE) & (found["low"] > 1)] if len(found) else found
            if len(sure):
                best = sure.iloc[0]
                values = {k: best[k] for k in ("opener", "customers", "ratio", "low")}
                values |= {"count": len(sure)}
                several = "s" if len(sure) > 1 else ""
                said.append(Finding(code + several, "note", values, int(best["customers"])))
        return tuple(said)

    def propose(self) -> tuple[Action, ...]:
        """Propose the reminder where random sends have shown that it pays, else its test."""
        p = self.params
        if np.isnan(p["start"]) or not p["now"]:
            return ()
        until = (self.basis.end or date.max) + timedelta(days=45)
        change = {k: p[k] for k in ("start", "stop", "now", "a_day", "natural", "horizon_days")}
        change |= {"people": p["per_group"], "days": p["test_days"]}
        subject = "segment:one order"
        if p["tested"] and p["margin"] is not None:
            low, mid, high = (p["now"] * v for v in p["worth"])
            sure = p["sure"] and p["low"] > 0  # more people return, and more margin at 2.5 %
            worth = Value(low=low, mid=mid, high=high, horizon_days=p["horizon_days"])
            change |= dict(zip(("each_low", "each", "each_high"), p["worth"], strict=True))
            change["cost"] = p["cost"]
            held = worth if sure else None
            return (Action("remind", ("reminded",), change, "A", until, held, subject),)
        code = "test" if p["test_days"] <= YEAR else "too_few"
        test = Action(code, ("when",), change, "D", until, subject=subject)
        return (test,) if p["per_group"] else ()  # without a natural return it has no size

    def layout(self, *, wide: bool) -> style.Layout:
        """Return height and margins in pixels."""
        if wide:
            return style.Layout(300, left=46, right=20, top=44, bottom=48)
        return style.Layout(280, left=42, right=12, top=58, bottom=48)

    def draw(self, ax: Axes, *, wide: bool, words: Words) -> None:
        """Draw the weekly chance with its band and the days of the reminder."""
        rows, p = self.rows, self.params
        day = (rows["week"] - 0.5) * WEEK
        top = float(max(rows["hazard"].max(), rows["high"].quantile(0.9), 0.001)) * 1.15
        ax.grid(axis="y")
        ax.set(xlim=(0, float(rows["week"].max() * WEEK)), ylim=(0, top))
        if np.isfinite(p["start"]):
            ax.axvspan(p["start"], p["stop"], color=style.HEX["s1"], lw=0)
            text = words.say("labels", "window", start=p["start"], stop=p["stop"])
            look: dict[str, Any] = {"color": style.DOWN, "weight": "bold"}
            style.tag(ax, p["start"], 1, text, 0, 14 if wide else 30, at="above", **look)
        ax.fill_between(day, rows["low"], np.minimum(rows["high"], top), color=style.BAND, lw=0)
        ax.plot(day, rows["hazard"], color=style.UP, marker="o", ms=3.5)
        ax.yaxis.set_major_formatter(lambda v, _: words.format_field(float(v), "percent"))
        ax.locator_params(axis="x", nbins=9 if wide else 5)
        ax.locator_params(axis="y", nbins=5)
        end = float(rows["week"].max() * WEEK)
        quiet: dict[str, Any] = {"size": style.SMALL, "color": style.MUTE, "ha": "right"}
        style.tag(ax, end, 0, words.label("x_axis"), 0, -36, at="below", **quiet)


def activation(
    shop: Shop,
    *,
    sends: object = None,
    horizon_days: int = 30,
    cost: float | None = None,
    as_of: date | str | None = None,
    lang: str | None = None,
) -> Activation:
    """Say whom to remind of a second order and when, and what reminders have added so far.

    Parameters
    ----------
    shop
        Needs `orders`; `order_lines` name first products and give the margin; `message_sends` is
        used when `sends` is None.
    sends
        One row per message and customer: ``customer_id, sent_at, is_holdout`` (drawn at random).
    horizon_days
        Days in which a return after a reminder counts, 7 to 90.
    cost
        Money per message; the mean of `sends` when None.
    as_of
        Last day that counts; the last day of the data when None.
    lang
        Language of the words.

    Returns
    -------
    Activation
        `.table`: one row per week since the first order: ``week, waiting`` (customers without a
        second at its start), ``returned``, ``hazard, low, high`` (chance per week, 90 %).
        `.products, .channels`: ``opener, customers, returned, expected, ratio, low`` (5 %), ``q``.

    Notes
    -----
    The window is that of `customer.repeat`: from the day by which a quarter of those who return
    have done so to the day by which half have. Most of the list returns by itself; only people
    left out at random tell what a reminder adds. Products are compared within months of first
    orders, shrunk (DuMouchel 1999) and held to 5 % false names; what is bought first goes with
    returning, it need not cause it.

    Examples
    --------
    >>> import ecomops as eo
    >>> p = activation(eo.open("demo")).params
    >>> bool(0 < p["start"] < p["stop"])
    True
    """
    checks.between("horizon_days", horizon_days, 7, 90)
    if absent := lacking(shop, "orders"):
        return Activation.lock(absent, lang=lang)
    facts = customers(shop.orders, as_of=as_of)
    if not facts.coverage.purchases:
        need = Need("rows", {"needed": 1, "unit": "customers", "found": 0})
        return Activation.lock((need,), lang=lang)
    log = shop.get("message_sends") if sends is None else sends
    first = gaps(facts, "first")
    rows = weekly(waits(first, by_age(first)))
    params = _window(facts, repeat(shop.orders, as_of=as_of), horizon_days)
    params |= {"tested": False, "margin": shop.margins(facts.as_of).net}
    if log is not None and np.isfinite(params["start"]):
        params |= _reminded(facts, log, params, cost)
    opened = openers.firsts(facts, horizon_days)
    lines = shop.get("order_lines")
    return Activation(
        rows=rows,
        basis=basis(facts, facts.heads[0]),
        params=params,
        lang=checks.language(lang),
        products=openers.by_product(facts, opened, lines) if lines is not None else pd.DataFrame(),
        channels=openers.by_channel(facts, opened),
    )


def _window(facts: Customers, curve: Repeat, horizon_days: int) -> dict[str, Any]:
    start, stop = float(curve.params["quarter_day"]), curve.median
    params: dict[str, Any] = {"start": start, "stop": stop, "horizon_days": horizon_days}
    if not np.isfinite([start, stop]).all():
        return params | {"start": np.nan}
    stop = max(stop, start + 1)
    stands = silence.standing(facts, None).query("kind == 'once'").set_index("silent")["customers"]
    first, last = int(start), int(stop)
    there = stands.reindex(range(first, last + 1), fill_value=0).to_numpy(dtype=float)
    fresh = stands.reindex(range(first, first + LATELY), fill_value=0).sum()
    params |= {"stop": stop, "now": int(there.sum()), "a_day": float(fresh / LATELY)}
    chance = silence.returns(silence.waits(facts), horizon_days)["once"]
    natural = _mean(chance[first : last + 1], there)
    known = 0 < natural < 1
    size = holdout.per_group(natural, LIFT * natural) if known else 0
    days = np.ceil(max(2 * size - params["now"], 0) / max(params["a_day"], 1e-9)) + horizon_days
    return params | {"natural": natural, "per_group": size, "test_days": float(days)}


def _mean(chance: Any, people: Any) -> float:
    """Return the mean chance of those who stand there; of all days alike where nobody does."""
    seen = np.isfinite(chance)
    if not seen.any():
        return float("nan")
    weights = people[: len(chance)][seen]
    return float(np.average(chance[seen], weights=weights if weights.sum() else None))


def _reminded(
    facts: Customers, log: object, params: Mapping[str, Any], cost: float | None
) -> dict[str, Any]:
    """Return what random sends did to customers with one order within the window's days."""
    seen = sends.outcomes(facts, log, int(params["horizon_days"]))
    inside = seen.silent.between(int(params["start"]), int(params["stop"]))
    cells = sends.cells(seen.filter(seen.orders == 1, inside), ibis.literal("once"))
    if not len(cells) or sends.fewest(cells) < sends.LEAST or not _random(cells):
        return {}
    back, money = sends.effect(cells, "back"), sends.effect(cells, "net")
    price = sends.price(log) if cost is None else cost
    share = params["margin"] or 0.0
    mid, half = money.value * share - price, Z90 * money.error * share
    return {
        "tested": True,
        "cost": price,
        "contacted": back.one,
        "held": back.none,
        "uplift": back.value,
        "low": back.value - Z90 * back.error,
        "high": back.value + Z90 * back.error,
        "sent": int(cells.loc[cells["treated"] == 1, "n"].sum()),
        "worth": (mid - half, mid, mid + half),
        "sure": mid > SURER / Z90 * half,
    }


def _random(cells: pd.DataFrame) -> bool:
    return sends.foretold(cells) < sends.TELLTALE
