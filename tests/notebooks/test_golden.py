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


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_numbers_are_the_same_when_run_again(path, tmp_path):
    ini = tmp_path / "pytest.ini"
    ini.write_text("[pytest]\n")
    command = [
        *(sys.executable, "-m", "pytest", "-q", "-c", str(ini), "--rootdir", str(ROOT)),
        *("-p", "no:cacheprovider", "--nbval"),
        *("--nbval-sanitize-with", str(ROOT / "notebooks" / "nbval.cfg")),
        str(path),
    ]
    one = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")  # as `ecomops run` does
    run = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=tmp_path, env=os.environ | one
    )
    assert run.returncode == 0, run.stdout[-4000:]
    cells = nbformat.read(path, as_version=4).cells
    assert f"{sum(cell.cell_type == 'code' for cell in cells)} passed" in run.stdout


def test_building_twice_gives_the_same_bytes(tmp_path):
    first, second = (build("analyse", tmp_path / name) for name in ("first", "second"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert [path.parent.name for path in first] == ["zh", "en"]
