"""Search indices: windows on random scales, growth beside season, leads; truths are planted."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecomops.base.errors import DataError
from ecomops.data.festivals import days, festivals
from ecomops.maths import indices


@given(
    st.lists(st.floats(0.01, 100), min_size=2, max_size=5),
    st.integers(0, 10_000),
)
def test_windows_on_random_scales_come_back_to_rounding(scales, seed):
    whole = np.random.default_rng(seed).uniform(10, 100, 60 * len(scales) + 30)
    pieces = [(60 * i, whole[60 * i : 60 * i + 90] * s) for i, s in enumerate(scales)]
    found = indices.chain(pieces[::-1], whole.size)
    assert np.max(np.abs(found.values / (whole * scales[0]) - 1)) < 1e-9
    assert found.errors.max() < 1e-9


def test_repeated_pulls_of_a_window_are_averaged():
    pulls = [(0, [10.0, 20, 30]), (0, [20.0, 40, 62])]
    found = indices.chain(pulls, 4)
    np.testing.assert_allclose(found.values[:3], [10, 20, 30.5])
    assert np.isnan(found.values[3])


def test_one_odd_day_does_not_move_the_scale():
    """The mean ratio of the overlap would be 11 % off; the median is exact."""
    whole = np.full(100, 50.0)
    second = whole[60:] / 2
    second[3] *= 9
    found = indices.chain([(0, whole[:90]), (60, second)], 100)
    np.testing.assert_allclose(found.values[90:], 50)


def test_windows_without_a_common_day_are_refused():
    with pytest.raises(DataError, match="no day"):
        indices.chain([(0, [1.0, 2]), (2, [3.0])], 3)
    with pytest.raises(DataError, match="above 0"):
        indices.chain([(0, [1.0, 0]), (1, [3.0, 4])], 3)


def test_naive_joining_sees_a_fall_that_is_none():
    """Catalogue 45: pieces scaled to 100 each, joined as they are, against 30 % growth a year."""
    t = np.arange(800)
    whole = np.exp(0.2624 * t / 365.25)
    ends = [(0, 300), (250, 550), (500, 800)]
    pieces = [(a, np.round(100 * whole[a:b] / whole[a:b].max())) for a, b in ends]
    naive = np.concatenate([pieces[0][1], pieces[1][1][50:], pieces[2][1][50:]])
    facts = days(date(2023, 1, 1), 800, festivals())
    joined = indices.trend(indices.Chain(naive, np.zeros(800)), facts, seed=1, draws=40)
    ours = indices.trend(indices.chain(pieces, 800), facts, seed=1, draws=40)
    assert ours.slope == pytest.approx(0.2624, abs=0.01)
    assert abs(joined.slope - 0.2624) > 0.1


def test_growth_is_told_from_season_and_a_moving_festival():
    random = np.random.default_rng(1)
    facts = days(date(2022, 3, 1), 1000, festivals())
    season = np.sin(2 * np.pi * facts.years) + 0.5 * np.cos(4 * np.pi * facts.years)
    festival = -0.8 * facts.festive
    t = np.arange(1000) / 365.2425
    y = np.exp(4 + 0.15 * t + season + festival + 0.05 * random.standard_normal(1000))
    found = indices.trend(indices.Chain(y, np.zeros(1000)), facts, seed=1)
    assert found.low <= 0.15 <= found.high
    assert found.high - found.low < 0.06
    assert np.corrcoef(found.season[:1000], season + festival)[0, 1] > 0.99


def test_trend_intervals_cover():
    """90 % intervals over 60 series with noise that lasts a week: 84 to 96 % hold the slope."""
    inside = 0
    facts = days(date(2023, 1, 1), 730, festivals())
    t = np.arange(730) / 365.2425
    for seed in range(60):
        random = np.random.default_rng(seed)
        shock = np.repeat(random.normal(0, 0.06, 105), 7)[:730] + random.normal(0, 0.05, 730)
        y = np.exp(3 + 0.1 * t + np.sin(2 * np.pi * facts.years) + shock)
        found = indices.trend(indices.Chain(y, np.zeros(730)), facts, seed=seed, draws=100)
        inside += found.low <= 0.1 <= found.high
    assert 0.84 <= inside / 60 <= 0.96


@pytest.mark.parametrize("steps", [-4, 0, 3])
def test_a_planted_lead_is_found(steps):
    random = np.random.default_rng(2)
    base = random.standard_normal(160)
    first = base[20:140] + 0.5 * random.standard_normal(120)
    second = np.exp(base[20 - steps : 140 - steps] + 0.5 * random.standard_normal(120))
    found = indices.lead(first, second, 8)
    assert found.steps == steps
    assert found.p < 0.02


def test_no_lead_is_found_in_slow_noise():
    """Type I: two series that repeat themselves correlate by accident; 10 % pass p < 0.1."""
    passed = 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        pair = random.standard_normal((2, 120))
        for i in range(1, 120):
            pair[:, i] += 0.7 * pair[:, i - 1]
        passed += indices.lead(*pair, 8).p < 0.1
    assert passed / 200 <= 0.12


def test_short_series_have_no_lead():
    with pytest.raises(DataError, match="short"):
        indices.lead(np.arange(10.0), np.arange(10.0), 8)


def test_the_error_of_a_link_is_how_far_scales_are_off():
    """Planted: daily noise of 10 % in both windows; 400 links over 49 common days."""
    random = np.random.default_rng(9)
    off, told = [], []
    for _ in range(400):
        first, second = 50 * np.exp(random.normal(0, 0.1, (2, 60)))
        found = indices.chain([(0, first), (11, second)], 71)
        off.append(np.log(found.values[60:] / second[49:]).mean())
        told.append(found.errors[-1])
    assert np.mean(told) == pytest.approx(np.std(off), rel=0.12)
