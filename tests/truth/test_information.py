"""maths.information: Raiffa and Schlaifer's table, Monte Carlo, the limits of the closed form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecomops.maths import information


def test_unit_normal_loss_equals_the_published_table():
    """Raiffa and Schlaifer (1961), table II: G(0), G(0.5), G(1), G(1.5), G(2), G(3)."""
    table = {0: 0.3989, 0.5: 0.1978, 1: 0.08332, 1.5: 0.02931, 2: 0.008491, 3: 0.0003822}
    found = information.unit_loss(list(table))
    np.testing.assert_allclose(found, list(table.values()), rtol=3e-4)


@pytest.mark.parametrize(
    ("mean", "spread", "error"), [(0, 100, 50), (-80, 100, 200), (150, 60, 90), (-10, 300, 20)]
)
def test_evsi_equals_monte_carlo(mean, spread, error):
    """Draw a truth, draw a test, decide by the posterior mean; compare with deciding now."""
    random = np.random.default_rng(3)
    truth = random.normal(mean, spread, 2_000_000)
    seen = truth + random.normal(0, error, truth.size)
    weight = spread**2 / (spread**2 + error**2)
    go = mean + weight * (seen - mean) > 0
    gained = np.where(go, truth, 0.0) - (truth if mean > 0 else 0.0)
    closed = float(information.evsi(mean, spread, error))
    noise = gained.std() / np.sqrt(gained.size)
    assert abs(gained.mean() - closed) < 4 * noise
    other = go != (mean > 0)
    chance = float(information.changes_mind(mean, spread, error))
    assert other.mean() == pytest.approx(chance, abs=0.002)


@given(st.floats(-1e4, 1e4), st.floats(1e-3, 1e4), st.floats(0, 1e5))
def test_information_is_worth_something_and_never_more_than_certainty(mean, spread, error):
    value = float(information.evsi(mean, spread, error))
    perfect = float(information.evsi(mean, spread, 0))
    assert 0 <= value <= perfect * (1 + 1e-9) + 1e-12
    assert float(information.evsi(mean, spread, np.inf)) == 0
    assert float(information.evsi(-mean, spread, error)) == pytest.approx(value, rel=1e-9)


@given(st.floats(0.1, 100), st.floats(-100, 100), st.floats(1, 100), st.floats(0, 100))
def test_the_scale_of_money_does_not_matter(scale, mean, spread, error):
    one = float(information.evsi(mean, spread, error))
    assert float(information.evsi(scale * mean, scale * spread, scale * error)) == pytest.approx(
        scale * one, rel=1e-9, abs=1e-12
    )


def test_the_best_length_beats_every_other():
    """Second implementation: the value of each length, one at a time."""
    found = information.best_length(-200, 1000, 3000, 30, cost=2)
    values = {
        w: float(information.evsi(-200, 1000, 3000 / np.sqrt(w))) * (30 - w) / 30 - 2 * w
        for w in range(2, 31)
    }
    assert found.weeks == max(values, key=values.get)
    assert found.value == pytest.approx(max(values.values()))
    assert found.error == pytest.approx(3000 / np.sqrt(found.weeks))


def test_certain_things_need_no_test():
    assert float(information.evsi(5, 0, 1)) == 0
    assert float(information.evsi(0, 0, 0)) == 0
    assert information.best_length(1e6, 1, 10, 12).value == pytest.approx(0, abs=1e-12)
