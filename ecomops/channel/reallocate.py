"""Which advertising money to move between channels, or why the split should stay as it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ecomops.base import checks
from ecomops.channel import moves
from ecomops.channel.response import BAND, Response, response
from ecomops.maths.allocation import bounded
from ecomops.maths.media import Draws
from ecomops.result import Action, Finding, Need, Result, Value, style

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.axes import Axes

    from ecomops.data.shop import Shop
    from ecomops.maths.arrays import Floats
    from ecomops.result.words import Words

HORIZON = 28
LEAST = 2  # channels with a curve
THIN = 4  # every fourth draw chooses, those after them judge
NEAR = 0.05  # a plan closer than this to the present one is the present one


def split(draws: Draws, total: float, low: Floats, high: Floats) -> Floats:
    """Return the best spend a day (k,) for the mean of the draws, within `low` and `high`.

    The global optimum on a grid of the mean curves, whatever their form. Raises `DataError` when
    the bounds do not admit the total.
    """
    curves = [_mean_curve(draws, k) for k in range(draws.top.shape[1])]
    return bounded(curves, total, low, high).spend


def _mean_curve(draws: Draws, k: int) -> Any:
    top, half, slope = (part[:, k, None] for part in (draws.top, draws.half, draws.slope))

    def curve(spend: Floats) -> Floats:
        powered = (np.maximum(spend, 0)[None, :] / half) ** slope
        mean: Floats = (top * powered / (1 + powered)).mean(axis=0)
        return mean

    return curve


def some(draws: Draws, first: int) -> Draws:
    """Return every fourth draw from `first` on."""
    parts = ("top", "half", "slope", "shape", "brought")
    return Draws(**{name: getattr(draws, name)[first::THIN] for name in parts})


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Reallocate(Result):
    """One row per channel: spend a day now and proposed, and the sales gained by its move.

    `params` holds the gain in margin over 28 days (``gain, low, high``), ``total`` and ``before``
    a day, and ``point``: what the gain would look like on the best guess alone.
    """

    code: ClassVar[str] = "channel.reallocate"
    columns: ClassVar[Mapping[str, str]] = {
        "channel": "text",
        "reason": "label",
        "now": "money",
        "plan": "money",
        "change": "+percent",
        "gain": "+money",
        "gain_low": "+money",
        "gain_high": "+money",
    }

    @property
    def evidence(self) -> str:  # type: ignore[override]
        """That of the response curves."""
        return str(self.params.get("grade", "D"))

    @property
    def sure(self) -> bool:
        """Whether the gain is above 0 at the 5 % quantile."""
        return bool(self.params["low"] > 0)

    def findings(self) -> tuple[Finding, ...]:
        """Say what another split gains, or that the present one should stay."""
        p, n = self.params, self.basis.n
        band = {k: p[k] for k in ("gain", "low", "high", "total")} | {"days": HORIZON}
        if p["near"]:
            said = [Finding("near", "good", band, n)]
        else:
            code, level = ("gain", "act") if self.sure else ("keep", "watch")
            said = [Finding(code, level, band, n), Finding("moves", "note", self._moves(), n)]
            if p["point"] > p["gain"]:
                said.append(Finding("curse", "note", {"point": p["point"]}, n))
        if abs(p["total"] - p["before"]) > NEAR * p["before"]:
            facts = {"now": p["before"], "total": p["total"]}
            said.append(Finding("total", "note", facts, n))
        for code, names in (("fixed", self._fixed()), ("capped", p["capped"])):
            if names:
                said.append(Finding(code, "watch", {"channels": names}, n))
        if p["margin"] is None:
            said.append(Finding("no_margin", "watch", {}, n))
        return tuple(said)

    def _fixed(self) -> list[str]:
        return list(self.rows.loc[self.rows["reason"] != "known", "channel"])

    def _moves(self) -> dict[str, Any]:
        step = (self.rows["plan"] - self.rows["now"]).to_numpy()
        up, down = int(step.argmax()), int(step.argmin())
        names = self.rows["channel"].tolist()
        return {
            "to": names[up],
            "source": names[down],
            "to_change": float(step[up]),
            "from_change": float(step[down]),
            "amount": float(min(abs(step[up]), abs(step[down]))),
        }

    def propose(self) -> tuple[Action, ...]:
        """Propose the largest move; it has a value only where the whole gain is sure."""
        p = self.params
        code = "gain" if self.sure else "keep"
        step = self._moves()
        if p["near"] or step["amount"] <= 0:
            return ()
        value = None
        if p["margin"] is not None:
            value = Value(p["low"], p["gain"], p["high"], HORIZON)
        until = (self.basis.end or date.max) + timedelta(days=90)
        change = step | {"gain": p["gain"], "days": HORIZON}
        subject = f"channel:{step['to']}"
        return (Action("move", (code,), change, p["grade"], until, value, subject),)

    def layout(self, *, wide: bool) -> style.Layout:
        """Return height and margins in pixels."""
        return moves.layout(len(self.rows), wide=wide)

    def draw(self, ax: Axes, *, wide: bool, words: Words) -> None:
        """Draw the move of each channel's spend, and beside it what sales it gains or loses."""
        texts = [_told(row, words) for row in self.rows.to_dict("records")]
        moves.draw(ax, self.rows, texts, wide=wide, words=words)


