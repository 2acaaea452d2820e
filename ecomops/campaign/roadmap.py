"""Which experiments to run next: what each would teach, how long it takes, in which order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from matplotlib import dates

from ecomops.base import checks
from ecomops.campaign.candidates import Candidate, candidates, collected, prior, scopes
from ecomops.campaign.promotion import promotion
from ecomops.data.policy import coverage
from ecomops.maths.information import best_length, changes_mind, evsi
from ecomops.result import Action, Basis, Finding, Need, Result, lacking, style
from ecomops.result.words import Words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from ecomops.campaign.candidates import Scope
    from ecomops.data.shop import Shop

LEAST = 2  # weeks: a test covers whole weeks and the weekend twice
BLUNT = 0.1  # of certainty: a test that teaches less is not worth its calendar
SHOWN = {True: 84, False: 28}  # letters of a test's name in the chart


@dataclass(frozen=True)
class _Tests(Words):
    """Words that also speak the sentences of the advice to be tested."""

    known: Mapping[str, Candidate] | None = None

    def label(self, value: object) -> str:
        """Return the sentence of a test, the bare name of a subject, or a label."""
        found = (self.known or {}).get(str(value))
        if found is not None:
            other = Words(found.analysis, self.lang, self.currency)
            return other.say("actions", found.action.code, "do", **found.action.change)
        kind, colon, name = str(value).partition(":")
        if not colon or not kind.isidentifier():
            return super().label(value)
        speaker = self.find("subjects", kind)
        return Words(speaker, self.lang).label(name) if speaker else self.own(name)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Roadmap(Result):
    """One row per possible test, the one that earns most per week first; dates do not overlap.

    `params` holds ``weeks`` (the horizon) and ``total`` (weeks of testing planned).
    """

    code: ClassVar[str] = "campaign.roadmap"
    evidence: ClassVar[str] = "D"
    columns: ClassVar[Mapping[str, str]] = {
        "rank": "count",
        "test": "label",
        "subject": "label",
        "spread": "percent",
        "orders": "count",
        "weeks": "count",
        "start": "date",
        "end": "date",
        "value": "money",
        "per_week": "money",
        "chance": "chance",
        "verdict": "label",
    }

    tests: tuple[Candidate, ...] = ()

    def words(self, lang: str | None = None) -> Words:
        """Return the words of the roadmap, with the sentences of the advice to be tested."""
        known = {_key(c): c for c in self.tests}
        lang = checks.language(lang or self.lang)
        return _Tests(self.code, lang, self.basis.currency, known)

    @property
    def planned(self) -> pd.DataFrame:
        """The tests that are worth their calendar, in order."""
        return self.rows[self.rows["verdict"] == "run"]

    def findings(self) -> tuple[Finding, ...]:
        """Say what to test first and what it teaches, what follows, what cannot be settled here."""
        n, planned = self.basis.n, self.planned
        said = []
        if len(planned):
            first = planned.iloc[0]
            facts = {k: first[k] for k in ("test", "weeks", "orders", "per_week", "chance")}
            said.append(Finding("first", "note", facts, n))
            sums = {"count": len(planned), "end": planned["end"].max()}
            sums["total"] = self.params["total"]
            said.append(Finding("plan", "note", sums, n))
        else:
            said.append(Finding("none", "watch", {"count": len(self.rows)}, n))
        verdicts = list(self.rows["verdict"])
        counts = {kind: verdicts.count(kind) for kind in ("blunt", "later")}
        for code, count in (counts | {"assumed": self.params["assumed"]}).items():
            facts = {"count": count, "weeks": self.params["weeks"]}
            level = "watch" if code == "blunt" else "note"
            said += [Finding(code, level, facts, n)] if count else []
        return tuple(said)

    def propose(self) -> tuple[Action, ...]:
        """Propose the first test; what it would be worth is a scenario, so it carries no money."""
        if self.planned.empty:
            return ()
        first = self.planned.iloc[0]
        change = {k: first[k] for k in ("test", "weeks", "orders", "start", "end")}
        change["test"] = self._sentence(str(first["test"]))
        until = first["start"] + timedelta(days=30)
        subject = str(first["subject"])
        return (Action("run", ("first",), change, "D", until, subject=subject),)

    def _sentence(self, test: str) -> str:
        return self.words().label(test)

    def layout(self, *, wide: bool) -> style.Layout:
        """Return height and margins in pixels."""
        height = 60 + (46 if wide else 54) * max(len(self.planned), 1)
        return style.Layout(height, left=16, right=130 if wide else 14, top=10, bottom=32)

    def draw(self, ax: Axes, *, wide: bool, words: Words) -> None:
        """Draw the tests one after the other over the calendar, with what a week of each earns."""
        rows = self.planned
        for i, row in enumerate(rows.to_dict("records")):
            low, high = (_number(day) for day in (row["start"], row["end"] + timedelta(days=1)))
            ax.barh(i, high - low, left=low, height=0.3, color=style.UP)
            name = _short(f"{i + 1}  {words.label(row['test'])}", SHOWN[wide])
            style.tag(ax, 0, i, name, 0, 17, at="left")
            text = words.say("labels", "worth", weeks=row["weeks"], per_week=row["per_week"])
            look: dict[str, Any] = {"size": style.SMALL, "color": style.MUTE}
            if wide:
                style.tag(ax, 1, i, text, 8, 0, at="right", **look)
            else:
                style.tag(ax, 1, i, text, -2, 17, at="right", ha="right", **look)
        if rows.empty:
            style.tag(ax, 0.5, 0, words.label("nothing"), ha="center", color=style.MUTE)
            ax.set_xticks([])
        ax.set_ylim(max(len(rows), 1) - 0.5, -0.75)
        ax.set_yticks([])
        if len(rows):
            self._calendar(ax, wide=wide)

    def _calendar(self, ax: Axes, *, wide: bool) -> None:
        start, end = self.planned["start"].min(), self.planned["end"].max() + timedelta(days=1)
        ax.set_xlim(_number(start), _number(end))
        span = (end - start).days
        step = max(7, -(-span // (7 if wide else 3) // 7) * 7)
        days = [start + timedelta(days=k) for k in range(0, span + 1, step)]
        ax.set_xticks([_number(d) for d in days], [f"{d:%m-%d}" for d in days])
        ax.grid(axis="x")


def _key(candidate: Candidate) -> str:
    return f"{candidate.key}|{candidate.subject}"


def _number(day: date) -> float:
    return float(dates.date2num(day))  # type: ignore[no-untyped-call]


def _short(text: str, most: int) -> str:
    """Return `text` cut to a width of `most` Latin letters; a Chinese one is twice as wide."""
    width = 0
    for at, letter in enumerate(text):
        width += 2 if ord(letter) > 0x2E80 else 1  # noqa: PLR2004 - where CJK begins
        if width > most:
            return text[: max(at - 1, 1)] + "…"
    return text


def roadmap(
    shop: Shop,
    *,
    results: object = None,
    priors: Mapping[str, tuple[float, float]] | None = None,
    weeks: int = 26,
    weekly_cost: float = 0.0,
    as_of: date | str | None = None,
    lang: str | None = None,
) -> Roadmap:
    """Rank the tests that unproven advice calls for by what they are worth per week of testing.

    Parameters
    ----------
    shop
        Needs `orders`; `order_lines` with costs give the margin.
    results
        Results whose advice is not proven: one, several, or a notebook's ``Out``. None: the replay
        of a promotion (`campaign.promotion`).
    priors
        "analysis.action" -> mean and spread (normal) of the effect on the net margin of what is
        changed, as shares of it: ``{"campaign.promotion.holdout": (0.0, 0.04)}``. By default the
        estimate of the advice where it has one, else 0 with a spread of 2 % (whole shop) or 5 %
        (a product, channel or group of customers).
    weeks
        Weeks over which what is learned is used, 8 to 104.
    weekly_cost
        Money that a week of any test costs, in the shop's currency.
    as_of
        Last day known; the last day of the data when None.
    lang
        Language of the words.

    Returns
    -------
    Roadmap
        `.table`: one row per test: ``rank, test, subject, spread`` (what is believed now, of the
        margin touched), ``orders`` (each half), ``weeks, start, end, value`` (expected value of
        sample information within the horizon, less cost), ``per_week, chance`` (that the test
        overturns today's decision), ``verdict``. Locked without costs of goods or a margin
        above 0.

    Notes
    -----
    Normal prior, normal data (Raiffa and Schlaifer 1961); orders of the last 8 weeks, split in
    halves; each test is as long as pays best and starts when the one before ends, because two at
    once would change each other. A test that teaches less than a tenth of what certainty would is
    left out: it needs a bolder change or more orders.

    Examples
    --------
    >>> import ecomops as eo
    >>> found = roadmap(eo.open("demo"))
    >>> list(found.table["test"])
    ['campaign.promotion.holdout|store']
    """
    as_of = checks.day("as_of", as_of)
    checks.between("weeks", weeks, 8, 104)
    if absent := lacking(shop, "orders"):
        return Roadmap.lock(absent, lang=lang)
    rate = shop.margins(as_of).net
    if rate is None or rate <= 0:
        costs = Need("column", {"table": "order_lines", "column": "line_cost"})
        need = costs if rate is None else Need("margin", {"margin": rate})
        return Roadmap.lock((need,), lang=lang)
    facts = coverage(shop.orders, as_of=as_of)
    sources = [promotion(shop, as_of=as_of)] if results is None else collected(results)
    sources = [r for r in sources if r.code != Roadmap.code]
    tests = candidates(sources)
    known = scopes(shop, [c.subject for c in tests], facts.last_day, rate)
    tests = [c for c in tests if c.subject in known]
    if not tests:
        values = {"needed": 1, "found": 0, "unit": "proposals"}
        return Roadmap.lock((Need("rows", values),), lang=lang)
    lines = [_line(c, known[c.subject], priors or {}, weeks, weekly_cost) for c in tests]
    rows = _scheduled(pd.DataFrame(lines), facts.last_day, weeks)
    basis = Basis(
        n=len(tests),
        unit="proposals",
        start=facts.first_day,
        end=facts.last_day,
        currency=facts.currency,
    )
    planned = rows["verdict"] == "run"
    params = {"weeks": weeks, "total": int(rows.loc[planned, "weeks"].sum())}
    params["assumed"] = sum(c.action.value is None and c.key not in (priors or {}) for c in tests)
    lang = checks.language(lang)
    return Roadmap(rows=rows, basis=basis, params=params, lang=lang, tests=tuple(tests))


def _line(
    candidate: Candidate,
    scope: Scope,
    priors: Mapping[str, tuple[float, float]],
    weeks: int,
    cost: float,
) -> dict[str, Any]:
    """Return the best length of one test and what it is worth."""
    mean, spread = prior(candidate, scope, weeks, priors)
    worth = scope.margin * weeks
    best = best_length(mean, spread, scope.noise * worth, weeks, least=LEAST, cost=cost)
    perfect = float(evsi(mean, spread, 0.0))
    taught = float(evsi(mean, spread, best.error))
    sharp = best.value > 0 and taught >= BLUNT * perfect > 0
    return {
        "test": _key(candidate),
        "subject": candidate.subject,
        "spread": spread / worth,
        "orders": float(np.ceil(scope.orders * best.weeks / 2)),
        "weeks": best.weeks,
        "value": best.value,
        "per_week": best.value / best.weeks,
        "chance": float(changes_mind(mean, spread, best.error)),
        "verdict": "run" if sharp else "blunt",
    }


def _scheduled(rows: pd.DataFrame, last: date, weeks: int) -> pd.DataFrame:
    """Return tests by what a week of them is worth, each starting when the one before ends.

    Those that would end after `weeks` wait: what comes first may change what they are worth.
    """
    rows = rows.assign(blunt=rows["verdict"] == "blunt")
    order = ["blunt", "per_week", "test"]
    rows = rows.sort_values(order, ascending=[True, False, True], ignore_index=True)
    fits = rows["weeks"].cumsum() <= weeks
    rows["verdict"] = np.where(rows["blunt"] | fits, rows["verdict"], "later")
    run = rows["verdict"] == "run"
    ends = [last + timedelta(weeks=int(w)) for w in rows["weeks"].where(run, 0).cumsum()]
    starts = [end - timedelta(weeks=int(w)) for end, w in zip(ends, rows["weeks"], strict=True)]
    first = [s + timedelta(days=1) for s in starts]
    rows["start"] = [day if ok else None for day, ok in zip(first, run, strict=True)]
    rows["end"] = [day if ok else None for day, ok in zip(ends, run, strict=True)]
    rows["rank"] = np.where(run, np.arange(1.0, len(rows) + 1), np.nan)
    return rows[list(Roadmap.columns)]
