"""What might be tested: unproven advice, and the weekly orders and margin that it touches."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from ecomops.data.policy import POLICY, sold_lines
from ecomops.data.tables import frame
from ecomops.maths.arrays import Z90
from ecomops.result import Action, Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import ibis

    from ecomops.data.shop import Shop

WEEKS = 8  # whose orders are "now"
# no test of its own can settle it: so says the analysis, or it is about the next days only
HOPELESS = ("too_few", "order")
SPREAD = {"store": 0.02, "part": 0.05}  # of the margin touched: what is believed before any test


@dataclass(frozen=True)
class Candidate:
    """Unproven advice and the analysis it comes from."""

    analysis: str
    action: Action

    @property
    def key(self) -> str:
        """Analysis and action: what priors are given by."""
        return f"{self.analysis}.{self.action.code}"

    @property
    def subject(self) -> str:
        """What it changes; customers as a whole where the advice does not say."""
        own = "segment:known customers" if self.analysis.startswith("customer.") else "store"
        return self.action.subject or own


@dataclass(frozen=True)
class Scope:
    """Orders and net margin a week of what is changed, and how much single orders differ."""

    orders: float
    margin: float
    variation: float

    @property
    def noise(self) -> float:
        """Standard error, as a share of margin, of an effect after one week split in halves.

        Sums of a Poisson number of orders: (1 + cv²) / orders in each half, both halves counted.
        """
        return float(np.sqrt(4 * (1 + self.variation**2) / self.orders))


def collected(results: object) -> list[Result]:
    """Return the results among `results`; of a mapping (a notebook's Out), the last of each."""
    if isinstance(results, Result):
        return [results]
    if hasattr(results, "values"):
        return list({r.code: r for r in results.values() if isinstance(r, Result)}.values())
    among: Iterable[object] = results  # type: ignore[assignment]
    return [r for r in among if isinstance(r, Result)]


def candidates(results: Iterable[Result]) -> list[Candidate]:
    """Return the advice that is not emitted, once per analysis, action and subject."""
    found: dict[tuple[str, str], Candidate] = {}
    for result in results:
        said = {f.code for f in result.findings()} if not result.locked else set()
        for action in result.propose() if said else ():
            tested = action.code not in HOPELESS and not action.emitted
            if tested and set(action.because) <= said:
                made = Candidate(result.code, action)
                found.setdefault((made.key, made.subject), made)
    return list(found.values())


def scopes(shop: Shop, subjects: Iterable[str], last: date, rate: float) -> dict[str, Scope]:
    """Return the scope of each subject over the last 8 weeks; subjects without orders are left out.

    `rate` is margin per unit of net sales; a product's is taken to be the shop's.
    """
    since = last - timedelta(days=7 * WEEKS - 1)
    sold = POLICY.sales(shop.orders, as_of=last)
    recent = sold.filter(sold["at"].date() >= since)
    found = {}
    for subject in dict.fromkeys(subjects):
        made = _scope(_sums(shop, sold, recent, subject, since), rate)
        if made is not None:
            found[subject] = made
    return found


def _sums(shop: Shop, sold: ibis.Table, recent: ibis.Table, subject: str, since: date) -> Any:
    kind, _, name = subject.partition(":")
    if kind == "product" and "order_lines" in shop:
        lines = sold_lines(shop.order_lines).filter(shop.order_lines.product_id == name)
        money = lines.line_paid_amount - lines.line_refund_amount.fill_null(0)
        mine = lines.select("order_id", money=money).semi_join(recent, "order_id")
        return _counted(mine.group_by("order_id").aggregate(money=mine.money.sum()))
    rows = recent
    if kind == "channel":
        rows = recent.filter(recent.source_channel == name)
    elif kind == "segment":  # orders of those who had bought before the eight weeks
        known = sold.filter(sold["at"].date() < since).select("customer_id").distinct()
        rows = recent.semi_join(known, "customer_id")
    return _counted(rows.select(money=rows.net))


def _counted(rows: ibis.Table) -> Any:
    x = rows.money.cast("float64")
    return frame(rows.aggregate(n=rows.count(), total=x.sum(), squares=(x * x).sum())).iloc[0]


def _scope(sums: Any, rate: float) -> Scope | None:
    n, total, squares = (float(sums[c] or 0) for c in ("n", "total", "squares"))
    if n < 1 or not total > 0:
        return None
    variation = np.sqrt(max(squares * n / total**2 - 1, 0.0))
    return Scope(n / WEEKS, total * rate / WEEKS, float(variation))


def prior(
    candidate: Candidate, scope: Scope, weeks: int, given: Mapping[str, tuple[float, float]]
) -> tuple[float, float]:
    """Return mean and spread of the advice's value over `weeks`, in money.

    Given ones are shares of the margin touched; an estimate that was not proven is its own prior;
    else the mean is 0 and the spread that of `SPREAD`.
    """
    worth, value = scope.margin * weeks, candidate.action.value
    if candidate.key in given:
        mean, spread = given[candidate.key]
        return mean * worth, spread * worth
    if value is not None and np.isfinite([value.low, value.mid, value.high]).all():
        ratio = 7 * weeks / value.horizon_days
        return value.mid * ratio, max(value.high - value.low, 0.0) / (2 * Z90) * ratio
    kind = "store" if candidate.subject == "store" else "part"
    return 0.0, SPREAD[kind] * worth
