"""Which festivals are coming, when to be ready, and what past ones did to this shop's sales."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from matplotlib import dates

from ecomops.base import checks
from ecomops.data.festivals import Festival, between
from ecomops.maths.forecast import MIN_DAYS, baseline, left_out
from ecomops.metrics.daily import History, history
from ecomops.result import Basis, Finding, Need, Result, lacking, style

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from matplotlib.axes import Axes

    from ecomops.data.shop import Shop
    from ecomops.result.words import Words

LEVEL = 0.90
ORDINARY = 0.25  # share of a placebo window that must be ordinary days
LEAST = 8  # placebo windows below which there is no interval
CLOSE = 7  # days between two main windows that buyers hardly tell apart


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Calendar(Result):
    """Festivals ahead: windows, and what the last ones did, in shares of ordinary sales."""

    code: ClassVar[str] = "campaign.calendar"
    columns: ClassVar[Mapping[str, str]] = {
        "festival": "label",
        "day": "date",
        "presale_from": "date",
        "main_from": "date",
        "main_to": "date",
        "after_to": "date",
        "seen": "count",
        "peak": "percent",
        "net": "percent",
        "low": "percent",
        "high": "percent",
        "close_to": "label",
    }

    def findings(self) -> tuple[Finding, ...]:
        """Say what comes next, what paid most, what only moved sales, and what lies too close."""
        rows, n = self.rows, self.basis.n
        first = rows.iloc[0]
        facts = {"festival": first["festival"], "day": first["day"]}
        facts |= {"away": (first["day"] - self.basis.end).days, "count": len(rows)}
        facts |= {"days": self.params["days"]}
        said = [Finding("next", "note", facts, n)]
        known = rows[rows["net"].notna()].sort_values(["net", "festival"])
        gains = known[known["low"] > 0]
        if len(gains):
            best = gains.iloc[-1]
            said.append(Finding("best", "good", _facts(best, "net"), n))
        moved = known[(known["high"] <= 0) | ((known["peak"] > 0) & (known["low"] <= 0))]
        if len(moved):
            worst = moved.sort_values("peak").iloc[-1]
            said.append(Finding("moved", "watch", _facts(worst, "peak", "net"), n))
        near = rows[rows["close_to"].notna()]
        if len(near):
            values = {"one": near["festival"].iloc[0], "two": near["close_to"].iloc[0]}
            values |= {"days": CLOSE, "festivals": list(dict.fromkeys(near["festival"]))}
            said.append(Finding("close", "watch", values, n))
        return tuple(said)

    def layout(self, *, wide: bool) -> style.Layout:
        """Return height and margins in pixels."""
        height = 46 + 30 * len(self.rows)
        if wide:
            return style.Layout(height, left=104, right=170, top=8, bottom=34)
        return style.Layout(height, left=106, right=50, top=8, bottom=34)

    def draw(self, ax: Axes, *, wide: bool, words: Words) -> None:
        """Draw each festival as a row: presale, main days, hangover, and its net effect."""
        ends = ("presale_from", "main_from", "main_to", "after_to")
        for i, row in enumerate(self.rows.to_dict("records")):
            at = [float(dates.date2num(row[end])) for end in ends]  # type: ignore[no-untyped-call]
            spans = ((at[0], at[1]), (at[1], at[2] + 1), (at[2] + 1, at[3] + 1))
            colours = (style.BAND, style.UP, style.HEX["hatch"])
            for (low, high), colour in zip(spans, colours, strict=True):
                ax.barh(i, high - low, left=low, height=0.52, color=colour)
            style.tag(ax, 0, i, words.label(row["festival"]), -8, 0, at="left", ha="right")
            if not np.isnan(row["net"]):
                code = "net" if wide else "net_short"
                text = words.say("labels", code, **{k: row[k] for k in ("net", "low", "high")})
                style.tag(ax, 1, i, text, 8, 0, at="right", size=style.SMALL)
        ax.set_ylim(len(self.rows) - 0.4, -0.6)
        months = pd.date_range(
            self.rows["presale_from"].min(), self.rows["after_to"].max(), freq="MS"
        )
        shown = months[:: 1 if wide else 2]
        ax.set_xticks(dates.date2num(shown), shown.strftime("%Y-%m"))  # type: ignore[no-untyped-call]
        ax.grid(axis="x")
        ax.set_yticks([])


def _facts(row: pd.Series[Any], *more: str) -> dict[str, Any]:
    return {name: row[name] for name in ("festival", *more, "low", "high")}


def calendar(
    shop: Shop,
    *,
    horizon_days: int = 200,
    calendar: str | None = None,
    own_days: Iterable[Mapping[str, Any]] = (),
    as_of: date | str | None = None,
    lang: str | None = None,
) -> Calendar:
    """List the festivals ahead with their windows and what the same ones did here before.

    Parameters
    ----------
    shop
        Needs `orders`.
    horizon_days
        Days ahead, 14 to 400; the built-in calendar ends in 2035.
    calendar
        ``"cn"``, ``"western"`` or ``"all"``; by the currency when None.
    own_days
        Rows ``code, day, presale, main, after`` that replace or add festivals.
    as_of
        Last day known; the last day of the data when None.
    lang
        Language of the words.

    Returns
    -------
    Calendar
        `.table`: one row per festival ahead: windows (dates), ``seen`` (how many lie in the data),
        ``peak`` (extra sales of its main days as a share of ordinary sales), ``net`` (of presale,
        main days and hangover together, so that what was pulled forward is taken off) with ``low,
        high``, ``close_to`` (the festival nearest to it, of those whose
        main days overlap its own or lie 7 days from them at most).

    Notes
    -----
    Ordinary sales: the calendar regression with festivals switched off. The interval is what the
    same method finds in windows moved to where there is nothing to find, hidden from the fit
    (placebo in time; Abadie 2010). van Heerde, Leeflang and Wittink
    (2000) on dips before and after promotions.

    Examples
    --------
    >>> import ecomops as eo
    >>> ahead = calendar(eo.open("demo")).table
    >>> ahead["festival"].iloc[0], str(ahead["day"].iloc[0])
    ('double_12', '2025-12-12')
    """
    as_of = checks.day("as_of", as_of)
    checks.between("horizon_days", horizon_days, 14, 400)
    if absent := lacking(shop, "orders"):
        return Calendar.lock(absent, lang=lang)
    known = history(shop, calendar=calendar, own_days=own_days, as_of=as_of)
    last = known.end + timedelta(days=horizon_days)
    ahead = [f for f in known.festivals if known.end < f.day <= last]
    if not ahead:
        need = Need("festival", {"days": horizon_days, "after": known.end})
        return Calendar.lock((need,), lang=lang)
    effects = _effects(known) if len(known) >= MIN_DAYS else {}
    rows = pd.DataFrame(
        [_row(f, effects.get(f.code), _close(f, ahead)) for f in ahead],
        columns=list(Calendar.columns),
    )
    basis, params = Basis(**known.basis), {"days": horizon_days}
    return Calendar(rows=rows, basis=basis, params=params, lang=checks.language(lang))


def _row(festival: Festival, effect: Mapping[str, float] | None, close: str | None) -> Any:
    windows = {
        "presale_from": festival.start,
        "main_from": festival.day + timedelta(days=festival.main[0]),
        "main_to": festival.day + timedelta(days=festival.main[1]),
        "after_to": festival.end,
    }
    none = {"seen": 0, "peak": np.nan, "net": np.nan, "low": np.nan, "high": np.nan}
    named = {"festival": festival.code, "day": festival.day, "close_to": close}
    return named | windows | (dict(effect) if effect else none)


def _close(festival: Festival, ahead: Iterable[Festival]) -> str | None:
    """Return the festival whose main days are the nearest to this one's, a week away at most."""
    gaps = [(_gap(festival, f), f.day, f.code) for f in ahead if f is not festival]
    near = [gap for gap in gaps if gap[0] <= CLOSE]
    return min(near)[2] if near else None


