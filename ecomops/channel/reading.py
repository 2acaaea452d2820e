"""What the credits say and do not say: findings and the action, read off the tables."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ecomops.maths.arrays import Z90
from ecomops.maths.information import unit_loss
from ecomops.result import Action, Finding, Value

if TYPE_CHECKING:
    from collections.abc import Mapping

CUT = 2 / 3  # of the spend: what is left can still be measured
MONTH = 30
DISAGREE = 2.0  # models that differ by this factor are no answer
LARGE = 0.05  # share of the credit below which a channel is not worth a sentence


def spread(rows: pd.DataFrame) -> pd.DataFrame:
    """Return ``channel, least, most, mean`` credit over the models, the most credited first."""
    by = rows.groupby("channel")["conversions"]
    ranked = pd.DataFrame({"least": by.min(), "most": by.max(), "mean": by.mean()}).reset_index()
    ranked["rank"] = -ranked["mean"].round(6)  # ties are ties on every engine
    return ranked.sort_values(["rank", "channel"], ignore_index=True).drop(columns="rank")


def beside(rows: pd.DataFrame, measured: pd.DataFrame) -> pd.DataFrame:
    """Return the channels a holdout measured with the credit they get, the most credited first."""
    return spread(rows).merge(measured, on="channel", how="inner")


def overrated(both: pd.DataFrame) -> pd.DataFrame:
    """Return channels whose measured effect may be 0 and lies below what the models credit."""
    return both[(both["low"] <= 0) & (both["high"] < both["mean"])]


def underrated(both: pd.DataFrame) -> pd.DataFrame:
    """Return channels whose measured effect lies above every model's credit, the largest first."""
    more = both[both["low"] > both["most"]]
    return more.sort_values(["conversions", "channel"], ascending=[False, True])


def findings(
    rows: pd.DataFrame, measured: pd.DataFrame, facts: Mapping[str, float], n: int
) -> tuple[Finding, ...]:
    """Return the answer first, then that credit is no effect, then what limits both."""
    said = [*_holdout(beside(rows, measured)), *_disagreement(rows, measured, n)]
    note = Finding("not_incremental", "note", {}, n)
    return (*said[:1], note, *said[1:], *_limits(rows, facts, n))


def _named(row: pd.Series[Any]) -> dict[str, Any]:
    names = ("channel", "least", "most", "conversions", "low", "high")
    return {name: row[name] for name in names} | {"people": int(row["exposed"] + row["held_out"])}


def _holdout(both: pd.DataFrame) -> list[Finding]:
    said = []
    for code, level, channels in (
        ("holdout_zero", "act", overrated(both)),
        ("holdout_more", "good", underrated(both)),
    ):
        for _, row in channels.head(1).iterrows():
            values = _named(row)
            said.append(Finding(code, level, values, values["people"]))
    unclear = both[(both["low"] <= 0) & (both["high"] > 0)]
    rest = [c for c in unclear["channel"] if c not in set(overrated(both).head(1)["channel"])]
    if rest:
        people = int((unclear["exposed"] + unclear["held_out"]).sum())
        said.append(Finding("holdout_unclear", "watch", {"channels": rest}, people))
    if len(both):
        measured = both["conversions"].sum()
        half = np.hypot.reduce((both["high"] - both["low"]) / 2)  # channels are independent
        sums = {"credited": both["mean"].sum(), "measured": measured}
        sums |= {"low": measured - half, "high": measured + half}
        people = int((both["exposed"] + both["held_out"]).sum())
        said.append(Finding("holdout_total", "watch", sums | {"channels": len(both)}, people))
    return said


