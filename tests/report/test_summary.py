"""The head of the page: which actions, on which scale, and what stands out."""

from __future__ import annotations

import pytest

from ecomops.report import summary
from ecomops.result.words import Words

EN = Words("report.page", "en", "CNY")


def action(code, low, mid, high, *, days=30, emitted=True, grade="A"):
    value = {"low": low, "mid": mid, "high": high, "horizon_days": days} if emitted else None
    texts = {part: f"{part} {code}" for part in ("do", "why", "verify", "measure")}
    return {
        "code": code,
        "emitted": emitted,
        "grade": grade,
        "expires_on": "2026-01-12",
        "value": value,
        "text": texts,
    }


def result(code, actions=(), findings=()):
    said = [{"code": t, "level": level, "text": t} for level, t in findings]
    return {"code": code, "actions": list(actions), "findings": said}


def test_the_three_worth_most_a_month_come_first():
    results = [
        result("customer.rfm", [action("a", 10, 20, 30), action("b", 1, 2, 3)]),
        result("channel.attribution", [action("c", 60, 90, 120, days=90)]),
        result("product.pareto", [action("d", 5, 25, 40), action("e", 0, 0, 0, emitted=False)]),
    ]
    cards = summary.cards(results, EN)
    assert [card["do"] for card in cards] == ["do c", "do d", "do a"]  # 30, 25 and 20 a month
    assert [card["money"]["mid"] for card in cards] == ["¥30", "¥25", "¥20"]
    assert cards[0]["anchor"] == "channel-attribution"


def test_bars_share_one_scale():
    results = [result("x.y", [action("a", 25, 50, 100), action("b", 10, 20, 50)])]
    first, second = summary.cards(results, EN)
    assert (first["left"], first["width"], first["middle"]) == (25, 75, 50)
    assert (second["left"], second["width"], second["middle"]) == (10, 40, 20)


def test_labels_of_a_bar_stay_inside_the_card_and_apart():
    """Two labels of five characters are a fifth of the bar apart, else only the upper is shown."""
    worth = {"a": (1, 50, 100), "b": (13, 20, 34), "c": (13, 15, 30)}
    results = [result("x.y", [action(name, *money) for name, money in worth.items()])]
    cards = summary.cards(results, EN)
    for card in cards:
        assert 13 <= card["high_at"] <= 91
        assert card["low_at"] is None or card["high_at"] - card["low_at"] >= 20
    assert [card["low_at"] for card in cards] == [13, 13, None]


def test_advice_given_twice_is_shown_once():
    twice = [result("x.y", [action("a", 1, 2, 3)]), result("x.z", [action("a", 1, 2, 3)])]
    assert len(summary.cards(twice, EN)) == 1


def test_each_analysis_says_what_to_measure_before_one_says_two():
    results = [
        result("x.y", [action("a", 0, 0, 0, emitted=False), action("b", 0, 0, 0, emitted=False)]),
        result("x.z", [action("c", 0, 0, 0, emitted=False), action("d", 1, 2, 3)]),
    ]
    texts = [each["text"] for each in summary.measures(results)]
    assert texts == ["measure a", "measure c", "measure b"]


def test_what_stands_out_comes_from_different_analyses():
    results = [
        result("x.y", findings=[("good", "g1"), ("watch", "w1"), ("note", "n1")]),
        result("x.z", findings=[("watch", "w2"), ("act", "p1")]),
        result("x.w", findings=[("watch", "w3")]),
    ]
    found = [(each["kind"], each["text"]) for each in summary.outstanding(results)]
    assert found == [("strength", "g1"), ("problem", "p1"), ("watch", "w3")]


@pytest.mark.parametrize("results", [[], [result("x.y")]])
def test_nothing_to_say_is_nothing(results):
    assert summary.cards(results, EN) == []
    assert summary.measures(results) == []
    assert summary.outstanding(results) == []
