"""Margin, steadiness, growth and returns of every product, from sums that the engine makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
from scipy.optimize import isotonic_regression

from ecomops.data.policy import sold_lines
from ecomops.data.tables import NO, frame, number
from ecomops.maths.arrays import floats, ratio
from ecomops.maths.shrinkage import beta_binomial, partial_pooling
from ecomops.maths.survival import kaplan_meier

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

    from ecomops.data.shop import Shop

WEEKS, HALF = 52, 13
MOST = 2_000  # products with the largest margin
DEEPER = 0.05  # discount beyond a product's own average that makes a week a promotion
AGES = 9  # weeks of age told apart when returns are still to come
FOLLOWED = 90  # days after which a sale counts as kept
KEPT = ("price_protect", "live_cashback")  # refunds of goods that stay with the buyer
Z = 1.645


def dated_lines(shop: Shop, as_of: date) -> ibis.Table:
    """Return sold order lines with ``age`` (days before `as_of`) and ``week`` (0 is the last)."""
    lines = sold_lines(shop.order_lines).drop_null("product_id")
    day = ibis.coalesce(lines.paid_at, lines.created_at).date()
    lines = lines.mutate(day=day)
    lines = lines.mutate(age=ibis.literal(as_of).delta(lines.day, unit="day").cast("int64"))
    lines = lines.filter(lines.age >= 0)
    return lines.mutate(week=(lines.age / 7).floor().cast("int64"))


def weekly_sums(lines: ibis.Table) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return one row per product with sums over weeks, and the shop's pieces by week.

    Sums without a product's own promotion weeks tell how steady it is against the rest of the
    shop: ``x`` its pieces, ``i`` those of all others in the same week.
    """
    lines = lines.filter(lines.week < WEEKS)
    money = {
        "pieces": lines.quantity.sum().cast("float64"),
        "paid": lines.line_paid_amount.sum().cast("float64"),
        "listed": lines.line_list_amount.fill_null(lines.line_paid_amount).sum().cast("float64"),
        "margin": (lines.line_paid_amount - lines.line_cost).sum(),  # exact in any order
        "name": lines.product_name.nullif("").max(),
    }
    by = lines.group_by(["product_id", "week"]).aggregate(**money)
    weeks = lines.group_by("week").aggregate(total=lines.quantity.sum().cast("float64"))
    mean = lines.group_by("product_id").aggregate(usual=1 - money["paid"] / money["listed"])
    t = by.join(weeks, "week").join(mean, "product_id")
    calm = (1 - t.paid / t.listed) <= t.usual + DEEPER
    t = t.mutate(rest=t.total - t.pieces, calm=calm)
    sums = {
        "margin": t.margin.sum(),
        "name": ibis.coalesce(t["name"].max(), t.product_id.max()),
        "pieces": t.pieces.sum(),
        "first": t.week.max(),
        "recent": t.pieces.sum(where=t.week < HALF).fill_null(0),
        "before": t.pieces.sum(where=(t.week >= HALF) & (t.week < 2 * HALF)).fill_null(0),
        "promoted": t.calm.ifelse(0, 1).sum(),
        "x": t.pieces.sum(where=t.calm),
        "xx": (t.pieces * t.pieces).sum(where=t.calm),
        "xi": (t.pieces * t.rest).sum(where=t.calm),
        "i": t.rest.sum(where=t.calm),
        "ii": (t.rest * t.rest).sum(where=t.calm),
        "sold_total": t.total.sum(),
        "sold_square": (t.total * t.total).sum(),
    }
    found = t.group_by("product_id").aggregate(**sums)
    best = found.order_by(ibis.desc(found.margin.fill_null(0)), "product_id").limit(MOST)
    return frame(best), frame(weeks.order_by("week"))


def steadiness(rows: pd.DataFrame, weeks: pd.DataFrame) -> Any:
    """Return the coefficient of variation by week around the shop's season, promotions left out.

    Weeks on sale without a piece count; fewer than 13 weeks give none.
    """
    total = np.zeros(WEEKS)
    total[weeks["week"].to_numpy(dtype=int)] = weeks["total"].to_numpy()
    upto, squares = np.cumsum(total), np.cumsum(total**2)
    first = rows["first"].to_numpy(dtype=int)
    i = rows["i"].to_numpy() + upto[first] - rows["sold_total"].to_numpy()
    ii = rows["ii"].to_numpy() + squares[first] - rows["sold_square"].to_numpy()
    x, xx, xi = (rows[c].to_numpy() for c in ("x", "xx", "xi"))
    level = ratio(x, i)
    weeks_on = first + 1 - rows["promoted"].to_numpy()
    around = xx - 2 * level * xi + level**2 * ii
    square = ratio(around, level**2 * ii) * weeks_on / np.maximum(weeks_on - 1, 1)
    return np.where(weeks_on >= HALF, np.sqrt(np.maximum(square, 0)), np.nan)


