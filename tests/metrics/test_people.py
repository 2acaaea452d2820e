"""People by period against pandas counting every one of them, for each period and cut-off."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from ecomops.data import outline as module
from ecomops.data.outline import outline
from ecomops.data.policy import POLICY
from ecomops.data.tables import frame
from ecomops.data.tables import table as canonical
from ecomops.metrics.customers import customers
from ecomops.metrics.observe import observe
from tests.metrics.shops import random_orders, shop, sold

MEASURES = ["persons", "person_squares", "known", "again", "first"]
# pandas' own calendar; weeks from Monday
SPANS = {"day": "D", "week": "W-SUN", "month": "M", "quarter": "Q", "year": "Y"}


def truth(orders: pd.DataFrame, period: str, until: dt.date) -> pd.DataFrame:
    """Count people by period with pandas: one group for each person and period."""
    rows = sold(orders)
    rows = rows[rows["customer_id"].notna() & (rows["paid_at"].dt.date <= until)]
    rows = rows.assign(at=rows["paid_at"].dt.to_period(SPANS[period]).dt.start_time.dt.date)
    each = rows.groupby(["at", "customer_id"]).agg(
        amount=("paid_amount", "sum"), kept=("net", lambda net: int((net > 0).sum()))
    )
    debut = rows[rows["net"] > 0].groupby("customer_id")["at"].min().value_counts()
    by = each.groupby("at")
    return pd.DataFrame(
        {
            "persons": by.size(),
            "person_squares": by["amount"].apply(lambda a: float((a**2).sum())),
            "known": by["kept"].apply(lambda k: int((k >= 1).sum())),
            "again": by["kept"].apply(lambda k: int((k >= 2).sum())),
            "first": debut.reindex(by.size().index).fillna(0),
        }
    )


def found(tables: object, period: str, until: dt.date | None = None) -> pd.DataFrame:
    names = [f"sales.{name}" for name in MEASURES]
    values = observe(tables, names, period=period, as_of=until).values
    return values.set_axis(MEASURES, axis=1)


@pytest.mark.parametrize("until", [None, dt.date(2025, 9, 17)])
@pytest.mark.parametrize("period", SPANS)
def test_people_equal_pandas_in_every_period(period: str, until: dt.date | None) -> None:
    orders = random_orders(500, days=400)
    expected = truth(orders, period, until or dt.date(2100, 1, 1))
    got = found(shop(orders).tables, period, until)
    assert len(got) >= len(expected) >= 1
    np.testing.assert_allclose(got.loc[expected.index], expected, rtol=1e-12)
    assert (got.drop(index=expected.index) == 0).all(axis=None)


def test_people_equal_pandas_on_every_engine(table) -> None:
    orders = random_orders(200)
    expected = truth(orders, "week", dt.date(2100, 1, 1))
    got = found(shop(table(orders)).tables, "week")
    np.testing.assert_allclose(got.loc[expected.index], expected, rtol=1e-12)


def test_two_months_can_share_a_week() -> None:
    """Friday 31 January and Saturday 1 February 2025: one buyer of the week, twice."""
    orders = pd.DataFrame(
        {
            "order_id": ["1", "2"],
            "customer_id": "a",
            "paid_at": ["2025-01-31", "2025-02-01"],
            "paid_amount": [3.0, 4.0],
        }
    )
    week = found(shop(orders).tables, "week").iloc[0]
    assert week[["persons", "known", "again", "person_squares"]].tolist() == [1, 1, 1, 49]
    months = found(shop(orders).tables, "month")
    assert months["again"].tolist() == [0, 0]
    assert months["person_squares"].tolist() == [9, 16]


@pytest.mark.parametrize("period", SPANS)
def test_whoever_has_several_sales_in_a_period_is_among_those_looked_at(period: str) -> None:
    orders = random_orders(900, days=300)
    rows = sold(orders).dropna(subset="customer_id")
    spans = rows["paid_at"].dt.to_period(SPANS[period])
    sizes = rows.groupby([spans, "customer_id"]).size()
    several = set(sizes[sizes > 1].index.get_level_values("customer_id"))
    looked_at = frame(*customers(shop(orders).orders).with_several(period))
    assert several
    assert several <= set(looked_at["customer_id"])


def test_few_customers_are_looked_at_where_most_buy_once_a_month() -> None:
    orders = random_orders(300, days=700)
    (looked_at,) = customers(shop(orders).orders).with_several("month")
    sizes = sold(orders).dropna(subset="customer_id").groupby(["customer_id", "month"]).size()
    assert 0 < frame(looked_at).shape[0] < sizes.index.get_level_values(0).nunique()


def test_rows_that_are_held_give_what_rows_read_anew_give(monkeypatch: pytest.MonkeyPatch) -> None:
    orders = random_orders(300)
    anew = found(shop(orders).tables, "month")
    monkeypatch.setattr(module, "WORTH_HOLDING", 1)
    pd.testing.assert_frame_equal(found(shop(orders).tables, "month"), anew)


def test_people_told_apart_in_pieces_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    orders = random_orders(300)
    whole = found(shop(orders).tables, "month")
    monkeypatch.setattr(module, "PIECE", 70)
    pieces = found(shop(orders).tables, "month")
    pd.testing.assert_frame_equal(pieces, whole, check_exact=False, rtol=1e-12)


def test_the_outline_names_what_each_order_counts_as() -> None:
    """One order for each reason, by precedence, on the day it was paid or else made."""
    orders = pd.DataFrame(
        {
            "order_id": list("abcdefg"),
            "customer_id": ["1", "1", "1", "1", None, "1", "1"],
            "created_at": ["2025-01-01", "2025-01-01", None, *["2025-01-01"] * 4],
            "paid_at": [None, "2025-01-02", None, *["2025-01-02"] * 4],
            "order_status": ["unpaid", *["completed"] * 6],
            "is_gift_or_brush": [False, True, *[False] * 5],
            "paid_amount": [9.0, 9.0, 9.0, 0.0, 9.0, 9.0, 9.0],
            "refund_amount": [0.0, 0.0, 0.0, 0.0, 0.0, 9.0, 8.0],
            "currency": ["CNY", None, "CNY", "CNY", "CNY", "CNY", "CNY"],
        }
    )
    told = outline(shop(orders).orders, POLICY.reasons)
    rows = frame(told.rows)
    reasons = [told.reasons[n] for n in rows["reason"]]
    assert reasons == ["unpaid", "marked", "no_time", "no_money", "guest", "refunded", ""]
    assert [told.number(reason) for reason in reasons] == rows["reason"].tolist()
    assert rows["day"].astype(str).tolist()[:2] == ["2025-01-01", "2025-01-02"]
    assert rows["month"].dropna().unique().tolist() == [2025 * 12]
    assert told.currency == "CNY"


def test_several_currencies_stay_beside_the_money() -> None:
    orders = random_orders(20).assign(currency=["CNY", "USD"] * 10)
    told = outline(canonical(orders, "orders"), POLICY.reasons)
    assert told.currency is None
    assert set(frame(told.rows)["currency"]) == {"CNY", "USD"}
