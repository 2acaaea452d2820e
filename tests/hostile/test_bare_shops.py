"""Shops in which nearly everything is missing: an answer, or what is missing, never a traceback."""

from __future__ import annotations

import json
from datetime import date

import pandas as pd
import pytest

import ecomops as eo

DAYS = pd.date_range("2025-05-01", periods=40)


def orders(**changed: object) -> pd.DataFrame:
    columns = {
        "order_id": [str(i) for i in range(40)],
        "customer_id": "x",
        "paid_at": DAYS,
        "paid_amount": 10.0,
        "currency": "CNY",
    }
    return pd.DataFrame(columns | changed)


def told(result: eo.Result) -> str:
    """Return the whole result as JSON, after everything that shows it was tried."""
    result._repr_html_()
    assert result.explain("zh")
    assert result.explain("en")
    return json.dumps(result.to_dict(), allow_nan=False)


@pytest.mark.parametrize("customer", ["x", None])
def test_activation_where_nobody_waits_for_a_second_order(customer: str | None) -> None:
    made = eo.customer.activation(eo.open({"orders": orders(customer_id=customer)}))
    assert told(made)
    assert made.locked == (customer is None)


@pytest.mark.parametrize(("amount", "code"), [(0.0, "no_orders_count"), (None, "empty_table")])
def test_pacing_without_a_sale_says_why(amount: float | None, code: str) -> None:
    rows = orders(paid_amount=amount) if amount is not None else orders().head(0)
    shop = eo.open({"orders": rows}, currency="CNY")
    with pytest.raises(eo.DataError) as error:
        eo.campaign.pacing(shop, plan=1000)
    assert error.value.code == code


def test_days_may_be_text_or_have_a_time_everywhere() -> None:
    log = pd.DataFrame({"event_time": DAYS, "visitor_id": "v", "channel": "a"})
    log["event_name"] = ["visit", "purchase"] * 20
    made = [
        eo.channel.attribution(log, start=day, end="2025-05-20").table
        for day in ("2025-05-10", date(2025, 5, 10), pd.Timestamp("2025-05-10 08:00"))
    ]
    for other in made[1:]:
        pd.testing.assert_frame_equal(made[0], other)
    with pytest.raises(eo.OptionError, match="2025-02-30"):
        eo.channel.attribution(log, start="2025-02-30")


def test_traffic_without_any_count_of_visitors_says_so() -> None:
    daily = pd.DataFrame({"date": DAYS, "visitors": None, "source_l1": "search"})
    made = eo.channel.traffic(daily)
    assert made.locked
    assert "traffic_daily.visitors" in told(made)


def test_live_sessions_without_viewers_are_not_called_normal() -> None:
    sessions = pd.DataFrame(
        {
            "live_session_id": [str(i) for i in range(8)],
            "started_at": DAYS[:8],
            "duration_min": 60,
            "viewers": 0,
            "order_count": 7,
        }
    )
    made = eo.channel.live(eo.open({"orders": orders(), "live_sessions": sessions}))
    assert made.locked
    assert "live_sessions.viewers" in told(made)


def test_advertising_without_a_model_of_attribution_is_judged_like_one_with() -> None:
    random = pd.Series(range(40)) % 3
    ads = pd.DataFrame(
        {
            "date": DAYS.date,
            "platform": "p",
            "campaign_id": "c",
            "spend": 100.0,
            "clicks": 50,
            "impressions": 900,
            "conversions": 3 + random,
            "conversion_value": 200.0,
            "attribution_window_days": 15,
        }
    )
    both = [
        eo.channel.guardrails(
            eo.open({"orders": orders(), "ad_reports": ads.assign(attribution_model=model)}),
            max_cost=50,
        )
        for model in ("last_click", None)
    ]
    assert told(both[1])
    pd.testing.assert_frame_equal(both[0].table, both[1].table)
