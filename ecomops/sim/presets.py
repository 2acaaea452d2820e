"""Presets: named settings, each a small TOML file on top of another."""

from __future__ import annotations

from dataclasses import is_dataclass, replace
from functools import cache
from importlib import resources
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

from ecomops.base import checks
from ecomops.base.errors import OptionError, suggestion
from ecomops.base.packaged import packaged
from ecomops.sim.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


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


@cache
def facts(name: str, folder: str = "data") -> Any:
    """Return what a file of the simulator says; nobody may change it.

    >>> facts("limits")["Returns"]["batch"]
    [0, 1]
    """
    return packaged(f"sim/{folder}/{name}.toml")


def _merged(name: str) -> Mapping[str, Any]:
    own = dict(facts(name, "presets"))
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
    """Return a settings record filled with `values`; those that are not possible are refused.

    What is possible stands in ``data/limits.toml``: lowest and highest number, or the words.
    """
    hints, known = get_type_hints(kind), facts("limits").get(kind.__name__, {})
    for key in values:
        if key not in hints:
            near = suggestion(key, hints) or "—"
            raise OptionError("sim_setting", where=where, name=key, near=near, known=list(hints))
    path = f"{where}." if where else ""
    return kind(**{k: possible(hints[k], v, f"{path}{k}", known.get(k)) for k, v in values.items()})


def possible(hint: Any, value: Any, where: str, limit: Sequence[Any] | None = None) -> Any:
    """Return `value` when it is of the type `hint` and within `limit`; raise `OptionError` if not.

    >>> possible(int, 3, "workers", (1, 256))
    3
    """
    if is_dataclass(hint) and isinstance(hint, type) and isinstance(value, (hint, dict)):
        return build(hint, value if isinstance(value, dict) else vars(value), where)
    if get_origin(hint) is tuple and isinstance(value, list | tuple):
        return tuple(possible(get_args(hint)[0], v, where, limit) for v in value)
    wanted = {float: Real, int: Integral}.get(hint, get_origin(hint) or hint)
    if not isinstance(value, wanted) or (isinstance(value, bool) and hint is not bool):
        raise OptionError("sim_type", where=where, value=value, kind=hint.__name__)
    if limit:
        checks.choice(where, value, limit) if hint is str else checks.between(where, value, *limit)
    return float(value) if hint is float else value


def checked(settings: Settings) -> Settings:
    """Return `settings` when they are possible; raise `OptionError` otherwise."""
    s = possible(Settings, settings, "")
    keys = [part.key for part in (*s.channels, *s.promotions, *s.experiments, *s.incidents)]
    if twice := [key for key in dict.fromkeys(keys) if keys.count(key) > 1]:
        raise OptionError("sim_twice", keys=twice)
    for name, value, low, high in _together(s):
        checks.between(name, value, low, high)
    if s.regions.longing:
        checks.choice("orders.goods", s.orders.goods, ("foods",))
    return settings


def _together(s: Settings) -> list[tuple[str, float, float, float]]:
    """Return (name, value, lowest, highest) of what several settings say together."""
    days = abs((s.store.end - s.store.start).days) + 1
    paid = [c for c in s.channels if c.paid]
    count, each = s.customers.count, max(len(s.promotions), days // (s.crm.every or days), 1)
    caused = sum(c.caused for c in paid) + sum(p.arrivals for p in s.promotions)
    return [
        ("caused", caused, 0.0, 0.95),
        ("channels", len(s.channels), 1, 100),
        ("channels.mix", sum(c.mix for c in s.channels), 1e-6, 100),
        ("channels.again", sum(c.again for c in s.channels), 1e-6, 100),
        ("channels.effect", sum(c.effect for c in s.channels), 0, 1),
        *((f"{c.key}.touch_cost", c.touch_cost, 0.01, 1e6) for c in paid if c.budget),
        *((f"{p.key}.last", p.last, p.first, 366) for p in s.promotions),
        ("prices.factors", len(s.prices.factors), 1, 100),
        ("live.hosts", len(s.live.hosts), 1, 5),
        ("stock.products", s.stock.products, 0, s.orders.products),
        ("stock.spells", s.stock.spells * bool(s.stock.products), 0, days // (s.stock.days + 2)),
        ("crm.persuadable + crm.annoyed", s.crm.persuadable + s.crm.annoyed, 0, 1),
        ("chunk", min(s.chunk, count), -(-count // 14_000), (1 << 22) // each),  # see `keys`
    ]


def sized(settings: Settings, customers: int) -> Settings:
    """Return the same shop with another number of customers; panel, sessions and budgets grow.

    >>> sized(preset("tiny"), 1_000).customers.count
    1000
    """
    ratio = possible(int, customers, "customers", (1, 10**9)) / settings.customers.count
    panel = replace(settings.panel, journeys=round(settings.panel.journeys * ratio))
    live = replace(settings.live, orders=settings.live.orders * ratio)
    people = replace(settings.customers, count=customers)
    channels = tuple(
        replace(c, budget=max(round(c.budget * ratio), 1) if c.budget else 0)
        for c in settings.channels
    )
    return replace(settings, customers=people, panel=panel, live=live, channels=channels)


def chosen(name: str | Settings, customers: int | None = None) -> Settings:
    """Return the settings of a preset or one's own, checked, in another size when one is given."""
    settings = preset(name) if isinstance(name, str) else checked(name)
    return settings if customers is None else checked(sized(settings, customers))
