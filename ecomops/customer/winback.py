"""Whom to win back: who returns unasked, what a message adds to that, what a contact is worth."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from scipy.stats import norm

from ecomops.base import checks
from ecomops.customer import holdout, sends, silence
from ecomops.customer.basis import basis
from ecomops.customer.repeat import repeat
from ecomops.customer.winback_chart import draw_segments, height
from ecomops.maths.arrays import Z90
from ecomops.maths.multiplicity import benjamini_hochberg
from ecomops.maths.shrinkage import partial_pooling
from ecomops.metrics.customers import customers
from ecomops.result import Action, Finding, Need, Result, Value, lacking, style

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from ecomops.data.shop import Shop
    from ecomops.metrics.customers import Customers
    from ecomops.result.words import Words

SURE = 0.025  # one-sided false discoveries among segments that are called good or bad
LIFT = 0.2  # of the natural return: the smallest effect of a message worth a test
MOST_WAVES = 12  # a year of sends: a test that takes more is none
ORDINARY = (60.0, 120.0, 240.0)  # days, where nobody has returned yet


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Winback(Result):
    """One row per segment: who comes back unasked, what messages added, what one is worth.

    `params` holds ``horizon_days, breaks, cost, margin, cap_days``, the whole effect of past
    random sends (``held, contacted, uplift, low, high``) and the size of the test.
    """

    code: ClassVar[str] = "customer.winback"
    columns: ClassVar[Mapping[str, str]] = {
        "segment": "label",
        "customers": "count",
        "free": "count",
        "natural": "percent",
        "held": "percent",
        "contacted": "percent",
        "value": "money",
        "low": "money",
        "high": "money",
        "verdict": "label",
    }

    @property
    def evidence(self) -> str:  # type: ignore[override]
        """Randomised where there are random sends, else descriptive."""
        return "A" if self.params.get("tested") else "descriptive"

    def findings(self) -> tuple[Finding, ...]:
        """Say what messages add beyond those who return anyway, and whom they pay for."""
        p, n = self.params, self.basis.n
        known = {k: p[k] for k in ("silent", "natural", "horizon_days")}
        natural = [Finding("natural", "note", known, n)] if np.isfinite(p["natural"]) else []
        if not p["tested"]:
            return (*natural, Finding("untested", "watch", {}, n))
        seen = {k: p[k] for k in ("contacted", "held", "uplift", "low", "high", "sent")}
        said = [Finding("uplift", "good" if p["low"] > 0 else "watch", seen, n)]
        said += natural
        for verdict, level in (("contact", "good"), ("spare", "act")):
            chosen = self.rows[self.rows["verdict"] == verdict]
            if len(chosen):
                listed = {"segments": list(chosen["segment"]), "people": int(chosen["free"].sum())}
                said.append(Finding(verdict, level, listed, n))
        if not (self.rows["verdict"] == "contact").any():
            said.append(Finding("nobody", "watch", {"cost": p["cost"]}, n))
        if self.rows["value"].nunique() == 1 < self.rows["value"].count():
            said.append(Finding("pooled", "note", {}, n))
        return tuple(said)

    def propose(self) -> tuple[Action, ...]:
        """Propose to contact, or spare, segments that random sends have settled; else the test."""
        until = (self.basis.end or date.max) + timedelta(days=45)
        p = self.params
        settled = [
            self._settled(row, until)
            for row in self.rows.to_dict("records")
            if row["verdict"] in ("contact", "spare")
        ]
        if settled or np.isnan(p["natural"]):
            return tuple(settled)
        change = {k: p[k] for k in ("per_group", "waves", "silent", "natural", "horizon_days")}
        because = ("nobody",) if p["tested"] else ("untested",)
        subject = "segment:silent customers"
        code = "test" if p["waves"] <= MOST_WAVES else "too_few"
        return (Action(code, because, change, "D", until, subject=subject),)

    def _settled(self, row: Mapping[Any, Any], until: date) -> Action:
        p, people = self.params, row["free"]
        low, mid, high = (people * row[k] for k in ("low", "value", "high"))
        if row["verdict"] == "spare":
            low, mid, high = -high, -mid, -low
        worth = None
        if p["margin"] is not None:
            worth = Value(low=low, mid=mid, high=high, horizon_days=p["horizon_days"])
        change = {k: row[k] for k in ("segment", "natural", "held", "contacted", "value")}
        change |= {"people": people, "cap": p["cap_days"]}
        code, subject = row["verdict"], f"segment:{row['segment']}"
        return Action(code, (code,), change, "A", until, worth, subject)

    def layout(self, *, wide: bool) -> style.Layout:
        """Return height and margins in pixels."""
        return height(len(self.rows), wide=wide)

    def draw(self, ax: Axes, *, wide: bool, words: Words) -> None:
        """Draw natural return as bars, held out and contacted as dots, the worth as text."""
        draw_segments(ax, self.rows, tested=self.params["tested"], wide=wide, words=words)


def winback(
    shop: Shop,
    *,
    sends: object = None,
    horizon_days: int = 30,
    cost: float | None = None,
    cap_days: int = 30,
    as_of: date | str | None = None,
    lang: str | None = None,
) -> Winback:
    """Find silent customers for whom a message pays, beyond those who return by themselves.

    Parameters
    ----------
    shop
        Needs `orders`; `order_lines` with costs give the margin; `message_sends` is used when
        `sends` is None.
    sends
        One row per message and customer: ``customer_id, sent_at, is_holdout`` (drawn at random),
        where there is, ``cost``.
    horizon_days
        Days after a message in which orders count, 7 to 90.
    cost
        Money per message; the mean of `sends` when None.
    cap_days
        Customers sent to within so many days, 0 to 365, are left alone.
    as_of
        Last day that counts; the last day of the data when None.
    lang
        Language of the words.

    Returns
    -------
    Winback
        `.table`: one row per segment (bought once or more often x fresh, due, silent, lost):
        ``customers, free`` (not messaged within the cap), ``natural`` (chance to buy within the
        horizon by themselves, Kaplan-Meier), ``held, contacted`` (share that bought after a send,
        held out and sent to), ``value, low, high`` (net margin of a contact less its cost, shrunk
        over segments, 90 %), ``verdict``. Locked when a send was not random.

    Notes
    -----
    Fresh: silent for less than the median wait of those who return; due: up to the day by which
    80 % have (see `customer.repeat`); silent: up to twice that; lost: beyond. Effects are compared
    within days of sending; a segment is called good or bad at a false discovery rate of 2.5 %.
    The share of the contacted who return counts those who would have returned anyway.

    Examples
    --------
    >>> import ecomops as eo
    >>> result = winback(eo.open("demo"), cost=0.05)
    >>> bool(0 < result.params["natural"] < 0.5)
    True
    """
    checks.between("horizon_days", horizon_days, 7, 90)
    checks.between("cap_days", cap_days, 0, 365)
    if absent := lacking(shop, "orders"):
        return Winback.lock(absent, lang=lang)
    facts = customers(shop.orders, as_of=as_of)
    if not facts.coverage.purchases:
        need = Need("rows", {"needed": 1, "unit": "customers", "found": 0})
        return Winback.lock((need,), lang=lang)
    log = shop.get("message_sends") if sends is None else sends
    params: dict[str, Any] = {"horizon_days": horizon_days, "cap_days": cap_days}
    params |= {"margin": shop.margins(facts.as_of).net, "tested": log is not None}
    params |= {"breaks": breaks(shop, as_of)}
    rows = _standing(facts, log, params)
    params |= _unasked(rows) | {"cost": cost or 0.0}
    watched = (facts.as_of - facts.coverage.first_day).days
    if watched < horizon_days and rows["natural"].isna().all():
        values = {"needed": horizon_days, "found": watched, "unit": "days"}
        return Winback.lock((Need("rows", values),), lang=lang)
    if log is not None:
        tested = _tested(facts, log, params, cost)
        if isinstance(tested, tuple):
            return Winback.lock(tested, lang=lang)
        rows = rows.merge(tested, on="segment", how="left")
    rows = rows.reindex(columns=list(Winback.columns))
    rows["verdict"] = rows["verdict"].astype(object).where(rows["verdict"].notna(), "unknown")
    n = int(rows["customers"].sum())
    return Winback(rows=rows, basis=basis(facts, n), params=params, lang=checks.language(lang))


def breaks(shop: Shop, as_of: date | str | None) -> tuple[float, float, float]:
    """Return after how many days of silence a customer is due, silent and lost."""
    waits = repeat(shop.orders, as_of=as_of, after="any")
    middle, late = waits.median, waits.threshold
    if not np.isfinite(late) or not 0 < middle < late:
        return ORDINARY
    return (middle, late, 2 * late)


def _standing(facts: Customers, log: object, params: Mapping[str, Any]) -> pd.DataFrame:
    taken = sends.lately(facts, log, params["cap_days"]) if log is not None else None
    chances = silence.returns(silence.waits(facts), params["horizon_days"])
    return silence.by_segment(silence.standing(facts, taken), chances, params["breaks"])


def _unasked(rows: pd.DataFrame) -> dict[str, Any]:
    """Return how many are silent or lost, their natural return and the size of a test on them."""
    quiet = rows[rows["segment"].str.contains("silent|lost")]
    people = int(quiet["customers"].sum())
    seen = quiet["customers"].where(quiet["natural"].notna())  # the others are unknown, not 0
    natural = float((seen * quiet["natural"]).sum() / seen.sum(min_count=1))
    known = 0 < natural < 1
    size = holdout.per_group(natural, LIFT * natural) if known else 0
    waves = int(np.ceil(2 * size / max(int(quiet["free"].sum()), 1)))
    natural = natural if known else float("nan")
    return {"silent": people, "natural": natural, "per_group": size, "waves": waves}


def _tested(
    facts: Customers, log: object, params: dict[str, Any], cost: float | None
) -> pd.DataFrame | tuple[Need, ...]:
    """Return by segment what random sends did, or what is missing; adds the sums to `params`."""
    seen = sends.outcomes(facts, log, params["horizon_days"])
    cells = sends.cells(seen, silence.segment(seen.orders, seen.silent, params["breaks"]))
    fewest = sends.fewest(cells) if len(cells) else 0
    values = {"needed": sends.LEAST, "found": fewest, "unit": "customers"}
    needs = [Need("rows", values, fewest >= sends.LEAST)]
    if fewest >= sends.LEAST:
        score = sends.foretold(cells)
        needs.append(Need("random", {"score": score}, score < sends.TELLTALE))
    if not all(need.have for need in needs):
        return tuple(needs)
    whole = sends.effect(cells, "back")
    params["cost"] = sends.price(log) if cost is None else cost
    params |= {"held": whole.none, "contacted": whole.one, "uplift": whole.value}
    params |= {"low": whole.value - Z90 * whole.error, "high": whole.value + Z90 * whole.error}
    params["sent"] = int(cells.loc[cells["treated"] == 1, "n"].sum())
    return _worth(cells, params)


def _worth(cells: pd.DataFrame, params: Mapping[str, Any]) -> pd.DataFrame:
    """Return by segment: held, contacted, value of a contact with interval, verdict."""
    margin = params["margin"] if params["margin"] is not None else np.nan
    rows = []
    for name, mine in cells.groupby("segment"):
        back, money = sends.effect(mine, "back"), sends.effect(mine, "net")
        each = (money.value * margin, money.error * margin, money.null * margin)
        rows.append((name, back.none, back.one, *each))
    columns = ["segment", "held", "contacted", "raw", "error", "null"]
    found = pd.DataFrame(rows, columns=columns).dropna(subset=["held"])
    known = found["error"] > 0
    raw, error = found.loc[known, "raw"], found.loc[known, "error"]
    if known.any():
        pooled, spread, _, _ = partial_pooling(raw, error)
        net, half = pooled - params["cost"], Z90 * spread
        found.loc[known, ["value", "low", "high"]] = np.c_[net, net - half, net + half]
        found.loc[known, "verdict"] = _verdicts(
            (raw - params["cost"]) / found.loc[known, "null"], net, half
        )
    return found.drop(columns=["raw", "error", "null"])


def _verdicts(score: Any, net: Any, half: Any) -> Any:
    """Return "contact", "spare" or "unclear", by own evidence and the pooled interval."""
    good, bad = (benjamini_hochberg(norm.sf(side * score)) <= SURE for side in (1, -1))
    verdict = np.where(good & (net - half > 0), "contact", "unclear")
    return np.where(bad & (net + half < 0), "spare", verdict)
