"""An advertising budget for the coming weeks, and the tests that make the next one better."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pandas as pd

from ecomops.base import checks
from ecomops.channel import moves
from ecomops.channel.outlay import WEEK
from ecomops.channel.reallocate import LEAST, some, split
from ecomops.channel.response import BAND, Response, response
from ecomops.channel.trials import HELD, trial
from ecomops.result import Action, Finding, Result, style

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from ecomops.data.shop import Shop
    from ecomops.maths.arrays import Floats
    from ecomops.result.words import Words

SPARE = 0.02  # money that no channel can take within what was tried, as a share of the total
MOST_TESTS = 3


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Budget(Result):
    """One row per channel: spend a day now and planned, sales with it, and the test it needs.

    ``design`` is "weeks" (spend switched between half and one and a half, week by week), "holdout"
    (a random fifth of the people is not shown the ad), "long" (neither ends within half a year) or
    "pays" or "loses" (its interval decides already), else "none". Tests are sized to show the lift
    at which the spend just pays for itself.
    """

    code: ClassVar[str] = "channel.budget"
    columns: ClassVar[Mapping[str, str]] = {
        "channel": "text",
        "reason": "label",
        "now": "money",
        "plan": "money",
        "total": "money",
        "sales": "money",
        "sales_low": "money",
        "sales_high": "money",
        "design": "label",
        "days": "days",
        "people": "count",
    }

    @property
    def evidence(self) -> str:  # type: ignore[override]
        """That of the curves where they make the plan, else a rule of thumb."""
        return str(self.params.get("grade", "D"))

    def findings(self) -> tuple[Finding, ...]:
        """Say how the money is split and by what, what stays unspent, and what to test."""
        p, n = self.params, self.basis.n
        money = {k: p[k] for k in ("total", "days")}
        if p["by_curves"]:
            band = {k: p[k] for k in ("gain", "gain_low", "gain_high")}
            said = [Finding("curves", "good", money | band, n)]
        else:
            said = [Finding("shares", "watch", money, n)]
        if np.isfinite(p["sales"]):
            facts = {k: p[k] for k in ("sales", "sales_low", "sales_high")}
            said.append(Finding("sales", "note", facts | {"channels": p["known"]}, n))
        if p["spare"] > SPARE * p["total"]:
            said.append(Finding("spare", "watch", {"spare": p["spare"]}, n))
        return (*said, *self._tests())

    def _tests(self) -> list[Finding]:
        rows, n = self.rows, self.basis.n
        said = []
        asked = rows[rows["design"].isin(["weeks", "holdout"])]
        if len(asked):
            names = list(asked["channel"])
            cost = float(asked["days"].max())
            said.append(Finding("tests", "note", {"channels": names, "days": cost}, n))
        for code in ("loses", "long"):
            if (rows["design"] == code).any():
                names = list(rows.loc[rows["design"] == code, "channel"])
                said.append(Finding(code, "watch", {"channels": names}, n))
        return said

    def propose(self) -> tuple[Action, ...]:
        """Propose the three tests with most money behind them; a plan alone has no value."""
        until = (self.basis.end or date.max) + timedelta(days=90)
        asked = self.rows[self.rows["design"].isin(["weeks", "holdout"])]
        return tuple(
            Action(
                str(row["design"]),
                ("tests",),
                {k: row[k] for k in ("channel", "now", "days", "people")} | {"held": HELD},
                "D",
                until,
                subject=f"channel:{row['channel']}",
            )
            for row in asked.nlargest(MOST_TESTS, "now").to_dict("records")
        )

    def layout(self, *, wide: bool) -> style.Layout:
        """Return height and margins in pixels."""
        return moves.layout(len(self.rows), wide=wide)

    def draw(self, ax: Axes, *, wide: bool, words: Words) -> None:
        """Draw spend now and planned, and beside it the test that a channel needs."""
        texts = [
            words.say("labels", f"test_{row['design']}", days=row["days"])
            for row in self.rows.to_dict("records")
        ]
        moves.draw(ax, self.rows, texts, wide=wide, words=words)


def budget(
    source: Shop | Response,
    *,
    total: float | None = None,
    horizon_days: int = 28,
    change: float = 0.5,
    lang: str | None = None,
) -> Budget:
    """Split an advertising budget by what is known, and plan tests for what is not.

    Parameters
    ----------
    source
        A shop with `orders` and `ad_reports` (costs of `order_lines` size the tests), or a
        `channel.response` of one.
    total
        Money for the whole horizon; the present spend when None.
    horizon_days
        Days ahead, 7 to 365.
    change
        Most that a channel's share may move, 0.05 to 1.
    lang
        Language of the words.

    Returns
    -------
    Budget
        `.table`: ``now, plan`` (spend a day), ``total`` (of the horizon), ``sales, sales_low,
        sales_high`` (paid sales that go with the plan, 90 %; missing without a curve), ``design,
        days, people`` of the test.

    Raises
    ------
    OptionError
        When an option is out of range.

    Notes
    -----
    The curves move money only where the gain against the present shares is above 0 at the 5 %
    quantile; else shares stay. Money beyond the spend tried stays unspent. Tests are sized for the
    lift at which spend pays for itself: two-sample formulas, one-sided 5 %, power 80 %.

    Examples
    --------
    >>> import ecomops as eo
    >>> plan = budget(eo.open("demo"), total=20_000)
    >>> round(plan.table["total"].sum())
    20000
    """
    checks.between("horizon_days", horizon_days, WEEK, 365)
    checks.between("change", change, 0.05, 1)
    found = source if isinstance(source, Response) else response(source, lang=lang)
    if found.locked or found.money is None:
        return Budget.lock(found.missing, lang=lang)
    now = found.rows["spend"].to_numpy(float)
    money = now.sum() * horizon_days if total is None else checks.between("total", total, 1, 1e15)
    plan, gain = _plan(found, now, money / horizon_days, change)
    rows = _rows(found, plan, horizon_days)
    band = dict(zip(("gain_low", "gain", "gain_high"), gain * horizon_days, strict=True))
    params = {
        "total": float(money),
        "days": horizon_days,
        "by_curves": bool(gain[0] > 0),
        "spare": float(money - plan.sum() * horizon_days),
        "known": list(found.known["channel"]),
        "grade": found.evidence if gain[0] > 0 else "D",
        **{k: float(v) for k, v in band.items()},
        **_sales(found, plan, horizon_days),
    }
    return Budget(rows=rows, basis=found.basis, params=params, lang=checks.language(lang))


def _plan(found: Response, now: Floats, a_day: float, change: float) -> tuple[Floats, Floats]:
    """Return spend a day (k,) and the gain in margin a day (5, 50, 95 %) against equal shares."""
    share = now * a_day / max(now.sum(), 1e-9)
    known = len(found.known)
    none = np.zeros(3)
    if known < LEAST or found.draws is None or found.evidence != "C":
        return share, none
    tried = np.maximum(found.rows["highest"].to_numpy(float), now)[:known]
    low = np.minimum(share[:known] * (1 - change), tried)
    high = np.minimum(share[:known] * (1 + change), tried)
    equal = np.minimum(share[:known], tried)
    money = min(share[:known].sum(), high.sum())
    best = split(some(found.draws, 0), money, low, high)
    judges = some(found.draws, 2)
    more = (judges.sales(best) - judges.sales(equal)).sum(axis=1)
    cost = best.sum() - equal.sum()
    gain = np.quantile(more * (found.params["margin"] or 1.0) - cost, BAND)
    chosen = best if gain[0] > 0 else equal
    return np.concatenate([chosen, share[known:]]), gain if gain[0] > 0 else none


def _sales(found: Response, plan: Floats, days: int) -> dict[str, float]:
    """Return the paid sales of the horizon that go with the plan of the known channels."""
    if found.draws is None:
        return dict.fromkeys(("sales_low", "sales", "sales_high"), np.nan)
    whole = found.draws.sales(plan[: len(found.known)]).sum(axis=1) * days
    values = (float(q) for q in np.quantile(whole, BAND))
    return dict(zip(("sales_low", "sales", "sales_high"), values, strict=True))


def _rows(found: Response, plan: Floats, days: int) -> pd.DataFrame:
    rows = found.rows[["channel", "reason"]].assign(now=found.rows["spend"], plan=plan)
    rows["total"] = plan * days
    for name in ("sales_low", "sales", "sales_high"):
        rows[name] = np.nan
    if found.draws is not None:
        known = slice(0, len(found.known) - 1)
        band = np.quantile(found.draws.sales(plan[: len(found.known)]) * days, BAND, axis=0)
        for name, values in zip(("sales_low", "sales", "sales_high"), band, strict=True):
            rows.loc[known, name] = values
    tests = [trial(row, found) for row in found.rows.to_dict("records")]
    return rows.join(pd.DataFrame(tests))[list(Budget.columns)]
