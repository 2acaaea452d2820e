"""Which columns tell who a buyer is: names, phones, addresses, accounts."""

from __future__ import annotations

import re

_WORDS = re.compile(
    r"姓名|电话|手机|地址|支付宝账号|对方账号|身份证|邮箱|收件人|收货人|^街道$|发票抬头|客户名称|拼单用户|"
    r"email|phone|street|address|zip|postal|^billing|^shipping (name|company|phone)|"
    r"first name|last name|^customer$|customer name|card id|ip$",
    re.IGNORECASE,
)
_NOT = re.compile(
    r"修改过地址|主播|店铺|门店|仓库|发件|服务商|province|city|country|method", re.IGNORECASE
)


def is_personal(header: str) -> bool:
    """Return whether a column's name says that it identifies a person.

    >>> is_personal("收货人姓名"), is_personal("Shipping Zip"), is_personal("店铺名称")
    (True, True, False)
    """
    return bool(_WORDS.search(header)) and not _NOT.search(header)
