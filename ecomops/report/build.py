"""Build the notebooks of the repository: ``python -m ecomops.report.build``.

Each ``notebooks/src/STAGE.py`` becomes ``notebooks/{zh,en}/STAGE.ipynb``, run on the demo shop.
The same sources and data give the same bytes.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ecomops.base.checks import choice
from ecomops.base.options import LANGUAGES
from ecomops.base.packaged import share
from ecomops.report.execute import run_all
from ecomops.report.source import notebook, write

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from nbformat import NotebookNode


def notebooks_folder() -> Path:
    """Return the folder of the notebooks, in the wheel or in the checkout."""
    return share("notebooks")


def stages() -> list[str]:
    """Return the stages that have a notebook."""
    return sorted(path.stem for path in (notebooks_folder() / "src").glob("*.py"))


def blank(stage: str, lang: str) -> NotebookNode:
    """Return the notebook of a stage without outputs; raise `OptionError` for no stage."""
    stage = {"analyze": "analyse", "optimize": "optimise"}.get(stage, stage)
    choice("stage", stage, stages())
    source = notebooks_folder() / "src" / f"{stage}.py"
    return notebook(source.read_text(encoding="utf-8"), lang)


def build(stage: str, target: Path, languages: Sequence[str] = LANGUAGES) -> list[Path]:
    """Build one stage into ``target/{zh,en}/STAGE.ipynb`` and return the paths."""
    runs = run_all([(lang, blank(stage, lang), {}) for lang in languages])
    paths = [target / lang / f"{stage}.ipynb" for lang in languages]
    for path, run in zip(paths, runs, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        write(run.book, path)
    return paths


def main() -> None:
    """Build every stage into the repository."""
    for stage in stages():
        for path in build(stage, notebooks_folder()):
            sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
