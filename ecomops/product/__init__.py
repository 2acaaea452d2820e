"""Product: what to sell, at what price, how listings do, what is in stock and what to order."""

from ecomops.product.inventory import Inventory, inventory
from ecomops.product.listing import Listing, listing
from ecomops.product.niche import Niche, niche
from ecomops.product.pareto import Pareto, pareto
from ecomops.product.price import Price, price
from ecomops.product.selection import Selection, selection
from ecomops.product.stock import Stock, stock

__all__ = [
    "Inventory",
    "Listing",
    "Niche",
    "Pareto",
    "Price",
    "Selection",
    "Stock",
    "inventory",
    "listing",
    "niche",
    "pareto",
    "price",
    "selection",
    "stock",
]
