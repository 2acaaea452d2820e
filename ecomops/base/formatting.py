"""Numbers, money and dates as people read them, by language."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

from babel import Locale
from babel.numbers import get_currency_symbol

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

LOCALES = {"zh": "zh_CN", "en": "en"}
MISSING = {"zh": "无", "en": "n/a"}
MINUS = "−"
# (threshold, divisor, decimals, word): Chinese counts in 万 and 亿, English in k and M. A step
# starts where rounding in the step below would reach it: 999,700 is 1.00M, not 1,000k.
STEPS = {
    "zh": ((1e8 - 500, 1e8, 2, "亿"), (1e4 - 0.5, 1e4, 1, "万")),
    "en": ((1e9 - 5e3, 1e9, 2, "B"), (1e6 - 500, 1e6, 2, "M"), (1e4 - 0.5, 1e3, 0, "k")),
}
THOUSAND = 1000
COUNT_FROM = 1e5 - 0.5  # counts stay plain up to here


def _signed(text: str, value: float) -> str:
    return MINUS + text if value < 0 and any(c in "123456789" for c in text) else text


def _missing(value: object) -> bool:
    """Tell what is not there: None, NaN, NaT and pandas' NA, without loading pandas."""
    if isinstance(value, float):
        return not math.isfinite(value)
    return value is None or type(value).__name__ in ("NAType", "NaTType")


def _decimals(size: float, *, whole_from: float, one_from: float) -> int:
    """Return how many decimals are above the noise: 0 for whole and large, 1 for middling, 2."""
    if size >= whole_from or float(size).is_integer():
        return 0
    return 1 if size >= one_from else 2


def _compact(value: float, lang: str, start: float) -> str | None:
    size = abs(value)
    for threshold, divisor, decimals, word in STEPS[lang]:
        if size >= max(threshold, start):
            return f"{size / divisor:,.{decimals}f}{word}"
    return None


def number(value: float, lang: str = "en", decimals: int | None = None) -> str:
    """Return a plain number with grouped thousands and a true minus.

    >>> number(-1234.5), number(12.34)
    ('−1,234', '12.3')
    """
    if _missing(value):
        return MISSING[lang]
    size = abs(value)
    if decimals is None:
        decimals = _decimals(size, whole_from=THOUSAND, one_from=10)
    return _signed(f"{size:,.{decimals}f}", value)


def count(value: float, lang: str = "en") -> str:
    """Return a count: plain up to 99,999, then 万 or k and M.

    >>> count(498600, "zh"), count(498600), count(2611)
    ('49.9万', '499k', '2,611')
    """
    if _missing(value):
        return MISSING[lang]
    return _signed(_compact(value, lang, COUNT_FROM) or f"{abs(value):,.0f}", value)


@cache
def symbol(currency: str, lang: str = "en") -> str:
    """Return the sign of a currency; CNY is ¥ in both languages.

    >>> symbol("CNY"), symbol("GBP", "zh")
    ('¥', '£')
    """
    if not currency or currency == "XXX":
        return ""
    locale = Locale.parse(LOCALES[lang])
    sign: str = "¥" if currency == "CNY" else get_currency_symbol(currency, locale)
    return sign if len(sign) == 1 or sign.endswith("$") else f"{sign} "


def money(value: float, lang: str = "en", currency: str = "CNY") -> str:
    """Return an amount as people say it.

    >>> money(3792000), money(3792000, "zh"), money(-161.44), money(23.5, "en", "GBP")
    ('¥3.79M', '¥379.2万', '−¥161.4', '£23.50')
    >>> money(929.04)
    '¥929'
    """
    if _missing(value):
        return MISSING[lang]
    size = abs(value)
    decimals = _decimals(size, whole_from=THOUSAND, one_from=100)
    text = _compact(value, lang, 0) or f"{size:,.{decimals}f}".removesuffix(".0")
    return _signed(symbol(currency, lang) + text, value)


