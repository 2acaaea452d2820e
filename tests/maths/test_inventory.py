"""Inventory against stockpyl's published examples and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import lognorm, nbinom, norm, poisson

from ecomops.maths import inventory
from ecomops.maths.inventory import Supply

# Snyder and Shen (2019), examples 3.1 and 5.1 to 5.4; the same numbers in stockpyl's docstrings.
EXAMPLE = Supply(
    fixed_cost=8, holding_cost=0.225, stockout_cost=7.5, mean=1300, sd=150, lead_time=1 / 12
)


def test_newsvendor_equals_the_published_examples():
    best = inventory.newsvendor(0.18, 0.70, norm(50, 8))
    assert best.quantity == pytest.approx(56.60395592743389, abs=1e-9)
    assert best.cost == pytest.approx(1.9976051931766445, abs=1e-8)
    best = inventory.newsvendor(0.18, 0.70, poisson(50))
    assert (best.quantity, best.cost) == (56, pytest.approx(1.797235211809178, abs=1e-9))
    best = inventory.newsvendor(1, 0.1765, lognorm(0.3, scale=np.exp(6)))
    assert best.quantity == pytest.approx(295.6266448071368, abs=1e-6)
    assert best.cost == pytest.approx(29.44254351324322, abs=1e-6)
    best = inventory.newsvendor(1, 4, poisson(6))
    assert (best.quantity, best.cost) == (8, pytest.approx(3.570106945770941, abs=1e-9))


def test_newsvendor_from_draws_is_the_cheapest_of_all_quantities():
    demand = np.random.default_rng(1).poisson(50, 4001)
    best = inventory.newsvendor_draws(0.18, 0.70, demand)
    costs = {
        q: np.mean(0.18 * np.maximum(q - demand, 0) + 0.70 * np.maximum(demand - q, 0))
        for q in range(30, 80)
    }
    assert best.quantity == min(costs, key=costs.__getitem__)
    assert best.cost == pytest.approx(min(costs.values()), abs=1e-12)


def test_lot_sizes_and_reorder_points_equal_the_published_examples():
    assert inventory.eoq(8, 0.225, 1300).quantity == pytest.approx(304.0467800264368, abs=1e-9)
    simple = inventory.reorder_simple(EXAMPLE)
    assert simple.reorder_point == pytest.approx(190.3369965715624, abs=1e-8)
    assert simple.quantity == pytest.approx(304.0467800264368, abs=1e-8)
    best = inventory.reorder(EXAMPLE)
    assert best.reorder_point == pytest.approx(213.97044213580244, abs=2e-4)
    assert best.quantity == pytest.approx(318.5901810768729, abs=2e-4)
    assert best.cost == pytest.approx(95.45114022285196, abs=1e-6)


def test_reorder_is_a_minimum_of_its_cost():
    best = inventory.reorder(EXAMPLE)
    near = [
        inventory._cost(EXAMPLE, best.reorder_point + dr, best.quantity + dq)
        for dr in (-1, 0, 1)
        for dq in (-5, 0, 5)
    ]
    assert best.cost == pytest.approx(min(near), abs=1e-6)


def test_exact_poisson_equals_the_published_example_and_an_exhaustive_search():
    best = inventory.reorder_poisson(20, 150, 100, 1.5, 2)
    assert (best.reorder_point, best.quantity) == (3, 5)
    assert best.cost == pytest.approx(107.92358063314975, abs=1e-8)
    demand = poisson(3)
    k = np.arange(200)
    step = [
        np.sum(demand.pmf(k) * (20 * np.maximum(y - k, 0) + 150 * np.maximum(k - y, 0)))
        for y in range(60)
    ]
    costs = [
        (100 * 1.5 + sum(step[r + 1 : r + q + 1])) / q for r in range(20) for q in range(1, 20)
    ]
    assert best.cost == pytest.approx(min(costs), abs=1e-9)


def test_order_covers_demand_in_whole_packs():
    draws = poisson(30).rvs(2001, random_state=1)
    order = inventory.reorder_draws(draws, on_hand=10, service=0.9, pack=6)
    assert order % 6 == 0
    assert np.mean(draws <= 10 + order) >= 0.9
    assert np.mean(draws <= 10 + order - 6) < 0.9
    assert inventory.reorder_draws(draws, on_hand=1000, service=0.9) == 0


@given(st.floats(0.1, 9), st.floats(0.1, 9), st.floats(0.5, 80))
def test_newsvendor_moves_with_its_costs(over, under, mean):
    best = inventory.newsvendor(over, under, poisson(mean))
    dearer = inventory.newsvendor(over * 2, under, poisson(mean))
    assert dearer.quantity <= best.quantity
    assert best.cost >= 0


def test_markdown_tends_to_the_closed_form_of_exponential_demand():
    """Gallego and van Ryzin (1994), theorem 2: J(n, t) = ln(sum (a t / e)^i / i!) / alpha."""
    alpha, a, stock, slices = 1.0, 8.0, 4, 2000
    prices = np.linspace(0.5, 5, 451)
    path = inventory.markdown(stock, slices, prices, a * np.exp(-alpha * prices) / slices)
    terms = [(a / np.e) ** i / np.prod(np.arange(1, i + 1)) for i in range(stock + 1)]
    assert path.value[-1, stock] == pytest.approx(np.log(np.sum(terms)) / alpha, rel=1e-3)


def test_markdown_never_pays_less_for_more_time_and_asks_less_with_more_stock():
    prices = [20, 16, 12, 8]
    path = inventory.markdown(6, 8, prices, [0.3, 0.6, 1.1, 1.8], salvage=2)
    assert np.all(np.diff(path.value[:, 1:], axis=0) >= -1e-9)
    assert np.all(np.diff(path.price[1:, 1:], axis=1) <= 0)
    assert path.value[0, 6] == 12


def test_draws_of_a_negative_binomial_need_more_than_a_poisson():
    wide = inventory.newsvendor(1, 9, nbinom(2, 2 / 52))
    assert wide.quantity > inventory.newsvendor(1, 9, poisson(50)).quantity


@pytest.mark.parametrize("level", [-2, 0, 2, 2.25, 2.5, 7.99])
@pytest.mark.parametrize("demand", [poisson(2.5), nbinom(3, 0.4)])
def test_shortfall_of_whole_pieces_by_its_definition(demand, level):
    """Truth: the sum of max(d - level, 0) times its chance."""
    pieces = np.arange(400)
    brute = np.sum(demand.pmf(pieces) * np.maximum(pieces - level, 0))
    assert inventory.shortfall(demand, level) == pytest.approx(brute, abs=1e-9)
