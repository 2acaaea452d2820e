"""Product: which items carry the shop, and how much of each to order."""

from ecomops.product.inventory import Inventory, inventory
from ecomops.product.pareto import Pareto, pareto

__all__ = ["Inventory", "Pareto", "inventory", "pareto"]
