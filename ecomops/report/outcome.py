"""An accepted action with its window, and what was measured of it or why nothing was."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from ecomops.store.levers import LEVERS

if TYPE_CHECKING:
    from collections.abc import Mapping

CARRIED = 1 / 3  # of the planned step: what moved less was not carried out
BLUNT = 5.0  # times what was expected: a measurement wider than that tells nothing


@dataclass(frozen=True)
class Deed:
    """One accepted action: what it changes, and the days from the decision to its verification."""

    id: str
    analysis: str
    code: str
    subject: str
    change: Mapping[str, Any]
    decided: date
    end: date
    most: float = math.inf  # that was expected either way, in money

    @classmethod
    def of(cls, row: Mapping[Any, Any]) -> Deed:
        """Return the deed of a row of `Ledger.outcomes`."""
        decided, end = (date.fromisoformat(row[name]) for name in ("decided_on", "due_on"))
        change = json.loads(row["change"] or "{}")
        analysis, code, subject = row["analysis"], row["code"], row["subject"]
        most = max(abs(float(row[edge])) for edge in ("low", "high"))
        most = most if math.isfinite(most) else math.inf
        return cls(row["action"], analysis, code, subject, change, decided, end, most)

    @property
    def start(self) -> date:
        """The first day after the decision."""
        return self.decided + timedelta(days=1)

    @property
    def days(self) -> int:
        """Days from the decision to the verification."""
        return (self.end - self.decided).days

    @property
    def name(self) -> str:
        """The subject without its kind: "P-1" of "product:P-1"."""
        return self.subject.partition(":")[2] or self.subject

    @property
    def lever(self) -> str:
        """What the action moves: "spend", "message", "price" …; empty when unknown."""
        return LEVERS.get(f"{self.analysis}.{self.code}", ("", 0))[0]

    def meets(self, other: Deed) -> bool:
        """Return whether the windows of two different deeds share days."""
        return self.id != other.id and self.start <= other.end and other.start <= self.end


@dataclass(frozen=True)
class Outcome:
    """Net margin that a deed brought with its 90 % interval and how it was measured.

    Without a value `method` is the reason why there is none.
    """

    method: str
    value: float = math.nan
    low: float = math.nan
    high: float = math.nan

    def sharp(self, deed: Deed) -> Outcome:
        """Return the outcome, or that it is too wide to say anything about what was expected."""
        blunt = self.known and (self.high - self.low) / 2 > BLUNT * deed.most
        return Outcome("blunt") if blunt else self

    @property
    def known(self) -> bool:
        """Whether there is a value."""
        return math.isfinite(self.value)
