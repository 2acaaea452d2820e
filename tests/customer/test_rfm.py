"""Scores and segments: ties, one-time buyers, refunds, dates, and every code in one segment."""

from __future__ import annotations

import datetime as dt
import itertools

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ecomops as eo
from ecomops.base.errors import DataError, OptionError
from ecomops.customer import charts, rfm, segments
from ecomops.result.words import Words
from tests.customer.conftest import money, orders_of


def by_customer(made):
    return made.customers.to_pandas().set_index("customer_id").sort_index()


def once(n, last=200, amount=50):
    """Return `n` customers with one order each, spread over the days up to `last`."""
    return orders_of([f"c{i}" for i in range(n)], np.linspace(0, last, n), [amount] * n)


# --- ties and order (mistakes 1, 10) ---------------------------------------------------------


def test_mistake_1_equal_customers_score_alike():
    ten = orders_of([f"c{i}" for i in range(10)], [5] * 10, [80] * 10)
    scores = by_customer(rfm(ten, as_of="2024-02-01"))[["r_score", "f_score", "m_score", "segment"]]
    assert len(scores.drop_duplicates()) == 1


def test_mistake_10_equal_spenders_stay_together():
    spenders = orders_of([f"c{i}" for i in range(10)], range(10), [80] * 10)
    assert set(by_customer(rfm(spenders))["m_score"]) == {1}


@settings(max_examples=5)
@given(st.permutations(range(24)), st.integers(0, 10**6))
def test_mistake_1_neither_ids_nor_row_order_matter(order, shift):
    rng = np.random.default_rng(5)
    buyers, days, amounts = rng.integers(0, 9, 24), rng.integers(0, 90, 24), rng.integers(1, 5, 24)
    plain = by_customer(rfm(orders_of([f"a{b:09}" for b in buyers], days, amounts)))
    renamed = [f"z{(shift + 7919 * b) % 10**6:09}" for b in buyers]
    moved = by_customer(
        rfm(orders_of([renamed[i] for i in order], days[list(order)], amounts[list(order)]))
    )
    for buyer, name in zip(buyers, renamed, strict=True):
        assert plain.loc[f"a{buyer:09}", "segment"] == moved.loc[name, "segment"]
        assert (
            plain.loc[f"a{buyer:09}"][["r_score", "f_score", "m_score"]]
            == moved.loc[name][["r_score", "f_score", "m_score"]]
        ).all()


@pytest.mark.parametrize("scale", [100, 7])
def test_the_scale_of_money_does_not_matter(mixed, scale):
    frame = mixed.to_pandas()
    scaled = frame.assign(
        paid_amount=frame["paid_amount"].astype(float) * scale,
        refund_amount=frame["refund_amount"].astype(float) * scale,
    )
    left, right = by_customer(rfm(mixed)), by_customer(rfm(scaled))
    assert (left["segment"] == right["segment"]).all()
    assert (left["m_score"].dropna() == right["m_score"].dropna()).all()


# --- one-time buyers (mistakes 2, 6, 7) ------------------------------------------------------


def base(share_once, n=200):
    """Return customers of whom a share bought once, the others two to six times."""
    rng = np.random.default_rng(8)
    times = np.where(np.arange(n) < share_once * n, 1, 2 + np.arange(n) % 5)
    customers = [f"c{i}" for i, k in enumerate(times) for _ in range(k)]
    return orders_of(
        customers, rng.uniform(0, 365, len(customers)), rng.integers(20, 300, len(customers))
    )


@pytest.mark.parametrize("preset", ["grid", "shopify"])
def test_mistake_2_one_time_buyers_share_the_lowest_frequency_and_are_no_champions(preset):
    made = by_customer(rfm(base(0.8), preset=preset))
    single = made[made["frequency"] == 1]
    assert len(single) == 160
    assert set(single["f_score"]) == {1}
    assert not set(single["segment"]) & {"champions", "loyal", "cannot_lose", "previously_loyal"}
    assert (made.loc[made["frequency"] > 1, "f_score"] > 1).all()


@pytest.mark.parametrize(
    ("preset", "share"),
    [
        *(("grid", share) for share in (0, 0.3, 0.55, 0.7, 0.8, 0.99, 1)),
        *((preset, share) for preset in ("shopify", "eight") for share in (0, 0.8, 1)),
    ],
)
def test_mistake_6_works_for_any_share_of_one_time_buyers(share, preset):
    made = rfm(base(share), preset=preset)
    assert made.table["customers"].sum() == 200
    assert made.table["customer_share"].sum() == pytest.approx(1)
    assert made.table["amount_share"].sum() == pytest.approx(1)
    if share < 0.9:
        assert by_customer(made)["f_score"].max() == 5


