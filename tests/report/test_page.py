"""The page of an executed notebook: order, headings, the reader's own cells, the same bytes."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest

from ecomops.base.errors import DataError, MissingError
from ecomops.report import bundle, kpi
from ecomops.report.build import notebooks_folder
from ecomops.report.render import export, page, read
from ecomops.result.words import Words

BOOKS = {lang: notebooks_folder() / lang / "analyse.ipynb" for lang in ("zh", "en")}
each_language = pytest.mark.parametrize("lang", ["zh", "en"])


@pytest.fixture(scope="module")
def pages():
    return {lang: export(path) for lang, path in BOOKS.items()}


class Outline(HTMLParser):
    """Headings and ids of a page."""

    def __init__(self, html):
        super().__init__()
        self.levels, self.ids, self.links = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if re.fullmatch(r"h[1-6]", tag):
            self.levels.append(int(tag[1]))
        if "id" in found and tag not in ("path", "pattern"):
            self.ids.append(found["id"])
        if found.get("href", "").startswith("#") and tag == "a":
            self.links.append(found["href"][1:])


@each_language
def test_the_same_notebook_gives_the_same_bytes(pages, lang):
    assert export(BOOKS[lang]) == pages[lang]


@each_language
def test_headings_go_down_one_step_at_a_time(pages, lang):
    levels = Outline(pages[lang]).levels
    contents, *rest = levels  # the list of contents stands before the title
    assert contents == 2
    assert rest[0] == 1
    assert rest.count(1) == 1
    assert [(a, b) for a, b in pairwise(rest) if b > a + 1] == []


@each_language
def test_ids_are_unique_and_links_lead_somewhere(pages, lang):
    outline = Outline(pages[lang])
    assert len(set(outline.ids)) == len(outline.ids)
    assert set(outline.links) <= set(outline.ids)


@each_language
def test_every_analysis_of_the_notebook_is_on_the_page(pages, lang):
    codes = [fact["code"] for fact in bundle.results(read(BOOKS[lang]))]
    assert len(codes) == 10
    for code in codes:
        place = "quality" if code == "store.check" else code.replace(".", "-")
        assert f'id="{place}"' in pages[lang], code
        if code != "store.check":
            assert Words(code, lang).say("question").split("{")[0] in pages[lang]


@each_language
def test_page_is_small_closed_and_says_its_language(pages, lang):
    html = pages[lang]
    assert len(html.encode()) <= 500_000
    assert "<script" not in html
    assert "default-src 'none'" in html
    assert f'<html lang="{"zh-CN" if lang == "zh" else "en"}"' in html


@each_language
def test_charts_follow_the_theme(pages, lang):
    charts = "".join(re.findall(r"<svg class=.chart.*?</svg>", pages[lang], re.DOTALL))
    assert charts.count("var(--") > 100
    assert re.findall(r"(?<!,)#[0-9a-f]{6}\b", charts) == []


@each_language
def test_six_numbers_are_those_of_the_scorecard(pages, lang):
    book = read(BOOKS[lang])
    results = bundle.results(book)
    scorecard = next(r for r in results if r["code"] == "store.scorecard")
    cards = kpi.cards(results, Words("report.page", lang, "CNY"))
    assert len(cards) == len(scorecard["params"]["cards"]) == 6
    rows = [
        dict(zip(scorecard["table"]["columns"], r, strict=True)) for r in scorecard["table"]["rows"]
    ]
    now = {r["metric"]: r for r in rows if r["period"] == scorecard["params"]["answer"]}
    own = Words("store.scorecard", lang, "CNY")
    for code, card in zip(scorecard["params"]["cards"], cards, strict=True):
        unit = own.say("units", code)
        assert card["value"] == own.format_field(now[code]["value"], unit)
        assert card["arrow"] == ("▲" if now[code]["change"] > 0 else "▼")
        assert card["value"] in pages[lang]


@pytest.mark.parametrize(
    ("change", "shown", "arrow"), [(0.013, "+1.3", "▲"), (-0.0004, "0.0", ""), (-0.2, "−20.0", "▼")]
)
def test_a_change_that_reads_0_has_no_arrow(change, shown, arrow):
    words = Words("report.page", "en", "CNY")
    now = kpi.Reading("2025-11", 1.0, change, partial=False)
    told = kpi._change(now, "points", "", Words("store.scorecard", "en", "CNY"), words)
    assert (shown in told["change"], told["arrow"]) == (True, arrow)


@pytest.mark.parametrize(("change", "told"), [(0.1, "compared with 2025-10"), (None, "no full")])
def test_the_line_above_the_cards_names_the_other_period_only_where_there_is_one(change, told):
    columns = ["period", "metric", "value", "change", "partial"]
    table = {"columns": columns, "rows": [["2025-11", "pay_orders", 9, change, False]]}
    params = {"answer": "2025-11", "versus": "2025-10"}
    card = {"code": "store.scorecard", "table": table, "params": params}
    assert told in kpi.lead([card], Words("report.page", "en", "CNY"))


def test_a_sparkline_spans_its_box_and_keeps_the_unfinished_apart():
    drawn = kpi.spark([1.0, None, 3.0], 2.0)
    assert re.findall(r'd="([^"]*)"', drawn) == ["M4.0 29.0 L65.5 5.0", "M65.5 5.0 L127.0 17.0"]
    assert "stroke-dasharray" not in kpi.spark([1.0, 1.0])


def test_the_readers_own_cells_are_on_the_page_and_harmless():
    book = read(BOOKS["en"])
    attack = "<script>alert(1)</script> [x](javascript:alert(1)) <img src=x onerror=a>"
    note = f"## My view\n\n**keep** {attack}"
    book.cells.insert(-1, nbformat.v4.new_markdown_cell(note))
    text = nbformat.v4.new_output("display_data", {"text/plain": "<b>1 & 2</b>"})
    book.cells.append(nbformat.v4.new_code_cell("x", outputs=[text]))
    html = page(book)
    assert "<h2>My view" in html
    assert "<strong>keep</strong>" in html
    assert "&lt;b&gt;1 &amp; 2&lt;/b&gt;" in html
    assert "javascript:" not in html
    assert "<script" not in html
    assert "<img" not in html


def test_the_notebooks_own_guide_stays_out(pages):
    book = read(BOOKS["en"])
    guide = next(c.source for c in book.cells if c.cell_type == "markdown")
    assert "guide" in book.cells[0].metadata.tags
    assert guide.splitlines()[0].lstrip("# ") not in pages["en"]


def test_a_page_links_to_its_sister(pages):
    html = page(read(BOOKS["en"]), sibling='a".html')
    assert '<a href="a&#34;.html" lang="zh-CN">中文</a>' in html
    assert 'lang="zh-CN">中文</a>' not in pages["en"]


def test_what_is_no_notebook_or_was_not_run_is_refused(tmp_path):
    with pytest.raises(MissingError):
        export(tmp_path / "none.ipynb")
    with pytest.raises(DataError, match="not a Jupyter notebook"):
        export(tmp_path)
    odd = tmp_path / "odd.ipynb"
    for text in ("", "[]", '{"cells": 1}', "PK\x03"):
        odd.write_text(text)
        with pytest.raises(DataError, match=r"not a Jupyter notebook|holds no result"):
            export(odd)


def test_a_notebook_needs_no_cover():
    book = read(BOOKS["en"])
    book.cells = [c for c in book.cells if "eo.customer.rfm(" in c.source]
    html = page(book)
    assert "<h1>Analysis</h1>" in html
    assert 'id="customer-rfm"' in html


def test_own_template_is_the_only_one():
    folder = Path(bundle.__file__).parent / "templates"
    mine = ["facts", "home", "index", "kpi", "start", "summary"]
    assert sorted(p.name for p in folder.rglob("*.j2")) == [f"{name}.html.j2" for name in mine]
