"""What a load left out, changed or only noticed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal

ACTIONS = ("dropped", "kept", "changed", "flagged")


@dataclass(frozen=True)
class Problem:
    """One kind of trouble in one table, with how often and what became of it.

    `action` is ``"dropped"`` (rows left out), ``"kept"`` (rows that some analyses skip),
    ``"changed"`` (values moved or merged) or ``"flagged"`` (nothing was done). `amount` is the
    money concerned, in the shop's currency, where there is any.

    >>> Problem("zero_price", "order_lines", "dropped", 1179).count
    1179
    """

    code: str
    table: str
    action: str
    count: int
    examples: tuple[str, ...] = ()
    amount: Decimal | None = None


@dataclass(frozen=True)
class Identity:
    """A sum or ratio of a file's own columns, held against its rows.

    `code` names it (``"identity_order_total"``, ``"total_row"``), `rows` were tested and `failed`
    did not hold; `amount` is the sum of the absolute gaps where they are money.

    >>> Identity("identity_order_total", "orders", 100, 0).failed
    0
    """

    code: str
    table: str
    rows: int
    failed: int
    examples: tuple[str, ...] = ()
    amount: Decimal | None = None

    def problem(self) -> Problem:
        """Return it as the problem it is where it fails."""
        return Problem(self.code, self.table, "flagged", self.failed, self.examples, self.amount)