def _gap(one: Festival, two: Festival) -> int:
    """Return the days from the main days of one to those of the other, 0 where they overlap."""
    first, second = sorted((one, two), key=lambda f: f.day + timedelta(days=f.main[0]))
    return max((second.day - first.day).days + second.main[0] - first.main[1], 0)


def _effects(known: History) -> dict[str, dict[str, float]]:
    """Return by festival the mean effect of those that lie wholly in the data, with its band."""
    start, y, festivals = known.start, known.rows["amount"].to_numpy(), known.festivals
    ordinary = baseline(y, known.days())
    extra = y - ordinary
    found: dict[str, list[tuple[float, float, int, int]]] = {}
    for f in festivals:
        at = (f.day - start).days
        first, stop = at + f.presale[0], at + f.after[1] + 1
        if first < 0 or stop > y.size:
            continue
        own = ~_elsewhere(f, festivals, start, y.size)
        peak = _share(extra, ordinary, own, at + f.main[0], at + f.main[1] + 1)
        net = _share(extra, ordinary, own, first, stop)
        if not np.isnan(net):
            found.setdefault(f.code, []).append((peak, net, first, stop))
    spreads = _spreads(y, known, {c: [(a, b) for *_, a, b in seen] for c, seen in found.items()})
    return {code: _summary(seen, spreads[code]) for code, seen in found.items()}


