"""What each command does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from signal import SIGTERM, default_int_handler, signal
from typing import TYPE_CHECKING

from ecomops.base import checks
from ecomops.base.errors import MissingError, OptionError
from ecomops.base.options import ONE_THREAD, options
from ecomops.cli.files import as_json, guard, guarded, write
from ecomops.cli.said import say

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping

    from nbformat import NotebookNode

ANSWERS = ".ecomops.toml"
KEPT = ("data", "format", "currency", "timezone")


def demo(chosen: Namespace) -> None:
    """Run all stages on the demo shop in both languages at once."""
    from ecomops.cli import stages

    print(say("reports"), *stages.demo(chosen), sep="\n")


def answers(folder: Path) -> dict[str, str]:
    """Return what `ecomops new` was told for this folder."""
    file = folder / ANSWERS
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def told(chosen: Namespace, folder: Path) -> dict[str, str]:
    """Return the parameters given now, else those kept in the folder."""
    kept = answers(folder)
    given = {name: getattr(chosen, name, None) or kept.get(name) for name in KEPT}
    return {name: value for name, value in given.items() if value}


def new(chosen: Namespace) -> None:
    """Write a clean notebook, a place for the data and the answers given."""
    from ecomops.report.build import blank
    from ecomops.report.source import write as write_notebook

    folder = Path(chosen.dest)
    book = blank(chosen.stage, options.lang)
    path = guard(folder / f"{chosen.stage}.ipynb", force=chosen.force)
    settings = {"data": "data"} | told(chosen, folder)
    cell = next(c for c in book.cells if "parameters" in c.metadata.get("tags", []))
    cell.source = "\n".join(_assigned(line, settings) for line in cell.source.splitlines())
    write_notebook(book, path)
    rows = {"stage": chosen.stage, "lang": options.lang} | settings
    text = "".join(f"{k} = {json.dumps(v, ensure_ascii=False)}\n" for k, v in rows.items())
    write(folder / ANSWERS, text)
    print(say("wrote", path=str(path)))
    if settings["data"] == "data":
        (folder / "data").mkdir(exist_ok=True)
        print(say("next_new", data=str(folder / "data"), folder=str(folder)))


def _assigned(line: str, settings: Mapping[str, str]) -> str:
    name = line.partition(" = ")[0]
    return (
        f"{name} = {json.dumps(settings[name], ensure_ascii=False)}" if name in settings else line
    )


def lab(chosen: Namespace) -> int:
    """Open JupyterLab in a folder."""
    if not Path(chosen.folder).is_dir():
        raise MissingError("no_such_file", path=chosen.folder)
    print(say("opening_lab"), flush=True)
    command = [sys.executable, "-m", "jupyterlab", chosen.folder]
    command += ["--no-browser"] * chosen.no_browser
    return subprocess.call(command, env=ONE_THREAD | os.environ)  # noqa: S603


def check(chosen: Namespace) -> None:
    """Print the quality of data."""
    import ecomops as eo
    from ecomops.cli.text import printed

    out = guarded({"json": chosen.json}, force=chosen.force)
    shop = eo.open(
        chosen.path, format=chosen.format, currency=chosen.currency, timezone=chosen.timezone
    )
    result = shop.check(lang=options.lang)
    for label, text in eo.report.cover(shop, lang=options.lang).facts():
        print(f"{label}: {text}" if options.lang == "en" else f"{label}：{text}")
    printed(result)
    for path in out.values():
        write(path, as_json("check", [result.to_dict()]))
        print(say("wrote", path=str(path)))


def run(chosen: Namespace) -> None:
    """Run a stage, all of them or a notebook of one's own on data, and write the pages."""
    from ecomops.cli.stages import ALL, every
    from ecomops.report.build import blank
    from ecomops.report.render import STAGES

    stage = chosen.stage
    if stage.endswith(".ipynb"):
        _run_own(chosen, Path(stage))
        return
    checks.choice("stage", stage, (*STAGES, ALL, "*.ipynb"))
    parameters = told(chosen, Path())
    if "data" not in parameters:
        raise OptionError("no_data", stage=stage)
    if stage == ALL:
        for path in every(chosen, parameters):
            print(say("wrote", path=str(path)))
        return
    _executed(chosen, stage, blank(stage, options.lang), parameters | {"lang": options.lang})


def _run_own(chosen: Namespace, path: Path) -> None:
    """Run a notebook as it is, where it lies, with the parameters that were given."""
    from ecomops.report.render import read

    book = read(path)
    parameters = told(chosen, Path(os.devnull)) | ({"lang": chosen.lang} if chosen.lang else {})
    if (data := parameters.get("data")) and Path(data).exists():
        parameters["data"] = os.path.relpath(data, path.parent)
    _executed(chosen, path.stem, book, parameters, path.parent)


