"""Campaigns: which festivals are coming, and what promotions cost and bring."""

from ecomops.campaign.calendar import Calendar, calendar

__all__ = ["Calendar", "calendar"]
