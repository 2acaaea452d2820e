"""What sells in live sessions: hosts, products and times, and how the last session went."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from ecomops.base import checks
from ecomops.channel import live_chart as chart
from ecomops.channel import minutes
from ecomops.maths.arrays import ratio
from ecomops.result import Action, Basis, Finding, Need, Result, lacking, style

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from matplotlib.axes import Axes

    from ecomops.data.festivals import Festival
    from ecomops.data.shop import Shop
    from ecomops.maths.crossed import Crossed
    from ecomops.result.words import Words

LEAST = 6  # sessions before anything is compared
NAMED = 3  # products in a sentence
POWER, SIZE = 0.8416, 1.6449
SHORTEST, LONGEST = 4, 60  # of a test: evenings differ, and longer ones are never finished
PARTS = ("slot_now", "audience", "host", "product", "slot")


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Live(Result):
    """Effects as multiples of the average of their kind, and the last session by quarter hours.

    `part` is "audience" (host on viewers), "host", "product", "slot" (on orders per viewer) or
    "slot_now" (the last session: `low` and `high` bound what is ordinary for its viewers).
    """

    code: ClassVar[str] = "channel.live"
    evidence: ClassVar[str] = "C"
    columns: ClassVar[Mapping[str, str]] = {
        "part": "label",
        "id": "text",
        "name": "text",
        "sessions": "count",
        "viewers": "count",
        "online": "count",
        "orders": "count",
        "expected": "number",
        "effect": "number.2",
        "low": "number.2",
        "high": "number.2",
        "per_thousand": "number",
        "comments": "number",
    }

    def part(self, name: str) -> pd.DataFrame:
        """Return the rows of one part."""
        rows: pd.DataFrame = self.rows[self.rows["part"] == name]
        return rows.reset_index(drop=True)

    def findings(self) -> tuple[Finding, ...]:
        """Say how the last session went, which hosts and products differ, and what talk tells."""
        p, n = self.params, self.basis.n
        said = [self._last(), *self._hosts(n), *self._products(n)]
        slots = self.part("slot")
        lively = slots[slots["low"] > 1]
        if len(lively):
            best = lively.sort_values(["effect", "name"]).iloc[-1]
            facts = {k: best[k] for k in ("name", "effect", "low", "high")}
            start = int(best["id"]) * minutes.SLOT
            facts |= {"start": start, "stop": start + minutes.SLOT}
            said.append(Finding("slot", "good", facts, n))
        if p["talk"] is not None:
            told = p["talk"]["low"] > 0 or p["talk"]["high"] < 0
            said.append(Finding("talk" if told else "no_talk", "note", p["talk"], n))
        if not p["minutes"]:
            said.append(Finding("no_minutes", "watch", {}, n))
        return tuple(said)

    def _last(self) -> Finding:
        p = self.params["last"]
        low, high = p["orders"] < p["low"], p["orders"] > p["high"]
        code, level = ("below", "act") if low else ("above", "good") if high else ("last", "note")
        return Finding(code, level, p, int(p["viewers"]))

    def _hosts(self, n: int) -> list[Finding]:
        said = []
        crowd = self.part("audience").sort_values(["effect", "name"])
        sure = crowd[crowd["low"] > 1]
        if len(sure):
            row = sure.iloc[-1]
            facts = {k: row[k] for k in ("name", "effect", "low", "high")}
            said.append(Finding("audience", "note", facts, n))
        hosts = self.part("host").sort_values(["effect", "name"])
        if len(hosts) > 1:
            apart = hosts[(hosts["low"] > 1) | (hosts["high"] < 1)]
            best = (apart if len(apart) else hosts).iloc[-1]
            facts = {k: best[k] for k in ("name", "effect", "low", "high")}
            said.append(Finding("host" if len(apart) else "hosts_alike", "note", facts, n))
        return said

    def _products(self, n: int) -> list[Finding]:
        rows = self.part("product")
        if rows.empty:
            return []
        weak = rows[rows["high"] < 1].sort_values(["effect", "name"])
        strong = rows[rows["low"] > 1].sort_values(["effect", "name"], ascending=[False, True])
        if weak.empty and strong.empty:
            return [Finding("products_alike", "note", {"count": len(rows)}, n)]
        facts = {"count": len(rows), "strong": list(strong["name"].head(NAMED))}
        facts |= {"weak": list(weak["name"].head(NAMED)), "n_strong": len(strong)}
        facts |= {"n_weak": len(weak)}
        facts |= {"all_strong": len(strong) <= NAMED, "all_weak": len(weak) <= NAMED}
        return [Finding("products", "act", facts, n)]

    def propose(self) -> tuple[Action, ...]:
        """Propose tests: who or what was on show was not drawn by lot, so there is no value yet."""
        until = (self.basis.end or date.max - timedelta(days=28)) + timedelta(days=28)
        found = []
        rows = self.part("product")
        apart = rows[(rows["low"] > 1)].sort_values(["effect", "name"], ascending=[False, True])
        weak = rows[rows["high"] < 1].sort_values(["effect", "name"])
        if len(apart) and len(weak):
            change = {"strong": apart["name"].iloc[0], "weak": weak["name"].iloc[0]}
            ratio_ = apart["effect"].iloc[0] / weak["effect"].iloc[0]
            base = self.params["per_slot"]
            change["slots"] = _needed(base * ratio_ / (1 + ratio_) * 2, base * 2 / (1 + ratio_))
            subject = f"product:{weak['id'].iloc[0]}"
            found.append(Action("swap", ("products",), change, "D", until, None, subject))
        crowd = self.part("audience")
        if len(crowd) > 1 and (crowd["low"] > 1).any():
            best = crowd.sort_values(["effect", "name"]).iloc[-1]
            base = self.params["per_session"]
            change = {"name": best["name"], "effect": best["effect"]}
            change["sessions"] = _needed(base * best["effect"], base)
            subject = f"host:{best['name']}"
            found.append(Action("host", ("audience",), change, "D", until, None, subject))
        return tuple(found)

    def layout(self, *, wide: bool) -> style.Layout:
        """Return height and margins in pixels."""
        return chart.layout(self.rows, wide=wide)

    def draw(self, ax: Axes, *, wide: bool, words: Words) -> None:
        """Draw the last session by quarter of an hour, or hosts where there are no minutes."""
        chart.draw(ax, self.rows, wide=wide, words=words)


def _needed(high: float, low: float) -> int:
    """Return how many of each a test needs to tell two Poisson means apart (90 %, power 80 %)."""
    if not 0 < low < high:
        return LONGEST
    needed = (SIZE + POWER) ** 2 * (1 / high + 1 / low) / math.log(high / low) ** 2
    return min(max(math.ceil(needed), SHORTEST), LONGEST)


def live(shop: Shop, *, as_of: date | str | None = None, lang: str | None = None) -> Live:
    """Tell what hosts, products and times of live sessions sell, for the viewers they had.

    Parameters
    ----------
    shop
        Needs `live_sessions`; `live_minutes` (viewers online, product on show, orders) adds
        products (named by `products`), times within the session and the curve of the last one.
    as_of
        Last day known; the last session when None.
    lang
        Language of the words.

    Returns
    -------
    Live
        `.table`: ``part, id, name, sessions, viewers, online`` (viewer-minutes), ``orders``,
        ``expected`` (for these viewers, all else alike), ``effect, low, high`` (multiple of the
        average of its kind, 90 %), ``per_thousand`` (orders) and ``comments`` per 1,000
        viewer-minutes. Rows of part "slot_now" are the last session's: orders over
        expected, and what is ordinary.

    Notes
    -----
    Orders are Poisson around viewer-minutes times effects of host, product on show and quarter of
    an hour, each kind pulled to its mean (Breslow and Clayton 1993). Viewers likewise by host,
    month, weekday and festival. The last session is held against all others.

    Examples
    --------
    >>> import ecomops as eo
    >>> result = live(eo.open("demo"))
    >>> result.part("audience")["name"].tolist()
    ['主播小禾', '主播米米', '主播阿青']
    """
    as_of = checks.day("as_of", as_of)
    if absent := lacking(shop, "live_sessions"):
        return Live.lock(absent, lang=lang)
    chosen = minutes.sessions(shop.live_sessions, as_of)
    if len(chosen) < LEAST:
        values = {"needed": LEAST, "found": len(chosen), "unit": "sessions"}
        return Live.lock((Need("rows", values),), lang=lang)
    chosen["host"] = chosen["host"].fillna("—")
    rows = minutes.cells(shop.live_minutes, chosen) if "live_minutes" in shop else chosen.head(0)
    detailed = len(rows) > 0 and float(rows["online"].sum()) > 0
    if not detailed:
        rows = chosen.assign(slot=0, product="", online=_exposure(chosen))
        told = rows["orders"].notna()
        rows = rows[told | (not told.any())]
        rows[list(minutes.SUMS)] = rows[list(minutes.SUMS)].astype(float).fillna(0)
    if not rows["online"].sum() > 0:
        need = Need("column", {"table": "live_sessions", "column": "viewers"})
        return Live.lock((need,), lang=lang)
    table, last = _table(rows, chosen, shop.festivals(), detailed=detailed)
    if detailed and "products" in shop:
        names = minutes.titles(shop.products, rows["product"])
        shown = table["part"] == "product"
        table.loc[shown, "name"] = table.loc[shown, "id"].map(lambda i: names.get(i, i))
    start, end = (pd.Timestamp(chosen["start"].iloc[i]).date() for i in (0, -1))
    params = {
        "minutes": detailed,
        "chart": "curve" if detailed else "rows",
        "encoding": "curve_encoding" if detailed else "rows_encoding",
        "last": last,
        "talk": _talk(rows) if detailed else None,
        "per_slot": float(rows["orders"].mean()),
        "per_session": float(rows["orders"].sum() / rows["session"].nunique()),
    }
    basis = Basis(n=len(chosen), unit="sessions", start=start, end=end, currency=shop.currency)
    return Live(rows=table, basis=basis, params=params, lang=checks.language(lang))


def _exposure(chosen: pd.DataFrame) -> Any:
    """Return viewer-minutes of each session; viewers where they are not known everywhere."""
    return chosen["online"] if chosen["online"].notna().all() else chosen["viewers"].fillna(0)


def _table(
    rows: pd.DataFrame, chosen: pd.DataFrame, festivals: Iterable[Festival], *, detailed: bool
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the rows of the result and the facts of the last session."""
    crowd, names = minutes.audience(chosen, festivals)
    found, levels = minutes.selling(rows)
    now = (rows["session"] == rows["session"].iloc[-1]).to_numpy()
    final = chosen[chosen["session"] == rows["session"].iloc[-1]].iloc[0]
    others, _ = minutes.selling(rows, ~now)
    parts = [_now(rows, now, others)] if detailed else []
    expected = np.exp(crowd.log_mean)
    if len(names) > 1:
        viewed = chosen.assign(expected=expected, orders=chosen["orders"].fillna(0))
        viewed["online"] = _exposure(chosen)
        parts.append(_effects("audience", viewed, "host", crowd, 0, names))
    kinds = ("host", "product", "slot") if detailed else ("host",)
    for at, kind in enumerate(kinds):
        if len(levels[at]) > 1:
            parts.append(_effects(kind, rows.assign(expected=np.nan), kind, found, at, levels[at]))
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*Live.columns])
    table = table[(table["part"] != "product") | (table["id"] != minutes.NOTHING)]
    mean, low, high = _whole(now, others)
    last = {"day": pd.Timestamp(final["start"]).date(), "host": final["host"], "expected": mean}
    last |= {"viewers": int(np.nan_to_num(float(final["viewers"])))}
    last |= {"orders": int(rows.loc[now, "orders"].sum()), "low": low, "high": high}
    return table[list(Live.columns)], last


