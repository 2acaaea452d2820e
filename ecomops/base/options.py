"""What a session may set once: the language of words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LANGUAGES = ("zh", "en")
# sums in one order: with threads of its own the linear algebra differs in the last digits, and
# small solves take ten times as long beside a busy process
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


@dataclass
class Options:
    """Settings of this session.

    `lang` switches words only; currency and numbers follow the shop. `glossary` holds English
    names for the shop's own Chinese ones (table ``[english]`` of its ``shop.toml``).

    >>> options.lang
    'en'
    """

    lang: str = "en"
    glossary: Mapping[str, str] = field(default_factory=dict)


options = Options()
