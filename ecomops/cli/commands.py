"""What each command does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecomops import __version__
from ecomops.base.checks import choice
from ecomops.base.errors import MissingError, OptionError
from ecomops.base.options import LANGUAGES, options
from ecomops.cli.files import guard, write

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping

    from nbformat import NotebookNode

ANSWERS = ".ecomops.toml"
KEPT = ("data", "format", "currency", "timezone")


def say(*path: str, **values: object) -> str:
    """Return a sentence of the command line in the session's language."""
    from ecomops.result.words import Words

    return Words("report.cli", options.lang).say(*path, **values)


def demo(chosen: Namespace) -> None:
    """Run the Analyse stage on the demo shop in both languages at once."""
    from ecomops.cli.progress import progress
    from ecomops.report.execute import run_all
    from ecomops.report.render import page

    folder = Path(chosen.out)
    out = {lang: guard(folder / f"analyse.{lang}.html", force=chosen.force) for lang in LANGUAGES}
    with progress(LANGUAGES, options.lang) as told:
        runs = run_all([(lang, blank("analyse", lang), {}) for lang in LANGUAGES], progress=told)
    for (lang, path), done in zip(out.items(), runs, strict=True):
        other = next(each.name for each in out.values() if each != path)
        write(path, page(done.book, lang=lang, sibling=other))
    print(say("reports"))
    print("\n".join(str(path) for path in out.values()))


def blank(stage: str, lang: str) -> NotebookNode:
    """Return the notebook of a stage without outputs."""
    from ecomops.report.build import notebooks_folder, stages
    from ecomops.report.source import notebook

    stage = {"analyze": "analyse", "optimize": "optimise"}.get(stage, stage)
    choice("stage", stage, stages())
    source = (notebooks_folder() / "src" / f"{stage}.py").read_text(encoding="utf-8")
    return notebook(source, lang)


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
    from ecomops.report.source import write as write_notebook

    folder = Path(chosen.dest)
    book = blank(chosen.stage, options.lang)
    path = guard(folder / f"{chosen.stage}.ipynb", force=chosen.force)
    settings = {"data": "data"} | told(chosen, folder)
    cell = next(c for c in book.cells if "parameters" in c.metadata.get("tags", []))
    cell.source = "\n".join(_assigned(line, settings) for line in cell.source.splitlines())
    write_notebook(book, path)
    rows = {"stage": chosen.stage, "lang": options.lang} | settings
    text = "".join(
        f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in rows.items()
    )
    write(folder / ANSWERS, text)
    if settings["data"] == "data":
        (folder / "data").mkdir(exist_ok=True)
    print(say("wrote", path=str(path)))
    if settings["data"] == "data":
        print(say("next_new", data=str(folder / "data"), folder=str(folder)))


def _assigned(line: str, settings: Mapping[str, str]) -> str:
    name = line.partition(" = ")[0]
    return (
        f"{name} = {json.dumps(settings[name], ensure_ascii=False)}" if name in settings else line
    )


def lab(chosen: Namespace) -> int:
    """Open JupyterLab in a folder."""
    folder = Path(chosen.folder)
    if not folder.is_dir():
        raise MissingError("no_such_file", path=str(folder))
    print(say("opening_lab"), flush=True)
    command = [sys.executable, "-m", "jupyterlab", str(folder)]
    command += ["--no-browser"] if chosen.no_browser else []
    return subprocess.run(command, check=False).returncode  # noqa: S603


def check(chosen: Namespace) -> None:
    """Print the quality of data."""
    import ecomops as eo
    from ecomops.cli.text import printed

    out = guard(chosen.json, force=chosen.force) if chosen.json else None
    shop = eo.open(
        chosen.path, format=chosen.format, currency=chosen.currency, timezone=chosen.timezone
    )
    result = shop.check(lang=options.lang)
    for label, text in eo.report.cover(shop, lang=options.lang).facts():
        print(f"{label}: {text}" if options.lang == "en" else f"{label}：{text}")
    printed(result)
    if out:
        write(out, as_json("check", {}, [result.to_dict()]))
        print(say("wrote", path=str(out)))


def as_json(stage: str, cover: Mapping[str, Any], results: list[dict[str, Any]]) -> str:
    """Return results as JSON text; the same results give the same bytes."""
    whole: dict[str, Any] = {"generator": "ecomops", "version": __version__, "stage": stage}
    whole |= {"cover": cover, "results": results}
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"


