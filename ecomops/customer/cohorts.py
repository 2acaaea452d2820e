"""Whether new customers stay: what each intake does at each age, as far as it can be seen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from scipy.stats import norm

from ecomops.base import checks
from ecomops.customer import activity
from ecomops.customer.basis import basis
from ecomops.customer.triangle import ENOUGH, draw_groups, draw_triangle, triangle_layout
from ecomops.maths.proportions import newcombe, wilson
from ecomops.metrics import periods
from ecomops.metrics.customers import Customers, customers
from ecomops.result import Action, Finding, Need, Result, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ecomops.result.words import Words

PERIODS = ("day", "week", "month", "quarter")
WINDOWS = ("calendar", "rolling")
UNITS = {
    "retention": "percent",
    "revenue": "money",
    "orders": "number.2",
    "aov": "money",
    "ltv": "money",
}
ALL = "all"
LEVEL = 0.90
Z = float(norm.ppf(0.5 + LEVEL / 2))
SUSPECT = 1.25  # a first intake this much above the next ones holds old customers


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Cohorts(Result):
    """Cohorts by age; the rows of cohort ``"all"`` are the line over all cohorts old enough."""

    code: ClassVar[str] = "customer.cohorts"
    columns: ClassVar[dict[str, str]] = {
        "cohort": "label",
        "age": "count",
        "size": "count",
        "active": "count",
        "value": "number",
        "low": "number",
        "high": "number",
        "observed": "label",
    }

    def __post_init__(self) -> None:
        """Give `value` and its interval the unit of what was asked for."""
        unit = UNITS[self.params["value"]]
        columns = {**self.columns, **dict.fromkeys(("value", "low", "high"), unit)}
        object.__setattr__(self, "columns", columns)

    @property
    def line(self) -> pd.DataFrame:
        """The line over all cohorts old enough, one row per age (and group)."""
        return self.rows[(self.rows["cohort"] == ALL) & self.rows["value"].notna()]

    def findings(self) -> tuple[Finding, ...]:
        """Say how many come back, which intake stands out, and what the data cannot show."""
        n = self.basis.n
        said = [self._answer(n)]
        if self.params["value"] == "retention" and not self.params["by"]:
            said += self._outlier(n)
        partial = self.rows[self.rows["observed"] == "partial"]
        if len(partial):
            code = "partial_mean" if self.params["value"] == "aov" else "partial"
            said.append(Finding(code, "note", {"day": self.basis.end}, n))
        values = {"day": self.basis.start, "ratio": self.params["first_intake"]}
        code = "truncated_seen" if self.params["truncated"] else "truncated"
        said.append(Finding(code, "watch", values, n))
        return tuple(said)

    def _answer(self, n: int) -> Finding:
        value, period = self.params["value"], {"period": self.params["period"]}
        if self.params["by"]:
            return self._answer_by(n)
        seen = self.line[self.line["age"] >= (value != "ltv")]
        if seen.empty:
            return Finding(self._silence(), "watch", period, n)
        first, last = seen.iloc[0], seen.iloc[min(len(seen), 6) - 1]
        values = {k: first[k] for k in ("age", "value", "low", "high")} | period
        if len(seen) == 1:
            return Finding(f"only_{value}", "note", values, int(first["size"]))
        later = {"later_age": int(last["age"]), "later": last["value"]}
        later |= {"later_low": last["low"], "later_high": last["high"]}
        return Finding(f"answer_{value}", "note", values | later, int(first["size"]))

    def _silence(self) -> str:
        """Return why there is no value: nothing to be seen yet, or nobody who came back."""
        later = self.rows[(self.rows["cohort"] == ALL) & (self.rows["age"] > 0)]
        return "no_repeat" if len(later) else "too_young"

    def _answer_by(self, n: int) -> Finding:
        age = 0 if self.params["value"] == "ltv" else 1
        old = self.line[self.line["age"] == age]
        line = old[old["size"] >= ENOUGH].sort_values("value", ascending=False, kind="stable")
        if len(line) < 2:  # noqa: PLR2004 - nothing to compare
            values = {"period": self.params["period"], "count": len(line), "enough": ENOUGH}
            return Finding("few_groups" if len(old) else self._silence(), "watch", values, n)
        best, worst = line.iloc[0], line.iloc[-1]
        by = self.params["by"]
        unit = {"percent": "share", "money": "money"}.get(UNITS[self.params["value"]], "orders")
        values = {"best": best[by], **{k: best[k] for k in ("value", "low", "high")}}
        values |= {"worst": worst[by], "other": worst["value"]}
        values |= {"other_low": worst["low"], "other_high": worst["high"], "count": len(line)}
        code = f"groups_{unit}" if _apart(best, worst, len(line)) else f"alike_{unit}"
        return Finding(code, "note", {**values, "age": age, "period": self.params["period"]}, n)

    def _outlier(self, n: int) -> list[Finding]:
        """Return the intake that came back unlike the others, if chance does not do it."""
        at = self.rows[(self.rows["age"] == 1) & (self.rows["observed"] == "full")]
        at = at[(at["cohort"] != ALL) & (at["size"] > 0)]
        # a first intake that holds old customers is none like the others
        if self.params["truncated"]:
            at = at[at["cohort"] != self.rows["cohort"].iloc[0]]
        at = at.reset_index(drop=True)
        if len(at) < 3:  # noqa: PLR2004 - two intakes have no typical one
            return []
        rest = at["active"].sum() - at["active"], at["size"].sum() - at["size"]
        level = 1 - (1 - LEVEL) / len(at)  # Bonferroni: the largest of many differences
        gap, low, high = newcombe(at["active"], at["size"], *rest, level=min(level, 0.9999))
        sure = np.where((low > 0) | (high < 0), np.abs(gap), 0)
        if not sure.max():
            return []
        i = int(sure.argmax())
        ends = (100 * float(low[i]), 100 * float(high[i]))
        values = {"cohort": at["cohort"][i], "gap": float(gap[i]), "low": ends[0], "high": ends[1]}
        level_word = "good" if gap[i] > 0 else "watch"
        code = "intake_above" if gap[i] > 0 else "intake_below"
        return [Finding(code, level_word, {**values, "period": self.params["period"]}, n)]

    def propose(self) -> tuple[Action, ...]:
        """Propose to look into the weakest intake; the table alone gives that no value."""
        expires = (self.basis.end or date.max) + timedelta(days=30)
        weak = {f.code: f.values for f in self.findings()}.get("intake_below")
        change = {"cohort": weak["cohort"], "gap": weak["gap"]} if weak else {}
        return (
            (Action("look_into_intake", ("intake_below",), change, "D", expires),) if weak else ()
        )

    def layout(self, *, wide: bool) -> style.Layout:
        """Return height and margins in pixels."""
        if self.params["by"]:
            return style.Layout(
                320, left=58, right=170 if wide else 14, top=20 if wide else 64, bottom=46
            )
        return triangle_layout(self.rows, wide=wide)

    def draw(self, ax: Axes, *, wide: bool, words: Words) -> None:
        """Draw the triangle of cohorts and ages, or one line per group."""
        unit = UNITS[self.params["value"]]
        if self.params["by"]:
            draw_groups(ax, self.line, self.params["by"], unit, wide=wide, words=words)
        else:
            first = 1 if self.params["value"] == "retention" else 0
            draw_triangle(ax, self.rows, unit, first_age=first, wide=wide, words=words)


def _apart(best: Any, worst: Any, count: int) -> bool:
    """Return whether the first and the last of so many groups differ beyond chance.

    The difference by the ends of both intervals (Newcombe 1998), for all pairs (Bonferroni).
    """
    wider = float(norm.isf((1 - LEVEL) / (count * (count - 1)))) / Z
    below, above = best["value"] - best["low"], worst["high"] - worst["value"]
    return bool(best["value"] - worst["value"] > wider * np.hypot(below, above))


def cohorts(
    orders: object,
    *,
    period: str = "month",
    window: str = "calendar",
    value: str = "retention",
    by: str | None = None,
    as_of: date | str | None = None,
    lang: str | None = None,
) -> Cohorts:
    """Say how many customers of each intake come back, or what they bring, at each age.

    Parameters
    ----------
    orders
        One row per order: ``order_id, customer_id, created_at`` or ``paid_at``, ``paid_amount``,
        where there are ``refund_amount, order_status``. Money in the shop's currency.
    period
        ``"day"``, ``"week"`` (from Monday), ``"month"`` or ``"quarter"``.
    window
        ``"calendar"``: age k is the k-th period after that of the first order. ``"rolling"``: age k
        are the days from k to k + 1 times 1, 7, 30 or 90 days after each customer's first order.
    value
        ``"retention"`` (share of the cohort that orders), ``"revenue"`` and ``"orders"`` (net money
        and orders at that age per customer of the cohort), ``"aov"`` (net money per order) or
        ``"ltv"`` (net money up to and including that age per customer of the cohort).
    by
        A column of `orders`: one set of cohorts for each of its values at the first order.
    as_of
        Last day that counts; None is the last day with a sale.
    lang
        Language of the words.

    Returns
    -------
    Cohorts
        `.table`: one row per cohort and age from 0: ``cohort`` (such as ``"2025-11"``), ``age,
        size`` (customers of the cohort), ``active`` (with a purchase at that age), ``value``,
        ``low, high`` (90 % interval; of money missing where nobody came), ``observed`` (``full``,
        ``partial``, ``none``) and the column `by`. Values not yet observable are missing. Cohort
        ``"all"`` holds, at each age, the value over the cohorts that are fully observed at it,
        weighted by size. Ages end at 90 days, 104 weeks.

    Raises
    ------
    DataError
        When there is no sale, more than one currency, an impossible date or no column `by`.
    OptionError
        When a parameter is out of range.

    Notes
    -----
    Intervals: Wilson (1927) for shares, the normal approximation for means and, by the delta
    method, for money per order. First orders are first in this data: see the finding on truncation.

    Examples
    --------
    >>> orders = pd.DataFrame(
    ...     {
    ...         "order_id": ["1", "2", "3", "4"],
    ...         "customer_id": ["a", "b", "a", "c"],
    ...         "created_at": ["2025-01-05", "2025-01-20", "2025-02-28", "2025-02-28"],
    ...         "paid_amount": [100.0, 60.0, 40.0, 80.0],
    ...     }
    ... )
    >>> made = cohorts(orders, as_of="2025-02-28")
    >>> print(
    ...     made.table[["cohort", "age", "size", "active", "value", "observed"]].to_string(
    ...         index=False
    ...     )
    ... )
     cohort  age  size  active  value observed
    2025-01    0     2       2    1.0     full
    2025-01    1     2       1    0.5     full
    2025-02    0     1       1    1.0     full
    2025-02    1     1    <NA>    NaN     none
        all    0     3       3    1.0     full
        all    1     2       1    0.5     full
    """
    for name, given, allowed in (
        ("period", period, PERIODS),
        ("window", window, WINDOWS),
        ("value", value, UNITS),
    ):
        checks.choice(name, given, tuple(allowed))
    params: dict[str, Any] = {"period": period, "window": window, "value": value, "by": by}
    if orders is None:
        need = Need("table", {"table": "orders"})
        return Cohorts.lock((need,), lang=lang, **params)
    facts = customers(orders, as_of=as_of)
    if by is not None:
        checks.apart(by, Cohorts.columns)
        checks.columns("orders", facts.purchases.columns, (by,))
    if not facts.coverage.purchases:
        need = Need("rows", {"needed": 1, "unit": "customers", "found": 0})
        return Cohorts.lock((need,), lang=lang, **params)
    people = activity.members(facts, period, by)
    light = value == "retention" and window == "calendar" and period in activity.MONTHS
    sums = (
        activity.active_by_month(people, facts, period)
        if light
        else activity.sums_by_age(people, facts, period, window)
    )
    sizes = activity.sizes(sums)
    cells = _cells(sizes, sums, facts, period=period, window=window)
    if by is None and value != "ltv" and not cells["age"].max():
        need = Need("rows", {"needed": 2, "unit": f"{period}s", "found": 1})
        return Cohorts.lock((need,), lang=lang, **params)
    return Cohorts(
        rows=_table(cells, value, by),
        basis=basis(facts, int(sizes["size"].sum())),
        params=params | _first_intake(cells),
        lang=checks.language(lang),
    )


def _cells(
    sizes: pd.DataFrame, sums: pd.DataFrame, facts: Customers, *, period: str, window: str
) -> pd.DataFrame:
    """Return every cohort at every age: its sums, 0 where nothing happened, what is observed."""
    first = periods.start(facts.coverage.first_day, period)
    ages = _ages(facts, period, window)
    keys = [k for k in ("group", "cohort") if k in sizes.columns]
    cells = sizes.merge(pd.DataFrame({"age": range(ages)}), how="cross")
    cells = cells.merge(sums, how="left", on=[*keys, "age"]).sort_values(
        [*keys, "age"], ignore_index=True
    )
    starts = {c: periods.shift(first, period, int(c)) for c in cells["cohort"].unique()}
    seen = [
        activity.observed(starts[c], int(age), period, window, facts.as_of)
        for c, age in zip(cells["cohort"], cells["age"], strict=True)
    ]
    labels = {c: periods.label(day, period) for c, day in starts.items()}
    counted = [c for c in activity.SUMS if c in cells.columns]
    known = cells[counted].fillna(0)
    known.loc[np.array(seen) == "none"] = np.nan
    return cells.assign(cohort=cells["cohort"].map(labels), observed=seen, **known)


def _ages(facts: Customers, period: str, window: str) -> int:
    """Return how many ages the oldest cohort has begun, up to the most that are followed."""
    if window == "rolling":
        first = periods.start(facts.coverage.first_day, period)
        ages = (facts.as_of - first).days // activity.ROLLING_DAYS[period] + 1
    else:
        ages = len(periods.span(facts.coverage.first_day, facts.as_of, period))
    return min(ages, activity.MOST_AGES[period])


def _table(cells: pd.DataFrame, value: str, by: str | None) -> pd.DataFrame:
    """Return cohorts and the line over those old enough, as the stable columns."""
    keys = ["group"] if by else []
    if value == "ltv":
        grown = ["amount", "reached_2"]
        cells = cells.assign(**cells.groupby([*keys, "cohort"])[grown].cumsum())
    sums = [c for c in ("size", *activity.SUMS) if c in cells.columns]
    old = cells[cells["observed"] == "full"].groupby([*keys, "age"], as_index=False)[sums].sum()
    line = old.assign(cohort=ALL, observed="full")
    both = pd.concat([cells, line], ignore_index=True)
    made = pd.DataFrame(
        {
            "cohort": both["cohort"],
            "age": both["age"].astype(int),
            "size": both["size"].astype(int),
            "active": both["active"].astype("Int64"),
            **dict(zip(("value", "low", "high"), _values(both, value), strict=True)),
            "observed": both["observed"],
        }
    )
    return made.assign(**{by: both["group"]}) if by else made


def _values(cells: pd.DataFrame, value: str) -> tuple[Any, Any, Any]:
    """Return value, low and high of each cell from its sums."""
    n = cells["size"].to_numpy(dtype=float)
    active = cells["active"].to_numpy(dtype=float)
    if value == "retention":
        low, high = wilson(np.nan_to_num(active), n, LEVEL)
        hidden = np.isnan(active)
        return active / n, np.where(hidden, np.nan, low), np.where(hidden, np.nan, high)
    x = {c: cells[c].to_numpy(dtype=float) for c in activity.SUMS}
    if value == "aov":
        return _ratio(x, active)
    total, squares = {
        "revenue": (x["amount"], x["amount_2"]),
        "orders": (x["orders"], x["orders_2"]),
        "ltv": (x["amount"], x["reached_2"]),
    }[value]
    mean = total / n
    with np.errstate(divide="ignore", invalid="ignore"):
        half = Z * np.sqrt(np.maximum(squares - n * mean**2, 0) / (n - 1) / n)
    half = np.where(n > 1, half, np.nan)
    low, high = mean - half, mean + half
    if value == "ltv":
        return mean, low, high
    # where nobody came, how many may is known, but not what they would spend
    few = wilson(np.zeros_like(n), n, LEVEL) if value == "orders" else (np.nan, np.nan)
    return mean, np.where(active == 0, few[0], low), np.where(active == 0, few[1], high)


def _ratio(x: dict[str, Any], active: Any) -> tuple[Any, Any, Any]:
    """Return money per order and its interval by the delta method over customers."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = x["amount"] / x["orders"]
        left = x["amount_2"] - 2 * ratio * x["amount_orders"] + ratio**2 * x["orders_2"]
        half = Z * np.sqrt(np.maximum(left, 0) * active / (active - 1)) / x["orders"]
    half = np.where(active > 1, half, np.nan)
    return ratio, ratio - half, ratio + half


def _first_intake(cells: pd.DataFrame) -> dict[str, Any]:
    """Return the first cohort over the median of the next three, and if chance does not do it.

    Only cohorts that are complete count.
    """
    whole = cells[(cells["age"] == 0) & (cells["observed"] == "full")]
    heads = whole.groupby("cohort")["size"].sum().sort_index().astype(float)
    if len(heads) < 2:  # noqa: PLR2004 - nothing to hold it against
        return {"first_intake": 1.0, "truncated": False}
    first, usual = float(heads.iloc[0]), float(heads.iloc[1:4].median())
    least = first / usual * np.exp(-Z * np.sqrt(1 / first + 1 / usual))
    return {"first_intake": first / usual, "truncated": first / usual > SUSPECT and least > 1}
