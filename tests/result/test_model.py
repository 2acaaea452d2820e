"""A result is a value: frozen, explained in two languages, honest about what it lacks."""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import FrozenInstanceError, dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from ecomops.product.pareto import Pareto, pareto
from ecomops.result import Action, Basis, Finding, Need, Value, html
from ecomops.result.model import Result, plain

LINES = pd.DataFrame(
    {
        "order_id": list("abcd"),
        "product_id": ["p1", "p2", "p3", "p<4>"],
        "product_name": ["甲", "乙", "丙", "<b>丁</b>"],
        "quantity": 1,
        "line_paid_amount": [60.0, 25.0, 10.0, 5.0],
    }
)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Advised(Pareto):
    """A result that proposes one action with the value given to it."""

    value: ClassVar[Value | None] = None
    grade: ClassVar[str] = "A"
    because: ClassVar[tuple[str, ...]] = ("tail",)

    def propose(self) -> tuple[Action, ...]:
        """Propose the one action."""
        day = dt.date(2026, 1, 1)
        return (Action("review_tail", self.because, {"c_items": 1}, self.grade, day, self.value),)


def advised(value: Value | None, grade: str = "A", because: tuple[str, ...] = ("tail",)) -> Result:
    made = type("Made", (Advised,), {"value": value, "grade": grade, "because": because})
    whole = pareto(LINES)
    return made(rows=whole.rows, basis=whole.basis, params=whole.params, gini=whole.gini)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("value", "grade", "emitted"),
    [
        (Value(1, 5, 9), "A", True),
        (Value(1, 5, 9), "C", True),
        (Value(1, 5, 9), "D", False),
        (Value(0, 5, 9), "A", False),
        (Value(-1, 5, 9), "B", False),
        (None, "A", False),
    ],
)
def test_an_action_is_emitted_only_with_evidence_and_a_positive_low_quantile(
    value: Value | None, grade: str, emitted: bool
) -> None:
    (action,) = advised(value, grade).actions()
    assert action.emitted is emitted
    assert (action.value is None) is not emitted
    shown = advised(value, grade)._repr_html_()
    assert ('class="measure"' in shown) is not emitted
    assert ('class="acts"' in shown) is emitted


def test_an_action_needs_its_finding() -> None:
    assert advised(Value(1, 2, 3), because=("losing",)).actions() == ()


def test_a_result_is_frozen_and_its_table_a_copy() -> None:
    result = pareto(LINES)
    with pytest.raises(FrozenInstanceError):
        result.lang = "zh"  # type: ignore[misc]
    table = result.table
    table["share"] = 0
    assert result.table["share"].sum() == pytest.approx(1)


def test_everything_is_json_and_the_same_bytes_twice() -> None:
    one, two = (json.dumps(pareto(LINES).to_dict(), allow_nan=False) for _ in range(2))
    assert one == two
    assert pareto(LINES)._repr_html_() == pareto(LINES)._repr_html_()
    data = json.loads(one)
    assert data["code"] == "product.pareto"
    assert data["table"]["columns"] == list(Pareto.columns)
    assert set(data["text"]) == {"zh", "en"}


def test_the_fragment_has_both_charts_and_nothing_that_runs() -> None:
    shown = pareto(LINES, lang="zh")._repr_html_()
    assert shown.count("<svg") == 2
    assert 'lang="zh"' in shown
    assert "<script" not in shown
    assert "<b>丁</b>" not in shown
    assert "&lt;b&gt;丁&lt;/b&gt;" in shown
    assert not re.search(r"https?://", shown)


def test_a_locked_result_says_what_is_missing_in_both_languages() -> None:
    result = Pareto.lock((Need("table", {"table": "order_lines"}),), lang="zh")
    assert result.locked
    assert "order_lines" in result.explain("en")
    assert "order_lines" in result.explain("zh")
    assert list(result.table.columns) == list(Pareto.columns)
    assert result.actions() == ()
    assert "○" in result._repr_html_()
    assert json.dumps(result.to_dict())


def test_the_same_result_speaks_both_languages() -> None:
    result = pareto(LINES)
    assert result.in_language("zh").explain() == result.explain("zh") != result.explain("en")
    assert repr(result).startswith("<product.pareto: ")


