"""What chance decided can be measured without a model: A/B tests and random sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import pandas as pd
from scipy.stats import binomtest

from ecomops.customer import sends, silence
from ecomops.customer.winback import breaks
from ecomops.data.tables import YES, exact, frame
from ecomops.maths.arrays import Z90
from ecomops.metrics.customers import customers
from ecomops.report.outcome import Outcome

if TYPE_CHECKING:
    from datetime import date

    from ecomops.data.shop import Shop
    from ecomops.report.outcome import Deed

CONTROLS = ("a", "control", "0", "off", "对照", "对照组")
PAIR = 2
LEAST = 100  # people on each side: means of money are then near enough to normal
EVEN = 0.05  # arms whose shares differ by less were meant to be equal
MISMATCH = 0.001  # Fabijan et al. 2019: below this the split itself is broken
HORIZON = 30  # days after a message in which orders count, as in `customer.winback`


def experiment(shop: Shop, deed: Deed) -> Outcome | None:
    """Return what the test of a deed brought to those who saw it; None when there is no such test.

    A test belongs to a deed by its name: the subject, with or without its kind, or the ledger's
    id. What version B brought is the difference of means times the visitors of B.
    """
    if "experiment_exposures" not in shop:
        return None
    t = shop.experiment_exposures
    t = t.filter(t.experiment.isin([deed.subject, deed.name, deed.id]))
    paid = t.paid_amount.fill_null(0).cast("float64")
    sums = frame(
        t.group_by("arm").aggregate(
            n=t.count(),
            sum=exact(paid).sum(),
            squares=exact(paid * paid).sum(),
            first=t.exposed_at.date().min(),
            last=t.exposed_at.date().max(),
        )
    )
    if sums.empty or _day(sums["last"].min()) < deed.start:
        return None
    if len(sums) != PAIR:
        return Outcome("arms")
    order = sorted(sums["arm"], key=lambda arm: (arm.lower() not in CONTROLS, arm))
    none, one = (sums.set_index("arm").loc[arm] for arm in order)
    reason = _broken(deed, sums)
    return Outcome(reason) if reason else _gap(none, one, float(shop.margin or 0))


def _broken(deed: Deed, sums: pd.DataFrame) -> str:
    """Return why a test cannot be read, empty when it can."""
    low, high = sorted(int(n) for n in sums["n"])
    if _day(sums["last"].max()) > deed.end or _day(sums["first"].min()) < deed.start:
        return "running"
    if low < LEAST:
        return "few"
    uneven = 0.5 - low / (low + high)
    if uneven < EVEN and binomtest(low, low + high).pvalue < MISMATCH:
        return "mismatch"
    return ""


def _day(value: Any) -> date:
    """Return a day that an engine gave as a date or as a time."""
    return pd.Timestamp(value).date()


def _gap(none: pd.Series[Any], one: pd.Series[Any], margin: float) -> Outcome:
    (mean, error), (before, other) = (_mean(side) for side in (one, none))
    half = Z90 * np.hypot(error, other)
    low, value, high = (
        float(one["n"]) * margin * (mean - before + step) for step in (-half, 0, half)
    )
    return Outcome("experiment", value, low, high)


def _mean(side: pd.Series[Any]) -> tuple[float, float]:
    n, total, squares = (float(side[name]) for name in ("n", "sum", "squares"))
    return total / n, float(np.sqrt(max(squares / n - (total / n) ** 2, 0.0) / n))


def messages(shop: Shop, deed: Deed) -> Outcome:
    """Return what the random sends of a deed brought, net of their cost.

    Sends from the decision to the verification to the segment of the deed; each counts the orders
    of 30 days, so that the last one must lie as long in the past.
    """
    if "message_sends" not in shop or deed.code == "spare":
        return Outcome("left_alone" if deed.code == "spare" else "no_sends")
    log = shop.message_sends
    day = log.sent_at.date()
    log = log.filter(day.between(ibis.literal(deed.start), ibis.literal(deed.end)))
    facts = customers(shop.orders)
    reason = _not_over(log, facts.as_of)
    if reason:
        return Outcome(reason)
    seen = sends.outcomes(facts, log, HORIZON)
    cells = sends.cells(seen.filter(_mine(shop, deed, seen)), ibis.literal("all"))
    reason = _not_random(cells)
    if reason:
        return Outcome(reason)
    gap, margin = sends.effect(cells, "net"), float(shop.gross_margin or 0)
    n, cost = float(cells.loc[cells["treated"] == 1, "n"].sum()), sends.price(log)
    low, value, high = (
        n * ((gap.value + step * Z90 * gap.error) * margin - cost) for step in (-1, 0, 1)
    )
    return Outcome("randomised", value, low, high)


def _not_over(log: ibis.Table, last: date) -> str:
    """Return why sends cannot be judged yet: none went out, or their days are not over."""
    counts = frame(log.aggregate(sent=(~log.is_holdout).sum(), last=log.sent_at.date().max()))
    if not counts["sent"].fillna(0).iloc[0]:
        return "not_done"
    waited = last - _day(counts["last"].iloc[0])
    return "running" if waited.days < HORIZON - 1 else ""


def _not_random(cells: pd.DataFrame) -> str:
    """Return why those sent to cannot be compared with those held out, empty when they can."""
    if not (cells["treated"] == 0).any():
        return "no_holdout"
    if sends.fewest(cells) < LEAST:
        return "few"
    return "not_random" if sends.foretold(cells) >= sends.TELLTALE else ""


def _mine(shop: Shop, deed: Deed, seen: ibis.Table) -> Any:
    """Return which sends went to the segment of a deed; all of them when it names none."""
    if deed.name in silence.SEGMENTS:
        known = silence.segment(seen.orders, seen.silent, breaks(shop, deed.decided))
        return known == deed.name
    if deed.analysis == "customer.activation":
        days = (deed.change.get(edge, default) for edge, default in (("start", 0), ("stop", 1e9)))
        return (seen.orders == 1) & seen.silent.between(*days)
    return YES
