"""The chart of search indices: growth of each keyword, a mark per index, and its next peak."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ecomops.result import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from ecomops.result.words import Words

ROW = {True: 38, False: 56}
MOST = 14  # keywords drawn; the table has all
HIGHER = 1.05
MARKS = ("o", "D", "s", "^")
COLOURS = (style.UP, style.DOWN, style.CATEGORICAL[2], style.CATEGORICAL[3])


def layout(keywords: int, *, wide: bool) -> style.Layout:
    """Return height and margins for a number of keywords."""
    height = ROW[wide] * min(keywords, MOST) + 76
    return style.Layout(height, 120 if wide else 12, 190 if wide else 12, 34, 42)


def draw(ax: Axes, rows: pd.DataFrame, *, wide: bool, words: Words) -> None:
    """Draw a row per keyword, fastest first; the line of no growth is marked."""
    best = rows.groupby("keyword")["growth"].max().sort_values(ascending=False, kind="stable")
    shown = list(best.index[:MOST])
    sources = sorted(set(rows["source"]))
    ax.axvline(0, color=style.AXIS, lw=1)
    for i, word in enumerate(shown):
        at = i if wide else i + 0.2
        own = rows[rows["keyword"] == word]
        for row in own.to_dict("records"):
            _mark(ax, at, row, sources)
        name = style.shortened(words.own(word), 108 if wide else 120)
        text = _peak(own, words)
        if wide:
            style.tag(ax, 0, at, name, -112, 0, at="left")
            style.tag(ax, 1, at, text, 12, 0, at="right", size=style.SMALL, color=style.MUTE)
        else:
            style.tag(ax, 0, i - 0.22, name, 0, 0, at="left", weight="bold", size=style.SMALL)
            end: dict[str, Any] = {"ha": "right", "size": style.SMALL, "color": style.MUTE}
            style.tag(ax, 1, i - 0.22, text, 0, 0, at="right", clear=bool(text), **end)
    _legend(ax, sources, words)
    ax.set_ylim(len(shown) - 0.5, -0.6)
    ax.set_yticks([])
    ax.grid(axis="x")
    ax.xaxis.set_major_formatter(lambda v, _: words.format_field(v, "+percent.0"))
    ax.locator_params(axis="x", nbins=7 if wide else 5)


def _mark(ax: Axes, at: float, row: dict[Any, Any], sources: list[str]) -> None:
    kind = sources.index(row["source"])
    place = at + 0.13 * (2 * kind - len(sources) + 1)
    colour = COLOURS[kind % len(COLOURS)]
    ax.plot([row["low"], row["high"]], [place, place], color=colour, lw=2.5)
    ax.plot([row["growth"]], [place], MARKS[kind % len(MARKS)], ms=6.5, color=colour)


def _peak(own: pd.DataFrame, words: Words) -> str:
    known = own[own["rise"].notna()]
    if known.empty:
        return ""
    row = known.iloc[int(np.argmax(known["rise"]))]
    code = "next_peak" if row["rise"] >= HIGHER else "at_peak"
    return words.say("labels", code, peak=row["peak"], rise=row["rise"])


def _legend(ax: Axes, sources: list[str], words: Words) -> None:
    left = 0.0
    for kind, source in enumerate(sources):
        colour = COLOURS[kind % len(COLOURS)]
        text = f"{'●◆■▲'[kind % len(MARKS)]} {words.label(source)}"
        low = ax.get_xlim()[0]
        style.tag(ax, low, 1, text, left, 18, at="above", size=style.SMALL, color=colour)
        left += 24 + 11.5 * len(text) * (1.0 if words.lang == "zh" else 0.62)