def test_plain_turns_what_is_missing_into_null() -> None:
    given = {"a": np.float64("nan"), "b": pd.NaT, "c": pd.NA, "d": np.int64(3), "e": (np.bool_(1),)}
    assert plain(given) == {"a": None, "b": None, "c": None, "d": 3, "e": [True]}
    assert plain(pd.Timestamp("2025-11-11 00:30")) == "2025-11-11T00:30:00"


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Bare(Result):
    """A result that adds nothing of its own."""

    code: ClassVar[str] = "product.pareto"
    columns: ClassVar[dict[str, str]] = {"item": "text", "amount": "money"}


def bare(rows: int = 3, **basis: object) -> Bare:
    frame = pd.DataFrame({"item": [f"i{k}" for k in range(rows)], "amount": np.arange(rows) * 1.5})
    return Bare(rows=frame, basis=Basis(n=rows, unit="orders", currency="GBP", **basis))  # type: ignore[arg-type]


def test_a_bare_result_says_and_proposes_nothing() -> None:
    result = bare()
    assert (result.findings(), result.propose(), result.actions()) == ((), (), ())
    assert result.sentences() == []
    assert len(result.headline()) == 0
    with pytest.raises(NotImplementedError):
        result.layout(wide=True)
    with pytest.raises(NotImplementedError):
        result.draw(None, wide=True, words=result.words())  # type: ignore[arg-type]


def test_a_chart_is_drawn_on_axes_of_its_own_or_those_given() -> None:
    """The running share of four items by hand: 60, 85, 95 and 100 %."""
    from matplotlib.figure import Figure

    result = pareto(LINES)
    own = result.plot()
    given = Figure().subplots()
    assert result.plot(given, lang="zh") is given
    for axes in (own, given):
        reached = [line.get_ydata() for line in axes.lines if len(line.get_ydata()) == 5]
        np.testing.assert_allclose(reached[0], [0, 0.6, 0.85, 0.95, 1])


def test_actions_are_told_in_both_languages_with_what_is_to_be_done_or_measured() -> None:
    (told,) = advised(Value(1, 5, 9)).to_dict()["actions"]
    assert told["emitted"]
    assert told["value"] == {"low": 1, "mid": 5, "high": 9, "horizon_days": 30}
    assert set(told["text"]) == {"do", "why", "verify"}
    assert told["expires_on"] == "2026-01-01"
    (first,) = advised(None).to_dict()["actions"]
    assert set(first["text"]) == {"measure"}
    assert set(first["text"]["measure"]) == {"zh", "en"}
    assert first["text"]["measure"]["zh"] != first["text"]["measure"]["en"]


def test_a_notebook_keeps_one_language_and_the_headline_only() -> None:
    result = pareto(LINES, lang="zh")
    kept = result.brief()
    assert kept["lang"] == "zh"
    assert kept["text"] == result.explain("zh")
    assert [f["text"] for f in kept["findings"]] == result.sentences("zh")
    assert kept["table"]["count"] == 4
    assert len(kept["table"]["rows"]) == len(result.headline())
    bundle = result._repr_mimebundle_()
    assert bundle["application/vnd.ecomops+json"] == kept
    assert bundle["text/plain"] == result.explain()
    assert bundle["text/html"] == result._repr_html_()


def test_findings_are_json_with_their_numbers() -> None:
    first = pareto(LINES).to_dict()["findings"][0]
    assert first["values"]["items"] == 4
    assert first["values"]["a_share"] == 0.25 * first["values"]["a_items"]
    assert Finding("c", "note", {}, 1).level == "note"


def test_what_was_left_out_is_said_and_what_was_not_is_not() -> None:
    result = bare(excluded={"unpaid": 1234, "marked": 0})
    said = html.basis(result, result.words())
    assert "1,234" in said
    label = result.words().label("marked")
    assert label not in said
    plain_line = html.basis(bare(excluded={"marked": 0}), result.words())
    assert plain_line.count("<span>") == 2
    dated = bare(start=dt.date(2025, 1, 2), end=dt.date(2025, 3, 4))
    line = html.basis(dated, result.words())
    assert "2025-01-02" in line
    assert "2025-03-04" in line


def test_a_long_table_is_cut_and_says_by_how_much() -> None:
    words = bare().words()
    cut = html.table(bare(67), words)
    assert cut.count("<tr>") == 61  # the head and 60 rows
    assert re.search(r"\b7\b", cut.partition("</table>")[2])
    whole = html.table(bare(60), words)
    assert whole.endswith("</table>")
    assert whole.count("<tr>") == 61
