"""ecomops: plan, execute, analyse and optimise an online shop.

>>> import ecomops as eo
>>> shop = eo.open("demo")
>>> shop.currency
'CNY'
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ecomops.base.errors import DataError, EcomopsError, MissingError, OptionError, UnsafeError
from ecomops.base.options import options

if TYPE_CHECKING:
    from ecomops import campaign, channel, customer, metrics, product, report, sim, store
    from ecomops.data.shop import Shop
    from ecomops.data.shop import open_shop as open

__version__ = "0.1.0"

_MODULES = ("campaign", "channel", "customer", "metrics", "product", "report", "sim", "store")
_NAMES = {
    "open": ("ecomops.data.shop", "open_shop"),
    "Shop": ("ecomops.data.shop", "Shop"),
}
__all__ = [
    "DataError",
    "EcomopsError",
    "MissingError",
    "OptionError",
    "Shop",
    "UnsafeError",
    "campaign",
    "channel",
    "customer",
    "metrics",
    "open",
    "options",
    "product",
    "report",
    "sim",
    "store",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for, so that importing loads nothing heavy."""
    if name in _MODULES:
        return importlib.import_module(f"ecomops.{name}")
    if name in _NAMES:
        module, attribute = _NAMES[name]
        return getattr(importlib.import_module(module), attribute)
    raise AttributeError(name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
