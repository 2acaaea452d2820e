"""What the READMEs tell people to type works on the demo shop, as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import ecomops as eo

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_the_ledger_is_kept_as_the_readme_says(demo, name):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / name).read_text("utf-8"), re.DOTALL)
    (block,) = (text for text in blocks if "book.decide" in text)
    made = {"eo": eo, "shop": demo}
    exec(block, made)  # noqa: S102 - our own text
    assert list(made["book"].outcomes["owner"]) in (["Li"], ["李"])
