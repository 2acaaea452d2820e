"""How segments of silent customers are drawn: return unasked, held out, contacted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ecomops.result import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from ecomops.result.words import Words


def height(rows: int, *, wide: bool) -> style.Layout:
    """Return the height and margins for so many segments."""
    if wide:
        return style.Layout(74 + 34 * rows, left=180, right=200, top=34, bottom=30)
    return style.Layout(84 + 52 * rows, left=10, right=14, top=48, bottom=30)


def draw_segments(ax: Axes, rows: pd.DataFrame, *, tested: bool, wide: bool, words: Words) -> None:
    """Draw one row per segment: a bar for natural return, dots for held out and contacted."""
    shares = rows[["natural", "held", "contacted"]].to_numpy(dtype=float)
    top = max(float(np.nanmax(shares)) if np.isfinite(shares).any() else 0.0, 0.01) * 1.08
    ax.grid(axis="x")
    for i, row in enumerate(rows.to_dict("records")):
        ax.barh(i, np.nan_to_num(row["natural"]), height=0.42 if wide else 0.26, color=style.BAND)
        if np.isfinite(row["held"]):
            ax.plot([row["held"], row["contacted"]], [i, i], color=style.AXIS, lw=1.5)
            ax.plot(row["held"], i, "o", ms=7, mfc=style.BG, mec=style.OTHER, mew=1.6)
            ax.plot(row["contacted"], i, "o", ms=7, color=style.UP)
        _texts(ax, i, row, top, tested=tested, wide=wide, words=words)
    ax.set(ylim=(len(rows) - 0.5, -0.6), xlim=(0, top))
    ax.set_yticks([])
    ax.xaxis.set_major_formatter(lambda v, _: words.format_field(float(v), "percent.0"))
    ax.locator_params(axis="x", nbins=6 if wide else 4, steps=[1, 2, 5, 10])
    _key(ax, tested=tested, wide=wide, words=words)


def _texts(
    ax: Axes, i: int, row: dict[Any, Any], top: float, *, tested: bool, wide: bool, words: Words
) -> None:
    name = words.say("labels", "row", segment=row["segment"], customers=row["customers"])
    worth = ""
    if tested and np.isfinite(row["value"]):
        code = "worth" if wide else "worth_short"
        worth = words.say("labels", code, **{k: row[k] for k in ("value", "low", "high")})
    colours = {"contact": style.UP, "spare": style.DOWN}
    look: dict[str, Any] = {"size": style.SMALL, "color": colours.get(row["verdict"], style.MUTE)}
    if wide:
        style.tag(ax, 0, i, name, -10, 0, at="left", ha="right")
        style.tag(ax, 1, i, worth, 10, 0, at="right", **look)
    else:
        style.tag(ax, 0, i, name, 0, 18)
        style.tag(ax, top, i, worth, 0, 18, ha="right", **look)


def _key(ax: Axes, *, tested: bool, wide: bool, words: Words) -> None:
    marks = [("■", "natural", style.HEX["s4"])]
    if tested:
        marks += [("○", "held", style.OTHER), ("●", "contacted", style.UP)]
    step = 150 if wide else 108
    for k, (mark, code, colour) in enumerate(marks):
        style.tag(ax, 0, 1, mark, k * step, 18, at="above", size=style.SMALL, color=colour)
        look: dict[str, Any] = {"size": style.SMALL, "color": style.MUTE}
        style.tag(ax, 0, 1, words.label(code), k * step + 16, 18, at="above", **look)
    if tested and wide:
        head = words.label("per_contact")
        top = ax.get_ylim()[1]
        style.tag(ax, 1, top, head, 10, 18, at="right", size=style.SMALL, color=style.MUTE)
