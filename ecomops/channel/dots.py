"""The chart of attribution: what each rule credits, above what a holdout measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ecomops.result import style

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes

    from ecomops.maths.arrays import Floats
    from ecomops.result.words import Words

MOST = 10  # channels drawn; the table has all
LEVEL = 14  # pixels between two rows of model names
ROW = {True: 46, False: 62}
GAP = 10  # pixels between two names


def layout(channels: int, levels: int, *, wide: bool) -> style.Layout:
    """Return height and margins for a number of channels and of rows of model names."""
    top = 20 + LEVEL * levels if wide else 40
    height = ROW[wide] * min(channels, MOST) + top + 46
    return style.Layout(height, left=120 if wide else 2, right=24, top=top, bottom=46)


def levels(xs: Sequence[float], names: Sequence[str], scale: float) -> list[int]:
    """Return for each name the lowest row on which it does not touch a name already there.

    `scale` is pixels per unit of `xs`.

    >>> levels([0, 1, 100], ["linear", "Markov", "last"], 1.0)
    [0, 1, 0]
    """
    ends: list[float] = []
    placed = [0] * len(xs)
    for i in np.argsort(xs, kind="stable"):
        width = style.width_of(names[i]) + GAP
        left = xs[i] * scale - width / 2
        row = next((r for r, end in enumerate(ends) if end <= left), len(ends))
        ends[row : row + 1] = [left + width]
        placed[i] = row
    return placed


def draw(
    ax: Axes, credit: pd.DataFrame, measured: pd.DataFrame, *, wide: bool, words: Words
) -> None:
    """Draw open dots (columns of `credit`) and, below them, diamonds with 90 % bars."""
    credit = credit.iloc[:MOST]
    places = {channel: -i for i, channel in enumerate(credit.index)}
    found = [row for row in measured.to_dict("records") if row["channel"] in places]
    low = min([0.0, *(row["low"] * 1.15 for row in found)])
    top = max([credit.to_numpy().max(), *(row["high"] for row in found)]) * 1.04
    ax.set(xlim=(low, top or 1), ylim=(-len(credit) + 0.5, 0.5), yticks=[])
    for channel, y in places.items():
        name = style.shortened(words.own(channel), 108 if wide else 300)
        _row(ax, y, name, credit.to_numpy(dtype=float)[-y], wide=wide)
    if found:
        untested = {y: credit.to_numpy(dtype=float)[-y].min() for y in places.values()}
        pairs = [(places[row["channel"]], row) for row in found]
        _measured(ax, pairs, untested, words=words)
        _legend(ax, pairs, wide=wide, words=words)
    taken = 0.0 if wide else 1.2 * style.width_of(style.shortened(words.own(credit.index[0]), 300))
    _names(ax, credit.iloc[0], taken, wide=wide, words=words)
    ax.xaxis.set_major_formatter(lambda v, _: f"{v:,.0f}".replace("-", "−"))
    ax.set_xlabel(words.say("labels", "x_axis"), size=style.SMALL, loc="right")


def _scale(ax: Axes, *, wide: bool) -> float:
    """Return pixels per order."""
    return float((style.WIDE - 144 if wide else style.NARROW - 26) / np.ptp(ax.get_xlim()))


def _row(ax: Axes, y: float, name: str, credit: Floats, *, wide: bool) -> None:
    if wide:
        style.tag(ax, 0, y, name, -120, at="left")
    else:
        style.tag(ax, ax.get_xlim()[0], y + 0.36, name, weight="bold", size=style.SMALL)
    ax.plot(ax.get_xlim(), [y - 0.5] * 2, color=style.RULE, lw=1)
    # On a phone the line of zero pauses for the name.
    ax.plot([0, 0], [y + (0.5 if wide else 0.24), y - 0.5], color=style.AXIS, lw=1)
    ax.plot([credit.min(), credit.max()], [y + 0.14] * 2, color=style.DOT, lw=1.5)
    ax.plot(credit, [y + 0.14] * credit.size, "o", ms=7, mfc=style.BG, mec=style.OTHER, mew=1.5)


def _measured(
    ax: Axes, found: list[tuple[int, Any]], least: Mapping[int, float], *, words: Words
) -> None:
    for y, row in found:
        ax.plot([row["low"], row["high"]], [y - 0.2] * 2, color=style.UP, lw=2.5)
        ax.plot(row["conversions"], y - 0.2, "D", ms=7, color=style.UP)
    for y in sorted(set(least) - {place for place, _ in found}):
        text = words.say("labels", "untested")
        quiet: dict[str, Any] = {"size": style.SMALL, "color": style.MUTE, "clear": True}
        style.tag(ax, max(least[y], 0), y - 0.2, text, -4, **quiet)


def _legend(ax: Axes, found: list[tuple[int, Any]], *, wide: bool, words: Words) -> None:
    """Say what a diamond is, right of the first bar with room, left of the last, or below it."""
    text = words.say("labels", "holdout")
    end, scale = ax.get_xlim()[1], _scale(ax, wide=wide)
    room = [(end - row["high"]) * scale - 1.1 * style.width_of(text) - GAP for _, row in found]
    bold: dict[str, Any] = {"color": style.UP, "weight": "bold", "size": style.SMALL, "clear": True}
    if max(room) > 0:
        y, row = found[next(i for i, free in enumerate(room) if free > 0)]
        style.tag(ax, row["high"], y - 0.2, text, 8, 0, **bold)
        return
    y, row = max(found, key=lambda each: each[1]["low"])
    if (row["low"] - ax.get_xlim()[0]) * scale > 1.1 * style.width_of(text) + GAP:
        style.tag(ax, row["low"], y - 0.2, text, -8, 0, ha="right", **bold)
    else:
        style.tag(ax, 0, y - 0.2, text, 4, -12, at="left", **bold)


def _names(ax: Axes, row: pd.Series[Any], taken: float, *, wide: bool, words: Words) -> None:
    """Name the models above the first row; on a phone only the least and the most generous.

    The first `taken` pixels hold the channel's own name: models stand above it where they would
    touch it.
    """
    xs, scale = row.to_numpy(dtype=float), _scale(ax, wide=wide)
    shown = range(len(row)) if wide else sorted({int(xs.argmin()), int(xs.argmax())})
    names = [words.label(row.index[i]) for i in shown]
    rows = levels([xs[i] for i in shown], names, scale)
    starts = [
        (xs[i] - ax.get_xlim()[0]) * scale - style.width_of(name) / 2
        for i, name in zip(shown, names, strict=True)
    ]
    lift = LEVEL if min(starts) < taken else 0
    for i, name, level in zip(shown, names, rows, strict=True):
        dy = 16 + lift + LEVEL * level
        look: dict[str, Any] = {"ha": "center", "size": style.SMALL, "color": style.MUTE}
        style.tag(ax, xs[i], 0.14, name, 0, dy, **look)
