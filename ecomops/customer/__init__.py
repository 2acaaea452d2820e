"""Customer: who buys, who comes back and when, whom to write to and what membership costs."""

from ecomops.customer.activation import Activation, activation
from ecomops.customer.cohorts import Cohorts, cohorts
from ecomops.customer.repeat import Repeat, repeat
from ecomops.customer.rfm import RFM, rfm
from ecomops.customer.targeting import Targeting, targeting
from ecomops.customer.tiers import Tier, Tiers, tiers
from ecomops.customer.winback import Winback, winback

__all__ = [
    "RFM",
    "Activation",
    "Cohorts",
    "Repeat",
    "Targeting",
    "Tier",
    "Tiers",
    "Winback",
    "activation",
    "cohorts",
    "repeat",
    "rfm",
    "targeting",
    "tiers",
    "winback",
]
