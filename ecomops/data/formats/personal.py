"""Which columns tell who a buyer is: names, phones, addresses, accounts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ecomops.base.packaged import packaged

if TYPE_CHECKING:
    from collections.abc import Mapping

FIXED: Mapping[str, str] = packaged("data/formats/fixed.toml")["personal"]
_WORDS, _NOT = (re.compile(FIXED[name], re.IGNORECASE) for name in ("words", "others"))


def is_personal(header: str) -> bool:
    """Return whether a column's name says that it identifies a person.

    >>> is_personal("收货人姓名"), is_personal("Shipping Zip"), is_personal("店铺名称")
    (True, True, False)
    """
    return bool(_WORDS.search(header)) and not _NOT.search(header)
