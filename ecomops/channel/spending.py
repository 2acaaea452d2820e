"""What advertising spent and brought, by campaign: sums, completed for orders still to come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import pandas as pd

from ecomops.data.tables import exact, frame
from ecomops.maths.arrays import Floats, floats

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

WINDOW = 15  # days, where reports do not say
LONGEST = 30
LEAST = 30  # orders before their delay is a curve
CUMULATIVE, ENDLESS = -1, 10_000


@dataclass(frozen=True)
class Delay:
    """Share of a click's orders that are reported within 0, 1, 2 … days, and how it is known.

    `source` is "given", "windows" (the same days reported at several windows), "touchpoints"
    (from click to order) or "unknown"; then days within the window are not judged at all.
    """

    share: Floats
    source: str

    def at(self, age: int) -> float:
        """Return the share reported `age` days after the click."""
        return float(self.share[min(age, self.share.size - 1)])


def one_report(ads: ibis.Table) -> tuple[ibis.Table, int]:
    """Return the rows of one attribution model and one window, the longest, and that window.

    Platforms report the same spending once per window; adding them up would count it twice.
    """
    by = ads.group_by(model=ads.attribution_model, window=ads.attribution_window_days)
    kinds = frame(by.aggregate(spend=ads.spend.sum(), orders=ads.conversions.sum().fill_null(0)))
    kinds = kinds.assign(order=kinds["window"].replace(CUMULATIVE, ENDLESS).fillna(0))
    ranked = kinds.sort_values(["order", "orders", "model"], ascending=[False, False, True])
    best = ranked.iloc[0]
    model = None if pd.isna(best["model"]) else best["model"]
    same_model = ads.attribution_model.identical_to(model)
    same_window = (ads.attribution_window_days == int(best["order"])).fill_null(
        pd.isna(best["window"])
    )
    if best["order"] == ENDLESS:
        same_window = ads.attribution_window_days == CUMULATIVE
    window = int(best["window"]) if 0 < best["order"] <= LONGEST else WINDOW
    return ads.filter(same_model & same_window), window


def delay_of(
    ads: ibis.Table,
    touchpoints: ibis.Table | None,
    last: date,
    window: int,
    given: Sequence[float] | None = None,
) -> Delay:
    """Return how orders of a click come in over the `window` days after it."""
    if given is not None:
        return Delay(floats([*given, 1.0]), "given")
    curve = _from_windows(ads, last)
    if curve is not None:
        return Delay(curve, "windows")
    lags = _lags(ads, touchpoints, last, window) if touchpoints is not None else np.zeros(0)
    if lags.sum() >= LEAST:
        return Delay(floats(np.cumsum(lags) / lags.sum()), "touchpoints")
    return Delay(floats(np.r_[np.zeros(window), 1.0]), "unknown")


def _from_windows(ads: ibis.Table, last: date) -> Floats | None:
    """Return the curve from days that are complete, where several windows report them."""
    kept = ads.filter(
        ads.date < last - timedelta(days=LONGEST), ads.attribution_window_days.between(1, LONGEST)
    ).drop_null("conversions")
    model = kept.attribution_model.fill_null("unknown")
    by = kept.group_by(model=model, window=kept.attribution_window_days)
    sums = frame(by.aggregate(orders=kept.conversions.sum(), spend=kept.spend.sum()))
    if sums.empty:
        return None
    model = sums.groupby("model")["orders"].sum().sort_index().idxmax()
    mine = sums[sums["model"] == model].sort_values("window")
    if len(mine) == 1 or mine["orders"].iloc[-1] < LEAST:
        return None
    per = mine["orders"] / mine["spend"]
    shares = np.minimum(per / per.iloc[-1], 1.0)
    # orders within w days are those of w calendar days, the click's own the first
    days = np.arange(int(mine["window"].iloc[-1]))
    return floats(np.maximum.accumulate(np.interp(days, mine["window"] - 1, shares)))


def _lags(ads: ibis.Table, touchpoints: ibis.Table, last: date, window: int) -> Floats:
    """Return orders by days since the last paid click before them, of clicks that are complete."""
    t = touchpoints
    names = frame(ads.select("scene_name").distinct())["scene_name"].dropna().tolist()
    is_order = ibis.coalesce(t.order_id, "") != ""
    paid = t.filter(t.channel.isin(names), ~is_order)
    if "is_holdout" in t.columns:
        paid = paid.filter(~ibis.coalesce(paid.is_holdout.cast("boolean"), False))
    clicks = paid.select(visitor_id=paid.visitor_id, click=paid.event_time)
    bought = t.filter(is_order)
    orders = bought.group_by("visitor_id", "order_id").aggregate(bought=bought.event_time.min())
    pairs = clicks.join(orders, "visitor_id")
    pairs = pairs.filter(pairs.click <= pairs.bought)
    each = pairs.group_by("order_id").aggregate(click=pairs.click.max(), bought=pairs.bought.max())
    each = each.mutate(lag=each.bought.date().delta(each.click.date(), unit="day"))
    each = each.filter(each.lag <= window, each.click.date() <= last - timedelta(days=window))
    counts = frame(each.group_by("lag").aggregate(n=each.count()))
    out = np.zeros(window + 1)
    out[counts["lag"].astype(int)] = counts["n"]
    return floats(out)


KEYS = ("platform", "scene_name", "campaign_id")


def sums(ads: ibis.Table, delay: Delay, last: date, days: int) -> pd.DataFrame:
    """Return one row per campaign over the `days` up to `last`, the largest spending first.

    ``campaign, channel, campaign_id, days, spend, clicks, orders, amount``; ``mature`` is spending
    weighted with the share of its orders that is reported by now, 0 on days without a report of
    orders; ``valued`` are the orders whose amount is reported. For the spread between days:
    ``matched`` are the orders of days with spending, ``squares`` the sum of their squares / mature,
    ``value_squares`` that of amount² / orders.
    """
    kept = ads.filter(ads.date.between(last - timedelta(days=days - 1), last))
    one = [*KEYS, "date"]
    by = kept.group_by(one).aggregate(
        name=kept.campaign_name.max(),
        spend=kept.spend.sum().cast("float64"),
        clicks=kept.clicks.sum(),
        orders=kept.conversions.sum().cast("float64"),
        amount=kept.conversion_value.sum().cast("float64"),
    )
    known = ibis.cases(*[
        (by.date == last - timedelta(days=age), delay.at(age)) for age in range(days)
    ])  # fmt: skip
    told = by.orders.notnull()  # noqa: PD004 - ibis has no other
    daily = by.mutate(mature=told.ifelse(by.spend * known, 0.0), seen=told & (known > 0))
    spent = daily.mature > 0
    valued = daily.seen & daily.amount.notnull()  # noqa: PD004 - ibis has no other
    each = daily.group_by(list(KEYS)).aggregate(
        name=daily.name.max(),
        days=daily.count(where=daily.spend > 0),
        clicks=daily.clicks.sum(),
        spend=_total(daily.spend),
        orders=_total(daily.orders, daily.seen),
        amount=_total(daily.amount, daily.seen),
        valued=_total(daily.orders, valued),
        mature=_total(daily.mature),
        matched=_total(daily.orders, spent),
        squares=_total(daily.orders**2 / daily.mature, spent),
        value_squares=_total(daily.amount**2 / daily.orders, valued & (daily.orders > 0)),
    )
    rows = frame(each.filter(each.spend > 0))
    rows["channel"] = rows["scene_name"].fillna(rows["platform"])
    rows["campaign"] = rows["name"].fillna(rows["campaign_id"]).fillna(rows["channel"])
    keys = ["spend", "channel", "campaign", "campaign_id"]
    ranked: pd.DataFrame = rows.sort_values(keys, ascending=[False, True, True, True])
    return ranked.reset_index(drop=True)


def _total(value: Any, where: Any = None) -> Any:
    """Return a sum that does not depend on the order of rows: floats would, in the last digits."""
    kept = value if where is None else where.ifelse(value, ibis.null())
    return exact(kept).sum().fill_null(0)


def by_channel(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `sums` added up by channel; ``days`` are those of all its campaigns."""
    added = [c for c in rows.columns if rows[c].dtype.kind in "fi"]
    out: pd.DataFrame = rows.groupby("channel", as_index=False)[added].sum()
    out = out.assign(campaign=out["channel"], campaign_id=None)
    return out.sort_values(["spend", "channel"], ascending=[False, True], ignore_index=True)
