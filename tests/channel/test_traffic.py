"""Traffic by source: identity, one level and device, partial periods, what is said."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ecomops as eo
from ecomops.base.errors import DataError, OptionError
from ecomops.channel import traffic
from ecomops.data.tables import table
from ecomops.maths.proportions import wilson
from ecomops.store.target import traffic as of_target

DAYS = pd.date_range("2025-03-01", "2025-05-10").date


ORDER = pd.DataFrame({"order_id": ["1"], "paid_at": ["2025-05-01"], "paid_amount": [5.0]})


def daily(**columns):
    """Two sources on every day: search converts 5 %, feed 1 %."""
    n = len(DAYS)
    base = pd.DataFrame(
        {
            "date": [*DAYS, *DAYS],
            "level": "source",
            "device": "all",
            "source_l1": ["search"] * n + ["feed"] * n,
            "visitors": [200] * n + [500] * n,
            "pay_buyers": [10] * n + [5] * n,
            "pay_amount": [1500.0] * n + [400.5] * n,
        }
    )
    return base.assign(**columns)


def test_by_hand():
    """April: 30 days of 200 visitors, 10 buyers and 1,500 a day."""
    table = traffic(daily()).table
    row = table[(table["period"] == "2025-04") & (table["source"] == "search")].iloc[0]
    assert (row["visitors"], row["buyers"], row["amount"]) == (6000, 300, 45000)
    assert (row["conversion"], row["uv_value"]) == (0.05, 7.5)
    low, high = wilson(300, 6000)
    assert (row["low"], row["high"]) == pytest.approx((float(low), float(high)))
    assert list(table["period"].unique()) == ["2025-05", "2025-04", "2025-03"]
    assert list(table["source"][:2]) == ["feed", "search"]


def test_equal_on_every_engine(table):
    expected, got = traffic(daily()), traffic(table(daily()))
    pd.testing.assert_frame_equal(got.table, expected.table, check_dtype=False)
    assert got.explain() == expected.explain()
    assert list(got.table.columns) == [
        "period", "source", "visitors", "buyers", "amount", "conversion", "uv_value", "low", "high",
    ]  # fmt: skip


rows = st.lists(
    st.tuples(
        st.integers(0, 70), st.sampled_from("xyz"), st.integers(0, 900), st.integers(0, 60),
        st.integers(0, 10**7),
    ),
    min_size=1, max_size=25,
)  # fmt: skip


@settings(max_examples=10)
@given(rows, st.sampled_from(["day", "week", "month", "quarter", "year"]))
def test_uv_value_is_conversion_times_value_per_buyer(drawn, period):
    """The identity of conventions.md, to the last digit that floats carry; sums are kept."""
    frame = pd.DataFrame(
        [(DAYS[d], s, v + b, b, m / 100) for d, s, v, b, m in drawn],
        columns=["date", "source_l1", "visitors", "pay_buyers", "pay_amount"],
    )
    table = traffic(frame, period=period).table
    sold = table[table["buyers"] > 0]
    product = sold["conversion"] * (sold["amount"] / sold["buyers"])
    np.testing.assert_allclose(sold["uv_value"], product, rtol=1e-12)
    assert table["visitors"].sum() == frame["visitors"].sum()
    assert table["amount"].sum() == pytest.approx(frame["pay_amount"].sum(), abs=0.005)
    seen = table["conversion"].notna()
    assert (table["low"][seen] <= table["conversion"][seen]).all()
    assert (table["conversion"][seen] <= table["high"][seen]).all()


def test_levels_and_devices_are_never_added():
    """Shop rows, product rows, and pc and mobile beside all devices leave the numbers alone."""
    base = daily()
    extra = [
        base,
        base.assign(device="mobile", visitors=base["visitors"] // 2),
        base.assign(device="pc", visitors=base["visitors"] // 2),
        base.assign(level="product", product_id="p1"),
        base.assign(level="shop", source_l1=None).iloc[: len(DAYS)],
    ]
    got = traffic(pd.concat(extra, ignore_index=True))
    pd.testing.assert_frame_equal(got.table, traffic(base).table)
    assert len(got.shop) == 3


def test_days_without_a_row_over_all_devices_add_them_up_as_metrics_do():
    """By hand: search has 200 visitors a day as a whole, and 150 + 60 on the ten days of May."""
    whole = daily()
    parts = pd.concat([daily(device=d, visitors=n) for d, n in {"mobile": 150, "pc": 60}.items()])
    parts = parts.assign(pay_buyers=2, pay_amount=100.0)
    may = whole["date"].map(lambda day: day.month == 5)
    rows = pd.concat([whole[~may], parts], ignore_index=True)
    got = traffic(rows)
    made = got.table[got.table["source"] == "search"].set_index("period")
    assert made["visitors"].to_dict() == {"2025-05": 2100, "2025-04": 6000, "2025-03": 6200}
    assert made["buyers"].to_dict() == {"2025-05": 40, "2025-04": 300, "2025-03": 310}
    shop = eo.open({"orders": ORDER, "traffic_daily": rows})
    by = eo.metrics.compute(shop, "visitors", by="source_l1").set_index(["source_l1", "period"])
    assert by.loc["search", "value"].to_dict() == made["visitors"].to_dict()
    (said,) = (f for f in got.findings() if f.code == "devices_added")
    assert said.values == {"devices": ["mobile", "pc"]}
    assert "counts twice" in got.explain("en")
    assert "计两次" in got.explain("zh")


def test_one_device_alone_is_said_to_stand_for_all():
    got = traffic(daily(device="mobile"))
    pd.testing.assert_frame_equal(got.table, traffic(daily()).table)
    (said,) = (f for f in got.findings() if f.code == "one_device")
    assert said.values == {"device": "mobile"}


def test_finer_sources_are_not_added_to_their_total():
    base = daily()
    total, part = base.assign(source_l2="汇总"), base.assign(source_l2="直通车", visitors=20)
    both = pd.concat([total, part], ignore_index=True)
    pd.testing.assert_frame_equal(traffic(both).table, traffic(base).table)
    fine = traffic(both[both["source_l2"] == "直通车"], by="source_l2").table
    assert set(fine["source"]) == {"直通车"}


def codes(result):
    return [finding.code for finding in result.findings()]


def test_the_last_full_period_answers():
    """May ends on the 10th: it is shown, not compared; April answers against March."""
    result = traffic(daily())
    assert (result.params["answer"], result.params["versus"]) == ("2025-04", "2025-03")
    assert result.params["partial"] == "2025-05"
    assert codes(result) == ["best", "moved", "daily_sums", "partial"]
    best = result.findings()[0].values
    assert (best["source"], best["most"], best["each"]) == ("search", "feed", 150)
    assert "daily UV added up" in result._repr_html_()
    assert "按日累加口径" in result.in_language("zh")._repr_html_()


def test_sources_within_chance_of_each_other_are_not_told_apart():
    """By hand: April's 300 buyers of 6,000 may be 4.6 to 5.5 %; 270 of 6,000 up to 5.0 %."""
    n = len(DAYS)
    near = daily(visitors=200, pay_buyers=[10] * n + [9] * n, pay_amount=[1500.0] * n + [1350] * n)
    found = traffic(near)
    said = {f.code: f.values for f in found.findings()}
    assert "best" not in said
    assert (said["leading"]["source"], said["leading"]["rivals"]) == ("search", ["feed"])
    assert "feed" in found.explain("zh")
    small = daily(visitors=200, pay_buyers=10, pay_amount=[1500.0] * n + [600.0] * n)
    assert "best" in codes(traffic(small))  # as many buyers, who pay far less


