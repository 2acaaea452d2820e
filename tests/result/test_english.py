"""In English the demo shop speaks English throughout: its own names come from ``shop.toml``."""

from __future__ import annotations

import re

import pyarrow.parquet as pq
import pytest

import ecomops as eo
from ecomops.base.options import options
from ecomops.data.shop import demo_folder
from ecomops.sim import world

CHINESE = re.compile(r"[\u4e00-\u9fff]+")
ANALYSES = (eo.product.stock, eo.product.selection, eo.channel.live, eo.campaign.brief)


def test_every_product_has_an_english_name():
    eo.open("demo")
    names = pq.read_table(demo_folder() / "products.parquet")["product_name"].to_pylist()
    english = [options.glossary.get(name, "") for name in names]
    assert len(set(english)) == len(names)
    assert [name for name in english if not name or CHINESE.search(name)] == []


@pytest.mark.parametrize("analysis", ANALYSES, ids=lambda a: a.__name__)
def test_no_chinese_is_left_on_an_english_page(analysis):
    """Sentences, tables and the text of charts; the Chinese page keeps its own."""
    told = analysis(eo.open("demo"), lang="en")
    assert sorted(set(CHINESE.findall(told._repr_html_()))) == []
    assert len(CHINESE.findall(told.in_language("zh")._repr_html_())) > 50


def test_a_shop_in_memory_speaks_english_too():
    shop = world("tiny", customers=300).shop
    told = eo.product.pareto(shop.order_lines, lang="en")
    assert CHINESE.search(told.table["name"].iloc[0])  # data are left as they are
    assert sorted(set(CHINESE.findall(told._repr_html_()))) == []
