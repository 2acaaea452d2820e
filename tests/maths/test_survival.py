"""Kaplan-Meier against a published life table, an exponential truth and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import CensoredData, ecdf

from ecomops.base.errors import DataError, OptionError
from ecomops.maths.survival import at, hazard, kaplan_meier, quantile

# Freireich et al. (1963): weeks of remission under 6-MP, 21 patients; the standard worked example.
EVENTS = {6: 3, 7: 1, 10: 1, 13: 1, 16: 1, 22: 1, 23: 1}
CENSORED = {6: 1, 9: 1, 10: 1, 11: 1, 17: 1, 19: 1, 20: 1, 25: 1, 32: 2, 34: 1, 35: 1}
rows = st.lists(st.tuples(st.integers(1, 20), st.booleans()), min_size=1, max_size=30)


def remission(level=0.95):
    time = sorted({*EVENTS, *CENSORED})
    events = [EVENTS.get(t, 0) for t in time]
    return kaplan_meier(time, events, [CENSORED.get(t, 0) for t in time], level)


def test_published_curve():
    """Survival of the 6-MP group as in Kalbfleisch and Prentice and every textbook since."""
    expected = [0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482]
    np.testing.assert_allclose(at(remission(), list(EVENTS)), expected, atol=5e-5)


def test_published_median_and_risk_set():
    curve = remission()
    assert quantile(curve, 0.5) == 23
    assert dict(zip(curve.time, curve.at_risk, strict=True))[10] == 15


def test_published_log_log_band():
    """R: survfit(conf.type = "log-log") for the same data at weeks 6 and 23."""
    curve = remission()
    place = np.searchsorted(curve.time, [6, 23])
    np.testing.assert_allclose(curve.low[place], [0.6197, 0.1881], atol=2e-4)
    np.testing.assert_allclose(curve.high[place], [0.9516, 0.6801], atol=2e-4)


@given(rows)
def test_equals_scipy(pairs):
    """Scipy's ecdf of censored data is a second implementation."""
    time, event = np.array(pairs, int).T
    theirs = ecdf(CensoredData(uncensored=time[event == 1], right=time[event == 0])).sf
    curve = kaplan_meier(time, event, 1 - event)
    np.testing.assert_allclose(at(curve, theirs.quantiles), theirs.probabilities, atol=1e-12)


@given(rows)
def test_without_censoring_it_is_the_plain_share(pairs):
    time = np.array([t for t, _ in pairs])
    curve = kaplan_meier(time, np.ones(time.size), np.zeros(time.size))
    share = [(time > t).mean() for t in curve.time]
    np.testing.assert_allclose(curve.survival, share, atol=1e-12)


@given(rows)
def test_band_holds_the_curve(pairs):
    time, event = np.array(pairs, int).T
    curve = kaplan_meier(time, event, 1 - event)
    inside = np.isfinite(curve.low)
    assert np.all(curve.low[inside] <= curve.survival[inside] + 1e-12)
    assert np.all(curve.high[inside] >= curve.survival[inside] - 1e-12)


def test_gaps_that_have_not_ended_count():
    """Mistake 3 of conventions.md: true mean gap 60 days, 180-day window, 20,000 customers.

    The mean of finished gaps says about 36 days; truth is 60, median 41.6, 80 % by day 96.6.
    """
    random = np.random.default_rng(1)
    start = random.uniform(0, 180, 20_000)
    gap = random.exponential(60, 20_000)
    seen = np.minimum(gap, 180 - start)
    ended = gap <= 180 - start
    curve = kaplan_meier(seen, ended, ~ended)
    assert gap[ended].mean() < 40
    assert 1 / hazard(seen, ended, ~ended) == pytest.approx(60, rel=0.05)
    assert quantile(curve, 0.5) == pytest.approx(60 * np.log(2), rel=0.05)
    assert quantile(curve, 0.8) == pytest.approx(60 * np.log(5), rel=0.05)


def test_coverage_of_the_band():
    """90 % nominal for S(30) = exp(-1/2) over 300 censored samples of 150."""
    random = np.random.default_rng(2)
    hits = 0
    for _ in range(300):
        gap, end = random.exponential(60, 150), random.uniform(20, 180, 150)
        curve = kaplan_meier(np.minimum(gap, end), gap <= end, gap > end)
        place = np.searchsorted(curve.time, 30, side="right") - 1
        hits += curve.low[place] <= np.exp(-0.5) <= curve.high[place]
    assert 0.86 <= hits / 300 <= 0.94


def test_what_nobody_saw_is_missing():
    curve = kaplan_meier([5, 10], [1, 0], [0, 3])
    assert np.isnan(quantile(curve, 0.9))
    assert np.isnan(at(curve, 11))
    assert np.isnan(hazard([], [], []))
    assert np.isnan(at(kaplan_meier([], [], []), 1))


def test_rows_that_count_nobody_change_nothing():
    with_empty = kaplan_meier([1, 2, 3], [1, 1, 0], [0, 0, 0])
    assert with_empty.survival.tolist() == [0.5, 0, 0]


def test_bad_columns_are_refused():
    with pytest.raises(DataError) as error:
        kaplan_meier([1, 2], [1], [0])
    assert error.value.code == "survival_shapes"
    with pytest.raises(DataError) as error:
        kaplan_meier([1, -2], [1, np.nan], [0, 0])
    assert error.value.values == {"count": 2}
    with pytest.raises(OptionError):
        quantile(kaplan_meier([1], [1], [0]), 50)
