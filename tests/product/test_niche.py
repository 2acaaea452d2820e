"""product.niche: cells of a market table, money by hand, engines, what is said and locked."""

from __future__ import annotations

from dataclasses import replace

import ibis
import numpy as np
import pandas as pd
import pytest

import ecomops as eo
from ecomops.product.niche import niche

SEGMENTS, KINDS = ("学生", "通勤", "宝妈", "户外"), ("衬衫", "外套", "裙子")


def market(*, attribute: bool = True):
    """Return 12 cells of 600 searches and 100 offers; 宝妈 x 外套 has 1,800 and 40."""
    rows = [(s, k, 600.0, 100) for s in SEGMENTS for k in KINDS]
    frame = pd.DataFrame(rows, columns=["attribute", "category", "searches", "online_items"])
    gap = (frame["attribute"] == "宝妈") & (frame["category"] == "外套")
    frame.loc[gap, ["searches", "online_items"]] = 1800.0, 40
    frame = frame.assign(
        period_start=pd.Timestamp("2025-11-01").date(),
        period_end=pd.Timestamp("2025-11-30").date(),
        keyword=frame["attribute"] + frame["category"],
        search_popularity_low=frame["searches"] - 10,
        search_popularity_high=frame["searches"] + 10,
        pay_rate_low=0.01,
        pay_rate_high=0.03,
    )
    return frame.drop(columns=["searches"] if attribute else ["searches", "attribute"])


def frames(**options):
    """Return a shop that sells one coat for 200 at a cost of 50, and the market."""
    lines = {"order_id": ["1"], "product_id": ["p"], "quantity": [1]}
    lines |= {"line_paid_amount": [200.0], "line_cost": [50.0]}
    orders = {"order_id": ["1"], "created_at": ["2025-11-20 10:00"], "paid_amount": [200.0]}
    goods = {"product_id": ["p"], "product_name": ["P"], "category_l2": ["外套"]}
    tables = {"order_lines": lines, "orders": orders, "products": goods}
    made = {name: pd.DataFrame(columns) for name, columns in tables.items()}
    return made | {"market_keywords": market(**options)}


@pytest.fixture(scope="module")
def result():
    return niche(eo.open(frames()))


def test_the_planted_cell_is_the_one_niche(result):
    assert result.found[["attribute", "category"]].to_numpy().tolist() == [["宝妈", "外套"]]
    best = result.table.iloc[0]
    assert best["low"] <= 1800 / 600 * 100 / 40 <= best["high"]
    assert best["low"] < best["ratio"] < best["high"]


def test_size_is_searches_beyond_the_usual_by_conversion_price_and_margin(result):
    """By hand: 1,800 (1 - 1/ratio) x 2 % x 200 x 75 %, in 30 days of 30."""
    best = result.table.iloc[0]
    assert best["size"] == pytest.approx(1800 * (1 - 1 / best["ratio"]) * 0.02 * 200 * 0.75)


def two_keywords(**second):
    """Return the market with each cell told by two keywords, 99 and 1 % of its searches."""
    one = market()
    limits = ["search_popularity_low", "search_popularity_high"]
    large = one.assign(**{c: 0.99 * one[c] for c in limits}, online_items=one["online_items"] - 2.0)
    small = one.assign(**{c: 0.01 * one[c] for c in limits}, online_items=2.0)
    return pd.concat([large, small.assign(keyword=small["keyword"] + "2", **second)])


def test_rates_of_several_keywords_are_weighted_by_searches(result):
    """By hand: 99 % of searches pay at 2 %, 1 % at 52 %: 2.5 %, not 27 %."""
    told = two_keywords(pay_rate_low=0.52, pay_rate_high=0.52)
    best = niche(eo.open(frames() | {"market_keywords": told})).table.iloc[0]
    assert best["size"] == pytest.approx(result.table.iloc[0]["size"] * 0.025 / 0.02)


def test_a_keyword_of_unknown_offers_is_no_gap(result):
    """Half of one usual cell's offers unknown: its searches there are not set against the rest."""
    told = two_keywords()
    told = pd.concat([told, told.iloc[[0]].assign(keyword="x", online_items=np.nan)])
    found = niche(eo.open(frames() | {"market_keywords": told}))
    pd.testing.assert_frame_equal(found.table, result.table, rtol=1e-6)


