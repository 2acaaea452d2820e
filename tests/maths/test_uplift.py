"""Uplift at its edges: a top of nobody, groups of their own, ties, weights, the perfect order."""

from __future__ import annotations

import numpy as np
import pytest

from ecomops.maths import uplift


def test_the_top_holds_at_least_one_person():
    """The best of five is a treated buyer; nobody untreated is as good, so there is no answer."""
    y, t, s = [1, 0, 0, 1, 0], [1, 0, 1, 0, 0], [5, 4, 3, 2, 1]
    assert np.isnan(uplift.uplift_at(y, t, s, 0.1))
    assert uplift.uplift_at(y, t, s, 0.1, by_group=True) == 1.0


def test_the_top_of_each_group_by_hand():
    """Best half of the treated: 1 and 0 of four; of the untreated: 1 of two."""
    y, t, s = [1, 0, 0, 0, 1, 0], [1, 1, 1, 1, 0, 0], [9, 8, 7, 6, 5, 4]
    assert uplift.uplift_at(y, t, s, 0.5, by_group=True) == pytest.approx(0.5 - 1)
    assert uplift.uplift_at(y, t, s, 1.0) == pytest.approx(0.25 - 0.5)


def test_ties_at_the_border_count_in_part():
    """Two of three: the best in full, each of the tied two by half."""
    assert uplift.uplift_at([1, 1, 0, 0], [1, 1, 1, 0], [9, 5, 5, 9], 0.75) == pytest.approx(
        (1 + 0.5) / 2
    )


@pytest.mark.parametrize("by_group", [False, True])
def test_without_one_of_the_groups_there_is_no_difference(by_group):
    assert np.isnan(uplift.uplift_at([1, 0], [1, 1], [2, 1], 0.5, by_group=by_group))


def test_running_sums_by_hand():
    """Ties enter together; weights count a person as often as they say."""
    found = uplift.ranked([1, 0, 1, 1], [1, 0, 1, 0], [3, 2, 2, 1], [1, 2, 1, 3])
    assert found.n.tolist() == [0, 1, 4, 7]
    assert found.treated.tolist() == [0, 1, 2, 2]
    assert found.treated_y.tolist() == [0, 1, 2, 2]
    assert found.control_y.tolist() == [0, 0, 0, 3]
    np.testing.assert_allclose(found.qini, [0, 1, 2, 2 - 3 * 2 / 5])
    np.testing.assert_allclose(found.gain, [0, 1, 4, (1 - 3 / 5) * 7])


def test_the_perfect_order_has_all_and_its_reverse_none_of_what_can_be_won():
    y, t = np.array([1, 1, 0, 0, 1, 0]), np.array([1, 1, 1, 0, 0, 0])
    perfect = y * (2 * t - 1)
    assert uplift.qini_share(y, t, perfect) == pytest.approx(1)
    assert uplift.qini_share(y, t, -perfect) < 0
    assert uplift.qini_share(y, t, np.zeros(6)) == pytest.approx(0)


def test_who_knows_nobody_put_off_by_hand():
    """Three treated of whom two buy, three untreated of whom one buys: 2 - 3 / 3 = 1 is to be won.

    All in the first of six: area 1 x 5.5 under the perfect curve, 3 under a random order. The
    order given wins 2 after two people and ends at 1.
    """
    y, t = [1, 1, 0, 0, 1, 0], [1, 1, 1, 0, 0, 0]
    score = [6, 5, 4, 3, 2, 1]
    curve = uplift.ranked(y, t, score)
    assert curve.qini.tolist() == [0, 1, 2, 2, 2, 0.5, 1]
    area = uplift.area(curve.n, curve.qini)
    assert area == pytest.approx(0.5 + 1.5 + 2 + 2 + 1.25 + 0.75)
    share = uplift.qini_share(y, t, score, negative=False)
    assert share == pytest.approx((area - 3) / (5.5 - 3))


def test_folds_are_equal_and_every_person_has_one():
    folds = uplift.folds_of(10, 3, seed=4)
    assert sorted(np.bincount(folds)) == [3, 3, 4]
    half = uplift.fold_half(np.arange(9) < 7, seed=1)
    assert half.sum() == 3
    assert not half[7:].any()


def mean_of(x, y):
    """Learn nothing but the mean."""
    return lambda at: np.full(len(at), y.mean())


def test_a_learner_of_means_finds_the_difference_of_means():
    """With a constant outcome in each group the learner must say their difference exactly."""
    t = np.tile([1.0, 0], 60)
    y, x = np.where(t == 1, 7.0, 4.0), np.zeros((120, 1))
    found = uplift.dr_learner(x, t, y, 0.5, mean_of, seed=1, repeats=2)
    np.testing.assert_allclose(found.pseudo, 3)
    np.testing.assert_allclose(found.score, 3)


def test_pseudo_effects_are_the_formula_of_the_paper():
    """Kennedy (2023), equation 1, written out for one fold of means."""
    random = np.random.default_rng(2)
    t, y, x = np.tile([1.0, 0], 30), random.normal(size=60), np.zeros((60, 1))
    found = uplift.dr_learner(x, t, y, 0.25, mean_of, seed=5, folds=2)
    fold = uplift.folds_of(60, 2, seed=5)
    for k in (0, 1):
        rest, here = fold != k, fold == k
        one, none = y[rest & (t == 1)].mean(), y[rest & (t == 0)].mean()
        wanted = one - none + np.where(t == 1, (y - one) / 0.25, -(y - none) / 0.75)
        np.testing.assert_allclose(found.pseudo[here], wanted[here])


def test_the_worth_of_a_policy_by_hand():
    """Net 2, 0, -1: sum 1, standard deviation sqrt(7 / 3), times sqrt 3 and 1.645."""
    low, mid, high = uplift.policy_value([3, 9, 0], [1, 0, 1], 1.0)
    assert mid == pytest.approx(1)
    assert (high - mid, mid - low) == pytest.approx((1.6448536 * 7**0.5,) * 2)
