"""Charts of spend: a small curve per channel, or bars of spend where there is no curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecomops.result import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from ecomops.result.words import Words

ACROSS = {True: 3, False: 1}
CELL = {True: 210, False: 190}
ROW = {True: 34, False: 48}
MOST = 9  # channels drawn; the table has all


def layout(rows: pd.DataFrame, *, wide: bool) -> style.Layout:
    """Return height and margins: a grid of panels, or a row per channel without any curve."""
    known = min(int((rows["reason"] == "known").sum()), MOST)
    if known:
        return style.Layout(-(-known // ACROSS[wide]) * CELL[wide])
    height = ROW[wide] * min(len(rows), MOST) + 20
    return style.Layout(height, left=120 if wide else 2, right=8, top=8, bottom=8)


def draw(ax: Axes, rows: pd.DataFrame, curves: pd.DataFrame, *, wide: bool, words: Words) -> None:
    """Draw sales against spend for each known channel, else the spend of all."""
    known = rows[rows["reason"] == "known"].head(MOST)
    ax.axis("off")
    if known.empty:
        _bars(ax, rows.head(MOST), wide=wide, words=words)
        return
    across, down = ACROSS[wide], -(-len(known) // ACROSS[wide])
    width, height = (style.WIDE if wide else style.NARROW) / across, CELL[wide]
    left, top, foot = 54 / width, 36 / height, 34 / height
    for i, row in enumerate(known.to_dict("records")):
        x, y = i % across / across, 1 - (i // across + 1) / down
        box = (x + left / across, y + foot / down, (1 - left - 20 / width) / across,
               (1 - top - foot) / down)  # fmt: skip
        panel = ax.inset_axes(box)
        name = str(row["channel"])
        _panel(panel, curves[curves["channel"] == name], float(row["spend"]), words)
        title = style.shortened(words.own(name), width - 60)
        style.tag(panel, 0, 1, title, -46, 22, at="above", weight="bold")
        text = words.say("labels", "one_more", one=1.0, marginal=row["marginal"])
        style.tag(panel, 0, 1, text, -46, 7, at="above", size=style.SMALL, color=style.MUTE)


def _panel(ax: Axes, curve: pd.DataFrame, now: float, words: Words) -> None:
    x, mid, tried = (curve[c].to_numpy() for c in ("spend", "mid", "tried"))
    ax.fill_between(x, curve["low"], curve["high"], color=style.BAND, lw=0)
    inside = tried.sum()
    ax.plot(x[:inside], mid[:inside], color=style.UP)
    ax.plot(x[inside - 1 :], mid[inside - 1 :], color=style.OTHER, lw=1.4, ls=(0, (3, 2)))
    ax.axvline(now, color=style.AXIS, lw=1, ls=(0, (2, 2)))
    ax.set(xlim=(0, x[-1]), ylim=(0, float(curve["high"].max()) * 1.05 or 1))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(lambda v, _: words.format_field(v, "money"))
    ax.locator_params(nbins=3)
    ax.grid(axis="y")


def _bars(ax: Axes, rows: pd.DataFrame, *, wide: bool, words: Words) -> None:
    top = float(rows["spend"].max()) or 1.0
    ax.set(xlim=(0, top * (1.6 if wide else 2.7)), ylim=(len(rows) - 0.5, -0.5))
    for i, row in enumerate(rows.to_dict("records")):
        name = style.shortened(words.own(row["channel"]), 110 if wide else 200)
        text = words.say("labels", "no_curve", spend=row["spend"], reason=row["reason"])
        at = i if wide else i + 0.2
        ax.barh(at, row["spend"], height=0.5 if wide else 0.3, color=style.DOT)
        style.tag(ax, row["spend"], at, text, 6, 0, size=style.SMALL, color=style.MUTE)
        if wide:
            style.tag(ax, 0, i, name, -116, 0, at="left")
        else:
            style.tag(ax, 0, i - 0.22, name, weight="bold", size=style.SMALL)
