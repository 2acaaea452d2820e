"""Credit by model and channel, from journeys summed in the engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ecomops.channel import credits as sums
from ecomops.channel.credits import MEASURES, RULES
from ecomops.data.tables import frame
from ecomops.maths import coalitions, markov

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import ibis

GAMES = ("rate", "set_rate", "set_conversions", "subset_sum")
SEED = 20_160_915
TABLE = ["model", "channel", "conversions", "value", "share"]
EFFECTS = ["model", "channel", "effect", "value_effect"]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the models need to know; the names are those of `channel.attribution`."""

    models: tuple[str, ...]
    half_life_days: float = 7
    order: int = 1
    removal: str = "redirect_to_null"
    game: str = "rate"
    repeat: str = "touch"
    direct: tuple[str, ...] = ()


def totals(journeys: ibis.Table) -> Mapping[str, float]:
    """Return conversions, nulls, value and paths of journeys with a touch, and conversions without.

    One query; missing sums of an empty table are 0.
    """
    touched = journeys.touched
    sums_of = {
        name: journeys[name].sum(where=touched) for name in ("conversions", "nulls", "value")
    }
    row = frame(
        journeys.aggregate(
            **sums_of,
            untouched=journeys.conversions.sum(where=~touched),
            open=journeys.open.sum(where=touched),
            valued=journeys.conversions.sum(where=touched & (journeys.value > 0)),
        )
    )
    return {str(name): float(np.nan_to_num(float(v or 0))) for name, v in row.iloc[0].items()}


def credit(journeys: ibis.Table, settings: Settings) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the credits (`TABLE`) and what lies under those of markov and shapley (`EFFECTS`).

    One query for all rules, one for markov, one for shapley.
    """
    found: dict[str, pd.DataFrame] = {}
    raw: list[pd.DataFrame] = []
    rules = [model for model in settings.models if model in RULES]
    if rules:
        found |= _by_rule(journeys, rules, settings)
    if "markov" in settings.models:
        found["markov"], effects = _markov(journeys, settings)
        raw.append(effects)
    if "shapley" in settings.models:
        found["shapley"], effects = _shapley(journeys, settings)
        raw.append(effects)
    empty = pd.DataFrame(columns=EFFECTS)
    return _tidy(found, settings.models), pd.concat(raw, ignore_index=True) if raw else empty


def _tidy(found: Mapping[str, pd.DataFrame], models: Iterable[str]) -> pd.DataFrame:
    """Return one row per model and channel, models as asked, the most credited channel first."""
    channels = sorted({c for rows in found.values() for c in rows["channel"]})
    parts = []
    for model in models:
        rows = found[model].set_index("channel").reindex(channels, fill_value=0.0)
        rows = rows.rename_axis("channel").reset_index().assign(model=model)
        whole = rows["conversions"].sum()
        rows["share"] = rows["conversions"] / whole if whole else np.nan
        rank = rows.assign(most=-rows["conversions"].round(6))  # ties are ties on every engine
        parts.append(rows.loc[rank.sort_values(["most", "channel"]).index])
    return pd.concat(parts, ignore_index=True)[TABLE]


def _by_rule(
    journeys: ibis.Table, rules: Sequence[str], settings: Settings
) -> dict[str, pd.DataFrame]:
    wide = sums.by_rule(
        journeys,
        rules=[*dict.fromkeys(["last", *rules])],  # the whole journey: its sum is exact
        direct=settings.direct,
        half_life_days=settings.half_life_days,
        repeat=settings.repeat,
    )
    totals_of = {m: float(wide[f"last_{m}"].sum()) for m in MEASURES}
    return {
        rule: wide[["channel"]].assign(
            **{m: markov.credit(wide[f"{rule}_{m}"], totals_of[m]) for m in MEASURES}
        )
        for rule in rules
    }


def _markov(journeys: ibis.Table, settings: Settings) -> tuple[pd.DataFrame, pd.DataFrame]:
    if settings.removal == markov.STRATEGIES[0]:
        counted = sums.steps(journeys, order=settings.order)
        channels = sorted(set(counted["target"]) - {sums.END})
        chain = sums.transitions(counted, channels, order=settings.order)
        effects = markov.removal_effects(chain, len(channels))
        ends = counted[counted["target"] == sums.END]
        whole = {m: float(ends[m].sum()) for m in MEASURES}
    else:
        found, channels = _sets(journeys)
        columns = (found[c].to_numpy(dtype=float) for c in ("conversions", "nulls", "value"))
        has = sums.membership(found, channels)
        effects = markov.refit_effects(has, *columns, strategy=settings.removal)
        whole = {m: float(found[m].sum()) for m in MEASURES}
    raw = {"conversions": effects.conversion, "value": effects.value}
    return _scaled("markov", channels, raw, whole)


def _scaled(
    model: str, channels: Sequence[str], raw: Mapping[str, Any], whole: Mapping[str, float]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    shared = {m: markov.credit(raw[m], whole[m]) for m in MEASURES}
    return (
        pd.DataFrame({"channel": list(channels), **shared}),
        pd.DataFrame(
            {
                "model": model,
                "channel": list(channels),
                "effect": raw["conversions"],
                "value_effect": raw["value"],
            }
        ),
    )


def _sets(journeys: ibis.Table) -> tuple[pd.DataFrame, list[str]]:
    found = sums.sets(journeys)
    return found, sorted({c for members in found["members"] for c in members.split(sums.GLUE)})


def _shapley(journeys: ibis.Table, settings: Settings) -> tuple[pd.DataFrame, pd.DataFrame]:
    found, channels = _sets(journeys)
    has = sums.membership(found, channels)
    gains = {m: found[m].to_numpy(dtype=float) for m in MEASURES}
    all_journeys = gains["conversions"] + found["nulls"].to_numpy(dtype=float)
    won = gains["conversions"]
    if settings.game == "rate":
        kinds = np.stack([gains[m] for m in MEASURES])
        shared = coalitions.rate_credit(has, kinds, won, all_journeys, seed=SEED)
        raw = dict(zip(MEASURES, shared, strict=True))
    else:
        raw = {
            m: coalitions.set_game(has, gains[m], all_journeys, game=settings.game)
            for m in MEASURES
        }
    return _scaled("shapley", channels, raw, {m: float(gains[m].sum()) for m in MEASURES})
