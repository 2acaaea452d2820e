"""Crossed effects: one kind by hand, and a fit that is stopped early."""

from __future__ import annotations

import numpy as np
import pytest

from ecomops.maths import crossed
from ecomops.maths.crossed import crossed_poisson


def test_levels_alike_have_no_effect_and_the_plain_rate():
    """40 rows of 6 over an exposure of 2: a rate of 3 for both levels."""
    kind = np.arange(40) % 2
    found = crossed_poisson(np.full(40, 6), np.full(40, 2.0), [kind])
    np.testing.assert_allclose(found.effects[0], 0, atol=1e-9)
    np.testing.assert_allclose(np.exp(found.log_mean), 6, rtol=1e-3)
    assert found.scale == 1


def test_two_levels_are_pulled_to_their_mean_by_the_spread():
    """Second route: the penalised likelihood of two groups, searched over a grid."""
    kind = np.repeat([0, 1], 10)
    counts = np.where(kind, 8.0, 4.0)
    found = crossed_poisson(counts, np.ones(20), [kind])
    half = np.linspace(0, 0.5, 5001)  # effects are -h and +h around a free level
    spread = found.spreads[0]
    level = np.log(counts.sum() / (10 * (np.exp(-half) + np.exp(half))))
    fit = 40 * (level - half) + 80 * (level + half) - half**2 / spread**2
    np.testing.assert_allclose(found.effects[0][1], half[np.argmax(fit)], atol=2e-3)
    assert 0 < found.effects[0][1] < np.log(2) / 2


def test_rows_without_exposure_tell_nothing_and_are_expected_nothing():
    kind = np.array([0, 1] * 20)
    counts, exposure = np.full(40, 5.0), np.full(40, 1.0)
    plain = crossed_poisson(counts, exposure, [kind])
    more = crossed_poisson(np.r_[counts, 99], np.r_[exposure, 0], [np.r_[kind, 1]])
    np.testing.assert_allclose(more.effects[0], plain.effects[0], atol=1e-9)
    assert more.log_mean[-1] == -np.inf


def test_a_fit_that_is_stopped_early_is_on_its_way(monkeypatch):
    """One step goes part of the way from the plain rate to the planted ten times."""
    kind = np.repeat([0, 1], 30)
    counts = np.where(kind, 200.0, 20.0)
    whole = crossed_poisson(counts, np.ones(60), [kind])
    monkeypatch.setattr(crossed, "ROUNDS", 1)
    early = crossed_poisson(counts, np.ones(60), [kind])
    gaps = [float(np.diff(found.effects[0])[0]) for found in (early, whole)]
    assert 0.2 < gaps[0] < gaps[1]
    assert gaps[1] == pytest.approx(np.log(10), abs=0.05)
