"""The synthetic shop: a seeded simulator that publishes the truth about what it made."""
