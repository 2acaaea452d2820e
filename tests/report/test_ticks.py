"""Accept or reject with a click: what is clicked stands in the ledger, and on the page."""

from __future__ import annotations

from datetime import date

import pytest

import ecomops as eo
from ecomops.report.memory import NAME, Ledger
from ecomops.result import Action, Value
from ecomops.store.proposals import Proposal

DAY = date(2025, 11, 30)


def advice(name, mid):
    value = Value(low=mid / 2, mid=mid, high=2 * mid)
    change = {"channel": name, "cut": 0.5, "amount": mid, "to": f"after {name}", "risk": 1.0}
    action = Action("move", (), change, "A", date(2026, 3, 1), value, f"channel:{name}")
    return Proposal("channel.attribution", action)


@pytest.fixture
def shown(tmp_path):
    book = Ledger(tmp_path / NAME, day=DAY)
    todo = eo.store.decide([], earlier=[advice("A", 100.0), advice("<b>C</b>", 50.0)], lang="en")
    return eo.report.ticks(todo, book)


def clicked(shown, number, state, owner="Li"):
    box = shown.widget()
    name, *lines, said = box.children
    name.value = owner
    lines[number].children[1].value = state
    return lines[number].children[1], said


def test_a_click_is_written_with_its_owner(shown):
    clicked(shown, 0, "accepted")
    clicked(shown, 1, "rejected", "王")
    assert [(s, o) for _, s, o in shown.states()] == [("accepted", "Li"), ("rejected", "王")]
    assert list(shown.book.outcomes["subject"]) == ["channel:A"]
    assert list(shown.book.decisions["decided_on"]) == ["2025-11-30"] * 2


def test_a_decision_needs_an_owner(shown):
    choice, said = clicked(shown, 0, "accepted", owner=" ")
    assert choice.value == "open"
    assert "owner" in said.value
    assert shown.book.decisions.empty


def test_a_mind_can_be_changed(shown):
    for state in ("accepted", "rejected", "accepted"):
        clicked(shown, 0, state)
    assert shown.states()[0][1] == "accepted"
    assert len(shown.book.decisions) == 3
    assert shown.widget().children[1].children[1].value == "accepted"


def test_the_page_shows_what_was_decided_and_no_script(shown):
    assert "undecided" in shown.fallback()
    clicked(shown, 0, "accepted")
    bundle = shown._repr_mimebundle_()
    assert "accepted" in bundle["text/html"]
    assert "· Li" in bundle["text/html"]
    assert "<b>C</b>" not in bundle["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in bundle
    states = bundle["application/vnd.ecomops+json"]["states"]
    assert [s["state"] for s in states] == ["accepted", "open"]


def test_nothing_to_accept_is_said(tmp_path):
    todo = eo.store.decide([], earlier=[advice("A", -5.0)][:0], lang="zh")
    shown = eo.report.ticks(todo, Ledger(None, day=DAY))
    assert "没有可以采纳的" in shown.fallback()
