"""House style of charts: one palette for page and charts, pixel layout, SVG that follows the page.

Charts are drawn in the light colours; `svg` turns each into ``var(--name,#hex)``, so that one
drawing serves light and dark pages, paper and notebooks. Sizes are CSS pixels: 72 dots per inch.
"""

from __future__ import annotations

import io
import logging
import re
import warnings
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

import numpy as np
from matplotlib import font_manager, rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from ecomops.base.packaged import packaged

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from numpy.typing import ArrayLike, NDArray

_LOOK: Mapping[str, Mapping[str, Any]] = packaged("result/style.toml")
TOKENS: Mapping[str, Sequence[str]] = _LOOK["colours"]  # name: light and dark
HEX = {name: light for name, (light, _) in TOKENS.items()}
INK, MUTE, RULE, AXIS, BG, BAND, DOT, OTHER = (
    HEX[name] for name in ("ink", "mute", "rule", "axis", "bg", "band", "dot", "other")
)
UP, DOWN = HEX["c1"], HEX["c2"]  # never red and green: their meanings swap in China
CATEGORICAL = (*(HEX[f"c{i}"] for i in range(1, 7)), OTHER)
SEQUENTIAL = tuple(HEX[f"s{i}"] for i in range(7))
WIDE, NARROW = 840, 350
SMALL, BODY, STRONG = 11.5, 12.5, 13.5
DPI = 72
LAST_NARROW = 0x2E80  # from here on glyphs are square

CJK = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "PingFang SC",
    "Microsoft YaHei",
    "WenQuanYi Micro Hei",
    "Noto Sans CJK JP",
)
_CJK_FILES = re.compile(
    "NotoSansCJK-Regular|NotoSansSC|SourceHanSans.*Regular|PingFang|msyh|wqy-microhei"
)


@dataclass(frozen=True)
class Layout:
    """Height of a chart and the margins around its axes, in pixels."""

    height: float
    left: float = 0
    right: float = 0
    top: float = 0
    bottom: float = 0


@cache
def fonts() -> tuple[str, ...]:
    """Return the families to draw with: an installed Chinese one, that of extra `zh`, DejaVu."""
    for path in [*font_manager.findSystemFonts(), *_packaged_fonts()]:
        if _CJK_FILES.search(path):
            font_manager.fontManager.addfont(path)
    known = {font.name for font in font_manager.fontManager.ttflist}
    return (*(family for family in CJK if family in known), "DejaVu Sans")


def _packaged_fonts() -> list[str]:
    try:
        package = import_module("pylopdf_fonts_zh_cn")
    except ImportError:
        return []
    return [str(path) for path in sorted(Path(package.__path__[0]).rglob("*.[ot]tf"))]


@cache
def drawable(lang: str) -> str:
    """Return the language labels can be drawn in: `lang`, or English without a Chinese font."""
    if lang != "zh" or len(fonts()) > 1:
        return lang
    warnings.warn(
        "no Chinese font found: labels fall back to English; pip install 'ecomops[zh]'",
        stacklevel=2,
    )
    return "en"


@cache
def _rc() -> dict[str, Any]:
    told = {name: HEX.get(value, value) for name, value in _LOOK["rc"].items()}
    sizes = {"font.size": BODY, "xtick.labelsize": SMALL, "ytick.labelsize": SMALL}
    return told | sizes | {"font.family": list(fonts()), "figure.dpi": DPI, "savefig.dpi": DPI}


def context(salt: str = "ecomops") -> AbstractContextManager[None]:
    """Return the house settings of matplotlib as a context; `salt` keeps ids of charts apart."""
    return rc_context(_rc() | {"svg.hashsalt": salt})  # type: ignore[arg-type]


def css_tokens() -> str:
    """Return the palette as CSS: light, dark by system or by switch, always light on paper."""
    light, dark = (";".join(f"--{name}:{pair[i]}" for name, pair in TOKENS.items()) for i in (0, 1))
    return (
        f":root{{{light};color-scheme:light}}"
        "@media (prefers-color-scheme:dark){:root:not(:has(#t-light:checked)){"
        f"{dark};color-scheme:dark}}}}"
        f":root:has(#t-dark:checked){{{dark};color-scheme:dark}}"
        f"@media print{{:root:root:root:root{{{light};color-scheme:light}}}}"
    )


