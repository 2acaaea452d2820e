"""Notebooks in, pages out: run, export, the page and the explorer."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ecomops.report.cover import Cover, cover
    from ecomops.report.explore import Explorer, explore
    from ecomops.report.export import export, page
    from ecomops.report.run import run

_NAMES = {
    "Cover": "cover",
    "cover": "cover",
    "Explorer": "explore",
    "explore": "explore",
    "export": "export",
    "page": "export",
    "run": "run",
}
__all__ = ["Cover", "Explorer", "cover", "explore", "export", "page", "run"]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for: the command line starts without pandas."""
    if name in _NAMES:
        found = getattr(importlib.import_module(f"ecomops.report.{_NAMES[name]}"), name)
        globals()[name] = found  # a function wins over the module of the same name
        return found
    raise AttributeError(name)
