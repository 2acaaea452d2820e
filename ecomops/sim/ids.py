"""Identifiers of orders, buyers, products and variants: the same in every world of a seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ecomops.sim import arrow

if TYPE_CHECKING:
    import pyarrow as pa

    from ecomops.sim.streams import Ints

ORDER = "2410077"
BUYER = "tb"


def orders(key: Ints) -> pa.Array:
    """Return the order numbers of possible orders: 19 digits, past what a float can hold."""
    return arrow.digits(arrow.scattered(key), 3, ORDER)


def buyers(key: Ints) -> pa.Array:
    """Return the identifiers of customers."""
    return arrow.digits(arrow.scattered(key), 3, BUYER)


def products(product: Ints) -> pa.Array:
    """Return the identifiers of products."""
    return _listed(product, 37, 6_0000, "7350")


def skus(sku: Ints) -> pa.Array:
    """Return the identifiers of variants."""
    return _listed(sku, 13, 51_0000, "4980")


def _listed(place: Ints, step: int, first: int, prefix: str) -> pa.Array:
    """Return the identifiers of places in a list, each written once."""
    count = int(place.max(initial=-1)) + 1
    names = arrow.written(np.arange(count) * step + first, 2, prefix)
    return arrow.column(names.take(place))


def product_name(product: int) -> str:
    """Return one product's identifier as text."""
    return f"7350{product * 37 + 6_0000:08d}"
