"""The canonical tables and columns, read from ``model.yaml``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import ibis.expr.datatypes as dt

from ecomops.base.errors import MissingError, suggestion
from ecomops.base.packaged import packaged

if TYPE_CHECKING:
    from collections.abc import Mapping

_DTYPES = {
    "string": dt.String(),
    "json": dt.String(),
    "int64": dt.Int64(),
    "float64": dt.Float64(),
    "bool": dt.Boolean(),
    "date": dt.Date(),
    "timestamp_tz": dt.Timestamp(),
    "decimal(18,2)": dt.Decimal(18, 2),
    "decimal(18,4)": dt.Decimal(18, 4),
}


@dataclass(frozen=True)
class Column:
    """One canonical column; `flag` is PK, FK, R (required), O (optional) or D (derived)."""

    name: str
    dtype: dt.DataType
    flag: str
    zh: str
    note: str


@dataclass(frozen=True)
class TableSchema:
    """One canonical table; `grain` says what a row is."""

    name: str
    zh: str
    en: str
    grain: str
    columns: Mapping[str, Column]

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that make a row unique."""
        return tuple(c.name for c in self.columns.values() if c.flag == "PK")

    @property
    def required(self) -> tuple[str, ...]:
        """The columns without which the table says nothing."""
        return tuple(c.name for c in self.columns.values() if c.flag == "R")


def _column(raw: Mapping[str, str]) -> Column:
    return Column(raw["name"], _DTYPES[raw["dtype"]], raw["flag"], raw["zh"], raw["note"])


@cache
def tables() -> Mapping[str, TableSchema]:
    """Return every canonical table by name.

    >>> len(tables()), tables()["orders"].key
    (32, ('order_id',))
    """
    return {
        name: TableSchema(
            name, t["zh"], t["en"], t["grain"], {c["name"]: _column(c) for c in t["columns"]}
        )
        for name, t in packaged("data/model.yaml").items()
    }


def table_schema(name: str) -> TableSchema:
    """Return the canonical table `name`; raise `MissingError` naming the nearest one otherwise.

    >>> table_schema("orders").required
    ('created_at', 'order_status', 'currency', 'paid_amount')
    """
    if name in tables():
        return tables()[name]
    near = suggestion(name, tables())
    raise MissingError("unknown_table", name=name, allowed=list(tables()), near=near or "orders")
