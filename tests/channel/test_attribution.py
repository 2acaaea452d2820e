"""Attribution: engines, invariants, what counts as a journey, what is said and refused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecomops.base.errors import DataError, OptionError
from ecomops.channel import attribution
from ecomops.channel.credits import MODELS
from ecomops.channel.dots import levels

START = pd.Timestamp("2025-03-01")
CHANNELS = "abc"


def events(rows):
    """Build events from (visitor, day, what, …): a channel, or "order N" worth N."""
    built = []
    for visitor, day, what, *rest in rows:
        sold = what.startswith("order")
        built.append(
            {
                "event_time": (START + pd.Timedelta(days=day)).round("s"),
                "event_name": "purchase" if sold else "click",
                "visitor_id": visitor,
                "channel": None if sold else what,
                "order_id": f"{visitor}-{day}" if sold else None,
                "value": float(what.split()[1]) if sold else None,
                "cost": None if sold else 1.0,
                "is_holdout": bool(rest and rest[0]),
            }
        )
    return pd.DataFrame(built)


TWO = events([
    ("v1", 0, "a"), ("v1", 1, "b"), ("v1", 2, "order 100"),
    ("v2", 0, "b"), ("v2", 5, "c"), ("v2", 6, "order 50"),
    ("v3", 3, "a"), ("v4", 4, "c"), ("v4", 7, "a"),
])  # fmt: skip


def by(result, model, measure="conversions"):
    return result.table.query("model == @model").set_index("channel")[measure].to_dict()


def same(left, right):
    keys = ["model", "channel"]
    a, b = (r.table.sort_values(keys, ignore_index=True) for r in (left, right))
    pd.testing.assert_frame_equal(a, b, check_exact=False, rtol=1e-9, atol=1e-9)


def test_equal_on_every_engine_from_events(table):
    expected, got = attribution(TWO), attribution(table(TWO))
    same(got, expected)
    assert list(got.table.columns) == ["model", "channel", "conversions", "value", "share"]
    assert set(got.table["model"]) == set(MODELS)
    assert got.explain() == expected.explain()


def test_equal_on_every_engine_from_paths(table):
    rows = pd.DataFrame(
        {
            "path": ["a > b > a", "b", "c > a", " c >b "],
            "conversions": [3, 1, 0, 2],
            "nulls": [5, 0, 2, 2],
            "value": [30.5, 10.25, 0, 18],
        }
    )
    same(attribution(table(rows), order=2), attribution(rows, order=2))


@pytest.mark.parametrize(
    "more", [{"by": "campaign_id"}, {"start": "2025-01-01"}, {"end": "2025-01-31"}]
)
def test_a_path_table_is_not_asked_for_what_it_does_not_hold(more):
    """It has no days: a month asked of it was answered with all of the data."""
    rows = pd.DataFrame({"path": ["a > b"], "conversions": [1]})
    with pytest.raises(OptionError, match=f"cannot be asked for: {next(iter(more))}"):
        attribution(rows, **more)


def test_by_hand():
    result = attribution(TWO)
    assert by(result, "first") == {"a": 1, "b": 1, "c": 0}
    assert by(result, "last", "value") == {"a": 0, "b": 100, "c": 50}
    assert by(result, "linear") == {"a": 0.5, "b": 1, "c": 0.5}
    assert result.facts["nulls"] == 2
    assert result.basis.n == 4


journeys = st.lists(
    st.tuples(
        st.lists(st.sampled_from(CHANNELS), min_size=1, max_size=5),
        st.integers(0, 5), st.integers(0, 5), st.integers(0, 900),
    ),
    min_size=1, max_size=8,
).filter(lambda rows: any(c for _, c, _, _ in rows))  # fmt: skip


@settings(max_examples=6)
@given(journeys, st.sampled_from(["rate", "subset_sum"]), st.integers(1, 3))
def test_credit_adds_up_and_is_not_negative(rows, game, order):
    paths = pd.DataFrame(
        {
            "path": [" > ".join(p) for p, *_ in rows],
            "conversions": [c for _, c, _, _ in rows],
            "nulls": [n for _, _, n, _ in rows],
            "value": [float(v) * (c > 0) for _, c, _, v in rows],
        }
    )
    result = attribution(paths, game=game, order=order)
    sums = result.table.groupby("model")[["conversions", "value", "share"]].sum()
    assert sums["conversions"].to_numpy() == pytest.approx(paths["conversions"].sum())
    assert sums["value"].to_numpy() == pytest.approx(paths["value"].sum(), abs=1e-6)
    assert sums["share"].to_numpy() == pytest.approx(1)
    assert result.table["conversions"].min() >= -1e-9


def _brute(rows, back=30):
    """Second implementation in plain Python: paths that lead to orders, with their value."""
    found = []
    orders = {}
    for visitor, day, what in rows:
        if what.startswith("order"):
            known = orders.get((visitor, day), 0.0)
            orders[visitor, day] = max(known, float(what.split()[1]))
    for (visitor, day), worth in sorted(orders.items()):
        seen = sorted(
            (d, c) for v, d, c in rows
            if v == visitor and not c.startswith("order") and day - back <= d <= day
        )  # fmt: skip
        if seen:
            found.append(([c for _, c in seen], worth))
    return found


logs = st.lists(
    st.tuples(
        st.integers(1, 6).map("v{}".format), st.integers(0, 80),
        st.sampled_from([*CHANNELS, "order 10", "order 30"]),
    ),
    min_size=20, max_size=60, unique=True,
).filter(_brute)  # fmt: skip


@settings(max_examples=5)
@given(logs)
def test_paths_equal_plain_python(rows):
    result = attribution(events(rows), models=["linear", "last"])
    linear, last = dict.fromkeys(CHANNELS, 0.0), dict.fromkeys(CHANNELS, 0.0)
    for path, worth in _brute(rows):
        last[path[-1]] += worth
        for channel in path:
            linear[channel] += 1 / len(path)
    assert by(result, "linear") == pytest.approx({c: v for c, v in linear.items() if v})
    got = by(result, "last", "value")
    assert got == pytest.approx({c: last[c] for c in got})


@settings(max_examples=2)
@given(logs, st.randoms(use_true_random=False))
def test_order_duplicates_and_names_of_rows_do_not_matter(rows, random):
    log = events(rows)
    twice = pd.concat([log, log.sample(frac=0.5, random_state=1)])
    shuffled = twice.sample(frac=1, random_state=random.randrange(99))
    renamed = shuffled.assign(visitor_id="x" + shuffled["visitor_id"])
    models = ["linear", "position", "time_decay", "markov"]
    same(
        attribution(renamed[renamed.columns[::-1]], models=models), attribution(log, models=models)
    )


def test_money_scales_and_nothing_else():
    scaled = attribution(TWO.assign(value=TWO["value"] * 100)).table
    plain = attribution(TWO).table
    assert scaled["value"].to_numpy() == pytest.approx(plain["value"].to_numpy() * 100)
    assert scaled["conversions"].to_numpy() == pytest.approx(plain["conversions"].to_numpy())


def test_lookback_ends_a_journey():
    """A touch 31 days before the order is no part of it, but a journey without an order."""
    log = events([("v", 0, "a"), ("v", 31, "b"), ("v", 31.5, "order 5")])
    result = attribution(log)
    assert by(result, "linear") == {"a": 0, "b": 1}
    assert result.facts["nulls"] == 1
    assert by(attribution(log, lookback_days=40), "linear") == {"a": 0.5, "b": 0.5}


def test_orders_without_a_touch_are_counted_and_said():
    result = attribution(events([("v", 0, "a"), ("v", 1, "order 5"), ("w", 1, "order 9")]))
    assert result.table.query("model == 'last'")["conversions"].sum() == 1
    assert result.basis.excluded == {"untouched": 1}
    assert "untouched" in codes(result)


def test_orders_of_the_same_second_stay_separate():
    """PostHog's test idea: two orders at one moment are two conversions."""
    log = events([("v", 0, "a"), ("v", 1, "order 5"), ("v", 1, "order 7")])
    log["order_id"] = [None, "o1", "o2"]
    result = attribution(log, models=["last"])
    assert by(result, "last") == {"a": 2}
    assert by(result, "last", "value") == {"a": 12}
    unnamed = attribution(log.assign(order_id=None), models=["last"])
    assert by(unnamed, "last", "value") == {"a": 12}


