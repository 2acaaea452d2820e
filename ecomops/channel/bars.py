"""The chart of traffic: a row per source with visitors, conversion and UV value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ecomops.base.formatting import count, percent
from ecomops.result import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from ecomops.result.words import Words

MOST = 12  # sources drawn; the table has all
ROW = {True: 34, False: 52}
DOTS = (1.32, 1.9)  # where conversion is drawn, in units of the longest bar
END = {True: 2.35, False: 1.95}


def layout(sources: int, *, wide: bool) -> style.Layout:
    """Return height and margins for a number of sources."""
    height = ROW[wide] * min(sources, MOST) + 44
    return style.Layout(height, left=130 if wide else 2, right=8, top=34, bottom=10)


def draw(ax: Axes, rows: pd.DataFrame, whole: float, *, wide: bool, words: Words) -> None:
    """Draw a row per source; on a phone conversion is written, not drawn."""
    shown = rows.iloc[:MOST]
    most = float(shown["visitors"].max()) or 1
    shares = np.append(shown["high"].to_numpy(float), whole)
    top = float(np.nanmax(shares, initial=0)) or 1
    ax.set(xlim=(0, END[wide]), ylim=(-len(shown) + 0.5, 0.5))
    ax.axis("off")
    _heads(ax, wide=wide, words=words)
    for i, row in enumerate(shown.to_dict("records")):
        _visitors(ax, -i, row, most, wide=wide, words=words)
        if wide:
            _conversion(ax, -i, row, top)
        value = words.say("labels", "value_cell", value=row["uv_value"])
        style.tag(ax, END[wide], -i - (0 if wide else 0.16), value, ha="right", weight="bold")
    if wide and whole > 0:
        x = _place(whole, top)
        ax.plot([x, x], [0.5, -len(shown) + 0.5], color=style.AXIS, lw=1, ls=(0, (3, 3)), zorder=0)
        text = words.say("labels", "whole", whole=whole)
        style.tag(ax, x, 0, text, 0, 8, at="above", ha="center", size=10.5, color=style.MUTE)


def _place(share: float, top: float) -> float:
    return DOTS[0] + (DOTS[1] - DOTS[0]) * share / top


def _heads(ax: Axes, *, wide: bool, words: Words) -> None:
    look = {"size": style.SMALL, "color": style.MUTE}
    visitors, rate = words.say("labels", "visitors"), words.say("labels", "conversion")
    style.tag(ax, 0, 0, visitors if wide else f"{visitors} · {rate}", 0, 22, at="above", **look)
    if wide:
        style.tag(ax, DOTS[0], 0, rate, 0, 22, at="above", **look)
    end = {"ha": "right", **look}
    style.tag(ax, END[wide], 0, words.say("labels", "uv_value"), 0, 22, at="above", **end)


def _visitors(ax: Axes, y: float, row: Any, most: float, *, wide: bool, words: Words) -> None:
    name, length = words.own(row["source"]), row["visitors"] / most
    seen = count(row["visitors"], words.lang)
    if wide:
        style.tag(ax, 0, y, style.shortened(name, 116), -130, at="left")
        ax.barh(y, length, height=0.56, color=style.UP)
        style.tag(ax, length, y, seen, 6, size=style.SMALL)
        return
    style.tag(ax, 0, y + 0.26, style.shortened(name, 150), weight="bold", size=style.SMALL)
    ax.barh(y - 0.16, length, height=0.34, color=style.UP)
    rate = percent(row["conversion"], words.lang, 2)
    style.tag(ax, length, y - 0.16, f"{seen} · {rate}", 6, size=style.SMALL)


def _conversion(ax: Axes, y: float, row: Any, top: float) -> None:
    if not np.isfinite(row["low"]):
        return
    low, mid, high = (_place(row[name], top) for name in ("low", "conversion", "high"))
    ax.plot([low, high], [y, y], color=style.UP, lw=2.5)
    ax.plot(mid, y, "o", ms=6, color=style.UP)
    text = percent(row["conversion"], decimals=2)
    style.tag(ax, high, y, text, 8, size=style.SMALL, clear=True)
