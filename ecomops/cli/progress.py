"""Progress of a run: bars in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ecomops.result.words import Words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from ecomops.report.execute import Progress


def step(call: str, lang: str) -> str:
    """Return the name of what a cell calls, in `lang`; empty when it is nothing to speak of."""
    if call == "open":
        return Words("report.cli", lang).say("opening_shop")
    found = Words("store.check" if call == "check" else call, lang).find("name")
    return found if isinstance(found, str) else ""


def counted(done: int, total: int) -> None:
    """Say how many of the steps are done: in place in a terminal, every tenth part elsewhere."""
    if sys.stdout.isatty():
        print(f"\r{done}/{total}", end="\n" if done == total else "", flush=True)
    elif done * 10 // total > (done - 1) * 10 // total:
        print(f"{done}/{total}", flush=True)


class Lines:
    """A line for each step, for files and pipes."""

    def __init__(self, lang: str) -> None:
        self.lang = lang

    def started(self, book: str, number: int, total: int, call: str) -> None:
        """Say nothing yet."""

    def finished(self, book: str, number: int, total: int, call: str, seconds: float) -> None:
        """Say which step ended."""
        name = step(call, self.lang)
        if name:
            said = Words("report.cli", self.lang)
            text = said.say("done", number=number, total=total, name=name, seconds=seconds)
            print(f"{book} {text}".strip(), flush=True)


class Terminal:
    """One bar per notebook."""

    def __init__(self, bars: Bars, books: Sequence[str], lang: str) -> None:
        self.bars, self.lang = bars, lang
        opening = Words("report.cli", lang).say("opening")
        self.tasks: dict[str, TaskID] = {
            book: bars.add_task(opening, total=None, book=book) for book in books
        }

    def started(self, book: str, number: int, total: int, call: str) -> None:
        """Name the step that runs."""
        name = step(call, self.lang) or None
        self.bars.update(self.tasks[book], total=total, completed=number - 1, description=name)

    def finished(self, book: str, number: int, total: int, call: str, seconds: float) -> None:  # noqa: ARG002
        """Move the bar."""
        self.bars.update(self.tasks[book], completed=number)


@contextmanager
def progress(books: Sequence[str], lang: str) -> Iterator[Progress]:
    """Return what tells of a run while it lasts."""
    if not sys.stdout.isatty():
        print(Words("report.cli", lang).say("opening"), flush=True)
        yield Lines(lang)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.fields[book]}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Bars(*columns) as bars:
        yield Terminal(bars, books, lang)
