"""product.selection: classes by hand, season and promotions left out, returns to come, luck."""

from __future__ import annotations

from dataclasses import replace

import ibis
import numpy as np
import pandas as pd
import pytest

import ecomops as eo
from ecomops.base.errors import OptionError
from ecomops.maths.shrinkage import beta_binomial
from ecomops.product.assortment import dated_lines, growth, returns, steadiness, weekly_sums
from ecomops.product.price import price
from ecomops.product.selection import selection
from ecomops.product.shelf import unseen

WEEKS = 52
END = pd.Timestamp("2025-11-30 12:00")


def lines(pieces, *, price=100.0, cost=40.0, listed=None):
    """Return one line per product and week, the first column being the oldest week."""
    rows = []
    for product, series in pieces.items():
        for k, n in enumerate(series):
            if n:
                at = END - pd.Timedelta(days=7 * (WEEKS - 1 - k))
                asked = price if listed is None else price * listed[product][k]
                rows.append((f"{product}-{k}", product, int(n), asked * n, price * n, cost * n, at))
    names = ["order_line_id", "product_id", "quantity", "line_paid_amount", "line_list_amount"]
    frame = pd.DataFrame(rows, columns=[*names, "line_cost", "paid_at"])
    return frame.assign(order_id=frame["order_line_id"], product_name=frame["product_id"])


def frames(rows):
    orders = rows[["order_id", "paid_at"]].assign(paid_amount=rows["line_paid_amount"])
    return {"orders": orders, "order_lines": rows}


def world(seed: int = 1, products: int = 24):
    """Return pieces by week: levels that differ 40-fold and a strong season."""
    random = np.random.default_rng(seed)
    season = 1 + 0.8 * np.sin(np.arange(WEEKS) / WEEKS * 2 * np.pi)
    level = np.geomspace(4, 160, products)
    return {f"p{i:02d}": random.poisson(v * season) for i, v in enumerate(level)}


@pytest.fixture(scope="module")
def result():
    return selection(eo.open(frames(lines(world()))), top=5)


def sums(rows):
    shop = eo.open(frames(rows))
    return weekly_sums(dated_lines(shop, END.date()))


def test_margin_classes_by_hand():
    """Margins 60 x 80, 15 and 5 pieces: 80 %, 15 %, 5 %."""
    pieces = {p: [0] * (WEEKS - 20) + [n] * 20 for p, n in (("a", 80), ("b", 15), ("c", 5))}
    rows = selection(eo.open(frames(lines(pieces)))).table.set_index("product_id")
    assert rows["margin"].to_dict() == {"a": 96_000.0, "b": 18_000.0, "c": 6_000.0}
    assert rows["abc"].to_dict() == {"a": "A", "b": "B", "c": "C"}


def test_a_product_without_costs_is_in_no_class_and_not_let_go():
    """Its margin is missing, not 0: as a C product that shrinks it was one to drop."""
    pieces = world()
    pieces["p20"] = np.array([*pieces["p20"][:39], *[4] * 13])
    rows = lines(pieces)
    rows.loc[rows["product_id"] == "p20", "line_cost"] = None
    found = selection(eo.open(frames(rows)), top=5)
    bare = found.table.set_index("product_id").loc["p20"]
    assert np.isnan(bare["margin"])
    assert bare["abc"] == "–"
    assert bare["growth_high"] < 0
    assert bare["verdict"] != "leave"
    assert found.table["margin"].iloc[:5].notna().all()


def test_season_and_promotions_do_not_make_a_product_unsteady():
    """Planted: Poisson counts around one season; the plain CV says 0.6 and more for every one."""
    pieces = world()
    deep = {p: np.ones(WEEKS) for p in pieces}
    pieces["p23"] = pieces["p23"].copy()
    pieces["p23"][[10, 30]] *= 5  # own promotions at 40 % off
    deep["p23"][[10, 30]] = 0.6
    rows, weeks = sums(lines(pieces, listed=deep))
    cv = pd.Series(steadiness(rows, weeks), index=rows["product_id"])
    plain = {p: np.std(s) / np.mean(s) for p, s in pieces.items()}
    truth = {p: np.sqrt(1 / np.mean(s)) for p, s in world().items()}
    assert min(plain.values()) > 0.5
    assert plain["p23"] > 0.9
    large = [f"p{i}" for i in range(12, 24)]
    for product in large:
        assert cv[product] == pytest.approx(truth[product], abs=0.12)


