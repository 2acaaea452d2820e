"""Errors that say what was wrong, what was there and what to do, in the reader's language."""

from __future__ import annotations

import string
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any

from ecomops.base.options import options
from ecomops.base.packaged import packaged

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PARTS = ("what", "found", "do")


@cache
def messages() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """Return every message: code -> part -> language -> template."""
    merged: dict[str, Mapping[str, Mapping[str, str]]] = {}
    for told in packaged("base/messages").values():
        merged |= told
    return merged


def _shown(value: object) -> str:
    if isinstance(value, list | tuple | set | frozenset):
        listed = [str(item) for item in value]
        return ", ".join(listed[:12]) + (" …" if len(listed) > len(listed[:12]) else "")
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


class EcomopsError(Exception):
    """An error with a code, its numbers and a text in Chinese and English.

    The text comes from ``base/messages/*.toml``: what was wrong, what was there, what to do.

    >>> print(OptionError("unknown_choice", name="lang", value="fr", allowed=["zh", "en"]))
    'fr' is not a choice for lang. Allowed: zh, en. Pass one of them.
    """

    def __init__(self, code: str, **values: Any) -> None:
        self.code = code
        self.values = values
        super().__init__(code)

    def message(self, lang: str | None = None) -> str:
        """Return the text in `lang` ("zh" or "en"; the session's language by default)."""
        parts = messages()[self.code]
        lang = lang or options.lang
        shown = {name: _shown(value) for name, value in self.values.items()}
        texts = [string.Formatter().vformat(parts[p][lang], (), shown) for p in PARTS if p in parts]
        return ("" if lang == "zh" else " ").join(text for text in texts if text)

    def __str__(self) -> str:
        return self.message()


class OptionError(EcomopsError, ValueError):
    """A parameter has a value that is not allowed."""


class DataError(EcomopsError, ValueError):
    """Data cannot be used as it is."""


class MissingError(EcomopsError, LookupError):
    """A file, table, column or package that is needed is not there."""


class UnsafeError(EcomopsError, OSError):
    """Something would have been overwritten or could not be written."""


def suggestion(value: str, allowed: Iterable[str]) -> str:
    """Return the allowed word nearest to `value`, or an empty string.

    >>> suggestion("Retentoin", ["retention", "revenue"])
    'retention'
    """
    known = {str(word).casefold(): str(word) for word in allowed}
    return known.get(next(iter(get_close_matches(str(value).casefold(), known, n=1)), ""), "")
