"""Charts as SVG: colours that follow the page, real text, contrast that can be read."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest

from ecomops.result import style


def luminance(colour: str) -> float:
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(parts <= 0.03928, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, two: str) -> float:
    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("mode", [0, 1])
def test_text_can_be_read_on_every_ground(mode: int) -> None:
    """WCAG 2 AA asks 4.5; DESIGN states 4.59 light and 4.98 dark."""
    ink = style.TOKENS["ink"][mode]
    grounds = [style.TOKENS[n][mode] for n in ("bg", "soft", *(f"s{i}" for i in range(7)))]
    assert min(contrast(ink, ground) for ground in grounds) >= 4.5
    assert contrast(style.TOKENS["mute"][mode], style.TOKENS["bg"][mode]) >= 4.5


def test_light_colours_are_unique_keys() -> None:
    assert len(set(style.HEX.values())) == len(style.TOKENS)


def drawing() -> str:
    with style.context("test"):
        ax = style.canvas(350, style.Layout(100, left=20, bottom=20))
        ax.plot([0, 1], [0, 1], color=style.UP)
        style.tag(ax, 0.5, 0.5, "中文 $5 & <b>")
        return style.svg(ax.figure, 'a "quoted" <alt>', "wide")


def test_svg_has_real_text_variables_and_no_outside_links() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = drawing()
    assert "中文 $5 &amp; &lt;b&gt;" in got
    assert f"var(--c1,{style.UP})" in got
    assert not re.search(r"#143f86(?!\))", got)
    assert "http" not in got
    assert "&lt;alt&gt;" in got


def test_the_same_drawing_gives_the_same_bytes() -> None:
    assert drawing() == drawing()


def test_the_ramp_is_equal_steps_and_missing_is_lowest() -> None:
    assert list(style.step([0, 0.5, 1, np.nan], top=1)) == [
        style.SEQUENTIAL[0],
        style.SEQUENTIAL[3],
        style.SEQUENTIAL[6],
        style.SEQUENTIAL[0],
    ]
    assert set(style.step([np.nan])) == {style.SEQUENTIAL[0]}


def test_labels_fall_back_to_english_with_a_warning_where_no_chinese_font_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(style, "fonts", lambda: ("DejaVu Sans",))
    style.drawable.cache_clear()
    with pytest.warns(UserWarning, match=r"ecomops\[zh\]"):
        assert style.drawable("zh") == "en"
    style.drawable.cache_clear()
    assert style.drawable("en") == "en"


def test_every_colour_has_its_two_tones_in_the_page() -> None:
    css = style.css_tokens()
    for name, (light, dark) in style.TOKENS.items():
        assert css.count(f"--{name}:{light}") >= 1
        assert css.count(f"--{name}:{dark}") >= 2  # by system and by switch
    assert "prefers-color-scheme:dark" in css
    assert "print" in css


def test_without_the_package_of_fonts_the_installed_ones_serve(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def gone(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(style, "import_module", gone)
    assert style._packaged_fonts() == []