def _whole(now: Any, others: Crossed) -> tuple[float, float, float]:
    """Return expected orders of the last session and their 90 % range: errors of effects add up."""
    mean, _, _ = minutes.ranges(others, now)
    error = float((mean * others.log_error[now]).sum())
    spread = math.sqrt(others.scale * mean.sum() + error**2)
    total = float(mean.sum())
    return total, max(total - SIZE * spread, 0.0), total + SIZE * spread


def _now(rows: pd.DataFrame, now: Any, others: Crossed) -> pd.DataFrame:
    """Return the last session by quarter of an hour, beside what its viewers led one to expect."""
    mean, low, high = minutes.ranges(others, now)
    mine = rows[now]
    return pd.DataFrame({
        "part": "slot_now",
        "id": mine["product"].to_numpy(),
        "name": [_clock(int(s)) for s in mine["slot"]],
        "sessions": 1,
        "viewers": mine["viewers"].to_numpy(),
        "online": mine["online"].to_numpy(),
        "orders": mine["orders"].to_numpy(),
        "expected": mean,
        "effect": ratio(mine["orders"], mean),
        "low": ratio(low, mean),
        "high": ratio(high, mean),
        "per_thousand": 1000 * ratio(mine["orders"], mine["online"]),
        "comments": 1000 * ratio(mine["comments"], mine["online"]),
    })  # fmt: skip


