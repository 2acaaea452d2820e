"""channel.live: planted hosts and products, engines, what is missing, what is said."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ecomops as eo
from ecomops.channel.live import Live, live
from ecomops.data.tables import table as door
from ecomops.maths.crossed import crossed_poisson

HOSTS = {"A": 1.6, "B": 1.0, "C": 0.625}
PRODUCTS = {"p0": 2.0, "p1": 1.0, "p2": 0.5}


def tables(sessions: int = 60, last: float = 1.0) -> dict[str, pd.DataFrame]:
    """Return sessions of an hour: hosts draw viewers, products sell, the peak is in the middle."""
    random = np.random.default_rng(7)
    parts, heads = [], []
    for i in range(sessions):
        host = "ABC"[i % 3]
        start = pd.Timestamp("2025-01-03 20:00") + pd.Timedelta(days=3 * i)
        minute = np.arange(60)
        online = random.poisson(200 * HOSTS[host] * (0.5 + np.sin(np.pi * minute / 60)))
        product = np.array([f"p{(i + m // 15) % 3}" for m in minute])
        rate = 0.002 * online * np.array([PRODUCTS[p] for p in product])
        rate *= last if i == sessions - 1 else 1
        parts.append(
            pd.DataFrame(
                {
                    "live_session_id": f"L{i:03d}",
                    "minute": minute,
                    "product_id": product,
                    "arrivals": random.poisson(online / 8),
                    "online": online,
                    "comments": random.poisson(0.02 * online),
                    "order_count": random.poisson(rate),
                }
            )
        )
        mine = parts[-1]
        heads.append(
            {
                "live_session_id": f"L{i:03d}",
                "anchor_name": host,
                "started_at": start,
                "ended_at": start + pd.Timedelta(hours=1),
                "duration_min": 60.0,
                "viewers": int(mine["arrivals"].sum()),
                "order_count": int(mine["order_count"].sum()),
            }
        )
    return {"live_sessions": pd.DataFrame(heads), "live_minutes": pd.concat(parts)}


ORDERS = pd.DataFrame(
    {"order_id": ["1"], "created_at": pd.to_datetime(["2025-04-01"]), "paid_amount": [1.0]}
)


def shop(**frames: object):
    return eo.open({"orders": ORDERS, **frames})


@pytest.fixture(scope="module")
def result() -> Live:
    return live(shop(**tables()))


def test_hosts_draw_viewers_and_do_not_sell_better_to_them(result) -> None:
    """Planted: hosts differ in viewers alone; ranked by orders they look like better sellers."""
    crowd = result.part("audience").set_index("name")
    for host, pull in HOSTS.items():
        assert crowd.loc[host, "low"] <= pull <= crowd.loc[host, "high"]
    sellers = result.part("host")
    assert ((sellers["low"] <= 1) & (sellers["high"] >= 1)).all()
    orders = sellers.set_index("name")["orders"]
    assert orders["A"] > 2 * orders["C"]
    assert "hosts_alike" in {f.code for f in result.findings()}


def test_a_session_above_its_range_is_not_called_normal() -> None:
    """Planted: the last session sells three times what its viewers usually buy."""
    found = live(shop(**tables(last=3.0)))
    first = found.findings()[0]
    assert first.values["orders"] > first.values["high"]
    assert (first.code, first.level) == ("above", "good")
    assert "normal" not in found.sentences("en")[0]
    assert "正常" not in found.sentences("zh")[0]


def test_orders_of_a_session_are_those_of_sessions_whose_minutes_are_known() -> None:
    """By hand: minutes are known of the last 30 of 60 sessions alone."""
    made = tables()
    late = made["live_minutes"]["live_session_id"] >= "L030"
    found = live(shop(**made | {"live_minutes": made["live_minutes"][late]}))
    by_hand = made["live_sessions"]["order_count"].tail(30).mean()
    assert found.params["per_session"] == pytest.approx(by_hand)


def test_products_are_told_apart_for_the_same_viewers(result) -> None:
    found = result.part("product").set_index("id")
    for product, pull in PRODUCTS.items():
        assert found.loc[product, "effect"] == pytest.approx(pull, rel=0.2)
    assert found.loc["p0", "low"] > 1 > found.loc["p2", "high"]
    swap = next(a for a in result.actions() if a.code == "swap")
    assert (swap.subject, swap.grade, swap.value) == ("product:p2", "D", None)
    assert 4 <= swap.change["slots"] <= 60


def test_a_sentence_says_such_as_only_where_it_does_not_name_all(result) -> None:
    """By hand: one product sells better and one worse; then five better, of which three named."""
    assert "1 clearly sells better (p0) and 1 worse (p2)" in result.explain("en")
    good = result.part("product").head(1)
    rows = pd.concat([good.assign(name=f"g{i}") for i in range(5)], ignore_index=True)
    told = replace(result, rows=pd.concat([result.rows[result.rows["part"] != "product"], rows]))
    assert "5 clearly sell better (such as g0, g1, g2)" in told.explain("en")
    assert "5 个明显好卖（如 g0、g1、g2）" in told.explain("zh")


def test_times_of_a_session_are_minutes(result) -> None:
    """By hand: the third quarter of an hour sells best: minutes 30 to 45."""
    rows = result.rows.copy()
    best = (rows["part"] == "slot") & (rows["name"] == "0:30")
    rows.loc[best, ["effect", "low", "high"]] = 3.0, 2.0, 4.0
    told = replace(result, rows=rows)
    assert "In minutes 30–45 of a session" in told.explain("en")
    assert "开播后第 30–45 分钟" in told.explain("zh")


def test_a_last_session_that_fails_is_noticed() -> None:
    bad = live(shop(**tables(last=0.2)))
    assert bad.findings()[0].code == "below"
    good = live(shop(**tables()))
    assert good.findings()[0].code == "last"


def test_equal_on_every_engine(table, engine, tmp_path) -> None:  # type: ignore[no-untyped-def]
    made = tables(12)
    expected = live(shop(**made)).table
    if engine == "duckdb":  # one database holds both tables
        con = ibis.duckdb.connect(tmp_path / "live.duckdb")
        got = {name: con.create_table(name, rows) for name, rows in made.items()}
    else:
        got = {name: table(rows) for name, rows in made.items()}
    tables_ = {name: door(rows, name) for name, rows in got.items()}
    pd.testing.assert_frame_equal(live(shop(**tables_)).table, expected)
    assert list(expected.columns) == list(Live.columns)


def test_sums_are_those_of_the_minutes(result) -> None:
    minutes = tables()["live_minutes"]
    for part in ("host", "product", "slot"):
        assert result.part(part)["orders"].sum() == minutes["order_count"].sum()
        assert result.part(part)["online"].sum() == minutes["online"].sum()


def test_without_minutes_hosts_are_still_compared() -> None:
    bare = live(shop(live_sessions=tables()["live_sessions"]))
    assert set(bare.table["part"]) == {"audience", "host"}
    assert "no_minutes" in {f.code for f in bare.findings()}
    for lang in ("zh", "en"):
        assert bare.in_language(lang)._repr_html_().count("<svg") == 2


def test_sessions_without_counts_are_not_sessions_without_buyers() -> None:
    """Half of A's sessions, the last of all among them, tell no orders, half of B's no viewers."""
    heads = tables()["live_sessions"].astype({"order_count": "Float64", "viewers": "Float64"})
    whole = live(shop(live_sessions=heads)).table.set_index(["part", "name"])["effect"]
    at = np.arange(len(heads))
    heads.loc[(at % 6 == 0) | (at == len(heads) - 1), "order_count"] = None
    heads.loc[at % 6 == 1, "viewers"] = None
    found = live(shop(live_sessions=heads))
    effect = found.table.set_index(["part", "name"])["effect"]
    assert effect["host", "A"] == pytest.approx(whole["host", "A"], rel=0.15)
    assert effect["audience", "B"] == pytest.approx(whole["audience", "B"], rel=0.15)
    assert found.params["last"]["day"] == heads["started_at"].iloc[-2].date()


def test_minutes_with_nothing_on_show_are_of_no_product(result) -> None:
    """Nothing sells in them, which is no fault of the product that comes last by name."""
    frames = tables()
    minutes = frames["live_minutes"]
    more = minutes[minutes["minute"] < 30].assign(product_id=None, order_count=0)
    found = live(shop(**frames | {"live_minutes": pd.concat([minutes, more])}))
    mine, whole = (r.part("product").set_index("id") for r in (found, result))
    assert list(mine.index) == list(whole.index)
    between = mine["effect"] / mine.loc["p0", "effect"]
    assert between.tolist() == pytest.approx(
        (whole["effect"] / whole.loc["p0", "effect"]).tolist(), rel=0.1
    )


def test_what_is_missing_is_said() -> None:
    assert "live_sessions" in live(shop()).explain("zh")
    few = live(shop(live_sessions=tables(4)["live_sessions"]))
    assert few.locked
    assert "4" in few.explain("en")


def test_one_host_without_a_name_is_not_compared() -> None:
    made = tables()
    made["live_sessions"] = made["live_sessions"].drop(columns="anchor_name")
    found = live(shop(**made))
    assert set(found.table["part"]) == {"slot_now", "product", "slot"}
    assert not found.locked


def test_nothing_after_as_of_is_known() -> None:
    made = tables()
    until = date(2025, 4, 1)
    early = live(shop(**made), as_of=until)
    heads = made["live_sessions"]
    cut = live(shop(**made | {"live_sessions": heads[heads["started_at"].dt.date <= until]}))
    pd.testing.assert_frame_equal(early.table, cut.table)


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.floats(0.01, 100))
def test_effects_do_not_depend_on_order_or_unit(seed, scale) -> None:
    random = np.random.default_rng(seed)
    kinds = [random.integers(0, 4, 90), random.integers(0, 3, 90)]
    kinds = [np.unique(k, return_inverse=True)[1] for k in kinds]
    exposure = random.uniform(1, 50, 90)
    counts = random.poisson(exposure / 5)
    found = crossed_poisson(counts, exposure, kinds)
    order = random.permutation(90)
    turned = crossed_poisson(counts[order], exposure[order] * scale, [k[order] for k in kinds])
    for ours, theirs in zip(found.effects, turned.effects, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
        assert abs(ours.sum()) < 1e-9
    np.testing.assert_allclose(found.log_mean[order], turned.log_mean, atol=1e-4)


def test_words_and_chart(demo) -> None:
    result = live(demo)
    bars = [p.get_height() for p in result.plot().patches]
    now = result.part("slot_now")
    assert bars[len(now) :] == now["orders"].tolist()
    for lang in ("zh", "en"):
        assert result.in_language(lang)._repr_html_().count("<svg") == 2
