"""Six numbers with their change and their course, read off the scorecard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ecomops.base.formatting import plus, points, shown
from ecomops.metrics import catalogue

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ecomops.result.words import Words

MOST, COURSE = 6, 13
FIRST = ("net_sales", "pay_amount", "visitors", "cvr_pay", "aov_buyer", "refund_rate_amount", "repurchase_rate")
WIDTH, HEIGHT, EDGE = 132, 34, 5.0


@dataclass(frozen=True)
class Reading:
    """One metric in one period."""

    period: str
    value: float | None
    previous: float | None
    low: float | None
    high: float | None
    partial: bool


def readings(result: Mapping[str, Any]) -> dict[str, list[Reading]]:
    """Return metric -> its periods in order, from the scorecard's table as JSON."""
    names = result["table"]["columns"]
    found: dict[str, list[Reading]] = {}
    for row in result["table"]["rows"]:
        cell = dict(zip(names, row, strict=True))
        kept = {name: cell[name] for name in ("value", "previous", "low", "high")}
        reading = Reading(period=str(cell["period"])[:10], partial=bool(cell["partial"]), **kept)
        found.setdefault(cell["metric"], []).append(reading)
    return {code: sorted(course, key=lambda each: each.period) for code, course in found.items()}


def cards(results: Iterable[Mapping[str, Any]], words: Words) -> list[dict[str, Any]]:
    """Return up to six cards; none without a scorecard."""
    card = next((r for r in results if r["code"] == "store.scorecard"), None)
    if card is None or not card["table"]["rows"]:
        return []
    found = readings(card)
    order = [code for code in FIRST if code in found]
    order += [code for code in found if code not in order]
    made = (_card(code, found[code], words) for code in order)
    return [each for each in made if each][:MOST]


def _card(code: str, course: Sequence[Reading], words: Words) -> dict[str, Any] | None:
    full = [each for each in course if not each.partial and each.value is not None]
    if not full:
        return None
    now, unit = full[-1], catalogue()[code].unit
    later = next((r for r in course if r.partial and r.value is not None and r.period > now.period), None)

    def say(value: float | None) -> str:
        return shown(value, unit, words.lang, words.currency)

    return {
        "name": catalogue()[code].names[words.lang],
        "value": say(now.value),
        "period": now.period[:7],
        "spark": spark([r.value for r in full][-COURSE:], later.value if later else None),
        **_change(code, now, words),
        "partial": words.say("kpi_partial", period=later.period[:7], value=say(later.value)) if later else "",
    }


def _change(code: str, now: Reading, words: Words) -> dict[str, str]:
    """Return text, arrow and verdict: the arrow is direction, the verdict is good or worth a look."""
    if now.previous is None or now.value is None:
        return {"change": words.say("kpi_no_change"), "arrow": "", "verdict": ""}
    metric = catalogue()[code]
    gap = now.value - now.previous
    if metric.unit == "percent":
        text = points(gap, words.lang)
    elif now.previous:
        text = plus(shown(gap / now.previous, "percent", words.lang))
    else:
        return {"change": words.say("kpi_no_change"), "arrow": "", "verdict": ""}
    if not gap:
        return {"change": words.say("kpi_flat"), "arrow": "", "verdict": ""}
    wanted = {"up": gap > 0, "down": gap < 0}.get(metric.good)
    verdict = "" if wanted is None else "good" if wanted else "bad"
    return {"change": words.say("kpi_change", change=text), "arrow": "▲" if gap > 0 else "▼", "verdict": verdict}


def spark(values: Sequence[float | None], partial: float | None = None) -> str:
    """Return a sparkline: full periods as a line, the unfinished one as a hollow dot on a stub."""
    seen = [float(v) for v in values if v is not None]
    every = seen if partial is None else [*seen, float(partial)]
    low, high = min(every), max(every)
    step = (WIDTH - 9) / max(len(every) - 1, 1)
    span = (high - low) or 1
    points_ = [
        f"{4 + i * step:.1f} {HEIGHT - EDGE - (v - low) / span * (HEIGHT - 2 * EDGE):.1f}"
        for i, v in enumerate(every)
    ]
    last = points_[len(seen) - 1]
    x, y = last.split()
    out = (
        f'<path d="M{" L".join(points_[: len(seen)])}" fill="none" stroke="var(--c1)" stroke-width="1.6" '
        f'stroke-linejoin="round"/><circle cx="{x}" cy="{y}" r="3" fill="var(--c1)"/>'
    )
    if partial is not None:
        x, y = points_[-1].split()
        out += (
            f'<path d="M{last} L{points_[-1]}" stroke="var(--other)" stroke-dasharray="2 2" fill="none"/>'
            f'<circle cx="{x}" cy="{y}" r="2.6" fill="var(--bg)" stroke="var(--other)" stroke-width="1.4"/>'
        )
    return f'<svg class="spark" viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">{out}</svg>'
