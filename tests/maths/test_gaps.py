"""Cells of demand against supply: independence with holes, exact bounds, lucky cells kept down."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import nbinom, poisson

from ecomops.base.errors import DataError
from ecomops.maths.gaps import false_share, gaps, kill_rule, two_gammas, usual_counts
from ecomops.maths.shrinkage import expected_counts


def world(seed: int, *, level: float, planted: int = 3, shape=(8, 6)):
    """Return (demand, supply, gap): independent tables but for planted gaps."""
    random = np.random.default_rng(seed)
    base = np.outer(random.gamma(4, 0.25, shape[0]), random.gamma(4, 0.25, shape[1])) * level
    gap = np.zeros(shape, dtype=bool)
    gap.ravel()[random.permutation(gap.size)[:planted]] = True
    demand = random.poisson(base * np.where(gap, 2.6, 1.0))
    return demand, random.poisson(base / 6 * np.where(gap, 0.35, 1.0)), gap


def test_a_whole_table_has_the_usual_expectation():
    table = world(1, level=40)[0]
    np.testing.assert_allclose(usual_counts(table, table >= 0), expected_counts(table), rtol=1e-9)


def test_cells_left_out_do_not_tell_what_is_usual():
    """By hand: rows 1:2 and columns 1:3 from the three cells that count."""
    told = [[True, True], [True, False]]
    np.testing.assert_allclose(usual_counts([[10, 30], [20, 999]], told), [[10, 30], [20, 60]])


def test_bounds_agree_with_draws_from_the_two_posteriors():
    """Truth: 400,000 draws of the ratio of two mixtures of gammas, weighted by scipy's nbinom."""
    demand, supply, _ = world(2, level=60, planted=0)
    found = gaps(demand, supply)
    random = np.random.default_rng(5)
    n, draws = 400_000, []
    for counts in (demand, supply):
        usual = expected_counts(counts)
        shape, rate, weight = two_gammas(counts, usual)
        seen, base = counts[2, 3], usual[2, 3]
        chance = weight * nbinom.pmf(seen, shape, rate / (rate + base))
        part = random.choice(2, n, p=chance / chance.sum())
        draws.append(random.gamma((shape + seen)[part], 1 / (rate + base)[part]))
    low, high = np.quantile(draws[0] / draws[1], [0.05, 0.95])
    assert found.low[2, 3] == pytest.approx(low, rel=0.01)
    assert found.high[2, 3] == pytest.approx(high, rel=0.01)
    assert found.ratio[2, 3] == pytest.approx(np.median(draws[0] / draws[1]), rel=0.01)


def test_ninety_per_cent_of_planted_ratios_are_covered():
    """Planted truth, 60 tables: 2.6 / 0.35 in 180 gaps."""
    inside = []
    for seed in range(60):
        demand, supply, gap = world(seed, level=900, shape=(8, 8))
        found = gaps(demand, supply)
        inside += list(((found.low <= 2.6 / 0.35) & (found.high >= 2.6 / 0.35))[gap])
    assert len(inside) == 180
    assert 0.84 <= np.mean(inside) <= 0.96


def test_planted_gaps_are_found_and_few_others():
    """Planted truth, 40 tables: every gap ranks in the top five; false finds stay below 5 %."""
    hits = picked = false = 0
    for seed in range(40):
        demand, supply, gap = world(seed, level=600)
        found = gaps(demand, supply)
        hits += gap.ravel()[np.argsort(-found.low.ravel())[:5]].sum()
        named = (found.q <= 0.05) & (found.low > 1.5)
        picked, false = picked + named.sum(), false + (named & ~gap).sum()
    assert hits == 120
    assert picked >= 117
    assert false <= 0.05 * picked


def test_searches_per_offer_names_lucky_small_cells_where_nothing_is_planted():
    """Naive catalogue 17 and 22: the largest plain ratio is twice the usual."""
    plain, named = [], 0
    for seed in range(40):
        demand, supply, _ = world(seed, level=30, planted=0)
        usual = demand.sum() / supply.sum()
        plain.append((demand / np.maximum(supply, 1)).max() / usual)
        found = gaps(demand, supply)
        named += ((found.q <= 0.05) & (found.low > 1.5)).any()
    assert np.min(plain) > 1.5
    assert np.mean(plain) > 2.5
    assert named <= 0.05 * 40


@given(st.integers(0, 10_000), st.integers(2, 5), st.integers(2, 5))
def test_order_of_rows_and_columns_does_not_matter(seed, rows, columns):
    demand, supply, _ = world(seed, level=50, planted=1, shape=(rows, columns))
    random = np.random.default_rng(seed)
    i, j = random.permutation(rows), random.permutation(columns)
    found, moved = gaps(demand, supply), gaps(demand[i][:, j], supply[i][:, j])
    np.testing.assert_allclose(moved.low, found.low[i][:, j], rtol=1e-3)
    assert (found.low <= found.ratio).all()
    assert (found.ratio <= found.high).all()


def test_cells_that_were_not_seen_stay_missing():
    demand, supply, _ = world(3, level=200)
    hole = demand.astype(float)
    hole[1, 2] = np.nan
    found = gaps(hole, supply)
    assert np.isnan(found.low[1, 2])
    assert np.isfinite(found.low).sum() == demand.size - 1


def test_false_share_is_a_running_mean():
    np.testing.assert_allclose(
        false_share([[0.3, np.nan], [0.0, 0.1]]), [[0.4 / 3, np.nan], [0, 0.05]]
    )


def test_the_kill_rule_stops_a_good_trial_in_less_than_five_per_cent():
    visitors, least = kill_rule(0.013)
    assert poisson.cdf(least - 1, visitors * 0.013) < 0.05
    assert poisson.cdf(least, visitors * 0.013) > 0.05


def test_a_single_row_is_refused():
    with pytest.raises(DataError, match="1 rows and 3 columns"):
        gaps([[1, 2, 3]], [[1, 2, 3]])


def test_a_row_that_stands_out_throughout_still_tells_what_is_usual():
    """Leaving it out would leave its row without any cell: the first fit stays."""
    demand = [[300, 700], [10_000, 90_000], [10_000, 90_000]]
    supply = [[955, 45], [90_000, 10_000], [90_000, 10_000]]
    found = gaps(demand, supply)
    np.testing.assert_allclose(found.ratio[0], [3 / 1.06, 0.78 / 0.45], rtol=0.1)
    np.testing.assert_allclose(found.ratio[1:], 1, rtol=0.02)


def test_fitting_stops_when_told_before_it_has_settled(monkeypatch):
    """One round of a table with a hole is not yet its own fixed point; 500 rounds are."""
    table, told = [[10, 30, 4], [20, 9, 7], [3, 8, 11]], np.eye(3) == 0
    whole = usual_counts(table, told)
    np.testing.assert_allclose((whole * told).sum(axis=1), (np.array(table) * told).sum(axis=1))
    monkeypatch.setattr("ecomops.maths.gaps.ROUNDS", 1)
    early = usual_counts(table, told)
    assert np.abs(early - whole).max() > 1e-3
    np.testing.assert_allclose((early * told).sum(axis=0), (np.array(table) * told).sum(axis=0))


def test_a_trial_lasts_until_the_events_are_due():
    """10 events at 3 % need 334 people; fewer than 5 is below the 5 % point of Poisson(10)."""
    assert kill_rule(0.03) == (334, 5)
    assert poisson.cdf(4, 10) < 0.05 < poisson.cdf(5, 10)
    assert kill_rule(0.5, events=4) == (8, 1)
