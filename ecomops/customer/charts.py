"""How segments are drawn: the grid of recency and frequency, and rows of shares."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np
import seaborn as sns
from matplotlib.colors import ListedColormap
from matplotlib.patches import Rectangle

from ecomops.customer.segments import BINS, GRID
from ecomops.result import style

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.axes import Axes

    from ecomops.result.words import Words

LINES = {True: (0.09, 0.225), False: (0.1, 0.215)}  # first line and line step, in cells
NARROW = 10  # letters across one cell on a phone


def draw_grid(
    ax: Axes,
    cells: pd.DataFrame,
    table: pd.DataFrame,
    cuts: Mapping[str, tuple[float, ...]],
    *,
    wide: bool,
    words: Words,
) -> None:
    """Draw 5 x 5 cells shaded by their share of money, with the ten segments outlined."""
    share = cells.pivot_table(index="f", columns="r", values="amount_share", dropna=False)
    _shade(ax, share.to_numpy(), wide=wide, words=words)
    named = table.set_index("segment")
    for name, (r0, r1, f0, f1) in GRID.items():
        box = Rectangle((r0 - 1, f0 - 1), r1 - r0 + 1, f1 - f0 + 1, fc="none", ec=style.INK, lw=1.4)
        ax.add_patch(box)
        text = _lines(named.loc[name], name, r1 > r0, wide=wide, words=words)
        _name(ax, (r0 - 1, f1), text, wide=wide)
    ax.set(xlim=(-0.01, BINS + 0.01), ylim=(-0.01, BINS + 0.01))
    _scales(ax, cuts, wide=wide, words=words)


def _shade(ax: Axes, share: Any, *, wide: bool, words: Words) -> None:
    top = max(np.nanmax(np.nan_to_num(share)), 1e-9)
    texts = np.vectorize(lambda v: words.format_field(float(v), "percent"))(share)
    sns.heatmap(
        np.clip(share, 0, None),
        ax=ax,
        cmap=ListedColormap(style.SEQUENTIAL),
        vmin=0,
        vmax=top,
        cbar=False,
        annot=texts if wide else False,
        fmt="",
        annot_kws={"size": 10.5, "color": style.INK, "ha": "right", "va": "bottom"},
        linewidths=1,
        linecolor=style.BG,
    )
    for text in ax.texts:  # from the middle of a cell to its corner
        x, y = text.get_position()
        text.set_position((x + 0.46, y - 0.43))


def _lines(row: Any, name: str, broad: bool, *, wide: bool, words: Words) -> list[str]:  # noqa: FBT001
    title = words.label(name)
    names = [title] if wide or broad else wrap(title, NARROW, break_long_words=False)
    count = words.say("labels", "count", n=row["customers"])
    return [*names, count, words.say("labels", "share", share=row["amount_share"])]


def _name(ax: Axes, corner: tuple[float, float], lines: list[str], *, wide: bool) -> None:
    first, step = LINES[wide]
    for i, text in enumerate(lines):
        bold = i < len(lines) - 2
        size = (style.STRONG if bold else style.BODY) if wide else 10
        ax.text(
            corner[0] + (0.06 if wide else 0.08),
            corner[1] - first - i * step,
            text,
            va="top",
            weight="bold" if bold else "normal",
            size=size,
            parse_math=False,
        )


def _scales(ax: Axes, cuts: Mapping[str, tuple[float, ...]], *, wide: bool, words: Words) -> None:
    ticks, names = np.arange(BINS) + 0.5, [str(score) for score in range(1, BINS + 1)]
    ax.set_xticks(ticks, _days(cuts["recency"], words) if wide else names, rotation=0)
    ax.set_yticks(ticks, names, rotation=0)
    ax.tick_params(length=0)
    ax.set_xlabel(words.say("labels", "recency"), labelpad=6, color=style.MUTE)
    ax.set_ylabel(words.say("labels", "frequency"), labelpad=8 if wide else 2, color=style.MUTE)


def _days(cuts: tuple[float, ...], words: Words) -> list[str]:
    """Return the five recency scores, with the days they stand for where there are five."""
    if len(cuts) != BINS - 1:
        return [str(score) for score in range(1, BINS + 1)]
    ends = [int(cut) for cut in cuts]
    newest = [f"5\n{words.say('labels', 'up_to', days=ends[0])}"]
    middle = [
        f"{4 - i}\n{words.say('labels', 'between', low=ends[i] + 1, high=ends[i + 1])}"
        if ends[i] < ends[i + 1]
        else f"{4 - i}"  # few customers: no whole day lies between the cuts
        for i in range(BINS - 2)
    ]
    oldest = [f"1\n{words.say('labels', 'from', days=ends[-1] + 1)}"]
    return (newest + middle + oldest)[::-1]


def draw_shares(ax: Axes, table: pd.DataFrame, *, wide: bool, words: Words) -> None:
    """Draw one row per segment: a bar for its share of money, a circle for that of customers."""
    n = len(table)
    top = float(np.nanmax(table[["customer_share", "amount_share"]].to_numpy())) or 1
    left, right = (150, 150) if wide else (92, 118)
    row: Any
    for i, row in enumerate(table.itertuples()):
        style.tag(ax, 0, -i, words.label(row.segment), -left, at="left")
        ax.barh(-i, max(row.amount_share, 0), height=0.56, color=style.UP)
        ax.plot(row.customer_share, -i, "o", ms=8, mfc=style.BG, mec=style.DOWN, mew=2)
        text = words.say("labels", "row", n=row.customers, share=row.amount_share)
        style.tag(ax, 0, -i, text, right, at="right", ha="right", size=style.SMALL)
    style.tag(ax, 0, 0.85, words.say("labels", "legend"), 0, size=style.SMALL, color=style.MUTE)
    ax.set(xlim=(0, top * 1.03), ylim=(-n + 0.5, 1.15))
    ax.axis("off")
