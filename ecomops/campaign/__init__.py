"""Campaigns: which festivals are coming, what promotions cost, and what to test next."""

from ecomops.campaign.brief import Brief, brief
from ecomops.campaign.calendar import Calendar, calendar
from ecomops.campaign.pacing import Pacing, pacing
from ecomops.campaign.promotion import Promotion, promotion
from ecomops.campaign.roadmap import Roadmap, roadmap

__all__ = [
    "Brief",
    "Calendar",
    "Pacing",
    "Promotion",
    "Roadmap",
    "brief",
    "calendar",
    "pacing",
    "promotion",
    "roadmap",
]