def _executed(
    chosen: Namespace,
    stage: str,
    book: NotebookNode,
    parameters: Mapping[str, str],
    folder: Path = Path(),
) -> None:
    from ecomops.cli.progress import progress
    from ecomops.report import tables
    from ecomops.report.execute import run_all
    from ecomops.report.render import page
    from ecomops.report.source import write as write_notebook

    out = _targets(chosen, Path("reports") / f"{stage}.{options.lang}.html")
    with progress([""], options.lang) as tells:
        (done,) = run_all([("", book, parameters)], folder=folder, progress=tells)
    if chosen.notebook:
        write_notebook(done.book, out["notebook"])
    write(out["out"], page(done.book, stage=stage))
    if "json" in out:
        write(out["json"], as_json(stage, done.results, done.book))
    if "tables" in out:
        for name, text in tables.sheets(done.results).items():
            write(out["tables"] / f"{name}.csv", "\ufeff" + text)
    for path in dict.fromkeys(out.values()):
        print(say("wrote", path=str(path)))


def _targets(chosen: Namespace, default: Path) -> dict[str, Path]:
    """Return every file that will be written, checked before the work starts."""
    wanted = {"out": chosen.out or default, "json": chosen.json, "notebook": chosen.notebook}
    out = guarded(wanted, force=chosen.force)
    if chosen.tables:
        out["tables"] = guard(Path(chosen.tables) / "x.csv", force=True).parent
        for path in out["tables"].glob("*.csv"):
            guard(path, force=chosen.force)
    return out


def decide(chosen: Namespace) -> None:
    """List the advice in a shop's ledger that is open, or write what was decided about one."""
    import ecomops as eo
    from ecomops.cli.text import advised

    # the ledger lies beside the data, which `ecomops new` puts one folder deeper
    shop = eo.open(str(Path(chosen.path) / answers(Path(chosen.path)).get("data", "")))
    book = eo.report.ledger(shop, path=chosen.ledger)
    if not (chosen.action or chosen.accept or chosen.reject):
        advised([(book.find(each), each) for each in book.proposals()], book.currency)
        return
    if chosen.accept == chosen.reject:
        raise OptionError("accept_or_reject", action=chosen.action)
    book.decide(chosen.action or "", accepted=chosen.accept, owner=chosen.owner, note=chosen.note)
    print(say("decisions", "written"))


def export(chosen: Namespace) -> None:
    """Render an executed notebook as a page."""
    from ecomops.report.render import export as render

    path = Path(chosen.notebook)
    text = render(path)
    out = guard(chosen.out or path.with_suffix(".html"), force=chosen.force)
    write(out, text)
    print(say("wrote", path=str(out)))


def load(chosen: Namespace) -> None:
    """Say what export files hold and, with a folder, merge them into the shop that lives there."""
    import ecomops as eo
    from ecomops.cli.text import printed
    from ecomops.report.single import single

    out = guarded({"page": chosen.out, "json": chosen.json}, force=chosen.force)
    report = eo.load(
        chosen.path, format=chosen.format, into=chosen.into or chosen.dest,
        timezone=chosen.timezone, keep_personal=chosen.keep_personal, lang=options.lang,
    )  # fmt: skip
    printed(report, report.headline())
    if "page" in out:
        write(out["page"], single(report))
    if "json" in out:
        write(out["json"], as_json("load", [report.to_dict()]))
    for path in out.values():
        print(say("wrote", path=str(path)))


def simulate(chosen: Namespace) -> None:
    """Write a synthetic shop and the truth about it; preset and folder in either way of saying."""
    from ecomops.cli.progress import counted
    from ecomops.sim import simulate as written

    signal(SIGTERM, default_int_handler)
    said = [word for word in (chosen.preset, chosen.dest) if word]
    preset = chosen.named or (said.pop(0) if said else "tiny")
    folder = written(
        preset,
        Path(chosen.out or (said[0] if said else preset)),
        seed=chosen.seed,
        without=chosen.without,
        customers=chosen.customers,
        workers=chosen.workers,
        progress=counted,
    )
    print(say("wrote", path=str(folder)))


def formats(chosen: Namespace) -> None:
    """List the layouts that can be read, or the columns of one with where each goes."""
    from ecomops.cli.text import listed
    from ecomops.data.formats import format_of
    from ecomops.data.formats import formats as known
    from ecomops.data.lists import LISTS

    if chosen.name:
        layout = format_of(chosen.name)
        print(f"{layout.id}: {getattr(layout, options.lang)} ({layout.confidence})")
        print(layout.evidence)
        heads = [str(say("formats", "columns", part)) for part in ("column", "place")]
        listed(heads, [(header, layout.place(header)) for header in layout.headers])
        return
    rows = [(n, f.confidence, getattr(f, options.lang), f.evidence) for n, f in known().items()]
    rows += [(n, "→", getattr(s, options.lang), s.evidence) for n, s in LISTS.items()]
    for name, sure, title, evidence in sorted(rows):
        print(f"{name:34} {sure}  {title} · {evidence}".removesuffix(" · "))
