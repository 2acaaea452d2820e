"""All stages in order: pages that link to each other, handed over through one ledger."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecomops.base.errors import OptionError
from ecomops.base.options import LANGUAGES, options
from ecomops.cli.files import as_json, guard, write
from ecomops.cli.progress import progress
from ecomops.cli.said import say

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping, Sequence

    from ecomops.report.execute import Run

ALL = "all"
LEDGER = "ledger.sqlite"


def demo(chosen: Namespace) -> list[Path]:
    """Run every stage on the demo shop, in both languages side by side; return the pages."""
    folder = Path(chosen.out)
    parameters = {"ledger": str(folder / LEDGER)}
    pages = _pages(folder, LANGUAGES, force=chosen.force)
    _written(_run(LANGUAGES, parameters), pages)
    return [pages[lang]["index"] for lang in LANGUAGES]


def every(chosen: Namespace, parameters: Mapping[str, object]) -> list[Path]:
    """Run every stage on one's own data; return what was written, the index first."""
    from ecomops.report import tables

    if chosen.notebook:
        raise OptionError("not_with_all", option="--notebook")
    folder, lang = Path(chosen.out or "reports"), options.lang
    if parameters["data"] == "demo":  # it has no folder of its own to keep a ledger in
        parameters = {**parameters, "ledger": str(folder / LEDGER)}
    pages = _pages(folder, (lang,), force=chosen.force)
    data = guard(chosen.json, force=chosen.force) if chosen.json else None
    runs = _run((lang,), parameters)
    sheets = {
        Path(chosen.tables) / stage / f"{name}.csv": text
        for stage, run in runs[lang].items()
        for name, text in tables.sheets(run.results).items()
    } if chosen.tables else {}  # fmt: skip
    for path in sheets:
        guard(path, force=chosen.force)
    _written(runs, pages)
    for path, text in sheets.items():
        write(path, "\ufeff" + text)
    if data:
        results = [r | {"stage": stage} for stage, run in runs[lang].items() for r in run.results]
        write(data, as_json(ALL, results, runs[lang]["analyse"].book))
    return [*pages[lang].values(), *([data] if data else []), *sheets]


def _pages(folder: Path, languages: Sequence[str], *, force: bool) -> dict[str, dict[str, Path]]:
    """Return language -> stage (and "index") -> page, checked before the work starts."""
    from ecomops.report.render import STAGES

    return {
        lang: {
            stage: guard(folder / f"{stage}.{lang}.html", force=force)
            for stage in ("index", *STAGES)
        }
        for lang in languages
    }


def _run(languages: Sequence[str], parameters: Mapping[str, object]) -> dict[str, dict[str, Run]]:
    """Run the stages of each language one after the other, the languages side by side."""
    from ecomops.report.build import blank
    from ecomops.report.execute import run_chains
    from ecomops.report.render import STAGES

    chains: list[Any] = [
        [(say("stages", lang, s), blank(s, lang), {**parameters, "lang": lang}) for s in STAGES]
        for lang in languages
    ]
    with progress([name for chain in chains for name, *_ in chain], options.lang) as told:
        done = run_chains(chains, progress=told)
    return {
        lang: dict(zip(STAGES, runs, strict=True))
        for lang, runs in zip(languages, done, strict=True)
    }


def _written(
    runs: Mapping[str, Mapping[str, Run]], pages: Mapping[str, Mapping[str, Path]]
) -> None:
    from ecomops.report.home import home
    from ecomops.report.render import page

    for lang, mine in pages.items():
        links = {stage: path.name for stage, path in mine.items()}
        other = next((each for each in pages if each != lang), None)
        siblings = {stage: path.name for stage, path in pages[other].items()} if other else {}
        books = {stage: run.book for stage, run in runs[lang].items()}
        for stage, book in books.items():
            beside = siblings.get(stage, "")
            write(mine[stage], page(book, stage=stage, lang=lang, sibling=beside, links=links))
        write(mine["index"], home(books, links=links, lang=lang, sibling=siblings.get("index", "")))
