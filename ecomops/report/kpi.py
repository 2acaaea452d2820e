"""Six numbers with their change and their course, read off the scorecard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ecomops.base.formatting import MINUS
from ecomops.result.words import Words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

COURSE = 13
WIDTH, HEIGHT, EDGE = 132, 34, 5.0


@dataclass(frozen=True)
class Reading:
    """One metric in one period."""

    period: str
    value: float | None
    change: float | None
    partial: bool


def readings(result: Mapping[str, Any]) -> dict[str, list[Reading]]:
    """Return metric -> its periods in order, from the scorecard's table as JSON."""
    names = result["table"]["columns"]
    found: dict[str, list[Reading]] = {}
    for row in result["table"]["rows"]:
        cell = dict(zip(names, row, strict=True))
        reading = Reading(str(cell["period"]), cell["value"], cell["change"], bool(cell["partial"]))
        found.setdefault(cell["metric"], []).append(reading)
    return {code: sorted(course, key=lambda each: each.period) for code, course in found.items()}


def cards(results: Iterable[Mapping[str, Any]], words: Words) -> list[dict[str, Any]]:
    """Return up to six cards; none without a scorecard that has a full period."""
    card = next((r for r in results if r["code"] == "store.scorecard"), None)
    if card is None or not card["table"]["rows"]:
        return []
    found = readings(card)
    courses = ((code, found[code]) for code in card["params"]["cards"] if code in found)
    return [c for code, course in courses if (c := _card(code, course, card["params"], words))]


def lead(results: Iterable[Mapping[str, Any]], words: Words) -> str:
    """Return the line above the cards: which period against which."""
    card = next(r for r in results if r["code"] == "store.scorecard")
    period, previous = card["params"]["answer"], card["params"]["versus"]
    now = [each for course in readings(card).values() for each in course if each.period == period]
    compared = any(each.change is not None for each in now)
    return words.say("kpi_lead" if compared else "kpi_alone", period=period, previous=previous)


def _card(
    code: str, course: Sequence[Reading], params: Mapping[str, Any], words: Words
) -> dict[str, Any] | None:
    full = [each for each in course if not each.partial and each.value is not None]
    now = next((each for each in full if each.period == str(params["answer"])), None)
    if now is None:
        return None
    later = next(
        (r for r in course if r.partial and r.value is not None and r.period > now.period), None
    )
    own = Words("store.scorecard", words.lang, words.currency)
    unit, change = (own.find(part, code) or "number" for part in ("units", "changes"))

    def say(value: float | None) -> str:
        return own.format_field(value, unit)

    return {
        "name": own.label(code),
        "value": say(now.value),
        "spark": spark([r.value for r in full][-COURSE:], later.value if later else None),
        **_change(now, change, params["verdicts"].get(code, ""), own, words),
        "partial": words.say("kpi_partial", period=later.period, value=say(later.value))
        if later
        else "",
    }


def _change(now: Reading, unit: str, verdict: str, own: Words, words: Words) -> dict[str, str]:
    """Return text, arrow and verdict: the arrow is direction, the verdict good or worth a look."""
    if now.change is None:
        return {"change": words.say("kpi_no_change"), "arrow": "", "verdict": ""}
    change = own.format_field(now.change, unit)  # what rounds to 0 has no sign, so no arrow
    arrow = "▲" if change.startswith("+") else "▼" if change.startswith(MINUS) else ""
    return {
        "change": words.say("kpi_change", change=change),
        "arrow": arrow,
        "verdict": {"good": "good", "watch": "bad"}.get(verdict, ""),
    }


def spark(values: Sequence[float | None], partial: float | None = None) -> str:
    """Return a sparkline: full periods as a line, the unfinished one as a hollow dot on a stub."""
    seen = [float(v) for v in values if v is not None]
    every = seen if partial is None else [*seen, float(partial)]
    low, high = min(every), max(every)
    step, span = (WIDTH - 9) / max(len(every) - 1, 1), (high - low) or 1
    dots = [
        f"{4 + i * step:.1f} {HEIGHT - EDGE - (v - low) / span * (HEIGHT - 2 * EDGE):.1f}"
        for i, v in enumerate(every)
    ]
    full = dots[: len(seen)]
    out = (
        f'<path d="M{" L".join(full)}" fill="none" stroke="var(--c1)" stroke-width="1.6"/>'
        f'<circle {_at(full[-1])} r="3" fill="var(--c1)"/>'
    )
    if partial is not None:
        out += (
            f'<path d="M{full[-1]} L{dots[-1]}" stroke="var(--other)" stroke-dasharray="2 2"/>'
            f'<circle {_at(dots[-1])} r="2.6" fill="var(--bg)" stroke="var(--other)"/>'
        )
    return f'<svg class="spark" viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">{out}</svg>'


def _at(dot: str) -> str:
    x, y = dot.split()
    return f'cx="{x}" cy="{y}"'
