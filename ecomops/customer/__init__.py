"""Customer: who buys, who comes back and when."""

from ecomops.customer.cohorts import Cohorts, cohorts
from ecomops.customer.rfm import RFM, rfm

__all__ = ["RFM", "Cohorts", "cohorts", "rfm"]