def percent(value: float, lang: str = "en", decimals: int = 1) -> str:
    """Return a ratio as a percentage; what is there gets decimals, up to two, before it reads 0.

    >>> percent(0.1254), percent(-0.03), percent(0.0005, decimals=0), percent(0.00004)
    ('12.5%', '−3.0%', '0.1%', '0.0%')
    """
    if _missing(value):
        return MISSING[lang]
    size = abs(value) * 100
    seen = next((d for d in range(decimals, 3) if round(size, d)), decimals)
    return _signed(f"{size:,.{seen}f}%", value)


def chance(value: float, lang: str = "en") -> str:
    """Return a probability in whole percent; what was drawn or fitted is never certain.

    >>> chance(0.425), chance(1.0), chance(0.003, "zh")
    ('42%', 'over 99%', '不到 1%')
    """
    if _missing(value):
        return MISSING[lang]
    if 0.01 <= value <= 0.99:  # noqa: PLR2004 - the percents that are told
        return f"{value:.0%}"
    low, high = {"zh": ("不到 1%", "99% 以上"), "en": ("under 1%", "over 99%")}[lang]
    return high if value > 0.5 else low  # noqa: PLR2004


def points(value: float, lang: str = "en") -> str:
    """Return the difference of two ratios in percentage points, with its sign.

    >>> points(0.025), points(-0.025, "zh")
    ('+2.5 points', '−2.5 个百分点')
    """
    if _missing(value):
        return MISSING[lang]
    word = " 个百分点" if lang == "zh" else " points"
    return plus(_signed(f"{abs(value) * 100:.1f}", value)) + word


def bare_points(value: float, lang: str = "en") -> str:
    """Return a difference in percentage points without the unit, for the ends of an interval.

    >>> bare_points(-0.007)
    '−0.7'
    """
    return points(value, lang).partition(" ")[0]


def days(value: float, lang: str = "en") -> str:
    """Return a duration in days.

    >>> days(42), days(1), days(42, "zh")
    ('42 days', '1 day', '42 天')
    """
    if _missing(value):
        return MISSING[lang]
    shown = _signed(f"{abs(value):,.0f}", value)
    return f"{shown} 天" if lang == "zh" else f"{shown} day{'' if shown == '1' else 's'}"


def day(value: date | str | None, _lang: str = "en") -> str:
    """Return an ISO date.

    >>> from datetime import date
    >>> day(date(2025, 11, 11))
    '2025-11-11'
    """
    if _missing(value):
        return MISSING[_lang]
    return str(value)[:10]


def plus(text: str) -> str:
    """Return a formatted number with an explicit sign.

    >>> plus("¥161"), plus("−¥161")
    ('+¥161', '−¥161')
    """
    return text if text.startswith(MINUS) or not any(c in "123456789" for c in text) else f"+{text}"


FORMATS: dict[str, Callable[..., str]] = {
    "number": number,
    "count": count,
    "percent": percent,
    "chance": chance,
    "points": points,
    "bare_points": bare_points,
    "days": days,
    "date": day,
}


def shown(value: object, unit: str, lang: str = "en", currency: str = "CNY") -> str:
    """Return `value` in a `unit` of `FORMATS`, "money" or "text"; a leading "+" asks for the sign.

    A digit behind a dot sets the decimals.

    >>> shown(0.5, "percent.0"), shown(1200, "+money", "zh"), shown("直播", "text")
    ('50%', '+¥1,200', '直播')
    """
    if unit.startswith("+"):
        return plus(shown(value, unit[1:], lang, currency))
    name, _, decimals = unit.partition(".")
    if name == "text":
        return MISSING[lang] if _missing(value) else str(value)
    if name == "money":
        return money(value, lang, currency)  # type: ignore[arg-type]
    return FORMATS[name](value, lang, *([int(decimals)] if decimals else []))
