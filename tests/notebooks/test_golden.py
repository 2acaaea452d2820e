"""Executed notebooks as golden reports: nbval runs them again and compares every number."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ecomops.report.build import build

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_numbers_are_the_same_when_run_again(lang, tmp_path):
    ini = tmp_path / "pytest.ini"
    ini.write_text("[pytest]\n")
    command = [
        *(sys.executable, "-m", "pytest", "-q", "-c", str(ini), "--rootdir", str(ROOT)),
        *("-p", "no:cacheprovider", "--nbval"),
        *("--nbval-sanitize-with", str(ROOT / "notebooks" / "nbval.cfg")),
        str(ROOT / "notebooks" / lang / "analyse.ipynb"),
    ]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert run.returncode == 0, run.stdout[-4000:]
    assert "11 passed" in run.stdout


def test_building_twice_gives_the_same_bytes(tmp_path):
    first, second = (build("analyse", tmp_path / name) for name in ("first", "second"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert [path.parent.name for path in first] == ["zh", "en"]
