"""product.price: planted elasticities, refusals, prices within those tried, engines."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ecomops.product.price import price
from ecomops.sim import ids, preset
from ecomops.sim.plan import plan
from tests.demo_script import SEED

WEEKS = 104


def lines(beta: float = -3.0, *, products: int = 6, moves: bool = True, seed: int = 1):
    """Return one line a week and product with pieces from a planted elasticity; cost is 60."""
    random = np.random.default_rng(seed)
    rows = []
    for k in range(products):
        for i, week in enumerate(pd.date_range("2024-01-01", periods=WEEKS, freq="7D")):
            asked = 100 * float(random.choice([0.9, 1.0, 1.1])) if moves else 100.0
            pieces = random.poisson(60 * (asked / 100) ** beta)
            if pieces:
                money = round(asked * pieces, 2)
                item = {"order_id": f"o{k}-{i}", "product_id": f"p{k}", "product_name": f"P{k}"}
                item |= {"quantity": pieces, "line_paid_amount": money, "line_cost": 60.0 * pieces}
                rows.append(item | {"paid_at": week, "line_list_amount": money})
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def result():
    return price(lines())


def test_planted_elasticities_lie_in_their_intervals(result):
    rows = result.table
    assert (rows["reason"] == "known").all()
    assert ((rows["low"] <= -3) & (rows["high"] >= -3)).sum() >= 5
    assert rows["elasticity"].mean() == pytest.approx(-3, abs=0.25)


def test_the_best_price_is_the_closed_form_within_the_prices_tried(result):
    """60 x 3 / 2 = 90, the lowest price tried; profit of four weeks by hand at elasticity -3."""
    row = result.table.iloc[0]
    assert row["best"] == pytest.approx(90, abs=3)
    assert result.table["best"].between(90, 110).all()


def test_the_gain_is_that_of_28_days_also_where_the_last_week_has_only_begun():
    """By hand: pieces a day of the last 50 days, the last of them a Monday, times 28."""
    weekly = lines(-3.0, products=3)
    days = [weekly["paid_at"] + pd.Timedelta(days=d) for d in range(7)]
    daily = pd.concat(
        weekly.assign(paid_at=at, order_id=weekly["order_id"] + f"-{d}")
        for d, at in enumerate(days)
    )
    last = weekly["paid_at"].max()
    rows = price(daily[daily["paid_at"] <= last]).table
    recent = daily[daily["paid_at"].between(last - pd.Timedelta(days=49), last)]
    sold = recent.groupby("product_id")["quantity"].sum().reindex(rows["product_id"]) / 50 * 28
    change = (rows["best"] / rows["price"]) ** rows["elasticity"]
    gain = sold.to_numpy() * ((rows["best"] - 60) * change - (rows["price"] - 60))
    assert rows["gain"].notna().sum() >= 2
    assert (rows["gain"] / gain).dropna().to_numpy() == pytest.approx(1, abs=0.06)


def test_without_costs_no_price_is_said_to_earn_more():
    """A missing cost is not a cost of 0; where only some lines lack it, the others tell."""
    found = price(lines().drop(columns="line_cost"))
    assert found.table["gain"].isna().all()
    assert [(f.code, f.values.get("count")) for f in found.findings()][1:] == [("no_cost", 6)]
    assert found.propose() == ()
    sold = lines()
    some = sold.assign(line_cost=sold["line_cost"].where(sold.index % 2 > 0))
    whole, half = price(sold), price(some)
    assert whole.table["best"].to_numpy() == pytest.approx(half.table["best"].to_numpy())


def test_gains_are_after_refunds(result):
    """By hand: goods come back with their money, so of half the money half the gain stays."""
    sold = lines()
    half = price(sold.assign(line_refund_amount=sold["line_paid_amount"] / 2)).table
    for name in ("gain", "gain_low", "gain_high"):
        pd.testing.assert_series_equal(half[name], result.table[name] / 2)


def test_products_without_a_cost_have_no_best_price_and_make_no_gain_doubtful():
    """The rate of false discoveries is over what was tested: one product alone is its own p."""
    sold = lines()
    sold.loc[sold["product_id"] != "p1", "line_cost"] = np.nan
    rows = price(sold).table.set_index("product_id")
    others = rows.drop(index="p1")
    assert others[["best", "gain", "q"]].isna().all(axis=None)
    full = price(lines()).table.set_index("product_id")
    assert rows.loc["p1", "q"] <= full.loc["p1", "q"] < 0.05
    assert rows.loc["p1", "best"] == full.loc["p1", "best"]


def test_a_product_without_a_name_is_called_by_its_id_and_without_late_sales_has_no_price():
    sold = lines(products=3).assign(product_name=None)
    late = sold["paid_at"] > sold["paid_at"].max() - pd.Timedelta(weeks=10)
    rows = price(sold[~late | (sold["product_id"] != "p1")]).table.set_index("product_id")
    assert rows["name"].to_dict() == {"p0": "p0", "p1": "p1", "p2": "p2"}
    assert np.isnan(rows.loc["p1", "price"])
    assert rows.drop(index="p1")["price"].notna().all()


def test_prices_that_never_moved_are_refused_and_ask_for_a_test():
    still = price(lines(moves=False))
    assert set(still.table["reason"]) == {"still"}
    (test,) = still.actions()
    assert (test.code, test.emitted) == ("test", False)


def test_the_demo_tells_of_products_whose_price_it_tested_and_refuses_the_others(demo):
    """Truth: the planted elasticities of the eight products with random prices."""
    made = plan(preset("demo"), SEED)
    tested = ids.products(made.prices.product).to_pylist()
    truth = dict(zip(tested, made.prices.elasticity, strict=True))
    found = price(demo.order_lines)
    rows = found.table[found.table["reason"] == "known"].set_index("product_id")
    assert 5 <= len(rows) <= 8
    assert set(rows.index) <= set(truth)
    inside = [row["low"] <= truth[item] <= row["high"] for item, row in rows.iterrows()]
    assert np.mean(inside) >= 0.8
    rest = found.table[found.table["reason"] != "known"]
    assert set(rest["reason"]) <= {"still", "few"}
    assert set(rest.loc[rest["product_id"].isin(truth), "reason"]) <= {"few"}
    goods = dict(zip(ids.products(np.arange(300)).to_pylist(), made.catalogue.cost, strict=True))
    for item, row in found.sure.set_index("product_id").iterrows():
        now, best, cost = row["price"], row["best"], goods[item] / 100
        assert (best - cost) * (best / now) ** truth[item] > now - cost


def test_equal_on_every_engine(table):  # type: ignore[no-untyped-def]
    frame = lines(products=2)
    pd.testing.assert_frame_equal(price(table(frame)).table, price(frame).table)


def test_without_lines_it_is_locked():
    assert "order_lines" in price(None).explain("en")


def test_words_and_chart(result):
    drawn = [line.get_xdata()[0] for line in result.plot().lines[2::2]]
    np.testing.assert_allclose(drawn, result.table["elasticity"])
    for lang in ("zh", "en"):
        assert result.in_language(lang)._repr_html_().count("<svg") == 2
        assert "elasticity" not in result.explain("zh")


def test_of_many_products_without_a_gain_few_changes_are_named():
    """Naive catalogue 17: at the best price there is nothing to gain; 60 products, 5 shops."""
    named = 0
    for seed in range(5):
        # cost 60 and elasticity -2.5 make 100 the best price: 60 x 2.5 / 1.5
        found = price(lines(-2.5, products=12, seed=seed))
        named += len(found.sure)
        assert (found.sure["q"] <= 0.05).all()
    assert named <= 3


def test_prices_that_rise_with_demand_are_refused():
    """Naive catalogue 25: dearer weeks sell more because the price followed demand."""
    found = price(lines(0.8))
    assert set(found.table["reason"]) == {"endogenous"}
    assert not any(action.emitted for action in found.actions())


def test_without_any_estimate_the_chart_says_why_and_draws_no_elasticity():
    found = price(lines(moves=False))
    ax = found.plot(lang="en")
    (bar,) = ax.patches
    assert (bar.get_width(), len(ax.lines)) == (6, 0)
    assert {text.get_text() for text in ax.texts} == {"price hardly moved", "6 products"}
    shown = found.in_language("en")._repr_html_()
    assert "Why no product can be estimated yet" in shown
    assert "Dot: estimate" not in shown
    assert "Dot: estimate" in price(lines(products=2)).in_language("en")._repr_html_()
