"""Sentences: templates in ``words/{zh,en}/*.toml`` filled with numbers, formatted by language."""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from ecomops.base.formatting import shown
from ecomops.base.options import options
from ecomops.base.packaged import packaged
from ecomops.result.style import shortened

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


MOST = 8  # labels listed in a sentence
HAN = "[\u4e00-\u9fff]"
GAP = rf"(?:(?<=\d[万亿])|(?<=% 以上)) (?={HAN})|(?<={HAN}) (?=不到 \d+%)"
LONGEST = 300  # pixels of one of several names in a sentence


@cache
def catalogue(lang: str) -> Mapping[str, Any]:
    """Return every word of a language: element -> analysis -> part -> text.

    An element's words may lie in several files: ``store.toml``, ``store_plan.toml`` ...

    >>> catalogue("zh").keys() == catalogue("en").keys()
    True
    """
    merged: dict[str, dict[str, Any]] = {}
    for name, told in packaged(f"result/words/{lang}").items():
        merged.setdefault(name.partition("_")[0], {}).update(told)
    return merged


@dataclass(frozen=True)
class Words(string.Formatter):
    """The words of one analysis in one language and currency.

    A field such as ``{share:percent}`` names the unit of its number: money, count, percent,
    chance, points, days, date, number or text; ``+money`` shows the sign; ``label`` and ``labels``
    look codes up in the analysis' labels and in the common ones, ``names`` quotes them, ``flag``
    ticks what is true.
    ``{n:order|orders}`` is one of two words, the first where the number is 1.
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
        return _closed(self.vformat(template, (), values))

    def label(self, value: object) -> str:
        """Return the label of a code; a value without one (a name from the data) stays itself.

        An analysis such as ``customer.rfm`` is called by its name.
        """
        found = self.find("labels", str(value))
        element, _, analysis = str(value).partition(".")
        if found is None and analysis:
            part = catalogue(self.lang).get(element, {}).get(analysis, {})
            found = part.get("name") if isinstance(part, dict) else None
        return found.rpartition("|")[2] if isinstance(found, str) else self.own(value)

    def unit(self, n: float, code: str) -> str:
        """Return the word for `n` of what a label names; one of two words, as in a field.

        >>> [Words("common", "en").unit(n, "orders") for n in (1, 2)]
        ['order', 'orders']
        """
        found = str(self.find("labels", code) or code)
        return found.partition("|")[0] if n == 1 else self.label(code)

    def own(self, value: object) -> str:
        """Return a name from the data: in English, the shop's glossary first (of a pair, too)."""
        text = shown(value, "text", self.lang)
        known = options.glossary if self.lang == "en" else {}
        return known.get(text) or "×".join(known.get(part, part) for part in text.split("×"))

    def labels(self, values: Sequence[object]) -> str:
        """Return several labels as a list in a sentence; of many the first and their number."""
        shown = [self.label(value) for value in values[: MOST if len(values) > MOST + 1 else None]]
        text = self.join(shown)
        if len(shown) == len(values):
            return text
        return self.say("labels", "and_more", list=text, all=len(values))

    def names(self, values: Sequence[object]) -> str:
        """Return several names from the data, each in quotes: “甲”“乙” or “A”, “B”."""
        comma = "" if self.lang == "zh" else ", "
        return comma.join(f"“{shortened(self.label(value), LONGEST)}”" for value in values)

    def join(self, texts: Sequence[str]) -> str:
        """Return texts as a list in a sentence."""
        comma = "、" if self.lang == "zh" else ", "
        return comma.join(texts) or shown(None, "text", self.lang)

    def format_field(self, value: Any, format_spec: str) -> str:
        """Format one field by the unit behind its colon."""
        named = {"label": self.label, "labels": self.labels, "names": self.names, "flag": _flag}
        if format_spec in named:
            return named[format_spec](value)
        if format_spec in ("", "text"):
            return self.own(value)
        if "|" in format_spec:
            one, _, many = format_spec.partition("|")
            return one if value == 1 else many
        return shown(value, format_spec, self.lang, self.currency)


def _flag(value: object) -> str:
    return "✓" if value is True or value == 1 else ""


def _closed(text: str) -> str:
    """Return `text` without the gap that a number leaves where it begins or ends in Chinese.

    >>> _closed("达到 ¥40.0万 的概率"), _closed("达到 ¥929 的概率")
    ('达到 ¥40.0万的概率', '达到 ¥929 的概率')
    >>> _closed("有 99% 以上 的可能"), _closed("概率 不到 1%")
    ('有 99% 以上的可能', '概率不到 1%')
    """
    return re.sub(GAP, "", text)
