"""The chart of guardrails: cost per order with its interval beside the limit, by campaign."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ecomops.result import style

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.axes import Axes

    from ecomops.result.words import Words

MOST = {True: 14, False: 10}
ROW = {True: 30, False: 46}
REACH = 3.0  # the axis ends at most so many times beyond the largest cost or limit
COLOURS = {"stop": style.DOWN, "keep": style.UP, "watch": style.OTHER}


def layout(campaigns: int, *, wide: bool) -> style.Layout:
    """Return height and margins for a number of campaigns."""
    height = ROW[wide] * min(campaigns, MOST[wide]) + 58
    if wide:
        return style.Layout(height, left=190, right=120, top=28, bottom=30)
    return style.Layout(height, left=10, right=14, top=28, bottom=30)


def draw(ax: Axes, rows: pd.DataFrame, *, wide: bool, words: Words) -> None:
    """Draw a row per campaign: interval, middle, limit as a tick, verdict in words; log scale."""
    rows = rows.head(MOST[wide])
    start, end = _span(rows)
    ax.set(xlim=(start, end), xscale="log", ylim=(len(rows) - 0.4, -0.6), yticks=[])
    ticks = _ticks(start, end, 7 if wide else 4)
    ax.set_xticks(ticks, [words.format_field(t, "money") for t in ticks])
    ax.set_xticks([], minor=True)
    ax.grid(axis="x")
    for i, row in enumerate(rows.to_dict("records")):
        y = i + (0 if wide else 0.2)
        colour = COLOURS[row["verdict"]]
        low, high = (np.clip(row[c], start, end) for c in ("cost_low", "cost_high"))
        ax.plot([low, high], [y, y], color=colour, lw=5, solid_capstyle="butt")
        if start <= row["cost"] <= end:
            ax.plot([row["cost"]], [y], "o", ms=8, mfc=style.BG, mec=colour, mew=2)
        if start <= row["limit"] <= end:
            half = 0.3 if wide else 0.17
            ax.plot([row["limit"]] * 2, [y - half, y + half], color=style.INK, lw=2)
        _named(ax, i, row, wide=wide, words=words)
    if np.isfinite(rows["limit"]).any():
        look = {"size": style.SMALL, "color": style.MUTE}
        style.tag(ax, start, 1, words.label("limit_mark"), 0, 12, at="above", **look)


def _span(rows: pd.DataFrame) -> tuple[float, float]:
    """Return both ends of the axis; intervals of campaigns without orders are cut off."""
    known = rows[["cost", "limit"]].to_numpy(dtype=float)
    low = min(float(rows["cost_low"].min()), float(np.nanmin(known)))
    high = min(float(rows["cost_high"].max()), REACH * float(np.nanmax(known)))
    return low / 1.25, high * 1.25


def _ticks(start: float, end: float, most: int) -> list[float]:
    """Return round numbers within the axis, not more than `most`."""
    tens = range(int(np.floor(np.log10(start))), int(np.ceil(np.log10(end))) + 1)
    for steps in ((1, 2, 5), (1, 3), (1,)):
        found = [s * 10.0**t for t in tens for s in steps if start <= s * 10.0**t <= end]
        if len(found) <= most:
            return found
    return found[:: -(-len(found) // most)]


def _named(ax: Axes, i: int, row: Mapping[Any, Any], *, wide: bool, words: Words) -> None:
    name = words.own(row["campaign"])
    text = words.label(row["verdict"])
    bold = {"size": style.SMALL, "color": COLOURS[row["verdict"]], "weight": "bold"}
    if wide:
        style.tag(
            ax, 0, i, style.shortened(name, 176), -10, 0, at="left", ha="right", size=style.SMALL
        )
        style.tag(ax, 1, i, text, 10, 0, at="right", **bold)
        return
    style.tag(ax, 0, i - 0.22, style.shortened(name, 210), 2, 0, at="left", size=style.SMALL)
    style.tag(ax, 1, i - 0.22, text, -2, 0, at="right", ha="right", **bold)