def test_the_conversion_of_the_shop_is_that_of_its_own_rows():
    """By hand: 60 of 1,200; its sources (36 of 1,800) and devices count the same people again."""
    rows = pd.DataFrame(
        [
            ("shop", None, "all", 1200, 60),
            ("shop", None, "mobile", 1000, 30),
            ("source", "search", "all", 1000, 26),
            ("source", "feed", "all", 800, 10),
            ("product", None, "all", 900, 9),
        ],
        columns=["level", "source_l1", "device", "visitors", "pay_buyers"],
    ).assign(date=pd.Timestamp("2025-11-20").date(), pay_amount=1.0)
    found = niche(eo.open(frames() | {"traffic_daily": rows}))
    assert found.params["conversion"] == pytest.approx(0.05)


def test_without_the_column_the_attribute_is_what_the_keyword_adds(result):
    rows = market(attribute=False)
    bare = rows.head(1).assign(keyword="衬衫")  # a bare category tells of no segment
    shop = frames() | {"market_keywords": pd.concat([rows, bare], ignore_index=True)}
    pd.testing.assert_frame_equal(niche(eo.open(shop)).table, result.table)


def test_only_the_last_period_counts(result):
    old = market().assign(
        period_start=pd.Timestamp("2025-10-01").date(),
        period_end=pd.Timestamp("2025-10-31").date(),
        online_items=1,
    )
    shop = frames() | {"market_keywords": pd.concat([old, market()], ignore_index=True)}
    pd.testing.assert_frame_equal(niche(eo.open(shop)).table, result.table)


def test_a_rule_of_thumb_gives_a_trial_and_no_money(result):
    (trial,) = result.actions()
    assert (trial.grade, trial.emitted, trial.value) == ("D", False, None)
    assert trial.subject == "niche:宝妈×外套"
    assert trial.change["visitors"] == 500  # 10 orders at 2 % where the shop has no traffic table


def test_the_niches_worth_most_are_to_be_tried_first(result):
    """By hand: of four clear niches, the surest earns least; three are tried, by money."""
    rows = pd.concat([result.table.head(1)] * 4, ignore_index=True)
    rows = rows.assign(attribute=list("abcd"), size=[10.0, 40.0, 20.0, 30.0])
    tried = replace(result, rows=rows).actions()
    assert [a.change["attribute"] for a in tried] == ["b", "d", "c"]
    unknown = replace(result, rows=rows.assign(size=np.nan)).actions()
    assert [a.change["attribute"] for a in unknown] == ["a", "b", "c"]


def test_nothing_planted_names_nothing():
    flat = market().assign(online_items=100, search_popularity_low=600.0)
    flat["search_popularity_high"] = 600.0
    found = niche(eo.open(frames() | {"market_keywords": flat}))
    assert found.found.empty
    assert [f.code for f in found.findings()] == ["none"]
    assert found.actions() == ()


def test_without_costs_there_is_no_size():
    shop = frames()
    shop["order_lines"] = shop["order_lines"].drop(columns="line_cost")
    found = niche(eo.open(shop))
    assert found.table["size"].isna().all()
    assert [f.code for f in found.findings()][:1] == ["niches"]
    assert "¥" not in found.explain("zh")


def test_equal_on_every_engine(table, engine, tmp_path, result):  # type: ignore[no-untyped-def]
    shop = frames()
    if engine == "duckdb":  # one database holds all tables
        con = ibis.duckdb.connect(tmp_path / "shop.duckdb")
        for name, rows in shop.items():
            con.create_table(name, rows)
        got = niche(eo.open(con))
    else:
        got = niche(eo.open({name: table(rows) for name, rows in shop.items()}))
    pd.testing.assert_frame_equal(got.table, result.table)


def test_without_the_market_it_is_locked():
    shop = frames()
    del shop["market_keywords"]
    assert "market_keywords" in niche(eo.open(shop)).explain("en")
    few = frames() | {"market_keywords": market().head(1)}
    assert niche(eo.open(few)).locked


def test_words_and_chart(result):
    drawn = [line.get_xdata()[0] for line in result.plot().lines[3::2]]
    np.testing.assert_allclose(drawn, result.table["ratio"].head(10))
    for lang in ("zh", "en"):
        assert result.in_language(lang)._repr_html_().count("<svg") == 2
