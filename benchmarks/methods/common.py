"""What a method makes of one world, and the world it is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ecomops.sim import preset as settings_of
from ecomops.sim import tables, world
from ecomops.sim.presets import sized

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

    from ecomops.sim import World

Estimate = tuple[str, float, float, float, float]
COLUMNS = ("target", "estimate", "truth", "low", "high")
NAN = float("nan")  # of what does not apply


@dataclass(frozen=True)
class Found:
    """What one method makes of one world; what does not apply is left out.

    `rows` are (target, estimate, truth, low, high); `emitted` counts actions with a value.
    `named` counts what is singled out as real and `false` those of them that are not; `alarms`
    are false ones a year. `gained` is the true net margin of following the advice, `best` that of
    who knows the truth.
    """

    rows: list[Estimate] = field(default_factory=list)
    emitted: int = 0
    named: int = 0
    false: int = 0
    alarms: float = NAN
    gained: float = NAN
    best: float = NAN


@lru_cache(maxsize=64)
def shop_of(preset: str, customers: int, seed: int) -> World:
    """Return the preset's world of a seed in another size; a world is made once."""
    return world(sized(settings_of(preset), customers), seed=seed)


@dataclass(frozen=True)
class Method:
    """How one analysis is held against planted truth: on which presets, of what size.

    `make` gives the world of a preset, size and seed, `run` what the analysis makes of it;
    `truths`, where other projects take part, what they are held against.
    """

    run: Callable[[Any], Found]
    presets: tuple[str, ...]
    customers: int = 2_000
    make: Callable[[str, int, int], Any] = shop_of
    truths: Callable[[World], Mapping[str, float]] | None = None


def emitted(result: Any) -> int:
    """Return how many actions a result emits."""
    return sum(action.emitted for action in result.actions())


def orders(made: World) -> Any:
    """Return the canonical orders of a world of one chunk, without its other tables."""
    return tables.orders(made.scenes[0])


def inside(rows: pd.DataFrame) -> pd.Series[bool]:
    """Return whether each interval holds its truth."""
    return (rows["low"] <= rows["truth"]) & (rows["truth"] <= rows["high"])


def bare(target: str, estimate: float, truth: float) -> Estimate:
    """Return an estimate that comes without an interval."""
    return target, float(estimate), float(truth), np.nan, np.nan
