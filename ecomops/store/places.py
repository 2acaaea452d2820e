"""Tables and columns by the names that people call them."""

from __future__ import annotations

import re

from ecomops.data.schema import tables as schemas
from ecomops.result.words import Words


class PlaceWords(Words):
    """Words that call tables, and columns behind their table, by their Chinese names in Chinese.

    >>> [PlaceWords("store.check", lang).label("orders.customer_id") for lang in ("zh", "en")]
    ['订单·买家标识', 'orders.customer_id']
    """

    def label(self, value: object) -> str:
        """Return the label of a code, of a table or of several places parted by commas."""
        text = str(value)
        places = [_chinese(place) for place in text.split(", ")]
        if None in places:
            return super().label(value)
        return text if self.lang == "en" else self.join([str(place) for place in places])

    def unit(self, n: float, code: str) -> str:
        """Return the word for `n` of what is counted: of orders, not of their table."""
        return Words(self.code, self.lang).unit(n, code)


def _chinese(place: str) -> str | None:
    """Return the Chinese name of a table, or of a column behind that of its table."""
    table, _, column = place.partition(".")
    schema = schemas().get(table)
    if schema is None or (column and column not in schema.columns):
        return None
    name = schema.zh.partition("(")[0]
    return full_width(f"{name}·{schema.columns[column].zh}" if column else name)


def full_width(name: str) -> str:
    """Return a Chinese name with full-width brackets."""
    return re.sub(r" ?\(", "（", name).replace(")", "）")
