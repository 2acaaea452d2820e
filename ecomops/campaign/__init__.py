"""Campaigns: which festivals are coming, and what promotions cost and bring."""

from ecomops.campaign.calendar import Calendar, calendar
from ecomops.campaign.promotion import Promotion, promotion

__all__ = ["Calendar", "Promotion", "calendar", "promotion"]
