"""Presentation: what a result is, its words, its charts and its HTML."""

from ecomops.result.model import Action, Basis, Finding, Need, Result, Value, lacking, monthly

__all__ = ["Action", "Basis", "Finding", "Need", "Result", "Value", "lacking", "monthly"]
