"""Notebooks in, pages out: run, export, the page and the explorer."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ecomops.report.clicks import Ticks, ticks
    from ecomops.report.execute import run
    from ecomops.report.explorer import Explorer, explore
    from ecomops.report.head import Cover, cover
    from ecomops.report.memory import Ledger, ledger
    from ecomops.report.render import export, page

_NAMES = {
    "Cover": "head",
    "cover": "head",
    "Explorer": "explorer",
    "explore": "explorer",
    "Ledger": "memory",
    "ledger": "memory",
    "export": "render",
    "page": "render",
    "run": "execute",
    "Ticks": "clicks",
    "ticks": "clicks",
}
__all__ = [
    "Cover",
    "Explorer",
    "Ledger",
    "Ticks",
    "cover",
    "explore",
    "export",
    "ledger",
    "page",
    "run",
    "ticks",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for: the command line starts without pandas."""
    if name in _NAMES:
        return getattr(importlib.import_module(f"ecomops.report.{_NAMES[name]}"), name)
    raise AttributeError(name)
