"""A result is a value: frozen, explained in two languages, honest about what it lacks."""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import FrozenInstanceError, dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pandas as pd
import pytest

from ecomops.product.pareto import Pareto, pareto
from ecomops.result import Action, Need, Value
from ecomops.result.model import plain

if TYPE_CHECKING:
    from ecomops.result import Result

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
