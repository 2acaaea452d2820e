"""The few SQL statements loading needs, put together from quoted parts."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@cache
def queries(file: str) -> dict[str, str]:
    """Return the queries of a file of them, by name."""
    said = (resources.files("ecomops.data.formats") / f"{file}.sql").read_text(encoding="utf-8")
    found = re.findall(r"^-- (\w+):[^\n]*\n(.*?);$", said, re.MULTILINE | re.DOTALL)
    return {name: " ".join(query.split("\n")) for name, query in found}


def name(identifier: str) -> str:
    """Return an identifier in quotes.

    >>> print(name("orders"))
    "orders"
    """
    return '"' + identifier.replace('"', '""').replace("\0", "") + '"'


def text(value: object) -> str:
    """Return a value as a quoted text literal, ``NULL`` for None.

    >>> text("it's")
    "'it''s'"
    """
    said = "NULL" if value is None else "'" + str(value).replace("'", "''") + "'"
    return said if "\0" not in said else "(" + said.replace("\0", "' || chr(0) || '") + ")"


def listed(values: Sequence[str]) -> str:
    """Return text literals in brackets, for ``IN``."""
    return "(" + ", ".join(text(v) for v in values) + ")"


def select(
    columns: Mapping[str, str] | None, source: str, *, where: str = "", group: str = "",
    order: str = "", limit: int | None = None, qualify: str = "", less: str = "",
    having: str = "",
) -> str:  # fmt: skip
    """Return a query: `columns` are name -> expression, `source` a table or a query.

    None for `columns` means all of them; with the key ``*`` the others come on top; `less` leaves
    a column out.

    >>> select({"n": "count(*)"}, name("orders"), where="paid > 0")
    'SELECT count(*) AS "n" FROM "orders" WHERE paid > 0'
    """
    each = (e if c == "*" else f"{e} AS {name(c)}" for c, e in (columns or {}).items())
    shown = "*" if columns is None else ", ".join(each)
    parts = ["SELECT", f"* EXCLUDE ({name(less)})" if less else shown]
    parts += ["FROM", f"({source})" if source[:7] == "SELECT " else source]
    clauses = (
        ("WHERE", where), ("GROUP BY", group), ("HAVING", having), ("QUALIFY", qualify),
        ("ORDER BY", order),
    )  # fmt: skip
    for word, clause in clauses:
        if clause:
            parts += [word, clause]
    return " ".join(parts) + (f" LIMIT {limit}" if limit is not None else "")


def rows(con: Any, query: str) -> list[tuple[Any, ...]]:
    """Run a query and return its (few) rows."""
    return con.raw_sql(query).fetchall()  # type: ignore[no-any-return]


def free(con: Any, stem: str) -> str:
    """Return a name no table or view of the connection has, made from `stem` by counting."""
    taken = {row[0] for row in rows(con, "SELECT table_name FROM information_schema.tables")}
    number = 0
    while f"{stem}_{number}" in taken:
        number += 1
    return f"{stem}_{number}"


def table(con: Any, stem: str, query: str) -> str:
    """Make a temporary table from a query and return its name."""
    made = free(con, stem)
    con.raw_sql(" ".join(["CREATE TEMP TABLE", name(made), "AS", query]))
    return made


def view(con: Any, stem: str, query: str) -> str:
    """Make a temporary view from a query and return its name."""
    made = free(con, stem)
    con.raw_sql(" ".join(["CREATE TEMP VIEW", name(made), "AS", query]))
    return made


def drop(con: Any, made: str) -> None:
    """Drop a temporary table."""
    con.raw_sql("DROP TABLE IF EXISTS " + name(made))
