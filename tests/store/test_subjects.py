"""What advice concerns is named in the reader's language, names of the data stay as they are."""

from __future__ import annotations

import pytest

from ecomops.campaign.roadmap import _Tests
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
