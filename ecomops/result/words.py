"""Sentences: templates in ``words/{zh,en}/*.toml`` filled with numbers, formatted by language."""

from __future__ import annotations

import string
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from ecomops.base.formatting import shown
from ecomops.base.options import options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@cache
def catalogue(lang: str) -> Mapping[str, Any]:
    """Return every word of a language: element -> analysis -> part -> text.

    An element's words may lie in several files: ``store.toml``, ``store_plan.toml`` ...

    >>> catalogue("zh").keys() == catalogue("en").keys()
    True
    """
    folder = resources.files("ecomops.result") / "words" / lang
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    merged: dict[str, dict[str, Any]] = {}
    for file in files:
        element = file.name[:-5].partition("_")[0]
        merged.setdefault(element, {}).update(tomllib.loads(file.read_text(encoding="utf-8")))
    return merged


@dataclass(frozen=True)
class Words(string.Formatter):
    """The words of one analysis in one language and currency.

    A field such as ``{share:percent}`` names the unit of its number: money, count, percent,
    points, days, date, number or text; ``+money`` shows the sign; ``label`` and ``labels`` look
    codes up in the analysis' labels and in the common ones, ``flag`` ticks what is true.
    """

    code: str
    lang: str
    currency: str = "CNY"

    def find(self, *path: str) -> Any:
        """Return the text at `path` of this analysis, else of the common words, else None."""
        element, _, analysis = self.code.partition(".")
        for root in ((element, analysis), ("common",)):
            node: Any = catalogue(self.lang)
            for key in (*root, *path):
                node = node.get(key) if isinstance(node, dict) else None
            if node is not None:
                return node
        return None

    def say(self, *path: str, **values: object) -> str:
        """Return the sentence at `path` filled with `values`.

        >>> Words("common", "en").say("state", "partial")
        'partial'
        """
        template = self.find(*path)
        if template is None:
            msg = f"no words for {self.code}: {'.'.join(path)} ({self.lang})"
            raise KeyError(msg)
        return self.vformat(template, (), values)

    def label(self, value: object) -> str:
        """Return the label of a code; a value without one (a name from the data) stays itself.

        An analysis such as ``customer.rfm`` is called by its name.
        """
        found = self.find("labels", str(value))
        element, _, analysis = str(value).partition(".")
        if found is None and analysis:
            part = catalogue(self.lang).get(element, {}).get(analysis, {})
            found = part.get("name") if isinstance(part, dict) else None
        return found if isinstance(found, str) else self.own(value)

    def own(self, value: object) -> str:
        """Return a name from the data: in English, the shop's glossary first."""
        text = shown(value, "text", self.lang)
        return options.glossary.get(text, text) if self.lang == "en" else text

    def labels(self, values: Sequence[object]) -> str:
        """Return several labels as a list in a sentence."""
        return self.join([self.label(value) for value in values])

    def join(self, texts: Sequence[str]) -> str:
        """Return texts as a list in a sentence."""
        comma = "、" if self.lang == "zh" else ", "
        return comma.join(texts) or shown(None, "text", self.lang)

    def format_field(self, value: Any, format_spec: str) -> str:
        """Format one field by the unit behind its colon."""
        if format_spec == "label":
            return self.label(value)
        if format_spec == "labels":
            return self.labels(value)
        if format_spec == "flag":
            return "✓" if value is True or value == 1 else ""
        if format_spec in ("", "text"):
            return self.own(value)
        return shown(value, format_spec, self.lang, self.currency)