@pytest.mark.parametrize("preset", ["grid", "shopify"])
def test_mistake_7_first_time_buyers_of_the_last_days_are_new(preset):
    regulars = [f"r{i}" for i in range(90) for _ in range(3)]
    newcomers = [f"n{i}" for i in range(18)]
    rng = np.random.default_rng(3)
    days = [*rng.uniform(0, 340, 270), *rng.uniform(352, 365, 18)]
    orders = orders_of([*regulars, *newcomers], days, rng.integers(20, 400, 288))
    made = by_customer(rfm(orders, preset=preset))
    assert set(made.loc[newcomers, "segment"]) == {"new"}


# --- every code in one segment (mistake 8) ---------------------------------------------------


@pytest.mark.parametrize("bins", [5, 6, 7, 10])
@pytest.mark.parametrize("preset", ["grid", "shopify", "eight"])
def test_mistake_8_every_code_has_exactly_one_segment(preset, bins):
    codes = np.array(list(itertools.product(range(1, bins + 1), repeat=3))).T
    tests = segments.rules(preset, bins, (3.0, 2.5, 3.0))(*codes)
    assert (sum(test.astype(int) for test in tests.values()) == 1).all()
    assert all(test.any() for test in tests.values())
    assert set(tests) | {segments.PROSPECTS} >= set(segments.NAMES[preset])


def test_mistake_8_a_best_customer_is_a_champion():
    for preset, best in segments.BEST.items():
        five = np.array([5])
        assert segments.segment(preset, five, five, five, bins=5, means=(3, 3, 3)) == [best]


def test_the_eight_chinese_cells_are_named_as_the_trade_names_them():
    # methods.md: money 重要/一般; recent and frequent 价值, recent 发展, frequent 保持, else 挽留
    r, f, m = (
        np.array(scores)
        for scores in zip(
            *((r, f, m) for m in (5, 1) for r, f in ((5, 5), (5, 1), (1, 5), (1, 1))), strict=True
        )
    )
    words = Words("customer.rfm", "zh")
    names = segments.segment("eight", r, f, m, bins=5, means=(3, 3, 3))
    assert [words.label(name) for name in names] == [
        *("重要价值", "重要发展", "重要保持", "重要挽留"),
        *("一般价值", "一般发展", "一般保持", "一般挽留"),
    ]


def test_ten_scores_map_to_fifths_in_the_grid(mixed):
    ten = by_customer(rfm(mixed, bins=10)).dropna(subset=["r_score"])
    fifths = segments.segment(
        "grid",
        *(ten[s].astype(int).to_numpy() for s in ("r_score", "f_score", "m_score")),
        bins=10,
        means=None,
    )
    assert (ten["segment"] == fifths).all()
    assert ten["r_score"].max() == 10


@pytest.mark.parametrize(
    ("preset", "bins"), [("grid", 4), ("shopify", 3), ("eight", 1), ("grid", 11)]
)
def test_too_few_or_too_many_scores_are_refused(mixed, preset, bins):
    with pytest.raises(OptionError, match="bins is out of range"):
        rfm(mixed, preset=preset, bins=bins)


# --- what counts (mistakes 9, 10, 14) --------------------------------------------------------


def test_mistake_9_recency_counts_to_the_last_day_of_the_data_not_to_today():
    made = rfm(orders_of(["a", "b"], [0, 30.9], [10, 10]))
    assert made.params["as_of"] == made.basis.end == dt.date(2024, 1, 31)
    assert by_customer(made)["recency_days"].to_dict() == {"a": 30, "b": 0}


def test_mistake_9_guests_are_nobody_and_counted():
    made = rfm(orders_of(["a", None, None], [0, 1, 2], [10, 10, 10]))
    assert list(by_customer(made).index) == ["a"]
    assert made.basis.excluded["guest"] == 2


def test_mistake_9_orders_after_as_of_are_left_out_and_counted():
    made = rfm(orders_of(["a", "a", "b"], [0, 31, 40], [10, 20, 30]), as_of="2024-01-15")
    rows = by_customer(made)
    assert rows["recency_days"].to_dict() == {"a": 14}
    assert rows["monetary"].astype(float).to_dict() == {"a": 10}
    assert made.basis.excluded["later"] == 2
    assert "2 orders after 2024-01-15 were left out" in made.explain("en")


