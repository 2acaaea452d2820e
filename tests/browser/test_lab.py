"""JupyterLab opened once, as a person does it: the Analyse notebook is run from the menu."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.browser, pytest.mark.slow]
WAIT = 180


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Return a folder with the English notebook, its outputs removed."""
    folder = tmp_path / "work"
    folder.mkdir()
    book = nbformat.read(ROOT / "notebooks" / "en" / "analyse.ipynb", as_version=4)
    for cell in book.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nbformat.write(book, folder / "analyse.ipynb")
    return folder


@pytest.fixture
def lab(work: Path, tmp_path: Path):
    """Yield the address of a JupyterLab in `work`; its settings and files stay in `tmp_path`."""
    homes = ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTERLAB_SETTINGS_DIR", "IPYTHONDIR")
    env = os.environ | {name: str(tmp_path / name.lower()) for name in homes}
    env |= {"PYTHONPATH": str(ROOT), "JUPYTERLAB_WORKSPACES_DIR": str(tmp_path / "workspaces")}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--port=0"]
    log = (tmp_path / "lab.log").open("w")
    server = subprocess.Popen(
        [*command, "--IdentityProvider.token=test"], cwd=work, env=env, stdout=log, stderr=log
    )
    try:
        yield address(tmp_path / "jupyter_runtime_dir")
    finally:
        server.terminate()
        server.wait(30)
        log.close()


def address(runtime: Path) -> str:
    for _ in range(WAIT * 10):
        for path in runtime.glob("jpserver-*.json"):
            if text := path.read_text():
                return json.loads(text)["url"]
        time.sleep(0.1)
    return pytest.fail("JupyterLab did not start")


def saved(path: Path) -> list[nbformat.NotebookNode]:
    return [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]


def test_the_notebook_runs_in_jupyterlab(browser, lab, work, tmp_path):
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.goto(f"{lab}lab/tree/analyse.ipynb?token=test")
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=WAIT * 1000)
    idle = page.locator("#jp-main-statusbar").get_by_text("| Idle")
    idle.wait_for(timeout=WAIT * 1000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    for _ in range(WAIT):
        page.keyboard.press("Control+s")
        page.wait_for_timeout(1000)
        cells = saved(work / "analyse.ipynb")
        if all(cell.execution_count for cell in cells):
            break
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert [o for cell in cells for o in cell.outputs if o.output_type == "error"] == []
    page.screenshot(path=tmp_path / "lab.png")
    charts = page.locator(".jp-OutputArea .ecomops svg")
    charts.first.scroll_into_view_if_needed()
    assert charts.first.bounding_box()["width"] > 300
    page.close()
