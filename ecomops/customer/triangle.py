"""How cohorts are drawn: the triangle of cohorts by age, and one line per group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from ecomops.result import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from ecomops.result.words import Words

ROWS = 26  # the newest cohorts are drawn; all are in the table
COLUMNS = {(True, False): 13, (False, False): 6, (True, True): 12, (False, True): 4}
ALL = "all"
GROUPS, ENOUGH = 6, 30  # lines drawn, and the fewest customers a point of them rests on
AXIS = {"percent": "percent.0"}


def triangle_layout(table: pd.DataFrame, *, wide: bool) -> style.Layout:
    """Return the height and margins of the triangle in pixels."""
    n = min(table.loc[table["cohort"] != ALL, "cohort"].nunique(), ROWS)
    return style.Layout(30 * n + (96 if wide else 104), left=138 if wide else 104, right=1, top=26)


def draw_triangle(
    ax: Axes, table: pd.DataFrame, unit: str, *, first_age: int, wide: bool, words: Words
) -> None:
    """Draw cohorts as rows: hatched = not observable yet, dotted = still filling, last = line."""
    ages = sorted(a for a in table["age"].unique() if a >= first_age)[
        : COLUMNS[wide, unit == "money"]
    ]
    shown = table[table["age"].isin(ages)]
    own = shown[shown["cohort"] != ALL]
    names = list(dict.fromkeys(own["cohort"]))[-ROWS:]
    # the first order itself would drown what came after it
    top = own.loc[(own["age"] > 0) & (own["observed"] == "full"), "value"].max()
    shades = style.step(own["value"].to_numpy(dtype=float), top=top if top > 0 else None)
    colours = dict(zip(own.index, shades, strict=True))
    for i, name in enumerate(names):
        rows = own[own["cohort"] == name]
        _row(ax, i, rows, colours, unit, wide=wide, words=words)
    width = max(len(ages), 1)
    _line(ax, len(names), shown[shown["cohort"] == ALL], ages, unit, wide=wide, words=words)
    _heads(ax, ages, wide=wide, words=words)
    ax.set(xlim=(0, width), ylim=(len(names) + (2.2 if wide else 2.45), 0))
    ax.axis("off")


def _margin(*, wide: bool) -> int:
    return 138 if wide else 104


def _cell(value: float, unit: str, words: Words) -> str:
    """Return a number short enough for a cell: percentages without their sign."""
    text = words.format_field(float(value), unit)
    return text.removesuffix("%") if unit == "percent" else text


def _row(
    ax: Axes,
    i: int,
    rows: pd.DataFrame,
    colours: dict[Any, Any],
    unit: str,
    *,
    wide: bool,
    words: Words,
) -> None:
    size = style.BODY if wide else style.SMALL
    style.tag(
        ax, 0, i + 0.5, str(rows["cohort"].iloc[0]), -_margin(wide=wide), at="left", size=size
    )
    heads = words.format_field(int(rows["size"].iloc[0]), "count")
    style.tag(ax, 0, i + 0.5, heads, -10, at="left", ha="right", size=style.SMALL, color=style.MUTE)
    hidden = 0
    for k, (index, row) in enumerate(rows.iterrows()):
        if row["observed"] == "none":
            hidden += 1
            continue
        partial = row["observed"] == "partial"
        look: dict[str, Any] = {"ec": style.INK, "lw": 1.2, "ls": (0, (2, 2)), "fc": "none"}
        ax.add_patch(
            Rectangle(
                (k + 0.04, i + 0.06),
                0.92,
                0.88,
                **(look if partial else {"fc": colours[index], "lw": 0}),
            )
        )
        italic = "italic" if partial else "normal"
        value = _cell(row["value"], unit, words)
        style.tag(ax, k + 0.5, i + 0.5, value, ha="center", size=size, style=italic)
    if hidden:
        start = len(rows) - hidden + 0.03
        hatch: dict[str, Any] = {"lw": 0, "fc": "none", "ec": style.HEX["hatch"], "hatch": "////"}
        ax.add_patch(Rectangle((start, i + 0.05), hidden - 0.03, 0.9, **hatch))


def _line(
    ax: Axes, n: int, line: pd.DataFrame, ages: list[int], unit: str, *, wide: bool, words: Words
) -> None:
    left, low = -_margin(wide=wide), n + (1.5 if wide else 1.75)
    ax.plot([0, max(len(ages), 1)], [n + 0.2] * 2, color=style.INK, lw=1)
    head: dict[str, Any] = {
        "at": "left",
        "weight": "bold",
        "size": style.BODY if wide else style.SMALL,
    }
    style.tag(ax, 0, n + 0.85, words.say("labels", "average"), left, **head)
    quiet: dict[str, Any] = {"size": style.SMALL, "color": style.MUTE}
    style.tag(ax, 0, low, words.find("headings", "interval"), left, at="left", **quiet)
    row: Any
    for row in line.itertuples():
        if not np.isfinite(row.value):
            continue
        k, value = ages.index(row.age) + 0.5, _cell(row.value, unit, words)
        size = style.BODY if wide else style.SMALL
        style.tag(ax, k, n + 0.85, value, ha="center", weight="bold", size=size)
        ends = [_cell(end, unit, words) for end in (row.low, row.high)]
        between = "–" if wide and unit == "percent" else "–\n"
        if np.isfinite(row.low):
            style.tag(ax, k, low, between.join(ends), ha="center", size=10.5, color=style.MUTE)


def _heads(ax: Axes, ages: list[int], *, wide: bool, words: Words) -> None:
    quiet: dict[str, Any] = {"size": style.SMALL, "color": style.MUTE}
    style.tag(ax, 0, -0.4, words.say("labels", "cohort"), -_margin(wide=wide), at="left", **quiet)
    style.tag(ax, 0, -0.4, words.say("labels", "size"), -10, at="left", ha="right", **quiet)
    for k, age in enumerate(ages):
        style.tag(ax, k + 0.5, -0.4, f"+{age}", ha="center", **quiet)


def draw_groups(
    ax: Axes, line: pd.DataFrame, by: str, unit: str, *, wide: bool, words: Words
) -> None:
    """Draw the line over all cohorts old enough for each of the largest groups."""
    first = 1 if unit == "percent" else 0
    seen = line[(line["age"] >= first) & (line["size"] >= ENOUGH)]
    heads = line[line["age"] == 0].set_index(by)["size"].sort_values(ascending=False, kind="stable")
    names = [name for name in heads.index if (seen[by] == name).any()][:GROUPS]
    seen = seen[seen[by].isin(names)]
    ax.grid(axis="y")
    top, last = (float(seen[c].max()) if len(seen) else 1.0 for c in ("value", "age"))
    for rank, (colour, name) in enumerate(zip(style.CATEGORICAL, names, strict=False)):
        own = seen[seen[by] == name]
        ax.plot(own["age"], own["value"], color=colour)
        ax.plot(own["age"].iloc[-1], own["value"].iloc[-1], "o", ms=5, color=colour)
        _group_name(ax, rank, words.label(name), colour, wide=wide)
    ax.set(xlim=(first - 0.2, last + 0.2), ylim=(0, top * 1.1))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.yaxis.set_major_formatter(lambda v, _: words.format_field(float(v), AXIS.get(unit, unit)))
    quiet: dict[str, Any] = {"size": style.SMALL, "color": style.MUTE, "ha": "right"}
    style.tag(ax, last, 0, words.say("labels", "age"), 0, -34, at="below", **quiet)


def _group_name(ax: Axes, rank: int, name: str, colour: str, *, wide: bool) -> None:
    """Write a group's name beside the lines, or above them on a phone."""
    look: dict[str, Any] = {"color": colour, "size": style.SMALL, "weight": "bold", "va": "center"}
    look |= {"xycoords": "axes fraction", "textcoords": "offset points", "parse_math": False}
    down, across = (-12 - 22 * rank, 12) if wide else (46 - 18 * (rank // 2), 150 * (rank % 2))
    ax.annotate(f"● {name}", (1 if wide else 0, 1), (across, down), annotation_clip=False, **look)