def test_events_of_a_session_are_one_touch():
    log = events([("v", 0, "a"), ("v", 0.01, "a"), ("v", 0.02, "b"), ("v", 1, "order 5")])
    assert by(attribution(log, models=["linear"]), "linear") == pytest.approx(
        {"a": 2 / 3, "b": 1 / 3}
    )
    one = attribution(log.assign(session_id=["s", "s", "s", None]), models=["linear"])
    assert by(one, "linear") == {"a": 0.5, "b": 0.5}


def test_basis_says_what_the_period_holds():
    """Click basis: touches of the period; order basis: orders of the period."""
    log = events([("v", 0, "a"), ("v", 9, "b"), ("v", 10, "order 5"), ("w", 9, "a")])
    late = date(2025, 3, 8)
    clicks = attribution(log, basis="click", start=late)
    orders = attribution(log, basis="order", start=late)
    assert by(clicks, "linear") == {"a": 0, "b": 1}
    assert by(orders, "linear") == {"a": 0.5, "b": 0.5}
    assert clicks.facts["nulls"] == orders.facts["nulls"] == 1
    early = attribution(log, basis="click", end=date(2025, 3, 2))
    assert by(early, "linear") == {"a": 1}
    assert clicks.basis.excluded == {"untouched": 0}


def test_direct_gives_way():
    """PostHog's test idea: leaving direct out passes its credit on; all direct keeps it."""
    rows = pd.DataFrame({"path": ["a > Direct", "direct"], "conversions": [2, 1]})
    assert by(attribution(rows), "last_non_direct") == {"Direct": 0, "a": 2, "direct": 1}
    kept = attribution(rows, direct=())
    assert by(kept, "last_non_direct") == by(kept, "last")


