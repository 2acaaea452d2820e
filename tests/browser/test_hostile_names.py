"""Text from data stays text: in the page, in a browser, in spreadsheets."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from ecomops.cli import main

TITLE = "<script>alert(1)</script>"
NAME = "=cmd|' /C calc'!A0"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Return the folder of a run on a shop whose names attack the page and the spreadsheet."""
    folder = tmp_path_factory.mktemp("hostile")
    days = pd.date_range("2025-01-01", periods=120, freq="D")
    orders = pd.DataFrame(
        {
            "order_id": [f"o{i}" for i in range(120)],
            "customer_id": [NAME if i % 3 else f"c{i}" for i in range(120)],
            "created_at": days,
            "paid_at": days,
            "paid_amount": 50.0,
            "order_status": "completed",
            "currency": "CNY",
        }
    )
    lines = orders[["order_id", "paid_at"]].assign(
        order_line_id=orders["order_id"],
        product_id=["p1", NAME, "@p3"] * 40,
        product_name=[TITLE, NAME, "</style><img src=x onerror=alert(2)>"] * 40,
        quantity=1,
        line_paid_amount=[90.0, 50.0, 10.0] * 40,
    )
    (folder / "data").mkdir()
    orders.to_parquet(folder / "data" / "orders.parquet")
    lines.to_parquet(folder / "data" / "order_lines.parquet")
    (folder / "data" / "shop.toml").write_text(
        f"name = {json.dumps(TITLE)}\ncurrency = 'CNY'\n", encoding="utf-8"
    )
    command = ["run", "analyse", "--data", str(folder / "data"), "--lang", "en"]
    command += ["--out", str(folder / "page.html"), "--json", str(folder / "page.json")]
    assert main([*command, "--tables", str(folder / "tables")]) == 0
    return folder


def test_markup_in_names_is_escaped(hostile):
    html = (hostile / "page.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<script" not in html
    assert "<img" not in html


def test_spreadsheets_get_no_formula(hostile):
    sheets = list((hostile / "tables").glob("*.csv"))
    text = "".join(path.read_text(encoding="utf-8-sig") for path in sheets)
    assert f"'{NAME}" in text
    cells = [cell for line in text.splitlines() for cell in line.split(",")]
    assert [cell for cell in cells if cell.startswith(("=", "@"))] == []


def test_missing_tables_lock_their_sections_and_the_run_goes_on(hostile):
    results = json.loads((hostile / "page.json").read_text(encoding="utf-8"))["results"]
    locked = {r["code"] for r in results if any(not need["have"] for need in r["missing"])}
    assert {"channel.traffic", "channel.attribution"} <= locked
    assert {"customer.rfm", "product.pareto"} & locked == set()
    html = (hostile / "page.html").read_text(encoding="utf-8")
    assert 'class="q locked" id="channel-attribution"' in html


@pytest.mark.browser
def test_nothing_runs_in_a_browser(hostile, browser):
    page = browser.new_page()
    alerts = []
    page.on("dialog", lambda dialog: alerts.append(dialog.message) or dialog.dismiss())
    page.goto((hostile / "page.html").as_uri())
    page.locator("details").evaluate_all("all => all.forEach(each => each.open = true)")
    assert alerts == []
    assert page.get_by_text(TITLE).count() > 0
    assert page.evaluate("document.scripts.length") == 0
    page.close()
