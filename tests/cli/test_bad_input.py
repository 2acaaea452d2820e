"""What people hand to the command line by mistake: a message, the right code, nothing touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ecomops.base.options import options
from ecomops.cli import main

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "order_id,customer_id,paid_at,order_status,currency,paid_amount,refund_amount\n"
ROW = "1,c,2025-05-01 10:00:00,completed,CNY,10.00,\n"


@pytest.fixture(autouse=True)
def _same_language():
    before = options.lang
    yield
    options.lang = before


def row(**changed: str) -> str:
    return (
        ",".join(
            changed.get(n, v)
            for n, v in zip(HEAD.strip().split(","), ROW.strip().split(","), strict=True)
        )
        + "\n"
    )


WIDE = "２０２５-０５-０１"  # noqa: RUF001 - as a Chinese keyboard writes digits
REFUSED = {
    "empty": ("", "empty", "空的"),
    "binary": ("\0\1\2" * 50 + "\n", "binary", "二进制"),
    "header": (HEAD, "no rows", "没有数据行"),
    "columns": ("order_id,paid\n1,2\n", "paid_amount", "paid_amount"),
    "currencies": (HEAD + ROW + row(order_id="2", currency="USD"), "mix currencies", "多种货币"),
    "30 February": (HEAD + row(paid_at="2025-02-30"), "2025-02-30", "2025-02-30"),
    "1900": (HEAD + ROW + row(paid_at="1900-01-01"), "impossible dates", "日期不可能"),
    "full width": (HEAD + row(paid_at=WIDE), WIDE, WIDE),
    "words": (HEAD + row(paid_amount="ten"), "ten", "ten"),
    "all negative": (HEAD + row(paid_amount="-5"), "No order counts", "没有一笔订单"),
    "rounded": (HEAD + row(order_id="4.3E+17"), "rounded", "四舍五入"),
    "cut": (HEAD + ROW + "2,c,2025-05-0", "Row 3", "第 3 行"),
    "quote": (HEAD + ROW + row(customer_id='"c'), "Row 3", "第 3 行"),
}


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_used_is_explained(
    name: str, lang: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content, *said = REFUSED[name]
    folder = tmp_path / f"店 😀 {name}"
    folder.mkdir()
    (folder / "orders.csv").write_text(content, encoding="utf-8")
    assert main(["--lang", lang, "check", str(folder)]) == 3
    told = capsys.readouterr().err
    assert said[lang == "zh"] in told
    assert "Traceback" not in told
    assert [p.name for p in folder.iterdir()] == ["orders.csv"]
    assert (folder / "orders.csv").read_text(encoding="utf-8") == content


@pytest.mark.parametrize(
    "rows",
    [
        ROW,
        row(customer_id=""),
        ROW + row(order_id="2", paid_amount="-5"),
        ROW + row(order_id="2", refund_amount="99"),
        ROW + row(order_id="2", paid_at="2099-01-01"),
        row(paid_at="2024-02-29 23:59:59") + row(order_id="2", paid_at="2023-02-28"),
        ROW + row(order_id="2", order_status="UNPAID"),
    ],
    ids=["one order", "guests", "negative", "refund", "future", "leap day", "status"],
)
def test_what_is_only_odd_is_read(
    rows: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "orders.csv").write_text(HEAD + rows, encoding="utf-8")
    assert main(["--lang", "en", "check", str(tmp_path)]) == 0
    assert "of" in capsys.readouterr().out


@pytest.mark.parametrize("command", [["check"], ["load"], ["decide"], ["run", "analyse", "--data"]])
@pytest.mark.parametrize("kind", ["absent", "circle", "device"])
def test_paths_that_lead_nowhere(
    command: list[str], kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = "/dev/null" if kind == "device" else str(tmp_path / "x")
    if kind == "circle":
        (tmp_path / "x").symlink_to(tmp_path / "x")
    end = ["--out", str(tmp_path / "page.html")] if command[0] == "run" else []
    assert main(["--lang", "en", *command, path, *end]) == 3
    assert path in capsys.readouterr().err
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize("option", ["--json", "--out"])
def test_nothing_is_written_over_the_data(option: str, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text(HEAD + ROW, encoding="utf-8")
    command = ["check"] if option == "--json" else ["run", "analyse", "--data"]
    assert main([*command, str(tmp_path), option, str(file)]) == 4
    assert file.read_text(encoding="utf-8") == HEAD + ROW
