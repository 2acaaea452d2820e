"""Let nbval compare the numbers of results to six digits: processors differ in the last ones."""

from __future__ import annotations

import math
from typing import Any

from nbval.plugin import IPyNbCell


class Close(float):
    """A number that equals another one where six digits agree.

    >>> Close(260814.48195109) == 260814.48191558, Close(0.1) == 0.10001
    (True, False)
    """

    __slots__ = ()
    __hash__ = float.__hash__

    def __eq__(self, other: object) -> bool:
        """Return whether `other` is a number as good as this one."""
        return isinstance(other, float) and math.isclose(self, other, rel_tol=1e-6, abs_tol=1e-9)


def close(value: Any) -> Any:
    """Return what a result says as data with numbers that are compared to six digits."""
    if isinstance(value, dict):
        return {key: close(each) for key, each in value.items()}
    if isinstance(value, list):
        return [close(each) for each in value]
    return Close(value) if isinstance(value, float) else value


def _sanitize(cell: IPyNbCell, shown: Any, exact: Any = IPyNbCell.sanitize) -> Any:
    return exact(cell, close(shown))


IPyNbCell.sanitize = _sanitize
