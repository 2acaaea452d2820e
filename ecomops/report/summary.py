"""The head of a page: the actions worth most, what to measure first, and what stands out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ecomops.base.formatting import shown
from ecomops.result import monthly

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ecomops.result.words import Words

MOST_CARDS = 3
# per cent of the bar: labels beyond would leave the card; middles of labels that keep apart
NEAR_ZERO, FARTHEST, APART = 13.0, 91.0, 20.0
STANDS_OUT = (("good", "strength"), ("act", "problem"), ("watch", "watch"))


def anchor(code: str) -> str:
    """Return the id of a section.

    >>> anchor("customer.rfm")
    'customer-rfm'
    """
    return code.replace(".", "-").replace("_", "-")


def _money(value: Mapping[str, float], name: str) -> float:
    return monthly(float(value[name]), float(value["horizon_days"]))


def cards(results: Iterable[Mapping[str, Any]], words: Words) -> list[dict[str, Any]]:
    """Return the actions worth most, as the template shows them; bars share one scale.

    Where `store.decide` has made its list, that list is followed.
    """
    known = list(results)
    best = _decided(known)
    if best is None:
        todo = [(a, r) for r in known for a in r.get("actions", ()) if a["emitted"]]
        todo.sort(key=lambda pair: (-_money(pair[0]["value"], "mid"), pair[0]["code"]))
        best = _distinct(todo)
    best = best[:MOST_CARDS]
    top = max((_money(a["value"], "high") for a, _ in best), default=1.0)
    return [_card(action, result, top, words) for action, result in best]


def _decided(results: Sequence[Mapping[str, Any]]) -> list[tuple[Any, Any]] | None:
    """Return what the decision list keeps, each with the result to look at; None without one."""
    made = next((r for r in results if r["code"] == "store.decide" and not _locked(r)), None)
    if made is None:
        return None
    here = {result["code"]: result for result in results}
    return [(action, here.get(action["analysis"], made)) for action in made["chosen"]]


def _locked(result: Mapping[str, Any]) -> bool:
    return any(not need["have"] for need in result.get("missing", ()))


def _distinct(todo: Sequence[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    seen: set[str] = set()
    kept = []
    for action, result in todo:
        if action["text"]["do"] not in seen:
            seen.add(action["text"]["do"])
            kept.append((action, result))
    return kept


def _card(
    action: Mapping[str, Any], result: Mapping[str, Any], top: float, words: Words
) -> dict[str, Any]:
    low, mid, high = (_money(action["value"], name) for name in ("low", "mid", "high"))
    money = {
        name: shown(value, "money", words.lang, words.currency)
        for name, value in (("low", low), ("mid", mid), ("high", high))
    }
    left, right = 100 * low / top, 100 * high / top
    low_at, high_at = max(left, NEAR_ZERO), min(max(right, 2 * NEAR_ZERO), FARTHEST)
    return {
        "do": action["text"]["do"],
        "why": action["text"]["why"],
        "verify": action["text"]["verify"],
        "until": words.say("headings", "until", day=action["expires_on"]),
        "grade": action["grade"],
        "grade_word": words.say("grades", action["grade"]),
        "anchor": anchor(result["code"]),
        "money": money,
        "alt": words.say("interval_alt", low=low, mid=mid, high=high),
        "left": round(left, 1),
        "width": round(right - left, 1),
        "middle": round(100 * mid / top, 1),
        "low_at": round(low_at, 1) if high_at - low_at >= APART else None,
        "high_at": round(high_at, 1),
        "far": right > FARTHEST,
    }


def measures(results: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return what to test before acting: one of each analysis first, the best evidence before."""
    found = [
        (rank, action["grade"], number, action["text"]["measure"], anchor(result["code"]))
        for number, result in enumerate(results)
        for rank, action in enumerate(a for a in result.get("actions", ()) if not a["emitted"])
    ]
    return [{"text": text, "anchor": place} for *_, text, place in sorted(found)]


def outstanding(results: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return a strength, a problem and a thing to watch, of different analyses if possible."""
    found: list[dict[str, str]] = []
    for level, kind in STANDS_OUT:
        said = [(f, r) for r in results for f in r.get("findings", ()) if f["level"] == level]
        used = {entry["anchor"] for entry in found}
        said.sort(key=lambda pair: anchor(pair[1]["code"]) in used)
        for finding, result in said[:1]:
            text = finding["text"]
            found.append({"kind": kind, "text": text, "anchor": anchor(result["code"])})
    return found