def test_untidy_paths_are_read_all_the_same():
    """No spaces, many spaces, an empty channel, an empty path with orders."""
    untidy = pd.DataFrame({"path": ["a>b", "  b >  a > ", " "], "conversions": [1, 1, 2]})
    tidy = pd.DataFrame({"path": ["a > b", "b > a"], "conversions": [1, 1]})
    got = attribution(untidy)
    same(got, attribution(tidy))
    assert got.basis.excluded == {"untouched": 2}


def test_without_a_table_it_says_what_is_missing():
    assert "touchpoints" in attribution(None).explain("en")


def test_a_campaign_can_be_the_channel():
    log = TWO.assign(campaign_id=TWO["channel"].map({"a": "x", "b": "x", "c": "y"}))
    assert by(attribution(log, by="campaign_id"), "linear") == {"x": 1.5, "y": 0.5}


def test_without_value_money_is_missing():
    result = attribution(pd.DataFrame({"path": ["a"], "conversions": [1]}))
    assert result.table["value"].isna().all()


def codes(result):
    return [finding.code for finding in result.findings()]


def test_credit_is_never_sold_as_an_effect():
    """Second sentence, always; and models that disagree are said to."""
    result = attribution(TWO)
    assert codes(result)[1] == "not_incremental"
    assert codes(result)[0] == "spread"
    assert result.evidence == "descriptive"


def test_negative_credit_is_said():
    """Mistake 18 of conventions.md: 23 conversions were shared out as 30, 4 and -11 in silence."""
    rows = pd.DataFrame(
        {
            "path": ["a", "b", "a > b", "c", "a > b > c"],
            "conversions": [12, 1, 1, 8, 1],
            "nulls": [2, 6, 20, 30, 4],
        }
    )
    harsh = attribution(rows, models=["shapley"], game="set_rate")
    assert harsh.table["conversions"].min() < 0
    assert harsh.table["conversions"].sum() == pytest.approx(23)
    assert "negative" in codes(harsh)
    kind = attribution(rows, models=["shapley"])
    assert kind.table["conversions"].min() >= 0
    assert "negative" not in codes(kind)


def test_models_that_disagree_are_said_to():
    """Mistake 19: Shao 59 % and Markov 2.6 % for one channel without a warning."""
    rows = pd.DataFrame({"path": ["a > b", "a"], "conversions": [10, 1], "nulls": [5, 50]})
    spread = next(f for f in attribution(rows).findings() if f.code == "spread")
    assert spread.values["most"] >= 2 * spread.values["least"]


def test_effects_that_cancel_are_missing_and_said():
    rows = pd.DataFrame({"path": ["a > b", "c"], "conversions": [1, 1], "nulls": [1, 1]})
    result = attribution(rows, models=["markov", "last"], removal="detour")
    assert result.table.query("model == 'markov'")["conversions"].isna().all()
    assert "no_share" in codes(result)


