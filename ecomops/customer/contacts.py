"""What is learned from randomised messages, person by person: before the send, and what came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ecomops.customer import sends
from ecomops.data.tables import frame, table
from ecomops.maths.arrays import Bools, Floats, Ints, floats
from ecomops.metrics.customers import customers
from ecomops.result import Need, lacking

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import ibis

    from ecomops.data.shop import Shop

FEATURES = ("silent", "since", "orders", "spent")
FIRM = (0.05, 0.95)  # chances of being sent to from which anything can be learned


@dataclass(frozen=True, eq=False)
class Contacts:
    """Rows of a person and a send; arrays have one entry a row, ordered by person and day.

    `x` (n, p) is known before the send; `chance` is that of being sent to; `wave` and `person`
    number the sends and the people from 0, `last` marks each one's last row.
    """

    customer_id: pd.Series[str]
    x: Floats
    treated: Floats
    outcome: Floats
    chance: Floats
    wave: Ints
    person: Ints
    last: Bools
    cost: float
    sent_on: date | None = None
    currency: str | None = None


def of_shop(shop: Shop, horizon_days: int, most: int) -> Contacts | tuple[Need, ...]:
    """Return what a shop's `message_sends` brought in net margin, or what is missing.

    The first `most` rows by customer id are taken. Messages that all or none were sent are left
    out; the chance is the recorded one, else the share that was sent to.
    """
    if absent := lacking(shop, "orders", "order_lines", "message_sends"):
        return absent
    margin = shop.gross_margin
    if margin is None:
        return (Need("column", {"table": "order_lines", "column": "line_cost"}),)
    facts = customers(shop.orders)
    seen = sends.outcomes(facts, shop.message_sends, horizon_days)
    rows = frame(seen.order_by("customer_id", "wave", "treated").limit(most))
    rows = rows.merge(_chances(shop.message_sends), on="wave")
    rows["chance"] = rows["chance"].fillna(rows.groupby("wave")["treated"].transform("mean"))
    rows = rows[rows["chance"].between(*FIRM)].sort_values(["customer_id", "wave"], kind="stable")
    return Contacts(
        customer_id=rows["customer_id"],
        x=floats(rows[list(FEATURES)]),
        treated=floats(rows["treated"]),
        outcome=floats(rows["net"] * margin),
        chance=floats(rows["chance"]),
        wave=pd.factorize(rows["wave"])[0],
        person=pd.factorize(rows["customer_id"])[0],
        last=~rows["customer_id"].duplicated(keep="last").to_numpy(),
        cost=sends.price(shop.message_sends),
        sent_on=pd.Timestamp(rows["wave"].max()).date() if len(rows) else None,
        currency=shop.currency,
    )


def _chances(log: ibis.Table) -> pd.DataFrame:
    """Return by ``wave`` the recorded ``chance`` of being sent to, missing where there is none."""
    t = table(log, "message_sends").mutate(wave=lambda t: t.sent_at.date())
    chance = t.propensity.cast("decimal(38, 9)").mean().cast("float64")
    return frame(t.group_by("wave").aggregate(chance=chance))


def of_rows(people: pd.DataFrame, features: Sequence[str], chance: float) -> Contacts:
    """Return `people`, ordered by customer id, as the rows of one send that cost nothing."""
    n = len(people)
    return Contacts(
        customer_id=people["customer_id"],
        x=floats(people[list(features)]),
        treated=floats(people["treated"]),
        outcome=floats(people["outcome"]),
        chance=np.full(n, chance),
        wave=np.zeros(n, dtype=int),
        person=np.arange(n),
        last=np.ones(n, dtype=bool),
        cost=0.0,
    )
