"""Charts in fewer bytes: the same picture, and the way back to the theme's colours."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecomops.report import lean
from ecomops.result.style import HEX

tenths = st.integers(-9_999, 9_999).map(lambda n: n / 10)
points = st.lists(st.tuples(tenths, tenths), min_size=1, max_size=30)


def walked(path):
    """Return the corners of a path of M, l, h, v and z: the SVG 1.1 meaning of these letters."""
    at, out = (0.0, 0.0), []
    for letter, text in re.findall(r"([Mlhvz])([^Mlhvz]*)", path):
        n = [float(each) for each in re.findall(r"-?[\d.]+", text)]
        at = {
            "M": lambda n: (n[0], n[1]),
            "l": lambda n, at=at: (at[0] + n[0], at[1] + n[1]),
            "h": lambda n, at=at: (at[0] + n[0], at[1]),
            "v": lambda n, at=at: (at[0], at[1] + n[0]),
            "z": lambda _, at=at: at,
        }[letter](n)
        out.append(at)
    return out


@given(points)
def test_a_path_keeps_its_corners(corners):
    drawn = "\n".join(f"{'L' if i else 'M'} {x} {y}" for i, (x, y) in enumerate(corners))
    chart = lean.lean(f'<svg><path d="{drawn}"/></svg>')
    found = walked(re.search(r"d='([^']*)'", chart)[1])
    assert [(pytest.approx(x), pytest.approx(y)) for x, y in corners] == found


def test_curves_are_left_as_they_are():
    chart = lean.lean('<svg><path d="M 0 3.5\nC 0.9 3.5 1.8 3.1 2.4 2.4\nz"/></svg>')
    assert "M0 3.5C0.9 3.5 1.8 3.1 2.4 2.4z" in chart


@given(st.sampled_from(sorted(HEX)))
def test_colours_find_back_to_the_theme(name):
    themed = f"<svg><path fill='var(--{name},{HEX[name]})'/></svg>"
    assert lean.themed(lean.lean(themed)) == themed
    assert lean.themed(themed) == themed


def test_neighbours_of_one_style_share_it():
    chart = "".join(f'<text style="fill: #111111" x="{x}">{x}</text>' for x in range(3))
    assert lean.lean(f"<svg>{chart}</svg>").count("style=") == 1


def test_text_outside_charts_is_untouched():
    html = '<p class="a">M 1 2 var(--c1,#143f86)</p>'
    assert lean.lean(html) == html
