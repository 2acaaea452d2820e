"""The catalogue is complete, well formed and made of measures that exist."""

from __future__ import annotations

import re

import pytest

from ecomops import metrics
from ecomops.data.schema import table_schema
from ecomops.metrics.compute import tables_of
from ecomops.metrics.measures import MEASURES, Derived
from ecomops.metrics.sources import SOURCES

CATALOGUE = metrics.catalogue()


def test_it_holds_the_dictionary_of_the_field(shared) -> None:
    """The truth is the table of the design notes: 83 rows, one of them with two codes."""
    text = (shared / "design" / "metrics.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in text.splitlines() if line.count("|") >= 6][2:]
    codes = {code.strip() for row in rows for code in row[2].split(",")}
    assert len(rows) == 83
    assert codes - {"gmv"} <= set(CATALOGUE)
    assert {"gmv_placed", "gmv_paid", "gmv_net"} <= set(CATALOGUE)
    assert set(CATALOGUE) - codes == {
        "gmv_placed",
        "gmv_paid",
        "gmv_net",
        "pay_orders",
        "pay_buyers",
    }


@pytest.mark.parametrize("code", CATALOGUE)
def test_metric_is_well_formed(code) -> None:
    found = CATALOGUE[code]
    assert found.unit in {"money", "count", "percent", "number", "days", "seconds"}
    assert found.good in {"up", "down", "none"}
    assert found.source in {"S", "M"}
    for texts in (found.names, found.formula, found.variant, found.external):
        assert not texts or set(texts) == {"zh", "en"}
        assert all(texts.values())
    assert bool(found.numerator) + bool(found.elsewhere) + bool(found.external) == 1
    assert set(found.measures) <= set(MEASURES)


@pytest.mark.parametrize("name", MEASURES)
def test_measure_rests_on_canonical_columns(name) -> None:
    measure = MEASURES[name]
    if measure.source == "calendar":
        return
    tables = [table_schema(t) for t in SOURCES[measure.source].tables]
    there = {c for t in tables for c in t.columns} | {"placed_amount"}
    assert {c.rpartition(".")[2] for c in measure.columns} <= there
    if isinstance(measure, Derived):
        assert {part for _, part in measure.of} <= set(MEASURES)


def test_sums_over_people_are_never_additive() -> None:
    """Visitors, buyers and viewers count persons: item 4 of the catalogue of naive tools."""
    people = re.compile(r"visitors|buyers|viewers|persons|known|again|first|before|skus")
    named = [name for name in MEASURES if people.search(name.rpartition(".")[2])]
    wrong = [name for name in named if MEASURES[name].adds and not name.startswith("live.watch")]
    assert wrong == []
    assert len(named) > 15


def test_tables_of_a_metric_are_those_of_its_measures() -> None:
    assert tables_of(metrics.metric("tacos")) == ("ad_reports", "orders")
    assert tables_of(metrics.metric("gross_margin")) == ("orders", "order_lines")
    assert tables_of(metrics.metric("nps")) == ("surveys", "survey_answers")


def test_kinds_of_questions_are_those_that_the_model_names() -> None:
    """What metrics look for and what loaders of surveys write stands in the canonical table."""
    note = table_schema("survey_answers").columns["question_type"].note
    named = set(re.sub(r"\(.*?\)", "", note).replace(" ", "").split(","))
    assert {"nps", "csat", "number", "text"} <= named
    assert {"nps", "csat"} == {code for code in CATALOGUE if code in named}
