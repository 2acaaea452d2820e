"""Time to the next order: censoring, ties, thresholds, rates by day, and what the chart shows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ecomops.base.errors import OptionError
from ecomops.customer import holdout, repeat
from tests.customer.conftest import money, orders_of


def test_who_has_not_returned_is_waited_for_not_lost():
    # Kaplan-Meier by hand: of 4 at risk on day 10 one returns; of 2 left on day 30, one
    orders = orders_of(["a", "a", "b", "b", "c", "d"], [0, 10, 0, 30, 0, 20], [10] * 6)
    rows = repeat(orders, as_of="2024-02-10").table.set_index("day")
    assert rows.loc[10, ["at_risk", "repeated"]].tolist() == [4, 0.25]
    assert rows.loc[20, ["at_risk", "repeated"]].tolist() == [3, 0.25]  # d, 20 days old, leaves
    assert rows.loc[30, ["at_risk", "repeated"]].tolist() == [2, 1 - 0.75 / 2]


def test_the_curve_equals_a_second_implementation(mixed):
    frame = mixed.to_pandas()
    net = frame["paid_amount"].astype(float) - frame["refund_amount"].astype(float).fillna(0)
    kept = frame[(frame["order_status"] == "completed") & frame["customer_id"].notna() & (net > 0)]
    end = frame.loc[frame["order_status"] == "completed", "paid_at"].max().normalize()
    days = [
        g.dt.normalize().sort_values().tolist() for _, g in kept.groupby("customer_id")["paid_at"]
    ]
    waits = [((d[1] if len(d) > 1 else end) - d[0]).days for d in days]
    again = [len(d) > 1 for d in days]
    share, made = 1.0, repeat(mixed).table
    for row in made.itertuples():
        risk = sum(w >= row.day for w in waits)
        share *= 1 - sum(w == row.day and a for w, a in zip(waits, again, strict=True)) / risk
        assert row.at_risk == risk
        assert row.repeated == pytest.approx(1 - share)


def test_waits_are_spoken_of_only_where_every_order_starts_one(mixed):
    codes = [{f.code for f in repeat(mixed, after=after).findings()} for after in ("first", "any")]
    assert [{"one_time", "waits"} & each for each in codes] == [{"one_time"}, {"waits"}]
    assert "每次下单都算一次等待" not in repeat(mixed).explain("zh")


def test_after_any_order_every_wait_counts():
    orders = orders_of(["a", "a", "a"], [0, 10, 15], [10] * 3)
    made = repeat(orders, after="any", as_of="2024-01-31")
    rows = made.table.set_index("day")
    assert rows.loc[[5, 10], "at_risk"].tolist() == [3, 2]
    assert rows.loc[10, "repeated"] == pytest.approx(2 / 3)


def test_rates_by_day_count_only_those_old_enough():
    customers = ["a", "a", "b", "c", "c", "d"]
    orders = orders_of(customers, [0, 20, 0, 10, 70, 80], [10] * 6)  # day 100 ends it
    rates = repeat(orders, as_of="2024-04-10").rates.set_index("day")
    assert rates.loc[30, ["old_enough", "rate"]].tolist() == [3, 1 / 3]
    assert rates.loc[60, ["old_enough", "rate"]].tolist() == [3, 2 / 3]
    assert rates.loc[90, ["old_enough", "rate"]].tolist() == [3, 2 / 3]
    assert rates.loc[365, "old_enough"] == 0
    assert np.isnan(rates.loc[365, "rate"])


def test_the_threshold_is_the_day_by_which_most_who_return_are_back():
    customers = [f"c{i}" for i in range(40) for _ in range(2)]
    days = [day for i in range(40) for day in (0, i + 1)]  # one returns on each of 40 days
    made = repeat(orders_of(customers, days, [10] * 80), as_of="2025-12-31")
    assert (made.threshold, made.median) == (32, 20)
    assert (
        repeat(orders_of(customers, days, [10] * 80), returned=0.9, as_of="2025-12-31").threshold
        == 36
    )
    assert "after 32 days" in made.explain("en")


def test_the_curve_is_read_as_far_as_enough_are_old_enough():
    customers = [*(f"c{i}" for i in range(50)), *(f"c{i}" for i in range(10))]
    days = [*np.linspace(0, 190, 50), *(d + 5 for d in np.linspace(0, 190, 50)[:10])]
    made = repeat(orders_of(customers, days, [10] * 60))
    starts = np.floor(np.linspace(0, 190, 50))
    ages = np.floor(days).max() - starts
    assert (ages >= made.horizon).sum() >= 30 > (ages >= made.horizon + 1).sum()


@pytest.mark.parametrize("share", [0.3, 1.2])
def test_a_share_out_of_range_is_refused(mixed, share):
    with pytest.raises(OptionError, match="returned is out of range"):
        repeat(mixed, returned=share)


def test_mistake_14_a_full_refund_is_no_return():
    orders = orders_of(["a", "a"], [0, 19], [10, 10], refund_amount=money([None, 10]))
    assert repeat(orders).table["repeated"].max() == 0


def test_mistake_32_orders_split_on_one_day_are_counted_and_said():
    orders = orders_of(["a", "a", "b", "b"], [0, 0.4, 0, 9], [10] * 4)
    made = repeat(orders)
    found = {f.code: f.values for f in made.findings()}
    assert found["same_day"]["share"] == 0.5
    assert made.table.set_index("day").loc[0, "repeated"] == 0.5


def test_nobody_returned_yet():
    made = repeat(orders_of(["a", "b", "c"], [0, 3, 5], [10, 10, 10]), as_of="2030-01-01")
    assert made.findings()[0].code == "nobody"
    assert made.actions() == ()
    assert made._repr_html_().count("<svg") == 2


def test_without_a_known_customer_the_answer_is_locked():
    assert repeat(orders_of([None], [0], [10])).locked


def test_one_customer_one_order():
    made = repeat(orders_of(["a"], [0], [10]))
    assert made.locked
    assert made._repr_html_()


def test_advice_is_to_measure_first():
    """Four of five of 2,000 return: a tenth more can be seen on the shop's own customers."""
    first = [(f"c{i}", i % 200) for i in range(2000)]
    again = [(f"c{i}", i % 200 + 1 + i % 90) for i in range(2000) if i % 5]
    who, days = zip(*first, *again, strict=True)
    made = repeat(orders_of(who, days, [10] * len(who)))
    (action,) = made.actions()
    assert (action.code, action.value, action.emitted) == ("remind", None, False)
    rate = action.change["rate"]
    assert action.change["people"] == holdout.per_group(rate, 0.1 * rate)


