"""Promotions in integer cents: stacking as data, exact allocation to lines, who pays, returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ecomops.base.checks import between, choice
from ecomops.base.errors import OptionError
from ecomops.maths.arrays import Bools, Ints, ints

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

KINDS = ("percent", "threshold", "coupon", "red_packet", "points", "bundle")
BASIS = 10_000  # a rate in parts of ten thousand keeps money in integers


@dataclass(frozen=True)
class Rule:
    """One promotion; rules apply in the order in which they are given, each to what is left.

    Parameters
    ----------
    kind
        "percent": `rate` (parts of 10,000) off every eligible line. "threshold" (满减): `steps` of
        (from, off), or with `every` the first step again and again up to `cap`. "coupon": one step,
        where the cart holds it. "red_packet": `off` without a minimum, where held. "points": up to
        `rate` of the cart, `off` cents at most per cart held. "bundle": `off` per complete set.
    payer
        Who bears it: "shop", "platform", "brand" …
    group
        Of the rules that share a group, only the one that takes most off a cart applies.
    """

    name: str
    kind: str
    payer: str = "shop"
    rate: int = 0
    off: int = 0
    steps: tuple[tuple[int, int], ...] = ()
    every: bool = False
    cap: int | None = None
    group: str = ""

    def __post_init__(self) -> None:
        choice("kind", self.kind, KINDS)
        between("rate", self.rate, 0, BASIS)
        between("off", self.off, 0, np.inf)
        if self.kind in ("threshold", "coupon") and not self.steps:
            raise OptionError("steps_missing", name=self.name, kind=self.kind)
        for start, off in self.steps:
            between("steps from", start, 1 if self.every else 0, np.inf)
            between("steps off", off, 0, np.inf)


@dataclass(frozen=True)
class Carts:
    """Lines of carts: `cart` (0 … n - 1, rising), `cents` per line and `quantity`; shape (lines,).

    `eligible[name]` marks the lines a rule applies to (all by default), `holds[name]` the cents or
    1/0 per cart of a coupon, red packet or points balance (everybody by default), and
    `parts[name]` the part 0, 1, … of a bundle each line belongs to (-1: none).
    """

    cart: Ints
    cents: Ints
    quantity: Ints
    eligible: dict[str, Bools] = field(default_factory=dict)
    holds: dict[str, Ints] = field(default_factory=dict)
    parts: dict[str, Ints] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """The number of carts."""
        return int(self.cart[-1]) + 1 if self.cart.size else 0


@dataclass(frozen=True)
class Priced:
    """What each rule takes off each line, in cents: `off` has shape (rules, lines)."""

    rules: tuple[Rule, ...]
    carts: Carts
    off: Ints

    @property
    def paid(self) -> Ints:
        """What the buyer pays per line."""
        return ints(self.carts.cents - self.off.sum(axis=0))

    def by_payer(self) -> dict[str, int]:
        """Return the cents each payer bears."""
        total: dict[str, int] = {}
        for rule, off in zip(self.rules, self.off, strict=True):
            total[rule.payer] = total.get(rule.payer, 0) + int(off.sum())
        return total

    def by_cart(self) -> Ints:
        """Return what the buyer pays per cart."""
        return _sums(self.paid, self.carts)


def carts(cart: ArrayLike, cents: ArrayLike, quantity: ArrayLike | None = None) -> Carts:
    """Return carts from line arrays of shape (lines,); `cart` numbers them from 0, rising.

    >>> carts([0, 0, 1], [100, 50, 70]).count
    2
    """
    amount = ints(cents)
    pieces = np.ones_like(amount) if quantity is None else ints(quantity)
    return Carts(ints(cart), amount, pieces)


def priced(basket: Carts, rules: Sequence[Rule]) -> Priced:
    """Return the carts priced under `rules`, every discount allocated to lines to the cent.

    A cart's discount is shared over its eligible lines in proportion to what is left of them, cents
    that remain going to the largest remainders (ties: the first line), so that lines add up to the
    cart exactly and no line turns negative.

    >>> rules = [Rule("300-50", "threshold", steps=((30000, 5000),))]
    >>> print(priced(carts([0, 0, 1], [20000, 15000, 20000]), rules).off)
    [[2857 2143    0]]
    """
    left = basket.cents.copy()
    off = np.zeros((len(rules), left.size), dtype=np.int64)
    for members in _groups(rules):
        cuts = {i: _cut(rules[i], basket, left) for i in members}
        totals = np.stack([_sums(cuts[i], basket) for i in members])
        best = np.argmax(totals, axis=0)
        for place, i in enumerate(members):
            off[i] = np.where(best[basket.cart] == place, cuts[i], 0)
            left -= off[i]
    return Priced(tuple(rules), basket, off)


def _groups(rules: Sequence[Rule]) -> list[list[int]]:
    groups: dict[str, list[int]] = {}
    for i, rule in enumerate(rules):
        groups.setdefault(rule.group or f"#{i}", []).append(i)
    return list(groups.values())


def _sums(values: Ints, basket: Carts) -> Ints:
    out = np.zeros(basket.count, dtype=np.int64)
    np.add.at(out, basket.cart, values)
    return out


def _cut(rule: Rule, basket: Carts, left: Ints) -> Ints:
    """Return the cents a rule takes off each line, given what is left of the lines."""
    base = left if rule.name not in basket.eligible else left * basket.eligible[rule.name]
    if rule.kind == "percent":
        return ints((base * rule.rate + BASIS // 2) // BASIS)
    cart = _sums(base, basket)
    if rule.kind == "bundle":
        wanted = rule.off * _sets(basket, rule.name)
        base = base * (basket.parts[rule.name] >= 0)
        cart = _sums(base, basket)
    else:
        wanted = _wanted(rule, cart, basket)
    return allocated(np.minimum(wanted, cart), base, basket)


def _wanted(rule: Rule, cart: Ints, basket: Carts) -> Ints:
    held = basket.holds.get(rule.name, np.ones(basket.count, dtype=np.int64))
    if rule.kind == "red_packet":
        return ints(np.minimum(rule.off, cart) * (held > 0))
    if rule.kind == "points":
        return ints(np.minimum(held * rule.off, cart * rule.rate // BASIS))
    if rule.every:
        start, off = rule.steps[0]
        gross = cart // start * off
        cut = gross if rule.cap is None else np.minimum(gross, rule.cap)
    else:
        offs = [np.where(cart >= start, off, 0) for start, off in rule.steps]
        cut = np.maximum.reduce(offs)
    return ints(cut * (held > 0)) if rule.kind == "coupon" else ints(cut)


def _sets(basket: Carts, name: str) -> Ints:
    part = basket.parts[name]
    kinds = range(int(part.max(initial=-1)) + 1)
    pieces = [_sums(basket.quantity * (part == k), basket) for k in kinds]
    return ints(np.minimum.reduce(pieces)) if pieces else np.zeros(basket.count, dtype=np.int64)


def allocated(total: Ints, base: Ints, basket: Carts) -> Ints:
    """Return cart totals shared over lines in proportion to `base`, exact by largest remainder.

    `total` has shape (carts,), `base` (lines,), both in cents and total <= the cart's base.

    >>> print(allocated(ints([100]), ints([1, 1, 1]), carts([0, 0, 0], [1, 1, 1])))
    [34 33 33]
    """
    whole = _sums(base, basket)[basket.cart]
    scaled = total[basket.cart] * base
    share = scaled // np.maximum(whole, 1)
    rest = scaled - share * whole
    missing = total - _sums(share, basket)
    order = np.lexsort((np.arange(base.size), -rest, basket.cart))
    first = np.searchsorted(basket.cart, np.arange(basket.count))
    place = np.empty_like(order)
    place[order] = np.arange(order.size) - first[basket.cart[order]]
    return ints(share + (place < missing[basket.cart]))


def refund(result: Priced, returned: ArrayLike, *, recompute: bool = False) -> Ints:
    """Return the cents paid back per cart when the marked lines come back.

    `returned` has shape (lines,). By default a returned line pays back what was paid for it. With
    `recompute`, the kept lines are priced again, so that a cart which falls below a threshold
    loses its discount; the refund is never negative.

    >>> deal = priced(
    ...     carts([0, 0], [20000, 15000]), [Rule("r", "threshold", steps=((30000, 5000),))]
    ... )
    >>> int(refund(deal, [0, 1])[0]), int(refund(deal, [0, 1], recompute=True)[0])
    (12857, 10000)
    """
    back = np.asarray(returned, dtype=bool)
    if not recompute:
        return _sums(result.paid * back, result.carts)
    old = result.carts
    kept = Carts(
        old.cart, old.cents * ~back, old.quantity * ~back, old.eligible, old.holds, old.parts
    )
    return ints(np.maximum(result.by_cart() - priced(kept, result.rules).by_cart(), 0))
