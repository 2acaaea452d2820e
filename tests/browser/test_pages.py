"""The Analyse page of the demo shop as its readers get it, in both languages and every look."""

from __future__ import annotations

import re

import pytest

from tests.browser.harness import LOOKS, Look

pytestmark = pytest.mark.browser
each_language = pytest.mark.parametrize("lang", ["zh", "en"])
each_look = pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)


@each_language
@each_look
def test_nothing_to_object_to(demo_pages, visit, lang, look: Look):
    seen = visit(demo_pages / f"analyse.{lang}.html", look)
    assert seen.objections() == []
    assert any("CJK SC" in font or "Noto Sans SC" in font for font in seen.fonts), seen.fonts


@each_language
def test_page_is_small_and_says_its_language(demo_pages, lang):
    page = demo_pages / f"analyse.{lang}.html"
    assert page.stat().st_size <= 500_000
    html = page.read_text(encoding="utf-8")
    assert re.search(r'<html[^>]* lang="(zh-CN|zh-Hans|zh|en)"', html)[1].startswith(lang)
    assert "default-src 'none'" in html


@each_language
def test_page_asks_nobody_for_anything(demo_pages, lang):
    html = (demo_pages / f"analyse.{lang}.html").read_text(encoding="utf-8")
    fetched = re.findall(
        r"""(?:src|srcset|@import|url\()\s*=?\s*["']?((?:https?:)?//[^"')\s]+)""", html
    )
    assert fetched == []
    assert "<link" not in html


@each_language
def test_quotes_are_those_of_the_language(demo_pages, browser, lang):
    """A Chinese font draws quotes a whole em wide: right in Chinese, holes in English."""
    page = browser.new_page()
    page.goto((demo_pages / f"analyse.{lang}.html").resolve().as_uri())
    widths = page.evaluate(WIDTHS)
    page.close()
    assert all(width > 0.9 for width in widths) if lang == "zh" else max(widths) < 0.65


@each_language
def test_a_printed_chart_keeps_its_heading_and_its_notes(demo_pages, browser, lang):
    """From the heading to the end of the notes, every section fits on one sheet of A4."""
    page = browser.new_page(viewport={"width": 688, "height": 1032})  # 182 x 273 mm
    page.emulate_media(media="print")
    page.goto((demo_pages / f"analyse.{lang}.html").resolve().as_uri())
    page.evaluate("document.fonts.ready")
    heights = page.evaluate(SECTIONS)
    page.close()
    assert len(heights) > 5
    assert {name: height for name, height in heights.items() if height > 1032} == {}


SECTIONS = """() => Object.fromEntries(
  [...document.querySelectorAll('section.q')].filter(q => q.querySelector('.notes')).map(q => [
    q.id,
    q.querySelector('.notes').getBoundingClientRect().bottom - q.getBoundingClientRect().top,
  ])
)"""
WIDTHS = """() => [...'“”'].map(mark => {
  const span = document.body.appendChild(document.createElement('span'));
  span.style.cssText = 'font-size:100px;position:absolute';
  span.textContent = '中' + mark + '中';
  return span.getBoundingClientRect().width / 100 - 2;
})"""
