"""One analysis, several states: folds that work without script, menus where widgets live."""

from __future__ import annotations

import re

import pandas as pd
import pytest

import ecomops as eo

LINES = pd.DataFrame(
    {
        "order_id": ["1", "2", "3"],
        "product_id": ["a", "b", "c"],
        "product_name": ["A", "B", "<b>C</b>"],
        "quantity": [1, 5, 2],
        "line_paid_amount": [80.0, 15.0, 5.0],
        "paid_at": pd.to_datetime(["2025-01-01", "2025-01-02", "2025-01-03"]),
    }
)
CHOICES = {"value": ["amount", "quantity"], "by": ["product_id", "product_name"]}


@pytest.fixture(scope="module")
def explorer():
    return eo.report.explore(eo.product.pareto, LINES, choices=CHOICES, lang="en")


def test_every_combination_is_a_state(explorer):
    assert [tuple(state.chosen.values()) for state in explorer.states] == [
        ("amount", "product_id"),
        ("amount", "product_name"),
        ("quantity", "product_id"),
        ("quantity", "product_name"),
    ]
    by_amount, by_quantity = (explorer.states[i].result.table for i in (0, 2))
    assert list(by_amount["item"]) == ["a", "b", "c"]
    assert list(by_quantity["item"]) == ["b", "c", "a"]


def test_the_fallback_has_one_fold_per_state_and_opens_the_first(explorer):
    html = explorer._repr_mimebundle_()["text/html"]
    folds = re.findall(r"<details name=\"([^\"]*)\"( open)?>", html)
    assert folds == [("explore-product.pareto", " open" if i == 0 else "") for i in range(4)]
    assert "<script" not in html
    assert html == explorer._repr_mimebundle_()["text/html"]


def test_the_menus_show_the_state_they_name(explorer):
    box = explorer.widget()
    menus, screen = box.children[0].children, box.children[1]
    assert [menu.description for menu in menus] == ["Value", "By"]
    first = screen.value
    menus[0].value = "quantity"
    assert screen.value != first
    assert explorer.at({"value": "quantity", "by": "product_id"}).body() in screen.value


def test_one_object_has_both_lives(explorer):
    bundle = explorer._repr_mimebundle_()
    assert {"text/plain", "text/html", "application/vnd.jupyter.widget-view+json"} <= set(bundle)
    assert bundle["application/vnd.ecomops+json"]["of"] == "product.pareto"


@pytest.mark.parametrize("choices", [{}, {"value": []}, {"by": list(range(61))}])
def test_too_many_states_or_none_are_refused(choices):
    with pytest.raises(eo.OptionError):
        eo.report.explore(eo.product.pareto, LINES, choices=choices)


def test_an_explorer_without_its_table_says_what_is_missing():
    explorer = eo.report.explore(eo.product.pareto, None, choices={"value": ["amount"]}, lang="en")
    assert "order_lines" in explorer.fallback()


@pytest.mark.parametrize(
    ("lang", "menus", "first"),
    [
        ("zh", {"看什么": ("销售额", "销售件数"), "按什么分": ("商品编号", "商品标题")},
         "销售额 · 商品编号"),
        ("en", {"Value": ("sales", "pieces sold"), "By": ("product id", "product title")},
         "sales · product id"),
    ],
)  # fmt: skip
def test_menus_speak_the_language_of_the_page(lang, menus, first):
    made = eo.report.explore(eo.product.pareto, LINES, choices=CHOICES, lang=lang)
    shown = made.widget().children[0].children
    assert {m.description: tuple(label for label, _ in m.options) for m in shown} == menus
    assert made.states[0].name == first


def test_an_option_that_has_no_word_is_called_by_its_name():
    state = eo.report.explorer.State({"bins": 5, "calendar": None}, eo.product.pareto(LINES))
    assert [state.option(name) for name in state.chosen] == [("5", 5), ("by currency", None)]
