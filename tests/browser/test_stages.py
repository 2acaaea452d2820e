"""The pages of all four stages and their index, as `ecomops demo` writes them."""

from __future__ import annotations

import re

import pytest

from ecomops.data.shop import demo_folder
from ecomops.report.memory import NAME
from tests.browser.harness import LOOKS

pytestmark = [pytest.mark.browser, pytest.mark.slow]
STAGES = ("index", "plan", "execute", "analyse", "optimise")
LOOK = {look.name: look for look in LOOKS}
# every look of the index (and, in test_pages, of Analyse); of the others two that differ in all
SEEN = [("index", name) for name in LOOK]
SEEN += [
    (stage, name) for stage in ("plan", "execute", "optimise") for name in ("light", "phone-dark")
]


def test_the_demo_keeps_its_ledger_beside_its_pages(demo_pages):
    pages = {f"{stage}.{lang}.html" for stage in STAGES for lang in ("zh", "en")}
    assert {path.name for path in demo_pages.iterdir()} == {*pages, NAME}
    assert not (demo_folder() / NAME).exists()
    assert 'href="index.en.html"' in (demo_pages / "index.zh.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(("stage", "look"), SEEN, ids=str)
def test_nothing_to_object_to(demo_pages, visit, stage, look, lang):
    assert visit(demo_pages / f"{stage}.{lang}.html", LOOK[look]).objections() == []


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_link_leads_to_a_section_that_is_there(demo_pages, lang):
    for stage in STAGES:
        text = (demo_pages / f"{stage}.{lang}.html").read_text(encoding="utf-8")
        for name, anchor in re.findall(r'href="([\w.]*)#?([\w-]*)"', text):
            target = demo_pages / (name or f"{stage}.{lang}.html")
            ids = set(re.findall(r'id="([^"]+)"', target.read_text(encoding="utf-8")))
            assert not anchor or anchor in ids, (stage, name, anchor)


@pytest.mark.parametrize("stage", ["plan", "execute", "optimise"])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_what_to_do_first_is_printed_on_one_sheet(demo_pages, browser, stage, lang):
    page = browser.new_page(viewport={"width": 688, "height": 1032})  # 182 x 273 mm
    page.emulate_media(media="print")
    page.goto((demo_pages / f"{stage}.{lang}.html").resolve().as_uri())
    page.evaluate("document.fonts.ready")
    bottom = page.evaluate("document.querySelector('.spo').getBoundingClientRect().bottom")
    page.close()
    assert bottom <= 1032


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_pages_are_small(demo_pages, stage, lang):
    assert (demo_pages / f"{stage}.{lang}.html").stat().st_size <= 500_000
