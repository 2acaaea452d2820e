"""A result as HTML: answer, basis, chart, notes, actions, table; deterministic, without script."""

from __future__ import annotations

import re
from functools import cache
from html import escape
from importlib import resources
from typing import TYPE_CHECKING, Any

from ecomops.base.formatting import shown
from ecomops.result import style

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecomops.result.model import Action, Need, Result
    from ecomops.result.words import Words

# what a notebook shows beside text: our numbers, and a widget
RESULT = "application/vnd.ecomops+json"
VIEW = "application/vnd.jupyter.widget-view+json"
MOST_ROWS = 60
NUMERIC = ("count", "money", "percent", "chance", "points", "days", "number")


def prose(text: str) -> str:
    """Return `text` escaped, code marked; intervals, days and amounts in 万 stay on one line.

    >>> prose("45 [−240, 330] <b>")
    '<span class="nb">45 [−240, 330]</span> &lt;b&gt;'
    >>> prose("到 2025-11-30 有 ¥3.1万")
    '到 <span class="nb">2025-11-30</span> 有 <span class="nb">¥3.1万</span>'
    >>> prose("changes by −¥1.16")
    'changes by <span class="nb">−¥1.16</span>'
    """
    whole = _WHOLE.sub(r'<span class="nb">\g<0></span>', escape(text))
    return re.sub("`([^`<>]+)`", r"<code>\1</code>", whole)


_SIZE = r"[^\s\d\u4e00-\u9fff，。；：（）！？、\[]{0,3}\d[\d.,]*"
_AMOUNT = rf"[+−]?{_SIZE}"
_WHOLE = re.compile(
    rf"(?:{_AMOUNT}[%kMB万亿]?(?: points| 个百分点| 倍)? )?\[[^\]]{{1,40}}\]"
    rf"|\d{{4}}-\d\d(?:-\d\d)?|{_AMOUNT}[万亿]|[+−]{_SIZE}"
)


@cache
def css() -> str:
    """Return what a notebook needs to show a fragment; pages bring their own full style sheet."""
    text = (resources.files("ecomops.result") / "fragment.css").read_text(encoding="utf-8")
    return text.replace("\n", "")


def fragment(result: Result) -> str:
    """Return the result as it stands in a notebook."""
    return framed(body(result), result.lang)


def framed(inside: str, lang: str) -> str:
    """Return what is inside with what a notebook needs to show it."""
    return f'<div class="ecomops" lang="{lang}"><style>{css()}</style>{inside}</div>'


def body(result: Result) -> str:
    """Return answer, basis, chart, notes, actions and table, or what is missing for them."""
    words = result.words()
    if result.locked:
        return locked(result, words)
    first, *rest = result.sentences() or [words.find("name") or result.code]
    more = "".join(f"<li>{prose(sentence)}</li>" for sentence in rest)
    return "\n".join(
        part
        for part in (
            f'<p class="answer">{prose(first)}</p>',
            basis(result, words),
            f'<ul class="more">{more}</ul>' if more else "",
            figure(result, words),
            notes(words),
            actions(result.actions(), words),
            data(result, words),
        )
        if part
    )


def basis(result: Result, words: Words) -> str:
    """Return the line that says what the answer rests on."""
    facts = result.basis
    line = words.say("basis", "line", n=facts.n, unit=words.unit(facts.n, facts.unit))
    parts = [words.say("grades", result.evidence), line]
    if facts.start and facts.end:
        parts.append(words.say("basis", "period", start=facts.start, end=facts.end))
    left = [
        words.say("basis", "excluded_item", reason=reason, n=n)
        for reason, n in facts.excluded.items()
        if n
    ]
    if left:
        parts.append(words.say("basis", "excluded", list=words.join(left)))
    return '<p class="basis">' + "".join(f"<span>{escape(part)}</span>" for part in parts) + "</p>"


def figure(result: Result, words: Words) -> str:
    """Return the chart with its title; drawn for a desk and for a phone."""
    charts = style.both(
        lambda ax, wide: result.draw(ax, wide=wide, words=words),
        lambda wide: result.layout(wide=wide),
        (result.sentences() or [words.say("title")])[0],
        f"{result.code} {words.lang}",
    )
    title, subtitle = (prose(words.say(part, **result.params)) for part in ("title", "subtitle"))
    caption = f"<figcaption><b>{title}</b><span>{subtitle}</span></figcaption>"
    return f"<figure>{caption}{charts}</figure>"


def notes(words: Words) -> str:
    """Return how to read the chart and what could fool the reader."""
    parts = (
        f'<div class="note {part}"><h3>{escape(words.say("headings", part))}</h3>'
        f"<p>{prose(words.say(part))}</p></div>"
        for part in ("read", "fool")
    )
    return f'<div class="notes">{"".join(parts)}</div>'


