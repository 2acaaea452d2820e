"""Words that also speak the sentences of other analyses' advice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ecomops.result.words import Words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecomops.result import Action


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
            return Words(speaker, self.lang).label(name) if speaker else self.own(name)
        if text.count(".") == 1 and text.replace(".", "").replace("_", "").isalpha():
            return str(Words(text, self.lang).find("name") or text)
        return super().label(value)


def short(text: str, most: int) -> str:
    """Return `text` cut to a width of `most` Latin letters; a Chinese one is twice as wide."""
    width = 0
    for at, letter in enumerate(text):
        width += 2 if ord(letter) > 0x2E80 else 1  # noqa: PLR2004 - where CJK begins
        if width > most:
            return text[: max(at - 1, 1)] + "…"
    return text
