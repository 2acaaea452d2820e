"""Advertising spend by day and channel, beside sales, and whether its moves can teach anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import pandas as pd

from ecomops.data.festivals import days
from ecomops.data.tables import frame
from ecomops.maths.arrays import Floats, floats
from ecomops.maths.forecast import calendar_parts
from ecomops.maths.media import Series, series
from ecomops.metrics.daily import daily
from ecomops.metrics.sources import traffic

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from ecomops.data.shop import Shop

WEEK = 7
LEAST_DAYS = 182
NOW_DAYS = 56  # days whose spend is "now"
STILL = 0.10  # weekly moves of spend beyond the calendar, as a standard deviation of its log
FOLLOWS = 0.5
SURE = 4.0  # t value from which last week's sales foretell this week's spend
FLOOR = 0.05
BY = ("scene_name", "platform", "campaign_name")
REASONS = ("known", "still", "follows", "few")
SUMS = ("spend", "clicks", "conversions")


def daily_spend(ad_reports: ibis.Table, by: str) -> pd.DataFrame:
    """Return ``day, channel, spend, clicks, conversions``: one row per day and channel.

    A report that repeats its spend for several attribution windows counts once, with the widest
    window's conversions. A row without `by` goes by its platform. Spend of a day is missing where
    that of one of its campaigns is.
    """
    named = ad_reports.mutate(
        channel=ibis.coalesce(ad_reports[by].nullif(""), ad_reports.platform),
        campaign=ibis.coalesce(ad_reports.campaign_id, ""),
    )
    keys = ["date", "channel", "campaign"]
    views = _summed(named, [*keys, "attribution_model", "attribution_window_days"])
    once = views.group_by(keys).aggregate(**{c: views[c].max() for c in SUMS})
    total = _summed(once, ["date", "channel"])
    rows = frame(total.order_by("date", "channel")).rename(columns={"date": "day"})
    return rows.assign(day=pd.to_datetime(rows["day"]))


def _summed(t: ibis.Table, keys: list[str]) -> ibis.Table:
    sums = {c: t[c].sum().fill_null(0) for c in SUMS}
    whole = ibis.cases((t.spend.count() == t.count(), sums["spend"]))
    return t.group_by(keys).aggregate(**sums | {"spend": whole})


@dataclass(frozen=True)
class Money:
    """Sales (n,) and spend (k, n) by day; `found` is sales without the calendar.

    `reasons` says by channel whether its spend can teach anything; `weekly` is the standard
    deviation of a week's sales that the calendar leaves, `each` the value of an order, in money.
    """

    channels: tuple[str, ...]
    first: date
    last: date
    sales: Floats
    spend: Floats
    clicks: Floats
    orders: Floats
    found: Series
    reasons: tuple[str, ...]
    weekly: float
    each: float

    @property
    def now(self) -> Floats:
        """Spend a day (k,) of the last 56 days."""
        return floats(self.spend[:, -NOW_DAYS:].mean(axis=1))

    @property
    def tried(self) -> Floats:
        """The highest and the lowest weekly mean of spend a day, of shape (k, 2)."""
        weeks = by_week(self.spend) / WEEK
        return np.stack([weeks.min(axis=1), weeks.max(axis=1)], axis=1)


def by_week(rows: Floats) -> Floats:
    """Return sums of seven days, the last whole weeks of (k, n), of shape (k, n // 7).

    >>> by_week(np.ones((1, 15))).tolist()
    [[7.0, 7.0]]
    """
    weeks = rows.shape[1] // WEEK
    kept = rows[:, rows.shape[1] - weeks * WEEK :]
    return floats(kept.reshape(rows.shape[0], weeks, WEEK).sum(axis=2))


def days_both(shop: Shop, by: str, as_of: date | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return daily sales, and daily spend, both cut to the days that both cover."""
    sold = daily(shop.orders, as_of=as_of).set_index("day")
    ads = daily_spend(shop.ad_reports, by)
    low, high = max(sold.index[0], ads["day"].min()), min(sold.index[-1], ads["day"].max())
    return sold[low:high], ads[ads["day"].between(low, high)]


def money(shop: Shop, sold: pd.DataFrame, ads: pd.DataFrame, calendar: str | None) -> Money:
    """Return sales and spend side by side, the calendar taken off, each channel judged."""
    n = len(sold)
    wide = {c: _wide(ads, c, sold.index) for c in ("spend", "clicks", "conversions")}
    channels = tuple(wide["spend"].columns)
    first = sold.index[0].date()
    facts = days(first, n, shop.festivals(calendar))
    share, weight, design, prior = calendar_parts(sold["amount"].to_numpy(), facts)
    found = series(floats(sold["amount"]), share, weight, design, prior)
    silent = wide["spend"].isna().mean()
    spend = floats(wide["spend"].interpolate(limit_direction="both").fillna(0.0).to_numpy().T)
    free = _organic(shop, channels, sold.index)
    left = _residuals(np.vstack([spend, floats(sold["amount"])[None], *free]), design, prior)
    reasons = tuple(
        _judge(spend[k], left[k], left[len(spend)], left[len(spend) + 1 :])
        if silent.iloc[k] <= FLOOR
        else "few"
        for k in range(len(spend))
    )
    noise = by_week((found.target * found.share[1:])[None]).std() * found.level
    return Money(
        channels=channels,
        first=first,
        last=sold.index[-1].date(),
        sales=floats(sold["amount"]),
        spend=spend,
        clicks=floats(wide["clicks"].to_numpy().T),
        orders=floats(wide["conversions"].to_numpy().T),
        found=found,
        reasons=reasons,
        weekly=float(noise),
        each=float(sold["amount"].sum() / max(sold["orders"].sum(), 1)),
    )


def _wide(ads: pd.DataFrame, column: str, index: pd.Index[Any]) -> pd.DataFrame:
    """Return a column by day and channel: 0 without a report, missing where a report is silent."""
    told = pd.crosstab(ads["day"], ads["channel"]).reindex(index).fillna(0) > 0
    cells = ads.pivot_table(index="day", columns="channel", values=column, aggfunc="first")
    wide = cells.reindex(index=index, columns=told.columns).astype(float)
    return wide.where(told, 0.0)


def _organic(shop: Shop, paid: Sequence[str], index: pd.Index[Any]) -> list[Floats]:
    """Return the visitors (1, n) of sources that cost nothing, where the shop knows them."""
    if "traffic_daily" not in shop:
        return []
    seen = traffic({"traffic_daily": shop.traffic_daily}, "source_l1")
    free = seen.filter(seen.source_l1.notin(list(paid)))
    rows = frame(free.group_by("day").aggregate(visitors=free.visitors.sum()))
    each = rows.assign(day=pd.to_datetime(rows["day"])).set_index("day")["visitors"]
    whole = each.reindex(index)
    return [floats(whole)[None]] if whole.notna().mean() > 1 - FLOOR else []


def _residuals(rows: Floats, design: Floats, prior: Floats) -> Floats:
    """Return weekly means of the logs of rows (m, n) that level and calendar leave."""
    filled = np.nan_to_num(rows)
    logs = np.log(filled + FLOOR * np.maximum(filled.mean(axis=1, keepdims=True), 1e-9))
    penalty = np.diag(0.3**2 / prior**2)
    effects = np.linalg.solve(design.T @ design + penalty, design.T @ logs.T)
    return by_week(logs - (design @ effects).T) / WEEK


def _judge(spend: Floats, left: Floats, sales: Floats, organic: Floats) -> str:
    """Return why a channel's spend can or cannot be learned from.

    It follows demand when it moves with visitors that cost nothing, or when last week's
    unexplained sales foretell it beyond its own last week.
    """
    if np.sum(spend > 0) < LEAST_DAYS / 2:
        return "few"
    if left.std() < STILL:
        return "still"
    before = np.c_[np.ones(len(left) - 1), left[:-1], sales[:-1]]
    coefficient, *_ = np.linalg.lstsq(before, left[1:], rcond=None)
    error = left[1:] - before @ coefficient
    inverse = np.linalg.inv(before.T @ before)
    t = coefficient[2] / np.sqrt(error.var() * inverse[2, 2])
    together = [abs(np.corrcoef(left, free)[0, 1]) for free in organic]
    moved = abs(t) > SURE or max(together, default=0.0) > FOLLOWS
    return "follows" if moved else "known"
