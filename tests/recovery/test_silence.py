"""Where nothing has any effect no analysis gives advice that is worth money.

Every public analysis is found by itself, so that a new one cannot be forgotten. Those that can
give an action a value are run on twenty shops; the others, whose actions have none, on two.
``python -m benchmarks.recovery silence --reps 200`` runs all of them on more.
"""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.methods import METHODS, silence
from benchmarks.methods.common import emitted

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("silence")]
REPS, FEW, CUSTOMERS = 20, 2, 2_000
ANALYSES = silence.analyses()
VALUED = [name for name in ANALYSES if silence.speaks(name)]
SILENT = [name for name in ANALYSES if name not in VALUED]


def results(analysis, reps):
    return [silence.result(analysis, CUSTOMERS, seed) for seed in range(1, reps + 1)]


@pytest.mark.parametrize("analysis", VALUED)
def test_nothing_is_made_of_nothing(analysis):
    """Truth: a world in which nothing has any effect: no action is emitted in 95 %."""
    assert np.mean([emitted(result) == 0 for result in results(analysis, REPS)]) >= 0.95


@pytest.mark.parametrize("analysis", SILENT)
def test_advice_that_has_no_value_is_never_emitted(analysis):
    """Only a value whose 5 % quantile is above 0 lets an action out."""
    proposed = [a for r in results(analysis, FEW) if not r.locked for a in r.propose()]
    assert [a for a in proposed if a.emitted or a.value] == []


def test_the_shops_have_what_the_analyses_need():
    """The silence is a decision: most of those that could speak have looked at data."""
    open_ = {name for name in VALUED if not results(name, 1)[0].locked}
    assert open_ >= {
        "product.inventory", "product.price", "channel.attribution", "channel.guardrails",
        "customer.activation", "customer.targeting", "customer.winback",
    }  # fmt: skip


@pytest.mark.parametrize("method", [m for m in METHODS if "no_effect" in METHODS[m].presets])
def test_methods_of_the_harness_name_public_analyses(method):
    assert method == "silence" or method in {name.partition(".")[2] for name in ANALYSES}
