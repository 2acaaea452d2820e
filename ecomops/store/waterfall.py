"""A waterfall in rows: from one total to the next, each part starting where the last one ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ecomops.result import style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

ROW = {True: 36, False: 40}
MARGINS = {True: (188, 96), False: (112, 76)}
CUT = 0.35  # of the range of the steps stays visible of each total


@dataclass(frozen=True)
class Bar:
    """One row: its name, its text, where it starts and ends; totals are grey and cut."""

    name: str
    text: str
    start: float
    end: float
    total: bool = False


def layout(bars: int, *, wide: bool) -> style.Layout:
    """Return the height of a waterfall and its margins in pixels."""
    left, right = MARGINS[wide]
    return style.Layout(ROW[wide] * bars + 8, left=left, right=right)


def draw(ax: Axes, bars: Sequence[Bar], *, wide: bool) -> None:
    """Draw `bars` from top to bottom; what the totals have in common is cut off and marked."""
    ends = [x for bar in bars for x in ((bar.end,) if bar.total else (bar.start, bar.end))]
    reach = float(np.ptp(ends)) or abs(ends[0]) or 1.0
    low = min(ends) - CUT * reach
    low = min(low, 0.0) if min(ends) < 0 else max(low, 0.0)
    for row, bar in enumerate(bars):
        _bar(ax, bar, -row, low, reach, wide=wide)
        if row < len(bars) - 1:
            ax.plot([bar.end, bar.end], [-row - 0.29, -row - 0.71], color=style.AXIS, lw=1)
    ax.set(xlim=(low, max(ends)), ylim=(-len(bars) + 0.5, 0.5))
    ax.axis("off")


def _bar(ax: Axes, bar: Bar, y: float, low: float, reach: float, *, wide: bool) -> None:
    weight = "bold" if bar.total else "normal"
    style.tag(ax, 0, y, bar.name, -MARGINS[wide][0], at="left", weight=weight)
    start = low if bar.total else bar.start
    colour = style.OTHER if bar.total else style.UP if bar.end > bar.start else style.DOWN
    ax.barh(y, bar.end - start, left=start, height=0.58, color=colour)
    if bar.total and low > 0:
        for shift in (0.05, 0.07):
            at = low + shift * reach
            slant = [at, at + 0.016 * reach]
            ax.plot(slant, [y - 0.38, y + 0.38], color=style.BG, lw=2.5)
    style.tag(ax, max(start, bar.end), y, bar.text, 7, weight=weight)
