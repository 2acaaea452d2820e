"""Executed notebooks as golden reports: nbval runs them again and compares every number."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from ecomops.report.build import build

ROOT = Path(__file__).parents[2]
BOOKS = sorted((ROOT / "notebooks").glob("*/*.ipynb"))
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("stage", sorted({path.stem for path in BOOKS}))
def test_numbers_are_the_same_when_run_again(stage, tmp_path):
    ini = tmp_path / "pytest.ini"
    ini.write_text("[pytest]\n")
    books = [path for path in BOOKS if path.stem == stage]
    command = [
        *(sys.executable, "-m", "pytest", "-q", "-c", str(ini), "--rootdir", str(ROOT)),
        *("-p", "no:cacheprovider", "--nbval"),
        *("--nbval-sanitize-with", str(ROOT / "notebooks" / "nbval.cfg")),
        *map(str, books),
    ]
    one = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")  # as `ecomops run` does
    run = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=tmp_path, env=os.environ | one
    )
    assert run.returncode == 0, run.stdout[-4000:]
    cells = [cell for path in books for cell in nbformat.read(path, as_version=4).cells]
    assert [path.parent.name for path in books] == ["en", "zh"]
    assert f"{sum(cell.cell_type == 'code' for cell in cells)} passed" in run.stdout


def test_building_twice_gives_the_same_bytes(tmp_path):
    (first,), (second,) = (build("analyse", tmp_path / name, ["zh"]) for name in ("one", "two"))
    assert first.read_bytes() == second.read_bytes()
    assert first.relative_to(tmp_path).as_posix() == "one/zh/analyse.ipynb"
