"""What came true: what accepted advice was expected to bring, beside what it brought."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from ecomops.base import checks
from ecomops.base.errors import OptionError
from ecomops.maths.portfolio import together
from ecomops.maths.proportions import wilson
from ecomops.result import Action, Basis, Finding, Need, Result, style
from ecomops.store.spoken import Spoken, short

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from ecomops.result.words import Words

NEEDED = (
    "analysis", "code", "subject", "change", "low", "mid", "high", "decided_on", "due_on",
    "realised", "realised_low", "realised_high", "method",
)  # fmt: skip
NOMINAL = 0.9
SEED = 20_251_201
SHOWN = {True: 12, False: 9}
VERDICTS = {True: (style.UP, "o"), False: (style.DOWN, "D"), None: (style.OTHER, "o")}


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Review(Result):
    """One row per accepted action: expected with its interval, realised with its own, verdict.

    ``came`` is true when the realised value lies where the expectation, with the error of the
    measurement, puts nine in ten. `params` holds the share that did and the sums.
    """

    code: ClassVar[str] = "store.review"
    columns: ClassVar[Mapping[str, str]] = {
        "action": "label",
        "subject": "label",
        "decided_on": "date",
        "due_on": "date",
        "low": "money",
        "mid": "money",
        "high": "money",
        "realised": "money",
        "realised_low": "money",
        "realised_high": "money",
        "method": "label",
        "reason": "label",
        "came": "flag",
    }

    advice: tuple[tuple[str, str, Action], ...] = ()

    def words(self, lang: str | None = None) -> Spoken:
        """Return the words of the review, with the sentences of the advice itself."""
        known = {key: (analysis, action) for key, analysis, action in self.advice}
        return Spoken(self.code, checks.language(lang or self.lang), self.basis.currency, known)

    def findings(self) -> tuple[Finding, ...]:
        """Say what came true, what it summed to, how good our intervals are, what is due."""
        p, n = self.params, self.basis.n
        said = []
        if p["measured"]:
            share = {k: p[k] for k in ("came", "measured", "share", "share_low", "share_high")}
            level = "good" if p["share_high"] >= NOMINAL else "watch"
            said.append(Finding("came", level, share, n))
            sums = dict(zip(("low", "mid", "high"), p["expected"], strict=True))
            got = dict(zip(("got_low", "got", "got_high"), p["realised"], strict=True))
            said.append(Finding("sums", "note", sums | got, n))
            if p["share_high"] < NOMINAL:
                said.append(Finding("narrow", "watch", share, n))
            if p["realised"][2] < p["expected"][1]:
                said.append(Finding("less", "watch", sums | got, n))
        if p["unexpected"]:
            said.append(Finding("unexpected", "note", {"count": p["unexpected"]}, n))
        if not (p["measured"] or p["unexpected"]):
            said.append(Finding("waiting", "note", {"count": n}, n))
        if p["refused"]:
            reasons = list(dict.fromkeys(self.rows["reason"].dropna()))
            said.append(Finding("refused", "note", {"count": p["refused"], "reasons": reasons}, n))
        if p["due"]:
            said.append(Finding("due", "act", {"count": p["due"]}, n))
        return tuple(said)

    def layout(self, *, wide: bool) -> style.Layout:
        """Return height and margins in pixels."""
        rows = max(min(len(self.rows), SHOWN[wide]), 1)
        side = 24 if wide else 14
        return style.Layout(44 + 60 * rows, left=side, right=side, top=8, bottom=36)

    def draw(self, ax: Axes, *, wide: bool, words: Words) -> None:
        """Draw each expectation as a band and, on it, what was realised with its interval."""
        rows = self.rows.head(SHOWN[wide])
        ends = rows[["low", "high", "realised_low", "realised_high"]].to_numpy(dtype=float)
        low, high = min(np.nanmin(ends, initial=0), 0), max(np.nanmax(ends, initial=0), 1)
        room = 0.04 * (high - low)
        ax.set_xlim(low - room, high + room)
        for i, row in enumerate(rows.to_dict("records")):
            open_ = pd.isna(row["realised"])
            ax.plot([0, 0], [i - 0.18, i + (0.14 if open_ else 0.36)], color=style.AXIS, lw=1)
            ax.plot([row["low"], row["high"]], [i, i], color=style.HEX["s3"], lw=10)
            ax.plot([row["mid"]] * 2, [i - 0.13, i + 0.13], color=style.MUTE, lw=2)
            # where nothing is measured, no dot; where nothing was expected, no verdict
            colour, mark = VERDICTS[None if pd.isna(row["came"]) else bool(row["came"])]
            ax.plot([row["realised_low"], row["realised_high"]], [i, i], color=colour, lw=2)
            ax.plot([row["realised"]], [i], mark, ms=7, color=colour)
            most = 112 if wide else 50
            texts = [(17, words.label(row["action"]), style.INK)]
            texts += [(-15, _why(row, words), style.MUTE)] if open_ else []
            for up, text, ink in texts:
                place = short(text, most), 0, up
                style.tag(ax, 0, i, *place, at="left", ha="left", size=style.SMALL, color=ink)
        ax.set_ylim(max(len(rows), 1) - 0.5, -0.75)
        ax.set_yticks([])
        ax.xaxis.set_major_formatter(lambda v, _: words.format_field(v, "money"))
        ax.locator_params(axis="x", nbins=6 if wide else 4)


def _why(row: Mapping[Any, Any], words: Words) -> str:
    """Return why there is no realised value: it could not be measured, or was not yet."""
    if pd.notna(row["reason"]):
        return words.say("labels", "refused", reason=row["reason"])
    return words.say("labels", "open", day=row["due_on"])


def review(
    outcomes: pd.DataFrame, *, as_of: date | str | None = None, lang: str | None = None
) -> Review:
    """Say what became of accepted advice and how good the intervals of the expectations were.

    Parameters
    ----------
    outcomes
        One row per accepted action, as `Ledger.outcomes` gives them: ``analysis, code, subject,
        change`` (JSON), expected ``low, mid, high`` and ``realised, realised_low, realised_high``
        (net margin over the action's horizon, 90 %; missing while not measured), ``method,
        decided_on, due_on`` and, where there is, ``reason`` (why it could not be measured).
    as_of
        Day up to which a verification counts as due; without it none does.
    lang
        Language of the words.

    Returns
    -------
    Review
        `.table`: one row per action, measured ones first: see `Review.columns`.

    Raises
    ------
    DataError
        When columns are missing.

    Notes
    -----
    A realised value is the truth plus the error of its measurement; so the two intervals' half
    widths add as squares before one asks whether it fell inside. The share that did is compared
    with 90 % (Wilson's interval). Expectations come from a list of the best, so that falling
    somewhat short is the rule (winner's curse); the sums show by how much.

    Examples
    --------
    >>> row = dict.fromkeys(NEEDED, "")
    >>> row |= {"analysis": "channel.attribution", "code": "price", "change": "{}"}
    >>> row |= {"low": 50.0, "mid": 100.0, "high": 200.0, "subject": "channel:A"}
    >>> row |= {"realised": 80.0, "realised_low": 20.0, "realised_high": 140.0}
    >>> review(pd.DataFrame([row])).params["came"]
    1
    """
    as_of = checks.day("as_of", as_of)
    if not isinstance(outcomes, pd.DataFrame):
        raise OptionError("not_outcomes", kind=type(outcomes).__name__)
    if not len(outcomes):
        need = Need("rows", {"needed": 1, "unit": "accepted", "found": 0})
        return Review.lock((need,), lang=lang)
    checks.columns("outcomes", outcomes.columns, NEEDED)
    rows = outcomes.reset_index(drop=True)
    rows = rows if "reason" in rows else rows.assign(reason=None)
    keys = rows["analysis"] + "." + rows["code"] + "|" + rows["subject"] + "@" + rows["decided_on"]
    known = rows["realised"].notna()
    judged = known & rows["mid"].notna()  # advice to test first expects nothing
    came = pd.Series(_came(rows), dtype="object").where(judged, None)
    rows = rows.assign(action=keys, came=came, known=known, judged=judged)
    rows["reason"] = rows["reason"].astype("object").where(rows["reason"].notna(), None)
    order = ["known", "decided_on", "action"]
    rows = rows.sort_values(order, ascending=[False, True, True], ignore_index=True)
    refused = ~rows["known"] & rows["reason"].notna()
    late = ~rows["known"] & ~refused & (rows["due_on"] <= (as_of.isoformat() if as_of else ""))
    days = [date.fromisoformat(day) for day in rows["decided_on"] if day]
    basis = Basis(
        n=len(rows),
        unit="accepted",
        start=min(days, default=None),
        end=as_of or max(days, default=None),
        currency=str(outcomes["currency"].iloc[0]) if "currency" in outcomes else "CNY",
    )
    return Review(
        rows=rows[list(Review.columns)],
        basis=basis,
        params=_params(rows[rows["judged"]])
        | {"due": int(late.sum()), "refused": int(refused.sum())}
        | {"unexpected": int((rows["known"] & ~rows["judged"]).sum())},
        lang=checks.language(lang),
        advice=tuple(_advice(row) for row in rows.to_dict("records")),
    )


def _came(rows: pd.DataFrame) -> Any:
    """Return by row whether the realised value lies where nine in ten were expected."""
    gap = (rows["realised"] - rows["mid"]).to_numpy(dtype=float)
    above = gap > 0
    expected = np.where(above, rows["high"] - rows["mid"], rows["mid"] - rows["low"])
    error = np.where(
        above, rows["realised"] - rows["realised_low"], rows["realised_high"] - rows["realised"]
    )
    return np.abs(gap) <= np.hypot(expected.astype(float), error.astype(float))


def _params(known: pd.DataFrame) -> dict[str, Any]:
    n, came = len(known), int(known["came"].sum())
    if not n:
        return {"measured": 0, "came": 0}
    low, high = (float(end) for end in wilson(came, n))
    names = list(known["action"])
    three, got = (
        tuple(known[column].to_numpy(dtype=float) for column in columns)
        for columns in (("low", "mid", "high"), ("realised_low", "realised", "realised_high"))
    )
    return {
        "measured": n,
        "came": came,
        "share": came / n,
        "share_low": low,
        "share_high": high,
        "expected": together(three[0], three[1], three[2], names, seed=SEED),
        "realised": together(got[0], got[1], got[2], names, seed=SEED),
    }


def _advice(row: Mapping[Any, Any]) -> tuple[str, str, Action]:
    change = json.loads(row["change"] or "{}")
    action = Action(row["code"], (), change, "D", date.max, None, row["subject"])
    return row["action"], row["analysis"], action