def _clock(slot: int) -> str:
    start = slot * minutes.SLOT
    return f"{start // 60}:{start % 60:02d}"


def _effects(
    part: str, rows: pd.DataFrame, by: str, found: Crossed, at: int, names: list[Any]
) -> pd.DataFrame:
    """Return one row per level: sums, and its effect with a 90 % interval."""
    grouped = rows.groupby(by, sort=True)
    sums = grouped[list(minutes.SUMS)].sum().loc[names]
    effect, error = found.effects[at], found.errors[at]
    shown = [_clock(int(n)) for n in names] if by == "slot" else [str(n) for n in names]
    seen = sums["viewers"] if part == "audience" else sums["orders"]
    return pd.DataFrame({
        "part": part,
        "id": [str(n) for n in names],
        "name": shown,
        "sessions": grouped["session"].nunique().loc[names].to_numpy(),
        "viewers": sums["viewers"].to_numpy(),
        "online": sums["online"].to_numpy(),
        "orders": sums["orders"].to_numpy(),
        "expected": (seen / np.exp(effect)).to_numpy(),
        "effect": np.exp(effect),
        "low": np.exp(effect - minutes.Z * error),
        "high": np.exp(effect + minutes.Z * error),
        "per_thousand": 1000 * ratio(sums["orders"], sums["online"]),
        "comments": 1000 * ratio(sums["comments"], sums["online"]),
    })  # fmt: skip


def _talk(rows: pd.DataFrame) -> dict[str, float] | None:
    """Return the rank correlation of talk and sales, both over what viewers led one to expect.

    With its 90 % interval (Fisher 1915), a cell counting once.
    """
    if rows["comments"].sum() <= 0 or len(rows) <= minutes.SLOT:
        return None
    apart = [_apart(rows.assign(orders=rows[name])) for name in ("orders", "comments")]
    r = float(spearmanr(*apart).statistic)
    half = minutes.Z / math.sqrt(len(rows) - 3)
    return {"r": r, "low": math.tanh(math.atanh(r) - half), "high": math.tanh(math.atanh(r) + half)}


def _apart(rows: pd.DataFrame) -> Any:
    """Return by cell how far counts lie from what their viewers led one to expect, standardised."""
    found, _ = minutes.selling(rows)
    mean = np.exp(found.log_mean)
    return (rows["orders"].to_numpy(dtype=float) - mean) / np.sqrt(np.maximum(mean, 1e-12))