def _told(row: Mapping[Any, Any], words: Words) -> str:
    if row["reason"] != "known":
        return words.say("labels", "kept", now=row["now"])
    band = {"gain": row["gain"], "low": row["gain_low"], "high": row["gain_high"]}
    return words.say("labels", "moved", **band)


def reallocate(
    source: Shop | Response,
    *,
    total: float | None = None,
    change: float = 0.5,
    lang: str | None = None,
) -> Reallocate:
    """Say which advertising money would do more elsewhere, or that the split should stay.

    Parameters
    ----------
    source
        A shop with `orders` and `ad_reports`, or a `channel.response` of one.
    total
        Spend a day over all channels; the present one when None.
    change
        Most that one channel's spend may move, as a share of now, 0.05 to 1; never beyond the
        highest weekly spend tried.
    lang
        Language of the words.

    Returns
    -------
    Reallocate
        `.table`: ``now, plan`` (spend a day), ``change`` (0-1), ``gain, gain_low, gain_high``
        (sales a day by the move, paid, before refunds). Locked with fewer than two curves.

    Raises
    ------
    DataError
        When the limits do not admit the total.
    OptionError
        When an option is out of range.

    Notes
    -----
    The split is the global optimum of the mean over half of the posterior draws (dynamic
    programming, `maths.allocation`), its gain is judged on the others. Advice is given only where
    the 5 % quantile of the gain in margin is above 0; optimising one best guess overstates it
    (Smith and Winkler 2006, The optimizer's curse, Management Science 52: 311-322).

    Examples
    --------
    >>> import ecomops as eo
    >>> any(a.emitted for a in reallocate(eo.open("demo")).actions())
    False
    """
    checks.between("change", change, 0.05, 1)
    found = source if isinstance(source, Response) else response(source, lang=lang)
    if found.locked:
        return Reallocate.lock(found.missing, lang=lang)
    known = found.known
    if len(known) < LEAST or found.draws is None:
        values = {"needed": LEAST, "unit": "curves", "found": len(known)}
        return Reallocate.lock((Need("rows", values),), lang=lang)
    now = known["spend"].to_numpy(float)
    fixed = float(found.rows["spend"].sum() - now.sum())
    budget = now.sum() if total is None else checks.between("total", total, fixed, 1e15) - fixed
    low = np.maximum(now * (1 - change), 0)
    high = np.minimum(now * (1 + change), np.maximum(known["highest"].to_numpy(float), now))
    plan = split(some(found.draws, 0), budget, low, high)
    capped = (plan >= high * 0.999) & (high < now * (1 + change) * 0.999)
    params = _gain(found, now, plan, (budget, low, high))
    return Reallocate(
        rows=_rows(found, now, plan),
        basis=found.basis,
        params=params
        | {
            "total": float(budget + fixed),
            "before": float(now.sum() + fixed),
            "change": change,
            "capped": list(known.loc[capped, "channel"]),
            "grade": found.evidence,
        },
        lang=checks.language(lang),
    )


def _gain(
    found: Response, now: Floats, plan: Floats, limits: tuple[float, Floats, Floats]
) -> dict[str, Any]:
    """Return the gain over 28 days with its band, and what the best guess alone would say."""
    draws, margin = found.draws, found.params["margin"]
    assert draws is not None  # noqa: S101 - the caller has counted the curves
    rate, cost = (1.0, 0.0) if margin is None else (margin, float(plan.sum() - now.sum()))
    judges = some(draws, THIN // 2)
    more = (judges.sales(plan) - judges.sales(now)).sum(axis=1)
    low, mid, high = (float(q) for q in np.quantile((more * rate - cost) * HORIZON, BAND))
    guess = Draws(*(np.median(getattr(draws, part), axis=0)[None] for part in _PARTS))
    naive = split(guess, *limits)
    point = (guess.sales(naive) - guess.sales(now)).sum()
    near = bool(np.abs(plan - now).sum() <= NEAR * now.sum() * 2)
    return {
        "gain": mid,
        "low": low,
        "high": high,
        "near": near and abs(plan.sum() - now.sum()) <= NEAR * now.sum(),
        "point": float((point * rate - cost) * HORIZON),
        "margin": margin,
    }


_PARTS = ("top", "half", "slope", "shape", "brought")


def _rows(found: Response, now: Floats, plan: Floats) -> pd.DataFrame:
    draws = some(found.draws, THIN // 2)  # type: ignore[arg-type]
    low, mid, high = np.quantile(draws.sales(plan) - draws.sales(now), BAND, axis=0)
    rows = found.rows[["channel", "reason"]].assign(now=found.rows["spend"])
    rows["plan"], rows["gain"], rows["gain_low"], rows["gain_high"] = rows["now"], 0.0, 0.0, 0.0
    known = slice(0, len(now) - 1)
    for name, values in (("plan", plan), ("gain", mid), ("gain_low", low), ("gain_high", high)):
        rows.loc[known, name] = values
    rows["change"] = rows["plan"] / rows["now"].where(rows["now"] > 0) - 1
    return rows[list(Reallocate.columns)]
