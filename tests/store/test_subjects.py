"""What advice concerns is named in the reader's language, names of the data stay as they are."""

from __future__ import annotations

from datetime import date

import pytest

from ecomops.base.options import options
from ecomops.campaign.roadmap import _Tests
from ecomops.result import Action
from ecomops.store.decide import decide
from ecomops.store.proposals import Proposal
from ecomops.store.spoken import Spoken


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("segment:silent customers", "沉默的客户"),
        ("segment:once_silent", "买过一次·沉默"),
        ("segment:tier gold", "金卡会员"),
        ("listing:attributes", "属性没填全"),
        ("campaign:double_12", "双12"),
        ("product:P-1", "P-1"),
    ],
)
def test_subjects_have_chinese_names(subject, said):
    assert Spoken("store.decide", "zh", "CNY").label(subject) == said
    assert _Tests("campaign.roadmap", "zh", "CNY").label(subject) == said


def test_subjects_are_called_as_the_advice_calls_them(monkeypatch):
    """Truth: the glossary's words; a product is known by its name, without one by its id."""
    monkeypatch.setattr(
        options, "glossary", {"学生": "student", "T恤": "T-shirt", "毛衣": "sweater"}
    )
    told = [
        ("product.niche", "trial", "niche:学生×T恤", {}),
        ("product.selection", "mend", "product:1", {"item": "毛衣"}),
        ("channel.live", "swap", "product:2", {"strong": "裙子", "weak": "T恤"}),
        ("product.x", "y", "product:3", {}),
    ]
    until = date(2026, 3, 1)
    advice = [Proposal(by, Action(code, (), c, "D", until, None, s)) for by, code, s, c in told]
    words = decide([], earlier=advice).words("en")
    said = [words.label(subject) for _, _, subject, _ in told]
    assert said == ["student×T-shirt", "sweater", "T-shirt", "3"]