def test_a_source_below_the_shop_is_said():
    shop = (
        daily()
        .iloc[: len(DAYS)]
        .assign(level="shop", source_l1=None, visitors=600, pay_buyers=15, pay_amount=1900.5)
    )
    result = traffic(pd.concat([daily(), shop]))
    weak = next(f for f in result.findings() if f.code == "weak")
    assert weak.values["sources"] == ["feed"]
    assert weak.values["whole"] == pytest.approx(0.025)
    early = traffic(pd.concat([daily(), shop.iloc[:5]]))
    assert "weak" not in codes(early)


def test_one_source_and_few_buyers_name_no_best():
    result = traffic(daily().query("source_l1 == 'feed'"), period="day")
    assert codes(result)[:2] == ["most", "moved"]


def test_more_buyers_than_visitors_get_no_interval():
    result = traffic(daily(pay_buyers=900))
    assert result.table["low"].isna().all()
    assert "impossible" in codes(result)
    assert "900" not in {text.get_text() for text in result.plot().texts}


def test_buyers_may_be_unknown():
    frame = daily().drop(columns=["pay_buyers", "pay_amount"])
    table = traffic(frame).table
    assert table[["buyers", "conversion", "uv_value", "low"]].isna().all(axis=None)
    assert table["visitors"].sum() == frame["visitors"].sum()


