"""A result as HTML: answer, basis, chart, notes, actions, table; deterministic, without script."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Any

from ecomops.base.formatting import shown
from ecomops.result import style

if TYPE_CHECKING:
    import pandas as pd

    from ecomops.result.model import Action, Result
    from ecomops.result.words import Words

MOST_ROWS = 60
NUMERIC = ("count", "money", "percent", "points", "days", "number")

# What a notebook needs to show a fragment; pages bring their own full style sheet.
CSS = (
    ".ecomops{background:var(--bg,#fff);color:var(--ink,#18212c);max-width:856px;font:14px/1.6 system-ui,sans-serif;"
    "font-variant-numeric:tabular-nums;padding:4px 8px}.ecomops .answer{font-size:17px;font-weight:650;margin:0}"
    ".ecomops .basis,.ecomops figcaption span,.ecomops .v,.ecomops summary,.ecomops .note p{color:var(--mute,#576272);"
    "font-size:13px}.ecomops .basis span{margin-right:14px}.ecomops .more{margin:6px 0;padding-left:18px}"
    ".ecomops figure{margin:14px 0}.ecomops figcaption b{display:block}"
    ".ecomops .chart{display:block;width:100%;height:auto;overflow:visible}.ecomops .narrow{display:none}"
    ".ecomops h3{font-size:13px;margin:10px 0 2px}.ecomops .notes{display:grid;grid-template-columns:1fr 1fr;gap:0 32px}"
    ".ecomops .note p{margin:0}.ecomops .acts ul{list-style:none;padding:0;margin:0}.ecomops .acts li{display:flex;"
    "justify-content:space-between;gap:20px;background:var(--soft,#f5f7f9);border-radius:8px;padding:8px 14px;margin:6px 0}"
    ".ecomops .m{text-align:right;white-space:nowrap}.ecomops .m>b{display:block}.ecomops .grade b{margin-right:4px}"
    ".ecomops table{border-collapse:collapse;font-size:13px}.ecomops .scroll{overflow-x:auto}"
    ".ecomops th,.ecomops td{padding:3px 12px 3px 0;text-align:right;font-weight:400;white-space:nowrap;"
    "border-bottom:1px solid var(--rule,#e1e5ea)}.ecomops th:first-child,.ecomops .t{text-align:left}"
    ".ecomops .measure{border:1px dashed var(--axis,#8a94a1);border-radius:8px;padding:8px 14px;margin:8px 0}"
)


def prose(text: str) -> str:
    """Return `text` escaped, with intervals such as ``[−240, 330]`` kept on one line.

    >>> prose("45 [−240, 330] <b>")
    '<span class="nb">45 [−240, 330]</span> &lt;b&gt;'
    """
    safe = escape(text)
    return re.sub(r"([^\s，。；：（]* ?\[[^\]]{1,40}\])", r'<span class="nb">\1</span>', safe)


def fragment(result: Result) -> str:
    """Return the result as it stands in a notebook."""
    return f'<div class="ecomops" lang="{result.lang}"><style>{CSS}</style>{body(result)}</div>'


def body(result: Result) -> str:
    """Return answer, basis, chart, notes, actions and table; what is missing when there is no answer."""
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
    parts = [words.say("grades", result.evidence), words.say("basis", "line", n=facts.n, unit=facts.unit)]
    if facts.start and facts.end:
        parts.append(words.say("basis", "period", start=facts.start, end=facts.end))
    left = [words.say("basis", "excluded_item", reason=r, n=n) for r, n in facts.excluded.items() if n]
    if left:
        parts.append(words.say("basis", "excluded", list=("、" if words.lang == "zh" else ", ").join(left)))
    return '<p class="basis">' + "".join(f"<span>{escape(part)}</span>" for part in parts) + "</p>"


def figure(result: Result, words: Words) -> str:
    """Return the chart with its title; drawn for a desk and for a phone."""
    charts = style.both(
        lambda ax, wide: result.draw(ax, wide=wide, words=words),
        lambda wide: result.layout(wide=wide),
        (result.sentences() or [words.say("title")])[0],
        f"{result.code} {words.lang}",
    )
    title, subtitle = (escape(words.say(part, **result.params)) for part in ("title", "subtitle"))
    return f"<figure><figcaption><b>{title}</b><span>{subtitle}</span></figcaption>{charts}</figure>"


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
    listed = f'<div class="acts"><h3>{escape(words.say("headings", "actions"))}</h3><ul>{emitted}</ul></div>'
    first = [words.say("actions", a.code, "measure", **a.change) for a in todo if not a.emitted]
    head = escape(words.say("headings", "measure"))
    measure = "".join(f'<p class="measure"><b>{head}</b> <span>{prose(m)}</span></p>' for m in first)
    return (listed if emitted else "") + measure


def _action(action: Action, words: Words) -> str:
    do, why, verify = (
        prose(words.say("actions", action.code, part, **action.change)) for part in ("do", "why", "verify")
    )
    value = action.value
    assert value is not None  # noqa: S101 - an emitted action has a value
    low, high = (shown(v, "money", words.lang, words.currency) for v in (value.low, value.high))
    head = escape(words.say("headings", "verify"))
    return (
        f'<li><div><b>{do}</b><div class="v">{why}</div><div class="v"><b>{head}</b> {verify}</div></div>'
        f'<div class="m"><b>{low} – {high}</b>{grade(action.grade, words)}</div></li>'
    )


def grade(letter: str, words: Words) -> str:
    """Return a grade of evidence, always with its word."""
    return f'<span class="grade {letter}"><b>{letter}</b>{escape(words.say("grades", letter))}</span>'


def data(result: Result, words: Words) -> str:
    """Return the table behind the chart, folded away."""
    head = escape(words.say("headings", "data"))
    inner = table(result.rows, dict(result.columns), words)
    return f'<details><summary>{head}</summary><div class="scroll" tabindex="0">{inner}</div></details>'


def table(frame: pd.DataFrame, units: dict[str, str], words: Words) -> str:
    """Return a frame as a table; cells formatted by the unit of their column, long ones cut and said so."""
    units = {column: units.get(column, "text") for column in frame.columns}
    head = "".join(
        f'<th scope="col"{_left(unit)}>{escape(str(words.find("columns", name) or name))}</th>'
        for name, unit in units.items()
    )
    rows = "".join(_row(row, units, words) for row in frame.head(MOST_ROWS).itertuples(index=False))
    more = len(frame) - MOST_ROWS
    note = f'<p class="v">{escape(words.say("headings", "more_rows", n=more))}</p>' if more > 0 else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{note}"


def _left(unit: str) -> str:
    return "" if unit.lstrip("+").partition(".")[0] in NUMERIC else ' class="t"'


def _row(row: Any, units: dict[str, str], words: Words) -> str:
    cells = (
        f"<td{_left(unit)}>{escape(words.format_field(value, unit))}</td>"
        for value, unit in zip(row, units.values(), strict=True)
    )
    return f"<tr>{''.join(cells)}</tr>"


def locked(result: Result, words: Words) -> str:
    """Return the box that says what is missing, what is there and what one would get."""
    needs = "".join(
        f'<li class="{"yes" if need.have else "no"}"><i>{"✓" if need.have else "○"}</i>'
        f"<span>{escape(words.say('locked', need.code, **need.values))}"
        f"<span class='vh'> ({escape(words.say('locked', 'have' if need.have else 'need'))})</span></span></li>"
        for need in result.missing
    )
    title, gain = (escape(words.say("locked", part)) for part in ("title", "gain"))
    return (
        f'<p class="answer">{escape(words.say("locked", "answer"))}</p><div class="box"><div><h3>{title}</h3>'
        f'<ul class="need">{needs}</ul></div><div><h3>{gain}</h3><p>{prose(words.say("unlock"))}</p></div></div>'
    )
