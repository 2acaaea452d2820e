"""What buyers say: reviews of lines, and the shop's rolling scores."""

from __future__ import annotations

import tomllib
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
    from collections.abc import Mapping

    from ecomops.sim.plan import Plan
    from ecomops.sim.streams import Ints
    from ecomops.sim.tables import Scene

STARS = np.array([0.020, 0.020, 0.055, 0.125, 0.780])
UNHAPPY = np.array([0.22, 0.18, 0.25, 0.20, 0.15])


@cache
def phrases() -> Mapping[str, Any]:
    """Return the building blocks of review texts by aspect and stars."""
    text = (resources.files("ecomops.sim") / "data" / "reviews.toml").read_text("utf-8")
    return tomllib.loads(text)


def reviews(scene: Scene) -> pa.Table:
    """Return the canonical table `reviews`: a share of received lines, after completion.

    Buyers who send goods back write more often and give fewer stars.
    """
    part, fate, rows = scene.part, scene.fate, scene.line_rows
    lot, grade, lag, one, two, three = part.line_draws(scene.plan, "reviews", 6)
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
    number = arrow.scattered(part.orders.key[order[rows]])
    line = part.lines.rank[rows] + 1
    return pa.table({
        "review_id": arrow.digits(number, 3, "RV", line),
        "product_id": ids.products(scene.sale.product[rows]),
        "order_line_id": arrow.digits(number, 3, ids.ORDER, line),
        "rating": pa.array(stars.astype(np.float64)),
        "content": pa.array([_text(*row) for row in zip(stars, one[rows], two[rows], three[rows], strict=True)], pa.string()),
        "created_at": arrow.stamps(written[rows], scene.plan.epoch),
    })  # fmt: skip


def _text(stars: int, one: float, two: float, three: float) -> str:
    """Return a review of one or two clauses about aspects that fit its stars."""
    mood = "good" if stars >= 4 else "bad" if stars <= 2 else "mixed"  # noqa: PLR2004
    aspects = phrases()[mood]
    names = list(aspects)
    first = names[int(one * len(names))]
    second = names[int(two * len(names))]
    clauses = [_clause(aspects[first], three)]
    if second != first:
        clauses.append(_clause(aspects[second], one * 7 % 1))
    return "，".join(clauses) + "。"


def _clause(choices: list[str], uniform: float) -> str:
    return choices[int(uniform * len(choices))]


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
