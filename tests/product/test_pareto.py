"""Concentration of sales: classes, measures, what is left out, and what is said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ecomops as eo
from ecomops.product.pareto import Pareto, pareto
from ecomops.result import style


def lines(amounts: list[float], **columns: object) -> pd.DataFrame:
    n = len(amounts)
    base = {
        "order_id": [f"o{i}" for i in range(n)],
        "product_id": [f"p{i:03d}" for i in range(n)],
        "quantity": 1,
        "line_paid_amount": amounts,
    }
    return pd.DataFrame(base | columns)


def test_the_item_that_crosses_a_line_stays_in_the_better_class() -> None:
    """Mistake 24: a product with 85 % of revenue must be A, not B."""
    result = pareto(lines([85, 10, 4, 1]))
    assert list(result.table["abc_class"]) == ["A", "B", "C", "C"]


def test_gini_and_hhi_equal_the_closed_forms() -> None:
    """Gini of 1..n is (n - 1) / 3n; HHI is the sum of squared shares."""
    n = 40
    result = pareto(lines(list(range(1, n + 1))))
    assert result.gini[0] == pytest.approx((n - 1) / (3 * n))
    assert result.hhi[0] == pytest.approx(
        sum(k * k for k in range(1, n + 1)) / (n * (n + 1) / 2) ** 2
    )
    for value, low, high in (result.gini, result.hhi, result.top_share):
        assert low < value < high


def test_equal_on_every_engine(table) -> None:  # type: ignore[no-untyped-def]
    frame = lines([5.25, 9.5, 9.5, 0.75, 30.0])
    expected = pareto(frame).table
    got = pareto(table(frame)).table
    pd.testing.assert_frame_equal(got, expected)
    assert list(expected.columns) == list(Pareto.columns)


def test_gifts_unpaid_and_free_lines_are_left_out_and_counted() -> None:
    frame = lines(
        [10, 20, 30, 0],
        is_gift=[False, True, False, False],
        line_status=["completed", "completed", "closed_unpaid", "completed"],
    )
    result = pareto(frame)
    assert list(result.table["item"]) == ["p000"]
    assert result.basis.excluded == {"unpaid": 1, "marked": 1, "no_money": 1}


def test_margin_keeps_losing_items_out_of_shares_and_says_so() -> None:
    result = pareto(lines([10, 20, 30], line_cost=[15.0, 5.0, 5.0]), value="margin")
    assert list(result.table["amount"]) == [25, 15, -5]
    assert result.table["share"].sum() == pytest.approx(1)
    assert "losing" in {finding.code for finding in result.findings()}


def test_with_losses_shares_are_of_what_is_earned_and_the_loss_is_told() -> None:
    """By hand: 25 and 15 are earned, 30 lost in two products: 25 is 62.5 % of the gains alone."""
    costs = [15.0, 5.0, 5.0, 35.0]
    result = pareto(lines([10, 20, 30, 10], line_cost=costs), value="margin")
    (losing,) = (f for f in result.findings() if f.code == "losing")
    assert losing.values == {"losing": 2, "loss": 30.0}
    english, chinese = result.explain("en"), result.explain("zh")
    assert "account for 100% of what profitable products earn." in english
    assert "“p002” alone accounts for 62.5% of what profitable products earn." in english
    assert "2 products are sold at a loss of" in english
    assert "的 62.5%" in chinese
    assert "占盈利商品毛利" in chinese
    assert "占毛利" not in chinese
    assert "of margin" not in english


@pytest.mark.parametrize(("by", "said"), [("shop", "北"), ("sku_id", "s1")])
def test_what_holds_several_products_is_called_by_none_of_them(by, said) -> None:  # type: ignore[no-untyped-def]
    """By hand: shop 北 has 80 of 100, SKU s1 50; the title of either names other things too."""
    columns = {"shop": list("北北北南"), "sku_id": ["s1", "s2", "s3", "s4"]}
    frame = lines([50, 20, 10, 20], product_id=list("aabc"), **columns)
    result = pareto(frame.assign(product_name=["衫", "衫", "裙", "帽"]), by=by)
    (heavy,) = (f for f in result.findings() if f.code == "heavy_item")
    assert heavy.values["item"] == said
    if by == "shop":
        assert list(result.table["name"]) == ["北", "南"]


def test_of_one_product_no_concentration_is_measured() -> None:
    assert "gini" not in {f.code for f in pareto(lines([10])).findings()}
    assert "gini" in {f.code for f in pareto(lines([10, 20])).findings()}


@pytest.mark.parametrize("frame", [lines([10]).head(0), lines([0.0, 0.0])])
def test_without_a_line_sold_no_column_is_said_to_be_missing(frame) -> None:  # type: ignore[no-untyped-def]
    result = pareto(frame)
    assert result.locked
    assert "product_id" not in result.explain("en") + result.explain("zh")
    assert result.missing[0].values["found"] == 0


def test_margin_without_cost_is_locked_and_names_the_column() -> None:
    result = pareto(lines([10, 20]), value="margin")
    assert result.locked
    assert "order_lines.line_cost" in result.explain("en")
    assert "order_lines.line_cost" in result.explain("zh")


def test_an_unknown_column_is_named_with_what_is_there() -> None:
    with pytest.raises(eo.DataError, match="colour"):
        pareto(lines([1, 2]), by="colour")


@settings(max_examples=30)
@given(st.lists(st.integers(1, 10_000), min_size=2, max_size=30), st.randoms(use_true_random=False))
def test_order_of_rows_names_and_currency_scale_do_not_matter(cents: list[int], random) -> None:  # type: ignore[no-untyped-def]
    frame = lines([c / 100 for c in cents])
    shuffled = frame.sample(frac=1, random_state=random.randint(0, 99)).assign(
        line_paid_amount=lambda f: f["line_paid_amount"] * 100
    )
    one, two = pareto(frame).table, pareto(shuffled).table
    assert list(one["item"]) == list(two["item"])
    np.testing.assert_allclose(one["share"].astype(float), two["share"].astype(float))
    assert one["share"].sum() == pytest.approx(1)


def test_the_chart_draws_the_table() -> None:
    result = pareto(lines([85, 10, 4, 1]))
    curve = result.plot().lines[1].get_ydata()
    np.testing.assert_allclose(curve, [0, *result.table["cumulative_share"]])


def test_text_from_the_data_is_harmless() -> None:
    frame = lines([85, 10], product_name=["<script>alert(1)</script>", "$x$"])
    shown = pareto(frame)._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown


def test_a_phone_marks_the_classes_by_letters_and_explains_them_where_no_line_runs() -> None:
    result = pareto(lines([40, 30, 15, 8, 4, 2, 1]))
    with style.context():
        ax = style.canvas(style.NARROW, result.layout(wide=False))
        result.draw(ax, wide=False, words=result.words("en"))
    said = [text.get_text() for text in ax.texts]
    assert [text for text in said if len(text) == 1] == ["A", "B", "C"]
    assert [text for text in said if text.startswith("A: 3 products")]


def test_a_shop_with_one_product_reads_well() -> None:
    shown = pareto(lines([5.0])).in_language("en")
    assert shown.explain().startswith("1 of 1 product (100%) accounts for 100% of sales.")
    assert "<span>1 product</span>" in shown._repr_html_()


@pytest.mark.parametrize("names", [{}, {"product_name": ["", None]}])
def test_an_item_without_a_name_is_called_by_its_id(names: dict[str, object]) -> None:
    assert "“p000” alone accounts for 90.0%" in pareto(lines([90, 10], **names)).explain("en")


def test_lines_whose_item_is_blank_are_lines_without_an_item() -> None:
    """By hand: 30 and 20 without a name are one item of 50, and no product is called so."""
    lines = pd.DataFrame({
        "order_id": ["1", "2", "3", "4"],
        "product_name": ["a", "b", "", None],
        "quantity": 1,
        "line_paid_amount": [25.0, 25.0, 30.0, 20.0],
    })  # fmt: skip
    result = pareto(lines, by="product_name")
    assert result.table["share"].tolist() == [0.5, 0.25, 0.25]
    assert result.table["item"].isna().tolist() == [True, False, False]
    heavy = next(f for f in result.findings() if f.code == "heavy_item")
    assert (heavy.values["item"], heavy.values["share"]) == ("a", 0.25)


def test_a_margin_of_unknown_cost_is_left_out_and_counted() -> None:
    """By hand: a brings 10 - 4, c 5 - 2; what b and the second line of c cost nobody knows."""
    sold = pd.DataFrame(
        {
            "order_id": ["1", "2", "3", "4"],
            "product_id": ["a", "b", "c", "c"],
            "quantity": 1,
            "line_paid_amount": [10.0, 20.0, 5.0, 7.0],
            "line_cost": [4.0, np.nan, 2.0, np.nan],
        }
    )
    made = pareto(sold, value="margin")
    assert made.table.set_index("item")["amount"].to_dict() == {"a": 6.0, "c": 3.0}
    assert made.basis.excluded["no_cost"] == 2
    assert "lines without a cost 2" in made._repr_html_()
    assert "no_cost" not in pareto(sold).basis.excluded
    assert made.actions() == ()


@pytest.mark.parametrize(
    ("value", "en", "zh"),
    [
        ("amount", "66.7% of sales.", "销售额的 66.7%"),
        ("margin", "80.0% of margin.", "毛利的 80.0%"),
        ("quantity", "83.3% of pieces sold.", "销售件数的 83.3%"),
    ],
)
def test_shares_are_said_to_be_of_what_was_summed(value: str, en: str, zh: str) -> None:
    """By hand: a has 20 of 30 of the money, 16 of 20 of the margin and 5 of 6 pieces."""
    sold = lines([20, 10], quantity=[5, 1], line_cost=[4.0, 6.0])
    made = pareto(sold, value=value)
    assert "Running share of " + en.split("of ")[1][:-1] in made.in_language("en")._repr_html_()
    assert en in made.explain("en")
    assert zh in made.explain("zh")


def test_where_every_product_loses_the_loss_is_told_and_no_concentration() -> None:
    """By hand: 10 - 15, 20 - 21 and 30 - 60 lose 36, the last 30 of it."""
    made = pareto(lines([10, 20, 30], line_cost=[15, 21, 60]), value="margin", lang="en")
    (said,) = made.findings()
    assert said.code == "no_gain"
    assert said.values == {"items": 3, "loss": 36, "item": "p002", "most": 30}
    assert made.actions() == ()
    assert "36" in made.explain("zh")
