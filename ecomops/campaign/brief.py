"""A campaign brief filled from what is known; what is not known says so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd
from matplotlib import dates

from ecomops.base import checks
from ecomops.base.errors import OptionError
from ecomops.campaign import sheet
from ecomops.campaign.calendar import calendar
from ecomops.campaign.candidates import collected
from ecomops.campaign.promotion import EXAMPLE, RuleWords, promotion
from ecomops.data.policy import coverage
from ecomops.result import Action, Basis, Finding, Need, Result, lacking, style
from ecomops.result.words import Words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from ecomops.data.shop import Shop
    from ecomops.maths.promotion import Rule

OTHERS = ("campaign.calendar", "customer.rfm")
LEAD = 14  # days before the presale that a brief still helps
HORIZON = 400


@dataclass(frozen=True)
class _Borrowed(RuleWords):
    """Words that borrow the names of festivals and segments from the analyses they come from."""

    def label(self, value: object) -> str:
        """Return the label of a code here, else where it is at home, else the code itself."""
        if "." in str(value):
            element, _, name = str(value).partition(".")
            return str(Words(f"{element}.{name}", self.lang).find("name") or value)
        for code in (self.code, *OTHERS):
            found = Words(code, self.lang).find("labels", str(value))
            if isinstance(found, str):
                return found
        return self.own(value)

    def own(self, value: object) -> str:
        """Return names from the data, each by itself, as the shop calls them in this language."""
        parts = value.split("; ") if isinstance(value, str) else [value]
        return "; ".join(map(super().own, parts))


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Brief(Result):
    """One row per line of the brief: section, item, value in its unit, interval, source.

    `params` holds the windows that the timeline shows.
    """

    code: ClassVar[str] = "campaign.brief"
    columns: ClassVar[Mapping[str, str]] = {
        "section": "label",
        "item": "label",
        "value": "units[unit]",
        "low": "units[unit]",
        "high": "units[unit]",
        "source": "label",
        "unit": "label",
    }

    def words(self, lang: str | None = None) -> Words:
        """Return the words of the brief, with the names of festivals and segments."""
        return _Borrowed(self.code, checks.language(lang or self.lang), self.basis.currency)

    def said(self, item: str) -> Any:
        """Return the value of an item, None where it is not known."""
        value = self.rows.loc[self.rows["item"] == item, "value"].iloc[0]
        return None if isinstance(value, str) and value == sheet.UNKNOWN else value

    def findings(self) -> tuple[Finding, ...]:
        """Say what and when, what may be expected, what is left to spend, what nobody knows."""
        p, n = self.params, self.basis.n
        when = {k: p[k] for k in ("festival", "main_from", "main_to", "first_due")}
        when["span"] = (p["main_to"] - p["main_from"]).days + 1
        said = [Finding("when", "note", when, n)]
        expected = self.rows[self.rows["item"] == "expected"].iloc[0]
        if self.said("expected") is not None:
            banded = pd.notna(expected["low"])
            values = {"expected": expected["value"], "ordinary": self.said("ordinary")}
            values |= {k: expected[k] for k in ("low", "high")} if banded else {}
            said.append(Finding("expected" if banded else "raised", "note", values, n))
        said += self._spending(n)
        unknown = list(self.rows.loc[self.rows["source"] == sheet.UNKNOWN, "item"])
        for code, level, own in (("unknown", "watch", True), ("untold", "note", False)):
            items = [item for item in unknown if (item in sheet.OPEN) is own]
            if items:
                said.append(Finding(code, level, {"items": items, "count": len(items)}, n))
        if self.said("close_to") != "no_clash":
            said.append(Finding("clash", "watch", {"other": self.said("close_to")}, n))
        return tuple(said)

    def _spending(self, n: int) -> list[Finding]:
        """Say what is left for ads, or that no net effect is known that could pay for them."""
        net = self.rows[self.rows["item"] == "net"].iloc[0]
        left = self.rows[self.rows["item"] == "left"].iloc[0]
        if self.said("net") is not None and net["low"] <= 0:
            values = {"net": net["value"]} | {k: net[k] for k in ("low", "high")}
            code = "no_gain" if net["high"] <= 0 else "gain_unclear"
            return [Finding(code, "watch", values, n)]
        if self.said("left") is None:
            return []
        spend = {"left": left["value"]} | {k: left[k] for k in ("low", "high")}
        code, level = ("left", "note") if left["value"] > 0 else ("nothing_left", "act")
        return [Finding(code, level, spend | {"discount": self.said("discount")}, n)]

    def propose(self) -> tuple[Action, ...]:
        """Propose to test the offer on a random half: nothing else tells what it brings."""
        orders, lift = self.said("orders_each"), self.said("breakeven")
        if orders is None or lift is None:
            return ()
        change = {"orders": orders, "lift": lift, "days": self.said("days_needed")}
        change |= {"festival": self.params["festival"], "read_on": self.said("read_on")}
        until, subject = self.params["main_from"], f"campaign:{self.params['festival']}"
        left = (until - (self.basis.end or until)).days
        late = change["days"] is not None and change["days"] > left
        if late:
            change["left"] = left
        return (Action("late" if late else "test", ("when",), change, "D", until, subject=subject),)

    def layout(self, *, wide: bool) -> style.Layout:
        """Return height and margins in pixels."""
        if wide:
            return style.Layout(230, left=110, right=30, top=12, bottom=36)
        return style.Layout(240, left=92, right=20, top=12, bottom=36)

    def draw(self, ax: Axes, *, wide: bool, words: Words) -> None:
        """Draw material, warm-up, main days and hangover as rows over the calendar."""
        p = self.params
        spans = [
            ("material", p["first_due"], p["presale_from"], style.HEX["c5"]),
            ("presale", p["presale_from"], p["main_from"], style.HEX["s4"]),
            ("main", p["main_from"], p["main_to"] + timedelta(days=1), style.UP),
            ("after", p["main_to"] + timedelta(days=1), p["read_on"], style.HEX["hatch"]),
        ]
        start, end = _number(p["first_due"]), _number(p["read_on"] + timedelta(days=1))
        room = 0.02 * (end - start)
        for i, (code, first, stop, colour) in enumerate(spans):
            low, high = _number(first), _number(stop)
            ax.barh(i, high - low, left=low, height=0.5, color=colour)
            style.tag(ax, 0, i, words.label(code), -10, 0, at="left", ha="right")
            last = stop - timedelta(days=1)
            text = f"{first:%m-%d} – {last:%m-%d}" if last > first else f"{first:%m-%d}"
            right = (high - start) > 0.62 * (end - start)
            look: dict[str, Any] = {"size": style.SMALL, "ha": "right" if right else "left"}
            style.tag(ax, low if right else high, i, text, -8 if right else 8, 0, **look)
        ax.plot(_number(p["read_on"]), len(spans), "D", ms=8, color=style.DOWN)
        style.tag(ax, 0, len(spans), words.label("read"), -10, 0, at="left", ha="right")
        text = f"{p['read_on']:%m-%d}"
        style.tag(ax, _number(p["read_on"]), len(spans), text, -12, 0, size=style.SMALL, ha="right")
        ax.set(ylim=(len(spans) + 0.5, -0.6), xlim=(start - room, end + room))
        ax.set_yticks([])
        _days(ax, p["first_due"], p["read_on"], 7 if wide else 3)


def _number(day: date) -> float:
    return float(dates.date2num(day))  # type: ignore[no-untyped-call]


def _days(ax: Axes, first: date, last: date, most: int) -> None:
    span = (last - first).days
    step = max(1, -(-span // most))
    shown = [first + timedelta(days=k) for k in range(0, span + 1, step)]
    ax.set_xticks([_number(d) for d in shown], [f"{d:%m-%d}" for d in shown])
    ax.grid(axis="x")


def brief(
    shop: Shop,
    *,
    festival: str | None = None,
    results: object = None,
    rules: Sequence[Rule] = EXAMPLE,
    target: float | None = None,
    budget: float | None = None,
    as_of: date | str | None = None,
    lang: str | None = None,
) -> Brief:
    """Fill the brief of the next campaign: goal, audience, offer, channels, budget, risks, test.

    Parameters
    ----------
    shop
        Needs `orders`; `order_lines` price the offer and name products.
    festival
        A code of `campaign.calendar`, such as ``"june_618"``; the next one for which there is
        still time to prepare when None.
    results
        Results that are already there, or a notebook's ``Out``: `campaign.calendar`,
        `campaign.promotion`, `store.forecast`, `customer.rfm`; the first two are made when absent.
    rules
        The offer, when it has to be replayed.
    target, budget
        Sales to reach and money to spend, in the shop's currency; unknown when None.
    as_of
        Last day known; the last day of the data when None.
    lang
        Language of the words.

    Returns
    -------
    Brief
        `.table`: one row per line: ``section, item, value, unit, low, high`` (90 %), ``source``.
        What nobody has said or measured has the value ``"unknown"``.

    Raises
    ------
    OptionError
        When the festival is not among those of the next 400 days.

    Notes
    -----
    Expected sales: the forecast's draws over the main days; without a forecast, ordinary sales
    (28 days) raised by what the same festival did before. Days of readiness are rules of thumb.

    Examples
    --------
    >>> import ecomops as eo
    >>> made = brief(eo.open("demo"), festival="june_618")
    >>> made.said("festival"), made.said("target")
    ('june_618', None)
    """
    as_of = checks.day("as_of", as_of)
    if absent := lacking(shop, "orders"):
        return Brief.lock(absent, lang=lang)
    given = {r.code: r for r in ([] if results is None else collected(results))}
    facts = coverage(shop.orders, as_of=as_of)
    ahead = given.get("campaign.calendar")
    if ahead is None:
        ahead = calendar(shop, horizon_days=HORIZON, as_of=as_of, lang=lang)
    replay = given.get("campaign.promotion")
    if replay is None:
        replay = promotion(shop, rules=rules, as_of=as_of, lang=lang)
    row = _chosen(ahead.rows, festival, facts.last_day)
    if row is None:
        need = Need("festival", {"table": "campaign.calendar"})
        return Brief.lock((need,), lang=lang)
    sales = sheet.expectation(shop, row, given.get("store.forecast"), facts.last_day)
    lines = [
        *sheet.goal(row, sales, target),
        *sheet.audience(shop, given.get("customer.rfm"), as_of),
        *sheet.offer(replay),
        *sheet.channels(shop, facts.last_day),
        *sheet.materials(shop, row, facts.last_day),
        *sheet.budget(row, sales, replay, shop.margins(as_of).paid, budget),
        *sheet.risks(shop, row, facts.last_day),
        *sheet.trial(replay, row),
    ]
    rows = pd.DataFrame([line.row for line in lines], columns=list(Brief.columns))
    basis = Basis(
        n=facts.sales,
        unit="sales",
        start=facts.first_day,
        end=facts.last_day,
        currency=facts.currency,
        excluded=facts.excluded_sales,
    )
    params = {k: row[k] for k in ("festival", "presale_from", "main_from", "main_to")}
    params["first_due"] = row["presale_from"] - timedelta(days=max(sheet.DUE.values()))
    params["read_on"] = row["after_to"] + timedelta(days=1)
    return Brief(rows=rows, basis=basis, params=params, lang=checks.language(lang))


def _chosen(rows: pd.DataFrame, festival: str | None, last: date) -> Mapping[Any, Any] | None:
    """Return the row of the festival, or of the next one that can still be prepared."""
    if rows.empty:
        return None
    if festival is None:
        ready = [day - timedelta(days=LEAD) > last for day in rows["presale_from"]]
        return (rows[ready] if any(ready) else rows).iloc[0].to_dict()
    mine = rows[rows["festival"] == festival]
    if mine.empty:
        known = list(dict.fromkeys(rows["festival"]))
        raise OptionError("unknown_festival", festival=festival, known=known)
    return mine.iloc[0].to_dict()