def test_a_single_partial_month_still_answers():
    result = traffic(daily().query("date >= @pd.Timestamp('2025-05-01').date()"))
    assert result.params["answer"] == result.params["partial"] == "2025-05"
    assert result.params["versus"] is None
    assert codes(result) == ["best", "daily_sums", "partial"]


def test_without_sources_it_says_what_is_missing():
    result = traffic(daily(source_l1=None, level="shop"))
    assert result.locked
    assert "source_l1" in result.explain("en")
    assert traffic(None).locked


def test_wrong_input_is_refused():
    with pytest.raises(DataError) as error:
        traffic(daily().iloc[:0])
    assert error.value.code == "empty_table"
    with pytest.raises(OptionError):
        traffic(daily(), period="monthly")
    with pytest.raises(OptionError):
        traffic(daily(), by="channel")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_chart_draws_the_table(lang):
    result = traffic(eo.open("demo").traffic_daily, lang=lang)
    axes = result.plot()
    lengths = [patch.get_width() for patch in axes.patches]
    visitors = result.answer["visitors"].to_numpy(float)
    np.testing.assert_allclose(lengths, visitors / visitors.max())
    texts = {text.get_text() for text in axes.texts}
    assert {f"{v:,}" for v in result.answer["visitors"]} <= texts
    assert result._repr_html_() == result._repr_html_()


def test_days_without_a_date_are_left_out():
    rows = daily(date=[None, *DAYS[1:], None, *DAYS[1:]])
    pd.testing.assert_frame_equal(traffic(rows).table, traffic(rows.dropna(subset="date")).table)


def test_the_answer_is_never_about_a_month_in_which_nobody_came():
    rows = daily()
    rows = rows[rows["date"].map(lambda day: day.month != 4)]
    result = traffic(rows)
    assert (result.params["answer"], result.params["versus"]) == ("2025-03", None)
    assert result.params["partial"] == "2025-05"
    assert "2025-03" in result.explain("en")


def test_sources_without_any_buyers_on_record_have_none_beside_those_that_do():
    rows = daily()
    rows["pay_buyers"] = rows["pay_buyers"].where(rows["source_l1"] == "search")
    result = traffic(rows)
    assert result.table["buyers"].dtype == "float64"
    assert result.table.loc[result.table["source"] == "feed", "conversion"].isna().all()
    assert "search" in result.explain("en")


def in_parts(**columns):
    """Search is told whole and in parts, advertising in parts alone, and there is a row over all.

    By hand: 100 visitors and 6 buyers of search, 70 + 30 visitors and 4 + 1 buyers of ads.
    """
    return pd.DataFrame(
        {
            "date": "2025-05-01",
            "level": "source",
            "source_l1": ["search", "search", "search", "ads", "ads", "合计"],
            "source_l2": [None, "keywords", "pictures", "brand", "generic", None],
            "visitors": [100, 60, 40, 70, 30, 190],
            "pay_buyers": [6, 4, 2, 4, 1, 11],
            "pay_amount": [60.0, 40.0, 20.0, 40.0, 10.0, 110.0],
            **columns,
        }
    )


