"""One result as an offline page of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import nbformat

from ecomops.report.render import page

if TYPE_CHECKING:
    from ecomops.result import Result


def single(result: Result, *, stage: str = "") -> str:
    r"""Return the page of a result that stands in no notebook; the same result, the same bytes.

    >>> from ecomops.store.loaded import LoadReport
    >>> single(LoadReport.lock((), lang="en"))[:31]
    '<!doctype html>\n<html lang="en"'
    """
    shown = nbformat.v4.new_output("display_data", data=result._repr_mimebundle_())
    cell = nbformat.v4.new_code_cell(outputs=[shown])
    book, title = nbformat.v4.new_notebook(cells=[cell]), result.words().say("name")
    return page(book, stage=stage, lang=result.lang, title=title[:1].upper() + title[1:])
