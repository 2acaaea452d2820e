"""Executed notebooks as golden reports: nbval runs them again and compares every number.

To six digits (`notebooks/conftest.py`): the last ones are those of the processor. Truth: the same
notebooks with and without its widest instructions differ by up to 1e-8.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import nbformat
import pytest

from ecomops.report.build import build

BOOKS = Path(__file__).parents[2] / "notebooks"
# the other language of each stage holds the same numbers, and is run for the pages of the demo
AGAIN = {"plan": "en", "execute": "zh", "analyse": "zh", "optimise": "en"}
DATA = "application/vnd.ecomops+json"
pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("stage", "lang"), AGAIN.items())
def test_numbers_are_the_same_when_run_again(stage, lang, tmp_path):
    path, ini = BOOKS / lang / f"{stage}.ipynb", tmp_path / "pytest.ini"
    ini.write_text("[pytest]\n")
    command = [
        *(sys.executable, "-m", "pytest", "-q", "-c", str(ini), "--rootdir", str(BOOKS.parent)),
        *("-p", "no:cacheprovider", "--nbval"),
        *("--nbval-sanitize-with", str(BOOKS / "nbval.cfg")),
        str(path),
    ]
    one = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")  # as `ecomops run` does
    run = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=tmp_path, env=os.environ | one
    )
    assert run.returncode == 0, run.stdout[-4000:]
    cells = nbformat.read(path, as_version=4).cells
    assert f"{sum(cell.cell_type == 'code' for cell in cells)} passed" in run.stdout


def test_six_digits_are_compared_and_all_of_whole_numbers_and_words():
    spec = spec_from_file_location("golden", BOOKS / "conftest.py")
    golden = module_from_spec(spec)
    spec.loader.exec_module(golden)
    told = {"rows": [["a", 260814.48195109, 35]], "low": 1e-10, "text": "¥260,814"}
    other = {"rows": [["a", 260814.48191558, 35]], "low": 0.0, "text": "¥260,814"}
    assert golden.close(told) == golden.close(other)
    for wrong in (260815.0, 260814.48195109 * (1 + 2e-6), 260814, None, "a"):
        changed = {**other, "rows": [["a", wrong, 35]]}
        assert golden.close(told) != golden.close(changed)
    assert golden.close(told) != golden.close({**other, "text": "¥260,815"})
    assert golden.close(told) != golden.close({**other, "rows": [["a", 260814.48195109, 36]]})


@pytest.mark.parametrize("stage", AGAIN)
def test_both_languages_hold_the_same_numbers(stage):
    chinese, english = (results(BOOKS / lang / f"{stage}.ipynb") for lang in ("zh", "en"))
    assert [each["code"] for each in chinese] == [each["code"] for each in english]
    assert len(chinese) >= 9
    assert set(AGAIN) == {path.stem for path in BOOKS.glob("src/*.py")}
    for one, other in zip(chinese, english, strict=True):
        assert numbers(one) == numbers(other), one["code"]


def results(path):
    """Return what the results of an executed notebook say as data, in order."""
    cells = nbformat.read(path, as_version=4).cells
    shown = [output for cell in cells for output in cell.get("outputs", ())]
    return [output.data[DATA] for output in shown if DATA in output.get("data", ())]


def numbers(value):
    """Return the data without its words."""
    if isinstance(value, dict):
        return {key: numbers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [numbers(each) for each in value]
    return value if isinstance(value, int | float) else None


def test_building_twice_gives_the_same_bytes(tmp_path):
    (first,), (second,) = (build("analyse", tmp_path / name, ["zh"]) for name in ("one", "two"))
    assert first.read_bytes() == second.read_bytes()
    assert first.relative_to(tmp_path).as_posix() == "one/zh/analyse.ipynb"
