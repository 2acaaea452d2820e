"""Two arms compared against published cases of GrowthBook's statistics engine (MIT).

Source: `oracles/ab/gbstats_cases.json`, from growthbook/packages/stats/tests.
"""

from __future__ import annotations

import json

import pytest

from ecomops.maths.strata import difference


@pytest.fixture(scope="module")
def cases(shared):
    text = (shared / "oracles/ab/gbstats_cases.json").read_text(encoding="utf-8")
    return {case["test"]: case for case in json.loads(text)["cases"]}


@pytest.mark.parametrize("split", [1, 2, 3])
def test_the_difference_of_means_and_its_error_are_those_of_the_t_test(cases, split):
    """Truth: effect and standard error of Welch's test; cells of one stratum add up to an arm."""
    arms = cases["two-sided t relative"]  # the absolute case has the same arms
    cells = [
        [arm[key] / split for key in ("n", "sum", "sum_squares")]
        for arm in (arms["b"], arms["a"])
        for _ in range(split)
    ]
    n, total, squares = zip(*cells, strict=True)
    treated = [1] * split + [0] * split
    found = difference(n, total, squares, treated, ["all"] * len(treated))
    truth = cases["two-sided t absolute"]["expected"]
    assert found.value == pytest.approx(truth["effect"], abs=5e-6)
    assert found.error == pytest.approx(truth["se"], abs=5e-6)
    low, high = found.value - 1.96 * found.error, found.value + 1.96 * found.error
    assert [low, high] == pytest.approx(truth["ci"], abs=1e-3)