def test_planted_growth_is_covered_and_lucky_ones_are_pulled_back():
    """Planted, 20 shops: 16 products stay as they are and 8 double in the last 13 weeks."""
    inside, ours, plain = [], [], []
    for seed in range(20):
        random = np.random.default_rng(seed)
        factor = np.where(np.arange(24) < 8, 2.0, 1.0)
        then, now = random.poisson(39, 24), random.poisson(39 * factor)
        rows = pd.DataFrame({"first": 51, "before": then, "recent": now})
        value, error, shop = growth(rows)
        truth = np.log(factor) - np.log(factor.mean())
        inside += list(np.abs(value - truth) <= 1.645 * error)
        ours.append(np.mean((value - truth) ** 2))
        plain.append(np.mean((np.log((now + 0.5) / (then + 0.5)) - shop - truth) ** 2))
    assert 0.84 <= np.mean(inside) <= 0.96
    assert np.mean(ours) < 0.9 * np.mean(plain)


def test_returns_still_to_come_are_made_up_for():
    """Naive catalogue 30. Planted: 20 % come back after 15 days; the last two weeks show none."""
    random = np.random.default_rng(4)
    rows, back = [], []
    for k in range(6_000):
        at = END - pd.Timedelta(days=int(random.integers(0, 60)))
        product = "new" if (END - at).days < 20 and k % 2 else "old"
        rows.append((f"l{k}", product, 1, 100.0, 40.0, at))
        if random.random() < 0.2:
            back.append((f"r{k}", f"l{k}", at + pd.Timedelta(days=15)))
    names = ["order_line_id", "product_id", "quantity", "line_paid_amount", "line_cost", "paid_at"]
    sold = pd.DataFrame(rows, columns=names)
    sold = sold.assign(order_id=sold["order_line_id"], product_name=sold["product_id"])
    gone = pd.DataFrame(back, columns=["refund_id", "order_line_id", "refunded_at"])
    gone = gone[gone["refunded_at"] <= END].assign(refund_status="refunded", refund_amount=100.0)
    gone = gone.assign(refund_type="return_refund", applied_at=gone["refunded_at"])
    gone = gone.assign(order_id=gone["order_line_id"])
    shop = eo.open(frames(sold) | {"refunds": gone})
    found = returns(shop, dated_lines(shop, END.date())).set_index("product_id")
    assert (found["returned"] / found["lines"])["new"] < 0.1  # the naive rate: half the truth
    assert found["rate"]["old"] == pytest.approx(0.2, abs=0.03)
    assert found["rate"]["new"] == pytest.approx(0.2, abs=0.05)
    assert found["low"]["new"] <= 0.2 <= found["high"]["new"]


@pytest.mark.parametrize("refunds", [False, True])
@pytest.mark.parametrize("wait", [0, 30])
def test_returns_without_a_day_are_rates_of_lines(refunds, wait):
    """Planted: 20 % of 8,000 lines of a year come back at once, or are marked after 30 days.

    `line_refund_amount` tells them; a table of refunds that names no line tells nothing of lines.
    """
    random = np.random.default_rng(7)
    ages = random.integers(0, 364, 8_000)
    sold = pd.DataFrame({"order_line_id": [f"l{k}" for k in range(8_000)], "quantity": 1})
    sold["paid_at"] = END - pd.to_timedelta(ages, unit="D")
    sold["product_id"] = np.where((ages < 35) & (np.arange(8_000) % 2 == 0), "new", "old")
    back = (random.random(8_000) < 0.2) & (ages >= wait)
    sold = sold.assign(line_paid_amount=100.0, line_cost=40.0, line_refund_amount=100.0 * back)
    sold = sold.assign(order_id=sold["order_line_id"], product_name=sold["product_id"])
    told = frames(sold)
    if refunds:
        gone = sold.loc[back, ["order_id"]].assign(refund_status="refunded", refund_amount=100.0)
        gone = gone.assign(refund_type="return_refund", refund_id=gone["order_id"])
        told["refunds"] = gone.assign(applied_at=END, refunded_at=END)
    shop = eo.open(told)
    found = returns(shop, dated_lines(shop, END.date())).set_index("product_id")
    assert found["rate"]["old"] == pytest.approx(0.2, abs=0.015)
    assert found["rate"]["new"] == pytest.approx(0.2, abs=0.04)
    assert found["low"]["old"] <= 0.2 <= found["high"]["old"]


