"""What the command line says, in the session's language."""

from __future__ import annotations

from ecomops.base.options import options


def say(*path: str, **values: object) -> str:
    """Return a sentence of the command line."""
    from ecomops.result.words import Words

    return Words("report.cli", options.lang).say(*path, **values)