def actions(todo: tuple[Action, ...], words: Words) -> str:
    """Return the actions: those with evidence as a list, the others as what to measure first."""
    emitted = "".join(_action(action, words) for action in todo if action.emitted)
    title, head = (escape(words.say("headings", part)) for part in ("actions", "measure"))
    listed = f'<div class="acts"><h3>{title}</h3><ul>{emitted}</ul></div>'
    first = [words.say("actions", a.code, "measure", **a.change) for a in todo if not a.emitted]
    measure = "".join(
        f'<p class="measure"><b>{head}</b> <span>{prose(text)}</span></p>' for text in first
    )
    return (listed if emitted else "") + measure


def _action(action: Action, words: Words) -> str:
    do, why, verify = (
        prose(words.say("actions", action.code, part, **action.change))
        for part in ("do", "why", "verify")
    )
    value = action.value
    assert value is not None  # noqa: S101 - an emitted action has a value
    low, high = (shown(v, "money", words.lang, words.currency) for v in (value.low, value.high))
    head = escape(words.say("headings", "verify"))
    term = escape(words.say("headings", "worth", days=value.horizon_days))
    return (
        f'<li><div><b>{do}</b><div class="v">{why}</div>'
        f'<div class="v"><b>{head}</b> {verify}</div></div>'
        f'<div class="m"><b>{low} – {high}</b><span class="v">{term}</span>'
        f"{grade(action.grade, words)}</div></li>"
    )


def grade(letter: str, words: Words) -> str:
    """Return a grade of evidence, always with its word."""
    word = escape(words.say("grades", letter))
    return f'<span class="grade {letter}"><b>{letter}</b>{word}</span>'


def data(result: Result, words: Words) -> str:
    """Return the table behind the chart, folded away."""
    head = escape(words.say("headings", "data"))
    inner = table(result, words)
    scroll = f'<div class="scroll" tabindex="0" role="group" aria-label="{head}">{inner}</div>'
    return f"<details><summary>{head}</summary>{scroll}</details>"


def table(result: Result, words: Words) -> str:
    """Return a result's rows as a table, cells by their column's unit; a long one is cut.

    A unit ``units[metric]`` asks the words by the metric of the row, else of the parameters.
    """
    frame = result.paged()
    units = {column: result.columns.get(column, "text") for column in frame.columns}
    head = "".join(
        f'<th scope="col"{_left(unit)}>{escape(str(words.find("columns", name) or name))}</th>'
        for name, unit in units.items()
    )
    shown = frame.head(MOST_ROWS).to_dict("records")
    rows = "".join(_row({**result.params, **row}, units, words) for row in shown)
    more = len(frame) - MOST_ROWS
    note = escape(words.say("headings", "more_rows", n=more)) if more > 0 else ""
    inner = f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody>"
    return f"<table>{inner}</table>" + (f'<p class="v">{note}</p>' if note else "")


def _left(unit: str) -> str:
    numeric = unit.lstrip("+").partition(".")[0] in NUMERIC or unit.endswith("]")
    return "" if numeric else ' class="t"'


def _unit(unit: str, row: Mapping[Any, Any], words: Words) -> str:
    name, bracket, column = unit.rstrip("]").partition("[")
    return str(words.find(name, row[column]) or "number") if bracket else unit


def _row(row: Mapping[Any, Any], units: dict[str, str], words: Words) -> str:
    cells = (
        f"<td{_left(unit)}>{escape(words.format_field(row[column], _unit(unit, row, words)))}</td>"
        for column, unit in units.items()
    )
    return f"<tr>{''.join(cells)}</tr>"


def locked(result: Result, words: Words) -> str:
    """Return the box that says what is missing, what is there and what one would get."""
    needs = "".join(_need(need, words) for need in result.missing)
    title, gain, answer = (escape(words.say("locked", p)) for p in ("title", "gain", "answer"))
    left = f'<div><h3>{title}</h3><ul class="need">{needs}</ul></div>'
    right = f"<div><h3>{gain}</h3><p>{prose(words.say('unlock'))}</p></div>"
    return f'<p class="answer">{answer}</p><div class="box">{left}{right}</div>'


def _need(need: Need, words: Words) -> str:
    mark, state, css_class = ("✓", "have", "yes") if need.have else ("○", "need", "no")
    text = prose(words.say("locked", need.code, **need.values))
    spoken = f'<span class="vh"> ({escape(words.say("locked", state))})</span>'
    return (
        f'<li class="{css_class}"><i aria-hidden="true">{mark}</i><span>{text}{spoken}</span></li>'
    )
