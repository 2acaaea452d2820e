"""Canonical tables: their schema, the door through which data comes in, and the shop."""