def canvas(width: float, layout: Layout) -> Axes:
    """Return axes on a new figure of `width` pixels with the margins of `layout`."""
    height = layout.height
    figure = Figure(figsize=(width / DPI, height / DPI))
    return figure.add_axes(
        (
            layout.left / width,
            layout.bottom / height,
            (width - layout.left - layout.right) / width,
            (height - layout.top - layout.bottom) / height,
        )
    )


_AT: dict[str, Callable[[float, float], tuple[Any, tuple[float, float]]]] = {
    "data": lambda x, y: ("data", (x, y)),
    "left": lambda _, y: (("axes fraction", "data"), (0, y)),
    "right": lambda _, y: (("axes fraction", "data"), (1, y)),
    "below": lambda x, _: (("data", "axes fraction"), (x, 0)),
    "above": lambda x, _: (("data", "axes fraction"), (x, 1)),
}


def tag(
    ax: Axes,
    x: float,
    y: float,
    text: str,
    dx: float = 0,
    dy: float = 0,
    *,
    at: str = "data",
    **options: Any,
) -> None:
    """Write `text` at a point moved by whole pixels.

    `at` is "data", or an edge of the axes ("left", "right", "below", "above") that replaces x or y.
    The option `clear` lays the page's ground under the text, where a line would run through it.
    """
    coords, xy = _AT[at](x, y)
    # A dollar sign in data is text, not the start of a formula.
    look: dict[str, Any] = {"va": "center", "annotation_clip": False, "parse_math": False}
    if options.pop("clear", False):
        look["bbox"] = {"facecolor": BG, "edgecolor": "none", "pad": 1.5}
    look |= options
    ax.annotate(text, xy, (dx, dy), xycoords=coords, textcoords="offset points", **look)


def width_of(text: str) -> float:
    """Return the pixels of `text` at 11.5 px, as far as one can tell without the font.

    >>> width_of("ab") < width_of("直播")
    True
    """
    return sum(11.5 if ord(c) > LAST_NARROW else 6.4 for c in text)


def shortened(name: str, most: float) -> str:
    """Return `name` in `most` pixels: of a longer one the start and the end, which tell apart.

    Words are kept whole where spaces part them.

    >>> shortened("Relaxed corduroy straight trousers", 150), shortened("summer-sale-2025-11", 80)
    ('Relaxed…trousers', 'summer-…-11')
    """
    if width_of(name) <= most:
        return name
    last = name.rpartition(" ")[2]
    end = len(last) if last.isascii() and width_of(last) < most / 2 else 0
    cuts = (
        f"{name[: n + 1].rpartition(' ')[0] or name[:n]}…{name[-(end or n // 2 or 1) :].lstrip()}"
        for n in range(len(name) - 1, 0, -1)
    )
    return next((cut for cut in cuts if width_of(cut) <= most - 4), "…")


def keep_inside(figure: Any) -> None:
    """Move labels at data that would leave the figure sideways to its edge, and hide such ticks.

    By `width_of`: a chart is the same with any fonts. Labels at an edge of the axes have the
    margins of the layout.
    """
    for ax in figure.findobj(Axes):
        texts: list[Any] = [text for text in ax.texts if isinstance(text, Annotation)]
        for text in texts:
            if "data" in (text.xycoords, text.xycoords[0]):
                foot = _pixels(ax, text.xy[0]) + text.xyann[0]
                text.xyann = (text.xyann[0] + _back(text, foot), text.xyann[1])
        ticks = zip(ax.get_xticklabels(), ax.get_xticks(), strict=True) if ax.axison else ()
        for label in [label for label, x in ticks if _back(label, _pixels(ax, x))]:
            label.set_visible(False)


def _pixels(ax: Axes, x: float) -> float:
    """Return how far from the figure's left edge a place in the data lies."""
    return float(ax.transData.transform((x, ax.get_ylim()[0]))[0])


