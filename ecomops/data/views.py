"""A shop's tables as views of the process's own engine, each made when it is first asked for.

A view holds what the door does to some fifty columns, so that no query says it again: a query of
one table is compiled in an eighth of the time.
"""

from __future__ import annotations

from collections import UserDict
from functools import partial
from typing import TYPE_CHECKING, Any

from ibis.util import gen_name

from ecomops.data.tables import ALONE, PASSED, engine, home, table

if TYPE_CHECKING:
    from collections.abc import Mapping

    import ibis

DOOR = "ecomops_door"  # in the names of views


class Views(UserDict[str, Any]):
    """Tables by name, or what makes them: the same object at every asking.

    >>> Views({"orders": list})["orders"]
    []
    """

    def __getitem__(self, name: str) -> Any:
        """Return the table `name`, made at the first asking."""
        if callable(self.data[name]):
            with ALONE:  # one thread makes it, the others take it
                if callable(found := self.data[name]):
                    self.data[name] = found()
        return self.data[name]


def views(tables: Mapping[str, ibis.Table]) -> Mapping[str, ibis.Table]:
    """Return `tables` as views, or as they are when one of them lives in another connection."""
    if any(home(t) is not engine() for t in tables.values()):
        return tables
    return Views({name: partial(_view, t) for name, t in tables.items()})


def through(tables: Mapping[str, object], timezone: str) -> Views:
    """Return canonical frames as views, each through the door when it is first asked for."""
    return Views({name: partial(_passed, t, name, timezone) for name, t in tables.items()})


def _passed(source: object, name: str, timezone: str) -> ibis.Table:
    return _view(table(source, name, timezone=timezone))


def _view(table: ibis.Table) -> ibis.Table:
    made = engine().create_view(gen_name(DOOR), table)
    PASSED.add(made.op())
    return made