def growth(rows: pd.DataFrame) -> tuple[Any, Any, float]:
    """Return log growth against the shop, its error (last 13 weeks on the 13 before), the mean.

    Pulled to the mean; missing where a product was not on sale for 26 weeks. Errors are those of
    counts, widened by the spread that products show.
    """
    known = (rows["first"] >= 2 * HALF - 1).to_numpy()
    now, then = rows["recent"].to_numpy(), rows["before"].to_numpy()
    shop = np.log(now[known].sum() + 1) - np.log(then[known].sum() + 1)
    raw = np.log(now + 0.5) - np.log(then + 0.5) - shop
    error = np.sqrt(1 / (now + 0.5) + 1 / (then + 0.5))
    value, width = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    if known.sum() > 1:
        value[known], width[known], _, _ = partial_pooling(raw[known], error[known])
    return value, width, float(shop)


def returns(shop: Shop, lines: ibis.Table) -> pd.DataFrame | None:
    """Return ``product_id, lines, returned, seen, rate, low, high``; None without refunds.

    `seen` is how many lines' worth of time has passed for a return to show: recent sales count
    for the share of returns that come as early (Kaplan-Meier over all lines; their rates by age
    where no line's refund has a day).
    """
    marked = _marked(shop, lines)
    if marked is None:
        return None
    old = {f"a{k}": (marked.kind == k).ifelse(1, 0).sum() for k in range(AGES)}
    by = marked.group_by("product_id").aggregate(
        lines=marked.count(), returned=marked.back.ifelse(1, 0).sum(), **old
    )
    rows = frame(by.order_by("product_id"))
    part = _arrived(marked)
    seen = rows[[f"a{k}" for k in range(AGES)]].to_numpy() @ part
    found = beta_binomial(rows["returned"], seen)
    rates = {"seen": seen, "rate": found.mean, "low": found.low, "high": found.high}
    return rows[["product_id", "lines", "returned"]].assign(**rates)


def _marked(shop: Shop, lines: ibis.Table) -> Any:
    """Return lines with ``back`` (returned), ``kind`` and, if told, ``time`` (to it, or age)."""
    lines = lines.filter(lines.week < WEEKS)
    if "refunds" in shop and number(shop.refunds.order_line_id.count()):
        r = shop.refunds
        kept = r.refund_type.isin(KEPT).fill_null(NO)
        r = r.filter(r.refund_status.fill_null("refunded") == "refunded", ~kept)
        back = r.group_by("order_line_id").aggregate(at=r.refunded_at.min())
        t = lines.select("order_line_id", "product_id", "day", "age", "week")
        t = t.left_join(back, "order_line_id")
        wait = t.at.date().delta(t.day, unit="day").cast("int64")
        t = t.mutate(back=(wait.between(0, FOLLOWED) & (wait <= t.age)).fill_null(NO))
        t = t.mutate(time=ibis.ifelse(t.back, wait, t.age))
    else:
        if not number(lines.line_refund_amount.count()):
            return None
        t = lines.mutate(back=(lines.line_refund_amount > 0).fill_null(NO))
    return t.mutate(kind=ibis.least(t.week, AGES - 1))


def _arrived(marked: Any) -> Any:
    """Return the share of all returns that have come by each week of age, the last one whole.

    Without days of refunds it is the rising rate by age (Ayer et al. 1955, Ann. Math. Stat. 26).
    """
    if "time" not in marked.columns:
        ages = marked.group_by("kind").aggregate(n=marked.count(), back=marked.back.sum())
        rows = frame(ages).set_index("kind").astype(float).reindex(range(AGES), fill_value=1e-9)
        rate = isotonic_regression(rows["back"] / rows["n"], weights=rows["n"]).x
        return rate / rate[-1] if rate[-1] > 0 else np.ones(AGES)
    t = marked.mutate(time=ibis.least(marked.time, FOLLOWED + 1))
    counts = t.group_by("time").aggregate(
        events=t.back.ifelse(1, 0).sum(), censored=t.back.ifelse(0, 1).sum()
    )
    days = frame(counts.order_by("time"))
    curve = kaplan_meier(days["time"], days["events"], days["censored"])
    back = 1 - curve.survival
    if back[-1] <= 0:
        return np.ones(AGES)
    middle = 7 * np.arange(AGES) + 3
    share = floats(np.interp(middle, curve.time, back / back[-1]))
    share[-1] = 1.0
    return share
