"""Read the results back from an executed notebook."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ecomops.report.lean import themed
from ecomops.result.html import RESULT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nbformat import NotebookNode

_BODY = re.compile(
    r'^\s*<div class="ecomops[^>]*>\s*(?:<style>.*?</style>)?(.*)</div>\s*$', re.DOTALL
)
SHOWN = ("text/html", "image/svg+xml", "image/png", "image/jpeg", "text/markdown", "text/plain")


@dataclass(frozen=True)
class Part:
    """One thing on a page: a result with its HTML, or what the notebook's author added.

    `kind` is "result", "markdown" or a MIME type of `SHOWN`; `source` is the code behind a result.
    """

    kind: str
    text: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""

    @property
    def code(self) -> str:
        """The analysis a result comes from, such as ``customer.rfm``."""
        return str(self.facts.get("code", ""))

    @property
    def locked(self) -> bool:
        """Whether the result says what is missing instead of an answer."""
        return any(not need["have"] for need in self.facts.get("missing", ()))


def parts(book: NotebookNode) -> list[Part]:
    """Return what an executed notebook shows, in order.

    Guide cells (the notebook's own explanations) and plain assignments show nothing.
    """
    found: list[Part] = []
    for cell in book.cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "markdown" and "guide" not in tags and cell.source.strip():
            found.append(Part("markdown", cell.source))
        elif cell.cell_type == "code":
            found += [part for output in cell.outputs if (part := _part(output, cell.source))]
    return found


def _part(output: NotebookNode, source: str) -> Part | None:
    bundle = output.get("data", {})
    facts = bundle.get(RESULT)
    if facts:
        return Part("result", body(bundle.get("text/html", "")), facts, source)
    kind = next((kind for kind in SHOWN if kind in bundle), None)
    return Part(kind, "".join(bundle[kind]), source=source) if kind else None


def cover(found: Iterable[Part]) -> Mapping[str, Any]:
    """Return the facts of the cover among parts; empty where there is none."""
    return next((part.facts for part in found if part.code == "report.cover"), {})


def body(fragment: str) -> str:
    """Return the inside of a result's HTML: pages bring their own style sheet.

    >>> body('<div class="ecomops" lang="en"><style>p{}</style><p>12</p></div>')
    '<p>12</p>'
    """
    match = _BODY.match(fragment)
    return themed(match[1].strip() if match else fragment)


def results(book: NotebookNode) -> list[dict[str, Any]]:
    """Return every result of an executed notebook as data, in order, without the cover."""
    facts = [dict(part.facts) for part in parts(book) if part.kind == "result"]
    return [fact for fact in facts if not fact["code"].startswith("report.")]
