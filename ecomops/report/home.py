"""The first page of a run of all stages: what to do, how it stands, and where to read on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ecomops.report import bundle
from ecomops.report.render import OWN_PLACE, STAGES, filled, head, titled
from ecomops.report.summary import anchor
from ecomops.result.words import Words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbformat import NotebookNode


def home(
    books: Mapping[str, NotebookNode], *, links: Mapping[str, str], lang: str, sibling: str = ""
) -> str:
    """Return the page that leads to those of the stages.

    `books` are the executed notebooks by stage, `links` the addresses of their pages.
    """
    parts = {stage: bundle.parts(books[stage]) for stage in STAGES if stage in books}
    found = _known(parts)
    cover = bundle.cover(found)
    words = Words("report.page", lang, str(cover.get("currency", "CNY")))
    context = head(found, words) | {
        "stage": "index",
        "title": titled(cover, words, "index"),
        "sibling": sibling,
        "links": links,
        "pages": _pages(parts, links),
        "chapters": [_chapter(stage, each, links, words) for stage, each in parts.items()],
        "ledger": _ledger(parts, words),
    }
    return filled(next(iter(books.values())), context, "home")


def _known(parts: Mapping[str, Sequence[bundle.Part]]) -> list[bundle.Part]:
    """Return every result once: the facts at the head come from the first stage that has them."""
    found: dict[str, bundle.Part] = {}
    for part in (part for each in parts.values() for part in each if part.kind == "result"):
        found.setdefault(part.code, part)
    return list(found.values())


def _pages(parts: Mapping[str, Sequence[bundle.Part]], links: Mapping[str, str]) -> dict[str, str]:
    """Return anchor of a section -> address of the page it stands on."""
    found: dict[str, str] = {}
    for stage, each in parts.items():
        for part in each:
            place = "quality" if part.code == "store.check" else anchor(part.code)
            found.setdefault(place, links[stage])
    return found


def _chapter(
    stage: str, parts: Sequence[bundle.Part], links: Mapping[str, str], words: Words
) -> dict[str, Any]:
    shown = [p for p in parts if p.kind == "result" and p.code not in OWN_PLACE]
    rows = [_row(part, links[stage], words) for part in shown if "findings" in part.facts]
    return {
        "id": f"stage-{stage}",
        "name": words.say("stages", stage),
        "lead": words.say("leads", stage),
        "href": links[stage],
        "rows": rows,
        "answered": sum(not row["locked"] for row in rows),
    }


def _row(part: bundle.Part, page: str, words: Words) -> dict[str, Any]:
    own = Words(part.code, words.lang)
    said = part.facts["findings"]
    return {
        "name": own.find("name") or part.code,
        "href": f"{page}#{anchor(part.code)}",
        "answer": _lack(part, own) if part.locked else said[0]["text"] if said else "",
        "locked": part.locked,
    }


def _lack(part: bundle.Part, own: Words) -> str:
    """Return why there is no answer yet."""
    needs = [n for n in part.facts["missing"] if not n["have"]]
    told = own.join([own.say("locked", need["code"], **need["values"]) for need in needs])
    return own.say("locked", "short", needs=told)


def _ledger(parts: Mapping[str, Sequence[bundle.Part]], words: Words) -> list[tuple[str, str]]:
    """Return what the ledger held when the last stage read it."""
    held = [p.facts["counts"] for each in parts.values() for p in each if p.code == "report.ledger"]
    own = Words("report.ledger", words.lang)
    last: Mapping[str, int] = held[-1] if held else {}
    return [(own.label(name), own.format_field(n, "count")) for name, n in last.items()]
