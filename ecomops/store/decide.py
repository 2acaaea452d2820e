"""One list of what to do: without conflicts, false discoveries controlled, ranked by worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ecomops.base import checks
from ecomops.base.options import LANGUAGES
from ecomops.result import Basis, Finding, Need, Result, style
from ecomops.result.model import plain
from ecomops.result.words import Words
from ecomops.store.proposals import (
    COLUMNS,
    OWN,
    REASONS,
    Proposal,
    blocks,
    collected,
    judged,
    proposed,
    total,
)
from ecomops.store.spoken import Spoken, short

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes

SHOWN = {True: 12, False: 9}


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Decide(Result):
    """One row per piece of advice: what is kept, ranked, and why the rest is not.

    Money is net margin per 30 days. `params` holds the sum of what is kept, ``total`` (5, 50 and
    95 % quantiles), and the level of false discoveries.
    """

    code: ClassVar[str] = OWN
    columns: ClassVar[Mapping[str, str]] = COLUMNS

    proposals: tuple[Proposal, ...] = ()

    @property
    def evidence(self) -> str:  # type: ignore[override]
        """The weakest grade among what is kept."""
        grades = sorted(self.kept["grade"])
        return str(grades[-1]) if grades else "descriptive"

    @property
    def kept(self) -> pd.DataFrame:
        """The rows that hold, the best first."""
        return self.rows[self.rows["verdict"] == "kept"]

    @property
    def chosen(self) -> tuple[Proposal, ...]:
        """The advice that holds, the best first."""
        by = {proposal.key: proposal for proposal in self.proposals}
        return tuple(by[key] for key in self.kept["action"])

    def words(self, lang: str | None = None) -> Spoken:
        """Return the words of the list, with the sentences of the advice itself."""
        known = {p.key: (p.analysis, p.action) for p in self.proposals}
        return Spoken(self.code, checks.language(lang or self.lang), self.basis.currency, known)

    def findings(self) -> tuple[Finding, ...]:
        """Say how much is kept and worth together, where to start, and what was held back why."""
        kept, n = self.kept, self.basis.n
        said = []
        if len(kept):
            low, mid, high = self.params["total"]
            sums = {"count": len(kept), "of": n, "low": low, "mid": mid, "high": high}
            first = {"action": kept["action"].iloc[0], "chance": kept["chance"].iloc[0]}
            said += [Finding("kept", "act", sums, n), Finding("first", "note", first, n)]
        else:
            said.append(Finding("none", "note", {"of": n}, n))
        counts = self.rows["verdict"].value_counts()
        for reason in REASONS:
            if counts.get(reason, 0):
                said.append(Finding(reason, "note", {"count": int(counts[reason])}, n))
        return tuple(said)

    def headline(self) -> pd.DataFrame:
        """Return what is kept: a page needs it beside the chart."""
        return self.kept

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON types, with the advice that holds in words."""
        return super().to_dict() | {"chosen": [self._told(p) for p in self.chosen]}

    def _told(self, proposal: Proposal) -> dict[str, Any]:
        action, money = proposal.action, self.basis.currency
        text = {
            part: {
                lang: Words(proposal.analysis, lang, money).say(
                    "actions", action.code, part, **action.change
                )
                for lang in LANGUAGES
            }
            for part in ("do", "why", "verify")
        }
        told: dict[str, Any] = plain(action)
        return told | {"analysis": proposal.analysis, "emitted": True, "text": text}

    def layout(self, *, wide: bool) -> style.Layout:
        """Return height and margins in pixels."""
        rows = max(min(int(self.rows["mid"].notna().sum()), SHOWN[wide]), 1)
        side = 24 if wide else 14
        return style.Layout(44 + 46 * rows, left=side, right=side, top=8, bottom=36)

    def draw(self, ax: Axes, *, wide: bool, words: Words) -> None:
        """Draw each value as an interval under its sentence; what is held back is hollow."""
        rows = self.rows[self.rows["mid"].notna()].head(SHOWN[wide])
        edges = [0.0, *rows["low"], *rows["high"]]
        room = 0.04 * (max(edges) - min(edges) or 1)
        ax.set_xlim(min(edges) - room, max(edges) + room)
        for i, row in enumerate(rows.to_dict("records")):
            kept = row["verdict"] == "kept"
            colour = style.UP if kept else style.OTHER
            ax.plot([0, 0], [i - 0.16, i + 0.34], color=style.AXIS, lw=1)
            ax.plot([row["low"], row["high"]], [i, i], color=colour, lw=3 if kept else 1.5)
            ax.plot(
                [row["mid"]], [i], "o", ms=8, mec=colour, mew=2, mfc=colour if kept else style.BG
            )
            text = _label(row, words, 112 if wide else 50)
            ink = style.INK if kept else style.MUTE
            style.tag(ax, 0, i, text, 0, 16, at="left", ha="left", size=style.SMALL, color=ink)
        if rows.empty:
            style.tag(ax, 0, 0, words.label("nothing"), ha="center", color=style.MUTE)
            ax.set_axis_off()
        ax.set_ylim(max(len(rows), 1) - 0.5, -0.75)
        ax.set_yticks([])
        ax.xaxis.set_major_formatter(lambda v, _: words.format_field(v, "money"))
        ax.locator_params(axis="x", nbins=6 if wide else 4)


