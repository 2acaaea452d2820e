"""Product: which items carry the shop, and how much of each to order."""

from ecomops.product.inventory import Inventory, inventory
from ecomops.product.pareto import Pareto, pareto
from ecomops.product.price import Price, price

__all__ = ["Inventory", "Pareto", "Price", "inventory", "pareto", "price"]