def test_a_test_that_needs_more_customers_than_the_shop_has_is_not_asked_for(mixed):
    made = repeat(mixed)
    (action,) = made.actions()
    assert (action.code, action.value, action.emitted) == ("too_few", None, False)
    assert 2 * action.change["people"] > action.change["customers"] == made.basis.n
    assert f"the shop has {made.basis.n} customers in all" in repeat(mixed, lang="en")._repr_html_()


@pytest.mark.parametrize("wide", [True, False])
def test_mistake_30_the_chart_shows_the_table(mixed, wide):
    from ecomops.result import style

    made = repeat(mixed)
    ax = style.canvas(style.WIDE, made.layout(wide=wide))
    made.draw(ax, wide=wide, words=made.words())
    rows = made.table[made.table["day"] <= made.horizon]
    naive, curve, threshold, circle = ax.lines
    assert list(curve.get_ydata()) == list(rows["repeated"])
    assert list(naive.get_ydata()) == list(made.naive[: len(rows)])
    assert set(threshold.get_xdata()) == set(circle.get_xdata()) == {made.threshold}
    assert (made.naive[: len(rows)] <= rows["repeated"] + 1e-12).all()
    at_risk = {text.get_text() for text in ax.texts}
    assert f"{rows['at_risk'].iloc[0]:,}" in at_risk


def test_same_input_gives_the_same_page(mixed):
    assert repeat(mixed)._repr_html_() == repeat(mixed)._repr_html_()


def test_nobody_is_lost_only_because_the_shop_grows_older():
    """Mistake 26: churn by week as 1 - active / ever. Planted: everyone returns every 28 days.

    The peer's formula says that three quarters are lost; nobody ever was.
    """
    rng = np.random.default_rng(26)
    first = rng.integers(0, 365, 400)
    bought = [(c, d) for c, start in enumerate(first) for d in range(int(start), 730, 28)]
    orders = pd.DataFrame(bought, columns=["customer", "day"])
    weekly = orders[orders["day"] // 7 == 100]["customer"].nunique()
    assert 1 - weekly / orders["customer"].nunique() > 0.7
    orders = orders.assign(
        order_id=[f"o{i}" for i in range(len(orders))],
        customer_id="c" + orders["customer"].astype(str),
        created_at=pd.Timestamp("2024-01-01") + pd.to_timedelta(orders["day"], "D"),
        paid_amount=10.0,
    )
    table = repeat(orders[["order_id", "customer_id", "created_at", "paid_amount"]]).table
    assert table.set_index("day").loc[28, "repeated"] == pytest.approx(1.0)
