"""Metrics: what the words of the trade mean, and their values by period."""

from ecomops.metrics.catalogue import Metric, catalogue, metric
from ecomops.metrics.compute import compute, total

__all__ = ["Metric", "catalogue", "compute", "metric", "total"]
