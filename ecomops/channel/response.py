"""What one more unit of advertising brings, channel by channel, and what nobody can know yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from ecomops.base import checks
from ecomops.base.errors import DataError
from ecomops.channel import outlay, panels
from ecomops.channel.trials import trial
from ecomops.data.tables import frame, opened
from ecomops.maths import media
from ecomops.result import Action, Basis, Finding, Need, Result, lacking, style

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from ecomops.channel.outlay import Money
    from ecomops.data.shop import Shop
    from ecomops.maths.arrays import Floats
    from ecomops.result.words import Words

SEED = 20_251_111
BAND = (0.05, 0.5, 0.95)
POINTS = 25
BEYOND = 1.3  # how far past the highest spend tried the curves are drawn, dashed
MOST_FOLDS = 0.5
EXPERIMENT = ("channel", "start", "end", "lift", "error")


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Response(Result):
    """One row per channel: spend now and tried, and the sales that go with it.

    ``reason`` is "known", or why there is no curve: "still" (spend never moved beyond season and
    festivals), "follows" (it moved with demand), "few" (too few days). `.draws` are posterior draws
    of the known channels, in the order of the table; `.curves` are the bands that are drawn.
    """

    code: ClassVar[str] = "channel.response"
    columns: ClassVar[Mapping[str, str]] = {
        "channel": "text",
        "reason": "label",
        "spend": "money",
        "lowest": "money",
        "highest": "money",
        "sales": "money",
        "sales_low": "money",
        "sales_high": "money",
        "marginal": "number.2",
        "low": "number.2",
        "high": "number.2",
    }

    draws: media.Draws | None = None
    curves: pd.DataFrame = field(default_factory=pd.DataFrame)
    money: Money | None = None

    @property
    def evidence(self) -> str:  # type: ignore[override]
        """Grade C where the curves foretell days left out of the fit, else a rule of thumb."""
        return "C" if self.params.get("validated") else "D"

    @property
    def known(self) -> pd.DataFrame:
        """The channels that have a curve."""
        return self.rows[self.rows["reason"] == "known"].reset_index(drop=True)

    def findings(self) -> tuple[Finding, ...]:
        """Say where the next unit of money does most, who pays, and who cannot be judged."""
        rows, n, p = self.known, self.basis.n, self.params
        said = [*self._answer(rows), *self._paying(rows)]
        for reason in outlay.REASONS[1:]:
            names = list(self.rows.loc[self.rows["reason"] == reason, "channel"])
            if names:
                said.append(Finding(reason, "watch", {"channels": names}, n))
        if len(rows) and not p["validated"]:
            said.append(Finding("no_skill", "watch", {}, n))
        if p["experiments"]:
            said.append(Finding("calibrated", "good", {"count": p["experiments"]}, n))
        return tuple(said)

    def _answer(self, rows: pd.DataFrame) -> list[Finding]:
        n = self.basis.n
        if rows.empty:
            return [Finding("none", "watch", {"count": len(self.rows)}, n)]
        best = rows.iloc[int(rows["marginal"].argmax())]
        values = {c: best[c] for c in ("channel", "marginal", "low", "high", "spend")}
        return [Finding("best", "note", values | {"one": 1.0}, n)]

    def _paying(self, rows: pd.DataFrame) -> list[Finding]:
        even = self.params["break_even"]
        if even is None or rows.empty:
            return []
        said = []
        groups = {"pays": rows["low"] > even, "loses": rows["high"] < even}
        groups["unsure"] = ~(groups["pays"] | groups["loses"])
        for code, inside in groups.items():
            if inside.any():
                level = {"pays": "good", "loses": "act", "unsure": "watch"}[code]
                values = {"channels": list(rows.loc[inside, "channel"]), "even": even}
                said.append(Finding(code, level, values, self.basis.n))
        return said

    def propose(self) -> tuple[Action, ...]:
        """Propose a test for the dearest channel that cannot be judged, where one can end."""
        until = (self.basis.end or date.max) + timedelta(days=90)
        open_to = self.rows["reason"].isin(["still", "follows", "few"])
        asked = self.rows[open_to].sort_values("spend", ascending=False).to_dict("records")
        row = next((row for row in asked if trial(row, self)["design"] != "long"), None)
        if row is None:
            return ()
        change = {"channel": row["channel"], "spend": row["spend"]}
        subject = f"channel:{row['channel']}"
        return (Action("test", (row["reason"],), change, "D", until, subject=subject),)

    def layout(self, *, wide: bool) -> style.Layout:
        """Return height and margins in pixels."""
        return panels.layout(self.rows, wide=wide)

    def draw(self, ax: Axes, *, wide: bool, words: Words) -> None:
        """Draw a curve with its band for each known channel, dashed beyond what was tried."""
        panels.draw(ax, self.rows, self.curves, wide=wide, words=words)


def response(
    shop: Shop,
    *,
    experiments: object = None,
    by: str = "scene_name",
    adstock: str = "geometric",
    calendar: str | None = None,
    as_of: date | str | None = None,
    lang: str | None = None,
) -> Response:
    """Estimate what spend on each channel goes with in sales, and what one more unit would.

    Parameters
    ----------
    shop
        Needs `orders` and `ad_reports` with at least 182 days in common; `traffic_daily` helps to
        see spend that follows demand, costs of `order_lines` give the break-even.
    experiments
        A table of measured lifts, one row each: ``channel, start, end`` (days), ``lift`` (extra
        sales that the channel's spend brought within and after those days, whole shop, in money)
        and ``error`` (its standard error); optionally ``otherwise`` (the spend that it is compared
        with, as a multiple of the real one; 0 by default). They enter the likelihood.
    by
        What a channel is: ``"scene_name"``, ``"platform"`` or ``"campaign_name"``.
    adstock
        ``"geometric"`` or ``"weibull"``.
    calendar
        Festivals taken off: ``"cn"``, ``"western"`` or ``"all"``; by the currency when None.
    as_of
        Last day used; the last day that both tables cover when None.
    lang
        Language of the words.

    Returns
    -------
    Response
        `.table`: dearest channel first: ``spend`` (a day, last 56 days), ``lowest, highest``
        (weekly means tried), ``sales`` a day that a steady spend like now goes with (``sales_low,
        sales_high``: 90 %), ``marginal`` (sales of one more unit; ``low, high``); sales are paid
        money before refunds.

    Raises
    ------
    DataError
        When an experiment names no channel or lies outside the days.
    OptionError
        When an option is unknown.

    Notes
    -----
    Adstock and Hill curves under a half-normal prior (four units of sales per unit of spend), by
    Gibbs sampling over a grid of shapes (`maths.media`; Jin et al. 2017). Spend that never moved
    by itself, or that moved with demand, is refused. Validated when the curves foretell quarters of
    the days that were left out.

    Examples
    --------
    >>> import ecomops as eo
    >>> set(response(eo.open("demo")).table["reason"]) <= {"known", "still", "follows", "few"}
    True
    """
    as_of = checks.day("as_of", as_of)
    checks.choice("by", by, outlay.BY)
    checks.choice("adstock", adstock, ("geometric", "weibull"))
    if absent := lacking(shop, "orders", "ad_reports"):
        return Response.lock(absent, lang=lang)
    sold, ads = outlay.days_both(shop, by, as_of)
    if len(sold) < outlay.LEAST_DAYS or ads.empty:
        values = {"needed": outlay.LEAST_DAYS, "unit": "days", "found": len(sold)}
        return Response.lock((Need("rows", values),), lang=lang)
    both = outlay.money(shop, sold, ads, calendar)
    trials = _trials(experiments, both)
    tested = {both.channels[t.channel] for t in trials}
    kept = _order(both, tested)
    rows, curves, draws, skill = _estimated(both, kept, trials, adstock)
    margin = shop.margins(as_of).paid
    params = {
        "margin": margin,
        "break_even": 1 / margin if margin and margin > 0 else None,
        "validated": bool(skill.sum() > 0 and np.mean(skill > 0) > MOST_FOLDS),
        "experiments": len(trials),
        "adstock": adstock,
        "by": by,
        "view": "curves" if kept else "bars",
        "key": "curves_key" if kept else "bars_key",
    }
    basis = Basis(n=len(sold), unit="days", start=both.first, end=both.last, currency=shop.currency)
    return Response(
        rows=rows,
        basis=basis,
        params=params,
        lang=checks.language(lang),
        draws=draws,
        curves=curves,
        money=both,
    )


def _order(both: Money, tested: set[str]) -> list[int]:
    """Return the known channels, dearest first; one with an experiment is known by it."""
    known = [
        k
        for k, (name, reason) in enumerate(zip(both.channels, both.reasons, strict=True))
        if reason == "known" or name in tested
    ]
    return sorted(known, key=lambda k: (-both.now[k], both.channels[k]))


def _estimated(
    both: Money, kept: Sequence[int], trials: Sequence[media.Trial], adstock: str
) -> tuple[pd.DataFrame, pd.DataFrame, media.Draws | None, Floats]:
    """Return table, curves, draws of the channels `kept`, and the skill on days left out."""
    rest = [k for k in range(len(both.channels)) if k not in kept]
    rest.sort(key=lambda k: (-both.now[k], both.channels[k]))
    if not kept:
        return _rows(both, [], rest, None), pd.DataFrame(), None, np.zeros(1)
    moved = [media.Trial(kept.index(t.channel), t.otherwise, t.lift, t.error) for t in trials]
    found = media.fit(both.found, both.spend[kept], media.shapes(adstock), moved, seed=SEED)
    rows = _rows(both, kept, rest, found.draws)
    return rows, _curves(both, kept, found.draws), found.draws, found.skill


def _rows(
    both: Money, kept: Sequence[int], rest: Sequence[int], draws: media.Draws | None
) -> pd.DataFrame:
    rows = pd.DataFrame(
        {
            "channel": [both.channels[k] for k in (*kept, *rest)],
            "reason": ["known"] * len(kept) + [both.reasons[k] for k in rest],
            "spend": [both.now[k] for k in (*kept, *rest)],
            "lowest": [both.tried[k][0] for k in (*kept, *rest)],
            "highest": [both.tried[k][1] for k in (*kept, *rest)],
        }
    ).reindex(columns=list(Response.columns))
    if draws is not None:
        now = both.now[list(kept)]
        for names, values in (
            (("sales_low", "sales", "sales_high"), draws.sales(now)),
            (("low", "marginal", "high"), draws.marginal(now)),
        ):
            band = np.quantile(values, BAND, axis=0)
            for name, line in zip(names, band, strict=True):
                rows.loc[: len(kept) - 1, name] = line
    numbers = list(Response.columns)[2:]
    return rows.astype(dict.fromkeys(numbers, "float64"))


def _curves(both: Money, kept: Sequence[int], draws: media.Draws) -> pd.DataFrame:
    """Return ``channel, spend, low, mid, high, tried``: a band at each of 25 levels of spend."""
    reach = np.maximum(both.tried[list(kept)][:, 1], both.now[list(kept)])
    grid = np.linspace(0, BEYOND, POINTS)[None, :] * reach[:, None]
    low, mid, high = np.quantile(draws.sales(grid), BAND, axis=0)
    parts = [
        pd.DataFrame(
            {
                "channel": both.channels[k],
                "spend": grid[i],
                "low": low[i],
                "mid": mid[i],
                "high": high[i],
                "tried": grid[i] <= reach[i] * (1 + 1e-9),
            }
        )
        for i, k in enumerate(kept)
    ]
    return pd.concat(parts, ignore_index=True)


def _trials(experiments: object, both: Money) -> list[media.Trial]:
    if experiments is None:
        return []
    source = opened(experiments)
    checks.columns("experiments", source.columns, EXPERIMENT)
    rows = frame(source)
    start, end = (pd.to_datetime(rows[c]) for c in ("start", "end"))
    low, high = pd.Timestamp(both.first), pd.Timestamp(both.last)
    wrong = ~rows["channel"].isin(both.channels) | (start < low) | (end > high) | (end < start)
    wrong |= ~(rows["error"] > 0)
    if wrong.any():
        bad = [str(c) for c in rows.loc[wrong, "channel"]]
        facts = {"channels": list(both.channels), "start": both.first, "end": both.last}
        raise DataError("bad_experiments", count=int(wrong.sum()), examples=bad[:3], **facts)
    return [_trial(row, both) for row in rows.assign(start=start, end=end).to_dict("records")]


def _trial(row: Mapping[Any, Any], both: Money) -> media.Trial:
    k = both.channels.index(row["channel"])
    first, last = ((row[c].date() - both.first).days for c in ("start", "end"))
    otherwise = both.spend[k].copy()
    otherwise[first : last + 1] *= float(row.get("otherwise") or 0)
    return media.Trial(k, otherwise, float(row["lift"]), float(row["error"]))
