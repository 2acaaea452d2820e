"""Errors say what was wrong, what was there and what to do, in both languages."""

from __future__ import annotations

import string

import pytest

from ecomops.base import checks
from ecomops.base.errors import DataError, OptionError, messages


def test_a_near_miss_is_suggested() -> None:
    with pytest.raises(OptionError, match="Did you mean 'retention'"):
        checks.choice("value", "retentoin", ("retention", "revenue"))
    with pytest.raises(OptionError) as error:
        checks.choice("value", "retentoin", ("retention", "revenue"))
    assert "'retention'" in error.value.message("zh")


def test_a_number_out_of_range_names_the_range() -> None:
    with pytest.raises(OptionError, match="from 2 to 10"):
        checks.between("bins", 99, 2, 10)


def test_text_in_the_place_of_a_number_is_named() -> None:
    with pytest.raises(OptionError, match=r"must be a number. It is '400000' \(str\)"):
        checks.between("target", "400000", 1, 1e15)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="from 1 to 1,000,000,000,000,000"):
        checks.between("target", -5, 1, 1e15)


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


def test_missing_columns_are_named_with_their_near_neighbours() -> None:
    available = ["order_id", "paid_amout", "x"]
    with pytest.raises(DataError) as error:
        checks.columns("orders", available, ["order_id", "paid_amount", "zzz"])
    assert error.value.values["missing"] == ["paid_amount", "zzz"]
    assert error.value.values["near"] == "paid_amount ← paid_amout"
    with pytest.raises(DataError) as error:
        checks.columns("orders", ["x"], ["order_id"])
    assert error.value.values["near"] == "—"


def test_a_message_without_a_found_part_has_none() -> None:
    """Truth: the parts of its own template, joined as each language joins sentences."""
    code = next(code for code, parts in sorted(messages().items()) if "found" not in parts)
    parts = messages()[code]
    error = OptionError(code, **dict.fromkeys(fields(parts), "x"))
    for lang, space in (("zh", ""), ("en", " ")):
        said = [parts[part][lang] for part in ("what", "do")]
        wanted = space.join(
            string.Formatter().vformat(t, (), dict.fromkeys(fields(parts), "x")) for t in said
        )
        assert error.message(lang) == wanted


def fields(parts):
    texts = [text for part in parts.values() for text in part.values()]
    return {name for text in texts for _, name, _, _ in string.Formatter().parse(text) if name}
