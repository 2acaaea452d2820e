"""Words that also speak the sentences of other analyses' advice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ecomops.result.words import Words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecomops.result import Action

NAMED = ("item", "weak")  # where advice tells the name of the product it concerns


@dataclass(frozen=True)
class Spoken(Words):
    """Words that also know the sentences of the advice and the names of the analyses."""

    actions: Mapping[str, tuple[str, Action]] = field(default_factory=dict, compare=False)

    def label(self, value: object) -> str:
        """Return the sentence of an action, the name of an analysis, a subject, or a label."""
        text = str(value)
        if text in self.actions:
            analysis, action = self.actions[text]
            other = Words(analysis, self.lang, self.currency)
            return other.say("actions", action.code, "do", **action.change)
        kind, colon, name = text.partition(":")
        if colon and kind.isidentifier():
            speaker = self.find("subjects", kind)
            return Words(speaker, self.lang).label(name) if speaker else self._called(text, name)
        if text.count(".") == 1 and text.replace(".", "").replace("_", "").isalpha():
            return str(Words(text, self.lang).find("name") or text)
        return super().label(value)

    def _called(self, subject: str, name: str) -> str:
        """Return the name that advice tells of its subject, else that in the data."""
        told = (a.change for _, a in self.actions.values() if a.subject == subject)
        found = (change[key] for change in told for key in NAMED if key in change)
        return self.own(next(found, name))


def short(text: str, most: int) -> str:
    """Return `text` cut to a width of `most` Latin letters; a Chinese one is twice as wide."""
    width = 0
    for at, letter in enumerate(text):
        width += 2 if ord(letter) > 0x2E80 else 1  # noqa: PLR2004 - where CJK begins
        if width > most:
            return text[: max(at - 1, 1)] + "…"
    return text
