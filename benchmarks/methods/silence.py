"""Every public analysis in a shop in which nothing has an effect: any action is a false one."""

from __future__ import annotations

import importlib
import inspect
from functools import cache
from typing import TYPE_CHECKING, Any

import pandas as pd

from benchmarks.methods.common import Found, Method, emitted, shop_of
from benchmarks.methods.customers import FEATURES, send

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from ecomops.sim import World

PEOPLE = 4_000
ELEMENTS = ("store", "product", "channel", "customer", "campaign")


def analyses() -> list[str]:
    """Return every public analysis as "element.name", read off the elements themselves."""
    return [
        f"{element}.{name}"
        for element in ELEMENTS
        for name in importlib.import_module(f"ecomops.{element}").__all__
        if name.islower()
    ]


def entry(analysis: str) -> Callable[..., Any]:
    """Return the function that people call."""
    element, name = analysis.split(".")
    found: Callable[..., Any] = getattr(importlib.import_module(f"ecomops.{element}"), name)
    return found


@cache
def result(analysis: str, customers: int, seed: int) -> Any:
    """Return an analysis of a world without effects, with what it asks for and nothing else."""
    made = shop_of("no_effect", customers, seed)
    if analysis in SPECIAL:
        return SPECIAL[analysis](made, seed)
    asked = next(iter(inspect.signature(entry(analysis)).parameters))
    return entry(analysis)(made.shop if asked in ("shop", "source") else made.shop.get(asked))


def speaks(analysis: str) -> bool:
    """Return whether an analysis can give an action a value, without which none is emitted."""
    module = inspect.getmodule(entry(analysis))
    return any(hasattr(each, "Value") for each in (module, *_neighbours(module)))


def _neighbours(module: Any) -> Iterator[ModuleType]:
    """Return the modules of the same element whose functions or classes a module uses."""
    element = module.__name__.rpartition(".")[0]
    for thing in vars(module).values():
        other = thing if inspect.ismodule(thing) else inspect.getmodule(thing)
        if other and other.__name__.startswith(f"{element}."):
            yield other


def _decide(made: World, seed: int) -> Any:
    customers = made.plan.settings.customers.count
    loud = [name for name in analyses() if name not in SPECIAL and speaks(name)]
    return entry("store.decide")([result(name, customers, seed) for name in loud])


def _targeting(made: World, seed: int) -> Any:
    del made
    rows = send("no_effect", PEOPLE, seed)[["customer_id", "treated", "outcome", *FEATURES]]
    return entry("customer.targeting")(rows, features=FEATURES)


SPECIAL: dict[str, Callable[[World, int], Any]] = {
    "store.decide": _decide,
    "store.review": lambda _made, _seed: entry("store.review")(pd.DataFrame()),
    "store.target": lambda made, _: entry("store.target")(made.shop, target=1e5),
    "customer.targeting": _targeting,
}


def silence(made: World) -> Found:
    """Actions that any analysis emits where nothing has an effect; truth: none is right."""
    settings, seed = made.plan.settings, made.plan.seed
    count = settings.customers.count
    names = [name for name in analyses() if name != "store.decide"]
    total = sum(emitted(result(name, count, seed)) for name in names)
    return Found(emitted=total, named=total, false=total)


METHODS = {"silence": Method(silence, ("no_effect",), 1_000)}
