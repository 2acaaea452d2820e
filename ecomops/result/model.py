"""What an analysis returns: findings, actions and the frozen result that holds them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from datetime import date
from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar, Self

import pandas as pd

from ecomops.base import checks
from ecomops.base.options import LANGUAGES
from ecomops.result import html, style
from ecomops.result.words import Words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

MONTH = 30


@dataclass(frozen=True)
class Finding:
    """A fact read off the table: its code, how it weighs, its numbers and how many it rests on."""

    code: str
    level: str
    values: Mapping[str, Any]
    n: int


@dataclass(frozen=True)
class Value:
    """Net margin expected over `horizon_days`, in the shop's currency: 5, 50 and 95 % quantiles."""

    low: float
    mid: float
    high: float
    horizon_days: int = 30


def monthly(amount: float, horizon_days: float) -> float:
    """Return how much of what is expected over `horizon_days` falls into the next 30 days.

    A shorter horizon is not stretched: goods ordered today are not ordered again every week.

    >>> monthly(90.0, 90), monthly(20.0, 7)
    (30.0, 20.0)
    """
    return amount * min(1.0, MONTH / horizon_days)


@dataclass(frozen=True)
class Action:
    """Advice: what to change, the findings it rests on, its value, grade, test and last day.

    `change` holds the numbers of its sentences. It is `emitted` only when evidence of grade A to C
    puts the 5 % quantile of its value above 0; otherwise the advice is to measure first. `subject`
    is what it changes ("product:P-1", "channel:直通车", "segment:champions"), so that two pieces of
    advice about one thing can be told apart from two about different things.
    """

    code: str
    because: tuple[str, ...]
    change: Mapping[str, Any]
    grade: str
    expires_on: date
    value: Value | None = None
    subject: str = ""

    @property
    def emitted(self) -> bool:
        """Whether the evidence carries the advice and its money."""
        return self.value is not None and self.value.low > 0 and self.grade in ("A", "B", "C")


@dataclass(frozen=True)
class Need:
    """One thing an analysis needs: a code of ``common.locked``, its values, whether it is there."""

    code: str
    values: Mapping[str, Any]
    have: bool = False


def lacking(shop: Any, *tables: str) -> tuple[Need, ...]:
    """Return the tables that an analysis needs, which are there and which not; none if all are.

    Raises `OptionError` when `shop` is none, such as one of its tables.
    """
    checks.shop(shop)
    needs = tuple(Need("table", {"table": name}, name in shop) for name in tables)
    return () if all(need.have for need in needs) else needs


