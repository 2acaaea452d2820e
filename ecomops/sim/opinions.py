"""What buyers say: reviews of lines, and the shop's rolling scores."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from scipy.special import ndtri

from ecomops.sim import arrow, ids
from ecomops.sim.calendar import DAY
from ecomops.sim.presets import facts
from ecomops.sim.streams import pick, stream

if TYPE_CHECKING:
    from ecomops.sim.plan import Plan
    from ecomops.sim.streams import Floats, Ints
    from ecomops.sim.tables import Scene

STARS = np.array([0.020, 0.020, 0.055, 0.125, 0.780])
UNHAPPY = np.array([0.22, 0.18, 0.25, 0.20, 0.15])
MOODS = ("good", "bad", "mixed")
MOST = 16  # aspects of a mood, and clauses of an aspect


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
    text, *_ = wording(scene.plan.settings.opinions.lang, said)
    table = pa.table({
        "review_id": arrow.digits(number, 3, "RV", line),
        "product_id": ids.products(scene.sale.product[said.line]),
        "order_line_id": arrow.digits(number, 3, ids.ORDER, line),
        "rating": pa.array(said.stars.astype(np.float64)),
        "content": text,
        "created_at": arrow.stamps(said.written, scene.plan.epoch),
    })  # fmt: skip
    if part.number or not scene.plan.on("brushing"):
        return table
    return pa.concat_tables([table, _brushed(scene.plan)], promote_options="default")


def brushed_product(plan: Plan) -> int:
    """Return the product whose reviews are brushed: a weak one that is still on sale."""
    goods = plan.catalogue
    return int(np.argmin(np.where(goods.launch < 0, goods.appeal, np.inf)))


def _brushed(plan: Plan) -> pa.Table:
    """Return a burst of invented five-star reviews within three days."""
    count = plan.settings.opinions.brushed
    lot, one, two, three = stream(plan.seed, "brushing").random((4, count))
    at = np.sort(np.floor((0.7 * plan.days + min(3, 0.3 * plan.days) * lot) * DAY))
    product = np.full(count, brushed_product(plan))
    said = Voices(product, np.full(count, 5), at, one, two, three)
    text, *_ = wording(plan.settings.opinions.lang, said)
    return pa.table({
        "review_id": arrow.digits(np.arange(count), 3, "RB"),
        "product_id": ids.products(product),
        "rating": pa.array(np.full(count, 5.0)),
        "content": text,
        "created_at": arrow.stamps(at, plan.epoch),
    })  # fmt: skip


def labels(scene: Scene) -> pa.Table:
    """Return the truth about each review: mood, aspects, whether it was invented."""
    said, plan = voices(scene), scene.plan
    part = scene.part
    number = arrow.scattered(part.orders.key[part.lines.order[said.line]])
    _, mood, aspects = wording(plan.settings.opinions.lang, said)
    fakes = plan.settings.opinions.brushed if plan.on("brushing") and not part.number else 0
    names = [
        arrow.digits(number, 3, "RV", part.lines.rank[said.line] + 1),
        arrow.digits(np.arange(fakes), 3, "RB"),
    ]
    return pa.table({
        "review_id": pa.chunked_array(names),
        "mood": pa.chunked_array([mood, arrow.constant("good", fakes)]),
        "aspects": pa.chunked_array([aspects, arrow.constant("", fakes)]),
        "invented": pa.array(np.arange(len(mood) + fakes) >= len(mood)),
    })  # fmt: skip


def wording(lang: str, said: Voices) -> list[pa.Array]:
    """Return text, mood and aspects of each review: one or two clauses that fit its stars."""
    mood = np.select([said.stars >= 4, said.stars <= 2], [0, 1], 2)  # noqa: PLR2004
    sizes = [[len(some) for _, some in _aspects(lang, name)] for name in MOODS]
    clauses = np.array([row + [0] * (MOST - len(row)) for row in sizes])
    aspects = (clauses > 0).sum(axis=1)[mood]
    one, two = ((lot * aspects).astype(int) for lot in (said.first, said.second))
    some = (said.turn * clauses[mood, one]).astype(int)
    more = (said.first * 7 % 1 * clauses[mood, two]).astype(int)
    shape = (len(MOODS), *clauses.shape[1:] * 4)
    code = np.ravel_multi_index((mood, one, some, two, more), shape)
    known, place = np.unique(code, return_inverse=True)
    told = [_told(lang, *at) for at in zip(*np.unravel_index(known, shape), strict=True)]
    return [arrow.words(place, column) for column in zip(*told or [("", "", "")], strict=True)]


def _told(lang: str, mood: int, one: int, some: int, two: int, more: int) -> tuple[str, str, str]:
    (first, words), (second, others) = (_aspects(lang, MOODS[mood])[at] for at in (one, two))
    clauses = [words[some]] + [others[more]] * (second != first)
    text = "，".join(clauses) + "。" if lang == "zh" else ", ".join(clauses).capitalize() + "."
    return text, MOODS[mood], " ".join(dict.fromkeys((first, second)))


@cache
def _aspects(lang: str, mood: str) -> list[tuple[str, list[str]]]:
    return list(facts("reviews")[lang][mood].items())


def shop_scores(plan: Plan) -> pa.Table:
    """Return the canonical table `shop_scores`: three slowly moving scores a day."""
    noise = ndtri(stream(plan.seed, "scores").random((3, plan.days)))
    level = np.array([[4.84], [4.86], [4.82]])
    drift = np.cumsum(noise, axis=1) * 0.0014
    drift -= np.linspace(0, 1, plan.days) * drift[:, -1:] * 0.6
    slow = np.convolve(plan.daily / plan.daily.mean(), np.ones(14) / 14, mode="full")[: plan.days]
    strain = np.array([[0.006], [0.012], [0.030]]) * (slow - 1).clip(0, 3)
    scores = np.round((level + drift - strain).clip(4.5, 4.98), 2)
    return pa.table({
        "date": arrow.dates(np.arange(plan.days), plan.epoch),
        "store_id": arrow.constant(plan.settings.store.store_id, plan.days),
        "score_description": pa.array(scores[0]),
        "score_service": pa.array(scores[1]),
        "score_logistics": pa.array(scores[2]),
    })  # fmt: skip
