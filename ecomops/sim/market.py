"""Search demand by keyword in two views, and gaps between what is sought and what is offered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ecomops.sim import arrow
from ecomops.sim.streams import stream

if TYPE_CHECKING:
    from ecomops.sim.plan import Plan
    from ecomops.sim.streams import Floats, Ints

WINDOW = 269
OVERLAP = 30
SEGMENTS = ("学生", "通勤", "宝妈", "大码", "小个子", "中老年", "户外", "约会")
LEVEL = 4_000.0
DESKTOP = 0.12


def words(plan: Plan) -> list[str]:
    """Return the keywords: category by category, then with a style in front."""
    names = plan.catalogue.words
    plain = [k["zh"] for k in names["category"]]
    styled = [style[0] + kind for style in names["origin"] for kind in plain]
    return [*plain, *styled][: plan.settings.market.keywords]


def demand(plan: Plan) -> Floats:
    """Return true daily searches by (keyword, day): level, season, calendar, trend and noise."""
    names = plan.catalogue.words["category"]
    keys = words(plan)
    random = stream(plan.seed, "market")
    level = LEVEL * np.exp(random.standard_normal(len(keys)) * 0.8)
    trend = random.normal(0.0, 0.25, len(keys))
    noise = np.exp(0.08 * random.standard_normal((len(keys), plan.days)))
    season = np.array([_season(names, word) for word in keys])
    month = (plan.settings.store.start.month - 1 + np.arange(plan.days) / 30.4) % 12
    turn = np.array([np.interp(month, np.arange(13), np.append(s, s[0])) for s in season])
    calm = (plan.daily / plan.daily.mean()) ** 0.5
    growth = np.exp(trend[:, None] * np.arange(plan.days) / 365)
    searches: Floats = level[:, None] * turn * calm * growth * noise
    return searches


def _season(names: list[dict[str, list[float]]], word: str) -> list[float]:
    return next(k["month"] for k in names if word.endswith(str(k["zh"])))


def _windows(days: int) -> list[tuple[int, int]]:
    """Return overlapping windows of at most 269 days, as daily Google requests come.

    >>> _windows(400)
    [(0, 269), (239, 400)]
    """
    step = WINDOW - OVERLAP
    starts = range(0, max(days - OVERLAP, 1), step)
    return [(s, min(s + WINDOW, days)) for s in starts]


def search_index(plan: Plan) -> pa.Table:
    """Return the canonical table `search_index`: a Baidu-like and a Google-like view.

    Baidu-like: a weighted count, split by device. Google-like: a sampled share, scaled to 0–100
    within each request; overlapping requests are kept apart by `granularity` day and region.
    """
    searches = demand(plan)
    views = [_baidu(plan, searches), *_google(plan, searches)]
    return pa.concat_tables(views, promote_options="default")


def _rows(plan: Plan, days: Ints, source: str, region: str, value: Floats) -> pa.Table:
    keys = words(plan)
    count = value.size
    return pa.table({
        "date": arrow.dates(np.tile(days, len(keys)), plan.epoch),
        "keyword": arrow.words(np.repeat(np.arange(len(keys)), len(days)), keys),
        "source": arrow.constant(source, count),
        "region": arrow.constant(region, count),
        "granularity": arrow.constant("day", count),
        "index_value": pa.array(value.ravel()),
    })  # fmt: skip


def _baidu(plan: Plan, searches: Floats) -> pa.Table:
    index, pc = np.rint(0.6 * searches), np.rint(0.6 * DESKTOP * searches)
    table = _rows(plan, np.arange(plan.days), "baidu_index", "全国", index)
    table = table.append_column("index_pc", pa.array(pc.ravel()))
    return table.append_column("index_mobile", pa.array((index - pc).ravel()))


def _google(plan: Plan, searches: Floats) -> list[pa.Table]:
    random = stream(plan.seed, "sampling")
    tables = []
    for number, (low, high) in enumerate(_windows(plan.days)):
        sample = np.exp(0.03 * random.standard_normal((len(searches), high - low)))
        share = searches[:, low:high] * sample / (1 + 0.1 * np.arange(low, high) / 365)
        scaled = np.rint(100 * share / share.max(axis=1, keepdims=True))
        tables.append(_rows(plan, np.arange(low, high), "google_trends", f"CN-{number}", scaled))
    return tables


def truth_demand(plan: Plan) -> pa.Table:
    """Return the true searches behind both views."""
    return _rows(plan, np.arange(plan.days), "truth", "全国", demand(plan))


def cells(plan: Plan) -> tuple[Floats, Ints, Ints]:
    """Return (searches, offers, gap) by (segment, category); gap marks where offers are missing."""
    random = stream(plan.seed, "niches")
    kinds = plan.catalogue.words["category"]
    shape = (len(SEGMENTS), len(kinds))
    row, column = random.gamma(4.0, 1.0, shape[0]), random.gamma(4.0, 1.0, shape[1])
    base = np.outer(row / row.mean(), column / column.mean()) * 900
    gap = np.zeros(shape, dtype=np.int64)
    gap.ravel()[random.permutation(gap.size)[: plan.settings.market.gaps]] = 1
    searches = random.poisson(base * np.where(gap, 2.6, 1.0)).astype(np.float64)
    offers = random.poisson(base / 6 * np.where(gap, 0.35, 1.0))
    return searches, offers, gap


def market_keywords(plan: Plan) -> pa.Table:
    """Return the canonical table `market_keywords`: segment × category words of the last month."""
    searches, offers, _gap = cells(plan)
    kinds = plan.catalogue.words["category"]
    names = [f"{s}{k['zh']}" for s in SEGMENTS for k in kinds]
    days = np.array([max(plan.days - 30, 0), plan.days - 1], dtype=np.int64)
    first, last = (arrow.dates(np.full(len(names), d), plan.epoch) for d in days)
    rank = np.argsort(np.argsort(-searches.ravel(), kind="stable"), kind="stable") + 1
    return pa.table({
        "period_start": first,
        "period_end": last,
        "category": pa.array([k["zh"] for _ in SEGMENTS for k in kinds], pa.string()),
        "keyword": pa.array(names, pa.string()),
        "attribute": pa.array([s for s in SEGMENTS for _ in kinds], pa.string()),
        "rank": pa.array(rank),
        "search_popularity_low": pa.array(searches.ravel()),
        "search_popularity_high": pa.array(searches.ravel()),
        "online_items": pa.array(offers.ravel()),
    })  # fmt: skip


def niches(plan: Plan) -> pa.Table:
    """Return the truth: which segment × category cells are short of offers."""
    searches, offers, gap = cells(plan)
    kinds = plan.catalogue.words["category"]
    return pa.table({
        "segment": pa.array([s for s in SEGMENTS for _ in kinds], pa.string()),
        "category": pa.array([k["zh"] for _ in SEGMENTS for k in kinds], pa.string()),
        "searches": pa.array(searches.ravel()),
        "offers": pa.array(offers.ravel()),
        "gap": pa.array(gap.ravel().astype(bool)),
    })  # fmt: skip
