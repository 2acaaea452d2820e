"""The facts at the head of a report: which shop, which days, which money, which tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from ecomops.base import checks
from ecomops.base.formatting import count, day
from ecomops.data.tables import number
from ecomops.result import html
from ecomops.result.html import RESULT, VIEW
from ecomops.result.model import plain
from ecomops.store.places import PlaceWords

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from ecomops.data.shop import Shop


@dataclass(frozen=True, kw_only=True)
class Cover:
    """What a page states before its first number.

    `tables` counts the rows of each table; `excluded` counts the orders that are no sale or tell
    nothing about customers, by reason.
    """

    names: Mapping[str, str]
    currency: str
    timezone: str
    source: str
    tables: Mapping[str, int]
    start: date | None = None
    end: date | None = None
    orders: int = 0
    sales: int = 0
    purchases: int = 0
    excluded: Mapping[str, int] = field(default_factory=dict)
    lang: str = "en"

    def facts(self) -> list[tuple[str, str]]:
        """Return label and text of each fact, in the language of the cover."""
        words = PlaceWords("report.page", self.lang)
        days = (
            f"{day(self.start)} – {day(self.end)}" if self.start else words.say("state", "missing")
        )
        rows = [f"{words.label(name)} {count(n, self.lang)}" for name, n in self.tables.items()]
        comma = "、" if self.lang == "zh" else ", "
        return [
            (words.say("meta", "shop"), self.names[self.lang]),
            (words.say("meta", "period"), days),
            (words.say("meta", "currency"), f"{self.currency} · {self.timezone}"),
            (words.say("meta", "tables"), comma.join(rows)),
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return the facts as JSON types."""
        facts: dict[str, Any] = plain(vars(self))
        return {"code": "report.cover"} | facts

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:  # noqa: ARG002
        return bundle(self.facts(), self.to_dict())


def bundle(facts: Sequence[tuple[str, str]], data: Mapping[str, Any]) -> dict[str, Any]:
    """Return labelled facts as the text, the table and the data that a notebook shows."""
    rows = "".join(
        f'<tr><th scope="row" style="text-align:left">{escape(label)}</th>'
        f'<td style="text-align:left">{escape(text)}</td></tr>'
        for label, text in facts
    )
    return {
        "text/plain": "\n".join(f"{label}: {text}" for label, text in facts),
        "text/html": f"<table>{rows}</table>",
        RESULT: data,
    }


def interactive(shown: Any, lines: Iterable[str]) -> dict[str, Any]:
    """Return what a notebook shows of something with a widget, and a page without it."""
    view = shown.widget()._repr_mimebundle_() or {}
    return {
        "text/plain": "\n".join(lines),
        "text/html": html.framed(shown.fallback(), shown.lang),
        RESULT: shown.to_dict(),
        **({VIEW: view[VIEW]} if VIEW in view else {}),
    }


def cover(shop: Shop, *, lang: str | None = None) -> Cover:
    """Return the facts at the head of a report: shop, period, money, tables, what was left out.

    Raises `DataError` when the orders cannot be used (none, mixed currencies, impossible dates).

    >>> import ecomops as eo
    >>> eo.report.cover(eo.open("demo")).currency
    'CNY'
    """
    lang = checks.language(lang)
    common: dict[str, Any] = {
        "names": {each: shop.title(each) for each in ("zh", "en")},
        "currency": shop.currency,
        "timezone": shop.timezone,
        "source": shop.source,
        "tables": {name: number(shop.tables[name].count()) for name in sorted(shop.tables)},
        "lang": lang,
    }
    if "orders" not in shop:
        return Cover(**common)
    seen = shop.coverage
    return Cover(
        **common,
        start=seen.first_day,
        end=seen.last_day,
        orders=seen.rows,
        sales=seen.sales,
        purchases=seen.purchases,
        excluded={reason: n for reason, n in seen.excluded.items() if n},
    )