def test_mistake_10_net_spend_of_zero_or_less_is_a_segment_of_its_own():
    orders = orders_of(
        ["a", "b", "c", "c"],
        [0, 1, 2, 3],
        [10, 10, 10, 10],
        refund_amount=money([None, 10, None, 25]),
    )
    made = rfm(orders)
    rows = by_customer(made)
    assert list(rows["segment"] == "no_net_spend") == [False, True, True]
    assert rows.loc[["b", "c"], "m_score"].isna().all()
    table = made.table.set_index("segment")
    assert table.loc["no_net_spend", "customers"] == 2
    assert table.loc["no_net_spend", "amount"] == pytest.approx(0 + 10 - 15)


def test_mean_recency_is_that_of_customers_with_a_purchase():
    """`a` only has an order refunded in full: no purchase, so no recency that could count as 0."""
    orders = orders_of(["a", "b", "b", "c"], [0, 1, 2, 11], [9, 9, 9, 9],
                       refund_amount=money([9, 0, 30, 0]))  # fmt: skip
    row = rfm(orders).table.set_index("segment").loc["no_net_spend"]
    assert (row["customers"], row["recency_days"], row["frequency"]) == (2, 10, 0.5)


def test_mistake_14_a_refunded_order_is_no_second_purchase():
    orders = orders_of(["a", "a"], [0, 19], [100, 100], refund_amount=money([None, 100]))
    row = by_customer(rfm(orders)).loc["a"]
    assert (row["frequency"], float(row["monetary"]), row["recency_days"]) == (1, 100, 19)


def test_prospects_are_known_customers_without_a_sale():
    orders = orders_of(["a", "b"], [0, 1], [10, 10])
    orders = orders.set_column(4, "order_status", [["completed", "closed_unpaid"]])
    assert by_customer(rfm(orders, preset="shopify"))["segment"].to_dict()["b"] == "prospects"
    assert list(by_customer(rfm(orders)).index) == ["a"]


# --- scores by hand --------------------------------------------------------------------------


def test_scores_equal_quantiles_of_numpy(mixed):
    made = rfm(mixed)
    rows = by_customer(made)
    known = rows[rows["m_score"].notna()]
    r, f, m = (known[c].astype(float).to_numpy() for c in ("recency_days", "frequency", "monetary"))
    fifths = [0.2, 0.4, 0.6, 0.8]
    assert (known["r_score"] == 5 - (r[:, None] > np.quantile(r, fifths)).sum(1)).all()
    assert (known["m_score"] == 1 + (m[:, None] > np.quantile(m, fifths)).sum(1)).all()
    score, rest = dict.fromkeys(f[f == 1], 1), sorted(f[f > 1])
    for level in range(2, 6):  # the next value until a fair share of the rest is in
        share, taken = len(rest) / (6 - level), 0
        while rest and taken < share:
            value = rest[0]
            score[value] = level
            taken += rest.count(value)
            rest = [v for v in rest if v > value]
    assert known["f_score"].tolist() == [score[v] for v in f]


def test_fixed_thresholds_belong_to_the_better_side():
    orders = orders_of(
        ["a", "b", "b", "c", "c", "c"], [0, 70, 70, 90, 95, 100], [50, 50, 50, 100, 100, 100]
    )
    cuts = {
        "recency": (10, 30, 60, 99),
        "frequency": (2, 3, 5, 8),
        "monetary": (100, 200, 300, 400),
    }
    rows = by_customer(rfm(orders, thresholds=cuts))
    assert rows[["r_score", "f_score", "m_score"]].to_numpy().tolist() == [
        [1, 1, 1],
        [4, 2, 2],
        [5, 3, 4],
    ]


@pytest.mark.parametrize("cuts", [(1, 2, 3), (1, 2, 2, 3), (4, 3, 2, 1)])
def test_bad_thresholds_are_refused(mixed, cuts):
    with pytest.raises(OptionError, match="fixed cuts of recency"):
        rfm(mixed, thresholds={"recency": cuts})


def test_an_unknown_measure_or_preset_names_the_nearest(mixed):
    with pytest.raises(OptionError, match="Did you mean 'recency'"):
        rfm(mixed, thresholds={"recencey": (1, 2, 3, 4)})
    with pytest.raises(OptionError, match="Did you mean 'shopify'"):
        rfm(mixed, preset="shopfy")


# --- the result ------------------------------------------------------------------------------


