"""Which download brings what an analysis lacks."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from ecomops.data.formats import formats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecomops.data.formats import Format

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
