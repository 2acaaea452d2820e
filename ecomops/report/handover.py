"""What a kernel hands over when a notebook has run: every result shown, with all its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ecomops.result import Result
from ecomops.result.html import RESULT

if TYPE_CHECKING:
    from collections.abc import Mapping


class Handover:
    """The results among a kernel's outputs, in the order they were shown."""

    def __init__(self, shown: Mapping[int, object]) -> None:
        self.results = [value for _, value in sorted(shown.items()) if isinstance(value, Result)]

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:  # noqa: ARG002
        whole = [result.to_dict() for result in self.results]
        return {"text/plain": f"{len(whole)}", RESULT: {"code": "report.results", "results": whole}}
