"""What was not left to chance is measured beside what was left alone: channels, days, products."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import pandas as pd

from ecomops.base.errors import DataError
from ecomops.channel.holdout import incremental
from ecomops.channel.journeys import conversions
from ecomops.channel.spending import one_report
from ecomops.data.policy import POLICY, earned, sold_lines
from ecomops.data.tables import NO, exact, frame
from ecomops.maths import forecast as maths
from ecomops.maths.arrays import Z90
from ecomops.maths.placebo import FEWEST, before_after
from ecomops.metrics.daily import daily, history
from ecomops.report.outcome import CARRIED, Outcome

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    from ecomops.data.shop import Shop
    from ecomops.report.outcome import Deed

SEED = 20_251_210
LEFT = 20  # visitors held out after the decision, from which a holdout says something
SOLD = 10  # lines before the decision, of a product that is compared
WEEK, WEEKS = 7, 26  # before the decision, from which its usual spending is known
SAME = 0.05  # a price that moved less was left alone
SUMS = ["before", "before2", "after", "after2"]


def holdout(shop: Shop, deed: Deed) -> Outcome | None:
    """Return what spending less on a channel saved, less what the lost visitors would have brought.

    The holdout that still runs on what is left says what an exposed visitor brings; how many were
    given up says the growth of the other channels. None where no holdout runs any more.
    """
    channel = str(deed.change.get("channel", deed.name))
    if "touchpoints" not in shop or "is_holdout" not in shop.touchpoints.columns:
        return None
    after = _met(shop.touchpoints, channel, deed.start, deed.end)
    if after["held"][True] < LEFT or not after["n"][True]:
        return None
    before = _met(shop.touchpoints, channel, deed.start - timedelta(days=deed.days), deed.decided)
    if not before["cost"][True] or not before["n"][False] or not after["n"][False]:
        return Outcome("history")
    growth = after["n"][False] / before["n"][False]
    expected = growth * before["cost"][True]
    saved = expected - after["cost"][True]
    if saved < CARRIED * float(deed.change.get("cut", 1)) * expected:
        return Outcome("not_done")
    noise = growth**2 * before["squares"][True] + after["squares"][True]
    noise += expected**2 * (1 / before["n"][False] + 1 / after["n"][False])
    return _saved(shop, deed, channel, (saved, float(np.sqrt(noise))))


def _met(touchpoints: ibis.Table, channel: str, first: date, last: date) -> pd.DataFrame:
    """Return touches, cost and ghosts between two days: of the channel (True), of the others."""
    t = touchpoints.filter(touchpoints.event_time.date().between(first, last))
    t = t.filter(ibis.coalesce(t.channel, "") != "", ibis.coalesce(t.order_id, "") == "")
    held = t.is_holdout.cast("boolean").fill_null(NO)
    cost = t.cost.cast("float64").fill_null(0)
    by = t.group_by(mine=t.channel == channel).aggregate(
        n=(~held).cast("int64").sum(),
        held=held.cast("int64").sum(),
        cost=exact(cost).sum(where=~held),
        squares=exact(cost * cost).sum(where=~held),
    )
    return frame(by).set_index("mine").reindex([True, False]).astype(float).fillna(0)


def _saved(shop: Shop, deed: Deed, channel: str, saved: tuple[float, float]) -> Outcome | None:
    events = shop.touchpoints
    rows = incremental(events, by="channel", start=deed.start, end=deed.end).set_index("channel")
    sold = conversions(events.filter(events.event_time.date().between(deed.start, deed.end)))
    sums = frame(sold.aggregate(orders=sold.conversions.sum(), value=sold.value.sum())).iloc[0]
    if not rows["cost"].get(channel, 0.0) > 0 or not sums["orders"] > 0:
        return None
    (amount, error), cost = saved, float(rows["cost"][channel])
    each = sums["value"] / sums["orders"] * float(shop.margin or 0)
    kept, least, most = (1 - rows[k][channel] / cost * each for k in ("conversions", "high", "low"))
    value, wobble = amount * kept, Z90 * error * kept
    low = value - np.hypot(amount * (kept - least), wobble)
    high = value + np.hypot(amount * (most - kept), wobble)
    return Outcome("holdout", float(value), float(low), float(high))


def days(shop: Shop, deed: Deed, others: Collection[Deed]) -> Outcome:
    """Return what moving advertising money did to the days after it.

    Sales beside what the days before the decision foretold, calendar included, with the errors of
    earlier forecasts of as many days; less what was spent more than in the weeks before. Two such
    moves at once cannot be told apart.
    """
    if any(deed.meets(other) and other.lever == "spend" for other in others):
        return Outcome("overlap")
    if "ad_reports" not in shop:
        return Outcome("no_spend")
    spent = _spent(shop, deed)
    if spent is None:
        return Outcome("not_done")
    try:
        known = history(shop, as_of=deed.decided)
    except DataError:  # nothing was sold before
        return Outcome("history")
    y, gap = known.values("amount"), (deed.decided - known.end).days
    ahead = deed.days + gap
    if not 7 <= ahead <= 120 or y.size < maths.MIN_DAYS + 2 * ahead:  # noqa: PLR2004 - as in store.forecast
        return Outcome("history")
    found = maths.forecast(y, known.days(ahead), seed=SEED)
    later = daily(shop.orders, as_of=deed.end)
    actual = float(later.loc[later["day"] > str(deed.decided), "amount"].sum())
    gained = (actual - found.draws[:, gap:].sum(axis=1)) * float(shop.margin or 0) - spent[0]
    low, value, high = (float(q) for q in np.quantile(gained, [0.05, 0.5, 0.95]))
    ends = (
        value + side * np.hypot(end - value, Z90 * spent[1]) for side, end in ((-1, low), (1, high))
    )
    return Outcome("days", value, *(float(end) for end in ends))


def _spent(shop: Shop, deed: Deed) -> tuple[float, float] | None:
    """Return what a deed's channels cost more than in the weeks before it, and the error of that.

    None when the money did not move.
    """
    ads, _ = one_report(shop.ad_reports)
    names = [deed.change.get(key) for key in ("channel", "campaign", "to", "source")]
    known = {*filter(None, names), deed.name}
    place = ads.scene_name.fill_null(ads.platform)
    mine = ads.filter(place.isin(known) | ads.campaign_name.isin(known)).mutate(place=place)
    since = deed.start - timedelta(days=WEEKS * WEEK)
    mine = mine.filter(mine.date.between(ibis.literal(since), ibis.literal(deed.end)))
    sums = frame(mine.group_by("place", "date").aggregate(spend=mine.spend.sum()))
    if sums.empty:
        return None
    by = sums.pivot_table(index="date", columns="place", values="spend", aggfunc="sum")
    by.index = pd.to_datetime(by.index)
    by = by.reindex(pd.date_range(by.index.min(), deed.end)).fillna(0).astype(float)
    after, before = by.loc[str(deed.start) :], by.loc[: str(deed.decided)]
    if len(before) < 2 * WEEK:
        return None
    moved = after.sum() - before.mean() * deed.days
    given = before.mean().drop(deed.change.get("to") or "", errors="ignore").sum()
    planned = float(deed.change.get("cut", 1)) * float(given)
    if deed.analysis == "channel.reallocate":
        planned = float(deed.change["amount"])
    if not moved.abs().max() >= CARRIED * planned * deed.days > 0:
        return None
    week = before.sum(axis=1)[::-1].reset_index(drop=True)
    weekly = week.groupby(week.index // WEEK).sum()[: len(week) // WEEK]
    span = deed.days / WEEK
    error = float(weekly.std()) * np.sqrt(span + span**2 / len(weekly))
    return float(moved.sum()), float(error)


def products(shop: Shop, deed: Deed, others: Collection[Deed]) -> Outcome:
    """Return what a change of products brought: after against before, beside untouched products.

    As many days before the decision as after it. Untouched are products that sold before, kept
    their price and belong to no other deed of these days.
    """
    if "order_lines" not in shop:
        return Outcome("no_lines")
    rows = _sold(shop, deed)
    mine = [item for item in _named(shop, deed) if item in rows.index]
    if not mine or rows.loc[mine, "lines"].sum() < SOLD:
        return Outcome("few")
    if deed.lever == "price" and not _repriced(rows.loc[[mine[0]]].iloc[0], deed):
        return Outcome("not_done")
    taken = {item for other in others if deed.meets(other) for item in _named(shop, other)}
    still = (rows["price"] / rows["price_before"] - 1).abs() <= SAME
    alone = rows[(rows["lines"] >= SOLD) & still & ~rows.index.isin({*taken, *mine})]
    if len(alone) < FEWEST or alone["before"].sum() <= 0:
        return Outcome("no_controls")
    found = before_after(rows.loc[mine, SUMS].sum(), alone[SUMS])
    return Outcome("controls", found.value, found.low, found.high)


def _named(shop: Shop, deed: Deed) -> list[str]:
    """Return the ids of the products that a deed changes."""
    kind, _, name = deed.subject.partition(":")
    if kind == "product":
        return [name]
    items = list(deed.change.get("items", ()))
    if "products" not in shop or len(items) < int(deed.change.get("count", len(items))):
        return []  # the deed names only some of them
    t = shop.products
    hits = frame(t.filter(t.product_name.isin(items)).select("product_id").distinct())
    return sorted(hits["product_id"])


def _sold(shop: Shop, deed: Deed) -> pd.DataFrame:
    """Return sums by product before and after a decision."""
    since = deed.start - timedelta(days=deed.days)
    orders = POLICY.sales(shop.orders)
    orders = orders.select("order_id", day=orders["at"].date())
    t = sold_lines(shop.order_lines).drop("paid_at", "created_at").join(orders, "order_id")
    t = t.filter(t.day.between(since, deed.end), t.quantity > 0, t.line_cost >= 0)
    t = t.mutate(earned=earned(t), later=t.day > ibis.literal(deed.decided))
    rows = frame(
        t.group_by("product_id").aggregate(
            **{f"before{n}": _power(t, int(n or 1), ~t.later) for n in ("", "2")},
            **{f"after{n}": _power(t, int(n or 1), t.later) for n in ("", "2")},
            price_before=_price(t, ~t.later),
            price=_price(t, t.later),
            lines=(~t.later).cast("int64").sum(),
        )
    )
    rows = rows.set_index("product_id").astype(float).sort_index()
    return rows.fillna(dict.fromkeys(SUMS, 0.0))


def _power(t: ibis.Table, power: int, where: Any) -> Any:
    return exact(t.earned**power).sum(where=where)


def _price(t: ibis.Table, where: Any) -> Any:
    listed = exact(t.unit_price.cast("float64") * t.quantity).sum(where=where)
    return listed.cast("float64") / t.quantity.sum(where=where)


def _repriced(row: pd.Series[Any], deed: Deed) -> bool:
    """Return whether the price moved, and at least a third of the way that was advised."""
    planned = float(deed.change["best"]) - float(deed.change["price"])
    moved = (row["price"] - row["price_before"]) * np.sign(planned)
    return bool(moved >= CARRIED * abs(planned) > 0)
