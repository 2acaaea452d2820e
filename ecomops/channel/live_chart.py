"""The chart of live sessions: the last one by quarter of an hour, or hosts beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from ecomops.result import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from ecomops.result.words import Words

ROW = 32


def layout(rows: pd.DataFrame, *, wide: bool) -> style.Layout:
    """Return height and margins: a curve where there are minutes, else rows of hosts."""
    if (rows["part"] == "slot_now").any():
        if wide:
            return style.Layout(320, left=46, right=16, top=34, bottom=46)
        return style.Layout(270, left=34, right=8, top=34, bottom=46)
    height = ROW * max(int(rows["part"].isin(["audience", "host"]).sum()), 1) + 50
    return style.Layout(height, left=230 if wide else 126, right=20, top=10, bottom=40)


def draw(ax: Axes, rows: pd.DataFrame, *, wide: bool, words: Words) -> None:
    """Draw the last session; without its minutes, the effects of hosts."""
    now = rows[rows["part"] == "slot_now"]
    if len(now):
        _session(ax, now, wide=wide, words=words)
    else:
        _hosts(ax, rows[rows["part"].isin(["audience", "host"])], wide=wide, words=words)


def _session(ax: Axes, now: pd.DataFrame, *, wide: bool, words: Words) -> None:
    """Draw orders as bars on the range that is ordinary, blue above, rust below it."""
    at = np.arange(len(now))
    ordinary = now["expected"].to_numpy(float)
    low, high = (ordinary * now[c].to_numpy(float) for c in ("low", "high"))
    orders = now["orders"].to_numpy(float)
    colours = np.where(orders < low, style.DOWN, np.where(orders > high, style.UP, style.DOT))
    ax.grid(axis="y")
    ax.bar(at, np.maximum(high - low, 0.05), bottom=low, width=0.86, color=style.BAND)
    ax.bar(at, orders, width=0.42, color=[str(c) for c in colours])
    for x, y in zip(at, ordinary, strict=True):
        ax.plot([x - 0.43, x + 0.43], [y, y], color=style.INK, lw=1.6)
    clock = [str(name) for name in now["name"]]
    each = 1 if wide else -(-len(now) // 6)
    ax.set_xticks(at[::each], clock[::each])
    ax.set(xlim=(-0.6, len(now) - 0.4), ylim=(0, max(high.max(), orders.max(), 1) * 1.08))
    ax.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    look: dict[str, Any] = {"size": style.SMALL, "color": style.MUTE}
    style.tag(ax, -0.6, 1, words.label("y_axis"), -24 if wide else -20, 16, at="above", **look)
    end = {"ha": "right", **look}
    style.tag(ax, len(now) - 0.4, 0, words.label("x_axis"), 0, -34, at="below", **end)


def _hosts(ax: Axes, rows: pd.DataFrame, *, wide: bool, words: Words) -> None:
    """Draw each host's effect on viewers and on orders per viewer with its interval; dashed: 1."""
    ax.axvline(1, color=style.OTHER, lw=1.2, ls=(0, (4, 3)))
    for i, row in enumerate(rows.to_dict("records")):
        ax.plot([row["low"], row["high"]], [i, i], color=style.HEX["s3"], lw=6)
        ax.plot([row["effect"]], [i], "o", ms=7, color=style.UP)
        label = words.label(row["part"] if wide else f"{row['part']}_short")
        text = style.shortened(words.own(row["name"]), 100 if wide else 62) + f" · {label}"
        style.tag(ax, 0, i, text, -8, 0, at="left", ha="right", size=style.SMALL)
    ax.set_ylim(max(len(rows), 1) - 0.4, -0.6)
    ax.grid(axis="x")
    ax.set_yticks([])
    look: dict[str, Any] = {"size": style.SMALL, "color": style.MUTE, "ha": "right"}
    style.tag(ax, ax.get_xlim()[1], 0, words.label("effect_axis"), 0, -30, at="below", **look)
