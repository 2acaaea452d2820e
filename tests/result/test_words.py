"""Words: labels from the analysis, the common ones or the data; lists, quotes, forms, glossary."""

from __future__ import annotations

import re

import pytest

from ecomops.base.options import options
from ecomops.result.words import Words, catalogue

EN, ZH = Words("product.pareto", "en", "GBP"), Words("product.pareto", "zh")


def test_labels_come_from_the_analysis_then_the_common_words_then_the_data() -> None:
    common = catalogue("en")["common"]["labels"]
    code = next(iter(common))
    assert EN.label(code) == common[code].rpartition("|")[2]
    assert EN.label("no such code") == "no such code"
    assert EN.label("customer.rfm") == catalogue("en")["customer"]["rfm"]["name"]
    assert EN.label("customer.unheard") == "customer.unheard"
    assert EN.label("3.5") == "3.5"
    assert EN.label(None) == "n/a"


def test_long_lists_and_names_are_cut_and_say_so() -> None:
    many = [f"x{i}" for i in range(50)]
    assert EN.labels(many).endswith("x6, x7 and others (50 in all)")
    assert ZH.labels(many).endswith("x6、x7……共 50 个")
    assert EN.labels(many[:9]).endswith("x7, x8")
    title = "Long-Sleeve Crewneck T-Shirt with Pocket and a Very Long Description"
    first, second = EN.names([f"{title} #1", f"{title} #2"]).split(", ")
    assert len(first) < 60
    assert (first[-3:], second[-3:]) == ("#1”", "#2”")


def test_one_thing_is_not_many() -> None:
    assert [EN.unit(n, "products") for n in (0, 1, 2)] == ["products", "product", "products"]
    assert [ZH.unit(n, "products") for n in (1, 2)] == ["个商品", "个商品"]
    assert EN.unit(1, "no such unit") == "no such unit"


def test_a_part_that_is_no_text_is_no_label() -> None:
    """`labels` of an analysis may hold tables; the code then stays itself."""
    assert Words("common", "en").label("labels") == "labels"


def test_names_of_the_shop_are_told_in_english_by_its_glossary(monkeypatch) -> None:
    monkeypatch.setattr(options, "glossary", {"直播": "live"})
    assert EN.own("直播") == "live"
    assert ZH.own("直播") == "直播"
    assert EN.own("搜索") == "搜索"


def test_lists_by_language() -> None:
    assert EN.labels(["x1", "x2"]) == "x1, x2"
    assert ZH.labels(["x1", "x2"]) == "x1、x2"
    assert (EN.join([]), ZH.join([])) == ("n/a", "无")
    assert EN.names(["甲", "乙"]) == "“甲”, “乙”"
    assert ZH.names(["甲", "乙"]) == "“甲”“乙”"


@pytest.mark.parametrize(
    ("template", "values", "wanted"),
    [
        ("{v:label}", {"v": "zz"}, "zz"),
        ("{v:labels}", {"v": ["y", "z"]}, "y, z"),
        ("{v:names}", {"v": ["y"]}, "“y”"),
        ("{v:flag}|{w:flag}", {"v": True, "w": False}, "✓|"),
        ("{v:flag}|{w:flag}", {"v": 1, "w": 2}, "✓|"),
        ("{v}", {"v": None}, "n/a"),
        ("{v:text}", {"v": "a"}, "a"),
        ("{v:money}", {"v": -3}, "−£3"),
        ("{v:+percent.0}", {"v": 0.5}, "+50%"),
        ("{v:count} {v:order|orders}", {"v": 1}, "1 order"),
        ("{v:count} {v:order|orders}", {"v": 0}, "0 orders"),
    ],
)
def test_fields_by_the_unit_behind_their_colon(template, values, wanted) -> None:
    assert EN.vformat(template, (), values) == wanted


def test_words_that_are_not_there_are_named() -> None:
    with pytest.raises(KeyError, match=r"product\.pareto: findings\.nonsense \(en\)"):
        EN.say("findings", "nonsense")
    assert EN.find("findings", "nonsense") is None
    assert EN.find("name", "deeper") is None


@pytest.mark.parametrize(
    ("lang", "shades"), [("zh", "[深浅][色蓝灰红]"), ("en", r"\b(dark|light|pale)(er)?\b")]
)
def test_colours_are_told_so_that_they_hold_in_dark_mode_too(lang, shades) -> None:
    """DESIGN: the ramp turns round in dark mode; themes are called by their names."""
    told = {at: text for at, text in texts(catalogue(lang)).items() if at[:2] != ("report", "page")}
    assert [at for at, text in told.items() if re.search(shades, text, re.IGNORECASE)] == []


def test_chinese_quotes_are_those_of_the_mainland() -> None:
    assert [
        at for at, text in texts(catalogue("zh")).items() if re.search("[「」『』]", text)
    ] == []


def test_a_chance_may_read_over_99_or_under_1_percent_where_it_stands() -> None:
    told = {at: text for at, text in texts(catalogue("en")).items() if ":chance}" in text}
    bad = re.compile(r"\ba \{\w+:chance\}|^\{\w+:chance\} .*\.$|:chance\} sure")
    assert [at for at, text in told.items() if bad.search(text)] == []
    chinese = texts(catalogue("zh"))
    assert [at for at, text in chinese.items() if re.search(r"概率是 \{\w+:chance\}。", text)] == []


def texts(node, *at: str) -> dict[tuple[str, ...], str]:
    """Return every text of a catalogue by its path."""
    if isinstance(node, str):
        return {at: node}
    return {path: text for key in node for path, text in texts(node[key], *at, key).items()}
