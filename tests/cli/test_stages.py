"""`ecomops run all`: four stages in order, one ledger between them, pages that link."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from ecomops.base.options import options
from ecomops.cli import main
from ecomops.cli.parser import parser, texts
from ecomops.data.shop import demo_folder
from ecomops.report import build
from ecomops.report.memory import NAME, ledger
from ecomops.report.source import notebook

OPENING = """# %% tags=["parameters"]
data = "demo"
ledger = None
lang = "en"
# %%
import ecomops as eo

shop = eo.open(data, lang=lang)
eo.report.cover(shop)
# %%
book = eo.report.ledger(shop, path=ledger)
"""
STAGES = {
    "plan": "# %%\neo.store.target(shop, target=400_000)\n# %%\nbook.keep(Out)",
    "execute": "# %%\nbook\n# %%\neo.product.inventory(shop)\n# %%\nbook.keep(Out)",
    "analyse": "# %%\neo.channel.attribution(shop.touchpoints, margin=shop.margin)\n"
    "# %%\nbook.keep(Out)\n# %%\neo.store.review(book.outcomes, as_of=book.day)",
    "optimise": "# %%\ntodo = eo.store.decide([], earlier=book.proposals())\ntodo\n"
    "# %%\neo.report.ticks(todo, book)",
}


@pytest.fixture(autouse=True)
def _same_language_after():
    before = options.lang
    yield
    options.lang = before


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Make the stages short, so that four kernels run them in seconds."""
    monkeypatch.setattr(build, "blank", lambda stage, lang: notebook(OPENING + STAGES[stage], lang))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_four_stages_hand_over_through_one_ledger(small, capsys):
    shop = small / "shop"
    shutil.copytree(demo_folder(), shop)
    command = ["run", "all", "--data", str(shop), "--lang", "en"]
    assert main([*command, "--json", "all.json", "--tables", "tables"]) == 0
    pages = sorted(p.name for p in (small / "reports").iterdir())
    names = ("analyse", "execute", "index", "optimise", "plan")
    assert pages == [f"{name}.en.html" for name in names]
    book = ledger(shop / NAME)
    assert list(book.targets["value"]) == [400_000]
    assert {"product.inventory", "channel.attribution"} <= set(book.actions["analysis"])
    whole = json.loads((small / "all.json").read_text(encoding="utf-8"))
    stages = {r["code"]: r["stage"] for r in whole["results"]}
    assert stages["store.target"] == "plan"
    decided = next(r for r in whole["results"] if r["code"] == "store.decide")
    seen = {row[decided["table"]["columns"].index("analysis")] for row in decided["table"]["rows"]}
    assert {"product.inventory", "channel.attribution"} <= seen
    assert (small / "tables" / "plan" / "store.target.csv").exists()
    index = (small / "reports" / "index.en.html").read_text(encoding="utf-8")
    for name in re.findall(r'href="([^"#]+)', index):
        assert (small / "reports" / name).exists()
    assert "index.en.html" in capsys.readouterr().out
    before = (small / "reports" / "optimise.en.html").read_bytes()
    assert main(command) == 0
    assert (small / "reports" / "optimise.en.html").read_bytes() == before
    assert len(ledger(shop / NAME).targets) == 1


def test_nothing_of_the_users_is_written_over(small, capsys):
    mine = small / "reports" / "plan.en.html"
    mine.parent.mkdir()
    mine.write_text("mine")
    assert main(["run", "all", "--data", "demo", "--lang", "en"]) == 4
    assert mine.read_text() == "mine"
    assert [p.name for p in mine.parent.iterdir()] == ["plan.en.html"]


def test_what_does_not_go_with_all_is_said(small, capsys):
    assert main(["run", "all", "--data", "demo", "--notebook", "x.ipynb", "--lang", "en"]) == 2
    assert "--notebook" in capsys.readouterr().err
    assert main(["run", "all", "--lang", "en"]) == 2
    assert "--data" in capsys.readouterr().err


def test_the_help_of_run_shows_how_to_run_all(capsys):
    for lang in ("zh", "en"):
        example = texts(lang)["run"]["also"]
        assert parser(lang).parse_args(example.split()[1:]).stage == "all"
        with pytest.raises(SystemExit):
            main(["run", "--help", "--lang", lang])
        assert example in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "zh", "en"),
    [
        (["run"], "缺少参数：STAGE", "missing arguments: STAGE"),
        (
            ["formats", "a", "--nosuch"],
            "不认识的参数：--nosuch",
            "unknown arguments: --nosuch",
        ),
        (["run", "plan", "--data"], "参数 --data 后面要跟一个值", "argument --data needs a value"),
        (
            ["simulate", "a", "b", "--seed", "x"],
            "参数 --seed 的值 'x' 不是整数",
            "is not a whole number",
        ),
        (["nosuch"], "参数 COMMAND 不能是 'nosuch'", "argument COMMAND cannot be 'nosuch'"),
    ],
)
def test_wrong_usage_is_told_in_the_readers_language(capsys, arguments, zh, en):
    for lang, text, head in (("zh", zh, "错误："), ("en", en, "error: ")):
        with pytest.raises(SystemExit) as ended:
            main([*arguments, "--lang", lang] if arguments[-1] != "--data" else
                 [arguments[0], "--lang", lang, *arguments[1:]])  # fmt: skip
        assert ended.value.code == 2
        said = capsys.readouterr().err
        assert text in said
        assert head in said
