"""An executed notebook as one offline page: no script, no request, the same bytes each time."""

from __future__ import annotations

import re
from functools import cache
from html import escape
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from nbconvert.exporters.templateexporter import TemplateExporter
from nbconvert.filters import markdown2html
from nbconvert.preprocessors.sanitize import SanitizeHTML

from ecomops.base import checks
from ecomops.base.errors import DataError, MissingError
from ecomops.report import bundle, glossary, kpi, summary
from ecomops.result import style
from ecomops.result.html import prose
from ecomops.result.words import Words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbformat import NotebookNode

HERE = resources.files("ecomops.report")
LOCALES = {"zh": "zh-CN", "en": "en"}
GENERATOR = '<meta name="generator" content="ecomops">'
STAGES = ("plan", "execute", "analyse", "optimise")
KEPT = (
    *("a", "b", "blockquote", "br", "code", "em", "h2", "h3", "h4", "hr", "i", "li", "ol", "p"),
    *("pre", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul"),
)
# shown in header and appendix, or not at all, instead of as a section
OWN_PLACE = ("store.check", "report.cover", "report.ledger")


class PageExporter(TemplateExporter):
    """nbconvert's template engine with one template of ours, which escapes all it is given."""

    template_name = "page"
    file_extension = ".html"

    def _create_environment(self) -> Any:
        environment = super()._create_environment()  # type: ignore[no-untyped-call]
        environment.autoescape = True
        environment.trim_blocks = environment.lstrip_blocks = True
        environment.filters["prose"] = prose
        environment.filters["unbroken"] = unbroken
        return environment


def unbroken(text: str) -> str:
    """Return `text` escaped, its dates kept on one line.

    >>> unbroken("to 2025-11-30")
    'to <span class="nb">2025-11-30</span>'
    """
    return re.sub(r"\d{4}-\d\d-\d\d", r'<span class="nb">\g<0></span>', escape(text))


def read(path: str | Path) -> NotebookNode:
    """Return the notebook at `path`.

    Raises `MissingError` where there is none and `DataError` where it is no notebook.
    """
    path = Path(path)
    if not path.exists():
        raise MissingError("no_such_file", path=str(path))
    try:
        book: NotebookNode = nbformat.read(path, as_version=4)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, nbformat.ValidationError):
        raise DataError("not_a_notebook", path=str(path)) from None
    return book


def export(notebook: str | Path, *, lang: str | None = None) -> str:
    r"""Return the page of an executed notebook file.

    Raises `DataError` when the file is no notebook or holds no result.

    >>> from ecomops.report.build import notebooks_folder
    >>> export(notebooks_folder() / "en" / "analyse.ipynb")[:31]
    '<!doctype html>\n<html lang="en"'
    """
    book = read(notebook)
    if not bundle.results(book):
        raise DataError("not_executed", path=str(notebook))
    return page(book, stage=Path(notebook).stem, lang=lang)


def page(
    book: NotebookNode,
    *,
    stage: str = "analyse",
    lang: str | None = None,
    sibling: str = "",
    title: str = "",
    links: Mapping[str, str] | None = None,
) -> str:
    """Return the page of an executed notebook.

    `lang` is that of the page's own words (by default the notebook's); `sibling` is the address of
    the same page in the other language, where there is one; `title` stands for the usual one;
    `links` are the addresses of the other stages (and "index").
    """
    found = bundle.parts(book)
    lang = checks.language(lang or _language(book, found))
    words = Words("report.page", lang, _currency(found))
    context = head(found, words) | body(found, words) | {"stage": stage, "sibling": sibling}
    context |= {"title": title or titled(context["cover"], words, stage)}
    context |= {"links": links or {}, "pages": {}}
    return filled(book, context)


def filled(book: NotebookNode, context: Mapping[str, Any], template: str = "index") -> str:
    """Return one of our templates filled with `context`."""
    exporter = PageExporter(  # type: ignore[no-untyped-call]
        extra_template_basedirs=[str(HERE / "templates")], template_file=f"{template}.html.j2"
    )
    html, _ = exporter.from_notebook_node(book, resources={"page": context})
    return str(html)


