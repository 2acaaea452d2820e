"""The command line as scripts and people use it: help, exit codes, nothing written over."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ecomops.base.options import options
from ecomops.cli import main
from ecomops.cli.parser import COMMANDS, texts

WORDS = {lang: texts(lang) for lang in ("zh", "en")}


@pytest.fixture(autouse=True)
def _same_language_after():
    before = options.lang
    yield
    options.lang = before


def helped(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--help"])
    assert ended.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_with_an_example(capsys, command, lang):
    text = helped(capsys, command, "--lang", lang)
    assert WORDS[lang][command]["help"] in text.replace("\n", " ")
    assert f"\n  ecomops {command}" in text
    assert WORDS[lang]["exits"] in text
    assert ("用法：" if lang == "zh" else "usage: ") in text
    assert text.count("用法：" if lang == "zh" else "usage: ") == 1


def test_the_package_is_the_command_too():
    """Truth: the exit code of wrong usage, which scripts rely on."""
    told = subprocess.run(
        [sys.executable, "-m", "ecomops", "--lang", "en"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (told.returncode, told.stdout.split()[:2]) == (2, ["usage:", "ecomops"])


def test_examples_in_help_are_commands_that_parse():
    from ecomops.cli.parser import parser

    for lang in ("zh", "en"):
        for command in COMMANDS:
            example = WORDS[lang][command]["example"].split()
            assert parser(lang).parse_args(example[1:]).command == command


@pytest.mark.parametrize(
    ("variables", "lang"),
    [({"LANG": "zh_CN.UTF-8"}, "zh"), ({"LC_ALL": "en_US", "LANG": "zh_CN"}, "en"), ({}, "en")],
)
def test_language_follows_the_system(monkeypatch, capsys, variables, lang):
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert WORDS[lang]["description"] in helped(capsys)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, ""),
        (["run", "analyse"], 2, "--data"),
        (["run", "analysee", "--data", "demo"], 2, "Did you mean 'analyse'"),
        (["check", "nosuch.csv"], 3, "nosuch.csv"),
        (["export", "nosuch.ipynb"], 3, "nosuch.ipynb"),
        (["lab", "nosuch"], 3, "nosuch"),
        (["simulate", "nosuch", "shop"], 2, "nosuch"),
    ],
)
def test_exit_codes(capsys, monkeypatch, tmp_path, arguments, code, said):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LANG", "en")
    assert main(arguments) == code
    streams = capsys.readouterr()
    assert said in streams.err
    assert "Traceback" not in streams.err + streams.out
    assert sorted(p.name for p in tmp_path.rglob("*.html")) == []


@pytest.mark.parametrize("own", ["", "4"])
def test_kernels_of_the_lab_solve_with_one_thread_unless_told_otherwise(tmp_path, own):
    """As the pages are made; a stand-in says what a kernel would find."""
    lab = tmp_path / "jupyterlab"
    lab.mkdir()
    (lab / "__init__.py").touch()
    told = "import os, sys; print(os.environ['OPENBLAS_NUM_THREADS'], *sys.argv[1:])"
    (lab / "__main__.py").write_text(told)
    code = "import sys; from ecomops.cli import main; sys.exit(main())"
    kept = {k: v for k, v in os.environ.items() if k != "OPENBLAS_NUM_THREADS"}
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])
    done = subprocess.run(
        [sys.executable, "-c", code, "lab", str(tmp_path), "--no-browser"],
        env=kept | {"PYTHONPATH": path} | ({"OPENBLAS_NUM_THREADS": own} if own else {}),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == f"{own or 1} {tmp_path} --no-browser"


def test_wrong_usage_ends_with_2(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["run"])
    assert ended.value.code == 2
    assert "STAGE" in capsys.readouterr().err


def test_the_unexpected_is_a_message_and_1(capsys, monkeypatch):
    from ecomops.cli import commands

    def broken(chosen):
        raise ZeroDivisionError

    monkeypatch.setattr(commands, "formats", broken)
    monkeypatch.delenv("ECOMOPS_DEBUG", raising=False)
    assert main(["formats", "--lang", "zh"]) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err
    monkeypatch.setenv("ECOMOPS_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        main(["formats"])


def test_new_writes_a_clean_notebook_once(tmp_path, capsys):
    import nbformat

    folder = tmp_path / "my shop"
    new = ["new", "analyse", str(folder), "--lang", "zh", "--currency", "CNY"]
    assert main(new) == 0
    book = nbformat.read(folder / "analyse.ipynb", as_version=4)
    nbformat.validate(book)
    cell = next(c for c in book.cells if "parameters" in c.metadata.get("tags", []))
    assert 'data = "data"' in cell.source
    assert 'currency = "CNY"' in cell.source
    assert [c.outputs for c in book.cells if c.cell_type == "code" and c.outputs] == []
    assert (folder / "data").is_dir()
    assert 'lang = "zh"' in (folder / ".ecomops.toml").read_text(encoding="utf-8")
    before = (folder / "analyse.ipynb").read_bytes()
    assert main(["new", "analyse", str(folder)]) == 4
    assert (folder / "analyse.ipynb").read_bytes() == before
    assert main(["new", "analyse", str(folder), "--lang", "en", "--force"]) == 0
    kept = (folder / ".ecomops.toml").read_text(encoding="utf-8")
    assert 'currency = "CNY"' in kept  # the answer given the first time
    assert (folder / "analyse.ipynb").read_bytes() != before


def test_export_makes_the_page_and_writes_over_its_own_only(tmp_path, capsys):
    from ecomops.report.build import notebooks_folder

    book = notebooks_folder() / "en" / "analyse.ipynb"
    page = tmp_path / "page.html"
    assert main(["export", str(book), "--out", str(page)]) == 0
    first = page.read_bytes()
    assert main(["export", str(book), "--out", str(page)]) == 0
    assert page.read_bytes() == first
    mine = tmp_path / "mine.html"
    mine.write_text("<p>mine</p>")
    assert main(["export", str(book), "--out", str(mine)]) == 4
    assert mine.read_text() == "<p>mine</p>"
    assert main(["export", str(book), "--out", str(mine), "--force"]) == 0
    assert mine.read_bytes() == first
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mine.html", "page.html"]


def test_a_notebook_that_was_not_run_is_refused(tmp_path, capsys):
    assert main(["new", "analyse", str(tmp_path)]) == 0
    assert main(["export", str(tmp_path / "analyse.ipynb"), "--lang", "en"]) == 3
    (tmp_path / "no.ipynb").write_text("{")
    assert main(["export", str(tmp_path / "no.ipynb"), "--lang", "en"]) == 3
    assert "no.ipynb is not a Jupyter notebook" in capsys.readouterr().err


def test_check_prints_the_quality_and_writes_it(tmp_path, capsys):
    out = tmp_path / "check.json"
    assert main(["check", "demo", "--lang", "zh", "--json", str(out)]) == 0
    assert "青禾衣铺" in capsys.readouterr().out
    written = json.loads(out.read_text(encoding="utf-8"))
    assert [each["code"] for each in written["results"]] == ["store.check"]


def test_formats_lists_the_layouts(capsys):
    assert main(["formats"]) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert {"uci_online_retail", "shopify_orders"} <= set(listed) | {"uci_online_retail"}
    assert listed == sorted(listed)


def test_simulate_takes_preset_and_folder_by_name(tmp_path, capsys):
    """Truth: what the same words say by place; without an intervention there are fewer orders."""
    small = ["--customers", "150", "--lang", "en"]
    named = ["--preset", "tiny", "--out", str(tmp_path / "named")]
    assert main(["simulate", *named, *small]) == 0
    assert main(["simulate", "tiny", str(tmp_path / "placed"), *small]) == 0
    twin = ["--without", "channel:直播", "--without", "promo:2025-11-11"]
    assert main(["simulate", "--preset", "tiny", str(tmp_path / "twin"), *twin, *small]) == 0
    whole, same, less = (
        pq.read_table(tmp_path / name / "orders.parquet") for name in ("named", "placed", "twin")
    )
    assert whole.equals(same)
    assert len(less) < len(whole)
    assert main(["simulate", "tiny", str(tmp_path / "no"), "--without", "promo:nope", *small]) == 2
    assert "no intervention 'promo:nope'" in capsys.readouterr().err
    assert main(["simulate", "nope", str(tmp_path / "no"), *small]) == 2
    assert "taste_of_home, tiny." in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["named", "placed", "twin"]


def test_simulate_then_check(tmp_path, capsys):
    folder = tmp_path / "shop"
    assert main(["simulate", "tiny", str(folder), "--customers", "150"]) == 0
    assert main(["check", str(folder)]) == 0
    assert main(["simulate", "tiny", str(folder)]) == 4


@pytest.mark.skipif(sys.platform == "win32", reason="rights are POSIX'")
def test_a_folder_without_rights_is_a_message(tmp_path, capsys):
    import os

    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    from ecomops.report.build import notebooks_folder

    tmp_path.chmod(0o500)
    book = notebooks_folder() / "en" / "analyse.ipynb"
    assert main(["export", str(book), "--out", str(tmp_path / "x" / "page.html")]) == 4
    tmp_path.chmod(0o700)


def test_a_closed_pipe_is_no_error():
    code = "import sys; from ecomops.cli import main; sys.exit(main(['formats']))"
    command = f'{sys.executable} -c "{code}" | head -n 1'
    run = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert run.stderr == ""
    assert run.stdout.count("\n") == 1


def test_formats_shows_evidence_and_where_columns_go(capsys):
    assert main(["formats", "--lang", "en"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert " A  Zhitongche account report · public source" in lines["ztc_account_2022"]
    assert "→" in lines["klaviyo_list"]
    assert main(["formats", "ztc_account_2022", "--lang", "en"]) == 0
    assert "ad_reports.impressions" in capsys.readouterr().out
    assert main(["formats", "ztc_acount_2022", "--lang", "en"]) == 2
    assert "ztc_account_2022" in capsys.readouterr().err
    assert main(["formats", "qqqq", "--lang", "en"]) == 2
    assert "Nearest name: —." in capsys.readouterr().err


def test_load_says_that_canonical_tables_need_no_loading(tmp_path, capsys):
    path = tmp_path / "orders.csv"
    path.write_text("order_id,paid_at,paid_amount\n1,2026-05-01,9.5\n", encoding="utf-8")
    for lang, said in (("zh", "不用再加载"), ("en", "needs no loading")):
        assert main(["load", str(path), "--lang", lang]) == 3
        assert said in capsys.readouterr().err
    assert main(["check", str(path)]) == 0
    path.write_text("order_id,weight\n1,9.5\n", encoding="utf-8")
    assert main(["load", str(path), "--lang", "en"]) == 3
    assert "needs no loading" not in capsys.readouterr().err


def test_load_reports_and_merges(tmp_path, capsys):
    rows = "Created date (UTC),Converted Amount,Fee,id\n2026-06-01 10:00:00,9.50,1,ch_1\n"
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "unified_payments.csv").write_text(rows, encoding="utf-8")
    told, page = tmp_path / "load.json", tmp_path / "load.html"
    arguments = ["load", str(tmp_path / "in"), "--into", str(tmp_path / "shop"), "--lang", "en"]
    arguments += ["--format", "stripe_payments", "--json", str(told), "--out", str(page)]
    assert main(arguments) == 0
    assert "merged into" in capsys.readouterr().out
    (result,) = json.loads(told.read_text(encoding="utf-8"))["results"]
    assert result["code"] == "store.load"
    assert "What was read from these exports?" in page.read_text(encoding="utf-8")
    assert (tmp_path / "shop" / "settlements.parquet").is_file()
    assert main(arguments) == 0
    assert "2 rows overlap" in capsys.readouterr().out
    assert main(["load", str(tmp_path / "nowhere"), "--lang", "zh"]) == 3
