"""Customer: who buys, who comes back and when."""

from ecomops.customer.rfm import RFM, rfm

__all__ = ["RFM", "rfm"]
