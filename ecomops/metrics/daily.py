"""Daily sales as one unbroken series: what forecasts, alarms and calendars look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from ecomops.data.policy import POLICY
from ecomops.data.tables import frame

if TYPE_CHECKING:
    from datetime import date

    import ibis

MEASURES = ("amount", "net", "orders", "buyers")


def daily(orders: ibis.Table, *, as_of: date | None = None) -> pd.DataFrame:
    """Return one row per day from the first sale to the last: ``day, amount, net, orders, buyers``.

    `orders` is the canonical table. Days without a sale are 0. Money in the shop's currency:
    `amount` as paid, `net` less refunds so far; `buyers` are distinct within the day.

    >>> import ibis
    >>> from ecomops.data.tables import table
    >>> orders = table(
    ...     pd.DataFrame(
    ...         {
    ...             "order_id": ["1", "2"],
    ...             "paid_amount": [5.0, 7.0],
    ...             "customer_id": ["a", "b"],
    ...             "created_at": ["2025-01-01 09:00", "2025-01-03 09:00"],
    ...         }
    ...     ),
    ...     "orders",
    ... )
    >>> daily(orders)["amount"].tolist()
    [5.0, 0.0, 7.0]
    """
    sold = POLICY.sales(orders, as_of=as_of)
    by_day = sold.group_by(day=sold.at.date()).aggregate(
        amount=sold.amount.sum(),
        net=sold.net.sum(),
        orders=sold.count(),
        buyers=sold.customer_id.nunique(),
    )
    rows = frame(by_day)
    rows["day"] = pd.to_datetime(rows["day"])
    rows = rows.set_index("day").sort_index()
    every = pd.date_range(rows.index[0], rows.index[-1], freq="D", name="day")
    return rows.reindex(every, fill_value=0).astype("float64").reset_index()
