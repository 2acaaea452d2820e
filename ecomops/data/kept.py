"""Remember what was made of a table: the same table object gives the same answer at once."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

T = TypeVar("T")


class Kept(Generic[T]):
    """The last `size` answers, by the identity of the table they were made of and its options.

    The table itself is held, so that its identity stays its own; another table object with the
    same definition is asked anew, for what lies behind it may have changed.

    >>> kept, table = Kept(size=1), ["rows"]
    >>> kept.get(table, "day", lambda: "made"), kept.get(table, "day", lambda: "made again")
    ('made', 'made')
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._answers: OrderedDict[tuple[int, Hashable], tuple[object, T]] = OrderedDict()

    def has(self, table: object, options: Hashable) -> bool:
        """Return whether there is an answer for `table` and `options`."""
        return (id(table), options) in self._answers

    def get(self, table: object, options: Hashable, make: Callable[[], T]) -> T:
        """Return the kept answer for `table` and `options`, or make and keep it."""
        key = (id(table), options)
        found = self._answers.pop(key, None) or (table, make())  # another thread may do the same
        self._answers[key] = found
        if len(self._answers) > self.size:
            self._answers.popitem(last=False)
        return found[1]
