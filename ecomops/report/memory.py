"""What was decided, what it was expected to bring, and what it brought: the shop's memory."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from ecomops.base import checks
from ecomops.base.errors import MissingError, OptionError
from ecomops.report.archive import TABLES, Archive, identity, insert
from ecomops.report.entries import append, restored, same, write_proposal
from ecomops.report.head import bundle
from ecomops.report.outcome import Deed, Outcome
from ecomops.report.realised import realised
from ecomops.report.tables import sheet
from ecomops.result.model import plain, tabled
from ecomops.result.words import Words
from ecomops.store.decide import Decide
from ecomops.store.proposals import Proposal, collected, proposed

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    import pandas as pd

    from ecomops.data.shop import Shop
    from ecomops.result import Result

NAME = "ledger.sqlite"
MONTH = 30
PREFIX = 6
OUTCOMES = (
    "action", "analysis", "code", "subject", "change", "low", "mid", "high", "horizon_days",
    "currency", "grade", "owner", "decided_on", "due_on", "realised", "realised_low",
    "realised_high", "method", "reason",
)  # fmt: skip


@dataclass(frozen=True)
class Aim:
    """A target and its first and last day."""

    value: float | None = None
    start: date | None = None
    end: date | None = None


class Ledger:
    """The ledger of one shop: rows are added, never changed; reading makes no file.

    `path` is None for a shop without a folder of its own, such as the demo: its ledger lives in
    memory. Tables are attributes: `targets`, `forecasts`, `actions`, `decisions`, `verifications`,
    `realised`, each a frame with one row per entry, the oldest first.
    """

    def __init__(
        self, path: Path | None, *, day: date | None = None, currency: str = "CNY", lang: str = "en"
    ) -> None:
        self.path, self.day, self.currency, self.lang = path, day, currency, lang
        self._archive = Archive(path)

    def __getattr__(self, name: str) -> pd.DataFrame:
        """Return the table `name` as a frame."""
        if name in TABLES:
            return self._archive.frame(name)
        raise AttributeError(name)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *TABLES]

    def keep(self, results: object) -> Ledger:
        """Write what results hand over: targets, forecasts and advice; return the ledger."""
        for result in collected(results):
            if result.locked:
                continue
            if result.code == "store.target" and result.params["like"] == "given":
                self._target(result)
            if result.code == "store.forecast":
                self._forecast(result)
        self.propose(results)
        return self

    def propose(self, results: object, *, on: date | None = None) -> tuple[str, ...]:
        """Write the advice of results (of `store.decide`: what it keeps) and return its ids.

        Single proposals are taken as well. `on` is the last day of each result's data by default.
        """
        singles = [p for p in results if isinstance(p, Proposal)] if _listed(results) else []
        lists: list[Result] = [results] if isinstance(results, Decide) else []
        with self._archive.writing() as con:
            ids = [write_proposal(con, p, self._on(on, p.key), self.currency) for p in singles]
            for result in lists or [r for r in collected(results) if not r.locked]:
                ids += self._write(con, result, self._on(on or result.basis.end, result.code))
        return tuple(ids)

    def _write(self, con: sqlite3.Connection, result: Result, day: str) -> list[str]:
        """Write the advice of one result, and that its analyses have run."""
        found = result.chosen if isinstance(result, Decide) else proposed(result)
        weighed = result.proposals if isinstance(result, Decide) else ()
        for code in sorted({result.code, *(p.analysis for p in weighed)}):
            run = {"analysis": code, "ran_on": day}
            insert(con, "runs", identity(run), run)
        return [write_proposal(con, p, day, result.basis.currency) for p in found]

    def decide(
        self, action: object, *, accepted: bool, owner: str, on: date | None = None, note: str = ""
    ) -> str:
        """Accept or reject an action (an id, a proposal or the action itself); return the id.

        Accepting also writes the day on which its effect is to be verified. The last decision
        counts.

        Raises `OptionError` without owner or day, `MissingError` for an action never proposed.
        """
        if not owner.strip():
            raise OptionError("ledger_no_owner", owner=repr(owner))
        found = self._found(action)
        day = self._on(on, "decide")
        row = {"action": found["id"], "accepted": float(accepted), "owner": owner}
        row |= {"decided_on": day, "note": note}
        with self._archive.writing() as con:
            made = append(con, "decisions", row)
            if accepted:
                days = int(found["horizon_days"]) if found["horizon_days"] > 0 else MONTH
                due = (date.fromisoformat(day) + timedelta(days=days)).isoformat()
                check = {"action": found["id"], "due_on": due, "method": found["grade"]}
                insert(con, "verifications", identity(check), check)
        return made

    def realise(
        self,
        action: object,
        *,
        value: float,
        low: float,
        high: float,
        method: str,
        start: date | None = None,
        end: date | None = None,
        on: date | None = None,
    ) -> str:
        """Write what an action brought: net margin over its window with a 90 % interval.

        `method` names how it was measured ("holdout", "randomised", "a/b test" ...). The last
        measurement counts; returns its id.

        Raises `OptionError` when the value lies outside its interval or no day is known.
        """
        if not low <= value <= high:
            raise OptionError("ledger_interval", low=low, value=value, high=high)
        row = {"action": self._found(action)["id"], "value": float(value), "low": float(low)}
        row |= {"high": float(high), "method": method, "measured_on": self._on(on, "realise")}
        row |= {"start_on": start and start.isoformat(), "end_on": end and end.isoformat()}
        with self._archive.writing() as con:
            return append(con, "realised", row)

    def measure(self, shop: Shop, *, as_of: date | None = None) -> Ledger:
        """Measure what accepted actions brought, each once on or after its day; return the ledger.

        Written are value, 90 % interval and method, or why there is none (see
        `report.realised`); what cannot be measured is tried again next time. `as_of` is the last
        day of the shop's data by default.
        """
        day = as_of or self.day or shop.coverage.last_day
        deeds = [Deed.of(row) for row in self.outcomes.to_dict("records")]
        late = set(self.due(day)["action"])
        for deed in deeds:
            if deed.id in late:
                self._measured(deed, realised(shop, deed, deeds), self._on(day, "measure"))
        return self

    def _measured(self, deed: Deed, outcome: Outcome, day: str) -> None:
        row: dict[str, Any] = {"action": deed.id, "method": outcome.method, "measured_on": day}
        row |= {"start_on": deed.start.isoformat(), "end_on": deed.end.isoformat()}
        row |= {k: getattr(outcome, k) if outcome.known else None for k in ("value", "low", "high")}
        with self._archive.writing() as con:
            append(con, "realised", row, but="measured_on")

    def due(self, as_of: date | None = None) -> pd.DataFrame:
        """Return the accepted actions that were to be verified by `as_of` and are not yet."""
        rows = self.outcomes
        late = rows["due_on"] <= self._on(as_of, "due")
        return rows[late & rows["realised"].isna()].reset_index(drop=True)

    @property
    def outcomes(self) -> pd.DataFrame:
        """One row per accepted action: expected (``low, mid, high``) beside ``realised``."""
        actions = self.actions.rename(columns={"id": "action"})
        last = self.decisions.drop_duplicates("action", keep="last")
        last = last[last["accepted"] == 1][["action", "owner", "decided_on"]]
        checks_ = self.verifications.drop_duplicates("action", keep="last")[["action", "due_on"]]
        measured = self.realised.drop_duplicates("action", keep="last")
        names = {"value": "realised", "low": "realised_low", "high": "realised_high"}
        measured = measured.rename(columns=names)[["action", *names.values(), "method"]]
        known = measured["realised"].notna()
        measured = measured.assign(
            method=measured["method"].where(known, None),
            reason=measured["method"].mask(known, None),
        )
        rows = actions.merge(last, on="action").merge(checks_, on="action", how="left")
        return rows.merge(measured, on="action", how="left")[list(OUTCOMES)]

    def proposals(self, as_of: date | None = None) -> tuple[Proposal, ...]:
        """Return open advice: of the last run of its analysis, undecided, not expired."""
        rows = self.actions
        runs = self.runs.groupby("analysis")["ran_on"].max()
        day = as_of or self.day
        known = rows["proposed_on"] == rows["analysis"].map(runs)
        known &= ~rows["id"].isin(self.decisions["action"])
        if day:
            known &= rows["expires_on"] >= day.isoformat()
        return tuple(restored(row) for row in rows[known].to_dict("records"))

    def find(self, action: object) -> str:
        """Return the id of an action: an id or its beginning, a proposal or the action itself."""
        return str(self._found(action)["id"])

    def target(self, metric: str = "amount", subject: str = "store") -> float | None:
        """Return the target set last, or None when there is none."""
        rows = self.targets
        rows = rows[(rows["metric"] == metric) & (rows["subject"] == subject)]
        return float(rows["value"].iloc[-1]) if len(rows) else None

    def under_way(self, as_of: date | None = None) -> Aim:
        """Return the sales target whose days hold `as_of`, the one set last; empty without one."""
        day = self._on(as_of, "under_way")
        rows = self.targets
        rows = rows[(rows["start_on"] <= day) & (rows["end_on"] >= day)]
        if rows.empty:
            return Aim()
        last = rows.iloc[-1]
        start, end = (date.fromisoformat(str(last[name])) for name in ("start_on", "end_on"))
        return Aim(float(last["value"]), start, end)

    def to_csv(self, folder: str | Path) -> list[Path]:
        """Write each table as a CSV file into `folder` and return the paths."""
        paths = []
        for name, table in self._tables().items():
            path = Path(folder) / f"{name}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\ufeff" + sheet(table), encoding="utf-8", newline="\n")
            paths.append(path)
        return paths

    def to_json(self, path: str | Path) -> Path:
        """Write every table as one JSON file and return its path."""
        whole = {"generator": "ecomops", "code": "report.ledger", "tables": self._tables()}
        text = json.dumps(whole, ensure_ascii=False, indent=1)
        Path(path).write_text(text + "\n", encoding="utf-8", newline="\n")
        return Path(path)

    def _tables(self) -> dict[str, dict[str, Any]]:
        return {name: tabled(self._archive.frame(name)) for name in TABLES}

    def counts(self) -> dict[str, int]:
        """Return how many targets, open, accepted, due and measured actions there are."""
        rows = self.outcomes
        due = (rows["due_on"] <= self.day.isoformat()) if self.day else rows["due_on"].isna()
        return {
            "targets": len(self.targets),
            "open": len(self.proposals()),
            "accepted": len(rows),
            "due": int((due & rows["realised"].isna()).sum()),
            "measured": int(rows["realised"].notna().sum()),
        }

    def _on(self, day: date | str | None, what: str) -> str:
        day = day or self.day
        if day is None:
            raise OptionError("ledger_no_day", what=what)
        return day if isinstance(day, str) else day.isoformat()[:10]

    def _found(self, action: object) -> dict[str, Any]:
        rows = self.actions
        if isinstance(action, str):
            hits = rows[rows["id"] == action]
            if hits.empty and len(action) >= PREFIX:
                hits = rows[rows["id"].str.startswith(action)]
        else:
            hits = rows[same(rows, action)]
        unique = len(set(hits["id"])) == 1 or not isinstance(action, str)
        if hits.empty or not unique:
            known = list(rows["id"].tail(3)) or ["—"]
            raise MissingError("ledger_no_action", action=action, count=len(rows), known=known)
        return {str(k): v for k, v in hits.iloc[-1].to_dict().items()}

    def _target(self, result: Result) -> None:
        p, end = result.params, result.basis.end
        if end is None:
            return
        row = {"metric": "amount", "subject": "store", "value": float(p["target"])}
        row |= {"start_on": (end + timedelta(days=1)).isoformat(), "set_on": end.isoformat()}
        row |= {"end_on": (end + timedelta(days=int(p["days"]))).isoformat(), "source": result.code}
        with self._archive.writing() as con:
            append(con, "targets", row, "subject")

    def _forecast(self, result: Result) -> None:
        rows, made = result.rows, self._on(result.basis.end, result.code)
        ahead = rows[rows["expected"].notna()]
        metric = str(result.params.get("metric", "amount"))
        with self._archive.writing() as con:
            for r in ahead.to_dict("records"):
                day = str(plain(r["day"]))[:10]
                row = {"metric": metric, "day": day, "low": r["low"], "mid": r["expected"]}
                row |= {"high": r["high"], "made_on": made, "source": result.code}
                insert(con, "forecasts", identity(row), row)

    def facts(self) -> list[tuple[str, str]]:
        """Return label and text of what the ledger holds, in its language."""
        words = Words("report.ledger", self.lang)
        place = words.say("memory") if self.path is None else str(self.path)
        held = [(words.label(k), words.format_field(n, "count")) for k, n in self.counts().items()]
        return [(words.say("place"), place), *held]

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:  # noqa: ARG002
        return bundle(self.facts(), {"code": "report.ledger", "counts": self.counts()})


def _listed(results: object) -> TypeGuard[Sequence[object]]:
    return isinstance(results, list | tuple)


def ledger(
    shop: Shop | str | Path, *, path: str | Path | None = None, lang: str | None = None
) -> Ledger:
    """Open the ledger of a shop: targets, advice, decisions, and what came of them.

    `shop` is an open shop or the path of its folder or of the ledger itself. The file
    ``ledger.sqlite`` lies in the shop's folder, or at `path`; the demo's, and that of a
    folder that may not be written to, lives in memory. The shop's last day is the day of every
    entry that names none.

    Raises `DataError` for a file that is no ledger or of a newer version.

    >>> import ecomops as eo
    >>> shop = eo.open("demo")
    >>> book = ledger(shop).keep(eo.channel.attribution(shop.touchpoints, margin=shop.margin))
    >>> first = book.proposals()[0]
    >>> made = book.decide(first, accepted=True, owner="Li")
    >>> book.outcomes[["code", "owner"]].to_dict("records")
    [{'code': 'move', 'owner': 'Li'}]
    """
    lang = checks.language(lang)
    if isinstance(shop, str | Path):
        place = Path(path or shop)
        return Ledger(place / NAME if place.is_dir() else place, lang=lang)
    own = shop.folder / NAME if shop.folder else None
    if own and not (own.exists() or os.access(own.parent, os.W_OK)):
        own = None
    day = shop.coverage.last_day if "orders" in shop else None
    return Ledger(Path(path) if path else own, day=day, currency=shop.currency, lang=lang)
