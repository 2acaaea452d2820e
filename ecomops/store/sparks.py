"""Six numbers with their course: small multiples on one pair of axes, laid out in pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ecomops.result import style

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.axes import Axes

    from ecomops.result.words import Words

COURSE = 13  # full periods in a line
COLUMNS = {True: 3, False: 2}
CELL = {True: (280, 112), False: (175, 136)}
LINE = {True: (158, 30, 102, 52), False: (4, 82, 146, 34)}  # left, top, width, height in the cell
BIG = {True: 22, False: 19}
FLAT = 0.5
VERDICT = {"good": style.UP, "watch": style.DOWN, "note": style.MUTE}


def layout(cells: int, *, wide: bool) -> style.Layout:
    """Return the height of `cells` small charts in rows of three (two when narrow)."""
    rows = -(-max(cells, 1) // COLUMNS[wide])
    return style.Layout(rows * CELL[wide][1])


def draw(
    ax: Axes, table: pd.DataFrame, params: Mapping[str, Any], *, wide: bool, words: Words
) -> None:
    """Draw the cards of `params` from the scorecard's table."""
    across, (width, height) = COLUMNS[wide], CELL[wide]
    for i, code in enumerate(params["cards"]):
        course = table[table["metric"] == code].sort_values("period")
        _card(ax, course, params, i % across * width, i // across * height, wide=wide, words=words)
    rows = -(-max(len(params["cards"]), 1) // across)
    ax.set(xlim=(0, across * width), ylim=(rows * height, 0))
    ax.axis("off")


def _card(
    ax: Axes,
    course: pd.DataFrame,
    params: Mapping[str, Any],
    x: float,
    y: float,
    *,
    wide: bool,
    words: Words,
) -> None:
    code = str(course["metric"].iloc[0])
    now = course[(course["period"] == params["answer"]) & ~course["partial"]]
    unit = words.find("units", code)
    text = (
        words.format_field(now["value"].iloc[0], unit) if len(now) else words.say("labels", "none")
    )
    style.tag(ax, x + 4, y + 12, words.label(code), color=style.MUTE)
    style.tag(ax, x + 4, y + 38, text, size=BIG[wide], weight="bold")
    if len(now):
        change, colour = _change(now.iloc[0], params["verdicts"][code], words)
        style.tag(ax, x + 4, y + 62, change, size=style.SMALL, color=colour)
    later = course[course["period"] == params["partial"]]
    later = later[later["value"].notna()]
    if wide and len(later):
        value = words.format_field(later["value"].iloc[0], unit)
        note = words.say("labels", "until", day=params["until"], value=value)
        style.tag(ax, x + 4, y + 82, note, size=10.5, color=style.MUTE)
    left, top, width, height = LINE[wide]
    full = course.loc[~course["partial"], "value"].dropna().to_numpy(dtype=float)[-COURSE:]
    _line(ax, full, later["value"].to_numpy(dtype=float)[:1], (x + left, y + top, width, height))


def _change(row: pd.Series[Any], verdict: str, words: Words) -> tuple[str, str]:
    """Return the change in words and its colour: the arrow is direction, the colour the verdict."""
    if not np.isfinite(row["change"]):
        return words.say("labels", "no_change"), style.MUTE
    arrow = "▲" if row["change"] > 0 else "▼" if row["change"] < 0 else "="
    text = words.format_field(row["change"], words.find("changes", row["metric"]))
    return words.say("labels", "change", arrow=arrow, change=text), VERDICT[verdict]


def _line(ax: Axes, full: Any, later: Any, box: tuple[float, float, float, float]) -> None:
    """Draw full periods as a line and the unfinished one as a hollow dot on a dashed stub."""
    left, top, width, height = box
    every = np.r_[full, later]
    if not len(full):
        return
    low, reach = every.min(), np.ptp(every)
    xs = left + np.linspace(0, width, len(every)) if len(every) > 1 else np.array([left + width])
    ys = top + height * (1 - ((every - low) / reach if reach else np.full(len(every), FLAT)))
    n = len(full)
    ax.plot(xs[:n], ys[:n], color=style.UP, lw=1.6)
    if len(later):
        ax.plot(xs[n - 1 :], ys[n - 1 :], color=style.OTHER, lw=1.2, ls=(0, (2, 2)))
        ax.plot(xs[n:], ys[n:], "o", ms=5.5, mfc=style.BG, mec=style.OTHER, mew=1.4)
    ax.plot(xs[n - 1 : n], ys[n - 1 : n], "o", ms=6, color=style.UP)