def test_missing_nulls_and_times_are_said():
    result = attribution(pd.DataFrame({"path": ["a > b"], "conversions": [4]}))
    assert {"no_nulls", "no_times"} <= set(codes(result))
    assert "time_decay" not in set(result.table["model"])
    assert "no_nulls" in codes(attribution(TWO, nulls="exclude"))
    assert "open" in codes(attribution(TWO))


def shop(effect, held=400, cost=5.0):
    """Visitors met by x (ghosts for every second) convert at 10 % plus `effect` where exposed."""
    rows = []
    for i in range(2 * held):
        ghost = i % 2 == 1
        rows.append((f"v{i}", 0, "x", ghost))
        rows.append((f"v{i}", 0.5, "y"))
        if i // 2 % 100 < 10 + (0 if ghost else 100 * effect):
            rows.append((f"v{i}", 1, "order 100"))
    return events(rows).assign(cost=lambda f: np.where(f["channel"] == "x", cost, np.nan))


def test_a_channel_without_effect_is_found_out():
    """10 % of 400 exposed and of 400 held-out visitors buy: the increment is 0, credit is not."""
    result = attribution(shop(0.0), margin=0.3)
    row = result.incremental.set_index("channel").loc["x"]
    assert (row["exposed"], row["held_out"]) == (400, 400)
    assert row["conversions"] == 0
    assert row["low"] < 0 < row["high"]
    assert by(result, "first")["x"] == 40
    assert codes(result)[0] == "holdout_zero"
    assert result.evidence == "A"


def test_moving_its_spend_has_a_value():
    """400 clicks at 5 over one day are 2,000; at most `high` orders of 30 margin are at risk."""
    result = attribution(shop(0.0), margin=0.3)
    action = result.actions()[0]
    high = result.incremental["high"].iloc[0]
    a_month = 30 / result.facts["days"]
    assert (action.code, action.grade, action.emitted) == ("cut", "A", True)
    assert action.value.high == pytest.approx(2 / 3 * 2000 * a_month)
    assert action.value.low == pytest.approx(2 / 3 * (2000 - high * 30) * a_month)


@pytest.mark.parametrize("effect", [0.0, -0.02, -0.05])
def test_its_middle_is_what_is_expected_when_no_order_can_be_won(effect):
    """By draws of the measured effect, 0 where below: no loss is counted where none is possible."""
    result = attribution(shop(effect), margin=0.3)
    row, value = result.incremental.iloc[0], result.actions()[0].value
    error = (row["high"] - row["low"]) / (2 * 1.6449)
    drawn = np.random.default_rng(1).normal(row["conversions"], error, 400_000)
    expected = 2 / 3 * (2000 - np.maximum(drawn, 0).mean() * 30) * 30 / result.facts["days"]
    assert value.mid == pytest.approx(max(expected, value.low), abs=15)
    assert value.low <= value.mid <= value.high
    assert (value.mid < value.high) == (row["high"] > 0)


def test_orders_whose_value_nobody_knows_are_worth_what_the_others_are():
    """By hand: each known order is worth 100; that half are not known makes none cheaper."""
    log = shop(0.0)
    unknown = log["order_id"].notna() & (np.arange(len(log)) % 2 == 0)
    assert 0 < unknown.sum() < log["order_id"].notna().sum()
    some = log.assign(value=log["value"].mask(unknown))
    whole, part = (attribution(f, margin=0.3).actions()[0] for f in (log, some))
    assert part.value == whole.value
    assert part.change["risk"] == pytest.approx(whole.change["risk"])


def test_without_margin_or_with_little_spend_it_is_measured_first():
    unpriced = attribution(shop(0.0)).actions()[0]
    assert (unpriced.code, unpriced.value) == ("price", None)
    cheap = attribution(shop(0.0, cost=0.1), margin=0.3).actions()[0]
    assert (cheap.code, cheap.emitted) == ("cut", False)


def test_an_effect_is_measured():
    """30 % against 10 %: 80 of 120 orders of the exposed are incremental; published interval."""
    result = attribution(shop(0.2))
    row = result.incremental.set_index("channel").loc["x"]
    assert row["conversions"] == pytest.approx(80)
    assert row["low"] > 50
    assert "holdout_zero" not in codes(result)
    assert "holdout_total" in codes(result)