def test_segments_partition_customers_and_money(mixed):
    for preset in ("grid", "shopify", "eight"):
        made = rfm(mixed, preset=preset)
        rows = by_customer(made)
        counts = rows.groupby("segment")["recency_days"].size()
        amounts = rows["monetary"].astype(float).groupby(rows["segment"]).sum()
        table = made.table.set_index("segment")
        assert table["customers"][table["customers"] > 0].to_dict() == counts.to_dict()
        assert table["amount"][counts.index].to_numpy() == pytest.approx(
            amounts.fillna(0).to_numpy()
        )


def test_mistake_11_a_customer_who_returns_after_a_year_is_reactivated_not_new():
    steady = [f"s{i}" for i in range(20) for _ in range(9)]
    days = [d for _ in range(20) for d in range(0, 1080, 120)]
    orders = orders_of([*steady, "back", "back", "fresh"], [*days, 10, 1000, 1000], [10] * 183)
    later, earlier = rfm(orders), rfm(orders, as_of="2025-12-31")
    moves = later.migration(earlier)
    assert by_customer(later).loc["back", "segment"] != "new"
    assert moves.loc[moves["from"] == "none", ["customers", "move"]].to_numpy().tolist() == [
        [1, "joined"]
    ]
    assert moves.loc[moves["move"] == "reactivated", "customers"].sum() == 1
    assert moves["customers"].sum() == 22


def test_who_bought_nothing_is_not_reactivated():
    """The 3 of `c` was below the mean of 1, 2, 3, 5, 5; when `d` buys, it is that of 1 to 5."""
    orders = orders_of([*"abcde", "d"], [0, 10, 20, 30, 30, 100], [10] * 6)
    later = rfm(orders, preset="eight")
    earlier = rfm(orders, preset="eight", as_of="2024-03-01")
    was, now = (by_customer(made).loc["c"] for made in (earlier, later))
    assert (was["r_score"], now["r_score"]) == (3, 3)
    assert was["segment"] != now["segment"]
    moves = later.migration(earlier)
    assert "reactivated" not in set(moves["move"])
    assert moves["customers"].sum() == 5


def test_the_first_purchase_of_a_prospect_is_no_return():
    orders = orders_of(["a", "b", "b"], [0, 1, 40], [10, 10, 10])
    orders = orders.set_column(4, "order_status", [["completed", "closed_unpaid", "completed"]])
    later = rfm(orders, preset="shopify")
    moves = later.migration(rfm(orders, preset="shopify", as_of="2024-01-20")).set_index("from")
    assert moves.loc["prospects", "move"] == "joined"


def test_a_migration_counts_everyone_once(mixed):
    later, earlier = rfm(mixed), rfm(mixed, as_of="2024-06-30")
    moves = later.migration(earlier)
    assert moves["customers"].sum() == len(by_customer(later))
    assert moves.groupby("from")["share"].sum().to_numpy() == pytest.approx(1)
    assert list(moves.columns) == ["from", "to", "customers", "share", "move"]
    with pytest.raises(OptionError, match="different segments"):
        later.migration(rfm(mixed, preset="eight"))
    with pytest.raises(OptionError, match="wrong way round"):
        earlier.migration(later)
    for other in (None, mixed):
        with pytest.raises(OptionError, match=type(other).__name__):
            later.migration(other)


def test_a_migration_joins_two_engines(mixed):
    """Truth: the same two halves in one engine; a frame, a shop and a connection of one's own."""
    con = ibis.duckdb.connect()
    con.create_table("orders", mixed)
    earlier, later = rfm(mixed, as_of="2024-06-30"), rfm(mixed)
    apart = rfm(con.table("orders"), as_of="2024-06-30"), rfm(eo.open({"orders": mixed}).orders)
    expected = later.migration(earlier)
    pd.testing.assert_frame_equal(later.migration(apart[0]), expected)
    pd.testing.assert_frame_equal(apart[1].migration(apart[0]), expected)
    pd.testing.assert_frame_equal(apart[1].migration(earlier), expected)


def test_without_a_known_customer_the_answer_is_locked():
    made = rfm(orders_of([None, None], [0, 1], [10, 10]))
    assert made.locked
    assert "customers" in made.explain("en")
    assert made.migration(made).empty


def test_one_customer_with_one_order():
    made = rfm(orders_of(["a"], [0], [10]))
    assert by_customer(made).loc["a", "segment"] == "new"
    assert made.table["customers"].sum() == 1


