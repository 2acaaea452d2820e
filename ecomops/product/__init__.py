"""Product: which items carry the shop."""

from ecomops.product.pareto import Pareto, pareto

__all__ = ["Pareto", "pareto"]
