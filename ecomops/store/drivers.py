"""What moved a total between two periods: exact contributions of its factors, and of segments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ecomops.base import checks
from ecomops.base.errors import DataError
from ecomops.data.policy import coverage
from ecomops.metrics import metric, periods
from ecomops.result import Action, Basis, Finding, Need, Result, lacking, style
from ecomops.store import waterfall
from ecomops.store.chains import OTHER, decompose
from ecomops.store.comparison import METRICS, comparison, tables_needed

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.axes import Axes

    from ecomops.data.shop import Shop
    from ecomops.result.words import Words


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Drivers(Result):
    """Contributions to a change, one row per factor (and segment); they add up to it.

    `params` holds ``metric, before, after`` (the periods), ``total_before, total_after``,
    ``simpson`` (factors in which every segment moved against the total) and ``gaps`` (periods in
    which traffic is missing on days with sales, and on how many).
    """

    code: ClassVar[str] = "store.drivers"
    evidence: ClassVar[str] = "arithmetic"
    columns: ClassVar[Mapping[str, str]] = {
        "factor": "label",
        "before": "units[factor]",
        "after": "units[factor]",
        "contribution": "units[metric]",
        "share": "percent",
    }

    @property
    def change(self) -> float:
        """The change of the metric."""
        return float(self.params["total_after"]) - float(self.params["total_before"])

    def by_factor(self) -> pd.Series[float]:
        """Return the contribution of each factor over all its segments, in the chain's order."""
        names = dict.fromkeys(str(name) for name in self.rows["factor"])
        sums = self.rows.groupby("factor")["contribution"].sum()
        return sums.reindex(list(names))

    def findings(self) -> tuple[Finding, ...]:
        """Say how much the metric changed, which factor accounts for most, what offset it."""
        parts, n = self.by_factor(), self.basis.n
        unit = metric(self.params["metric"]).unit
        before = self.params["total_before"]
        facts = {k: self.params[k] for k in ("metric", "before", "after")}
        facts |= {"change": self.change, "growth": self.change / before if before else np.nan}
        along = parts[np.sign(parts) == np.sign(self.change)]
        if self.change == 0 or along.empty:
            return (Finding("flat", "note", facts, n),)
        main = str(along.abs().idxmax())
        facts |= {"factor": main, "part": float(parts[main])}
        said = [Finding(f"headline_{unit}", "good" if self.change > 0 else "watch", facts, n)]
        against = parts[np.sign(parts) == -np.sign(self.change)]
        if len(against):
            worst = str(against.abs().idxmax())
            values = facts | {"factor": worst, "part": float(parts[worst])}
            level = "watch" if parts[worst] < 0 else "note"
            said.append(Finding(f"offset_{unit}", level, values, n))
        gaps = self.params["gaps"].items()
        said += [Finding("gap", "watch", {"period": p, "days": d}, n) for p, d in gaps]
        return (*said, *self._segments(unit), *self._simpson())

    def _segments(self, unit: str) -> list[Finding]:
        """Return the segment whose own rate accounts for most."""
        by = self.params["by"]
        rates = self.rows[self.rows["factor"].str.endswith("_rate")] if by else self.rows.head(0)
        rates = rates[rates[by] != OTHER] if by else rates  # several small ones together
        if rates.empty or not rates["contribution"].any():
            return []
        row = rates.sort_values("contribution", key=abs).iloc[-1]
        values = {"factor": row["factor"], "segment": row[by], "part": float(row["contribution"])}
        return [Finding(f"segment_{unit}", "note", values, self.basis.n)]

    def _simpson(self) -> list[Finding]:
        return [
            Finding("simpson", "watch", {"factor": factor, "by": self.params["by"]}, self.basis.n)
            for factor in self.params["simpson"]
        ]

    def propose(self) -> tuple[Action, ...]:
        """Propose a test where conversion fell, unless it is no share: buyers nobody saw come."""
        rows = self.rows[self.rows["factor"] == "conversion"]
        if rows.empty or not rows["contribution"].iloc[0] < 0 or rows["before"].iloc[0] > 1:
            return ()
        was, now = (float(rows[side].iloc[0]) for side in ("before", "after"))
        until = (self.basis.end or date.max) + timedelta(days=28)
        change = {"was": was, "now": now, "visitors": visitors_needed(now, was)}
        because = tuple(f.code for f in self.findings() if f.values.get("factor") == "conversion")
        return (Action("conversion", because[:1], change, "D", until),) if because else ()

    def layout(self, *, wide: bool) -> style.Layout:
        """Return height and margins in pixels."""
        return waterfall.layout(len(self.by_factor()) + 2, wide=wide)

    def draw(self, ax: Axes, *, wide: bool, words: Words) -> None:
        """Draw the steps from the total before to the total after, one per factor."""
        unit = metric(self.params["metric"]).unit
        start, end = self.params["total_before"], self.params["total_after"]
        steps, reached = [], float(start)
        for factor, part in self.by_factor().items():
            text = words.format_field(float(part), f"+{unit}")
            name = words.label(factor) if wide else words.label(f"{factor}_short")
            steps.append(waterfall.Bar(name, text, reached, reached + part))
            reached += part
        totals = [
            waterfall.Bar(
                self.params[side], words.format_field(value, unit), 0.0, value, total=True
            )
            for side, value in (("before", start), ("after", end))
        ]
        waterfall.draw(ax, [totals[0], *steps, totals[1]], wide=wide)


