"""Presets: named settings, each a small TOML file on top of another."""

from __future__ import annotations

import tomllib
from dataclasses import is_dataclass, replace
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

from ecomops.base import checks
from ecomops.base.errors import OptionError, suggestion
from ecomops.sim.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping


@cache
def names() -> tuple[str, ...]:
    """Return the names of all presets.

    >>> "tiny" in names()
    True
    """
    folder = resources.files("ecomops.sim") / "presets"
    found = (entry.name.removesuffix(".toml") for entry in folder.iterdir())
    return tuple(sorted(name for name in found if "." not in name and not name.startswith("_")))


def preset(name: str) -> Settings:
    """Return the settings called `name`.

    Raises `OptionError` with the nearest name for one that does not exist.

    >>> preset("tiny").store.currency
    'CNY'
    """
    if name not in names():  # all of them are named, not the first dozen
        near, known = suggestion(name, names()), ", ".join(names())
        code = "unknown_choice_near" if near else "unknown_choice"
        raise OptionError(code, name="preset", value=name, allowed=known, near=near)
    settings: Settings = build(Settings, _merged(name), name)
    return checked(settings)


def _merged(name: str) -> Mapping[str, Any]:
    file = resources.files("ecomops.sim") / "presets" / f"{name}.toml"
    own = tomllib.loads(file.read_text("utf-8"))
    base = own.pop("base", None)
    return _over(_merged(base), own) if base else own


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return `below` with the entries of `above`; tables merge, lists are replaced.

    A table over a list of tables changes them by name.
    """
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        if isinstance(value, dict) and isinstance(old, list):
            merged[key] = [_over(entry, value.get(entry["name"], {})) for entry in old]
        else:
            both = isinstance(value, dict) and isinstance(old, dict)
            merged[key] = _over(old, value) if both and old else value
    return merged


def build(kind: type[Any], values: Mapping[str, Any], where: str) -> Any:
    """Return a settings record filled with `values`; unknown names and wrong types are refused."""
    hints = get_type_hints(kind)
    for key in values:
        if key not in hints:
            near = suggestion(key, hints) or "—"
            raise OptionError("sim_setting", where=where, name=key, near=near, known=list(hints))
    return kind(**{k: _value(hints[k], v, f"{where}.{k}") for k, v in values.items()})


def _value(hint: Any, value: Any, where: str) -> Any:
    if is_dataclass(hint) and isinstance(hint, type):
        return build(hint, value, where)
    if get_origin(hint) is tuple:
        return tuple(_value(get_args(hint)[0], v, where) for v in value)
    wanted = (int, float) if hint is float else hint
    if not isinstance(value, wanted) or (isinstance(value, bool) and hint is not bool):
        raise OptionError("sim_type", where=where, value=value, kind=hint.__name__)
    return float(value) if hint is float else value


def checked(settings: Settings) -> Settings:
    """Return `settings` when they are possible; raise `OptionError` otherwise."""
    c = settings.customers
    for name in ("r", "alpha", "a", "b", "s", "beta", "p"):
        checks.between(f"customers.{name}", getattr(c, name), 1e-6, 1e9)
    checks.between("customers.q", c.q, 1.01, 1e6)
    checks.between("customers.count", c.count, 1, 10**9)
    checks.between("customers.correlation", c.correlation, -0.99, 0.99)
    checks.choice("customers.death", c.death, ("bgnbd", "pareto"))
    checks.between("orders.products", settings.orders.products, 20, 9_000)
    caused = sum(ch.caused for ch in settings.channels if ch.paid)
    checks.between("caused", caused + sum(p.arrivals for p in settings.promotions), 0.0, 0.95)
    checks.choice("orders.goods", settings.orders.goods, ("catalogue", "foods"))
    checks.choice("prices.design", settings.prices.design, ("none", *DESIGNS))
    return settings


DESIGNS = ("random", "markdown", "endogenous")


def sized(settings: Settings, customers: int) -> Settings:
    """Return the same shop with another number of customers ; panel, sessions and budgets grow.

    >>> sized(preset("tiny"), 1_000).customers.count
    1000
    """
    ratio = customers / settings.customers.count
    panel = replace(settings.panel, journeys=round(settings.panel.journeys * ratio))
    live = replace(settings.live, orders=settings.live.orders * ratio)
    people = replace(settings.customers, count=customers)
    channels = tuple(
        replace(c, budget=max(round(c.budget * ratio), 1) if c.budget else 0)
        for c in settings.channels
    )
    return replace(settings, customers=people, panel=panel, live=live, channels=channels)
