"""What each model asks of the journeys: sums by channel, by step and by set of channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis
import numpy as np

from ecomops.data.tables import frame, home
from ecomops.maths import markov

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

RULES = ("first", "last", "last_non_direct", "linear", "position", "time_decay")
MODELS = (*RULES, "markov", "shapley")
MEASURES = ("conversions", "value")
END, GLUE = "\x1e", "\x1f"  # no channel is called so
EXACT = "decimal(38,12)"
EDGE = 0.4  # position-based: 40 % to each end, 20 % to the middle


def by_rule(
    journeys: ibis.Table,
    *,
    rules: Sequence[str],
    direct: Sequence[str],
    half_life_days: float,
    repeat: str,
) -> pd.DataFrame:
    """Return ``channel`` and, for each rule, ``{rule}_conversions`` and ``{rule}_value``.

    One query over journeys with a conversion. `repeat` is "touch" (linear credit per touch) or
    "unique" (per channel of the journey).
    """
    won = journeys.filter(journeys.conversions > 0)
    # from the last touch on: powers of ages vanish where the half-life is short
    won = won.mutate(ages=won.ages.map(lambda age: age - won.ages.mins()))
    won = won.mutate(
        n=won.channels.length(),
        final=_final(won, direct),
        decay=won.ages.map(lambda age: _decay(age, half_life_days)).sums(),
        channel=won.channels,
    )
    touch = won.unnest("channel", offset="i")
    weights = _weights(touch, half_life_days, repeat)
    worth = {"conversions": touch.conversions, "value": touch.value.cast("float64")}
    # Decimals add up to the same sum in any order of rows; floats do not.
    sums = {f"{r}_{m}": (weights[r] * worth[m]).cast(EXACT) for r in rules for m in MEASURES}
    rows = touch.select("channel", **sums)
    return frame(rows.group_by("channel").aggregate(**{c: rows[c].sum() for c in sums}))


def _decay(age: Any, half_life_days: float) -> Any:
    return ibis.literal(2.0).pow(-age / float(half_life_days))


def _final(won: ibis.Table, direct: Sequence[str]) -> Any:
    """Return the place of the last channel that is not direct, or of the last when all are."""
    places = ibis.range(0, won.channels.length())
    if not direct:
        return won.channels.length() - 1
    known = places.filter(lambda i: ~won.channels[i].lower().isin([d.lower() for d in direct]))
    return ibis.coalesce(known.maxs(), won.channels.length() - 1)


def _weights(touch: ibis.Table, half_life_days: float, repeat: str) -> Mapping[str, Any]:
    n, i = touch.n, touch.i
    one, even = ibis.literal(1.0), 1.0 / n
    edge = (i == 0) | (i == n - 1)
    middle = (1 - 2 * EDGE) / ibis.greatest(n - 2, 1)
    if repeat == "unique":
        same = touch.channels.filter(lambda c: c == touch.channel).length()
        even = 1.0 / (touch.channels.unique().length() * same)
    return {
        "first": (i == 0).ifelse(1.0, 0.0),
        "last": (i == n - 1).ifelse(1.0, 0.0),
        "last_non_direct": (i == touch.final).ifelse(1.0, 0.0),
        "linear": even,
        "position": ibis.cases((n == 1, one), (n == 2, one / 2), (edge, one * EDGE), else_=middle),  # noqa: PLR2004
        "time_decay": _decay(touch.ages[i], half_life_days) / touch.decay,
    }


def steps(journeys: ibis.Table, *, order: int) -> pd.DataFrame:
    """Return counted steps: ``f1 … f{order}, target, conversions, nulls, value``.

    One query. ``f1`` to ``f{order}`` are the last channels, oldest first, empty before the start;
    ``target`` is the next channel or the end of the journey; the three counts are those of whole
    journeys through the step.
    """
    channels = journeys.channels
    names = [f"f{i + 1}" for i in range(order)]
    columns = {
        n: ibis.array([""] * back).concat(channels)
        for n, back in zip(names, range(order, 0, -1), strict=True)
    }
    rows = _side_by_side(journeys, columns | {"target": channels.concat([END])})
    rows = rows.filter(rows.target.notnull())  # noqa: PD004 - not pandas
    counted = rows.group_by(*names, "target").aggregate(
        conversions=rows.conversions.sum(), nulls=rows.nulls.sum(), value=rows.value.sum()
    )
    return frame(counted).sort_values([*names, "target"], ignore_index=True)


def _side_by_side(journeys: ibis.Table, arrays: Mapping[str, Any]) -> ibis.Table:
    """Return a row per element of `arrays`, up to the longest of them; counts are repeated."""
    counts = ("conversions", "nulls", "value")
    if home(journeys).name == "duckdb":
        # Its parallel unnest takes a fraction of the time of zipping, which Spark needs.
        return journeys.select(*counts, **{name: a.unnest() for name, a in arrays.items()})
    first, *others = arrays.values()
    step = journeys.select(*counts, step=first.zip(*others).unnest())
    fields = {name: step.step[f"f{i + 1}"] for i, name in enumerate(arrays)}
    return step.select(*counts, **fields)


def transitions(
    counted: pd.DataFrame, channels: Sequence[str], *, order: int
) -> markov.Transitions:
    """Return the steps of `steps` as a chain's counted transitions, channels by their number."""
    number = {channel: i for i, channel in enumerate(channels)} | {"": markov.PAD}
    past = counted[[f"f{i + 1}" for i in range(order)]].fillna("")
    state = np.array([[number[c] for c in row] for row in past.to_numpy()], dtype=np.int64)
    state = state.reshape(-1, order)
    ends = (counted["target"] == END).to_numpy()
    target = np.array([number.get(c, markov.WON) for c in counted["target"]], dtype=np.int64)
    won, lost = (counted[c].to_numpy(dtype=float) for c in ("conversions", "nulls"))
    money = counted["value"].to_numpy(dtype=float)
    return markov.Transitions(
        state=np.concatenate([state, state[ends]]),
        target=np.concatenate([target, np.full(ends.sum(), markov.LOST)]),
        count=np.concatenate([np.where(ends, won, won + lost), lost[ends]]),
        value=np.concatenate([np.where(ends, money, 0), np.zeros(ends.sum())]),
    )


def sets(journeys: ibis.Table) -> pd.DataFrame:
    """Return journeys by the set of channels they touched: ``members, conversions, nulls, value``.

    One query; ``members`` are sorted and joined by a separator.
    """
    rows = journeys.select(
        "conversions", "nulls", "value", members=journeys.channels.unique().sort().join(GLUE)
    )
    counted = rows.group_by("members").aggregate(
        conversions=rows.conversions.sum(), nulls=rows.nulls.sum(), value=rows.value.sum()
    )
    return frame(counted).sort_values("members", ignore_index=True)


def membership(found: pd.DataFrame, channels: Sequence[str]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which of `channels` each set of `sets` holds, shape (sets, channels)."""
    split = [set(members.split(GLUE)) for members in found["members"]]
    return np.array([[c in members for c in channels] for members in split], dtype=bool).reshape(
        len(split), len(channels)
    )