def test_money_back_for_goods_that_were_kept_is_no_return():
    """By hand: of 104 lines 11 came back, 10 do not say how; the others were kept."""
    rows = lines({"a": [1] * WEEKS, "b": [1] * WEEKS})
    gone = rows[["order_id", "order_line_id"]].assign(refund_status="refunded", refund_amount=9.0)
    kinds = ["return_refund", *["price_protect", "live_cashback"] * 4, None]
    gone = gone.assign(refund_type=np.resize(kinds, len(gone)), refund_id=gone["order_line_id"])
    gone = gone.assign(applied_at=rows["paid_at"], refunded_at=rows["paid_at"])
    shop = eo.open(frames(rows) | {"refunds": gone})
    found = returns(shop, dated_lines(shop, END.date()))
    assert found["returned"].sum() == 11 + 10


@pytest.mark.parametrize(("raw", "said"), [(0.2, True), (0.1, False)])
def test_luck_is_told_where_it_made_rates_look_high(result, raw, said):
    """A raw rate below the true one, as where returns are still to come, shows no bad luck."""
    params = {**result.params, "lucky": (raw, 0.12, 0.11), "lucky_count": 20}
    codes = [f.code for f in replace(result, params=params).findings()]
    assert ("lucky" in codes) == said


def test_what_the_top_says_fits_how_many_products_there_are():
    """By hand: of 3 products all are among 20; of 60 alike products none is sure of 5 places."""
    few = selection(eo.open(frames(lines({p: [3] * WEEKS for p in "abc"}))))
    assert few.findings()[0].code == "all"
    assert "fewer places (top)" in few.explain("en")
    one = selection(eo.open(frames(lines({"a": [3] * WEEKS}))))
    assert one.explain("en") == "There is only 1 product, so being among the top 1 tells nothing."
    random = np.random.default_rng(3)
    alike = {f"p{i:02d}": random.poisson(9, WEEKS) for i in range(60)}
    many = selection(eo.open(frames(lines(alike))), top=5)
    said = many.findings()[0]
    assert said.code == "unsure"
    assert said.values["chance"] == many.table["chance"].max() < 0.9


def test_a_product_is_called_by_its_name_where_some_lines_have_none():
    """Ids that come after names in the alphabet stood in for them."""
    rows = lines({"zz": [3] * WEEKS, "yy": [3] * WEEKS})
    named = np.where(rows["product_id"] == "zz", "Hat", None)
    late = rows["paid_at"] > END - pd.Timedelta(days=100)
    shop = eo.open(frames(rows.assign(product_name=np.where(late, None, named))))
    assert set(selection(shop).table["name"]) == {"Hat", "yy"}
    assert set(price(shop.order_lines).table["name"]) == {"Hat", "yy"}
    assert set(unseen(shop, days=200, as_of=END.date()).items["name"]) == {"Hat", "yy"}


def test_the_worst_by_raw_rate_are_mostly_unlucky():
    """Naive catalogue 22. Planted beta rates: the top 20 look far worse than they are."""
    raw, ours, truth = [], [], []
    for seed in range(20):
        random = np.random.default_rng(seed)
        rate = random.beta(6, 94, 300)
        n = random.integers(20, 400, 300)
        seen = random.binomial(n, rate)
        worst = np.argsort(-seen / n)[:20]
        raw.append((seen / n)[worst].mean())
        ours.append(beta_binomial(seen, n).mean[worst].mean())
        truth.append(rate[worst].mean())
    assert np.mean(raw) > 1.2 * np.mean(truth)
    assert np.mean(ours) == pytest.approx(np.mean(truth), rel=0.04)


