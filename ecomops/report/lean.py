"""Charts in notebooks and pages: small in the notebook, following the theme on the page."""

from __future__ import annotations

import re

from ecomops.result.style import NAMES, variable

_SVG = re.compile(r"<svg.*?</svg>", re.DOTALL)
_QUOTED = re.compile(r"""="([^"']*)\"""")
_COARSE = re.compile(r"(?:[A-Za-z]|-?\d+(?:\.\d)?|\s)*")  # no number finer than a tenth
FEWEST = 3
SAME = ' style="(?P=style)"'
_ELEMENT = r"<(?:text|path|use)\b[^>]*?{style}[^>]*(?:/>|>[^<]*</text>)"
_ALONE = re.compile(f"<g>({_ELEMENT.format(style='')})</g>")
_RUN = re.compile(
    _ELEMENT.format(style=' style="(?P<style>[^"]*)"') + f"(?:{_ELEMENT.format(style=SAME)})+"
)
_BARE = re.compile(rf"(?<!,)(?:{'|'.join(NAMES)})")


def lean(html: str) -> str:
    r"""Return `html` with its charts in fewer bytes: plain colours, short paths, no empty groups.

    A notebook has no theme, so that its charts need no names of colours; `themed` puts them back.

    >>> lean(
    ...     '<svg><path d="M 1 2\nL 3.0 2\nL 3 4\nL 1 4\nz" style="fill: var(--c1,#143f86)"/></svg>'
    ... )
    "<svg><path d='M1 2h2v2h-2z' style='fill:#143f86'/></svg>"
    """
    return _SVG.sub(lambda chart: _lean(chart[0]), html)


def themed(html: str) -> str:
    """Return `html` with the colours of its charts by name, so that they follow the theme.

    >>> themed('<svg><path fill="#143f86"/></svg><p>#143f86</p>')
    '<svg><path fill="var(--c1,#143f86)"/></svg><p>#143f86</p>'
    """
    return _SVG.sub(lambda chart: _BARE.sub(variable, chart[0]), html)


def _lean(chart: str) -> str:
    chart = re.sub(r"var\(--[\w-]+,(#[0-9a-f]{6})\)", r"\1", chart)
    chart = re.sub(r'\bd="([^"]*)"', _path, chart)
    chart = re.sub(r'style="([^"]*)"', _style, chart)
    chart = re.sub(r">\s*\n\s*<", "><", chart).replace("<g/>", "")
    while "<g></g>" in chart:
        chart = chart.replace("<g></g>", "")
    chart = _RUN.sub(_grouped, _ALONE.sub(r"\1", chart))
    return _QUOTED.sub(r"='\1'", chart)  # JSON writes a double quote as two characters


def _grouped(run: re.Match[str]) -> str:
    """Return neighbours of one style as a group that states it once."""
    style, inside = run["style"], run[0]
    if inside.count("style=") < FEWEST or "opacity" in style:
        return inside
    plain = inside.replace(f' style="{style}"', "")
    return f'<g style="{style}">{plain}</g>'


def _path(found: re.Match[str]) -> str:
    drawn = re.sub(r"\s*([A-Za-z])\s*", r"\1", found[1]).strip()
    steps = re.findall(r"([A-Za-z])([^A-Za-z]*)", drawn)
    if {letter for letter, _ in steps} <= set("MLz") and _COARSE.fullmatch(drawn):
        drawn = _relative(steps)
    return f'd="{drawn}"'


def _relative(steps: list[tuple[str, str]]) -> str:
    """Return straight lines as moves from point to point, counted in whole tenths of a pixel."""
    out, x, y = "", 0, 0
    for letter, numbers in steps:
        if letter == "z":
            out += "z"
            continue
        x0, y0, (x, y) = x, y, (round(10 * float(n)) for n in numbers.split())
        if letter == "M":
            out += f"M{_tenths(x)} {_tenths(y)}"
        elif x == x0 or y == y0:
            out += f"v{_tenths(y - y0)}" if x == x0 else f"h{_tenths(x - x0)}"
        else:
            out += f"l{_tenths(x - x0)} {_tenths(y - y0)}"
    return out


def _tenths(number: int) -> str:
    return f"{number / 10:g}"


def _style(found: re.Match[str]) -> str:
    tight = re.sub(r"\s*([:;])\s*", r"\1", found[1]).rstrip(";")
    return f'style="{tight}"'
