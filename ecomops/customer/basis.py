"""What analyses of customers rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecomops.result import Basis

if TYPE_CHECKING:
    from ecomops.metrics.customers import Customers


def basis(facts: Customers, n: int) -> Basis:
    """Return the basis of a result on `n` customers: days, currency and what was left out."""
    return Basis(
        n=n,
        unit="customers",
        start=facts.coverage.first_day,
        end=facts.as_of,
        currency=facts.coverage.currency,
        excluded=facts.coverage.excluded_customers,
    )
