"""What each piece of advice moves, so that two that contradict each other can be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecomops.result import Action

# analysis.action -> lever and direction; 0: read off the numbers of its sentences
LEVERS: dict[str, tuple[str, int]] = {
    "channel.attribution.cut": ("spend", -1),
    "channel.attribution.move": ("spend", -1),
    "channel.attribution.price": ("spend", -1),
    "customer.targeting.send": ("message", 1),
    "customer.targeting.spare": ("message", -1),
    "product.inventory.order": ("stock", 1),
    "product.price.change": ("price", 0),
}
BOUNDS = (("price", "best"), ("from", "to"), ("now", "to"), ("now", "best"), ("spend", "planned"))
PUSHES = ("promote", "price-", "spend+")  # what sells more of a product, and needs it in stock


def lever(analysis: str, action: Action) -> tuple[str, int]:
    """Return what an action moves and which way (1 up, -1 down, 0 neither).

    Advice that is not listed moves a lever of its own, so that it contradicts nothing.

    >>> from datetime import date
    >>> from ecomops.result import Action
    >>> cut = Action("change", (), {"price": 20.0, "best": 18.0}, "C", date(2025, 12, 1))
    >>> lever("product.price", cut)
    ('price', -1)
    """
    own = f"{analysis}.{action.code}"
    name, way = LEVERS.get(own, (own, 1))
    if way:
        return name, way
    for now, then in BOUNDS:
        if now in action.change and then in action.change:
            step = float(action.change[then]) - float(action.change[now])
            return name, (step > 0) - (step < 0)
    return name, 0


def pushes(name: str, way: int) -> bool:
    """Return whether a lever sells more pieces of what it is pulled for.

    >>> pushes("price", -1), pushes("price", 1), pushes("stock", 1)
    (True, False, False)
    """
    return name in PUSHES or f"{name}{'+' if way > 0 else '-'}" in PUSHES
