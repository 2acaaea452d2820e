"""The benchmarks' own tools: they are not timed here, only made sure to measure."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks import measure, shops


def test_a_fresh_process_is_measured_from_outside_and_inside():
    run = measure.fresh(measure.program("import sys\n", "x = bytearray(80_000_000)", n="len(x)"))
    assert run.printed["n"] == 80_000_000
    assert 0 < run.work_wall < run.wall
    assert 80 < run.peak_mb < 400


def test_a_failing_program_shows_its_error():
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        measure.fresh("1 / 0")


def test_rows_say_when_they_pass_their_bound():
    verdicts = [measure.Row("x", value, "s", 0.4).verdict for value in (0.4, 0.41)]
    assert verdicts == ["ok", "OVER"]
    assert measure.Row("x", 3).verdict == ""


def test_an_unknown_benchmark_is_named_with_those_there_are():
    command = [sys.executable, "-m", "benchmarks", "nonsense"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=measure.ROOT)
    assert run.returncode == 2
    assert "no such benchmark: nonsense; there are: analyses" in run.stdout


def test_generated_shops_have_the_lines_asked_for(tmp_path, monkeypatch):
    import ecomops as eo

    monkeypatch.setattr(shops, "CACHE", tmp_path)
    shop = eo.open(shops.folder(9000))
    assert shop.order_lines.count().execute() == 9000
    assert shop.orders.count().execute() == 5000
    assert shop.orders.order_id.nunique().execute() == 5000
    assert shop.order_lines.order_id.nunique().execute() == 5000
    assert shops.folder(9000) == tmp_path / "shops" / f"9000-{shops.SEED}"
