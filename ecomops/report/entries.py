"""Rows of the ledger: how advice is written, taken back and read again."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

from ecomops.base.errors import OptionError
from ecomops.report.archive import TABLES, identity, insert
from ecomops.result import Action, Value
from ecomops.result.model import plain
from ecomops.store.proposals import Proposal

if TYPE_CHECKING:
    import sqlite3

    import pandas as pd


def write_proposal(con: sqlite3.Connection, proposal: Proposal, day: str, currency: str) -> str:
    """Write one piece of advice and return its id."""
    action = proposal.action
    value: dict[str, Any] = vars(action.value) if action.value else {}
    row = {
        "analysis": proposal.analysis,
        "code": action.code,
        "subject": action.subject,
        "change": json.dumps(plain(action.change), ensure_ascii=False, sort_keys=True),
        **{name: value.get(name) for name in ("low", "mid", "high", "horizon_days")},
        "currency": currency,
        "grade": action.grade,
        "because": json.dumps(list(action.because)),
        "proposed_on": day,
        "expires_on": action.expires_on.isoformat(),
    }
    made = identity(row)
    insert(con, "actions", made, row)
    return made


def append(
    con: sqlite3.Connection, name: str, row: dict[str, Any], by: str = "action", but: str = ""
) -> str:
    """Add a row that may take back an earlier one; the same twice in a row is written once.

    `but` names a column in which two rows may differ and still say the same.
    """
    query = f"SELECT id, {', '.join(TABLES[name])} FROM {name} WHERE {by} = ? ORDER BY seq"  # noqa: S608 - names of our own
    before = con.execute(query, (row[by],)).fetchall()
    last = dict(zip(TABLES[name], before[-1][1:], strict=True)) if before else {}
    if before and all(last[c] == row.get(c) for c in TABLES[name] if c != but):
        return str(before[-1][0])
    made = identity(row, len(before))
    insert(con, name, made, row)
    return made


def same(rows: pd.DataFrame, action: object) -> pd.Series[bool]:
    """Return which rows hold an action or a proposal (the last one counts)."""
    told = action.action if isinstance(action, Proposal) else action
    if not isinstance(told, Action):
        raise OptionError("ledger_no_action", action=action, count=len(rows), known=["—"])
    same = (rows["code"] == told.code) & (rows["subject"] == told.subject)
    if isinstance(action, Proposal):
        return same & (rows["analysis"] == action.analysis)
    change = json.dumps(plain(told.change), ensure_ascii=False, sort_keys=True)
    return same & (rows["change"] == change)


def restored(row: dict[Any, Any]) -> Proposal:
    """Return the advice that a row of `actions` holds."""
    three = {name: float(row[name]) for name in ("low", "mid", "high")}
    known = row["horizon_days"] > 0
    value = Value(**three, horizon_days=int(row["horizon_days"])) if known else None
    action = Action(
        code=row["code"],
        because=tuple(json.loads(row["because"])),
        change=json.loads(row["change"]),
        grade=row["grade"],
        expires_on=date.fromisoformat(row["expires_on"]),
        value=value,
        subject=row["subject"],
    )
    return Proposal(row["analysis"], action)