def run(chosen: Namespace) -> None:
    """Run a stage, or a notebook, on data and write its page."""
    from ecomops.cli.progress import progress
    from ecomops.report.execute import run_all
    from ecomops.report.render import read
    from ecomops.report.source import write as write_notebook

    own = chosen.stage.endswith(".ipynb")
    stage = Path(chosen.stage).stem if own else chosen.stage
    folder = Path(chosen.stage).parent if own else Path()
    book = read(chosen.stage) if own else blank(stage, options.lang)
    parameters = told(chosen, folder) if not own else told(chosen, Path(os.devnull))
    if "data" not in parameters and not own:
        raise OptionError("no_data", stage=stage)
    if "data" in parameters and own:
        parameters["data"] = _seen_from(parameters["data"], folder)
    out = _targets(chosen, Path("reports") / f"{stage}.{options.lang}.html")
    with progress([""], options.lang) as tells:
        (done,) = run_all(
            [("", book, parameters | ({} if own and not chosen.lang else {"lang": options.lang}))],
            folder=folder,
            progress=tells,
        )
    if chosen.notebook:
        write_notebook(done.book, out["notebook"])
    _written(done.book, stage, out, done.results)


def _seen_from(data: str, folder: Path) -> str:
    return os.path.relpath(data, folder) if Path(data).exists() else data


def _targets(chosen: Namespace, default: Path) -> dict[str, Path]:
    """Return every file that will be written, checked before the work starts."""
    wanted = {"out": chosen.out or default, "json": chosen.json, "notebook": chosen.notebook}
    out = {kind: guard(path, force=chosen.force) for kind, path in wanted.items() if path}
    if chosen.tables:
        out["tables"] = guard(Path(chosen.tables) / "x.csv", force=True).parent
        for path in out["tables"].glob("*.csv"):
            guard(path, force=chosen.force)
    return out


def _written(
    book: NotebookNode, stage: str, out: Mapping[str, Path], results: list[dict[str, Any]]
) -> None:
    from ecomops.report import bundle, tables
    from ecomops.report.render import page

    write(out["out"], page(book, stage=stage))
    if "json" in out:
        cover = next((p.facts for p in bundle.parts(book) if p.code == "report.cover"), {})
        write(out["json"], as_json(stage, cover, results))
    if "tables" in out:
        for name, text in tables.sheets(results).items():
            write(out["tables"] / f"{name}.csv", "\ufeff" + text)
    for path in dict.fromkeys(out.values()):
        print(say("wrote", path=str(path)))


def export(chosen: Namespace) -> None:
    """Render an executed notebook as a page."""
    from ecomops.report.render import export as render

    path = Path(chosen.notebook)
    text = render(path)
    out = guard(chosen.out or path.with_suffix(".html"), force=chosen.force)
    write(out, text)
    print(say("wrote", path=str(out)))


def load(chosen: Namespace) -> None:
    """Say what each export file holds and, with a folder to write to, keep its canonical tables."""
    import ecomops as eo
    from ecomops.cli.text import listed
    from ecomops.data import formats
    from ecomops.data.tables import engine

    found = formats.load(
        Path(chosen.path), con=engine(), format=chosen.format, timezone=chosen.timezone
    )
    rows = [(f.name, f.format or "—", f"{f.rows:,}", f.status, f.reason) for f in found.files]
    listed(
        [
            str(say("load", "columns", part))
            for part in ("file", "layout", "rows", "status", "reason")
        ],
        rows,
    )
    if not chosen.dest:
        return
    shop = eo.open(
        chosen.path, format=chosen.format, currency=chosen.currency, timezone=chosen.timezone
    )
    folder = Path(chosen.dest)
    out = {name: guard(folder / f"{name}.parquet", force=chosen.force) for name in shop.tables}
    toml = guard(folder / "shop.toml", force=chosen.force)
    for name, path in out.items():
        shop.tables[name].to_parquet(path)
    facts = {"name": shop.name, "currency": shop.currency, "timezone": shop.timezone}
    write(toml, "".join(f"{k} = {json.dumps(v, ensure_ascii=False)}\n" for k, v in facts.items()))
    print(say("wrote", path=str(folder)))


def simulate(chosen: Namespace) -> None:
    """Write a synthetic shop and the truth about it."""
    from ecomops.sim import simulate as written

    folder = written(
        chosen.preset,
        Path(chosen.dest),
        seed=chosen.seed,
        customers=chosen.customers,
        workers=chosen.workers,
    )
    print(say("wrote", path=str(folder)))


def formats(chosen: Namespace) -> None:  # noqa: ARG001
    """List the layouts that can be read."""
    from ecomops.data.formats import formats as known

    for name, layout in sorted(known().items()):
        print(f"{name:34} {getattr(layout, options.lang, '')}".rstrip())