def test_the_sum_of_the_holdouts_has_an_interval():
    """By hand: half-widths 30 and 40 of independent channels make 50."""
    measured = pd.DataFrame({
        "channel": ["x", "y"],
        "conversions": [80.0, -10.0],
        "low": [50.0, -50.0],
        "high": [110.0, 30.0],
        "exposed": 400,
        "held_out": 100,
    })  # fmt: skip
    result = replace(attribution(shop(0.2)), incremental=measured)
    credit = pd.DataFrame({"model": "last", "channel": ["x", "y"], "conversions": [90.0, 20.0]})
    said = {f.code: f.values for f in replace(result, rows=credit.assign(value=0.0)).findings()}
    total = said["holdout_total"]
    assert (total["measured"], total["low"], total["high"]) == pytest.approx((70, 20, 120))


def test_more_than_any_model_says():
    log = shop(0.3)
    extra = events([(f"v{i}", 0.6 + k / 100, "y") for i in range(0, 800, 2) for k in range(9)])
    result = attribution(pd.concat([log, extra]), models=["linear", "last"])
    assert codes(result)[0] == "holdout_more"


def test_ghosts_are_no_touches_and_orders_before_do_not_count():
    log = events([
        ("v", 0, "order 9"), ("v", 1, "x", True), ("w", 1, "x"), ("w", 2, "order 5"),
        ("u", 1, "x"), ("u", 2, "x", True),
    ])  # fmt: skip
    result = attribution(log, models=["last"])
    row = result.incremental.iloc[0]
    assert (row["exposed"], row["held_out"]) == (1, 1)
    assert (row["exposed_rate"], row["held_out_rate"]) == (1, 0)
    assert by(result, "last") == {"x": 1}


def test_moves_to_a_channel_that_works():
    """On the demo, live shopping has an effect and retargeting none (planted by the simulator)."""
    import ecomops as eo

    result = attribution(eo.open("demo").touchpoints, margin=0.4, lang="zh")
    values = {f.code: f.values for f in result.findings()}
    assert values["holdout_zero"]["channel"] == "再营销"
    move = result.actions()[0]
    assert (move.code, move.change["to"]) == ("move", "直播")
    assert "再营销" in result.explain()
    assert "Retargeting" in result.explain("en")


def test_no_orders_is_no_answer():
    result = attribution(events([("v", 0, "a")]))
    assert result.locked
    assert "1" in result.explain("en")


@pytest.mark.parametrize(
    "options",
    [
        {"models": ["lasst"]}, {"nulls": "no"}, {"basis": "clicks"}, {"removal": "null"},
        {"game": "shap"}, {"repeat": "all"}, {"order": 0}, {"lookback_days": 0},
        {"half_life_days": 0}, {"margin": 30}, {"models": []}, {"models": ["last", "last"]},
        {"lang": "fr"},
    ],
)  # fmt: skip
def test_wrong_options_are_refused(options):
    with pytest.raises(OptionError):
        attribution(TWO, **options)


def test_wrong_data_is_refused(tmp_path):
    with pytest.raises(DataError) as error:
        attribution(pd.DataFrame({"path": ["a"]}))
    assert error.value.code == "missing_columns"
    with pytest.raises(DataError):
        attribution(TWO, by="campain")
    with pytest.raises(DataError) as error:
        attribution(TWO.iloc[:0])
    assert error.value.code == "empty_table"
    with pytest.raises(OptionError):
        attribution([1, 2])
    for column, cell in (("conversions", "many"), ("nulls", "-1"), ("value", "¥5")):
        rows = {"path": ["a", "b"], "conversions": ["1", "2"], column: ["3", cell]}
        with pytest.raises(DataError) as error:
            attribution(pd.DataFrame(rows))
        assert error.value.values["columns"] == [f"{column} 1"]
    with pytest.raises(DataError):
        attribution(pd.DataFrame({"path": ["a"], "conversions": [-1]}))
    file = tmp_path / "paths.csv"
    file.write_text("path,conversions,nulls\na > b,1,2\n")
    assert by(attribution(file), "last") == {"a": 0, "b": 1}


def test_the_chart_draws_the_table():
    result = attribution(shop(0.2).replace({"channel": {"y": "短视频"}}), lang="zh")
    axes = result.plot()
    drawn = {float(x) for line in axes.lines for x in np.atleast_1d(line.get_xdata())}
    assert set(result.table["conversions"]) <= drawn
    row = result.incremental.iloc[0]
    assert {row["conversions"], row["low"], row["high"]} <= drawn
    labels = {text.get_text() for text in axes.texts}
    assert {"x", "短视频", "末次", "马尔可夫"} <= labels


