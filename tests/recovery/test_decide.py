"""The decision list where nothing has any effect: every recommendation is a false positive."""

from __future__ import annotations

from functools import cache

import pytest

import ecomops as eo
from benchmarks.methods import silence
from benchmarks.methods.common import shop_of

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("silence")]
REPS, CUSTOMERS = 20, 2_000
VALUED = (
    "product.inventory",
    "product.stock",
    "product.price",
    "channel.reallocate",
    "channel.guardrails",
    "customer.activation",
    "customer.winback",
)


@cache
def results(seed):
    """Return every analysis of what has no effect here and could be given a value."""
    shop = shop_of("no_effect", CUSTOMERS, seed).shop
    touched = shop.get("touchpoints")
    priced = eo.channel.attribution(touched, margin=shop.margin, currency=shop.currency)
    return (priced, *(silence.result(name, CUSTOMERS, seed) for name in VALUED))


SEEDS = range(1, REPS + 1)


def test_nothing_is_decided_where_nothing_has_an_effect():
    """Truth: nothing that is sold, sent or priced has an effect: 95 % of shops are left in peace.

    Attribution stands apart: its channels bring nothing either but do cost money.
    """
    kept = {seed: list(eo.store.decide(results(seed)[1:]).kept["action"]) for seed in SEEDS}
    spoke = {seed: actions for seed, actions in kept.items() if actions}
    assert len(spoke) <= 0.05 * REPS, spoke


def test_all_that_may_be_said_is_to_save_what_brings_nothing():
    """Truth: paid channels have no effect, so that a cut saves its whole amount, and no more."""
    cuts = [
        proposal.action for seed in SEEDS for proposal in eo.store.decide(results(seed)[:1]).chosen
    ]
    assert {action.code for action in cuts} <= {"cut"}
    assert [a for a in cuts if not a.value.low <= a.change["amount"] * 1.0001] == []


def test_there_was_something_to_hold_back():
    """The silence is a decision: values were weighed in most of these shops."""
    weighed = [eo.store.decide(results(seed)).rows["mid"].notna().any() for seed in SEEDS]
    assert sum(weighed) >= 0.9 * REPS
