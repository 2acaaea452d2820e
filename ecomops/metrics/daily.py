"""Daily sales as one unbroken series: what forecasts, alarms and calendars look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from ecomops.data.festivals import days as calendar_days
from ecomops.data.policy import POLICY, Coverage, coverage
from ecomops.data.tables import frame

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    import ibis

    from ecomops.data.festivals import Festival
    from ecomops.data.shop import Shop
    from ecomops.maths.forecast import Days

MEASURES = ("amount", "net", "orders", "buyers")


def daily(orders: ibis.Table, *, as_of: date | None = None) -> pd.DataFrame:
    """Return one row per day from the first sale to the last: ``day, amount, net, orders, buyers``.

    `orders` is the canonical table. Days without a sale are 0. Money in the shop's currency:
    `amount` as paid, `net` less refunds so far; `buyers` are distinct within the day,
    each guest order one of its own.

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
        buyers=sold.customer_id.nunique() + sold.count() - sold.customer_id.count(),
    )
    rows = frame(by_day)
    if rows.empty:
        coverage(orders, as_of=as_of)  # says why no order is a sale
    return _unbroken(rows)


def hourly(orders: ibis.Table, *, metric: str, since: date, until: date) -> pd.DataFrame:
    """Return sums by day (rows, from the first sale since a day) and hour (columns 0 to 23).

    `metric` is "amount", "net" or "orders"; the index holds the days, without a gap.
    """
    sold = POLICY.sales(orders, as_of=until)
    sold = sold.filter(sold.at.date() >= since)
    value = (sold.amount > 0).cast("int64") if metric == "orders" else sold[metric]
    sums = {f"h{h}": value.sum(where=sold.at.hour() == h).fill_null(0) for h in range(24)}
    rows = frame(sold.group_by(day=sold.at.date()).aggregate(**sums))
    if rows.empty:
        return pd.DataFrame(columns=range(24), index=pd.DatetimeIndex([], name="day"))
    rows = _unbroken(rows).set_index("day")
    return rows[list(sums)].set_axis(range(24), axis=1)


def _unbroken(rows: pd.DataFrame) -> pd.DataFrame:
    """Return `rows` by day from the first to the last, days that are not there as 0."""
    rows["day"] = pd.to_datetime(rows["day"])
    rows = rows.set_index("day").sort_index()
    every = pd.date_range(rows.index[0], rows.index[-1], freq="D", name="day")
    return rows.reindex(every, fill_value=0).astype("float64").reset_index()


@dataclass(frozen=True, eq=False)
class History:
    """Daily sales with the festivals that explain them: what every analysis of days starts from.

    `rows` are those of `daily`, `facts` say what the orders hold, `festivals` are the calendar.
    """

    rows: pd.DataFrame
    facts: Coverage
    festivals: tuple[Festival, ...]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def start(self) -> date:
        """The first day with a sale."""
        return self.facts.first_day

    @property
    def end(self) -> date:
        """The last day with a sale."""
        return self.facts.last_day

    def values(self, metric: str) -> Any:
        """Return one value a day, never below 0, shape (days,)."""
        return self.rows[metric].clip(lower=0).to_numpy()

    def days(self, ahead: int = 0) -> Days:
        """Return the calendar facts of all days and of `ahead` more."""
        return calendar_days(self.start, len(self.rows) + ahead, self.festivals)

    @property
    def basis(self) -> dict[str, Any]:
        """What a result over these days rests on, as keywords of `Basis`."""
        return {
            "n": len(self.rows),
            "unit": "days",
            "start": self.start,
            "end": self.end,
            "currency": self.facts.currency,
            "excluded": self.facts.excluded_sales,
        }


def history(
    shop: Shop,
    *,
    calendar: str | None = None,
    own_days: Iterable[Mapping[str, Any]] = (),
    as_of: date | None = None,
) -> History:
    """Return the daily sales of a shop up to a day with its festivals (see `Shop.festivals`).

    Raises `OptionError` for an unknown calendar and what `coverage` raises for the orders.
    """
    festivals = shop.festivals(calendar, own_days)
    facts = coverage(shop.orders, as_of=as_of)
    return History(daily(shop.orders, as_of=as_of), facts, festivals)
