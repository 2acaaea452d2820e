"""Run a notebook: parameters in, an executed notebook out, progress on the way."""

from __future__ import annotations

import asyncio
import copy
import os
import re
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from ecomops.base import errors
from ecomops.base.options import ONE_THREAD
from ecomops.report.source import settle
from ecomops.result.html import RESULT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbformat import NotebookNode

_CALL = re.compile(r"\b(?:eo|shop)\.((?:\w+\.)?\w+)\(")
COLLECT = "from ecomops.report.handover import Handover\nHandover(Out)"
CLASSES = {
    kind.__name__: kind
    for kind in (errors.DataError, errors.MissingError, errors.OptionError, errors.UnsafeError)
}


class Progress(Protocol):
    """What `run` tells about: the cell that starts and, at its end, the seconds it took."""

    def started(self, book: str, number: int, total: int, call: str) -> None:
        """Say that code cell `number` of `total` starts; `call` names what it calls."""

    def finished(self, book: str, number: int, total: int, call: str, seconds: float) -> None:
        """Say that it ended."""


class RunError(errors.EcomopsError):
    """A cell failed; `kind` is the class of the error inside, `text` what it said."""

    def __init__(self, kind: str, text: str, call: str) -> None:
        self.kind, self.text = kind, text
        super().__init__("cell_failed", kind=kind, text=text, call=call)

    def message(self, lang: str | None = None) -> str:
        """Return the message of the error inside; it already teaches when it is one of ours."""
        return self.text if self.kind in CLASSES else super().message(lang)


@dataclass(frozen=True)
class Run:
    """An executed notebook, and its results with all their rows."""

    book: NotebookNode
    results: list[dict[str, Any]]


def parametrised(book: NotebookNode, parameters: Mapping[str, object]) -> NotebookNode:
    """Return a copy of `book` with `parameters` in a cell behind the one tagged ``parameters``.

    Its tag is ``injected-parameters`` as papermill's, so that either tool runs the notebook.
    """
    book = copy.deepcopy(book)
    tagged = [[*cell.metadata.get("tags", [])] for cell in book.cells]
    book.cells = [
        c for c, tags in zip(book.cells, tagged, strict=True) if "injected-parameters" not in tags
    ]
    if not parameters:
        return book
    at = next(
        (i + 1 for i, c in enumerate(book.cells) if "parameters" in c.metadata.get("tags", [])), 0
    )
    lines = "\n".join(f"{name} = {value!r}" for name, value in parameters.items())
    metadata = {"tags": ["injected-parameters"]}
    cell = nbformat.v4.new_code_cell(f"# Parameters\n{lines}", id="parameters", metadata=metadata)
    book.cells.insert(at, cell)
    return book


def call_of(source: str) -> str:
    """Return what a cell calls of the library, such as ``customer.rfm``; empty when nothing.

    >>> call_of("eo.customer.rfm(shop.orders)"), call_of("x = 1")
    ('customer.rfm', '')
    """
    found = _CALL.findall(source)
    return found[0] if found else ""


def run(
    book: NotebookNode,
    *,
    parameters: Mapping[str, object] | None = None,
    folder: str | Path = ".",
    progress: Progress | None = None,
) -> Run:
    """Run a notebook in a kernel of its own and return it executed, with its results.

    `parameters` replace those of its cell ``parameters``; relative paths start at `folder`.

    Raises `RunError` when a cell fails.
    """
    return run_all([("", book, parameters or {})], folder=folder, progress=progress)[0]


def run_all(
    books: Sequence[tuple[str, NotebookNode, Mapping[str, object]]],
    *,
    folder: str | Path = ".",
    progress: Progress | None = None,
) -> list[Run]:
    """Run several notebooks side by side, each given as name, notebook and parameters."""
    runs = run_chains([[book] for book in books], folder=folder, progress=progress)
    return [run for (run,) in runs]


def run_chains(
    chains: Sequence[Sequence[tuple[str, NotebookNode, Mapping[str, object]]]],
    *,
    folder: str | Path = ".",
    progress: Progress | None = None,
) -> list[list[Run]]:
    """Run chains of notebooks side by side, the notebooks of each chain one after the other."""

    async def one(chain: Sequence[tuple[str, NotebookNode, Mapping[str, object]]]) -> list[Run]:
        return [await _execute(name, parametrised(b, p), folder, progress) for name, b, p in chain]

    async def together() -> list[list[Run]]:
        tasks = [asyncio.create_task(one(chain)) for chain in chains]
        await asyncio.gather(*tasks, return_exceptions=True)
        return [task.result() for task in tasks]

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(together())
    # inside JupyterLab a loop runs already: a thread may have one of its own
    with ThreadPoolExecutor(1) as apart:
        return apart.submit(asyncio.run, together()).result()


async def _execute(
    name: str, book: NotebookNode, folder: str | Path, progress: Progress | None
) -> Run:
    # after the last cell the kernel hands over its results: the notebook itself keeps few rows
    book.cells.append(nbformat.v4.new_code_cell(COLLECT, id="collect"))
    with tempfile.TemporaryDirectory(prefix="ecomops-", ignore_cleanup_errors=True) as sockets:
        kernel = _kernel(sockets)
        await kernel.start_kernel(cwd=str(folder), env=_environment())
        client = NotebookClient(book, km=kernel, timeout=None, **_hooks(name, book, progress))
        try:
            await client.async_execute()
        except CellExecutionError as error:
            raise _failed(book) or RunError(error.ename, error.evalue, "") from None
        finally:
            if client.kc is not None:
                client.kc.stop_channels()
            await kernel.shutdown_kernel(now=True)
    if failed := _failed(book):
        raise failed
    (handed,) = book.cells.pop().outputs
    return Run(settle(book), handed["data"][RESULT]["results"])


def _kernel(sockets: str) -> AsyncKernelManager:
    if os.name == "nt":
        return AsyncKernelManager(kernel_name="python3")
    # sockets in a folder of their own: TCP ports would warn on every run and be open to the machine
    return AsyncKernelManager(kernel_name="python3", transport="ipc", ip=str(Path(sockets) / "k"))


def _environment() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return ONE_THREAD | kept | {"PYDEVD_DISABLE_FILE_VALIDATION": "1", "MPLBACKEND": "agg"}


def _hooks(name: str, book: NotebookNode, progress: Progress | None) -> dict[str, Any]:
    if progress is None:
        return {}
    code = [i for i, cell in enumerate(book.cells) if cell.cell_type == "code"][:-1]
    begun: dict[int, float] = {}

    def start(cell: NotebookNode, cell_index: int) -> None:
        if cell_index not in code:
            return
        begun[cell_index] = time.perf_counter()
        progress.started(name, code.index(cell_index) + 1, len(code), call_of(cell.source))

    def end(cell: NotebookNode, cell_index: int, execute_reply: object) -> None:  # noqa: ARG001
        if cell_index not in code:
            return
        took = time.perf_counter() - begun[cell_index]
        progress.finished(name, code.index(cell_index) + 1, len(code), call_of(cell.source), took)

    # nbclient counts code cells only through these two hooks
    return {"on_cell_execute": start, "on_cell_executed": end}


def _failed(book: NotebookNode) -> RunError | None:
    """Return the error that a cell shows: kernels need not answer that showing a result failed."""
    cells = (c for c in book.cells if "raises-exception" not in c.metadata.get("tags", ()))
    said = ((o, c.source) for c in cells for o in c.get("outputs", ()) if "ename" in o)
    return next((RunError(o.ename, o.evalue, call_of(source)) for o, source in said), None)
