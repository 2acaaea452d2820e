"""Notebooks from their percent-format source: one file holds the Chinese and the English text."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import nbformat

from ecomops.base.options import LANGUAGES
from ecomops.report.lean import lean
from ecomops.result.html import RESULT, VIEW, css

if TYPE_CHECKING:
    from pathlib import Path

HEAD = re.compile(r"^# %%(?P<kind> \[markdown\])?(?: tags=(?P<tags>\[.*\]))?$")
LANGUAGE = {"name": "python"}
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
_SLOT = re.compile(r'"@(\d+)@"')


def cells(source: str) -> list[dict[str, Any]]:
    r"""Return the cells of a percent-format script: kind, tags, text.

    >>> [cell["text"] for cell in cells("# %% [markdown]\n# # Title\n# %%\nimport ecomops as eo")]
    ['# Title', 'import ecomops as eo']
    """
    found: list[dict[str, Any]] = []
    for line in source.splitlines():
        head = HEAD.match(line)
        if head:
            kind = "markdown" if head["kind"] else "code"
            found.append({"kind": kind, "tags": json.loads(head["tags"] or "[]"), "text": []})
        elif found:
            found[-1]["text"].append(
                re.sub(r"^# ?", "", line) if found[-1]["kind"] == "markdown" else line
            )
    return [cell | {"text": "\n".join(cell["text"]).strip()} for cell in found]


def notebook(source: str, lang: str) -> nbformat.NotebookNode:
    """Return the notebook of `source` in one language, without outputs.

    Cells tagged with the other language are left out. Markdown cells keep the tag ``guide``: they
    explain the notebook, and the exported page, which explains itself, leaves them out.
    """
    book: nbformat.NotebookNode = nbformat.v4.new_notebook(
        metadata={"kernelspec": KERNEL, "language_info": LANGUAGE, "ecomops": {"lang": lang}}
    )
    other = set(LANGUAGES) - {lang}
    for cell in cells(source):
        if other & set(cell["tags"]):
            continue
        tags = [tag for tag in cell["tags"] if tag not in LANGUAGES]
        markdown = cell["kind"] == "markdown"
        make: Any = nbformat.v4.new_markdown_cell if markdown else nbformat.v4.new_code_cell
        tags = [*tags, "guide"] if markdown else tags
        number = f"cell-{len(book.cells) + 1:02d}"
        book.cells.append(make(cell["text"], id=number, metadata={"tags": tags} if tags else {}))
    return book


def settle(book: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return an executed notebook that is the same from run to run, and small.

    Times, widget models and versions go; one style sheet serves every result of the notebook.
    """
    style, styled = f"<style>{css()}</style>", False
    kept = {k: v for k, v in book.metadata.items() if k in ("kernelspec", "ecomops")}
    book.metadata = {**kept, "language_info": LANGUAGE}
    for cell in book.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [each for each in cell.outputs if not _bare_widget(each)]
        for output in cell.get("outputs", ()):
            bundle = output.get("data", {})
            bundle.pop(VIEW, None)
            if "text/html" in bundle:
                html = lean("".join(bundle["text/html"]))
                bundle["text/html"] = html.replace(style, "<style></style>") if styled else html
                styled = styled or style in html
    return book


def _bare_widget(output: nbformat.NotebookNode) -> bool:
    """Return whether an output is a widget without a fallback, such as a progress bar."""
    bundle = output.get("data", {})
    return VIEW in bundle and "text/html" not in bundle


def write(book: nbformat.NotebookNode, path: Path) -> None:
    """Write a notebook with each result's data on one line, which keeps files and diffs small."""
    kept: list[str] = []
    plain = json.loads(nbformat.writes(book))
    for cell in plain["cells"]:
        for output in cell.get("outputs", ()):
            if RESULT in output.get("data", {}):
                kept.append(
                    json.dumps(output["data"][RESULT], ensure_ascii=False, separators=(",", ":"))
                )
                output["data"][RESULT] = f"@{len(kept) - 1}@"
    text = json.dumps(plain, ensure_ascii=False, indent=1, sort_keys=True)
    path.write_text(_SLOT.sub(lambda slot: kept[int(slot[1])], text) + "\n", encoding="utf-8")
