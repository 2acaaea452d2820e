"""Sizes of tests against the published formulas: `oracles/ab/sample_size.json`, run in R as well.

`visitors_needed` is the formula with each group's own variance, to the last person. Lehr's rule of
16 is rounder by design: it rests on the base rate alone and stays within a sixth of R's answer.
"""

from __future__ import annotations

import json
from math import ceil

import pytest

from ecomops.customer.holdout import per_group
from ecomops.maths.proportions import newcombe, wilson
from ecomops.store.drivers import visitors_needed

USUAL = 0.8  # the power of our advice


@pytest.fixture(scope="module")
def cases(shared):
    known = json.loads((shared / "oracles/ab/sample_size.json").read_text(encoding="utf-8"))
    return [case for case in known if case["power"] == USUAL]


def test_visitors_of_each_group(cases):
    assert len(cases) == 4
    for case in cases:
        assert visitors_needed(case["p1"], case["p2"]) == ceil(case["unpooled"])


def test_lehrs_rule_is_near_the_exact_size(cases):
    for case in cases:
        rule = per_group(case["p1"], case["p2"] - case["p1"])
        assert rule == pytest.approx(case["pooled_R"], rel=1 / 6)


def test_intervals_of_shares_are_those_of_r(shared):
    """R's `prop.test(8, 10, correct = FALSE)`, and its difference of 64,000 mails (Hillstrom)."""
    low, high = wilson(8, 10, 0.95)
    assert (float(low), float(high)) == pytest.approx((0.4901624715, 0.9433178485))
    mails = json.loads((shared / "oracles/ab/hillstrom_counts.json").read_text(encoding="utf-8"))
    for outcome, name in (("visits", "visit"), ("conversions", "conv")):
        for arm in ("mens", "womens"):
            counts, sent = mails[outcome], mails["n"]
            ends = newcombe(counts[arm], sent[arm], counts["control"], sent["control"], level=0.95)
            # R's is Wald's interval; with 21,000 people in each arm they differ in the fifth place
            assert [float(end) for end in ends[1:]] == pytest.approx(
                mails["R_prop_test"][f"{name}_{arm}"]["ci"], abs=1e-4
            )
