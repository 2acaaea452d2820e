"""Errors say what was wrong, what was there and what to do, in both languages."""

from __future__ import annotations

import pytest

from ecomops.base import checks
from ecomops.base.errors import OptionError, messages


def test_a_near_miss_is_suggested() -> None:
    with pytest.raises(OptionError, match="Did you mean 'retention'"):
        checks.choice("value", "retentoin", ("retention", "revenue"))
    with pytest.raises(OptionError) as error:
        checks.choice("value", "retentoin", ("retention", "revenue"))
    assert "'retention'" in error.value.message("zh")


def test_a_number_out_of_range_names_the_range() -> None:
    with pytest.raises(OptionError, match="from 2 to 10"):
        checks.between("bins", 99, 2, 10)


def test_long_lists_are_cut() -> None:
    with pytest.raises(OptionError, match="…"):
        checks.choice("x", "qqq", [f"name{i}" for i in range(40)])


@pytest.mark.parametrize("code", sorted(messages()))
def test_every_error_says_what_was_wrong_and_what_to_do(code: str) -> None:
    parts = messages()[code]
    assert set(parts) <= {"what", "found", "do"}
    assert {"what", "do"} <= set(parts)
    for texts in parts.values():
        assert set(texts) == {"zh", "en"}