@dataclass(frozen=True)
class Basis:
    """What a result rests on: how many of what, which days, which money, what was left out."""

    n: int
    unit: str
    start: date | None = None
    end: date | None = None
    currency: str = "CNY"
    excluded: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Result:
    """One explained result; subclasses add `findings`, `propose`, `layout` and `draw`.

    `columns` names the stable columns of `.table` with the unit of each.
    """

    code: ClassVar[str]
    columns: ClassVar[Mapping[str, str]]
    evidence: ClassVar[str] = "descriptive"

    rows: pd.DataFrame
    basis: Basis
    params: Mapping[str, Any] = field(default_factory=dict)
    lang: str = "en"
    missing: tuple[Need, ...] = ()

    @property
    def table(self) -> pd.DataFrame:
        """A tidy copy of everything that is drawn or said."""
        return self.rows.copy()

    @property
    def locked(self) -> bool:
        """Whether something is missing, so that there is no answer."""
        return any(not need.have for need in self.missing)

    @classmethod
    def lock(cls, needs: tuple[Need, ...], *, lang: str | None = None, **params: Any) -> Self:
        """Return a result of this class that says what is missing and what would unlock it."""
        empty = pd.DataFrame({column: pd.Series(dtype="object") for column in cls.columns})
        basis = Basis(n=0, unit="orders", currency="XXX")
        lang = checks.language(lang)
        return cls(rows=empty, basis=basis, params=params, lang=lang, missing=needs)

    def __init_subclass__(cls) -> None:
        """Let a locked result find nothing, whatever its analysis would read off the table."""
        said = cls.findings
        cls.findings = wraps(said)(lambda self: () if self.locked else said(self))  # type: ignore[method-assign]

    def words(self, lang: str | None = None) -> Words:
        """Return the words of this analysis in `lang` (the result's own by default)."""
        return Words(self.code, checks.language(lang or self.lang), self.basis.currency)

    def in_language(self, lang: str) -> Self:
        """Return the same result speaking `lang`."""
        return replace(self, lang=checks.language(lang))

    def findings(self) -> tuple[Finding, ...]:
        """Return the facts worth saying, the answer to the question first."""
        return ()

    def propose(self) -> tuple[Action, ...]:
        """Return what might be done; `actions` keeps what the findings support."""
        return ()

    def actions(self) -> tuple[Action, ...]:
        """Return the proposals whose findings are there; those not `emitted` carry no value."""
        said = {finding.code for finding in self.findings()}
        kept = [a for a in self.propose() if set(a.because) <= said] if said else []
        return tuple(a if a.emitted else replace(a, value=None) for a in kept)

    def sentences(self, lang: str | None = None) -> list[str]:
        """Return every finding as a sentence."""
        words = self.words(lang)
        return [words.say("findings", f.code, **f.values) for f in self.findings()]

    def explain(self, lang: str | None = None) -> str:
        """Return the findings as text, the answer first, or what is missing for one."""
        words = self.words(lang)
        if self.locked:
            needs = [words.say("locked", n.code, **n.values) for n in self.missing if not n.have]
            return words.say("locked", "short", needs=words.join(needs))
        return ("" if words.lang == "zh" else " ").join(self.sentences(lang))

    def layout(self, *, wide: bool) -> style.Layout:
        """Return height and margins of the chart in pixels."""
        raise NotImplementedError

    def draw(self, ax: Axes, *, wide: bool, words: Words) -> None:
        """Draw `.table` on `ax`; compute nothing."""
        raise NotImplementedError

    def plot(self, ax: Axes | None = None, *, lang: str | None = None) -> Axes:
        """Draw the chart, or say what is missing for one, and return its axes.

        Without `ax`, on a figure of its own.
        """
        words = self.words(style.drawable(checks.language(lang or self.lang)))
        with style.context():
            layout = style.Layout(60) if self.locked else self.layout(wide=True)
            ax = ax or style.canvas(style.WIDE, layout)
            if self.locked:
                ax.set_axis_off()
                ax.text(0, 0.5, self.explain(words.lang), va="center", wrap=True)
            else:
                self.draw(ax, wide=True, words=words)
                style.keep_inside(ax.figure)
        return ax

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON types: table, findings, actions, basis, text in zh and en."""
        return {
            "code": self.code,
            "evidence": self.evidence,
            "params": plain(self.params),
            "basis": _fields(self.basis),
            "table": tabled(self.rows),
            "findings": [self._finding_dict(finding) for finding in self.findings()],
            "actions": [self._action_dict(action) for action in self.actions()],
            "missing": [_fields(need) for need in self.missing],
            "text": {lang: self.explain(lang) for lang in LANGUAGES},
        }

    def _both(self, values: Mapping[str, Any], *path: str) -> dict[str, str]:
        return {lang: self.words(lang).say(*path, **values) for lang in LANGUAGES}

    def _finding_dict(self, finding: Finding) -> dict[str, Any]:
        return _fields(finding) | {"text": self._both(finding.values, "findings", finding.code)}

    def _action_dict(self, action: Action) -> dict[str, Any]:
        parts = ("do", "why", "verify") if action.emitted else ("measure",)
        texts = {part: self._both(action.change, "actions", action.code, part) for part in parts}
        return _fields(action) | {"emitted": action.emitted, "text": texts}

    def headline(self) -> pd.DataFrame:
        """Return the rows that a page shows beside the chart; none unless a subclass names some."""
        return self.rows.head(0)

    def paged(self) -> pd.DataFrame:
        """Return the rows in the order in which a page, which cuts long tables, shows them."""
        return self.rows

    def brief(self) -> dict[str, Any]:
        """Return what a notebook keeps for the page: one language, rows of `headline`, metrics."""
        table = tabled(self.headline()) | {"count": len(self.rows)}
        spoken: dict[str, Any] = _spoken(self.to_dict(), self.lang)
        metrics = list(dict.fromkeys(self.rows.get("metric", ())))
        return spoken | {"table": table, "metrics": metrics, "lang": self.lang}

    def _repr_html_(self) -> str:
        return html.fragment(self)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {
            "text/plain": self.explain(),
            "text/html": self._repr_html_(),
            html.RESULT: self.brief(),
        }

    def __repr__(self) -> str:
        return f"<{self.code}: {self.explain()}>"


def tabled(frame: pd.DataFrame) -> dict[str, Any]:
    """Return a frame as JSON types: its columns and its rows."""
    rows = [plain(row) for row in frame.itertuples(index=False, name=None)]
    return {"columns": list(frame.columns), "rows": rows}


def _fields(item: Any) -> dict[str, Any]:
    return {str(name): plain(value) for name, value in vars(item).items()}


def _spoken(value: Any, lang: str) -> Any:
    """Return `value` with every text in both languages replaced by its own one."""
    if isinstance(value, dict):
        if value.keys() == {"zh", "en"}:
            return value[lang]
        return {key: _spoken(item, lang) for key, item in value.items()}
    return [_spoken(item, lang) for item in value] if isinstance(value, list) else value


def plain(value: Any) -> Any:
    """Return `value` as JSON types: missing is None, days are ISO text.

    >>> plain({"a": float("nan"), "b": (1, date(2025, 11, 11))})
    {'a': None, 'b': [1, '2025-11-11']}
    """
    if isinstance(value, dict) or hasattr(value, "items"):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return _fields(value)
    if isinstance(value, date) and value is not pd.NaT:
        return value.isoformat()[:19]
    item = value.item() if hasattr(value, "item") else value
    if item is pd.NA or item is pd.NaT or (isinstance(item, float) and not math.isfinite(item)):
        return None
    return item if isinstance(item, int | float | str) or item is None else str(item)
