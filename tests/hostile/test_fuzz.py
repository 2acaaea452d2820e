"""Exports damaged at random are read or refused with a message; nothing else happens.

Truth: none is needed, it is the absence of tracebacks, open places and left files that counts. The
numbers that decide on the damage are fixed; `fuzz.py` searches on for as long as one likes.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecomops.data.formats import formats
from ecomops.data.formats.registry import fold
from tests.hostile.fuzz import damaged, seeds, told_or_read

if TYPE_CHECKING:
    from pathlib import Path


def test_sound_files_are_read(tmp_path: Path) -> None:
    assert len(seeds()) >= 10
    for name, data in seeds()[:10]:
        assert told_or_read(name, data, tmp_path) == name.partition("2024")[0]


LEDGERS = [f.id for f in formats().values() if f.finish == "ledger"]


@pytest.mark.parametrize("fid", LEDGERS)
def test_a_ledger_without_amounts_is_refused(fid: str, tmp_path: Path) -> None:
    fmt = formats()[fid]
    amounts = {
        h for h, targets in fmt.targets.items() if any(t.column == "amount" for t in targets)
    }
    kept = [h for h in fmt.headers if fold(h) not in amounts]
    lines = [",".join(f'"{cell}"' for cell in row) for row in (kept, ["2024-05-01"] * len(kept))]
    told = told_or_read("a.csv", "\n".join(lines).encode(), tmp_path)
    assert told == "missing_source_columns"


@pytest.mark.parametrize("share", range(4))
@settings(max_examples=8)
@given(number=st.integers(0, 2**32), file=st.integers(0, 10**4))
def test_damaged_files_are_read_or_explained(
    share: int, number: int, file: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    name, data = seeds()[(file * 4 + share) % len(seeds())]
    bad = damaged(data, random.Random(number))  # noqa: S311
    told = told_or_read(name, bad, tmp_path_factory.mktemp("x"))
    assert told


@settings(max_examples=10)
@given(data=st.binary(max_size=400))
def test_any_bytes_are_refused_with_a_message(
    data: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert told_or_read("a.csv", data, tmp_path_factory.mktemp("x")) != "taobao_orders_2018"
