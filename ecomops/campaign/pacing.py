"""Is a campaign on its way to the plan: actual against expected by the hour, and where it ends."""

from __future__ import annotations

import calendar as months
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from ecomops.base import checks
from ecomops.data.policy import POLICY
from ecomops.data.tables import frame
from ecomops.maths import pace as maths
from ecomops.metrics.daily import History, history, hourly
from ecomops.result import Action, Basis, Finding, Need, Result, lacking, style

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from matplotlib.axes import Axes

    from ecomops.data.shop import Shop
    from ecomops.result.words import Words

METRICS = ("amount", "orders")
LONGEST = 92  # days; what runs on without an end is no campaign to keep pace with
MOST = 10**15
APART = 0.1  # of a straight line's verdict and ours before it is worth a sentence
SHORT = 3  # days up to which a campaign is shown by the hour
LIKELY, UNLIKELY = 0.8, 0.2


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Pacing(Result):
    """Running totals by day (by hour for up to three days): planned, actual, projected with band.

    `params` holds the plan, the pace, the projected total with its band and the chance of the plan.
    """

    code: ClassVar[str] = "campaign.pacing"
    evidence: ClassVar[str] = "C"
    columns: ClassVar[Mapping[str, str]] = {
        "until": "text",
        "planned": "units[metric]",
        "actual": "units[metric]",
        "projected": "units[metric]",
        "low": "units[metric]",
        "high": "units[metric]",
        "share": "percent",
    }

    def findings(self) -> tuple[Finding, ...]:
        """Say where it will end, how likely the plan is, and the pace beside a straight line's."""
        p, n = self.params, self.basis.n
        kind = p["metric"]
        if p["over"]:
            values = {"total": p["so_far"], "plan": p["plan"], "ratio": p["so_far"] / p["plan"] - 1}
            return (Finding(f"over_{kind}", "note", values, n),)
        names = ("total", "low", "high", "plan", "chance")
        chance = p["chance"]
        level = "good" if chance >= LIKELY else "act" if chance <= UNLIKELY else "watch"
        code = "own" if p["own"] else "chance"
        said = [
            Finding(f"{code}_{kind}", "note" if p["own"] else level, {k: p[k] for k in names}, n)
        ]
        if p["due"] > 0:
            ratio = p["so_far"] / p["due"] - 1
            values = {"so_far": p["so_far"], "due": p["due"], "ratio": ratio, "now": p["now"]}
            said.append(Finding(f"pace_{kind}", "note", values, n))
            straight = p["so_far"] / (p["plan"] * p["elapsed"]) - 1
            if straight * ratio < 0 and abs(straight - ratio) > APART:
                facts = {"straight": straight, "ratio": ratio}
                said.append(Finding("straight", "watch", facts, n))
        if chance <= UNLIKELY and not p["own"]:
            facts = {"gap": p["gap"], "lift": p["lift"]}
            said.append(Finding(f"behind_{kind}", "act", facts, n))
        return tuple(said)

    def propose(self) -> tuple[Action, ...]:
        """Propose to close the gap with what works fastest; nothing says yet what that brings."""
        p = self.params
        code = f"behind_{p['metric']}"
        if code not in {f.code for f in self.findings()}:
            return ()
        change = {"gap": p["gap"], "lift": p["lift"], "left": p["left"]}
        name = f"close_{p['metric']}"
        return (Action(name, (code,), change, "D", p["end"], None, "store"),)

    def layout(self, *, wide: bool) -> style.Layout:
        """Return height and margins in pixels."""
        if wide:
            return style.Layout(330, left=62, right=106, top=16, bottom=36)
        return style.Layout(270, left=50, right=38, top=30, bottom=34)

    def draw(self, ax: Axes, *, wide: bool, words: Words) -> None:
        """Draw running totals: planned dashed, actual as a line, what is ahead in its band."""
        rows = self.rows
        at = np.arange(len(rows)) + 1
        known = rows["actual"].notna().to_numpy()
        ahead = rows["projected"].notna().to_numpy()
        ax.grid(axis="y")
        ax.plot(np.r_[0, at], np.r_[0, rows["planned"]], color=style.DOT, lw=1.6, ls=(0, (4, 3)))
        low, high = (rows[c][ahead].astype(float) for c in ("low", "high"))
        ax.fill_between(at[ahead], low, high, color=style.BAND, lw=0)
        joined = known | ahead
        line = rows["projected"].where(ahead, rows["actual"])[joined].astype(float)
        first = max(int(known.sum()) - 1, 0)
        ax.plot(at[joined][first:], line[first:], color=style.UP, ls=(0, (2, 2)))
        ax.plot(np.r_[0, at[known]], np.r_[0, rows["actual"][known].astype(float)], color=style.UP)
        unit = "count" if self.params["metric"] == "orders" else "money"
        ax.yaxis.set_major_formatter(lambda v, _: words.format_field(v, unit))
        hourly_names = self.params["days"] <= SHORT
        most = (6 if wide else 3) if hourly_names else (10 if wide else 5)
        each = max(1, -(-len(rows) // most))
        ax.set_xticks(at[each - 1 :: each], list(rows["until"])[each - 1 :: each])
        ax.set(xlim=(0, len(rows)), ylim=(0, None))
        self._named(ax, wide=wide, words=words)

    def _named(self, ax: Axes, *, wide: bool, words: Words) -> None:
        """Name the plan and the projection at their ends, kept apart; on a phone above."""
        last = self.rows.iloc[-1]
        plan = "opening" if self.params["own"] else "planned"
        ends = [(plan, float(last["planned"]), style.MUTE)]
        if not np.isnan(last["projected"]):
            ends.append(("projected", float(last["projected"]), style.UP))
        if not wide:
            for i, (name, _, colour) in enumerate(ends):
                text = words.label(f"{name}_key")
                style.tag(
                    ax, 0, 1, text, 4 + 150 * i, 14, at="above", size=style.SMALL, color=colour
                )
            return
        top = ax.get_ylim()[1]
        close = len(ends) > 1 and abs(ends[0][1] - ends[1][1]) < 0.06 * top
        up = close and ends[0][1] >= ends[-1][1]
        for i, (name, y, colour) in enumerate(ends):
            dy = 0 if not close else 9 if (i == 0) == up else -9
            style.tag(ax, 1, y, words.label(name), 8, dy, at="right", color=colour)


def pacing(
    shop: Shop,
    *,
    plan: float | None = None,
    start: date | str | None = None,
    end: date | str | None = None,
    metric: str = "amount",
    now: datetime | None = None,
    calendar: str | None = None,
    own_days: Iterable[Mapping[str, Any]] = (),
    lang: str | None = None,
) -> Pacing:
    """Hold a campaign against its plan hour by hour and say where it will end.

    Parameters
    ----------
    shop
        Needs `orders`; `campaigns` name the campaign under way where no days are given.
    plan
        Total to reach; what the forecast before `start` expected when None.
    start, end
        First and last day; when None those of a campaign under way, else of the month.
    metric
        ``"amount"`` (paid, before refunds) or ``"orders"``.
    now
        Local time up to which orders are known, counted to the full hour; the last order's when
        None.
    calendar
        ``"cn"``, ``"western"`` or ``"all"``; by the currency when None.
    own_days
        Rows ``code, day, presale, main, after`` that replace or add festivals.
    lang
        Language of the words.

    Returns
    -------
    Pacing
        `.table`: one row per day (per hour up to three days): ``until, planned, actual, projected,
        low, high`` (running totals, 90 %), ``share`` (of the plan due by then).

    Raises
    ------
    OptionError
        When `end` lies before `start`, the metric is unknown or the plan is below 1.

    Notes
    -----
    See `ecomops.maths.pace`: the plan is spread as the calendar forecast and the hours of such
    days have it, not evenly; the band is made of the errors of past periods of the same length at
    the same point, festival and ordinary ones apart.

    Examples
    --------
    >>> import ecomops as eo
    >>> result = pacing(eo.open("demo"), start=date(2025, 12, 1), end=date(2025, 12, 12))
    >>> result.params["low"] < result.params["total"] < result.params["high"]
    True
    """
    checks.choice("metric", metric, METRICS)
    if plan is not None:
        checks.between("plan", plan, 1, MOST)
    if absent := lacking(shop, "orders"):
        return Pacing.lock(absent, lang=lang)
    now = _hour(shop, now)
    start, end = _period(shop, now, *checks.span(start, end))
    length = (end - start).days + 1
    checks.between("days", length, 1, LONGEST)
    until = min(now.date(), end)
    before = history(shop, calendar=calendar, own_days=own_days, as_of=until)
    known = (start - before.start).days
    there = min(max(known, 0), len(before))  # days before the start that the data reach
    if there < (needed := max(known, maths.needed(length))):
        values = {"needed": needed, "found": there, "unit": "days"}
        return Pacing.lock((Need("rows", values),), lang=lang)
    hours = _hours(shop, before, metric, now)
    done = _done(now, start, length)
    facts = before.days(max((end - before.end).days, 0))
    found = maths.pace(hours, facts, _own(before, len(facts)), known, length, done)
    rows = _rows(found, hours[known : known + length], start, done, plan)
    params = _params(found, plan, metric, done, length) | {
        "start": start,
        "end": end,
        "days": length,
        "now": f"{now:%Y-%m-%d %H:%M}",
        "left": float(
            (datetime.combine(end, time()) + timedelta(days=1) - now).total_seconds() / 86400
        ),
    }
    return Pacing(rows=rows, basis=Basis(**before.basis), params=params, lang=checks.language(lang))


def _hour(shop: Shop, now: datetime | None) -> datetime:
    """Return the full hour up to which orders count; that after the last order when None."""
    if now is not None:
        return now.replace(minute=0, second=0, microsecond=0, tzinfo=None)
    sold = POLICY.sales(shop.orders, as_of=shop.coverage.last_day)  # refuses where there is none
    last = pd.Timestamp(frame(sold.aggregate(last=sold["at"].max()))["last"].iloc[0])
    return (last.floor("h") + pd.Timedelta(hours=1)).to_pydatetime()


def _period(shop: Shop, now: datetime, start: date | None, end: date | None) -> tuple[date, date]:
    """Return the days asked for, else of the campaign under way, else of the month of `now`."""
    last = (now - timedelta(seconds=1)).date()
    if start is None and end is None and "campaigns" in shop:
        t = shop.campaigns
        length = t.end_at.date().delta(t.start_at.date(), unit="day")
        running = t.filter(t.start_at.date() <= last, t.end_at.date() >= last, length < LONGEST)
        rows = frame(running.select(start="start_at", end="end_at", name="campaign_id"))
        if len(rows):
            row = rows.sort_values(["start", "name"]).iloc[-1]
            return pd.Timestamp(row["start"]).date(), pd.Timestamp(row["end"]).date()
    start = start or (end or last).replace(day=1)
    final = months.monthrange(start.year, start.month)[1]
    return start, end or start.replace(day=final)


def _hours(shop: Shop, before: History, metric: str, now: datetime) -> Any:
    """Return sums by day and hour from the first day on, those after `now` left out."""
    span = {"since": before.start, "until": before.end}
    table = np.maximum(hourly(shop.orders, metric=metric, **span).to_numpy(dtype=float), 0)
    index = (now.date() - before.start).days
    if 0 <= index < len(table):
        table[index, now.hour :] = 0
        table[index + 1 :] = 0
    return table


def _done(now: datetime, start: date, length: int) -> tuple[int, int]:
    """Return the whole days of the period that are over, and the whole hours after them."""
    passed = int((now - datetime.combine(start, time())).total_seconds() // 3600)
    passed = min(max(passed, 0), 24 * length)
    return passed // 24, passed % 24


def _own(before: History, n: int) -> Any:
    """Return the days with hours of their own: sales days of platforms open at midnight."""
    out = np.zeros(n, dtype=bool)
    at = [(f.day - before.start).days for f in before.festivals if f.kind in ("platform", "own")]
    out[[i for i in at if 0 <= i < n]] = True
    return out


def _cautious(chance: float, *, certain: bool) -> float:
    """Return a chance that is never 0 or 1 while something is still to come."""
    return chance if certain else min(max(chance, 0.01), 0.99)


def _params(
    found: maths.Pace, plan: float | None, metric: str, done: tuple[int, int], length: int
) -> dict[str, Any]:
    total, low, high = found.total
    target = float(plan) if plan else float(found.due + found.rest)
    gap = max(target - total, 0.0)
    scale = target / max(found.due + found.rest, 1e-9)
    return {
        "metric": metric,
        "plan": target,
        "own": plan is None,
        "so_far": found.so_far,
        "due": found.due * scale,
        "total": total,
        "low": low,
        "high": high,
        "chance": _cautious(found.chance(target), certain=found.ahead <= 0),
        "gap": gap,
        "lift": gap / max(found.ahead, 1e-9),
        "elapsed": (done[0] * 24 + done[1]) / (24 * length),
        "over": done[0] >= length,
        "carry": found.carry,
        "trials": int(found.errors.size),
    }


def _rows(
    found: maths.Pace, there: Any, start: date, done: tuple[int, int], plan: float | None
) -> pd.DataFrame:
    """Return running totals at the end of each day, or of each hour of a short period."""
    length = found.expected.size
    cells = (found.expected[:, None] * found.hours).ravel()
    actual = np.zeros(length * 24)
    actual[: there.size] = there.ravel()[: actual.size]
    passed = done[0] * 24 + done[1]
    share = np.cumsum(cells) / cells.sum()
    planned = share * (plan or cells.sum())
    rest = np.cumsum(np.where(np.arange(cells.size) >= passed, cells, 0.0))
    rest = rest / rest[-1] if rest[-1] > 0 else rest
    total, low, high = (found.so_far + (t - found.so_far) * rest for t in found.total)
    future = np.arange(1, cells.size + 1) >= max(passed, 1)
    future &= passed < cells.size
    each = 1 if length <= SHORT else 24
    ends = np.arange(each - 1, cells.size, each)
    if each > 1 and 0 < passed < cells.size and passed % 24:
        future[passed - 1] = True
    clock = [datetime.combine(start, time()) + timedelta(hours=int(i) + 1) for i in ends]
    names = [f"{c:%m-%d %H:00}" if each == 1 else f"{c - timedelta(hours=1):%m-%d}" for c in clock]
    rows = pd.DataFrame({
        "until": names,
        "planned": planned,
        "actual": np.where(np.arange(1, cells.size + 1) <= passed, np.cumsum(actual), np.nan),
        "projected": np.where(future, total, np.nan),
        "low": np.where(future, low, np.nan),
        "high": np.where(future, high, np.nan),
        "share": share,
    } if each == 1 else {
        "until": names,
        "planned": planned[ends],
        "actual": np.where(ends < passed, np.cumsum(actual)[ends], np.nan),
        "projected": np.where(future[ends], total[ends], np.nan),
        "low": np.where(future[ends], low[ends], np.nan),
        "high": np.where(future[ends], high[ends], np.nan),
        "share": share[ends],
    })  # fmt: skip
    return rows[list(Pacing.columns)]
