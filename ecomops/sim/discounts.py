"""Discount rules as data: percent, 满减, coupon, bundle; who pays; what stacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ecomops.sim.plan import Plan
    from ecomops.sim.settings import Rule
    from ecomops.sim.streams import Bools, Floats, Ints

FULL = 1000


@dataclass(frozen=True)
class Off:
    """Discounts per order in cents, by who pays them."""

    shop: Ints
    platform: Ints
    points: Ints

    @property
    def total(self) -> Ints:
        """The whole discount."""
        return self.shop + self.platform + self.points


def apply(plan: Plan, listed: Ints, pieces: Ints, promo: Ints, thrift: Floats) -> Off:
    """Return what the rules of the day take off each order.

    A promotion's rules replace the ordinary ones. Rules apply in their order, each to what is
    left; of one group only the first that gives anything counts.
    """
    paid: dict[str, Ints] = {who: np.zeros_like(listed) for who in ("shop", "platform", "points")}
    small = promo.astype(np.int16)
    for number, rules in rule_sets(plan):
        chosen = np.flatnonzero(small == number)
        if len(chosen) and rules:
            left = listed.take(chosen)
            given = amounts(rules, left, pieces.take(chosen), thrift.take(chosen))
            for rule, amount in zip(rules, given, strict=True):
                paid[rule.payer][chosen] += amount
    return Off(paid["shop"], paid["platform"], paid["points"])


def rule_sets(plan: Plan) -> list[tuple[int, tuple[Rule, ...]]]:
    """Return the rules of ordinary days (-1) and of each promotion."""
    promos = [(i, p.rules) for i, p in enumerate(plan.settings.promotions)]
    return [(-1, plan.settings.orders.rules), *promos]


def amounts(rules: tuple[Rule, ...], listed: Ints, pieces: Ints, thrift: Floats) -> list[Ints]:
    """Return by rule what it takes off each order."""
    left = listed
    used: dict[str, Bools] = {}
    taken = []
    for rule in rules:
        amount = one(rule, left, pieces) * (thrift < rule.share)
        if rule.group:
            before = used.get(rule.group, np.zeros(len(left), dtype=bool))
            amount = np.where(before, 0, amount)
            used[rule.group] = before | (amount > 0)
        left = left - amount
        taken.append(amount)
    return taken


def one(rule: Rule, left: Ints, pieces: Ints) -> Ints:
    """Return what one rule takes off `left` cents, never more than there is.

    >>> from ecomops.sim.settings import Rule
    >>> one(
    ...     Rule("full", least=30_000, off=5_000, most=2), np.array([65_000]), np.array([1])
    ... ).tolist()
    [10000]
    """
    if rule.kind in ("percent", "bundle"):
        amount = left * rule.rate // FULL * ((pieces >= rule.pieces) & (left >= rule.least))
    else:
        times = left // max(rule.least, 1) if rule.least else np.ones_like(left)
        amount = np.minimum(times, rule.most if rule.kind == "full" else 1) * rule.off
    return np.minimum(amount, left)
