"""Values of metrics by period and segment, with numerator and denominator; and their totals."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ecomops.base import checks
from ecomops.base.errors import DataError, MissingError, OptionError
from ecomops.base.options import options
from ecomops.metrics import periods
from ecomops.metrics.catalogue import Metric, Terms, metric
from ecomops.metrics.measures import MEASURES
from ecomops.metrics.observe import Observed, observe
from ecomops.metrics.sources import SOURCES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    import ibis

    from ecomops.data.shop import Shop

COLUMNS = ("period", "metric", "numerator", "denominator", "value", "partial")


def compute(
    shop: Shop,
    metrics: str | Sequence[str],
    *,
    period: str = "month",
    by: str | None = None,
    as_of: date | str | None = None,
) -> pd.DataFrame:
    """Return the values of metrics by calendar period, as few engine queries as sources.

    Parameters
    ----------
    shop
        The shop; orders under the one order policy, by day of payment.
    metrics
        Codes of `catalogue`, such as ``["pay_amount", "cvr_pay"]``; a GMV with its variant.
    period
        ``"day"``, ``"week"`` (from Monday), ``"month"``, ``"quarter"`` or ``"year"``.
    by
        A column to split by, such as ``"source_channel"``; present in every table concerned.
    as_of
        Drop what is later, and take the data as complete up to this day; the last day of each
        table when None.

    Returns
    -------
    One row per metric, period (and segment): ``period`` as text, the column `by`, ``metric``,
    ``numerator``, ``denominator`` (missing for sums), ``value`` (missing where the denominator is
    0), ``partial`` (days of the period lie outside the data, or days with sales have no traffic).
    Money in the shop's currency.
    People are counted anew in each period; visitors of several days are the sum of daily visitors.

    Raises
    ------
    OptionError
        For no metric at all, an unnamed GMV variant, an unknown period, a column to split by that
        is not there or is called like one of the result.
    MissingError
        For an unknown metric, one that needs a table, column or data this shop lacks (named), and
        one that another analysis answers.

    >>> import pandas as pd
    >>> from ecomops import open as open_shop
    >>> orders = pd.DataFrame(
    ...     {
    ...         "order_id": ["1", "2", "3"],
    ...         "customer_id": ["a", "a", "b"],
    ...         "paid_at": ["2025-10-01", "2025-10-31", "2025-11-30"],
    ...         "paid_amount": [10.0, 20.0, 40.0],
    ...         "currency": "CNY",
    ...     }
    ... )
    >>> compute(open_shop({"orders": orders}), "aov_buyer")[["period", "value"]].values.tolist()
    [['2025-10', 30.0], ['2025-11', 40.0]]
    """
    checks.choice("period", period, periods.PERIODS)
    checks.apart(by, COLUMNS)
    checks.shop(shop)
    wanted = [computable(code) for code in checks.names("metrics", metrics)]
    if not wanted:
        raise OptionError("no_metrics")
    refuse_missing_tables(shop.tables, wanted)
    names = list(dict.fromkeys(name for m in wanted for name in m.measures))
    seen = observe(shop.tables, names, period=period, by=by, as_of=checks.day("as_of", as_of))
    _refuse_empty_columns(seen, wanted)
    tidied = [values(seen, m) for m in wanted]
    return _named(pd.concat(tidied, ignore_index=True), by)


def computable(code: str) -> Metric:
    """Return the metric; raise `MissingError` when the canonical tables do not hold it."""
    found = metric(code)
    if found.elsewhere:
        raise MissingError("metric_elsewhere", name=code, analysis=found.elsewhere)
    if found.external:
        raise MissingError("metric_external", name=code, needs=found.external[options.lang])
    return found


def tables_of(found: Metric) -> tuple[str, ...]:
    """Return the canonical tables a metric needs.

    >>> tables_of(metric("cvr_pay"))
    ('orders', 'traffic_daily')
    """
    sources = [MEASURES[name].source for name in found.measures]
    needed = [table for s in sources if s in SOURCES for table in SOURCES[s].tables]
    return tuple(dict.fromkeys(needed))


def refuse_missing_tables(tables: Mapping[str, ibis.Table], wanted: Sequence[Metric]) -> None:
    """Raise `MissingError` naming every metric that cannot be had and the tables it lacks."""
    lacking = {m.code: [t for t in tables_of(m) if t not in tables] for m in wanted}
    if blocked := {code: names for code, names in lacking.items() if names}:
        absent = sorted({name for names in blocked.values() for name in names})
        raise MissingError(
            "metric_needs_tables",
            metrics=list(blocked),
            tables=absent,
            present=sorted(tables) or ["—"],
        )


def _refuse_empty_columns(seen: Observed, wanted: Sequence[Metric]) -> None:
    blocked = {m.code: [n for n in m.measures if n in seen.empty] for m in wanted}
    if blocked := {code: names for code, names in blocked.items() if names}:
        columns = sorted({c for names in blocked.values() for n in names for c in columns_of(n)})
        raise MissingError("metric_needs_columns", metrics=list(blocked), columns=columns)


def columns_of(name: str) -> list[str]:
    """Return the columns that a measure rests on, each with its table."""
    table = SOURCES[MEASURES[name].source].tables[-1]
    return [c if "." in c else f"{table}.{c}" for c in MEASURES[name].columns] or [table]


def values(seen: Observed, wanted: Metric) -> pd.DataFrame:
    """Return one metric from observed measures, tidy; see `compute`."""
    top = _evaluated(seen.values, wanted.numerator)
    bottom = _evaluated(seen.values, wanted.denominator) if wanted.is_ratio else top * np.nan
    tidy = pd.DataFrame(
        {
            "metric": wanted.code,
            "numerator": top,
            "denominator": bottom,
            "value": top / bottom.where(bottom != 0) if wanted.is_ratio else top,
            "partial": seen.partial(wanted.measures),
        }
    ).reset_index()
    tidy["period"] = [periods.label(at, seen.period) for at in tidy["period"]]
    return tidy


def _evaluated(measured: pd.DataFrame, terms: Terms) -> pd.Series[float]:
    zero = pd.Series(0.0, index=measured.index)
    return sum((prod((measured[n] for n in names), start=zero + f) for f, names in terms), zero)


def _named(tidy: pd.DataFrame, by: str | None) -> pd.DataFrame:
    if by is None:
        return tidy[list(COLUMNS)]
    return tidy.rename(columns={"segment": by})[["period", by, *COLUMNS[1:]]]


def total(computed: pd.DataFrame, *, over: str = "period") -> pd.DataFrame:
    """Return a frame of `compute` added up over its periods or its segments.

    Ratios are the sum of numerators over the sum of denominators, never a mean of ratios.

    Parameters
    ----------
    computed
        What `compute` returned.
    over
        ``"period"``, or the column the frame was split by.

    Returns
    -------
    The frame without the column `over`: one row per metric (and remaining period or segment).

    Raises
    ------
    DataError
        With the code ``not_additive`` when a metric rests on distinct people or on levels
        (visitors, buyers): compute it at the coarser grain instead.

    >>> frame = pd.DataFrame(
    ...     {
    ...         "period": ["2025-10", "2025-11"],
    ...         "metric": "pay_orders",
    ...         "numerator": [2.0, 3.0],
    ...         "denominator": float("nan"),
    ...         "value": [2.0, 3.0],
    ...         "partial": False,
    ...     }
    ... )
    >>> float(total(frame)["value"].iloc[0])
    5.0
    """
    if not {*COLUMNS, over} <= set(computed.columns):
        raise DataError("not_a_metric_frame", columns=list(computed.columns))
    codes = list(dict.fromkeys(computed["metric"]))
    if refused := [code for code in codes if not _adds(metric(code))]:
        raise DataError("not_additive", metrics=refused, over=over)
    keys = [c for c in computed.columns if c in ("period", "metric") or c not in COLUMNS]
    keys.remove(over)
    sums: Any = {"numerator": _sum, "denominator": _sum, "partial": "max"}
    both = ["numerator", "denominator"]
    whole = computed[both].notna().all(axis=1) | ~_is_ratio(computed)  # no half of a ratio counts
    known = computed.assign(**{c: computed[c].where(whole) for c in both})
    added: pd.DataFrame = known.groupby(keys, sort=False, as_index=False).agg(sums)
    ratio = _is_ratio(added)
    bottom = added["denominator"].where(added["denominator"] != 0)
    added["value"] = (added["numerator"] / bottom).where(ratio, added["numerator"])
    return added[[c for c in computed.columns if c != over]]


def _is_ratio(rows: pd.DataFrame) -> pd.Series[bool]:
    return rows["metric"].map(lambda code: metric(code).is_ratio).astype(bool)


def _sum(values: pd.Series[float]) -> float:
    return float(values.sum(min_count=1))


def _adds(found: Metric) -> bool:
    return all(MEASURES[name].adds and not MEASURES[name].level for name in found.measures)
