"""`make` on a machine without a fitting Python says so, and says what to type."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OLD = '#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2" || exit 1\n'
NO_VENV = '#!/bin/sh\n[ "$2" = venv ] && exit 1 || exit 0\n'


def made(tmp_path: Path, python: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    if not shutil.which("make"):
        pytest.skip("make is absent")
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "pyproject.toml").touch()
    for name in ("python3", "python3.11", "python3.12", "python3.13"):
        fake = tmp_path / "bin" / name
        fake.parent.mkdir(exist_ok=True)
        fake.write_text(python)
        fake.chmod(0o755)
    # what an outer make hands down would make this one speak of folders
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    env |= {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "MFLAGS": "", "PYTHON": ""}
    return subprocess.run(
        ["make", *arguments], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )


def test_an_old_python_is_named_with_a_way_out(tmp_path):
    run = made(tmp_path, OLD, "demo")
    assert run.returncode != 0
    assert "needs Python 3.11, 3.12 or 3.13; python3 here is: Python 3.9.2" in run.stdout
    assert "make demo PYTHON=" in run.stdout


def test_a_python_without_venv_is_named_and_nothing_is_left(tmp_path):
    run = made(tmp_path, NO_VENV, "demo")
    assert run.returncode != 0
    assert "apt-get install python3-venv" in run.stdout
    assert not (tmp_path / ".venv").exists()


def test_make_alone_lists_its_targets(tmp_path):
    run = made(tmp_path, OLD)
    assert run.returncode == 0
    assert {line.split()[1] for line in run.stdout.splitlines()} == {
        "demo", "test", "lint", "cover", "lab", "bench", "clean", "help",
    }  # fmt: skip
