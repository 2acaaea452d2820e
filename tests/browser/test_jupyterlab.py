"""JupyterLab itself: the notebook that `ecomops new` writes is opened, run and saved by hand."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from ecomops.cli import main

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PATIENCE = 120


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture
def lab(tmp_path):
    """Yield the address of a JupyterLab that shows a folder with a new notebook."""
    assert main(["new", "analyse", str(tmp_path), "--data", "demo", "--lang", "en"]) == 0
    port = free_port()
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
        *(f"--port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token=test"),
        *("--LabApp.news_url=", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"),
        *(f"--ServerApp.root_dir={tmp_path}", "--ServerApp.log_level=ERROR"),
    ]
    server = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield f"http://127.0.0.1:{port}", tmp_path / "analyse.ipynb", server
    finally:
        server.terminate()
        server.wait(30)


def until(done, what):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = done()
        if found:
            return found
        time.sleep(0.5)
    return pytest.fail(f"{what} took longer than {PATIENCE} s")


def answers(address):
    try:
        with urllib.request.urlopen(f"{address}/api?token=test", timeout=5) as reply:  # noqa: S310
            return reply.status == 200
    except OSError:
        return False


def outputs(path):
    text = path.read_text(encoding="utf-8")
    cells = json.loads(text)["cells"] if text.endswith("}\n") else []  # while it is being saved
    return [output for cell in cells for output in cell.get("outputs", ())]


def results(path):
    return [
        output
        for output in outputs(path)
        if "application/vnd.ecomops+json" in output.get("data", {})
    ]


def test_a_new_notebook_runs_in_jupyterlab(lab, browser):
    address, path, _ = lab
    until(lambda: answers(address), "starting JupyterLab")
    page = browser.new_page()
    page.goto(f"{address}/lab/tree/analyse.ipynb?token=test")
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=PATIENCE * 1000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()

    def saved():
        page.keyboard.press("Control+s")
        page.wait_for_timeout(500)
        return len(results(path)) == 14  # cover, ten analyses, the ledger three times

    until(saved, "running the notebook")
    assert [o for o in outputs(path) if o["output_type"] == "error"] == []
    page.close()
    assert main(["export", str(path), "--lang", "en"]) == 0
    html = path.with_suffix(".html").read_text(encoding="utf-8")
    assert 'id="channel-attribution"' in html
