"""Charts in notebooks and pages: small in the notebook, following the theme on the page."""

from __future__ import annotations

import re

from ecomops.result.style import HEX

_SVG = re.compile(r"<svg.*?</svg>", re.DOTALL)
_NUMBER = r"-?[\d.]+"
_BOX = re.compile(rf"M({_NUMBER}) ({_NUMBER})" + rf"L({_NUMBER}) ({_NUMBER})" * 3 + "z")
FEWEST = 3
SAME = ' style="(?P=style)"'
_ELEMENT = r"<(?:text|path|use)\b[^>]*?{style}[^>]*(?:/>|>[^<]*</text>)"
_ALONE = re.compile(f"<g>({_ELEMENT.format(style='')})</g>")
_RUN = re.compile(
    _ELEMENT.format(style=' style="(?P<style>[^"]*)"') + f"(?:{_ELEMENT.format(style=SAME)})+"
)
_NAMES = {light: name for name, light in HEX.items()}
_BARE = re.compile(rf"(?<!,)(?:{'|'.join(_NAMES)})")


def lean(html: str) -> str:
    r"""Return `html` with its charts in fewer bytes: plain colours, short paths, no empty groups.

    A notebook has no theme, so that its charts need no names of colours; `themed` puts them back.

    >>> lean(
    ...     '<svg><path d="M 1 2\nL 3.0 2\nL 3 4\nL 1 4\nz" style="fill: var(--c1,#143f86)"/></svg>'
    ... )
    '<svg><path d="M1 2H3V4H1z" style="fill:#143f86"/></svg>'
    """
    return _SVG.sub(lambda chart: _lean(chart[0]), html)


def themed(html: str) -> str:
    """Return `html` with the colours of its charts by name, so that they follow the theme.

    >>> themed('<svg><path fill="#143f86"/></svg><p>#143f86</p>')
    '<svg><path fill="var(--c1,#143f86)"/></svg><p>#143f86</p>'
    """
    return _SVG.sub(lambda chart: _BARE.sub(_named, chart[0]), html)


def _named(colour: re.Match[str]) -> str:
    return f"var(--{_NAMES[colour[0]]},{colour[0]})"


def _lean(chart: str) -> str:
    chart = re.sub(r"var\(--[\w-]+,(#[0-9a-f]{6})\)", r"\1", chart)
    chart = re.sub(r'\bd="([^"]*)"', _path, chart)
    chart = re.sub(r'style="([^"]*)"', _style, chart)
    chart = re.sub(r">\s*\n\s*<", "><", chart).replace("<g/>", "")
    while "<g></g>" in chart:
        chart = chart.replace("<g></g>", "")
    return _RUN.sub(_grouped, _ALONE.sub(r"\1", chart))


def _grouped(run: re.Match[str]) -> str:
    """Return neighbours of one style as a group that states it once."""
    style, inside = run["style"], run[0]
    if inside.count("style=") < FEWEST or "opacity" in style:
        return inside
    plain = inside.replace(f' style="{style}"', "")
    return f'<g style="{style}">{plain}</g>'


def _path(found: re.Match[str]) -> str:
    drawn = re.sub(r"\s*([A-Za-z])\s*", r"\1", found[1]).strip()
    drawn = re.sub(r"\.0(?=\D|$)", "", re.sub(r"\s+", " ", drawn))
    return f'd="{_BOX.sub(_box, drawn)}"'


def _box(found: re.Match[str]) -> str:
    """Return a rectangle's path by its sides, when it is one."""
    x0, y0, x1, y1, x2, y2, x3, y3 = found.groups()
    if (y0, x1, y2, x3) == (y1, x2, y3, x0):
        return f"M{x0} {y0}H{x1}V{y2}H{x3}z"
    return found[0]


def _style(found: re.Match[str]) -> str:
    tight = re.sub(r"\s*([:;])\s*", r"\1", found[1]).rstrip(";")
    return f'style="{tight}"'
