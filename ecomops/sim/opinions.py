"""What buyers say: reviews of lines, and the shop's rolling scores."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from scipy.special import ndtri

from ecomops.sim import arrow, ids
from ecomops.sim.calendar import DAY
from ecomops.sim.streams import pick, stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ecomops.sim.plan import Plan
    from ecomops.sim.streams import Floats, Ints
    from ecomops.sim.tables import Scene

STARS = np.array([0.020, 0.020, 0.055, 0.125, 0.780])
UNHAPPY = np.array([0.22, 0.18, 0.25, 0.20, 0.15])


@cache
def phrases() -> Mapping[str, Any]:
    """Return the building blocks of review texts by aspect and stars."""
    text = (resources.files("ecomops.sim") / "data" / "reviews.toml").read_text("utf-8")
    return tomllib.loads(text)


@dataclass(frozen=True)
class Voices:
    """Reviews of one chunk that are known by the end of the data, in order of time.

    `line` is the position of the line, `stars` from 1 to 5, `first`, `second` and `turn` choose
    the words.
    """

    line: Ints
    stars: Ints
    written: Floats
    first: Floats
    second: Floats
    turn: Floats


def voices(scene: Scene) -> Voices:
    """Return who reviews: a share of received lines, after completion.

    Buyers who send goods back write more often and give fewer stars.
    """
    part, fate, rows = scene.part, scene.fate, scene.line_rows
    lot, grade, lag, one, two, three = part.draws(scene.plan, "reviews", 6, lines=True)
    order = part.lines.order
    written = np.floor(fate.completed[order] - 3 * DAY * np.log1p(-lag))
    upset = fate.asked & ~fate.early
    chance = scene.plan.settings.opinions.reviews * (1 + 0.8 * upset)
    rows = rows[
        (lot < chance)[rows]
        & ~scene.sale.unpaid[order[rows]]
        & ~fate.early[rows]
        & scene.known(written[rows])
    ]
    rows = rows[np.lexsort((part.lines.rank[rows], part.orders.key[order[rows]], written[rows]))]
    stars = 1 + np.where(upset[rows], pick(grade[rows], UNHAPPY), pick(grade[rows], STARS))
    return Voices(rows, stars, written[rows], one[rows], two[rows], three[rows])


def reviews(scene: Scene) -> pa.Table:
    """Return the canonical table `reviews`, brushed ones last."""
    part, said = scene.part, voices(scene)
    order = part.lines.order[said.line]
    number = arrow.scattered(part.orders.key[order])
    line = part.lines.rank[said.line] + 1
    lang = scene.plan.settings.opinions.lang
    texts = [wording(lang, *drawn)[0] for drawn in _drawn(said)]
    table = pa.table({
        "review_id": arrow.digits(number, 3, "RV", line),
        "product_id": ids.products(scene.sale.product[said.line]),
        "order_line_id": arrow.digits(number, 3, ids.ORDER, line),
        "rating": pa.array(said.stars.astype(np.float64)),
        "content": pa.array(texts, pa.string()),
        "created_at": arrow.stamps(said.written, scene.plan.epoch),
    })  # fmt: skip
    if part.number or not scene.plan.on("brushing"):
        return table
    return pa.concat_tables([table, _brushed(scene.plan)], promote_options="default")


def _drawn(said: Voices) -> Iterator[tuple[int, float, float, float]]:
    return zip(*(c.tolist() for c in (said.stars, said.first, said.second, said.turn)), strict=True)


def brushed_product(plan: Plan) -> int:
    """Return the product whose reviews are brushed: a weak one that is still on sale."""
    goods = plan.catalogue
    return int(np.argmin(np.where(goods.launch < 0, goods.appeal, np.inf)))


def _brushed(plan: Plan) -> pa.Table:
    """Return a burst of invented five-star reviews within three days."""
    count = plan.settings.opinions.brushed
    lot, one, two, three = stream(plan.seed, "brushing").random((4, count))
    at = np.sort(np.floor((0.7 * plan.days + 3 * lot) * DAY))
    product = np.full(count, brushed_product(plan))
    said = Voices(product, np.full(count, 5), at, one, two, three)
    lang = plan.settings.opinions.lang
    return pa.table({
        "review_id": arrow.digits(np.arange(count), 3, "RB"),
        "product_id": ids.products(product),
        "rating": pa.array(np.full(count, 5.0)),
        "content": pa.array([wording(lang, *d)[0] for d in _drawn(said)], pa.string()),
        "created_at": arrow.stamps(at, plan.epoch),
    })  # fmt: skip


def labels(scene: Scene) -> pa.Table:
    """Return the truth about each review: mood, aspects, whether it was invented."""
    said, plan = voices(scene), scene.plan
    part = scene.part
    number = arrow.scattered(part.orders.key[part.lines.order[said.line]])
    lang = plan.settings.opinions.lang
    told = [wording(lang, *drawn)[1:] for drawn in _drawn(said)]
    fakes = plan.settings.opinions.brushed if plan.on("brushing") and not part.number else 0
    names = [
        arrow.digits(number, 3, "RV", part.lines.rank[said.line] + 1),
        arrow.digits(np.arange(fakes), 3, "RB"),
    ]
    mood, aspects = zip(*told, *[("good", "")] * fakes, strict=True) if told or fakes else ((), ())
    return pa.table({
        "review_id": pa.chunked_array(names),
        "mood": pa.array(mood, pa.string()),
        "aspects": pa.array(aspects, pa.string()),
        "invented": pa.array(np.arange(len(mood)) >= len(told)),
    })  # fmt: skip


def wording(lang: str, stars: int, one: float, two: float, three: float) -> tuple[str, str, str]:
    """Return (text, mood, aspects) of a review: one or two clauses that fit its stars."""
    mood = "good" if stars >= 4 else "bad" if stars <= 2 else "mixed"  # noqa: PLR2004
    aspects = _aspects(lang, mood)
    (first, some), (second, more) = (aspects[int(lot * len(aspects))] for lot in (one, two))
    clauses = [some[int(three * len(some))]]
    if second != first:
        clauses.append(more[int(one * 7 % 1 * len(more))])
    text = "，".join(clauses) + "。" if lang == "zh" else ", ".join(clauses).capitalize() + "."
    return text, mood, " ".join(dict.fromkeys((first, second)))


@cache
def _aspects(lang: str, mood: str) -> list[tuple[str, list[str]]]:
    return list(phrases()[lang][mood].items())


def shop_scores(plan: Plan) -> pa.Table:
    """Return the canonical table `shop_scores`: three slowly moving scores a day."""
    noise = ndtri(stream(plan.seed, "scores").random((3, plan.days)))
    level = np.array([[4.84], [4.86], [4.82]])
    drift = np.cumsum(noise, axis=1) * 0.0014
    drift -= np.linspace(0, 1, plan.days) * drift[:, -1:] * 0.6
    slow = np.convolve(plan.daily / plan.daily.mean(), np.ones(14) / 14, mode="full")[: plan.days]
    strain = np.array([[0.006], [0.012], [0.030]]) * (slow - 1).clip(0, 3)
    scores = np.round((level + drift - strain).clip(4.5, 4.98), 2)
    days: Ints = np.arange(plan.days)
    return pa.table({
        "date": arrow.dates(days, plan.epoch),
        "store_id": arrow.constant(plan.settings.store.store_id, plan.days),
        "score_description": pa.array(scores[0]),
        "score_service": pa.array(scores[1]),
        "score_logistics": pa.array(scores[2]),
    })  # fmt: skip
