"""Which download brings what an analysis lacks."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from ecomops.data.formats import formats
from ecomops.data.schema import tables as schemas
from ecomops.data.tables import frame
from ecomops.metrics.catalogue import catalogue
from ecomops.metrics.compute import tables_of
from ecomops.metrics.measures import MEASURES
from ecomops.metrics.sources import SOURCES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import ibis

    from ecomops.data.formats import Format
    from ecomops.metrics.catalogue import Metric

# Platforms whose downloads one shop has side by side.
TOGETHER = (
    {"taobao", "tmall", "sycm", "alimama", "taobaoke"},
    {"douyin"},
    {"jd"},
    {"pinduoduo"},
    {"shopify", "ga4", "google_ads", "meta_ads", "klaviyo", "mailchimp", "stripe"},
    {"amazon"},
)
MOST = 2


@cache
def _bringing(key: str) -> tuple[Format, ...]:
    """Return the layouts with a column for ``table`` or ``table.column``, the best known first."""
    table, _, column = key.partition(".")
    found = [
        fmt
        for fmt in formats().values()
        for t in {t for targets in fmt.targets.values() for t in targets}
        if t.table == table and column in ("", t.column)
    ]
    return tuple(sorted(dict.fromkeys(found), key=lambda fmt: (fmt.confidence, fmt.id)))


def downloads(key: str, have: Sequence[str]) -> tuple[str, ...]:
    """Return the layouts that bring ``table`` or ``table.column``, those of the same shop first.

    `have` are the layouts loaded: an orders export of Taobao asks for 生意参谋, not for GA4.

    >>> downloads("traffic_daily.visitors", ["shopify_orders"])[0]
    'ga4_traffic_acquisition'
    """
    known = formats()
    own = {known[each].platform for each in have if each in known}
    near = set(own).union(*(group for group in TOGETHER if group & own))
    found = [fmt for fmt in _bringing(key) if fmt.id not in have]
    mine = [fmt.id for fmt in found if fmt.platform in near]
    return tuple((mine or [fmt.id for fmt in found])[:MOST])


def locked_metrics(tables: Mapping[str, ibis.Table]) -> dict[str, tuple[str, ...]]:
    """Return the metrics that tables cannot give, each with the tables or columns it lacks.

    Metrics that an analysis answers, or that no canonical table holds, are left out.

    >>> locked_metrics({})["cvr_pay"]
    ('orders', 'traffic_daily')
    """
    wanted = [m for m in catalogue().values() if not m.elsewhere and not m.external]
    asked = {m.code: _columns(m) for m in wanted}
    filled = _filled({c for columns in asked.values() for c in columns}, tables)
    found = {m.code: [t for t in tables_of(m) if t not in tables] for m in wanted}
    for code, columns in asked.items():
        found[code] = found[code] or sorted(map(".".join, columns - filled))
    return {code: tuple(lost) for code, lost in found.items() if lost}


def _columns(wanted: Metric) -> set[tuple[str, str]]:
    """Return the canonical columns that a metric's measures cannot do without."""
    known = [MEASURES[name] for name in wanted.measures if MEASURES[name].source in SOURCES]
    places = [(SOURCES[m.source].tables[-1], column) for m in known for column in m.columns]
    return {(table, c) for table, c in places if c in schemas()[table].columns}


def _filled(
    columns: set[tuple[str, str]], tables: Mapping[str, ibis.Table]
) -> set[tuple[str, str]]:
    """Return which columns hold anything, by one query per table."""
    found = set()
    for name in sorted({table for table, _ in columns} & set(tables)):
        rows = tables[name]
        asked = sorted(c for table, c in columns if table == name and c in rows.columns)
        counts = frame(rows.aggregate(rows=rows.count(), **{c: rows[c].count() for c in asked}))
        found |= {(name, c) for c in asked if counts[c].iloc[0]}
    return found
