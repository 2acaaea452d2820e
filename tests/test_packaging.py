"""The wheel carries everything that the checkout has, and works without the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEMPLATES = "ecomops-0.1.0.data/data/share/jupyter/notebook_templates/ecomops/"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def tracked(folder: str) -> set[str]:
    kept = (p for p in (ROOT / folder).rglob("*") if p.is_file())
    junk = ("__pycache__", ".ipynb_checkpoints")
    return {p.relative_to(ROOT).as_posix() for p in kept if not set(junk) & set(p.parts)}


def test_wheel_has_the_package_with_its_data(wheel):
    assert tracked("ecomops") <= set(wheel.namelist())
    assert "ecomops/py.typed" in wheel.namelist()


def test_wheel_has_notebooks_and_datasets(wheel):
    shared = {f"ecomops/_share/{name}" for name in tracked("notebooks") | tracked("datasets")}
    assert shared <= set(wheel.namelist())


def test_wheel_offers_the_notebooks_as_templates(wheel):
    books = {name for name in tracked("notebooks") if name.endswith(".ipynb")}
    offered = {name for name in wheel.namelist() if name.startswith(TEMPLATES)}
    assert offered == {TEMPLATES + name.removeprefix("notebooks/") for name in books}


def test_wheel_has_nothing_else(wheel):
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert tops == {"ecomops", "ecomops-0.1.0.data", "ecomops-0.1.0.dist-info"}
    assert sum(info.compress_size for info in wheel.infolist()) <= 12_000_000


def test_demo_shop_opens_from_the_wheel_alone(wheel, tmp_path):
    wheel.extractall(tmp_path / "site")
    code = (
        "import ecomops as eo; print(eo.__file__); print(eo.open('demo').orders.count().execute())"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    location, orders = run.stdout.splitlines()
    assert location.startswith(str(tmp_path))
    assert 15_000 <= int(orders) <= 25_000