def _disagreement(rows: pd.DataFrame, measured: pd.DataFrame, n: int) -> list[Finding]:
    ranked = spread(rows)
    models = rows["model"].nunique()
    first = ranked.iloc[0]
    leader = {"channel": first["channel"], "share": first["mean"] / ranked["mean"].sum()}
    said = [Finding("leader", "note", leader | {"models": models}, n)]
    large = ranked[ranked["mean"] >= LARGE * ranked["mean"].sum()]
    ratio = (large["most"] / large["least"].where(large["least"] > 0)).fillna(np.inf).to_numpy()
    if models > 1 and ratio.max(initial=1) >= DISAGREE:
        row = large.iloc[int(ratio.argmax())]
        values = {"channel": row["channel"], "least": row["least"], "most": row["most"]}
        said.insert(0, Finding("spread", "watch", values | {"models": models}, n))
    untested = [c for c in ranked["channel"] if c not in set(measured["channel"])]
    if untested:
        values = {"channels": untested, "channel": untested[0], "tested": len(measured)}
        said.append(Finding("untested", "watch", values, n))
    return said


def _limits(rows: pd.DataFrame, facts: Mapping[str, float], n: int) -> list[Finding]:
    negative = rows[rows["conversions"] < 0]
    said = []
    if len(negative):
        values = {
            "models": sorted(set(negative["model"])),
            "channels": sorted(set(negative["channel"])),
        }
        said.append(Finding("negative", "watch", values, n))
    cancelled = sorted(set(rows.loc[rows["conversions"].isna(), "model"]))
    if cancelled:
        said.append(Finding("no_share", "watch", {"models": cancelled}, n))
    if not facts["nulls"]:
        said.append(Finding("no_nulls", "watch", {}, n))
    if not facts["timed"]:
        said.append(Finding("no_times", "note", {}, n))
    counted = [code for code in ("untouched", "open") if facts[code]]
    return said + [Finding(code, "note", {"count": facts[code]}, n) for code in counted]


def actions(
    rows: pd.DataFrame, measured: pd.DataFrame, facts: Mapping[str, float], end: date | None
) -> tuple[Action, ...]:
    """Return the move away from an overrated channel and the test of an untested one.

    The move is worth the spend it saves less the margin of the orders it may lose: none where the
    effect is below 0, so in the middle the mean of what is above it. Nothing is counted for what
    the money earns elsewhere. Without cost or margin it can only be priced first.
    """
    both = beside(rows, measured)
    until = (end or pd.Timestamp.max.date()) + timedelta(days=90)
    moves = [_move(row, both, facts, until) for _, row in overrated(both).head(1).iterrows()]
    untested = [c for c in spread(rows)["channel"] if c not in set(measured["channel"])]
    tests = [
        Action("test", ("untested",), {"channel": name}, "D", until, subject=f"channel:{name}")
        for name in untested[:1]
    ]
    return (*moves, *tests)


def _move(
    row: pd.Series[Any], both: pd.DataFrame, facts: Mapping[str, float], until: date
) -> Action:
    a_month = MONTH / max(facts["days"], 1)
    spend, each = float(row["cost"]) * a_month, _margin_per_order(facts)
    best = both[both["low"] > 0].sort_values("conversions", ascending=False)
    change = _named(row) | {
        "to": best["channel"].iloc[0] if len(best) else None,
        "cut": CUT,
        "amount": spend * CUT,
        "risk": CUT * max(row["high"], 0) * a_month * each,
    }
    subject = f"channel:{row['channel']}"
    if not (spend > 0 and each > 0):
        return Action("price", ("holdout_zero",), change, "A", until, subject=subject)
    error, most = (row["high"] - row["low"]) / (2 * Z90), max(row["high"], 0.0)
    lost = min(error * float(unit_loss(-row["conversions"] / error)), most)
    low, mid, high = (CUT * (spend - x * a_month * each) for x in (most, lost, max(row["low"], 0)))
    value = Value(low=low, mid=mid, high=high, horizon_days=MONTH)
    code = "move" if len(best) else "cut"
    return Action(code, ("holdout_zero",), change, "A", until, value, subject)


def _margin_per_order(facts: Mapping[str, float]) -> float:
    return facts["value"] / max(facts["valued"], 1e-9) * facts["margin"]
