"""What accepted advice brought: each piece measured by the best way that the shop's data allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecomops.report import compared, randomised
from ecomops.report.outcome import Deed, Outcome

if TYPE_CHECKING:
    from collections.abc import Collection

    from ecomops.data.shop import Shop

METHODS = ("experiment", "randomised", "holdout", "controls", "days")
REASONS = (
    "arms", "blunt", "few", "history", "left_alone", "mismatch", "no_controls", "no_holdout",
    "no_lines", "no_margin", "no_sends", "no_spend", "no_trace", "no_way", "not_done",
    "not_random", "overlap", "running",
)  # fmt: skip


def realised(shop: Shop, deed: Deed, others: Collection[Deed] = ()) -> Outcome:
    """Return the net margin that an accepted action brought from its decision to its verification.

    Parameters
    ----------
    shop
        The shop, with data at least up to the day of the verification.
    deed
        The accepted action and its window.
    others
        Every accepted action: what they touch is no control.

    Returns
    -------
    Outcome
        Value with a 90 % interval in the shop's currency and, as ``method``: "experiment" (a test
        named like the subject), "randomised" (sends with customers left out at random), "holdout"
        (visitors of the channel left out at random), "controls" (products beside untouched ones),
        "days" (the shop's days beside what those before the decision foretold). Without a value,
        the reason, one of `REASONS`.

    Notes
    -----
    What chance decided is believed first. What was not carried out is not measured.

    Examples
    --------
    >>> from datetime import date
    >>> import ecomops as eo
    >>> decided, due = date(2025, 10, 1), date(2025, 10, 31)
    >>> deed = Deed("1", "product.stock", "order", "stock", {}, decided, due)
    >>> realised(eo.open("demo"), deed)
    Outcome(method='no_trace', value=nan, low=nan, high=nan)
    """
    return _found(shop, deed, others).sharp(deed)


def _found(shop: Shop, deed: Deed, others: Collection[Deed]) -> Outcome:
    if shop.margin is None:
        return Outcome("no_margin")
    tested = randomised.experiment(shop, deed)
    if tested is not None:
        return tested
    if deed.lever == "message":
        return randomised.messages(shop, deed)
    if deed.lever == "spend":
        left = compared.holdout(shop, deed)
        return left if left is not None else compared.days(shop, deed, others)
    if deed.lever in ("price", "listing"):
        return compared.products(shop, deed, others)
    return Outcome("no_trace" if deed.lever == "stock" else "no_way")