def test_page_fragment_repeats_and_holds_no_markup_from_data():
    log = TWO.replace({"channel": {"a": "<script>alert(1)</script>"}})
    one, two = (attribution(log, lang="en")._repr_html_() for _ in range(2))
    assert one == two
    assert "<script>" not in one


def test_models_that_agree_name_a_leader():
    result = attribution(pd.DataFrame({"path": ["a", "b"], "conversions": [9, 1], "nulls": [1, 9]}))
    assert codes(result)[0] == "leader"
    assert result.findings()[0].values["share"] == pytest.approx(0.9)


def test_json_holds_what_was_measured():
    known = json.loads(json.dumps(attribution(shop(0.2)).to_dict()))
    assert known["incremental"][0]["conversions"] == pytest.approx(80)
    assert {row["model"] for row in known["effects"]} == {"markov", "shapley"}
    assert known["evidence"] == "A"


def test_names_do_not_touch():
    assert levels([0, 1, 2], ["linear", "Markov", "last"], 1.0) == [0, 1, 2]


def test_a_short_half_life_gives_all_to_the_last_touch():
    """Powers of 29 days over a thousandth of one vanish: they were a traceback."""
    far = events([("v", 0, "a"), ("v", 20, "b"), ("v", 29, "order 10")])
    credit = by(attribution(far, models=["time_decay"], half_life_days=0.001), "time_decay")
    assert credit == {"a": 0, "b": 1}


def test_touches_without_a_time_or_a_name_are_none():
    rows = events([("v", 0, "a"), ("v", 1, ""), ("v", 2, "order 10"), ("w", 0, "b")])
    rows.loc[rows["channel"] == "b", "event_time"] = pd.NaT
    result = attribution(rows, models=["linear"])
    assert by(result, "linear") == {"a": 1}
    assert result.facts["nulls"] == 0


def test_paths_that_nobody_travelled_change_nothing():
    paths = pd.DataFrame({"path": ["a > b", "c"], "conversions": [2, 1], "value": [10.0, 5.0]})
    idle = {"path": ["a", "b > a", None], "conversions": [0, None, 0], "value": [7.0, 7.0, 7.0]}
    more = pd.concat([paths, pd.DataFrame(idle)], ignore_index=True)
    same(attribution(more), attribution(paths))
    for model in MODELS[:5]:
        assert sum(by(attribution(more), model, "value").values()) == pytest.approx(15)


def test_conversions_of_a_row_without_a_path_are_untouched():
    paths = pd.DataFrame({"path": ["a > b", None], "conversions": [2, 3]})
    result = attribution(paths)
    assert result.table.groupby("model")["conversions"].sum().round(9).unique().tolist() == [2]
    assert result.facts["untouched"] == 3


def test_a_single_name_is_not_taken_apart_into_letters():
    """One visitor: search, then direct, then an order; passing over direct gives search all."""
    events = pd.DataFrame(
        {
            "event_time": ["2025-01-01", "2025-01-02", "2025-01-03"],
            "visitor_id": "v",
            "channel": ["search", "mine", None],
            "event_name": ["visit", "visit", "purchase"],
        }
    )
    rows = attribution(events, models="last_non_direct", direct="mine").table
    assert set(rows["model"]) == {"last_non_direct"}
    assert dict(zip(rows["channel"], rows["conversions"], strict=True)) == {"search": 1, "mine": 0}
    none_direct = attribution(events, models="last_non_direct", direct=None).table
    assert none_direct.set_index("channel")["conversions"].to_dict() == {"mine": 1, "search": 0}


@pytest.mark.parametrize("options", [{"order": 1.5}, {"models": None}, {"models": []}])
def test_models_and_orders_that_are_none_are_refused(options):
    paths = pd.DataFrame({"path": ["a > b"], "conversions": [1]})
    with pytest.raises(OptionError):
        attribution(paths, **options)


