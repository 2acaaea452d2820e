"""`environment.yml` cannot be solved in CI, so it is held against `pyproject.toml` name by name."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
# conda-forge calls these packages differently
CONDA = {"python-duckdb": "duckdb", "ibis-duckdb": "ibis-framework", "python-tzdata": "tzdata"}


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def bounds(requirements: list[str]) -> dict[str, frozenset[str]]:
    split = [re.fullmatch(r"([\w.-]+)(?:\[.*\])?(.*)", line) for line in requirements]
    return {
        CONDA.get(match[1].lower(), match[1].lower()): frozenset(match[2].split(","))
        for match in split
    }


def test_environment_has_the_dependencies_of_pyproject():
    listed = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    conda = bounds([line for line in listed if isinstance(line, str) and line != "pip"])
    python = conda.pop("python")
    assert conda == bounds(project()["dependencies"])
    assert python == frozenset(project()["requires-python"].split(","))


def test_environment_installs_the_checkout_with_chinese_fonts():
    listed = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    assert [line["pip"] for line in listed if isinstance(line, dict)] == [["-e .[zh]"]]


def test_packages_of_the_card_are_dependencies():
    card = {"pandas", "numpy", "matplotlib", "seaborn", "scikit-learn"}
    card |= {"ipywidgets", "jupyterlab", "nbval"}
    assert card <= set(bounds(project()["dependencies"]))


def test_dev_takes_the_tests_along():
    extras = project()["optional-dependencies"]
    assert set(extras) == {"dev", "spark", "teach", "test", "zh"}
    assert "ecomops[test,zh]" in extras["dev"]
