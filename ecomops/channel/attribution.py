"""Who gets the credit for orders, by eight models, beside what a holdout measured."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import ibis
import numpy as np
import pandas as pd

from ecomops.base import checks
from ecomops.base.errors import DataError, OptionError
from ecomops.channel import dots, journeys, reading
from ecomops.channel.credits import MODELS
from ecomops.channel.holdout import INCREMENTAL, incremental
from ecomops.channel.models import EFFECTS, GAMES, Settings, credit, totals
from ecomops.data.policy import ends
from ecomops.data.tables import held, number, opened, table
from ecomops.maths.markov import STRATEGIES
from ecomops.result import Action, Basis, Finding, Need, Result, style
from ecomops.result.model import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from matplotlib.axes import Axes

    from ecomops.result.words import Words

# what Google calls direct, and what Taobao lists under 自主访问
DIRECT = ("direct", "(direct)", "(none)", "自主访问", "直接访问", "我的淘宝", "购物车", "宝贝收藏")
HIGHEST_ORDER = 5


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Attribution(Result):
    """Credit by model and channel.

    `.incremental` holds what a holdout measured, with 90 % intervals (no rows without one);
    `.effects` the removal effects of markov and the values of shapley before they are scaled.
    """

    code: ClassVar[str] = "channel.attribution"
    columns: ClassVar[dict[str, str]] = {
        "model": "label",
        "channel": "text",
        "conversions": "number.1",
        "value": "money",
        "share": "percent",
    }

    incremental: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=list(INCREMENTAL))
    )
    effects: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=EFFECTS))
    facts: Mapping[str, float] = field(default_factory=dict)

    @property
    def evidence(self) -> str:  # type: ignore[override]
        """The grade of the answer: a holdout is randomised, credit alone describes."""
        return "A" if len(self.incremental) else "descriptive"

    def findings(self) -> tuple[Finding, ...]:
        """Say what was measured, how far the models disagree, and what limits the credit."""
        return reading.findings(self.rows, self.incremental, self.facts, self.basis.n)

    def propose(self) -> tuple[Action, ...]:
        """Propose to move money away from a channel that measurably brings nothing."""
        return reading.actions(self.rows, self.incremental, self.facts, self.basis.end)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON types, with the measured increments and the raw effects."""
        extra = {name: getattr(self, name) for name in ("incremental", "effects")}
        return super().to_dict() | {
            name: [plain(row) for row in rows.to_dict("records")] for name, rows in extra.items()
        }

    def layout(self, *, wide: bool) -> style.Layout:
        """Return height and margins in pixels."""
        models = self.rows["model"].nunique()
        return dots.layout(self.rows["channel"].nunique(), min(models, 4), wide=wide)

    def draw(self, ax: Axes, *, wide: bool, words: Words) -> None:
        """Draw each model's credit as open dots and, below, what a holdout measured."""
        credits_by = self.rows.pivot_table(
            index="channel", columns="model", values="conversions", sort=False
        )
        order = list(reading.spread(self.rows)["channel"])
        dots.draw(ax, credits_by.loc[order], self.incremental, wide=wide, words=words)


