"""Cohorts: denominators, what cannot be seen, the line over all, intervals, windows and groups."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from ecomops.base.errors import DataError, OptionError
from ecomops.customer import activity, cohorts
from tests.customer.conftest import money, orders_of


def cells(made):
    return made.table.set_index(["cohort", "age"])


@pytest.fixture(scope="module")
def purchases(mixed):
    """Return what counts, as pandas: the second implementation starts from here."""
    frame = mixed.to_pandas()
    frame["net"] = frame["paid_amount"].astype(float) - frame["refund_amount"].astype(float).fillna(
        0
    )
    kept = (
        (frame["order_status"] == "completed") & frame["customer_id"].notna() & (frame["net"] > 0)
    )
    return frame[kept].assign(day=frame["paid_at"].dt.normalize())


def by_hand(bought, age):
    """Return per customer, cohort and age: orders and net, by plain pandas."""
    first = bought.groupby("customer_id")["day"].transform("min")
    keyed = bought.assign(cohort=first.dt.strftime("%Y-%m"), age=age(bought["day"], first))
    return (
        keyed.groupby(["customer_id", "cohort", "age"])["net"]
        .agg(orders="size", amount="sum")
        .reset_index()
    )


def months_between(late, early):
    return (late.dt.year - early.dt.year) * 12 + late.dt.month - early.dt.month


# --- what is and what is not observed (mistakes 4, 5, 25) -------------------------------------


def test_mistake_4_what_has_not_happened_is_missing_and_empty_cohorts_have_no_row():
    days = [0, 20, 91, 95, 100]  # January, April; nobody new in February and March
    made = cohorts(orders_of(["a", "b", "c", "a", "d"], days, [10] * 5), as_of="2024-04-30")
    table = made.table
    assert list(table["cohort"].unique()) == ["2024-01", "2024-04", "all"]
    assert table.loc[table["cohort"] == "2024-01", "value"].tolist() == [1, 0, 0, 0.5]
    future = table[table["observed"] == "none"]
    assert future["value"].isna().all()
    assert future["active"].isna().all()
    assert len(future) == 3
    assert table.loc[table["cohort"] == "all", "size"].tolist() == [4, 2, 2, 2]


def test_mistake_5_rolling_months_are_thirty_days_and_said_to_be():
    made = cohorts(
        orders_of(["a", "a", "a"], [0, 29.9, 30.1], [10] * 3), window="rolling", as_of="2024-06-30"
    )
    assert made.table.loc[made.table["cohort"] == "2024-01", "active"].tolist()[:3] == [1, 1, 0]
    assert "1, 7, 30 or 90 days" in made._repr_html_()


def test_mistake_5_no_option_of_pandas_is_touched(mixed):
    before = pd.get_option("display.max_rows"), pd.get_option("display.precision")
    cohorts(mixed)._repr_html_()
    assert (pd.get_option("display.max_rows"), pd.get_option("display.precision")) == before


@pytest.mark.parametrize(
    ("as_of", "state"), [("2024-02-29", "full"), ("2024-02-28", "partial"), ("2024-01-31", "none")]
)
def test_mistake_25_the_calendar_decides_what_is_partial(as_of, state):
    sparse = orders_of(["a", "b", "a"], [0, 1, 40], [10] * 3)
    table = cells(cohorts(sparse, as_of=as_of))
    found = table.loc[("2024-01", 1), "observed"] if ("2024-01", 1) in table.index else "none"
    assert found == state


def test_a_partial_cell_is_shown_and_stays_out_of_the_line():
    orders = orders_of(["a", "b", "a", "c", "c"], [0, 1, 35, 36, 64], [10] * 5)
    made = cells(cohorts(orders, as_of="2024-03-10"))
    assert made.loc[("2024-02", 1)][["value", "observed"]].tolist() == [1, "partial"]
    assert made.loc[("all", 1)][["size", "active", "value"]].tolist() == [2, 1, 0.5]


def test_a_rolling_cell_is_full_when_its_youngest_member_is_old_enough():
    made = activity.observed
    start = dt.date(2024, 1, 1)
    assert made(start, 0, "month", "rolling", dt.date(2024, 2, 28)) == "partial"
    assert (
        made(start, 0, "month", "rolling", dt.date(2024, 2, 29)) == "full"
    )  # 31 January + 29 days
    assert made(start, 3, "month", "rolling", dt.date(2024, 3, 30)) == "none"
    assert made(start, 3, "month", "rolling", dt.date(2024, 3, 31)) == "partial"


# --- values against a second implementation (mistake 29) ---------------------------------------


def test_mistake_29_each_cohort_is_divided_by_its_own_size():
    january, february = ["a", "b", "c", "d"], ["e", "f"]
    orders = orders_of([*january, *february, "a", "e"], [1, 2, 3, 4, 32, 33, 40, 70], [10] * 8)
    made = cells(cohorts(orders, as_of="2024-03-31"))
    assert made.loc[("2024-01", 1), "value"] == 1 / 4
    assert made.loc[("2024-02", 1), "value"] == 1 / 2
    assert made.loc[("all", 1), "value"] == 2 / 6  # weighted, not the mean of the two shares


@pytest.mark.parametrize("window", ["calendar", "rolling"])
def test_values_equal_pandas(mixed, purchases, window):
    age = (
        months_between if window == "calendar" else lambda late, early: (late - early).dt.days // 30
    )
    each = by_hand(purchases, age)
    size = each.groupby("cohort")["customer_id"].nunique()
    sums = each.groupby(["cohort", "age"])[["orders", "amount"]].sum()
    sums["active"] = each.groupby(["cohort", "age"])["customer_id"].nunique()
    wanted = {
        "retention": sums["active"] / size,
        "revenue": sums["amount"] / size,
        "orders": sums["orders"] / size,
        "aov": sums["amount"] / sums["orders"],
    }
    for value, series in wanted.items():
        made = cells(cohorts(mixed, value=value, window=window))
        assert made.loc[series.index, "value"].to_numpy() == pytest.approx(series.to_numpy()), value
        rest = made.drop(series.index).drop("all", level="cohort")
        assert (rest["value"].fillna(0) == 0).all(), value


def test_ltv_is_the_running_sum_of_revenue(mixed):
    ltv, revenue = (cohorts(mixed, value=v).table for v in ("ltv", "revenue"))
    own = ltv["cohort"] != "all"
    grown = revenue[own].groupby("cohort")["value"].cumsum()
    assert ltv.loc[own, "value"].dropna().to_numpy() == pytest.approx(grown.dropna().to_numpy())


def dense(each, cohort, ages):
    """Return customers x ages of one cohort, 0 where nothing happened."""
    own = each[each["cohort"] == cohort]
    return [
        own.pivot_table(index="customer_id", columns="age", values=c, fill_value=0)
        .reindex(columns=range(ages), fill_value=0)
        .to_numpy()
        for c in ("orders", "amount")
    ]


def test_intervals_of_means_equal_those_of_the_customers_themselves(mixed, purchases):
    # textbook: mean ± 1.645 s / √n over customers; delta method of a ratio by its residuals
    orders, amount = dense(by_hand(purchases, months_between), "2024-01", 10)
    n, z = len(amount), 1.6448536269514722
    wanted = {
        "revenue": amount,
        "orders": orders,
        "ltv": amount.cumsum(axis=1),
    }
    for value, matrix in wanted.items():
        made = cells(cohorts(mixed, value=value)).loc["2024-01"].loc[:8]
        half = z * matrix.std(axis=0, ddof=1) / np.sqrt(n)
        assert (made["high"] - made["value"]).to_numpy() == pytest.approx(half[:9]), value
    made = cells(cohorts(mixed, value="aov")).loc[("2024-01", 0)]
    x, k = amount[:, 0], orders[:, 0]
    spread = np.sqrt(np.sum((x - x.sum() / k.sum() * k) ** 2) * n / (n - 1)) / k.sum()
    assert made["high"] - made["value"] == pytest.approx(z * spread)


def test_shares_carry_wilson_intervals():
    # 2 of 10: statsmodels 0.14 proportion_confint(2, 10, 0.1, "wilson") = (0.07285, 0.44201)
    customers = [f"c{i}" for i in range(10)]
    orders = orders_of([*customers, "c0", "c1"], [*range(10), 40, 41], [10] * 12)
    row = cells(cohorts(orders, as_of="2024-02-29")).loc[("2024-01", 1)]
    p, n, z2 = 0.2, 10, 1.6448536269514722**2
    half = np.sqrt(z2) * np.sqrt(p * (1 - p) / n + z2 / 4 / n**2) / (1 + z2 / n)
    middle = (p + z2 / 2 / n) / (1 + z2 / n)
    assert (row["low"], row["high"]) == pytest.approx((middle - half, middle + half))


@pytest.mark.parametrize("period", ["month", "quarter"])
def test_bits_of_months_and_a_count_of_orders_agree(mixed, period):
    # two ways through the engine: retention from the bits, orders from the orders themselves
    bits, counted = (cohorts(mixed, period=period, value=v).table for v in ("retention", "orders"))
    pd.testing.assert_series_equal(bits["active"], counted["active"])


def test_more_months_than_one_integer_holds():
    customers, days = ["a", "a", "b", "a"], [0, 1800, 2500, 2550]  # seven years
    made = cells(cohorts(orders_of(customers, days, [10] * 4), as_of="2030-12-31"))
    active = made.loc["2024-01", "active"]
    assert active[active > 0].index.tolist() == [0, 59, 83]


# --- truncation, groups, advice --------------------------------------------------------------


def test_a_first_intake_full_of_old_customers_is_called_out():
    customers = [f"c{i}" for i in range(160)]
    days = [*np.linspace(0, 30, 100), *np.linspace(31, 119, 60)]
    made = cohorts(orders_of(customers, days, [10] * 160))
    codes = [finding.code for finding in made.findings()]
    assert "truncated_seen" in codes
    even = cohorts(orders_of(customers, np.linspace(0, 119, 160), [10] * 160))
    assert "truncated" in [finding.code for finding in even.findings()]


def test_an_intake_that_has_only_begun_does_not_make_the_first_one_large():
    """Ten new customers a day; February has only five days of them."""
    days = [i // 10 for i in range(360)]
    steady = cohorts(orders_of([f"c{i}" for i in range(360)], days, [10] * 360), value="ltv")
    assert "truncated" in [finding.code for finding in steady.findings()]


@pytest.mark.parametrize(("first", "code"), [(30, "truncated"), (60, "truncated_seen")])
def test_a_first_intake_that_chance_makes_large_is_not_called_out(first, code):
    """A month of 30 and one of 20 differ by 1.4 standard errors, one of 60 and of 20 by 4.3."""
    days = [*np.linspace(0, 30, first), *np.linspace(31, 58, 20), *np.linspace(59, 89, 20), 95]
    made = cohorts(orders_of([f"c{i}" for i in range(len(days))], days, [10] * len(days)))
    assert code in [finding.code for finding in made.findings()]


def test_an_unusual_intake_is_found_and_chance_is_not():
    rng = np.random.default_rng(4)
    customers, days = [], []
    for month in range(6):
        back = 0.05 if month == 3 else 0.4
        for i in range(150):
            start = month * 30.5 + rng.uniform(0, 28)
            customers.append(f"c{month}-{i}")
            days.append(start)
            if rng.random() < back:
                customers.append(f"c{month}-{i}")
                days.append((month + 1) * 30.5 + rng.uniform(1, 28))
    made = cohorts(orders_of(customers, days, [10] * len(days)), as_of="2024-07-31")
    found = {f.code: f.values for f in made.findings()}
    assert found["intake_below"]["cohort"] == "2024-04"
    assert found["intake_below"]["high"] < 0
    (action,) = made.actions()
    assert (action.code, action.value) == ("look_into_intake", None)


def test_groups_are_those_of_the_first_order():
    channel = ["live", "search", "search", "live"]
    orders = orders_of(["a", "a", "b", "b"], [0, 40, 1, 41], [10] * 4, source_channel=channel)
    made = cohorts(orders, by="source_channel", as_of="2024-02-29").table
    assert list(made.columns)[-1] == "source_channel"
    first = made[(made["cohort"] == "2024-01") & (made["age"] == 0)]
    assert first.set_index("source_channel")["size"].to_dict() == {"live": 1, "search": 1}


def test_groups_add_up_to_the_whole(mixed):
    whole = cohorts(mixed).table
    parts = cohorts(mixed, by="source_channel").table
    summed = parts[parts["cohort"] != "all"].groupby(["cohort", "age"])[["size"]].sum()["size"]
    own = whole[whole["cohort"] != "all"].set_index(["cohort", "age"])["size"]
    assert summed.to_dict() == own.to_dict()


def test_an_unknown_group_is_one():
    orders = orders_of(["a", "b"], [0, 1], [10] * 2, source_channel=["live", None])
    made = cohorts(orders, by="source_channel").table
    assert set(made["source_channel"]) == {"live", "unknown"}


def test_refunded_orders_are_no_activity():
    orders = orders_of(["a", "a"], [0, 40], [10, 10], refund_amount=money([None, 10]))
    assert cells(cohorts(orders, as_of="2024-02-29")).loc[("2024-01", 1), "active"] == 0


@pytest.mark.parametrize("wrong", [{"period": "year"}, {"window": "fixed"}, {"value": "ltvv"}])
def test_unknown_options_are_refused(mixed, wrong):
    with pytest.raises(OptionError, match="is not a choice"):
        cohorts(mixed, **wrong)


def test_a_missing_group_column_is_named(mixed):
    with pytest.raises(DataError, match="source_chanel"):
        cohorts(mixed, by="source_chanel")


def test_without_a_known_customer_the_answer_is_locked():
    assert cohorts(orders_of([None], [0], [10])).locked


def test_groups_that_are_small_are_not_called_young():
    """Both groups of 20 were watched for all of February and March; 30 are needed to compare."""
    names = [f"c{i}" for i in range(40)]
    sources = ["live", "search"] * 60
    days = [0] * 40 + [40] * 40 + [100] * 40
    orders = orders_of([*names] * 3, days, [10] * 120, source_channel=sources)
    codes = {f.code: f.values for f in cohorts(orders, by="source_channel").findings()}
    assert "too_young" not in codes
    assert (codes["few_groups"]["count"], codes["few_groups"]["enough"]) == (0, 30)
    short = cohorts(orders, by="source_channel", as_of="2024-02-20").findings()
    assert "too_young" in {f.code for f in short}


def test_one_day_of_data_is_too_young():
    made = cohorts(orders_of(["a", "b"], [0, 0.5], [10, 10]))
    assert made.locked
    assert "2" in made.explain("zh")
    assert made._repr_html_()


# --- one result feeds table, chart and sentence (mistake 30) ------------------------------------


@pytest.mark.parametrize("wide", [True, False])
def test_mistake_30_the_triangle_shows_the_table(mixed, wide):
    from ecomops.result import style

    made = cohorts(mixed, lang="en")
    ax = style.canvas(style.WIDE, made.layout(wide=wide))
    made.draw(ax, wide=wide, words=made.words())
    drawn = [text.get_text() for text in ax.texts]
    shown = made.table[
        made.table["age"].between(1, 12 if wide else 6) & made.table["value"].notna()
    ]
    for value in shown["value"]:
        text = f"{100 * value:.1f}"
        assert text in drawn
    solid = [p for p in ax.patches if p.get_linewidth() == 0 and not p.get_hatch()]
    dotted = [p for p in ax.patches if p.get_linewidth() > 1]
    own = shown[shown["cohort"] != "all"]
    assert len(solid) == (own["observed"] == "full").sum()
    assert len(dotted) == (own["observed"] == "partial").sum()


@pytest.mark.parametrize("value", ["retention", "revenue", "orders", "aov", "ltv"])
def test_every_value_speaks_and_draws_in_both_languages(mixed, value):
    made = cohorts(mixed, value=value)
    line = made.table[(made.table["cohort"] == "all")].set_index("age")
    first = line.loc[0 if value == "ltv" else 1, "value"]
    for lang in ("zh", "en"):
        words = made.words(lang)
        unit = {"retention": "percent", "orders": "number.2"}.get(value, "money")
        assert words.format_field(float(first), unit) in made.sentences(lang)[0]
        assert made.in_language(lang)._repr_html_().count("<svg") == 2


def test_groups_draw_their_lines(mixed):
    made = cohorts(mixed, by="source_channel")
    line = made.line[(made.line["age"] >= 1) & (made.line["size"] >= 30)]
    drawn = [artist.get_ydata() for artist in made.plot().lines if len(artist.get_xdata()) > 1]
    wanted = sorted(list(g["value"]) for _, g in line.groupby("source_channel") if len(g) > 1)
    assert sorted(map(list, drawn)) == wanted


def test_orders_may_have_columns_of_any_name():
    """An export's own `id` was taken for the customer's: a traceback."""
    own = orders_of(["a", "a", "b"], [0, 40, 40], [5, 5, 5]).to_pandas()
    own = own.assign(id=1, first_at="x", value="y", source_channel=["p", "q", "p"])
    made = cohorts(own, by="source_channel")
    plain = cohorts(own.drop(columns=["id", "first_at", "value"]), by="source_channel")
    pd.testing.assert_frame_equal(made.table, plain.table)
    with pytest.raises(OptionError, match="value"):
        cohorts(own, by="value")


def test_a_list_to_split_by_is_no_column():
    orders = pd.DataFrame(
        {"order_id": ["1"], "customer_id": ["a"], "paid_at": ["2025-01-01"], "paid_amount": [5.0]}
    )
    with pytest.raises(DataError, match="lacks columns"):
        cohorts(orders, by=["order_id"])


def of_channels(back: dict[str, float], each: int) -> pd.DataFrame:
    """Return orders of customers by channel, of whom a share comes back after 40 days."""
    rows = [
        (f"{channel}-{i}", channel, day)
        for channel, share in back.items()
        for i in range(each)
        for day in [0, *([40] if i < share * each else [])]
    ]
    orders = pd.DataFrame(rows, columns=["customer_id", "source_channel", "day"])
    paid = pd.Timestamp("2025-01-01") + pd.to_timedelta(orders.pop("day"), unit="D")
    return orders.assign(order_id=orders.index.astype(str), paid_at=paid, paid_amount=50.0)


@pytest.mark.parametrize(
    ("others", "code"), [(0, "groups_share"), (40, "alike_share")], ids=["two", "forty-two"]
)
def test_the_best_of_many_groups_must_be_further_ahead_than_the_better_of_two(others, code):
    """By hand: 20 % and 12.67 % of 300 customers each are 0.0733 / 0.0300 = 2.4 errors apart.

    That is beyond 1.645 (5 % of one pair) and within 3.9 (5 % of the 861 pairs of 42 groups).
    """
    back = {"a": 0.20, "b": 0.1267} | {f"c{i}": 0.16 for i in range(others)}
    made = cohorts(of_channels(back, 300), by="source_channel", as_of="2025-04-30")
    (answer, *_) = made.findings()
    assert answer.code == code
    assert (answer.values["best"], answer.values["worst"]) == ("a", "b")


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("value", ["retention", "orders", "revenue", "aov", "ltv"])
def test_groups_are_named_with_their_numbers(value, lang):
    orders = of_channels({"live": 0.2, "search": 0.1}, 60)
    made = cohorts(orders, by="source_channel", value=value, as_of="2025-04-30")
    said = made.sentences(lang)[0]
    found = made.findings()[0].values
    assert made.words(lang).label(found["best"]) in said
    assert made.words(lang).label(found["worst"]) in said


@pytest.mark.parametrize(
    ("value", "code", "told"),
    [("aov", "partial_mean", "may still change"), ("revenue", "partial", "will rise")],
)
def test_only_sums_are_said_to_rise_with_the_days_to_come(value, code, told):
    """5 a day for 40 days, then 1: the mean of the last month falls when more of it is known."""
    days = np.repeat(np.arange(75), 2)
    ids = [f"c{i % 10}" for i in range(150)]
    made = cohorts(orders_of(ids, days, np.where(days < 40, 5, 1)), value=value)
    assert code in [finding.code for finding in made.findings()]
    assert told in made.explain("en")


@pytest.mark.parametrize("by", [None, "source_channel"])
def test_mean_orders_of_those_who_never_come_back_are_not_called_young(by):
    """Four customers, one order each, watched for three months: old enough, and nobody is back."""
    orders = orders_of(list("abcd"), [0, 50, 85, 120], [10] * 4, source_channel=["x", "y"] * 2)
    first = cohorts(orders, value="aov", by=by).findings()[0]
    assert first.code == "no_repeat"
    young = cohorts(orders, value="aov", by=by or "source_channel", as_of="2024-02-20")
    assert young.findings()[0].code == "too_young"


@pytest.mark.parametrize("value", ["retention", "revenue", "orders", "aov"])
def test_one_age_is_said_once(value):
    orders = orders_of(["a", "a", "b"], [0, 40, 45], [100, 60, 80])
    made = cohorts(orders, value=value, as_of="2024-02-29")
    assert made.line["age"].max() == 1
    first = made.findings()[0]
    assert first.code == f"only_{value}"
    for lang in ("zh", "en"):
        text = made.in_language(lang).sentences()[0]
        assert sum(text.count(end) for end in ("month 1", "第 1 个月")) == 1


def test_in_chinese_the_end_of_a_week_is_no_weekend():
    orders = orders_of(["a", "a", "b"], [0, 8, 15], [100, 60, 80])
    assert "周末" not in cohorts(orders, value="ltv", period="week").explain("zh")


def test_none_of_forty_is_not_certainty():
    """Wilson's end for 0 of 40 by hand: z² / (40 + z²) with z = 1.6449; it read [0, 0]."""
    people = [f"c{i}" for i in range(40)]
    orders = orders_of([*people, "late"], [0] * 40 + [100], [10] * 41)
    ends = {}
    for value in ("retention", "orders", "revenue", "ltv"):
        made = cohorts(orders, value=value)
        row = cells(made).loc[(made.table["cohort"].iloc[0], 1)]
        assert row["value"] == (10 if value == "ltv" else 0)
        ends[value] = (row["low"], row["high"])
    few = 1.6449**2 / (40 + 1.6449**2)
    assert ends["orders"] == pytest.approx((0, few), abs=1e-4)
    assert ends["retention"] == pytest.approx((0, few), abs=1e-4)
    assert np.isnan(ends["revenue"]).all()
    assert ends["ltv"] == (10, 10)
