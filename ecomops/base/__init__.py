"""Errors, checks, options and number formatting: what every layer may use."""
