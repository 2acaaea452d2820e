"""Hostile files: no traceback, no silent wrong number, nothing half-written, a clear message."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecomops.base.errors import EcomopsError, UnsafeError
from ecomops.data.formats import load, load_into

sys.path.insert(0, str(Path(__file__).parent))
from corpus import CASES, PLAIN, Case

ROOT = os.geteuid() == 0 if hasattr(os, "geteuid") else False


def test_the_corpus_is_large():
    assert len({case.name for case in CASES}) == len(CASES) >= 60


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_hostile_file(case: Case, tmp_path: Path):
    if case.name == "no_rights.csv" and ROOT:
        pytest.skip("root may read everything")
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / case.name
    case.make(path)
    if case.refused:
        refused_with_a_message(case, path)
        return
    loaded = load(path, con=ibis.duckdb.connect())
    orders = loaded.tables["orders"]
    figures = orders.aggregate(n=orders.count(), paid=orders.paid_amount.sum()).to_pandas().iloc[0]
    assert (int(figures["n"]), float(figures["paid"])) == case.loaded
    assert not case.problem or case.problem in {p.code for p in loaded.problems}
    assert sorted(p.name for p in tmp_path.rglob("*")) == sorted(["in", case.name])


def refused_with_a_message(case: Case, path: Path) -> None:
    with pytest.raises(EcomopsError) as raised:
        load(path, con=ibis.duckdb.connect())
    error = raised.value
    assert case.refused in ("*", error.code)
    for lang in ("zh", "en"):
        said = error.message(lang)
        assert "{" not in said.replace("{}", "")
        assert len(said) > 20


def test_refused_files_leave_the_shop_as_it_was(tmp_path: Path):
    good = tmp_path / "ok20260501.csv"
    good.write_bytes(PLAIN.encode("gb18030"))
    load_into(good, tmp_path / "shop")
    before = {p.name: p.read_bytes() for p in (tmp_path / "shop").iterdir()}
    for case in CASES:
        if not case.refused or case.name in {"no_rights.csv", "bomb.zip"}:
            continue
        path = tmp_path / case.name
        case.make(path)
        with pytest.raises(EcomopsError):
            load_into(path, tmp_path / "shop")
    assert {p.name: p.read_bytes() for p in (tmp_path / "shop").iterdir()} == before


def test_a_link_that_leads_in_a_circle_or_outside_is_not_followed(tmp_path: Path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.csv").write_bytes(PLAIN.encode("gb18030"))
    (tmp_path / "secret.csv").write_bytes(PLAIN.encode("gb18030"))
    (folder / "loop").symlink_to(folder)
    (folder / "self.csv").symlink_to(folder / "self.csv")
    (folder / "outside.csv").symlink_to(tmp_path / "secret.csv")
    loaded = load(folder, con=ibis.duckdb.connect())
    assert [f.name for f in loaded.files] == ["a.csv"]


def test_a_full_disk_while_writing_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from ecomops.data.formats import into

    good = tmp_path / "ok20260501.csv"
    good.write_bytes(PLAIN.encode("gb18030"))
    load_into(good, tmp_path / "shop")
    before = {p.name: p.read_bytes() for p in (tmp_path / "shop").iterdir()}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(into, "_export", full)
    with pytest.raises(UnsafeError) as raised:
        load_into(good, tmp_path / "shop")
    assert raised.value.code == "shop_not_written"
    assert {p.name: p.read_bytes() for p in (tmp_path / "shop").iterdir()} == before


@settings(max_examples=12)
@given(cut=st.integers(0, len(PLAIN)), junk=st.binary(max_size=40))
def test_any_damage_is_either_read_or_explained(
    cut: int, junk: bytes, tmp_path_factory: pytest.TempPathFactory
):
    path = tmp_path_factory.mktemp("x") / "a.csv"
    content = PLAIN.encode("gb18030")
    path.write_bytes(content[:cut] + junk + content[cut:])
    try:
        loaded = load(path, con=ibis.duckdb.connect())
    except EcomopsError as error:
        said = error.message("zh")
        assert said
    else:
        assert loaded.files[0].rows >= 1


LARGE = (
    "utf8.csv", "utf16.csv", "gb18030_emoji.csv", "two_headers.csv", "shifted_row.csv",
    "preamble.csv", "total_row.csv", "wrapped_ids.csv", "line_breaks.csv", "semicolons.csv",
)  # fmt: skip


@pytest.mark.parametrize("name", LARGE)
def test_large_files_are_read_by_the_engine_with_the_same_result(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from ecomops.data.formats import sheets

    monkeypatch.setattr(sheets, "IN_PYTHON", 10)
    case = next(c for c in CASES if c.name == name)
    case.make(tmp_path / name)
    loaded = load(tmp_path / name, con=ibis.duckdb.connect())
    orders = loaded.tables["orders"]
    figures = orders.aggregate(n=orders.count(), paid=orders.paid_amount.sum()).to_pandas().iloc[0]
    assert (int(figures["n"]), float(figures["paid"])) == case.loaded
    assert not case.problem or case.problem in {p.code for p in loaded.problems}


@pytest.mark.parametrize("limit", [10, 2 << 20])
@pytest.mark.parametrize("before", ["", '店铺：示例\r\n\r\n"导出\n说明",x\r\n'])
def test_line_breaks_in_a_header_cost_no_row(
    before: str, limit: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """In large files as many orders were lost as the header had line breaks in its cells."""
    from ecomops.data.formats import sheets

    monkeypatch.setattr(sheets, "IN_PYTHON", limit)
    text = before + PLAIN.replace("订单付款时间", "订单\n付款时间").replace(
        "订单状态", "订单状态\n"
    )
    (tmp_path / "a.csv").write_bytes(text.encode("gb18030"))
    orders = load(tmp_path / "a.csv", con=ibis.duckdb.connect()).tables["orders"]
    assert orders.count().to_pandas() == 2


def test_semicolons_in_a_title_do_not_separate_cells(tmp_path: Path):
    text = PLAIN.replace("懒人居家套装", ";".join("一二三四五六七八九十甲乙丙丁戊己庚"))
    (tmp_path / "a.csv").write_bytes(text.encode("gb18030"))
    loaded = load(tmp_path / "a.csv", con=ibis.duckdb.connect())
    assert loaded.tables["orders"].count().to_pandas() == 2
