"""The chart of a budget: spend now and planned, a row per channel, with a word beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ecomops.result import style

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes

    from ecomops.result.words import Words

ROW = {True: 40, False: 58}
MOST = 12  # channels drawn; the table has all
SAME = 1e-6


def layout(channels: int, *, wide: bool) -> style.Layout:
    """Return height and margins for a number of channels."""
    height = ROW[wide] * min(channels, MOST) + 44
    return style.Layout(height, 120 if wide else 12, 210 if wide else 12, 10, 34)


def draw(ax: Axes, rows: pd.DataFrame, texts: Sequence[str], *, wide: bool, words: Words) -> None:
    """Draw ``now`` as a ring and ``plan`` as a dot, inside it where unchanged; `texts` beside."""
    rows = rows.head(MOST)
    top = float(rows[["now", "plan"]].to_numpy().max()) or 1.0
    for i, (row, text) in enumerate(zip(rows.to_dict("records"), texts, strict=False)):
        at = i if wide else i + 0.18
        _move(ax, at, row)
        name = style.shortened(words.own(row["channel"]), 108 if wide else 130)
        if wide:
            style.tag(ax, 0, at, name, -112, 0, at="left")
            style.tag(ax, 1, at, text, 12, 0, at="right", size=style.SMALL)
        else:
            style.tag(ax, 0, i - 0.22, name, 0, 0, at="left", weight="bold", size=style.SMALL)
            end: dict[str, Any] = {"ha": "right", "size": style.SMALL, "color": style.MUTE}
            style.tag(ax, 1, i - 0.22, text, 0, 0, at="right", **end)
    ax.set(ylim=(len(rows) - 0.5, -0.6), xlim=(0, top * 1.06))
    ax.set_yticks([])
    ax.grid(axis="x")
    ax.xaxis.set_major_formatter(lambda v, _: words.format_field(v, "money"))
    ax.locator_params(axis="x", nbins=6 if wide else 4)


def _move(ax: Axes, at: float, row: Mapping[Any, Any]) -> None:
    ax.plot([row["now"], row["plan"]], [at, at], color=style.HEX["s3"], lw=4)
    less = row["plan"] < row["now"] * (1 - SAME)
    colour = style.DOWN if less else style.UP
    ax.plot([row["now"]], [at], "o", ms=11, mfc=style.BG, mec=style.OTHER, mew=1.5)
    ax.plot([row["plan"]], [at], "o", ms=6, color=colour)
