"""Small shops for the tests of metrics and store, and sums over them made with pandas alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

import ecomops as eo


def random_orders(n: int = 600, *, seed: int = 7, days: int = 150) -> pd.DataFrame:
    """Return orders of 80 customers and some guests, with refunds and unpaid ones."""
    rng = np.random.default_rng(seed)
    created = pd.Timestamp("2025-07-01") + pd.to_timedelta(
        np.sort(rng.integers(0, days * 86_400, n)), unit="s"
    )
    unpaid = rng.random(n) < 0.08
    amount = np.round(rng.gamma(2.0, 60.0, n) + 1, 2)
    kind = rng.random(n)
    refund = np.select([kind < 0.05, kind < 0.12], [amount, np.round(amount / 2, 2)], 0.0)
    return pd.DataFrame(
        {
            "order_id": [f"o{i:05d}" for i in range(n)],
            "customer_id": [
                None if g else f"c{c:03d}"
                for g, c in zip(rng.random(n) < 0.06, rng.integers(0, 80, n), strict=True)
            ],
            "created_at": created,
            "paid_at": pd.Series(created + pd.Timedelta(minutes=5)).where(~unpaid),
            "order_status": np.where(unpaid, "closed_unpaid", "completed"),
            "paid_amount": np.where(unpaid, 0.0, amount),
            "payable_amount": amount,
            "refund_amount": np.where(unpaid, 0.0, refund),
            "item_count": rng.integers(1, 4, n),
            "receiver_province": rng.choice(["浙江省", "广东省", "四川省"], n),
            "currency": "CNY",
        }
    )


def daily_traffic(first: str = "2025-07-01", days: int = 150, *, seed: int = 3) -> pd.DataFrame:
    """Return daily traffic of the whole shop, one row a day."""
    rng = np.random.default_rng(seed)
    visitors = rng.integers(150, 260, days)
    return pd.DataFrame(
        {
            "date": pd.date_range(first, periods=days).date,
            "level": "shop",
            "visitors": visitors,
            "pageviews": visitors * 3,
            "cart_users": visitors // 9,
        }
    )


def shop(orders: Any, **tables: Any) -> Any:
    """Open a shop of frames."""
    return eo.open({"orders": orders, **tables}, currency="CNY")


def sold(orders: pd.DataFrame) -> pd.DataFrame:
    """Return the orders that count as sales, with month, net money and payer, by pandas."""
    paid = orders[orders["paid_at"].notna() & (orders["paid_amount"] > 0)].copy()
    paid["month"] = paid["paid_at"].dt.strftime("%Y-%m")
    paid["net"] = (paid["paid_amount"] - paid["refund_amount"]).round(2)
    paid["person"] = paid["customer_id"].fillna("guest " + paid["order_id"])
    return paid