def _language(book: NotebookNode, found: Sequence[bundle.Part]) -> str | None:
    spoken = [part.facts["lang"] for part in found if "lang" in part.facts]
    spoken.append(book.metadata.get("ecomops", {}).get("lang"))
    return None if spoken[0] is None else str(spoken[0])


def _currency(found: Sequence[bundle.Part]) -> str:
    bases = [part.facts["basis"] for part in found if "basis" in part.facts]
    return str(next((told["currency"] for told in (bundle.cover(found), *bases) if told), "CNY"))


@cache
def css() -> str:
    """Return the whole style of a page: palette and layout."""
    sheet = (HERE / "page.css").read_text(encoding="utf-8")
    return style.css_tokens() + sheet


def head(found: Sequence[bundle.Part], words: Words) -> dict[str, Any]:
    """Return what stands above the sections: facts, summary, six numbers."""
    results = [part.facts for part in found if part.kind == "result"]
    cover = bundle.cover(found)
    quality = next((part for part in found if part.code == "store.check"), None)
    told = [facts for facts in results if facts["code"] not in OWN_PLACE]
    cards, kpis = summary.cards(results, words), kpi.cards(results, words)
    measures = summary.measures(told)[: 2 if cards else 3]
    heading = "summary" if cards else "summary_none" if measures else "summary_nothing"
    return {
        "words": words,
        "locale": LOCALES[words.lang],
        "css": css(),
        "generator": GENERATOR,
        "stages": STAGES,
        "cover": cover,
        "title": titled(cover, words),
        "quality": quality,
        "score": _score(quality),
        "cards": cards,
        "measures": measures,
        "heading": words.say(heading),
        "outstanding": summary.outstanding(told),
        "kpis": kpis,
        "kpi_lead": kpi.lead(results, words) if kpis else "",
        "glossary": glossary.rows(results, words.lang),
    }


def titled(cover: Mapping[str, Any], words: Words, stage: str = "analyse") -> str:
    """Return the title of a stage's page: what it is about and which days it knows."""
    if not cover.get("start"):
        return words.say("title_bare")
    path = ("titles", stage) if words.find("titles", stage) else ("title",)
    return words.say(*path, start=cover["start"], end=cover["end"])


def _score(quality: bundle.Part | None) -> int | None:
    score = quality.facts.get("params", {}).get("score") if quality else None
    return None if score is None else round(score)


def body(found: Sequence[bundle.Part], words: Words) -> dict[str, Any]:
    """Return the numbered sections and, between them, what the notebook's author added."""
    blocks: list[dict[str, Any]] = []
    for part in found:
        if part.code in OWN_PLACE:
            continue
        if part.code in ("report.explore", "report.ticks"):
            blocks.append({"kind": "note", "html": part.text})
        elif part.kind == "result":
            numbered = sum(1 for block in blocks if block["kind"] == "section")
            blocks.append(_section(part, numbered + 1, words))
        else:
            blocks.append({"kind": "note", "html": _note(part)})
    return {"blocks": blocks, "sections": [b for b in blocks if b["kind"] == "section"]}


def _section(part: bundle.Part, number: int, words: Words) -> dict[str, Any]:
    own = Words(part.code, words.lang)
    element = part.code.partition(".")[0]
    return {
        "kind": "section",
        "number": number,
        "id": summary.anchor(part.code),
        "element": words.say("elements", element),
        "name": own.find("name") or part.code,
        "question": own.find("question") or part.code,
        "html": _FIGURE.sub("", part.text) if part.code == "store.scorecard" else part.text,
        "source": part.source,
        "locked": part.locked,
    }


_FIGURE = re.compile(r"<figure>.*?</figure>\s*", re.DOTALL)  # the cards above show the same


def _note(part: bundle.Part) -> str:
    """Return an author's cell as harmless HTML: no script, no style, no address to load from."""
    if part.kind.startswith("image/") and part.kind != "image/svg+xml":
        data = escape(part.text.strip())
        return f'<img alt="" src="data:{part.kind};base64,{data}">'
    html = markdown2html(part.text) if part.kind in ("markdown", "text/markdown") else part.text
    if part.kind == "text/plain":
        html = f"<pre>{escape(part.text)}</pre>"
    return str(_CLEANER.sanitize_html_tags(html))


_CLEANER = SanitizeHTML(tags=KEPT, attributes={"a": ["href", "title"], "th": ["scope"]}, strip=True)