def visitors_needed(low: float, high: float) -> int:
    """Return visitors per arm that tell `high` from `low` (two-sided 5 %, power 80 %).

    >>> visitors_needed(0.20, 0.25)
    1091
    """
    variance = low * (1 - low) + high * (1 - high)
    return int(np.ceil((1.959964 + 0.841621) ** 2 * variance / (high - low) ** 2))


def drivers(
    shop: Shop,
    *,
    metric: str = "pay_amount",
    before: str | None = None,
    after: str | None = None,
    by: str | None = None,
    as_of: date | str | None = None,
    lang: str | None = None,
) -> Drivers:
    """Say what moved a total between two periods, in parts that add up exactly.

    Parameters
    ----------
    shop
        The shop: orders; with ``traffic_daily`` that covers both periods the chain is visitors x
        conversion x value per buyer, else buyers x orders per buyer x value per order.
    metric
        ``"pay_amount"``, ``"net_sales"`` (a further factor: the share kept after refunds),
        ``"pay_orders"`` or ``"pay_buyers"``.
    before, after
        Two full periods of one kind, such as ``"2024-11"`` and ``"2025-11"``, ``"2025-W46"``,
        ``"2025-Q4"``. By default the last full month and the same month a year before (the month
        before it where the data is shorter).
    by
        Split by a column of orders (value per order: what is in the mix, what within segments) or
        of ``traffic_daily`` such as ``"source_l1"`` (conversion and value per buyer, from the
        platform's own daily figures).
    as_of
        Drop what is later and take the data as complete up to this day.
    lang
        Language of the words.

    Returns
    -------
    Drivers
        `.table`: ``factor`` (and the column `by`), ``before, after`` (the factor's value; of a mix
        its weight), ``contribution`` (in units of the metric), ``share`` of the change. The
        contributions add up to the change.

    Raises
    ------
    DataError
        When a period that was named is partial or empty.
    MissingError
        When no row of ``traffic_daily`` is split by the column `by`.
    OptionError
        For a metric, period or column that cannot be used.

    Notes
    -----
    Shapley value (Shorrocks 2013); mix and rate with midpoint weights. Arithmetic, not cause. From
    10,000 visitors x 3 % x 120 to 13,000 x 2.5 % x 130, that is from 36,000 to 42,250, visitors
    account for +10,300, conversion for -7,200 and value per buyer for +3,150.

    Examples
    --------
    >>> import ecomops as eo
    >>> moved = drivers(eo.open("demo"), before="2025-10", after="2025-11")
    >>> print(moved.table["factor"].tolist())
    ['visitors', 'conversion', 'buyer_value']
    """
    name = checks.choice("metric", metric, METRICS)
    checks.apart(by, Drivers.columns)
    last = checks.day("as_of", as_of)
    asked = {"metric": name, "by": by, "before": before, "after": after}
    if absent := lacking(shop, *tables_needed(name, by)):
        return Drivers.lock(absent, lang=lang, **asked)
    known = coverage(shop.orders, as_of=last) if last else shop.coverage
    try:
        found = comparison(shop.tables, name, by=by, before=before, after=after, as_of=last)
    except DataError as error:
        if error.code != "too_few_periods":
            raise
        days = {end: error.values[end] for end in ("first", "last")}
        return Drivers.lock((Need("periods", days),), lang=lang, **asked)
    if found is None:
        need = Need("column", {"table": "orders", "column": "refund_amount"})
        return Drivers.lock((need,), lang=lang, **asked)
    parts = decompose(found.chain, found.before, found.after, found.segments)
    change = parts.rows["contribution"].sum()
    rows = parts.rows.assign(share=parts.rows["contribution"] / (change or np.nan))
    labels = [periods.label(at, found.kind) for at in found.starts]
    return Drivers(
        rows=rows.rename(columns={"segment": by}) if by else rows.drop(columns="segment"),
        basis=Basis(
            n=found.orders,
            unit="orders",
            start=found.starts[0],
            end=periods.end(found.starts[1], found.kind),
            currency=known.currency,
            excluded=known.excluded_sales,
        ),
        params=asked
        | {"before": labels[0], "after": labels[1], "simpson": parts.simpson, "gaps": found.gaps}
        | {"total_before": found.total(found.before), "total_after": found.total(found.after)},
        lang=checks.language(lang),
    )
