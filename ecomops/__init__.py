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
    from ecomops.data.formats import detect
    from ecomops.data.lists import write
    from ecomops.data.shop import Shop
    from ecomops.data.shop import open_shop as open
    from ecomops.store.loaded import LoadReport, load

__version__ = "0.1.0"

_MODULES = ("campaign", "channel", "customer", "metrics", "product", "report", "sim", "store")
_NAMES = {
    "detect": ("ecomops.data.formats", "detect"),
    "load": ("ecomops.store.loaded", "load"),
    "LoadReport": ("ecomops.store.loaded", "LoadReport"),
    "open": ("ecomops.data.shop", "open_shop"),
    "Shop": ("ecomops.data.shop", "Shop"),
    "write": ("ecomops.data.lists", "write"),
}
__all__ = [
    "DataError",
    "EcomopsError",
    "LoadReport",
    "MissingError",
    "OptionError",
    "Shop",
    "UnsafeError",
    "campaign",
    "channel",
    "customer",
    "detect",
    "load",
    "metrics",
    "open",
    "options",
    "product",
    "report",
    "sim",
    "store",
    "write",
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
