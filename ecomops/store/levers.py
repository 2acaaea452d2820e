"""What each piece of advice moves, so that two that contradict each other can be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecomops.result import Action

# advice that can carry money: analysis.action -> lever and direction; 0: up or down by its numbers
LEVERS: dict[str, tuple[str, int]] = {
    "channel.attribution.cut": ("spend", -1),
    "channel.attribution.move": ("spend", -1),
    "channel.attribution.price": ("spend", -1),
    "channel.guardrails.stop": ("spend", -1),
    "channel.reallocate.move": ("spend", 1),
    "customer.activation.remind": ("message", 1),
    "customer.targeting.send": ("message", 1),
    "customer.targeting.spare": ("message", -1),
    "customer.winback.contact": ("message", 1),
    "customer.winback.spare": ("message", -1),
    "product.inventory.order": ("stock", 1),
    "product.listing.mend": ("listing", 1),
    "product.price.change": ("price", 0),
    "product.stock.order": ("stock", 1),
}
# the other end of what is moved: where it comes from or goes to
ENDS = {"channel.attribution.move": "to", "channel.reallocate.move": "source"}
WITHIN = {"channel.guardrails.stop": "channel"}  # whose money it is a part of
PART = " > "  # between a whole and its part
PUSHES = ("promote", "price-", "spend+")  # what sells more of a product, and needs it in stock
WHOLE = ("", "store", "stock")  # subjects that mean the whole shop


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
    step = float(action.change["best"]) - float(action.change["price"])
    return name, (step > 0) - (step < 0)


def moves(analysis: str, action: Action) -> dict[tuple[str, str], int]:
    """Return (subject, lever) -> direction of everything an action moves.

    A part is named behind its whole, such as ``channel:A > campaign:1``.

    >>> from datetime import date
    >>> from ecomops.result import Action
    >>> change = {"source": "A", "to": "B"}
    >>> step = Action("move", (), change, "C", date(2025, 12, 1), None, "channel:B")
    >>> moves("channel.reallocate", step)
    {('channel:B', 'spend'): 1, ('channel:A', 'spend'): -1}
    """
    name, way = lever(analysis, action)
    own, change = f"{analysis}.{action.code}", action.change
    subject = "store" if action.subject in WHOLE else action.subject
    within, end = change.get(WITHIN.get(own, "")), change.get(ENDS.get(own, ""))
    if within and subject != f"{WITHIN[own]}:{within}":
        subject = f"{WITHIN[own]}:{within}{PART}{subject}"
    found = {(subject, name): way}
    if end:
        found[f"{subject.partition(':')[0]}:{end}", name] = -way
    return found


def overlap(one: str, other: str) -> bool:
    """Return whether two subjects of `moves` are the same, or one is a part of the other.

    >>> overlap("channel:A", "channel:A > campaign:1"), overlap("channel:A", "channel:AB")
    (True, False)
    """
    return one == other or one.startswith(other + PART) or other.startswith(one + PART)


def pushes(name: str, way: int) -> bool:
    """Return whether a lever sells more pieces of what it is pulled for.

    >>> pushes("price", -1), pushes("price", 1), pushes("stock", 1)
    (True, False, False)
    """
    return name in PUSHES or f"{name}{'+' if way > 0 else '-'}" in PUSHES


def can_earn(analysis: str) -> bool:
    """Return whether some advice of an analysis can carry money.

    >>> can_earn("product.price"), can_earn("customer.rfm")
    (True, False)
    """
    return any(own.rpartition(".")[0] == analysis for own in LEVERS)
