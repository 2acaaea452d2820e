"""When customers order again, counting those still being waited for, and when to call one lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import ibis
import numpy as np
import pandas as pd

from ecomops.base import checks
from ecomops.customer import holdout
from ecomops.customer.activity import days_between
from ecomops.customer.basis import basis
from ecomops.customer.curve import draw_curve
from ecomops.data.tables import frame
from ecomops.maths import survival
from ecomops.maths.proportions import wilson
from ecomops.metrics.customers import Customers, customers
from ecomops.result import Action, Finding, Need, Result, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ecomops.result.words import Words

AFTER = ("first", "any")
DAYS = (30, 60, 90, 180, 365)
HORIZON, YARDSTICK = 365, 90
ENOUGH = 30  # people old enough for a day, below which the curve is not read
LEVEL = 0.90
SAME_DAY = 0.01  # share of waits that end on their first day: enough to bend the curve
LIFT = 0.1  # of the rate: the smallest effect of a reminder worth a test


def gaps(facts: Customers, after: str) -> ibis.Table:
    """Return one row per wait for the next order: ``age, gap``, in days.

    `age` runs from the order to the end of the data, `gap` to the next order, missing where there
    is none yet. After the ``"first"`` order there is one wait per customer; after ``"any"``, one
    per order.
    """
    if after == "first":
        t = facts.table.filter(facts.table.orders > 0)
        start, following = t.first_day, t.second_day
    else:
        t = facts.purchases.select(customer_id="customer_id", at=facts.purchases["at"])
        order = ibis.window(group_by="customer_id", order_by="at")
        t = t.mutate(start=t["at"].date(), following=t["at"].lead().over(order).date())
        start, following = t.start, t.following
    end = ibis.literal(facts.as_of)
    age, gap = (days_between(late, start) for late in (end, following))
    return t.select(age=age, gap=gap)


def by_age(t: ibis.Table, days: tuple[int, ...] = DAYS) -> pd.DataFrame:
    """Return waits by `age`: ``waits``, ``ended``, and ``ended_n``, those of a gap up to n days."""
    within = {f"ended_{n}": (t.gap <= n).ifelse(1, 0).sum() for n in days}
    made = t.group_by("age").aggregate(waits=t.count(), ended=t.gap.count(), **within)
    return frame(made).set_index("age").sort_index()


def waits(t: ibis.Table, ages: pd.DataFrame) -> pd.DataFrame:
    """Return, for every day from 0, what happened to the waits: ``events, censored, old_enough``.

    Events ended with an order on that day, the censored were last waited for then; old enough are
    the waits that began so many days before the end, whatever became of them.
    """
    ended = t.filter(t.gap.notnull())  # noqa: PD004 - ibis has no other
    events = frame(ended.group_by("gap").aggregate(n=ended.count())).set_index("gap")["n"]
    every = pd.RangeIndex(int(ages.index.max()) + 1, name="day")
    counts = {
        "events": events.reindex(every, fill_value=0),
        "censored": (ages["waits"] - ages["ended"]).reindex(every, fill_value=0),
        "old_enough": ages["waits"].reindex(every, fill_value=0)[::-1].cumsum(),
    }
    seen = (counts["events"] + counts["censored"]).to_numpy().nonzero()[0]
    return pd.DataFrame(counts).iloc[: seen[-1] + 1].astype(float).reset_index()


def rates(ages: pd.DataFrame, days: tuple[int, ...] = DAYS) -> pd.DataFrame:
    """Return the share of new customers with a second order by day n, with its interval.

    ``day, old_enough, rate, low, high``; `ages` is `by_age` of waits after the first order. Only
    customers whose first order lies n days or more before the end of the data count.
    """
    tables = {n: ages[ages.index >= n] for n in days}
    old = [float(t["waits"].sum()) for t in tables.values()]
    again = [float(t[f"ended_{n}"].sum()) for n, t in tables.items()]
    low, high = wilson(again, old, LEVEL)
    rate = np.divide(again, old, out=np.full(len(days), np.nan), where=np.array(old) > 0)
    return pd.DataFrame({"day": days, "old_enough": old, "rate": rate, "low": low, "high": high})


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Repeat(Result):
    """The curve of returning customers; `rates` by day n, `naive` the simple count, `threshold`."""

    code: ClassVar[str] = "customer.repeat"
    columns: ClassVar[dict[str, str]] = {
        "day": "count",
        "at_risk": "count",
        "repeated": "percent",
        "low": "percent",
        "high": "percent",
    }

    rates: pd.DataFrame = field(default_factory=pd.DataFrame)
    naive: np.ndarray[Any, np.dtype[np.float64]] = field(default_factory=lambda: np.empty(0))
    threshold: float = float("nan")
    median: float = float("nan")
    mean_gap: float = float("nan")

    @property
    def horizon(self) -> int:
        """The last day the curve is read on: a year, or as far as enough are old enough."""
        return int(self.params["horizon"])

    def at(self, day: float) -> pd.Series[Any]:
        """Return the row of the curve on a day."""
        return self.rows[self.rows["day"] <= day].iloc[-1]

    def findings(self) -> tuple[Finding, ...]:
        """Say when a customer counts as lost, how many come back, and how often customers buy."""
        n = self.basis.n
        said = [self._lost(n)]
        if np.isfinite(self.at(self.horizon)["low"]):
            said.append(self._returned(n))
        by_day = self.rates[(self.rates["old_enough"] >= ENOUGH)]
        if len(by_day):
            row = by_day[by_day["day"] <= max(YARDSTICK, by_day["day"].min())].iloc[-1]
            values = {"day": int(row["day"]), **{k: row[k] for k in ("rate", "low", "high")}}
            said.append(Finding("by_day", "note", values, int(row["old_enough"])))
        values = {"share": self.params["one_time"]}
        if self.params["after"] == "any":
            values["waiting"] = self.params["censored"]
        said.append(Finding("waits" if "waiting" in values else "one_time", "note", values, n))
        if self.params["same_day"] >= SAME_DAY:
            said.append(Finding("same_day", "watch", {"share": self.params["same_day"]}, n))
        return tuple(said)

    def _lost(self, n: int) -> Finding:
        if not np.isfinite(self.threshold):
            return Finding("nobody", "watch", {"customers": n, "horizon": self.horizon}, n)
        values = {
            "day": int(self.threshold),
            "returned": self.params["returned"],
            "horizon": self.horizon,
            "median": self.median,
        }
        return Finding("threshold", "note", values, n)

    def _returned(self, n: int) -> Finding:
        row = self.at(self.horizon)
        naive = float(self.naive[min(self.horizon, len(self.naive) - 1)])
        values = {k: row[k] for k in ("repeated", "low", "high")}
        return Finding("returned", "note", {**values, "horizon": self.horizon, "naive": naive}, n)

    def propose(self) -> tuple[Action, ...]:
        """Propose to remind new customers when most still return; timing has no value by itself."""
        if not np.isfinite(self.threshold):
            return ()
        change = {"start": self.params["quarter_day"], "stop": int(self.median)}
        change["day"] = int(self.threshold)
        rate = float(self.at(self.threshold)["repeated"])
        people = holdout.per_group(rate, LIFT * rate) if 0 < rate < 1 else 0
        if not people:
            return ()
        change |= {"people": people, "rate": rate, "lift": LIFT, "customers": self.basis.n}
        expires = (self.basis.end or date.max) + timedelta(days=90)
        code = "remind" if 2 * people <= self.basis.n else "too_few"
        return (Action(code, ("threshold",), change, "D", expires),)

    def layout(self, *, wide: bool) -> style.Layout:
        """Return height and margins in pixels."""
        if wide:
            return style.Layout(400, left=40, right=128, top=44, bottom=84)
        return style.Layout(370, left=34, right=16, top=44, bottom=84)

    def draw(self, ax: Axes, *, wide: bool, words: Words) -> None:
        """Draw the curve with band, simple count, threshold and numbers at risk."""
        rows = self.rows[self.rows["day"] <= self.horizon]
        draw_curve(
            ax, rows, self.naive[: len(rows)], self._threshold_words(words), wide=wide, words=words
        )

    def _threshold_words(self, words: Words) -> dict[str, Any]:
        if not np.isfinite(self.threshold):
            return {}
        level = float(self.at(self.threshold)["repeated"])
        share = {"returned": self.params["returned"], "horizon": self.horizon}
        return {
            "day": self.threshold,
            "level": level,
            "head": words.say("labels", "threshold", day=self.threshold),
            "sub": words.say("labels", "threshold_sub", **share),
        }


def repeat(
    orders: object,
    *,
    as_of: date | str | None = None,
    after: str = "first",
    returned: float = 0.8,
    lang: str | None = None,
) -> Repeat:
    """Estimate how long customers take to order again, and from which day on one counts as lost.

    Parameters
    ----------
    orders
        One row per order: ``order_id, customer_id, created_at`` or ``paid_at``, ``paid_amount``,
        where there are ``refund_amount, order_status``.
    as_of
        Last day that counts; None is the last day with a sale.
    after
        ``"first"``: the wait from a customer's first order to the second. ``"any"``: every wait
        from an order to the next.
    returned
        The threshold is the first day by which this share, 0.5 to 0.99, of those who return within
        the horizon have done so.
    lang
        Language of the words.

    Returns
    -------
    Repeat
        `.table`: one row per day since the order: ``day, at_risk`` (still waited for at its
        start), ``repeated`` (share with another order by its end, Kaplan-Meier), ``low, high``
        (90 %; missing before the first return). `.threshold` and `.median` in days; `.rates`: the
        share with a second order by day 30, 60, 90, 180 and 365 among customers old enough;
        `.mean_gap`: days at risk per return, the mean gap where returning never gets rarer.

    Raises
    ------
    DataError
        When there is no sale, more than one currency or an impossible date.
    OptionError
        When a parameter is out of range.

    Notes
    -----
    Kaplan and Meier (1958). Whoever has not returned by `as_of` is censored, not counted as lost:
    the mean of finished gaps would be too short, the share of all customers who returned too low.
    Orders on one day are a return after 0 days. The horizon is 365 days, or the last day for
    which 30 waits are old enough.

    Examples
    --------
    >>> orders = pd.DataFrame(
    ...     {
    ...         "order_id": ["1", "2", "3", "4"],
    ...         "customer_id": ["a", "b", "a", "c"],
    ...         "created_at": ["2025-01-01", "2025-01-01", "2025-01-03", "2025-01-02"],
    ...         "paid_amount": [100.0, 60.0, 40.0, 80.0],
    ...     }
    ... )
    >>> print(
    ...     repeat(orders, as_of="2025-01-04")
    ...     .table[["day", "at_risk", "repeated"]]
    ...     .to_string(index=False)
    ... )
     day  at_risk  repeated
       0        3  0.000000
       1        3  0.000000
       2        3  0.333333
       3        1  0.333333
    """
    checks.choice("after", after, AFTER)
    checks.between("returned", returned, 0.5, 0.99)
    if orders is None:
        return Repeat.lock((Need("table", {"table": "orders"}),), lang=lang)
    facts = customers(orders, as_of=as_of)
    params: dict[str, Any] = {"after": after, "returned": returned}
    if not facts.coverage.purchases:
        need = Need("rows", {"needed": 1, "unit": "customers", "found": 0})
        return Repeat.lock((need,), lang=lang, **params)
    t = gaps(facts, after)
    ages = by_age(t)
    first = ages if after == "first" else by_age(gaps(facts, "first"))
    return _repeat(facts, waits(t, ages), rates(first), params, checks.language(lang))


def _repeat(
    facts: Customers, counted: pd.DataFrame, again: pd.DataFrame, params: dict[str, Any], lang: str
) -> Repeat:
    day, events, censored = (counted[c].to_numpy() for c in ("day", "events", "censored"))
    curve = survival.kaplan_meier(day, events, censored, LEVEL)
    horizon = _horizon(counted["old_enough"].to_numpy())
    total = events.sum() + censored.sum()
    people, once = facts.heads
    days = _reached(curve, horizon, (params["returned"], 0.5, 0.25))
    params = params | {
        "horizon": horizon,
        "censored": float(censored.sum() / total),
        "same_day": float(events[0] / total),
        "quarter_day": days[2],
        "one_time": once / people,
    }
    if not horizon:
        watched = int((counted["old_enough"].to_numpy()[1:2]).sum())
        need = Need("rows", {"needed": ENOUGH, "found": watched, "unit": "watched"})
        return Repeat.lock((need,), lang=lang, **params)
    return Repeat(
        rows=_rows(curve),
        basis=basis(facts, people),
        params=params,
        lang=lang,
        rates=again,
        naive=np.cumsum(events) / total,
        threshold=days[0],
        median=days[1],
        mean_gap=1 / rate if (rate := survival.hazard(day, events, censored)) > 0 else float("nan"),
    )


def _horizon(old_enough: np.ndarray[Any, np.dtype[np.float64]]) -> int:
    """Return a year, or the last day for which enough are old enough to read the curve."""
    enough = np.flatnonzero(old_enough >= min(ENOUGH, old_enough[0]))
    return min(HORIZON, int(enough[-1]))


def _reached(curve: survival.Curve, horizon: int, shares: tuple[float, ...]) -> list[float]:
    """Return the first days by which each share of those who return by `horizon` have done so."""
    back = 1 - curve.survival[: horizon + 1]
    if not back[-1] > 0:
        return [float("nan")] * len(shares)
    return [float(np.flatnonzero(back >= share * back[-1] - 1e-12)[0]) for share in shares]


def _rows(curve: survival.Curve) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "day": curve.time.astype(int),
            "at_risk": curve.at_risk.astype(int),
            "repeated": 1 - curve.survival,
            "low": 1 - curve.high,
            "high": 1 - curve.low,
        }
    )
