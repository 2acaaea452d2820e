"""The promotion engine against a scalar one in exact fractions, and by hand."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecomops.base.errors import OptionError
from ecomops.maths.arrays import ints
from ecomops.maths.promotion import Carts, Rule, carts, priced, refund

RULES = (
    Rule("item", "percent", rate=1_000),
    Rule("200-30", "threshold", steps=((20_000, 3_000), (50_000, 9_000)), group="shop"),
    Rule("every", "threshold", steps=((10_000, 1_200),), every=True, cap=4_800, group="shop"),
    Rule("platform", "threshold", "platform", steps=((30_000, 5_000),), every=True),
    Rule("coupon", "coupon", steps=((9_900, 1_000),)),
    Rule("bundle", "bundle", off=700),
    Rule("packet", "red_packet", "platform", off=555),
    Rule("points", "points", rate=500, off=1),
)


def random_carts(n: int, seed: int) -> Carts:
    random = np.random.default_rng(seed)
    cart = np.repeat(np.arange(n), random.integers(1, 6, n))
    lines = cart.size
    return Carts(
        cart,
        random.integers(1, 40_000, lines),
        random.integers(1, 4, lines),
        eligible={"item": random.random(lines) < 0.5},
        holds={
            "coupon": random.integers(0, 2, n),
            "packet": random.integers(0, 2, n),
            "points": random.integers(0, 3_000, n),
        },
        parts={"bundle": random.integers(-1, 2, lines)},
    )


def one_cart(basket: Carts, c: int) -> list[list[int]]:
    """Return the discounts of one cart, computed with Python's integers and fractions."""
    lines = np.flatnonzero(basket.cart == c)
    left = {i: int(basket.cents[i]) for i in lines}
    off = {rule.name: dict.fromkeys(lines, 0) for rule in RULES}

    def share(total: int, base: dict[int, int]) -> dict[int, int]:
        whole = sum(base.values())
        exact = {i: Fraction(total * v, whole) if whole else Fraction(0) for i, v in base.items()}
        given = {i: int(e) for i, e in exact.items()}
        rest = sorted(base, key=lambda i: (-(exact[i] - given[i]), i))
        for i in rest[: total - sum(given.values())]:
            given[i] += 1
        return given

    def cut(rule: Rule) -> dict[int, int]:
        base = {
            i: v if basket.eligible.get(rule.name, [True] * 10**6)[i] else 0
            for i, v in left.items()
        }
        if rule.kind == "percent":
            return {i: (v * rule.rate + 5_000) // 10_000 for i, v in base.items()}
        if rule.kind == "bundle":
            part = basket.parts["bundle"]
            sets = min(sum(int(basket.quantity[i]) for i in lines if part[i] == k) for k in (0, 1))
            base = {i: v if part[i] >= 0 else 0 for i, v in base.items()}
            return share(min(rule.off * sets, sum(base.values())), base)
        total = sum(base.values())
        held = int(basket.holds[rule.name][c]) if rule.name in basket.holds else 1
        if rule.kind == "points":
            wanted = min(held, total * rule.rate // 10_000)
        elif rule.kind == "red_packet":
            wanted = rule.off if held else 0
        elif rule.every:
            wanted = min(total // rule.steps[0][0] * rule.steps[0][1], rule.cap or 10**9)
        else:
            wanted = max((o for s, o in rule.steps if total >= s), default=0)
            wanted = wanted if rule.kind != "coupon" or held else 0
        return share(min(wanted, total), base)

    for names in (("item",), ("200-30", "every"), ("platform",), ("coupon",), ("bundle",), ("packet",), ("points",)):  # fmt: skip # noqa: E501
        cuts = {rule.name: cut(rule) for rule in RULES if rule.name in names}
        best = max(names, key=lambda name: (sum(cuts[name].values()), -names.index(name)))
        off[best] = cuts[best]
        left = {i: v - cuts[best][i] for i, v in left.items()}
    return [[off[rule.name][i] for i in lines] for rule in RULES]


def test_a_hundred_thousand_carts_are_exact():
    """Every cart's lines add up to its discounts to the cent, none is negative; 500 one by one."""
    basket = random_carts(100_000, seed=1)
    deal = priced(basket, RULES)
    assert deal.paid.min() >= 0
    assert deal.off.min() >= 0
    assert deal.paid.sum() + deal.off.sum() == basket.cents.sum()
    assert sum(deal.by_payer().values()) == deal.off.sum()
    assert np.array_equal(deal.by_cart().sum(), deal.paid.sum())
    for c in range(0, 100_000, 200):
        np.testing.assert_array_equal(deal.off[:, basket.cart == c], one_cart(basket, c))


def test_a_cart_by_hand():
    """200 + 150, 满 300 减 50: the 50.00 splits 28.57 + 21.43, rounding up the larger remainder."""
    rule = Rule("300-50", "threshold", "platform", steps=((30_000, 5_000),))
    deal = priced(carts([0, 0], [20_000, 15_000]), [rule])
    assert list(deal.off[0]) == [2_857, 2_143]
    assert deal.by_payer() == {"platform": 5_000}


def test_stacking_order_is_data():
    """10 % first leaves 288 below 300; the threshold first leaves 270 x 0.9."""
    ten = Rule("ten", "percent", rate=1_000)
    full = Rule("full", "threshold", steps=((30_000, 5_000),))
    basket = carts([0], [32_000])
    assert priced(basket, [ten, full]).by_cart()[0] == 28_800
    assert priced(basket, [full, ten]).by_cart()[0] == 24_300


def test_a_return_below_the_threshold_loses_the_discount_only_when_recomputed():
    deal = priced(
        carts([0, 0], [20_000, 15_000]), [Rule("r", "threshold", steps=((30_000, 5_000),))]
    )
    assert refund(deal, [0, 1])[0] == 12_857
    assert refund(deal, [0, 1], recompute=True)[0] == 10_000
    assert refund(deal, [1, 1])[0] == refund(deal, [1, 1], recompute=True)[0] == 30_000


def test_an_unknown_kind_is_named():
    with pytest.raises(OptionError, match="threshold"):
        Rule("x", "treshold")


@given(st.integers(0, 10_000))
def test_more_rules_never_cost_the_buyer_more_and_returns_never_more_than_paid(seed):
    basket = random_carts(20, seed)
    few, many = priced(basket, RULES[:3]), priced(basket, RULES)
    assert np.all(many.by_cart() <= few.by_cart())
    back = np.random.default_rng(seed).random(basket.cart.size) < 0.5
    for recompute in (False, True):
        paid_back = refund(many, back, recompute=recompute)
        assert np.all((paid_back >= 0) & (paid_back <= many.by_cart()))


def test_a_bundle_without_its_parts_takes_nothing_off():
    """Two parts are asked for, the first cart holds one of them, the second none."""
    rule = Rule("pair", "bundle", off=500)
    held = Carts(
        ints([0, 0, 1]), ints([900, 800, 700]), ints([1, 2, 1]), parts={"pair": ints([0, 1, -1])}
    )
    assert priced(held, [rule]).off.tolist() == [[265, 235, 0]]
    none = Carts(ints([0]), ints([900]), ints([1]), parts={"pair": ints([-1])})
    assert priced(none, [rule]).off.tolist() == [[0]]


def test_a_coupon_is_used_where_it_is_held_and_reaches():
    rule = Rule("c", "coupon", steps=((10_000, 1_000),))
    basket = Carts(
        ints([0, 1, 2]),
        ints([10_000, 10_000, 9_999]),
        ints([1, 1, 1]),
        holds={"c": ints([1, 0, 1])},
    )
    assert priced(basket, [rule]).off.tolist() == [[1_000, 0, 0]]


def test_again_and_again_up_to_the_cap():
    """每满 100 减 10, at most 25 off: 350 gives 30, capped at 25; 199 gives 10."""
    basket = carts([0, 1], [35_000, 19_900])
    rule = {"kind": "threshold", "steps": ((10_000, 1_000),), "every": True}
    assert priced(basket, [Rule("r", **rule)]).off.tolist() == [[3_000, 1_000]]
    assert priced(basket, [Rule("r", **rule, cap=2_500)]).off.tolist() == [[2_500, 1_000]]


def test_points_pay_up_to_a_share_and_up_to_what_is_held():
    rule = Rule("p", "points", rate=2_000, off=1)
    basket = Carts(
        ints([0, 1]), ints([10_000, 10_000]), ints([1, 1]), holds={"p": ints([500, 9_000])}
    )
    assert priced(basket, [rule]).off.tolist() == [[500, 2_000]]


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ({"kind": "threshold"}, "steps_missing"),
        ({"kind": "coupon"}, "steps_missing"),
        ({"kind": "percent", "rate": 10_001}, "out_of_range"),
        ({"kind": "percent", "rate": -1}, "out_of_range"),
        ({"kind": "red_packet", "off": -5}, "out_of_range"),
        ({"kind": "threshold", "steps": ((0, 100),), "every": True}, "out_of_range"),
        ({"kind": "threshold", "steps": ((100, -1),)}, "out_of_range"),
    ],
)
def test_rules_that_would_add_money_or_never_end_are_refused(rule, code):
    with pytest.raises(OptionError) as error:
        Rule("x", **rule)
    assert error.value.code == code


def test_no_carts_cost_nothing():
    deal = priced(carts([], []), [Rule("ten", "percent", rate=1_000)])
    assert (deal.paid.size, deal.by_cart().size, deal.by_payer()) == (0, 0, {"shop": 0})