def attribution(
    touchpoints: object,
    *,
    models: Sequence[str] = MODELS,
    lookback_days: int = 30,
    half_life_days: float = 7,
    order: int = 1,
    nulls: str = "include",
    by: str = "channel",
    basis: str = "click",
    removal: str = "redirect_to_null",
    game: str = "rate",
    repeat: str = "touch",
    direct: Sequence[str] = DIRECT,
    start: date | str | None = None,
    end: date | str | None = None,
    margin: float | None = None,
    currency: str = "CNY",
    lang: str | None = None,
) -> Attribution:
    """Share orders out among channels by eight models, beside what a holdout measured.

    Parameters
    ----------
    touchpoints
        Events, one row each: ``event_time, visitor_id, channel``, ``event_name`` ("purchase" is a
        conversion), optionally ``order_id, session_id, value`` (money of the order), ``cost`` (of
        the touch) and ``is_holdout`` (true where the channel would have been met and its random
        holdout kept it away). Or a path table: ``path`` (channels joined by " > "),
        ``conversions`` and optionally ``nulls`` (journeys without conversion) and ``value``.
    models
        Any of first, last, last_non_direct, linear, position (40/20/40), time_decay, markov,
        shapley.
    lookback_days
        How far an order looks back over its visitor's touches.
    half_life_days
        Age at which a touch counts half in time_decay.
    order
        How many last touches markov looks at.
    nulls
        "include" journeys without conversion in markov and shapley, or "exclude" them.
    by
        Column that names the channel, such as ``"campaign_id"``.
    basis
        Whether the period from `start` to `end` holds touches ("click", orders follow later) or
        orders ("order", touches came before).
    removal
        What happens to visitors of a removed channel in markov: "redirect_to_null" (the chain
        goes on without them), "fail" (their journeys fail), "detour" (they go on without it).
    game
        Of shapley: "rate" (each converting journey is shared by the conversion rates of its
        parts), "set_rate", "set_conversions" or "subset_sum" (see `maths.coalitions`).
    repeat
        Whether linear counts each "touch" or each "unique" channel.
    direct
        Channels, in any case, that last_non_direct passes over.
    start, end
        First and last day of the period; all of the data by default.
    margin
        Net margin per unit of value, 0 to 1; needed to give an action a value.
    currency
        Of value and cost.
    lang
        Language of the words.

    Returns
    -------
    Attribution
        `.table`: one row per model and channel: ``model, channel, conversions, value, share``.
        Conversions of a model add up to those with a touch, value to their value (missing when
        there is none).

    Raises
    ------
    DataError
        When columns are missing or no journey has a touch.
    OptionError
        When an option is unknown or out of range, or asks a path table for days or another
        column than its channels.

    Notes
    -----
    Markov: Anderl et al. 2016, solved exactly. Shapley: Zhao et al. 2018 for "subset_sum". Credit
    is bookkeeping: it adds up to all orders, those that would have come anyway included (Gordon et
    al. 2023).

    Examples
    --------
    >>> paths = pd.DataFrame(
    ...     {"path": ["a > b > c", "a", "b > c"], "conversions": [1, 0, 0], "nulls": [0, 1, 1]}
    ... )
    >>> print(attribution(paths, models=["markov"]).table[["channel", "conversions"]])
      channel  conversions
    0       b          0.4
    1       c          0.4
    2       a          0.2
    """
    if touchpoints is None:
        need = Need("table", {"table": "touchpoints"})
        return Attribution.lock((need,), lang=lang)
    settings = Settings(
        models=_models(models),
        half_life_days=checks.between("half_life_days", half_life_days, 1e-6, 1e6),
        order=checks.whole("order", order, 1, HIGHEST_ORDER),
        removal=checks.choice("removal", removal, STRATEGIES),
        game=checks.choice("game", game, GAMES),
        repeat=checks.choice("repeat", repeat, ("touch", "unique")),
        direct=checks.names("direct", direct),
    )
    checks.choice("nulls", nulls, ("include", "exclude"))
    checks.choice("basis", basis, ("click", "order"))
    checks.between("margin", margin or 0, 0, 1)
    checks.between("lookback_days", lookback_days, 1, 3650)
    days = checks.span(start, end)
    source = opened(touchpoints)
    if "path" in source.columns:
        found = _of_paths(source, {"by": by != "channel", "start": start, "end": end})
    else:
        found = _of_events(source, by, lookback_days, basis, *days)
    known = {"margin": margin or 0.0, "nulls": nulls}
    params = {"lookback_days": lookback_days, "order": order, "basis": basis, "by": by} | known
    if not found.timed:
        settings = replace(settings, models=tuple(m for m in settings.models if m != "time_decay"))
    return _result(found, settings, params, currency, checks.language(lang))