def test_no_sale_at_all_says_why():
    orders = orders_of(["a"], [0], [10]).set_column(4, "order_status", [["unpaid"]])
    with pytest.raises(DataError, match="No order counts as a sale"):
        rfm(orders)


@pytest.mark.parametrize(
    ("people", "code"), [(200, "too_few"), (1000, "too_few"), (20_000, "win_back")]
)
def test_only_advice_to_measure_first(people, code):
    """By hand: two halves of fewer than 800 show none of 10 points (Lehr): no test is asked for."""
    made = rfm(base(0.3, people))
    (action,) = made.actions()
    assert (action.code, action.value, action.emitted) == (code, None, False)
    assert (action.change["customers"] < 800) == (code == "too_few")
    assert action.expires_on == made.basis.end + dt.timedelta(days=30)
    drifting = made.table.set_index("segment").loc[["cannot_lose", "at_risk"], "customers"].sum()
    assert action.change["customers"] == drifting


def test_same_input_gives_the_same_page(mixed):
    assert rfm(mixed)._repr_html_() == rfm(mixed)._repr_html_()
    assert rfm(mixed).to_dict() == rfm(mixed).to_dict()


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_mistake_30_chart_table_and_sentence_hold_the_same_numbers(mixed, lang):
    made = rfm(mixed, lang=lang)
    texts = {text.get_text() for text in made.plot().texts}
    words = made.words()
    for row in made.table[made.table["segment"] != "no_net_spend"].itertuples():
        assert words.label(row.segment) in texts
        assert words.say("labels", "share", share=row.amount_share) in texts
    best = made.table.set_index("segment").loc["champions"]
    assert words.format_field(best["amount_share"], "percent.0") in made.sentences()[0]


def test_the_grid_shows_each_cell_once(mixed):
    made = rfm(mixed)
    assert len(made.cells) == 25
    scored = made.table[made.table["segment"] != "no_net_spend"]
    assert made.cells["customers"].sum() == scored["customers"].sum()
    assert made.cells["amount"].sum() == pytest.approx(scored["amount"].sum())


def test_rows_of_shares_draw_the_table(mixed):
    made = rfm(mixed, preset="eight")
    bars = [patch.get_width() for patch in made.plot().patches]
    assert bars == pytest.approx(list(made.table["amount_share"].clip(lower=0)))


def test_customers_are_lazy_and_can_be_filtered_in_the_engine(mixed):
    made = rfm(mixed)
    n = made.customers.filter(made.customers.segment == "champions").count().to_pandas()
    assert n == made.table.set_index("segment").loc["champions", "customers"]
    assert isinstance(made.table, pd.DataFrame)


def test_a_long_name_takes_two_lines_of_its_cell_on_a_phone():
    """A cell has room for four lines: name, customers and share."""
    row, words = {"customers": 1925, "amount_share": 0.136}, Words("customer.rfm", "en", "CNY")
    lines = charts._lines(row, "about_to_sleep", False, wide=False, words=words)
    assert lines == ["About to", "sleep", "1,925", "13.6%"]


@pytest.mark.parametrize(
    "options",
    [
        {"bins": 5.5},
        {"thresholds": {"recency": [1, 2, 3, "x"]}},
        {"thresholds": {"recency": [1, 2, 3, float("nan")]}},
        {"thresholds": {"recency": [1, 2, 3, 3]}},
        {"thresholds": {"recency": 7}},
        {"thresholds": [1, 2, 3, 4]},
    ],
)
def test_options_that_are_no_numbers_are_refused_by_name(options):
    orders = pd.DataFrame(
        {"order_id": ["1"], "customer_id": ["a"], "paid_at": ["2025-01-01"], "paid_amount": [5.0]}
    )
    with pytest.raises(OptionError, match=r"recency|bins"):
        rfm(orders, **options)


def test_where_nobody_kept_money_no_empty_segment_is_the_answer():
    """A purchase of 10 and one of 20 of which 35 came back: net money of -5, nobody is scored."""
    orders = pd.DataFrame(
        {
            "order_id": ["1", "2"],
            "customer_id": ["a", "a"],
            "paid_at": ["2025-01-01", "2025-01-02"],
            "paid_amount": [10.0, 20.0],
            "refund_amount": [0.0, 35.0],
        }
    )
    for preset in ("grid", "shopify", "eight"):
        (answer,) = (f for f in rfm(orders, preset=preset).findings() if f.code == "answer")
        assert answer.values["segment"] == "no_net_spend"
        assert answer.values["customers"] == 1
        assert answer.values["monetary"] == -5
