"""What a session may set once: the language of words."""

from __future__ import annotations

from dataclasses import dataclass

LANGUAGES = ("zh", "en")


@dataclass
class Options:
    """Settings of this session.

    `lang` switches words only; currency and numbers follow the shop.

    >>> options.lang
    'en'
    """

    lang: str = "en"


options = Options()
