"""Labels of every chart: none touches another, leaves the figure or is run through by a line."""

from __future__ import annotations

import itertools
import re
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

import ecomops as eo
from ecomops.result import style
from ecomops.sim import world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.path import Path

ELEMENTS = ("store", "product", "channel", "customer", "campaign")
SMALLEST, SLACK = 10, 2  # pixels
# what a call needs beyond the shop
TABLE = {
    "customer.rfm": "orders",
    "customer.cohorts": "orders",
    "customer.repeat": "orders",
    "product.pareto": "order_lines",
    "product.price": "order_lines",
    "channel.traffic": "traffic_daily",
    "channel.attribution": "touchpoints",
}
OPTIONS = {"store.target": {"target": 400_000}}
RESULTS = ("channel.reallocate", "product.inventory", "customer.winback")
OUTCOME = {
    "analysis": "channel.attribution", "code": "price", "subject": "channel:A",
    "change": '{"channel": "A", "cut": 0.5, "amount": 9, "to": null, "risk": 1}',
    "low": 50.0, "mid": 100.0, "high": 150.0, "decided_on": "2025-11-01",
    "due_on": "2025-12-01", "realised": 80.0, "realised_low": 60.0, "realised_high": 100.0,
    "method": "holdout",
}  # fmt: skip


def analyses() -> list[str]:
    public = {e: import_module(f"ecomops.{e}").__all__ for e in ELEMENTS}
    return [f"{e}.{name}" for e in ELEMENTS for name in public[e] if name.islower()]


@cache
def result(analysis: str, preset: str = "") -> Any:
    """Return the analysis of the demo shop, or of a small shop of a preset."""
    shop = world(preset, seed=5, customers=300).shop if preset else eo.open("demo")
    element, name = analysis.split(".")
    call = getattr(import_module(f"ecomops.{element}"), name)
    if analysis == "store.review":
        return call(pd.DataFrame([OUTCOME] * 3), as_of="2025-12-09")
    if analysis == "store.decide":
        return call([result(each) for each in (*RESULTS, "product.listing")])
    if analysis == "campaign.roadmap":
        return call(shop, results=[result(each) for each in RESULTS])
    table = TABLE.get(analysis)
    return call(shop.get(table) if table else shop, **OPTIONS.get(analysis, {}))


def drawn(found: Any, lang: str, *, wide: bool) -> Axes:
    """Return the chart as the page shows it on a desk or on a phone."""
    with style.context("test"):
        ax = style.canvas(style.WIDE if wide else style.NARROW, found.layout(wide=wide))
        found.draw(ax, wide=wide, words=found.words(lang))
        style.keep_inside(ax.figure)
        FigureCanvasAgg(ax.figure).draw()
    return ax


def labels(ax: Axes) -> list[tuple[Text, Bbox]]:
    """Return every text that is drawn and its box in pixels; ticks outside the limits are not."""
    renderer = FigureCanvasAgg(ax.figure).get_renderer()
    hidden = set()
    for each in ax.figure.findobj(Axes):
        for axis, (low, high) in ((each.xaxis, each.get_xlim()), (each.yaxis, each.get_ylim())):
            inside = sorted((low, high))
            slack = 1e-6 * (inside[1] - inside[0])
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if not inside[0] - slack <= tick.get_loc() <= inside[1] + slack:
                    hidden |= {tick.label1, tick.label2}
    found = []
    for text in ax.figure.findobj(Text):
        if text in hidden or not text.get_visible() or not text.get_text().strip():
            continue
        if isinstance(text, Annotation):
            text.update_positions(renderer)
        found.append((text, Text.get_window_extent(text, renderer)))
    return found


def complaints(ax: Axes) -> Iterator[tuple[str, str]]:
    """Yield each label one would object to, and why."""
    width, height = ax.figure.bbox.size
    found = labels(ax)
    for text, box in found:
        said = text.get_text()
        if min(box.min) < -SLACK or box.x1 > width + SLACK or box.y1 > height + SLACK:
            yield said, f"outside the figure: {np.round(box.extents)} of {width} x {height}"
        if text.get_size() < SMALLEST:
            yield said, f"too small: {text.get_size()}"
        if re.search(r"(^|[\s\[(])-[¥$\d]", said):
            yield said, "a hyphen for a minus"
        if text.get_bbox_patch() is None and any(line.intersects_bbox(within(box), filled=False)
                                                 for line in lines(ax)):  # fmt: skip
            yield said, "a line runs through it"
    for (one, box), (two, other) in itertools.combinations(found, 2):
        if within(box).overlaps(within(other)):
            yield one.get_text(), f"touches {two.get_text()}"


def within(box: Bbox) -> Bbox:
    """Return the box without the margins that letters leave."""
    return Bbox.from_extents(box.x0 + 1, box.y0 + 2, box.x1 - 1, box.y1 - 2)


def lines(ax: Axes) -> list[Path]:
    """Return every drawn line in pixels: not the grid, not the marks of ticks."""
    drawn_lines = [line for each in ax.figure.findobj(Axes) for line in each.lines]
    paths = [line.get_transform().transform_path(line.get_path()) for line in drawn_lines
             if line.get_linestyle() != "None"]  # fmt: skip
    return [path for path in paths if len(path.vertices) > 1]


@pytest.mark.slow
@pytest.mark.parametrize("analysis", analyses())
def test_labels_stay_clear_of_each_other_of_lines_and_inside_the_figure(analysis: str) -> None:
    found = result(analysis)
    assert not found.locked
    assert objections(found) == []


SMALL = ("product.listing", "channel.response", "channel.attribution", "store.forecast")


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["tiny", "no_effect"])
@pytest.mark.parametrize("analysis", SMALL)
def test_labels_stay_clear_where_little_is_known(analysis: str, preset: str) -> None:
    """Listings without an effect, channels without a curve or a holdout, a month at the edge."""
    found = result(analysis, preset)
    assert not found.locked
    assert objections(found) == []


def objections(found: Any) -> list[tuple[Any, ...]]:
    """Return what one would object to in both languages, on a desk and on a phone."""
    langs = ("zh", "en") if style.drawable("zh") == "zh" else ("en",)
    return [
        (lang, wide, *complaint)
        for lang, wide in itertools.product(langs, (True, False))
        for complaint in complaints(drawn(found, lang, wide=wide))
    ]
