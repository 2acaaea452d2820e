"""How charts of products are laid out: a row each, its name left, an interval, a note right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ecomops.result import style

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from ecomops.result.words import Words

ROOM = {True: 218, False: 118}  # pixels of a name, before it is cut


def interval(ax: Axes, i: int, row: Mapping[Any, Any], middle: str, width: float = 7) -> None:
    """Draw ``low`` to ``high`` of a row as a bar and `middle` as a dot on it."""
    ax.plot([row["low"], row["high"]], [i, i], color=style.HEX["s3"], lw=width)
    ax.plot([row[middle]], [i], "o", ms=7, color=style.UP)


def square(ax: Axes, i: int, value: float) -> None:
    """Draw what is there, or should be, beside what is expected."""
    ax.plot([value], [i], "s", ms=8, mfc=style.BG, mec=style.DOWN, mew=2)


def name(ax: Axes, i: int, row: Mapping[Any, Any], *, wide: bool, words: Words) -> None:
    """Write the product's name left of its row, cut where there is no room."""
    short = style.shortened(words.own(row["name"] or row["product_id"]), ROOM[wide])
    style.tag(ax, 0, i, short, -8, 0, at="left", ha="right", size=style.SMALL)


def note(ax: Axes, i: int, text: str) -> None:
    """Write what to know of a row on its right."""
    style.tag(ax, 1, i, text, 10, 0, at="right", size=style.SMALL)