def test_each_source_is_read_at_the_depth_at_which_it_is_told():
    made = traffic(in_parts()).table.set_index("source")
    assert made["visitors"].to_dict() == {"search": 100, "ads": 100}
    assert made["buyers"].to_dict() == {"search": 6, "ads": 5}
    parts = traffic(in_parts(), by="source_l2").table.set_index("source")
    expected = {"keywords": 60, "pictures": 40, "brand": 70, "generic": 30}
    assert parts["visitors"].to_dict() == expected


def test_metrics_count_nobody_at_two_depths():
    shop = eo.open({"orders": ORDER, "traffic_daily": in_parts()})
    by = {
        depth: eo.metrics.compute(shop, "visitors", by=depth).set_index(depth)["value"].to_dict()
        for depth in ("source_l1", "source_l2")
    }
    assert by["source_l1"] == {"search": 100, "ads": 100}
    expected = {"keywords": 60, "pictures": 40, "brand": 70, "generic": 30}
    assert {name: n for name, n in by["source_l2"].items() if n} == expected
    assert eo.metrics.compute(shop, "visitors")["value"].tolist() == [190]


def test_a_shop_without_the_row_over_all_adds_its_sources_up():
    shop = eo.open({"orders": ORDER, "traffic_daily": in_parts().iloc[:-1]})
    assert eo.metrics.compute(shop, "visitors")["value"].tolist() == [200]


def test_channels_of_a_target_count_nobody_at_two_depths():
    daily = table(in_parts(), "traffic_daily")
    found = of_target(daily, date(2025, 5, 1)).set_index("channel")
    assert found["visitors"].to_dict() == {"search": 100, "ads": 100}


def test_a_visitor_of_unknown_worth_is_not_worth_most():
    """Without any amount no source is the best, and the busiest is named as such alone."""
    assert codes(traffic(daily(pay_amount=None)))[0] == "most"


def test_the_largest_change_is_of_sources_that_both_periods_have():
    """A source that is gone from the export may not be compared, and is not said to be smaller."""
    gone = daily().assign(visitors=lambda f: f["visitors"].where(f["source_l1"] == "search", 9000))
    april = gone["date"] >= date(2025, 4, 1)
    result = traffic(gone[~(april & (gone["source_l1"] == "feed"))])
    moved = next(f for f in result.findings() if f.code == "moved")
    assert moved.values["source"] == "search"
    assert "seen in both" in result.explain("en")
    assert "两期都有" in result.explain("zh")


def test_days_that_no_row_tells_are_said_and_their_months_not_compared():
    """April without the 8th to the 17th: 700 visitors a day on the 20 days that are told."""
    rows = daily()
    away = [date(2025, 4, 8) <= day <= date(2025, 4, 17) for day in rows["date"]]
    whole, made = traffic(rows, lang="en"), traffic(rows[~np.array(away)], lang="en")
    assert "moved" in [f.code for f in whole.findings()]
    assert "gap" not in [f.code for f in whole.findings()]
    said = {f.code: f.values for f in made.findings()}
    assert said["gap"] == {"period": "2025-04", "days": 10}
    assert "moved" not in said
    april = made.answer
    assert made.params["answer"] == "2025-04"
    assert april["visitors"].sum() == 700 * 20
    assert april["uv_value"].round(6).tolist() == [0.801, 7.5]
    assert "10" in made.explain("zh")


def test_a_shop_that_hardly_anyone_visits_has_quiet_days():
    rows = daily(visitors=2, pay_buyers=0, pay_amount=0.0)
    away = [day == date(2025, 4, 8) for day in rows["date"]]
    made = traffic(rows[~np.array(away)])
    assert "gap" not in [f.code for f in made.findings()]