# One order, told by a cookie and by a device; the cookie looks again, another visitor buys too.
SHARED = pd.DataFrame(
    [
        ("2025-03-01 10:00", "visit", "cookie", "a", None, None),
        ("2025-03-02 10:00", "visit", "device", "b", None, None),
        ("2025-03-03 10:00", "visit", "cookie", "c", None, None),
        ("2025-03-04 10:00", "purchase", "device", None, "o1", 90.0),
        ("2025-03-04 10:05", "purchase", "cookie", None, "o1", 100.0),
        ("2025-03-20 10:00", "visit", "cookie", "d", None, None),
        ("2025-03-21 10:00", "visit", "other", "b", None, None),
        ("2025-03-22 10:00", "purchase", "other", None, "o2", 40.0),
        ("2025-03-23 10:00", "purchase", "late", None, "o3", 7.0),
        ("2025-03-23 10:00", "purchase", "later", None, "o3", 7.0),
    ],
    columns=["event_time", "event_name", "visitor_id", "channel", "order_id", "value"],
).assign(event_time=lambda f: pd.to_datetime(f["event_time"]))


def test_an_order_of_two_visitors_is_one_conversion(table):
    """By hand: a, b, c lead to o1 (worth 100), b to o2 (40), d to nothing; o3 met no channel."""
    result = attribution(table(SHARED))
    sums = result.table.groupby("model")[["conversions", "value"]].sum()
    assert set(sums.index) == set(MODELS)
    assert sums["conversions"].to_numpy() == pytest.approx(2)
    assert sums["value"].to_numpy() == pytest.approx(140)
    third = 100 / 3
    assert by(result, "first", "value") == {"a": 100, "b": 40, "c": 0, "d": 0}
    assert by(result, "last", "value") == {"a": 0, "b": 40, "c": 100, "d": 0}
    linear = {"a": third, "b": third + 40, "c": third, "d": 0}
    assert by(result, "linear", "value") == pytest.approx(linear)
    assert result.facts["nulls"] == 1
    assert result.basis.excluded == {"untouched": 1}


@settings(max_examples=5)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 4), st.integers(0, 80),
            st.sampled_from([*CHANNELS, "order 1", "order 2", "order 3"]),
        ),
        min_size=20, max_size=50, unique=True,
    ).filter(lambda rows: {"a", "order 1"} <= {what for _, _, what in rows})
)  # fmt: skip
def test_shared_orders_equal_plain_python(rows):
    """Second implementation: an order looks back over the touches of whoever names it."""
    log = events([(f"v{v}", day, what) for v, day, what in rows])
    log["order_id"] = [w.split()[1] if w.startswith("order") else None for _, _, w in rows]
    linear, orders = dict.fromkeys(CHANNELS, 0.0), 0
    for order in ("order 1", "order 2", "order 3"):
        told = [(day, v) for v, day, what in rows if what == order]
        seen = [
            what for v, day, what in rows
            if told and what in CHANNELS and v in {v for _, v in told}
            and min(told)[0] - 30 <= day <= min(told)[0]
        ]  # fmt: skip
        orders += bool(seen)
        for channel in seen:
            linear[channel] += 1 / len(seen)
    if not orders:
        assert attribution(log).locked
        return
    result = attribution(log, models=["linear"])
    got = by(result, "linear")
    assert got == pytest.approx({c: linear[c] for c in got})
    assert sum(got.values()) == pytest.approx(orders)


def test_orders_that_are_not_named_are_nobodys_twin():
    """Google writes "(not set)" where an order has no number: three purchases, not one."""
    log = events([
        ("v", 0, "a"), ("v", 1, "order 5"), ("v", 2, "order 7"), ("w", 0, "b"), ("w", 1, "order 9"),
    ])  # fmt: skip
    log["order_id"] = log["order_id"].where(log["order_id"].isna(), "(not set)")
    result = attribution(log, models=["last"])
    assert by(result, "last") == {"a": 2, "b": 1}
    assert by(result, "last", "value") == {"a": 12, "b": 9}


def test_holdouts_are_counted_by_visitor():
    """Lots are drawn by visitor: an order that an exposed one and a held one name is of both."""
    log = events([
        ("v", 0, "x"), ("v", 1, "order 5"), ("w", 0, "x", True), ("w", 2, "order 5"),
    ])  # fmt: skip
    log["order_id"] = log["order_id"].where(log["order_id"].isna(), "o1")
    result = attribution(log, models=["last"])
    row = result.incremental.iloc[0]
    assert (row["exposed_rate"], row["held_out_rate"]) == (1, 1)
    assert by(result, "last") == {"x": 1}