def test_what_grows_is_counted_whatever_its_verdict():
    """Planted: of two products that doubled one is at the top anyway: its verdict is core."""
    flat = {f"p{i}": [40] * WEEKS for i in range(6)}
    grown = {name: [n] * 39 + [2 * n] * 13 for name, n in (("large", 400), ("small", 60))}
    shop = eo.open(frames(lines(flat | grown)))
    found = selection(shop, top=1, weights={"margin": 1})
    verdicts = found.table.set_index("product_id")["verdict"]
    assert verdicts[["large", "small"]].to_list() == ["core", "rising"]
    said = {f.code: f.values for f in found.findings()}["rising"]
    assert said["count"] == 2
    assert sorted(said["items"]) == ["large", "small"]


def test_ranks_hold_up_or_do_not(result):
    """By hand: the largest of equals in all else is at the top under nearly any weights."""
    rows = result.table.set_index("product_id")
    assert rows["chance"].sum() == pytest.approx(5, abs=0.01)
    assert rows["chance"]["p23"] > 0.5
    assert rows["chance"]["p00"] < 0.1
    alone = selection(eo.open(frames(lines(world()))), top=5, weights={"margin": 1})
    best = alone.table.set_index("product_id")["chance"]
    assert (best[[f"p{i}" for i in range(19, 24)]] == 1).all()


def test_order_of_rows_and_money_scale_do_not_matter(result):
    rows = lines(world())
    moved = rows.sample(frac=1, random_state=3)
    cents = ["line_paid_amount", "line_list_amount", "line_cost"]
    moved = moved.assign(**{c: moved[c] * 10 for c in cents})
    got = selection(eo.open(frames(moved)), top=5).table
    same = ["product_id", "abc", "cv", "xyz", "growth"]
    pd.testing.assert_frame_equal(got[same], result.table[same])


def test_advice_without_a_trial_has_no_money(demo):
    found = selection(demo)
    assert {a.grade for a in found.actions()} == {"D"}
    assert not any(a.emitted for a in found.actions())


def test_equal_on_every_engine(table, engine, tmp_path, result):  # type: ignore[no-untyped-def]
    shop = frames(lines(world()))
    if engine == "duckdb":  # one database holds both tables
        con = ibis.duckdb.connect(tmp_path / "shop.duckdb")
        for name, rows in shop.items():
            con.create_table(name, rows)
        got = selection(eo.open(con), top=5)
    else:
        got = selection(eo.open({name: table(rows) for name, rows in shop.items()}), top=5)
    pd.testing.assert_frame_equal(got.table, result.table)


def test_without_lines_costs_or_weeks_it_is_locked():
    rows = lines(world())
    assert selection(eo.open({"orders": frames(rows)["orders"]})).locked
    bare = frames(rows.drop(columns="line_cost"))
    assert "line_cost" in selection(eo.open(bare)).explain("en")
    short = rows[rows["paid_at"] > END - pd.Timedelta(days=40)]
    assert "at least 13" in selection(eo.open(frames(short))).explain("en")
    with pytest.raises(OptionError, match="margin"):
        selection(eo.open(frames(rows)), weights={"margins": 1})


def test_words_and_chart(result):
    drawn = [patch.get_width() for patch in result.plot().patches]
    np.testing.assert_allclose(drawn, result.table["chance"].head(14))
    for lang in ("zh", "en"):
        assert result.in_language(lang)._repr_html_().count("<svg") == 2


def test_without_any_refund_return_rates_are_not_told():
    """Refunds that were never exported look like a shop without returns: then none is judged."""
    rows = lines(world()).assign(line_refund_amount=0.0)
    found = selection(eo.open(frames(rows)), top=5)
    assert found.table["returns"].isna().all()
    assert "mend" not in set(found.table["verdict"])
