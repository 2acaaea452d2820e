"""The yearly question whether buyers would recommend the shop: canonical tables and truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from scipy.special import ndtri

from ecomops.sim import arrow, ids
from ecomops.sim.calendar import DAY
from ecomops.sim.streams import stream

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ecomops.sim.plan import Plan
    from ecomops.sim.streams import Ints
    from ecomops.sim.tables import Scene

QUESTION = "您有多大可能把本店推荐给朋友？（0—10 分）"
MEAN, SPREAD, LEVEL = 8.1, 1.9, 0.45


def _answers(plan: Plan, scenes: Sequence[Scene]) -> Mapping[str, Ints]:
    """Return customer keys, true scores, who answered and when (days), of all who were asked.

    Those who bought before the last 30 days are asked in them. The happy and the very unhappy
    answer more often, so the plain score of answers is biased.
    """
    parts, opens = [], plan.days - 30
    for scene in scenes:
        people, sale, part = scene.part.people, scene.sale, scene.part
        rows = scene.rows[~sale.unpaid[scene.rows] & (sale.paid_at[scene.rows] < opens * DAY)]
        buyers = np.unique(part.orders.customer[rows])
        buyers = buyers[~people.guest[buyers]]
        random = stream(plan.seed, "survey", part.number)
        asked, mood, reply, late = random.random((4, len(people)))
        who = buyers[asked[buyers] < plan.settings.opinions.surveyed]
        score = np.clip(np.rint(MEAN + SPREAD * ndtri(mood[who])), 0, 10).astype(np.int64)
        chance = np.clip(LEVEL + 0.25 * (score >= 9) + 0.15 * (score <= 3), 0, 1)  # noqa: PLR2004
        day = opens + np.floor(-4 * np.log1p(-late[who])).clip(max=25).astype(np.int64)
        parts.append(np.stack([people.key[who], score, reply[who] < chance, day]))
    found = np.concatenate(parts, axis=1)
    return dict(zip(("key", "score", "answered", "day"), found, strict=True))


def surveys(plan: Plan, scenes: Sequence[Scene]) -> pa.Table:
    """Return the canonical table `surveys`: one row per response."""
    found = _answers(plan, scenes)
    rows = np.flatnonzero(found["answered"])
    at = found["day"][rows].astype(np.float64) * DAY + 36_000 + found["key"][rows] % 36_000
    return pa.table({
        "response_id": arrow.digits(arrow.scattered(found["key"][rows]), 3, "NPS"),
        "survey_id": arrow.constant("NPS1", len(rows)),
        "submitted_at": arrow.stamps(at, plan.epoch),
        "customer_id": ids.buyers(found["key"][rows]),
    })  # fmt: skip


def survey_answers(plan: Plan, scenes: Sequence[Scene]) -> pa.Table:
    """Return the canonical table `survey_answers`: the score of each response."""
    found = _answers(plan, scenes)
    rows = np.flatnonzero(found["answered"])
    score = found["score"][rows]
    return pa.table({
        "response_id": arrow.digits(arrow.scattered(found["key"][rows]), 3, "NPS"),
        "question_id": arrow.constant("Q1", len(rows)),
        "option_index": pa.array(np.zeros(len(rows), dtype=np.int64)),
        "question_text": arrow.constant(QUESTION, len(rows)),
        "question_type": arrow.constant("nps", len(rows)),
        "answer_text": pa.array([str(s) for s in score], pa.string()),
        "answer_value": pa.array(score.astype(np.float64)),
    })  # fmt: skip


def moods(plan: Plan, scenes: Sequence[Scene]) -> pa.Table:
    """Return the truth: the score of everybody who was asked, and whether they answered."""
    found = _answers(plan, scenes)
    return pa.table({
        "customer_id": ids.buyers(found["key"]),
        "score": pa.array(found["score"]),
        "answered": pa.array(found["answered"].astype(bool)),
    })  # fmt: skip
