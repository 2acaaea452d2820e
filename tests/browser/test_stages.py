"""The pages of all four stages and their index, as `ecomops demo` writes them."""

from __future__ import annotations

import re

import pytest

from tests.browser.harness import LOOKS
from tests.conftest import ecomops

pytestmark = [pytest.mark.browser, pytest.mark.slow]
STAGES = ("index", "plan", "execute", "analyse", "optimise")
LOOK = {look.name: look for look in LOOKS}
# every look of the index; of the stages one wide and one narrow, light and dark
SEEN = [("index", name) for name in LOOK]
SEEN += [(stage, name) for stage in STAGES[1:] for name in ("light", "phone-dark")]


@pytest.fixture(scope="session")
def demo_pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    run = ecomops("demo", "--out", str(folder), "--lang", "en")
    assert run.returncode == 0, run.stderr
    assert run.stdout.split()[-2:] == [str(folder / f"index.{each}.html") for each in ("zh", "en")]
    return folder


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


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_pages_are_small(demo_pages, stage, lang):
    assert (demo_pages / f"{stage}.{lang}.html").stat().st_size <= 500_000