def _label(row: Mapping[Any, Any], words: Words, most: int) -> str:
    """Return the advice cut to its room, with its rank before it or the whole reason behind."""
    text = words.label(row["action"])
    if row["verdict"] == "kept":
        return short(f"{row['rank']:.0f}  {text}", most)
    reason, zh = words.label(row["verdict"]), words.lang == "zh"
    room = most - len(reason) * (1 + zh) - 4
    return short(text, room) + (f"（{reason}）" if zh else f" ({reason})")


def decide(
    results: object,
    *,
    earlier: Sequence[Proposal] = (),
    budget: float | None = None,
    level: float = 0.05,
    lang: str | None = None,
) -> Decide:
    """Make one list of what to do from everything that analyses propose.

    Parameters
    ----------
    results
        Results: one, several, or a notebook's ``Out`` (of an analysis that ran twice in it, the
        last counts); anything else in it is passed over.
    earlier
        Advice of other notebooks, such as `Ledger.proposals`; newer results replace it.
    budget
        Money that may be bound or spent, in the shop's currency; advice states what it takes as
        ``money``. None: no limit.
    level
        Share of false discoveries accepted among what is kept, 0 to 1; where nothing works at all
        it is the chance that the list is not empty.
    lang
        Language of the words.

    Returns
    -------
    Decide
        `.table`: one row per piece of advice: ``rank`` (missing when held back), ``action,
        subject, verdict``; ``low, mid, high`` (net margin per 30 days), ``chance`` (that it is
        above 0), ``q`` (false discovery rate), ``grade, analysis, suppressed_by``.

    Raises
    ------
    OptionError
        When `level` or `budget` is out of range.

    Notes
    -----
    Advice needs grade A to C and a 5 % quantile above 0. Then: no push for what is about to run
    out, no price where prices followed demand, Benjamini and Hochberg (1995) over all values (an
    analysis that can earn and gives no value counts as a test that failed), of two that move the
    same lever of the same thing the one worth more, and the budget. Rank: median times chance. The
    sum takes advice of one analysis as moving together, and analyses as independent.

    Examples
    --------
    >>> import ecomops as eo
    >>> shop = eo.open("demo")
    >>> found = decide([eo.product.inventory(shop), eo.product.price(shop.order_lines)])
    >>> set(found.table["verdict"]) <= {"kept", *REASONS}
    True
    """
    checks.between("level", level, 0, 1)
    checks.between("budget", budget or 0.0, 0, 1e15)
    found = collected(results)
    seen = {result.code for result in found}
    proposals = [p for result in found for p in proposed(result)]
    proposals += [p for p in earlier if p.analysis not in seen]
    if not proposals:
        values = {"needed": 1, "unit": "proposals" if found else "results", "found": 0}
        need = Need("rows", values)
        return Decide.lock((need,), lang=lang)
    proposals = list({p.key: p for p in proposals}.values())
    basis = _basis(found, len(proposals))
    rows = judged(proposals, blocks(found), budget, level, basis.end)
    return Decide(
        rows=rows,
        basis=basis,
        params={"total": total(rows), "level": level, "budget": budget},
        lang=checks.language(lang),
        proposals=tuple(proposals),
    )


def _basis(found: Sequence[Result], n: int) -> Basis:
    known = [r.basis for r in found if not r.locked]
    starts, ends = [b.start for b in known if b.start], [b.end for b in known if b.end]
    money = next((b.currency for b in known if b.currency != "XXX"), "CNY")
    return Basis(
        n=n,
        unit="proposals",
        start=min(starts, default=None),
        end=max(ends, default=None),
        currency=money,
    )
