"""What a channel brings, measured: visitors who met it against a random holdout who did not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ecomops.channel.journeys import MONEY, conversions, met, within
from ecomops.data.tables import NO, frame
from ecomops.maths.proportions import newcombe

if TYPE_CHECKING:
    from datetime import date

    import ibis
    import pandas as pd

INCREMENTAL = {
    "channel": "text",
    "exposed": "count",
    "held_out": "count",
    "exposed_rate": "percent",
    "held_out_rate": "percent",
    "conversions": "count",
    "low": "count",
    "high": "count",
    "cost": "money",
}


def opportunities(
    events: ibis.Table, *, by: str, start: date | None = None, end: date | None = None
) -> ibis.Table:
    """Return ``visitor, channel, first, held, cost``: one row per visitor and channel met.

    A visitor met a channel by a touch or by a ghost of its holdout (``is_holdout``). Visitors with
    both are no longer randomised and left out.
    """
    seen = met(events, by=by)
    rows = within(
        seen.select(
            visitor=seen.visitor_id,
            channel=seen[by].cast("string"),
            at=seen.event_time,
            held=seen.is_holdout.cast("boolean").fill_null(NO).cast("int64"),
            cost=seen.cost.cast(MONEY),
        ),
        start,
        end,
    )
    each = rows.group_by("visitor", "channel").aggregate(
        first=rows.at.min(), held=rows.held.max(), least=rows.held.min(), cost=rows.cost.sum()
    )
    return each.filter(each.held == each.least).drop("least")


def counts(events: ibis.Table, chances: ibis.Table) -> ibis.Table:
    """Return visitors and buyers with and without exposure, one row per channel.

    A buyer ordered at or after the first opportunity: what happened before cannot be its effect.
    """
    orders = conversions(events)
    last = orders.group_by("visitor").aggregate(last=orders["own"].max())
    both = chances.left_join(last, "visitor")
    bought = (both["last"] >= both["first"]).fill_null(NO).cast("int64")
    held = both.held == 1
    return (
        both.mutate(bought=bought)
        .group_by("channel")
        .aggregate(
            exposed=(~held).cast("int64").sum(),
            exposed_buyers=bought.sum(where=~held),
            held_out=held.cast("int64").sum(),
            held_out_buyers=bought.sum(where=held),
            cost=both.cost.sum(where=~held),
        )
    )


def incremental(
    events: ibis.Table, *, by: str, start: date | None = None, end: date | None = None
) -> pd.DataFrame:
    """Return what each channel with a holdout brought: columns of `INCREMENTAL`, 90 % interval.

    The difference of conversion between exposed and held-out visitors, times those exposed.
    Newcombe (1998), method 10; the ghost design is Johnson, Lewis and Nubbemeyer (2017), J.
    Marketing Research 54: 867-884.
    """
    chances = opportunities(events, by=by, start=start, end=end)
    rows = frame(counts(events, chances)).sort_values("channel", ignore_index=True)
    rows = rows[rows["held_out"] > 0].reset_index(drop=True)
    exposed, held = rows["exposed"].to_numpy(float), rows["held_out"].to_numpy(float)
    buyers = rows["exposed_buyers"].to_numpy(float), rows["held_out_buyers"].to_numpy(float)
    change, low, high = (
        np.asarray(x) * exposed for x in newcombe(buyers[0], exposed, buyers[1], held)
    )
    return rows.assign(
        exposed_rate=buyers[0] / np.where(exposed > 0, exposed, np.nan),
        held_out_rate=buyers[1] / held,
        conversions=change,
        low=low,
        high=high,
    )[list(INCREMENTAL)]
