"""A/B tests: who saw which version (data), and what was planted (truth)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ecomops.sim import arrow
from ecomops.sim.calendar import DAY, HOUR
from ecomops.sim.newcomers import in_b
from ecomops.sim.streams import stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecomops.sim.plan import Plan
    from ecomops.sim.settings import Experiment
    from ecomops.sim.streams import Bools, Floats
    from ecomops.sim.tables import Scene

RATE = 0.03


def exposures(plan: Plan, scenes: Sequence[Scene]) -> pa.Table:
    """Return one row per visitor of each test: arm, first visit, orders and amount in the test.

    B's extra buyers are visitors who would have left; a planted mismatch drops a share of B's
    rows that did not buy. Orders of one buyer count for one visitor, so amounts are correlated
    within visitors.
    """
    rows = [_one(plan, scene, test) for test in plan.settings.experiments for scene in scenes]
    return pa.concat_tables(rows) if rows else pa.table({"experiment": pa.array([], pa.string())})


def _one(plan: Plan, scene: Scene, test: Experiment) -> pa.Table:
    low, high = plan.window(test.start, 0, test.days - 1)
    part, sale = scene.part, scene.sale
    inside = (sale.created >= low) & (sale.created < high)
    rows = np.flatnonzero(sale.exists & ~sale.unpaid & inside)
    owner, place = np.unique(part.orders.customer[rows], return_inverse=True)
    count = np.bincount(place, minlength=len(owner))
    amount = np.bincount(place, sale.paid[rows], minlength=len(owner)).astype(np.int64)
    seen = np.full(len(owner), np.inf)
    np.minimum.at(seen, place, sale.created[rows])
    caused = np.isin(owner, part.orders.customer[part.orders.requires == plan.index[test.key]])
    arm = caused | in_b(plan, test, part.people.key[owner])
    lost = np.setdiff1d(part.orders.customer[part.orders.blocked == plan.index[test.key]], owner)
    others = round(((~caused).sum() + len(lost)) * (1 - RATE) / RATE)
    won = int(caused.sum()) - len(lost)
    idle_arm, idle_seen = _idle(plan, test, part.number, others, won)
    buyers = np.arange(len(owner) + len(idle_arm)) < len(owner)
    none = np.zeros(len(idle_arm), dtype=np.int64)
    at = np.concatenate([np.maximum(seen - 2 * HOUR, low), idle_seen])
    return pa.table({
        "experiment": arrow.constant(test.name, len(buyers)),
        "visitor_id": arrow.digits(np.arange(len(buyers)) + part.number * 10**8, 3, "x"),
        "arm": arrow.words(np.concatenate([arm, idle_arm]).astype(np.int64), ("A", "B")),
        "exposed_at": arrow.stamps(at, plan.epoch),
        "orders": pa.array(np.concatenate([count, none])),
        "paid_amount": arrow.money(np.concatenate([amount, none])),
    })  # fmt: skip


def _idle(plan: Plan, test: Experiment, chunk: int, count: int, won: int) -> tuple[Bools, Floats]:
    """Return (arm, first visit) of the visitors who did not buy and whose row was not dropped.

    `won` of B's visitors bought because of the test and are missing here; where the test cost
    buyers (`won` below 0), they are here in addition.
    """
    random = stream(plan.seed, f"idle/{test.name}", chunk)
    extra = max(-won, 0)
    lot, drop, moment = random.random((count + extra, 3)).T  # visitor by visitor
    arm = (lot < test.share) | (np.arange(count + extra) >= count)
    kept = ~arm | ((drop >= test.mismatch) & (np.cumsum(arm) > won))
    low, high = (np.full(count + extra, edge) for edge in plan.window(test.start, 0, test.days - 1))
    seen: Floats = plan.clock.within(moment, low, high)
    return arm[kept], seen[kept]


def planted(plan: Plan) -> pa.Table:
    """Return the truth: each test's lift and novelty in this world, its share and mismatch.

    A test that is switched off splits its visitors all the same: B is then as good as A.
    """
    tests = plan.settings.experiments
    start = [int(plan.window(t.start, 0, 0)[0] // DAY) for t in tests]
    return pa.table({
        "experiment": [t.name for t in tests],
        "start": arrow.dates(np.array(start, dtype=np.int64), plan.epoch),
        "days": [t.days for t in tests],
        "share": [t.share for t in tests],
        "lift": [t.lift if plan.on(t.key) else 0.0 for t in tests],
        "novelty": [t.novelty if plan.on(t.key) else 0.0 for t in tests],
        "mismatch": [t.mismatch for t in tests],
    })  # fmt: skip
