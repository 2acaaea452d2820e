"""How the wait for the next order is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ecomops.result import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from ecomops.result.words import Words

STEPS = {True: 6, False: 3}
FEW = 0.05  # up to here the axis needs a decimal
BESIDE = 48  # pixels between the middles of two labels of up to three lines
ROUND = (1, 2, 5, 7, 10, 14, 30, 60, 90, 120, 180, 365)


def draw_curve(
    ax: Axes, rows: pd.DataFrame, naive: Any, threshold: dict[str, Any], *, wide: bool, words: Words
) -> None:
    """Draw the share that has ordered again by each day, its band and the simple count."""
    day = rows["day"].to_numpy(dtype=float)
    share = rows["repeated"].to_numpy(dtype=float)
    top = float(np.nanmax([*rows["high"].fillna(0), share.max(), 0.01])) * 1.12
    ax.grid(axis="y")
    seen = rows.dropna(subset=["low", "high"])
    ax.fill_between(seen["day"], seen["low"], seen["high"], color=style.BAND, lw=0, step="post")
    ax.plot(day, naive, color=style.OTHER, lw=1.5, ls=(0, (4, 3)), drawstyle="steps-post")
    ax.plot(day, share, color=style.UP, drawstyle="steps-post")
    last = max(float(day[-1]), 1.0)
    ax.set(xlim=(0, last), ylim=(0, top))
    if threshold:
        _threshold(ax, threshold, last, top, wide=wide)
    at = float(threshold.get("day", 0))
    _names(ax, last, float(share[-1]), float(naive[-1]), wide=wide, at=at, words=words)
    unit = "percent.0" if top > FEW else "percent.1"
    ax.yaxis.set_major_formatter(lambda v, _: words.format_field(float(v), unit))
    _at_risk(ax, rows, last, wide=wide, words=words)


def _threshold(ax: Axes, threshold: dict[str, Any], last: float, top: float, *, wide: bool) -> None:
    day, level = threshold["day"], threshold["level"]
    ax.plot([day, day], [0, top], color=style.INK, lw=1, ls=(0, (2, 2)))
    ax.plot(day, level, "o", ms=8, mfc=style.BG, mec=style.UP, mew=2)
    side = _side(day / last, wide=wide)
    style.tag(ax, day, 0, threshold["head"], 0, 32, at="above", weight="bold", ha=side)
    quiet = {"size": style.SMALL, "color": style.MUTE, "ha": side}
    style.tag(ax, day, 0, threshold["sub"], 0, 14, at="above", **quiet)


def _side(place: float, *, wide: bool) -> str:
    """Return which way text at the threshold runs, so that it stays inside the chart."""
    start, middle = (0.6, 0.6) if wide else (0.3, 0.65)
    return "left" if place < start else "center" if place < middle else "right"


def _names(
    ax: Axes, last: float, share: float, naive: float, *, wide: bool, at: float, words: Words
) -> None:
    """Name both lines: at their ends, or on a phone in the corner the threshold stays out of."""
    top = ax.get_ylim()[1]
    apart = max(4.0, (BESIDE - abs(share - naive) / top * ax.bbox.height) / 2)
    apart = apart if share >= naive else -apart
    blue: dict[str, Any] = {"color": style.UP, "weight": "bold"}
    names = ((share, apart, "returned", blue), (naive, -apart, "simple", {"color": style.OTHER}))
    for i, (value, dy, name, look) in enumerate(names):
        text = words.say("labels", name, share=value)
        if wide:
            lines = text.replace("|", "\n")
            style.tag(ax, last, value, lines, 10, dy, linespacing=1.35, **look)
            continue
        key = f"{'╌' if i else '—'} {text.replace('|', ' ')}"
        look |= {"size": style.SMALL, "clear": True}
        if at > last / 2:
            style.tag(ax, 0, top, key, 6, -8 - 17 * i, **look)
        else:
            style.tag(ax, last, 0, key, -2, 27 - 17 * i, ha="right", **look)


def _at_risk(ax: Axes, rows: pd.DataFrame, last: float, *, wide: bool, words: Words) -> None:
    step = next((s for s in ROUND if last / s <= STEPS[wide] + 0.5), ROUND[-1])
    ticks = np.arange(0, last + 1e-9, step).astype(int)
    ax.set_xticks(ticks)
    left = -40 if wide else -34
    quiet = {"size": style.SMALL, "color": style.MUTE}
    style.tag(ax, last, 0, words.say("labels", "x"), 0, -34, at="below", ha="right", **quiet)
    style.tag(ax, 0, 0, words.say("labels", "at_risk"), left, -54, at="below", **quiet)
    heads = rows.set_index("day")["at_risk"]
    for day in ticks:
        text = words.format_field(int(heads.loc[: int(day)].iloc[-1]), "count")
        look = {"size": style.SMALL, "ha": "center" if day else "left"}
        style.tag(ax, int(day), 0, text, 0 if day else left, -72, at="below", **look)
