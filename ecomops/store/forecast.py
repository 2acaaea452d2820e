"""What the coming weeks will bring: a calendar forecast with bands from its own past errors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from ecomops.base import checks
from ecomops.data.festivals import Festival, between
from ecomops.data.policy import POLICY
from ecomops.data.tables import frame
from ecomops.maths import forecast as maths
from ecomops.metrics.daily import history
from ecomops.result import Basis, Finding, Need, Result, lacking, style
from ecomops.result.html import MOST_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from matplotlib.axes import Axes

    from ecomops.data.shop import Shop
    from ecomops.result.words import Words

METRICS = ("amount", "net", "orders")
SEED = 20_250_101
SHOWN = 90  # past days in the chart and table
MIX_DAYS = 180  # days whose category shares split the total
SEASON = 364
MARGIN = 8  # pixels right of the chart, on a phone


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Forecast(Result):
    """Expected value and band of each coming day, after the last past days.

    `draws` (draws, days) are whole error paths of the total; `categories` splits the total.
    `params` holds the totals, the error of past forecasts and of copying last year.
    """

    code: ClassVar[str] = "store.forecast"
    columns: ClassVar[Mapping[str, str]] = {
        "day": "date",
        "actual": "units[metric]",
        "expected": "units[metric]",
        "low": "units[metric]",
        "high": "units[metric]",
        "festival": "label",
        "phase": "label",
    }

    draws: Any = None
    categories: pd.DataFrame | None = None

    @property
    def evidence(self) -> str:  # type: ignore[override]
        """Validated where past forecasts beat copying last year, else a rule of thumb."""
        return "C" if self.locked or self.params["error"] < self.params["naive"] else "D"

    def findings(self) -> tuple[Finding, ...]:
        """Say the total to expect, what festivals carry, and how good such forecasts have been."""
        p, n = self.params, self.basis.n
        unit = "orders" if p["metric"] == "orders" else "money"
        total = {k: p[k] for k in ("days", "total", "total_low", "total_high")}
        said = [Finding(f"total_{unit}", "note", total, n)]
        if p["growth"] is not None:
            level = "good" if p["growth"] > 0 else "watch"
            said.append(Finding("growth", level, {"growth": p["growth"]}, n))
        if p["peak"]:
            said.append(Finding("festival", "note", p["peak"], n))
        skill = {k: p[k] for k in ("error", "naive", "trials")}
        better = p["error"] < p["naive"]
        code = "skill" if better else "no_skill"
        said.append(Finding(code, "note" if better else "watch", skill, n))
        if p["unseen"]:
            said.append(Finding("unseen", "watch", {"festivals": p["unseen"]}, n))
        return tuple(said)

    def paged(self) -> pd.DataFrame:
        """Return the days ahead with the last days before them first, then the older ones."""
        ahead = self.rows["expected"].notna()
        recent = self.rows.tail(max(int(ahead.sum()), MOST_ROWS)).index
        return pd.concat([self.rows.loc[recent], self.rows.drop(recent)])

    def layout(self, *, wide: bool) -> style.Layout:
        """Return height and margins in pixels."""
        if wide:
            return style.Layout(340, left=62, right=16, top=26, bottom=34)
        return style.Layout(280, left=50, right=MARGIN, top=26, bottom=32)

    def draw(self, ax: Axes, *, wide: bool, words: Words) -> None:  # noqa: ARG002 - alike
        """Draw the past as a line, what is ahead as a line in its band, festivals as names."""
        rows = self.rows
        at = np.arange(len(rows))
        ahead = rows["expected"].notna().to_numpy()
        ax.grid(axis="y")
        ax.plot(at[~ahead], rows["actual"][~ahead].astype(float), color=style.DOT, lw=1.6)
        low, high = (rows[c][ahead].astype(float) for c in ("low", "high"))
        ax.fill_between(at[ahead], low, high, color=style.BAND, lw=0)
        ax.plot(at[ahead], rows["expected"][ahead].astype(float), color=style.UP)
        days = pd.to_datetime(rows["day"])
        firsts = [i for i in at if days.iloc[i].day == 1]
        ax.set_xticks(firsts, [days.iloc[i].strftime("%Y-%m") for i in firsts])
        ax.set(xlim=(0, len(rows) - 1), ylim=(0, None))
        unit = "count" if self.params["metric"] == "orders" else "money"
        ax.yaxis.set_major_formatter(lambda v, _: words.format_field(v, unit))
        self._mark_festivals(ax, words)

    def _mark_festivals(self, ax: Axes, words: Words) -> None:
        """Name festivals from left to right, leaving out what would touch the name before."""
        a_day, edge = ax.bbox.width / (len(self.rows) - 1), -np.inf
        for i in np.flatnonzero(self.rows["phase"].eq("day")).tolist():
            ax.axvline(i, color=style.RULE, lw=1, zorder=0)
            text = words.label(self.rows["festival"].iloc[i])
            half = style.width_of(text) / 2
            at = min(i * a_day, ax.bbox.width + MARGIN - half)  # stays on the page
            if at - half > edge:
                look: dict[str, Any] = {"ha": "center", "size": 10, "color": style.MUTE}
                style.tag(ax, i, 1, text, 0, 10, at="above", **look)
                edge = at + half


def forecast(
    shop: Shop,
    *,
    metric: str = "amount",
    horizon_days: int = 60,
    calendar: str | None = None,
    own_days: Iterable[Mapping[str, Any]] = (),
    as_of: date | str | None = None,
    lang: str | None = None,
) -> Forecast:
    """Forecast daily sales with weekday, season and festivals, and bands from past forecast errors.

    Parameters
    ----------
    shop
        Needs `orders`; `order_lines` and `products` split the total over categories.
    metric
        ``"amount"`` (paid, before refunds), ``"net"`` (less refunds) or ``"orders"``.
    horizon_days
        Days ahead, 7 to 120.
    calendar
        ``"cn"`` (holidays and platform festivals), ``"western"`` or ``"all"``; by the currency
        when None.
    own_days
        Rows ``code, day, presale, main, after`` that replace or add festivals.
    as_of
        Last day known; the last day of the data when None.
    lang
        Language of the words.

    Returns
    -------
    Forecast
        `.table`: one row per day, the last 90 known and those ahead: ``day, actual, expected, low,
        high`` (90 %), ``festival, phase``. `.categories`: ``category, share, expected, low, high``
        over the horizon, adding up to the total. `.draws`: paths of the total.

    Notes
    -----
    Robust ridge regression of logs on weekday, yearly harmonics and event-relative days with a slow
    level; bands are conformal, apart for ordinary and festival days, from rolling origins (Tashman
    2000; Vovk 2012).

    Examples
    --------
    >>> import ecomops as eo
    >>> result = forecast(eo.open("demo"), horizon_days=30)
    >>> result.table["expected"].notna().sum()
    np.int64(30)
    """
    as_of = checks.day("as_of", as_of)
    checks.choice("metric", metric, METRICS)
    checks.between("horizon_days", horizon_days, 7, 120)
    if absent := lacking(shop, "orders"):
        return Forecast.lock(absent, lang=lang)
    known = history(shop, calendar=calendar, own_days=own_days, as_of=as_of)
    y = known.values(metric)
    needed = maths.MIN_DAYS + 2 * horizon_days
    if y.size < needed:
        values = {"needed": needed, "found": int(y.size), "unit": "days"}
        return Forecast.lock((Need("rows", values),), lang=lang)
    found = maths.forecast(y, known.days(horizon_days), seed=SEED)
    near = _near(known.festivals, known.end, horizon_days)
    rows = _rows(known.rows["day"], y, found, near)
    totals = found.draws.sum(axis=1)
    params = _params(y, found, totals, rows, metric) | {
        "unseen": _unseen(near, known.festivals, known.start, known.end)
    }
    return Forecast(
        rows=rows,
        draws=found.draws,
        categories=_categories(shop, as_of, known.end, params),
        basis=Basis(**known.basis),
        params=params,
        lang=checks.language(lang),
    )


def _near(festivals: Iterable[Festival], last: date, horizon: int) -> tuple[Festival, ...]:
    first, end = last - timedelta(days=SHOWN), last + timedelta(days=horizon)
    return between(festivals, first, end)


def _rows(
    known: pd.Series[Any], y: Any, found: maths.Forecast, near: tuple[Festival, ...]
) -> pd.DataFrame:
    past = pd.DataFrame({"day": known, "actual": y}).tail(SHOWN)
    days = pd.date_range(known.iloc[-1] + pd.Timedelta(days=1), periods=found.mean.size)
    ahead = pd.DataFrame(
        {"day": days, "expected": found.mean, "low": found.low, "high": found.high}
    )
    rows = pd.concat([past, ahead], ignore_index=True)
    rows["day"] = rows["day"].dt.date
    marks = [_mark(day, near) for day in rows["day"]]
    rows["festival"] = [code for code, _ in marks]
    rows["phase"] = [phase for _, phase in marks]
    return rows[list(Forecast.columns)]


def _mark(day: date, near: tuple[Festival, ...]) -> tuple[str | None, str | None]:
    """Return the festival whose window holds `day`, the nearest first, and its phase."""
    inside = [f for f in near if f.start <= day <= f.end]
    if not inside:
        return None, None
    best = min(inside, key=lambda f: (abs((day - f.day).days), f.code))
    return best.code, "day" if day == best.day else best.phase(day)


def _params(
    y: Any, found: maths.Forecast, totals: Any, rows: pd.DataFrame, metric: str
) -> dict[str, Any]:
    horizon = found.mean.size
    before = y[y.size - SEASON : y.size - SEASON + horizon].sum() if y.size > SEASON else 0
    low, mid, high = np.quantile(totals, [0.05, 0.5, 0.95])
    error, naive, trials = _past_errors(y, found)
    return {
        "metric": metric,
        "days": horizon,
        "total": float(mid),
        "total_low": float(low),
        "total_high": float(high),
        "growth": float(mid / before - 1) if before else None,
        "error": error,
        "naive": naive,
        "trials": trials,
        "peak": _peak(rows, float(found.mean.sum())),
    }


def _past_errors(y: Any, found: maths.Forecast) -> tuple[float, float, int]:
    """Return the weighted absolute error of past forecasts and of copying the year before."""
    horizon = found.mean.size
    starts = maths.origins(y.size, horizon)
    pairs = [(row, s) for row, s in zip(found.errors, starts, strict=True) if s >= SEASON]
    if not pairs:
        pairs = list(zip(found.errors, starts, strict=True))
    ours = theirs = whole = 0.0
    for row, s in pairs:
        actual = y[s : s + horizon]
        back = SEASON if s >= SEASON else 7 * -(-horizon // 7)
        ours += np.abs(actual - np.nan_to_num(actual / np.exp(row))).sum()
        theirs += np.abs(actual - y[s - back : s - back + horizon]).sum()
        whole += actual.sum()
    return float(ours / whole), float(theirs / whole), len(pairs)


def _peak(rows: pd.DataFrame, total: float) -> dict[str, Any] | None:
    """Return the festival of which most is expected, in its main days within the horizon."""
    ahead = rows[rows["expected"].notna() & rows["phase"].isin(["main", "day"])]
    if ahead.empty:
        return None
    sums = ahead.groupby("festival")["expected"].agg(["sum", "count"]).sort_values("sum")
    code, (amount, days) = sums.index[-1], sums.iloc[-1]
    return {"festival": str(code), "share": float(amount) / total, "length": int(days)}


def _unseen(
    near: tuple[Festival, ...], festivals: Iterable[Festival], start: date, last: date
) -> list[str]:
    """Return the festivals ahead that lie in no year of the data."""
    past = {f.code for f in festivals if start <= f.day <= last}
    return sorted({f.code for f in near if f.day > last and f.code not in past})


def _categories(
    shop: Shop, as_of: date | None, last: date, params: Mapping[str, Any]
) -> pd.DataFrame | None:
    """Return the total split by each category's share of the last half year, adding up exactly."""
    if "order_lines" not in shop or "products" not in shop:
        return None
    sold = POLICY.sales(shop.orders, as_of=as_of)
    recent = sold.filter(sold.at.date() > pd.Timestamp(last - timedelta(days=MIX_DAYS)).date())
    lines = shop.order_lines.join(recent.select("order_id"), "order_id")
    named = shop.products.select("product_id", category="category_l2").distinct(on="product_id")
    joined = lines.left_join(named, "product_id")
    by = joined.group_by(category=joined.category.fill_null("other")).aggregate(
        amount=joined.line_paid_amount.sum()
    )
    rows = frame(by).sort_values(["amount", "category"], ascending=[False, True], ignore_index=True)
    share = rows["amount"] / rows["amount"].sum()
    names = {"expected": "total", "low": "total_low", "high": "total_high"}
    split = {column: share * params[key] for column, key in names.items()}
    return pd.DataFrame({"category": rows["category"], "share": share, **split})
