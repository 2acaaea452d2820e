"""Customer: who buys, who comes back and when."""

from ecomops.customer.cohorts import Cohorts, cohorts
from ecomops.customer.repeat import Repeat, repeat
from ecomops.customer.rfm import RFM, rfm
from ecomops.customer.targeting import Targeting, targeting

__all__ = ["RFM", "Cohorts", "Repeat", "Targeting", "cohorts", "repeat", "rfm", "targeting"]