def _elsewhere(festival: Festival, festivals: Iterable[Festival], start: date, n: int) -> Any:
    """Return the days that belong to a longer festival: a short one is judged on its own days."""
    taken = np.zeros(n, dtype=bool)
    for other in between(festivals, festival.start, festival.end):
        if _length(other) > _length(festival):
            at = (other.day - start).days
            taken[max(at + other.presale[0], 0) : max(at + other.after[1] + 1, 0)] = True
    return taken


def _length(festival: Festival) -> int:
    return festival.after[1] - festival.presale[0] + 1


def _share(extra: Any, ordinary: Any, own: Any, start: int, stop: int) -> float:
    """Return extra over ordinary sales on the festival's own days; missing when most are not."""
    days = np.arange(start, stop)[own[start:stop]]
    if days.size * 2 < stop - start:
        return np.nan
    return float(extra[days].sum() / ordinary[days].sum())


def _spreads(
    y: Any, known: History, spans: Mapping[str, list[tuple[int, int]]]
) -> dict[str, float]:
    """Return by festival how far off such an effect is where there is none: 90 %, as a log.

    The same windows are moved through the year and hidden from the fit; what their ordinary days
    then seem to have sold beyond ordinary is error (placebo in time).
    """
    days = known.days()
    quiet = (days.offsets < 0).all(axis=0)
    moved = {code: list(_moved(at, y.size, quiet)) for code, at in spans.items()}
    hidden = iter(left_out(y, days, [np.concatenate(w) for ways in moved.values() for w in ways]))
    spreads = {}
    for code, ways in moved.items():
        tried = [_placebo(y, next(hidden), windows, quiet) for windows in ways]
        errors = [error for error in tried if np.isfinite(error)]
        level = LEVEL * (1 + 1 / max(len(errors), 1))
        few = len(errors) < LEAST
        spreads[code] = np.nan if few else float(np.quantile(np.abs(errors), min(level, 1)))
    return spreads


def _moved(spans: list[tuple[int, int]], n: int, quiet: Any) -> Iterator[list[Any]]:
    """Yield the windows of one festival moved by weeks, where enough ordinary days lie in each."""
    for shift in range(-26 * 7, 26 * 7 + 1, 7):
        windows = [np.arange(first + shift, stop + shift) for first, stop in spans]
        inside = [w for w in windows if w[0] >= 0 and w[-1] < n]
        if inside and all(quiet[w].sum() >= max(2, ORDINARY * w.size) for w in inside):
            yield inside


def _placebo(y: Any, hidden: Any, windows: list[Any], quiet: Any) -> float:
    """Return the mean over windows of log(actual / expected), on ordinary days with sales."""
    ends = np.cumsum([w.size for w in windows])[:-1]
    nets = []
    for window, error in zip(windows, np.split(hidden, ends), strict=True):
        kept = quiet[window]
        actual = y[window][kept]
        if actual.any():  # a small shop may have sold nothing
            nets.append(np.log(actual.sum() / (actual * np.exp(-error[kept])).sum()))
    return float(np.mean(nets)) if nets else np.nan


def _summary(seen: list[tuple[float, float, int, int]], spread: float) -> dict[str, float]:
    net = float(np.mean([value for _, value, *_ in seen]))
    return {
        "seen": len(seen),
        "peak": float(np.mean([value for value, *_ in seen])),
        "net": net,
        "low": (1 + net) * np.exp(-spread) - 1,
        "high": (1 + net) * np.exp(spread) - 1,
    }
