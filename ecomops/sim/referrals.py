"""Word of mouth: customers who come because a customer told them, in generations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ecomops.sim import people
from ecomops.sim.calendar import DAY
from ecomops.sim.plan import NOBODY
from ecomops.sim.streams import spread, stream

if TYPE_CHECKING:
    from ecomops.sim.people import People
    from ecomops.sim.plan import Plan
    from ecomops.sim.streams import Ints

DELAY = 45.0
GENERATIONS = 5


def friends(plan: Plan, group: People, first: int, chunk: int) -> tuple[People, Ints]:
    """Return referred customers and, for each, the position of who referred them.

    Every customer without a cause of their own refers Poisson(K) others, as do those who came
    that way, so a parent brings K / (1 - K) customers in the end: a branching process (Galton &
    Watson 1875), cut off by the end of the data.
    """
    random = stream(plan.seed, "friends", chunk)
    rate = plan.settings.referral
    position = np.flatnonzero((group.cause == NOBODY) & ~group.guest) if rate else np.empty(0, int)
    arrival = group.arrival[position]
    times, referrers, reached = [np.empty(0)], [np.empty(0, dtype=np.int64)], first
    for _ in range(GENERATIONS):
        owner, _rank = spread(random.poisson(rate, len(position)))
        when = arrival[owner] + DAY * DELAY * random.standard_exponential(len(owner))
        here = when < plan.horizon
        times.append(when[here])
        referrers.append(position[owner[here]])
        arrival = when[here]
        position = reached + np.arange(len(arrival))
        reached += len(arrival)
    time = np.concatenate(times)
    number = plan.index.get("referral", NOBODY)
    referred = people.people(plan, "referral", chunk, time, np.full(len(time), number))
    return referred, np.concatenate(referrers)