def _back(text: Any, x: float) -> float:
    """Return by how many pixels a label at `x` must move to stay on the figure."""
    broad = 1.2 if text.get_weight() == "bold" else 1.1
    width = max(map(width_of, text.get_text().split("\n"))) * broad * text.get_size() / SMALL
    left = x - width * {"left": 0.0, "center": 0.5, "right": 1.0}[text.get_ha()]
    return float(max(-left, 0.0) - max(left + width - text.figure.bbox.width, 0.0))


def step(
    values: ArrayLike, palette: tuple[str, ...] = SEQUENTIAL, top: float | None = None
) -> NDArray[np.str_]:
    """Return the colour of each value on an equal-step ramp from 0 to `top`."""
    cells = np.asarray(values, dtype=float)
    top = top or (np.nanmax(cells) if np.isfinite(cells).any() else 1) or 1
    rank = np.clip(np.nan_to_num(cells / top) * len(palette), 0, len(palette) - 1)
    colours: NDArray[np.str_] = np.array(palette)[rank.astype(int)]
    return colours


_JUNK = (
    r"<metadata>.*?</metadata>",
    r"<style[^>]*>.*?</style>",
    r"<!--.*?-->",
    r"<clipPath.*?</clipPath>",
    r' clip-path="[^"]*"',
    r' id="[\w.]+_\d+"',
    r" font-family: [^;\"]*;?",
    r" transform=\"rotate\(-0 [^)]*\)\"",
    r" stroke-(linejoin|miterlimit): ?[^;\"]*;?",
    r" text-anchor: start;?",
    r" xmlns[:a-z]*=\"[^\"]*\"",
    r"<g>\s*<path d=\"M 0 [^\"]*\" style=\"fill: none\"/>\s*</g>",
    r"<defs>\s*</defs>",
)


def svg(figure: Any, alt: str, css: str = "") -> str:
    """Return a figure as inline SVG: real text in the page's font, colours as CSS variables.

    Clip paths go too (they bloat and clash between charts): draw only what lies inside the limits.
    """
    out = io.StringIO()
    quiet = {"Date": None, "Creator": None, "Format": None, "Type": None}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # glyphs are the reader's font's business
        logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
        figure.savefig(out, format="svg", metadata=quiet)
    body = re.sub(r"^.*?(<svg[^>]*>)", "", out.getvalue(), flags=re.DOTALL)
    for junk in _JUNK:
        body = re.sub(junk, "", body, flags=re.DOTALL)
    body = re.sub(r"<[^>]+>", lambda m: re.sub(r"(\.\d)\d+", r"\1", m[0]), body)
    body = re.sub("|".join(NAMES), variable, body, flags=re.IGNORECASE)
    body = re.sub(r"<g>\s*(<(?:text|path)[^>]*(?:/>|>[^<]*</text>))\s*</g>", r"\1", body)
    body = re.sub(r"\s*\n\s*", "\n", body).strip().replace("xlink:href", "href")
    width, height = (round(side * DPI) for side in figure.get_size_inches())
    view = f'viewBox="0 0 {width} {height}" role="img" aria-label={quoteattr(alt)}'
    return f'<svg class="chart {css}" {view}>{body}'


NAMES = {light: name for name, light in HEX.items()}


def variable(colour: re.Match[str]) -> str:
    """Return a colour of the palette that was found, as the variable of its name."""
    light = colour[0].lower()
    return f"var(--{NAMES[light]},{light})"


def both(
    draw: Callable[[Axes, bool], None], layout: Callable[[bool], Layout], alt: str, salt: str
) -> str:
    """Return a chart drawn for a desk and for a phone; the page shows the one that fits."""
    out = ""
    for width, name in ((WIDE, "wide"), (NARROW, "narrow")):
        wide = name == "wide"
        with context(f"{salt} {name}"):
            ax = canvas(width, layout(wide))
            draw(ax, wide)
            keep_inside(ax.figure)
            out += svg(ax.figure, alt, name)
    return out
