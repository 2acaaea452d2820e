"""maths.strata: the difference within strata equals a regression with a dummy for each stratum."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecomops.maths.strata import difference


def people(seed, n=600, strata=5, effect=0.4):
    """Return strata of unequal size and level, in which unequal shares are treated."""
    random = np.random.default_rng(seed)
    stratum = random.integers(0, strata, n)
    treated = (random.random(n) < 0.2 + 0.12 * stratum).astype(float)
    y = 3.0 * stratum + effect * treated + random.normal(size=n)
    return stratum, treated, y


def cells(stratum, treated, y):
    rows = []
    for s in np.unique(stratum):
        for side in (0, 1):
            mine = y[(stratum == s) & (treated == side)]
            rows.append((mine.size, mine.sum(), (mine**2).sum(), side, s))
    return np.array(rows).T


@given(st.integers(0, 10_000))
def test_it_equals_least_squares_with_stratum_dummies(seed):
    """Frisch-Waugh-Lovell: the coefficient of treatment weights strata by n1 n0 / (n1 + n0)."""
    stratum, treated, y = people(seed)
    x = np.c_[treated, np.eye(5)[stratum]]
    wanted = np.linalg.lstsq(x, y, rcond=None)[0][0]
    assert difference(*cells(stratum, treated, y)).value == pytest.approx(wanted, abs=1e-9)


def test_levels_of_strata_do_not_confound_where_the_plain_difference_is_far_off():
    """Simpson (naive catalogue 1): treated people sit in strata with high outcomes."""
    stratum, treated, y = people(1, n=20_000)
    found = difference(*cells(stratum, treated, y))
    assert abs(found.value - 0.4) < 4 * found.error
    assert y[treated == 1].mean() - y[treated == 0].mean() > 1.5


def test_the_standard_error_covers():
    """90 % of 400 samples hold the planted effect."""
    held = 0
    for seed in range(400):
        found = difference(*cells(*people(seed)))
        held += abs(found.value - 0.4) < 1.6449 * found.error
    assert 0.865 <= held / 400 <= 0.935


def test_one_sided_strata_say_nothing():
    found = difference([5, 5, 9], [5, 10, 90], [9, 30, 900], [0, 1, 1], ["a", "a", "b"])
    assert found.value == pytest.approx(1.0)
    assert np.isnan(difference([5], [5], [9], [1], ["a"]).value)


def test_a_small_group_with_rare_outcomes_is_not_called_different_too_often():
    """Truth: no effect; money of the few who buy, one in seven held out, seven sends.

    With each side's own spread, a side in which by chance few bought seems sure of it.
    """
    called = {"null": 0, "error": 0}
    for seed in range(400):
        random = np.random.default_rng(seed)
        stratum, treated = np.divmod(np.arange(7 * 200), 200)
        treated = (treated >= 30).astype(float)
        y = (random.random(stratum.size) < 0.03) * random.lognormal(5, 0.8, stratum.size)
        found = difference(*cells(stratum, treated, y))
        for name in called:
            called[name] += found.value > 1.9600 * getattr(found, name)
    assert called["null"] / 400 <= 0.025 + 2 * np.sqrt(0.025 * 0.975 / 400)
    assert called["error"] > 3 * called["null"]


def test_one_stratum_has_the_error_of_two_samples():
    """Second route: numpy's unbiased variances over the two groups, as in Welch's test."""
    one, none = np.array([3.0, 1, 4, 1, 5]), np.array([2.0, 7, 1])
    found = difference(
        [5, 3], [one.sum(), none.sum()], [one @ one, none @ none], [1, 0], ["a", "a"]
    )
    assert found.value == pytest.approx(one.mean() - none.mean())
    assert found.error == pytest.approx(np.sqrt(one.var(ddof=1) / 5 + none.var(ddof=1) / 3))


def test_a_stratum_with_one_person_on_a_side_says_nothing():
    cells = ([1, 4, 3, 3], [9, 4, 6, 3], [81, 6, 14, 5], [1, 0, 1, 0], ["a", "a", "b", "b"])
    alone = tuple(part[2:] for part in cells)
    assert difference(*cells) == difference(*alone)
    assert np.isnan(difference(*(part[:2] for part in cells)).value)
