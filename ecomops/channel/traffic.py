"""Where visitors come from and what a visitor of each source is worth."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import ibis
import numpy as np
import pandas as pd

from ecomops.base import checks
from ecomops.base.errors import DataError
from ecomops.channel import bars
from ecomops.data.policy import ends
from ecomops.data.tables import frame, number, table
from ecomops.maths.arrays import ratio
from ecomops.maths.proportions import wilson
from ecomops.metrics import periods
from ecomops.metrics.sources import DEPTHS, WHOLE, at_depth
from ecomops.result import Basis, Finding, Need, Result, style

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date

    from matplotlib.axes import Axes

    from ecomops.result.words import Words

FEW = 30  # buyers below which a source is not named as best
BUSY = 10  # visitors a day from which a day without any is missing, not quiet


def at_one_level(daily: ibis.Table, by: str) -> ibis.Table:
    """Return rows of one level and depth, so that nobody is counted at two of them.

    `daily` is the canonical table; rows keep its columns. Of the levels "source" is taken; of each
    source and day the row over all finer sources and all devices, their parts where there is none.
    """
    named = daily.filter(
        ibis.coalesce(daily[by], "").notin(WHOLE), ibis.coalesce(daily.level, "source") == "source"
    )
    return at_depth(named, by)


def by_period(rows: ibis.Table, *, period: str, source: Any) -> ibis.Table:
    """Return ``period, source, visitors, buyers, amount``: sums of days, one query.

    `period` is the first day; visitors and buyers of several days are sums of daily counts.
    """
    kept = rows.mutate(period=rows.date.truncate(periods.UNITS[period]), source=source)
    return kept.group_by("period", "source").aggregate(
        visitors=kept.visitors.sum(), buyers=kept.pay_buyers.sum(), amount=kept.pay_amount.sum()
    )


def rated(sums: pd.DataFrame, period: str) -> pd.DataFrame:
    """Return the sums with conversion (90 % Wilson interval) and UV value, newest period first.

    UV value is amount / visitors and so equals conversion times amount per buyer.
    """
    visitors, buyers = sums["visitors"].to_numpy(float), sums["buyers"].to_numpy(float)
    possible = buyers <= visitors
    low, high = wilson(np.where(possible, buyers, 0), np.where(possible, visitors, 0))
    rows = sums.assign(
        period=[periods.label(pd.Timestamp(day).date(), period) for day in sums["period"]],
        conversion=ratio(buyers, visitors),
        uv_value=ratio(sums["amount"].to_numpy(float), visitors),
        low=low,
        high=high,
    )
    order = ["period", "visitors", "source"]
    return rows.sort_values(order, ascending=[False, False, True], ignore_index=True)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Traffic(Result):
    """Sources by period; `.shop` holds the shop's own rows, whose visitors are deduplicated.

    `params` names the period that is answered for, the one it is compared with, the devices that
    stand for the whole on days on which no row tells it, and periods with days missing (``gaps``).
    """

    code: ClassVar[str] = "channel.traffic"
    columns: ClassVar[dict[str, str]] = {
        "period": "text",
        "source": "text",
        "visitors": "count",
        "buyers": "count",
        "amount": "money",
        "conversion": "percent.2",
        "uv_value": "money",
        "low": "percent.2",
        "high": "percent.2",
    }

    shop: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def answer(self) -> pd.DataFrame:
        """The rows of the period answered for, most visitors first."""
        rows: pd.DataFrame = self.rows[self.rows["period"] == self.params["answer"]]
        return rows.reset_index(drop=True)

    @property
    def _whole(self) -> float:
        """Return the conversion of the shop in the period answered for."""
        shop = self.shop.reindex(columns=["period", "conversion"]).set_index("period")
        return float(shop["conversion"].get(self.params["answer"], np.nan))

    def findings(self) -> tuple[Finding, ...]:
        """Say who is worth most per visitor, who stands out, and what the numbers are not."""
        rows = self.answer
        n = int(rows["visitors"].sum())
        said = [*self._best(rows), *self._moved(rows), *self._weak(rows)]
        if (self.rows["buyers"] > self.rows["visitors"]).any():
            said.append(Finding("impossible", "watch", {}, n))
        said.append(Finding("daily_sums", "note", {}, n))
        devices = self.params["devices"]
        if len(devices) == 1:
            said.append(Finding("one_device", "watch", {"device": devices[0]}, n))
        elif devices:
            said.append(Finding("devices_added", "watch", {"devices": devices}, n))
        if self.params["partial"]:
            values = {"period": self.params["partial"], "until": self.basis.end}
            said.append(Finding("partial", "note", values, n))
        gaps = self.params["gaps"].items()
        return (*said, *(Finding("gap", "watch", {"period": p, "days": d}, n) for p, d in gaps))

    def _best(self, rows: pd.DataFrame) -> list[Finding]:
        most = rows.iloc[0]
        base = {"period": self.params["answer"], "most": most["source"]}
        base |= {"visitors": most["visitors"], "most_value": most["uv_value"]}
        sure = rows[rows["buyers"] >= FEW].dropna().sort_values("uv_value", ascending=False)
        n = int(most["visitors"])
        if sure.empty or len(rows) == 1:
            return [Finding("most", "note", base, n)]
        best = sure.iloc[0]
        each = best["amount"] / best["buyers"]
        values = {"source": best["source"], "value": best["uv_value"], "each": each}
        values |= {name: best[name] for name in ("conversion", "low", "high")}
        reach = sure["high"] * sure["amount"] / sure["buyers"]
        rivals = list(sure["source"].iloc[1:][reach.iloc[1:] >= best["low"] * each])
        if rivals:
            values |= {"rivals": rivals}
            return [Finding("leading", "note", base | values, int(best["visitors"]))]
        return [Finding("best", "good", base | values, int(best["visitors"]))]

    def _moved(self, rows: pd.DataFrame) -> list[Finding]:
        earlier = self.rows[self.rows["period"] == self.params["versus"]]
        both = rows.merge(earlier, on="source", suffixes=("", "_before"))
        both = both[both["visitors_before"] > 0]
        if both.empty:
            return []
        change = (both["visitors"] - both["visitors_before"]).to_numpy(float)
        row = both.iloc[int(np.abs(change).argmax())]
        values = {"source": row["source"], "before": row["visitors_before"]}
        values |= {"after": row["visitors"], "versus": self.params["versus"]}
        values["change"] = row["visitors"] / row["visitors_before"] - 1
        return [Finding("moved", "note", values, int(row["visitors"]))]

    def _weak(self, rows: pd.DataFrame) -> list[Finding]:
        low = rows[rows["high"] < self._whole]
        values = {"sources": list(low["source"]), "whole": self._whole}
        return [Finding("weak", "watch", values, int(low["visitors"].sum()))] if len(low) else []

    def layout(self, *, wide: bool) -> style.Layout:
        """Return height and margins in pixels."""
        return bars.layout(len(self.answer), wide=wide)

    def draw(self, ax: Axes, *, wide: bool, words: Words) -> None:
        """Draw visitors as bars and conversion as dots with 90 % intervals, a row per source."""
        bars.draw(ax, self.answer, self._whole, wide=wide, words=words)


def traffic(
    traffic_daily: object,
    *,
    period: str = "month",
    by: str = "source_l1",
    currency: str = "CNY",
    lang: str | None = None,
) -> Traffic:
    """Compare sources of visitors by conversion and by what a visitor is worth.

    Parameters
    ----------
    traffic_daily
        One row per day, store, level, source and device: ``date, visitors, source_l1``, optionally
        ``level`` ("source", "shop", …), ``device``, ``source_l2``, ``source_l3``, ``pay_buyers``
        and ``pay_amount``. Only rows of one level and depth are taken; devices are added on days
        that no row tells as a whole, as metrics add them, and the result says so.
    period
        "day", "week", "month", "quarter" or "year".
    by
        Depth of the source: "source_l1", "source_l2" or "source_l3".
    currency
        Of the amounts.
    lang
        Language of the words.

    Returns
    -------
    Traffic
        `.table`: one row per period (newest first) and source (most visitors first): ``period,
        source, visitors`` (sum of daily unique visitors), ``buyers`` (sum of daily buyers),
        ``amount`` (paid, before refunds), ``conversion`` (buyers / visitors, 0-1), ``uv_value``
        (amount / visitors = conversion x amount per buyer), ``low, high`` (90 % of conversion).

    Raises
    ------
    DataError
        When a column is missing or there is no row.
    OptionError
        When an option is unknown.

    Notes
    -----
    UV value as in Taobao's 生意参谋. Interval: Wilson 1927; days of one visitor are not
    independent, so it is a little too narrow.

    Examples
    --------
    >>> daily = pd.DataFrame(
    ...     {
    ...         "date": ["2025-05-01", "2025-05-02"],
    ...         "visitors": [600, 400],
    ...         "source_l1": "search",
    ...         "pay_buyers": [20, 30],
    ...         "pay_amount": [1500.0, 3500.0],
    ...     }
    ... )
    >>> row = traffic(daily).table.iloc[0]
    >>> print(row["period"], row["visitors"], row["conversion"], row["uv_value"])
    2025-05 1000 0.05 5.0
    """
    checks.choice("period", period, periods.PERIODS)
    checks.choice("by", by, DEPTHS)
    if traffic_daily is None:
        return Traffic.lock((Need("table", {"table": "traffic_daily"}),), lang=lang, period=period)
    daily = table(traffic_daily, "traffic_daily")
    daily = daily.drop_null("date")
    kept = at_one_level(daily, by)
    span = ends(kept, "date", "traffic_daily")
    if not span:
        if not number(daily.count()):
            raise DataError("empty_table", table="traffic_daily")
        need = Need("column", {"table": "traffic_daily", "column": by})
        return Traffic.lock((need,), lang=lang, period=period)
    first, last = span
    sums = frame(by_period(kept, period=period, source=kept[by]))
    if sums["visitors"].isna().all():
        need = Need("column", {"table": "traffic_daily", "column": "visitors"})
        return Traffic.lock((need,), lang=lang, period=period)
    rows = rated(sums, period)
    own = daily.filter(daily.level == "shop")
    alone = by_period(at_depth(own, None), period=period, source=ibis.literal(""))
    shop = rated(frame(alone), period)
    n = int(rows["visitors"].sum())
    told = pd.to_datetime(frame(kept.drop_null("visitors").select("date").distinct())["date"])
    missing = {} if n < BUSY * len(told) else _missing(told, first, last, period)
    return Traffic(
        rows=rows[list(Traffic.columns)],
        basis=Basis(n=n, unit="visits", start=first, end=last, currency=currency),
        params={"period": period, "by": by, "devices": _devices(kept)}
        | _compared(set(rows["period"]), missing, first, last, period),
        lang=checks.language(lang),
        shop=shop[["period", "visitors", "conversion", "uv_value"]],
    )


def _devices(rows: ibis.Table) -> list[str]:
    """Return the devices that `rows` tell apart, in order."""
    told = frame(rows.select("device").distinct())["device"].fillna("")
    return sorted(set(told) - set(WHOLE))


def _missing(told: Any, first: date, last: date, period: str) -> dict[date, int]:
    """Return how many days between the first and the last have no visitors told, by period."""
    days = pd.date_range(first, last).difference(told)
    return dict(Counter(periods.start(day.date(), period) for day in days))


def _compared(
    seen: Collection[str], missing: Mapping[date, int], first: date, last: date, period: str
) -> dict[str, Any]:
    """Return the last full period (or the last, when none is full), the one before, the partial.

    Periods in which nobody came are not `seen`, and not answered for; those with days `missing` are
    not compared, and told in ``gaps`` from the one before the answer on.
    """
    spanned = periods.span(first, last, period)
    starts = [at for at in spanned if periods.label(at, period) in seen]
    full = [at for at in starts if not periods.is_partial(at, period, first, last)]
    answer = full[-1] if full else starts[-1]
    before = periods.shift(answer, period, -1)
    alike = before in full and not {before, answer} & set(missing)
    late = [at for at in starts if at in missing and at >= before]
    return {
        "answer": periods.label(answer, period),
        "versus": periods.label(before, period) if alike else None,
        "partial": periods.label(starts[-1], period) if starts[-1] not in full else None,
        "gaps": {periods.label(at, period): missing[at] for at in late},
    }