def _models(models: Sequence[str]) -> tuple[str, ...]:
    asked = tuple(
        checks.choice("models", model, MODELS) for model in checks.names("models", models)
    )
    if not asked or len(set(asked)) < len(asked):
        raise OptionError("models_once", models=list(asked), allowed=list(MODELS))
    return asked


@dataclass(frozen=True, eq=False, kw_only=True)
class _Found:
    """Journeys with what is known about them, and the table of paths they came from."""

    journeys: ibis.Table
    paths: ibis.Table | None = None
    timed: bool
    untouched: float = 0
    start: date | None = None
    end: date | None = None
    incremental: pd.DataFrame | None = None


def _of_paths(paths: ibis.Table, asked: Mapping[str, object]) -> _Found:
    if beyond := [name for name, value in asked.items() if value]:
        raise OptionError("paths_without", names=beyond)
    checks.columns("paths", paths.columns, ("path", "conversions"))
    paths = journeys.with_numbers(paths)
    return _Found(journeys=journeys.from_paths(paths), paths=paths, timed=False)


def _of_events(
    source: ibis.Table,
    by: str,
    lookback_days: int,
    basis: str,
    start: date | None,
    end: date | None,
) -> _Found:
    events = table(source, "touchpoints")
    checks.columns("touchpoints", events.columns, (by,))
    span = ends(events, "event_time", "touchpoints")
    if not span:
        raise DataError("empty_table", table="touchpoints")
    seen, sold = held(journeys.touches(events, by=by)), held(journeys.conversions(events))
    days: Any = {"lookback_days": lookback_days, "start": start, "end": end}
    built = journeys.from_events(events, seen, sold, basis=basis, **days)
    alone = journeys.untouched(seen, sold, **days)
    known = "is_holdout" in events.columns
    return _Found(
        journeys=held(built),
        timed=True,
        untouched=float(number(alone.conversions.sum())),
        start=start or span[0],
        end=end or span[1],
        incremental=incremental(events, by=by, start=start, end=end) if known else None,
    )


def _result(
    found: _Found, settings: Settings, params: Mapping[str, Any], currency: str, lang: str
) -> Attribution:
    sums = totals(found.journeys)
    if not sums["conversions"]:
        need = Need("rows", {"needed": 1, "unit": "orders", "found": 0})
        return Attribution.lock((need,), lang=lang, **params)
    rows, effects = credit(_counted(found.journeys, params["nulls"]), settings)
    if found.paths is not None and not journeys.is_tidy(rows["channel"]):
        careful = journeys.from_paths(found.paths, careful=True)
        return _result(
            replace(found, journeys=careful, paths=None), settings, params, currency, lang
        )
    if not sums["value"]:
        rows["value"] = np.nan
    facts = _facts(found, sums, params)
    basis = Basis(
        n=int(sums["conversions"] + facts["nulls"]),
        unit="paths",
        start=found.start,
        end=found.end,
        currency=currency,
        excluded={"untouched": int(facts["untouched"])},
    )
    none = pd.DataFrame(columns=list(INCREMENTAL))
    return Attribution(
        rows=rows,
        basis=basis,
        params={**params, "models": settings.models},
        lang=lang,
        effects=effects,
        facts=facts,
        incremental=none if found.incremental is None else found.incremental,
    )


def _counted(found: ibis.Table, nulls: str) -> ibis.Table:
    touched = found.filter(found.touched)
    if nulls == "include":
        return touched
    return touched.filter(touched.conversions > 0).mutate(nulls=ibis.literal(0.0))


def _facts(
    found: _Found, sums: Mapping[str, float], params: Mapping[str, Any]
) -> Mapping[str, float]:
    days = (found.end - found.start).days + 1 if found.start and found.end else 0
    return {
        "conversions": sums["conversions"],
        "value": sums["value"],
        "valued": sums["valued"],
        "nulls": sums["nulls"] if params["nulls"] == "include" else 0.0,
        "open": sums["open"] if params["nulls"] == "include" else 0.0,
        "untouched": found.untouched if found.timed else sums["untouched"],
        "timed": float(found.timed),
        "margin": params["margin"],
        "days": float(days),
    }
