"""Orders for the tests of customer analyses."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

START = dt.datetime(2024, 1, 1)


def orders_of(customers, days, amounts, **more):
    """Return orders as Arrow: customer ids, days since the start (fractions are hours), money."""
    at = [START + dt.timedelta(days=float(day)) for day in days]
    n = len(at)
    columns = {
        "order_id": pa.array([f"o{i}" for i in range(n)]),
        "customer_id": pa.array(list(customers), pa.string()),
        "created_at": pa.array(at, pa.timestamp("us")),
        "paid_at": pa.array(at, pa.timestamp("us")),
        "order_status": pa.array(["completed"] * n),
        "currency": pa.array(["CNY"] * n),
        "paid_amount": pa.array([Decimal(str(a)) for a in amounts], pa.decimal128(18, 2)),
    }
    typed = {
        name: values if isinstance(values, pa.Array) else pa.array(values)
        for name, values in more.items()
    }
    return pa.table(columns | typed)


def money(values):
    """Return money as Arrow decimals."""
    return pa.array([None if v is None else Decimal(str(v)) for v in values], pa.decimal128(18, 2))


@pytest.fixture(scope="session")
def mixed():
    """Return 400 orders of about 130 customers over ten months: guests, refunds, unpaid, ties."""
    rng = np.random.default_rng(11)
    n = 400
    buyers = rng.zipf(1.6, n) % 130
    customers = [None if rng.random() < 0.05 else f"c{b}" for b in buyers]
    days = np.round(np.sort(rng.uniform(0, 300, n)), 3)
    amounts = np.round(rng.lognormal(4, 0.8, n), 2)
    refund = [
        a if rng.random() < 0.06 else (round(a / 2, 2) if rng.random() < 0.1 else None)
        for a in amounts
    ]
    status = ["closed_unpaid" if rng.random() < 0.06 else "completed" for _ in range(n)]
    made = orders_of(customers, days, amounts, refund_amount=money(refund))
    made = made.set_column(
        made.column_names.index("order_status"), "order_status", pa.array(status)
    )
    return made.append_column("source_channel", pa.array([f"ch{b % 3}" for b in buyers]))
