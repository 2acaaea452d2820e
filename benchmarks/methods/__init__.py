"""Analyses that are held against planted truth, by name."""

from benchmarks.methods import channels, customers, products, silence, stores

METHODS = customers.METHODS | stores.METHODS | products.METHODS | channels.METHODS | silence.METHODS

__all__ = ["METHODS"]
