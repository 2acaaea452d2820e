"""The index of the four stages: what to do, what each stage answers, links that lead there."""

from __future__ import annotations

import re

import pytest

from ecomops.report.build import notebooks_folder
from ecomops.report.home import home
from ecomops.report.render import STAGES, page, read

LINKS = {stage: f"{stage}.en.html" for stage in ("index", *STAGES)}


@pytest.fixture(scope="module")
def books():
    return {stage: read(notebooks_folder() / "en" / f"{stage}.ipynb") for stage in STAGES}


@pytest.fixture(scope="module")
def html(books):
    return home(books, links=LINKS, lang="en", sibling="index.zh.html")


def test_every_section_of_every_stage_is_reached(html, books):
    """Truth: the ids of the stages' own pages."""
    for stage in STAGES:
        text = page(books[stage], stage=stage, links=LINKS)
        wanted = set(re.findall(r'<section class="q[^"]*" id="([^"]+)"', text))
        reached = set(re.findall(rf'href="{stage}\.en\.html#([^"]+)"', html))
        assert wanted
        assert wanted <= reached
        assert reached <= wanted | {"quality"}


def test_stages_link_to_each_other_and_to_the_index(books, html):
    text = page(books["plan"], stage="plan", links=LINKS)
    for stage in ("index", "execute", "analyse", "optimise"):
        assert f'href="{stage}.en.html"' in text
    assert 'href="plan.en.html"' not in text
    assert all(f'href="{stage}.en.html"' in html for stage in STAGES)
    assert 'href="index.zh.html"' in html


def test_it_is_one_offline_page_of_ours(html, books):
    assert "default-src 'none'" in html
    assert '<meta name="generator" content="ecomops">' in html[:2000]
    assert not re.search(r"<script|<link|https?://", html)
    assert html == home(books, links=LINKS, lang="en", sibling="index.zh.html")
    assert html.count("<h1>") == 1


def test_links_inside_the_page_lead_somewhere(html):
    ids = set(re.findall(r'id="([^"]+)"', html))
    assert set(re.findall(r'href="#([^"]+)"', html)) <= ids


def test_each_stage_counts_its_answers(html):
    counted = re.findall(r"(\d+) of (\d+) questions answered", html)
    assert len(counted) == 4
    assert all(int(n) <= int(of) for n, of in counted)
