"""One browser for the whole run, and a visit in every look."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser import harness
from tests.conftest import ecomops

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    yield from harness.launched()


@pytest.fixture(scope="session")
def demo_pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of all pages of the demo shop, made once by the command line."""
    folder = tmp_path_factory.mktemp("demo")
    run = ecomops("demo", "--out", str(folder), "--lang", "en")
    assert run.returncode == 0, run.stderr
    assert run.stdout.split()[-2:] == [str(folder / f"index.{each}.html") for each in ("zh", "en")]
    return folder


@pytest.fixture(scope="session")
def visit(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Path, harness.Look], harness.Visit]:
    """Return a function that opens a file in one look and returns what is wrong with it."""
    checker, shots = harness.axe(), tmp_path_factory.mktemp("screenshots")
    return lambda path, look: harness.visit(browser, path, look, shots=shots, checker=checker)
