"""The scorecard: blocks, comparison, intervals, partial periods, words and drawing."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import ecomops as eo
from ecomops import metrics
from ecomops.maths.proportions import wilson
from ecomops.store import scorecard
from ecomops.store.scorecard import METRICS, Scorecard
from tests.metrics.shops import daily_traffic, random_orders, shop, sold


def test_table_is_equal_on_every_engine(table) -> None:
    orders, traffic = random_orders(), daily_traffic()
    expected = scorecard(shop(orders, traffic_daily=traffic)).table
    got = scorecard(shop(table(orders), traffic_daily=table(traffic))).table
    assert list(got.columns) == list(Scorecard.columns)
    pd.testing.assert_frame_equal(got, expected, rtol=1e-9)


def test_values_are_those_of_the_metrics_and_all_blocks_are_there() -> None:
    store = shop(random_orders(), traffic_daily=daily_traffic())
    card = scorecard(store).table
    assert set(card["metric"]) == set(METRICS) - {"dsr", "positive_rate"}
    codes = list(dict.fromkeys(card["metric"]))
    plain = metrics.compute(store, codes).set_index(["metric", "period"])["value"]
    got = card.set_index(["metric", "period"])["value"]
    np.testing.assert_allclose(got.sort_index(), plain.sort_index(), rtol=1e-12)


def test_rates_carry_wilson_intervals_and_values_those_of_buyers() -> None:
    """Second implementations: `maths.proportions.wilson`, pandas' sem, residuals of each buyer.

    Orders of one buyer come and go together, so sums and value per order vary as buyers do.
    """
    orders = random_orders()
    card = scorecard(shop(orders)).table.set_index(["metric", "period"])
    row = card.loc[("repurchase_rate", "2025-10")]
    low, high = wilson(row["numerator"], row["denominator"])
    assert (row["low"], row["high"]) == pytest.approx((float(low), float(high)))
    rows = sold(orders)
    by = rows[rows["month"] == "2025-10"].groupby("person")
    people, orders_of, net = by["paid_amount"].sum(), by.size(), by["net"].sum()
    n, mean = len(people), people.sum() / orders_of.sum()
    left = ((people - mean * orders_of) ** 2).sum() * n / (n - 1)
    halves = {
        "aov_buyer": people.sem(),
        "aov_order": np.sqrt(left) / orders_of.sum(),
        "pay_amount": np.sqrt((people**2).sum()),
        "net_sales": np.sqrt((net**2).sum()),
        "pay_orders": np.sqrt((orders_of**2).sum()),
        "pay_buyers": np.sqrt(n),
    }
    assert orders_of.max() > 1
    for code, half in halves.items():
        at = card.loc[(code, "2025-10")]
        assert at["high"] - at["value"] == pytest.approx(1.6448536 * half), code
        assert at["value"] - at["low"] == pytest.approx(1.6448536 * half), code


def test_partial_periods_are_never_compared() -> None:
    orders = random_orders(days=140)  # ends on 17 November
    card = scorecard(shop(orders))
    rows = card.table.set_index(["metric", "period"])
    assert rows.loc["pay_orders", "partial"].to_dict()["2025-11"]
    assert rows.xs("2025-11", level="period")[["previous", "change"]].isna().all().all()
    assert card.params["answer"] == "2025-10"
    assert card.params["partial"] == "2025-11"
    assert "partial" in {f.code for f in card.findings()}


def test_change_is_relative_for_money_and_a_difference_for_rates() -> None:
    rows = scorecard(shop(random_orders())).table.set_index(["metric", "period"])
    for code, relative in (("pay_amount", True), ("refund_rate_amt", False)):
        now, then = rows.loc[(code, "2025-10")], rows.loc[(code, "2025-09")]
        gap = now["value"] - then["value"]
        assert now["previous"] == then["value"]
        assert now["change"] == pytest.approx(gap / then["value"] if relative else gap)


def test_a_year_before_is_compared_where_it_is_known() -> None:
    orders = random_orders(900, days=500)
    rows = scorecard(shop(orders), compare="year").table.set_index(["metric", "period"])
    assert (
        rows.loc[("pay_orders", "2026-08"), "previous"]
        == rows.loc[("pay_orders", "2025-08"), "value"]
    )
    assert np.isnan(rows.loc[("pay_orders", "2026-05"), "previous"])


def test_moves_within_chance_are_no_findings() -> None:
    """Twenty metrics, one month like the other: the verdict must mostly be a note."""
    orders = random_orders(3000, days=123)
    card = scorecard(shop(orders), as_of=dt.date(2025, 10, 31))
    verdicts = card.params["verdicts"]
    now = card.now()
    for code, row in now.iterrows():
        if abs(row["signal"]) <= 1:
            assert verdicts[code] == "note"
    calm = next(f for f in card.findings() if f.code == "calm").values
    assert calm["calm"] == int((now["signal"].drop("net_sales").abs() <= 1).sum())


def test_a_fall_of_sales_is_said_and_a_test_proposed_without_money() -> None:
    orders = random_orders(2000, days=123)
    late = orders["created_at"] >= "2025-10-01"
    fewer = orders[~late | (np.arange(len(orders)) % 3 == 0)].copy()
    card = scorecard(shop(fewer), as_of=dt.date(2025, 10, 31))
    first = card.findings()[0]
    assert (first.code, first.level) == ("headline", "watch")
    assert first.values["change"] < -0.4
    assert [a.value for a in card.actions()] == [None]
    assert "“What moved sales”" in card.to_dict()["actions"][0]["text"]["measure"]["en"]


def test_sparse_shops_and_short_data_still_answer() -> None:
    one = random_orders(1)
    one = one.assign(paid_at=pd.Timestamp("2025-07-09"), paid_amount=9.0, order_status="completed")
    card = scorecard(shop(one))
    assert [f.code for f in card.findings()] == ["no_full_period"]
    assert card.params["answer"] is None
    assert isinstance(card.plot().figure, Figure)
    day = scorecard(shop(one), period="day")
    assert day.findings()[0].code == "headline_alone"


def test_all_guests_have_no_repurchase() -> None:
    rows = scorecard(shop(random_orders().assign(customer_id=None))).table
    assert {"repurchase_rate", "repeat_buyer_share"}.isdisjoint(rows["metric"])
    orders = rows[rows["metric"] == "pay_orders"]["value"].tolist()
    assert rows[rows["metric"] == "pay_buyers"]["value"].tolist() == orders


def test_without_orders_it_says_what_is_missing() -> None:
    locked = scorecard(eo.open({"traffic_daily": daily_traffic()}, currency="CNY"))
    assert locked.locked
    assert "orders" in locked.explain("zh")


def test_unknown_options_are_refused() -> None:
    for wrong in ({"period": "decade"}, {"compare": "plan"}):
        with pytest.raises(eo.OptionError):
            scorecard(shop(random_orders(20)), **wrong)


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("wide", [True, False])
def test_the_chart_draws_the_table(demo, lang, wide) -> None:
    """Mistake 30: chart, sentence and table come from the same rows; one line per card."""
    from ecomops.result import style

    card = scorecard(demo, lang=lang)
    with style.context():
        width = style.WIDE if wide else style.NARROW
        ax = style.canvas(width, card.layout(wide=wide))
        card.draw(ax, wide=wide, words=card.words())
    texts = {text.get_text() for text in ax.texts}
    now = card.now()
    for code in card.params["cards"]:
        unit = card.words().find("units", code)
        assert card.words().format_field(now.loc[code, "value"], unit) in texts
    lines = [line for line in ax.lines if len(line.get_xdata()) == 13]
    assert len(lines) == len(card.params["cards"]) == 6


def test_sentences_hold_the_numbers_of_the_table(demo) -> None:
    card = scorecard(demo)
    row = card.now().loc["net_sales"]
    said = card.findings()[0].values
    assert (said["amount"], said["change"]) == (row["value"], row["change"])
    assert card._repr_html_() == scorecard(demo)._repr_html_()


def test_a_day_is_compared_with_one_that_the_course_no_longer_shows() -> None:
    """Sixty days are kept; the same weekday of the year before is kept beside them."""
    orders = random_orders(2000, days=400)
    card = scorecard(shop(orders), period="day", compare="year", as_of=dt.date(2026, 8, 1))
    assert card.params["versus"] == "2025-08-02"
    assert card.table["period"].nunique() == 61
    assert card.now()["signal"].notna().any()
    assert card.explain("en")


def test_a_change_whose_chance_is_not_known_is_no_verdict() -> None:
    """One buyer a month: what an order is worth changes, by how much by chance nobody can say."""
    orders = random_orders(2).assign(
        customer_id="a", order_status="completed", paid_amount=[10.0, 90.0], refund_amount=0.0
    )
    orders["paid_at"] = orders["created_at"] = pd.to_datetime(["2025-07-15", "2025-08-15"])
    card = scorecard(shop(orders), as_of=dt.date(2025, 8, 31))
    row = card.table.set_index(["metric", "period"]).loc[("aov_order", "2025-08")]
    assert row["value"] == 90
    assert np.isnan(row["low"])
    assert card.params["verdicts"]["aov_order"] == "note"


@pytest.mark.parametrize("rows", [0, 3])
def test_a_shop_without_a_sale_says_so(rows: int) -> None:
    orders = random_orders(3).assign(paid_amount=0.0, refund_amount=0.0)[:rows]
    store = shop(orders, traffic_daily=daily_traffic())
    for ask in (scorecard, eo.store.drivers, eo.store.forecast):
        with pytest.raises(eo.DataError) as refused:
            ask(store)
        assert refused.value.code in ("empty_table", "no_orders_count")
