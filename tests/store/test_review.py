"""store.review: what came true, and whether our own intervals were honest."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from ecomops.base.errors import DataError
from ecomops.store.review import review

Z = norm.ppf(0.95)


def outcome(mid=100.0, half=50.0, realised=np.nan, error=20.0, n=0):
    return {
        "analysis": "channel.attribution", "code": "price", "subject": f"channel:{n}",
        "change": '{"channel": "A", "cut": 0.5, "amount": 9, "to": null, "risk": 1}',
        "low": mid - half, "mid": mid, "high": mid + half, "decided_on": "2025-11-01",
        "due_on": "2025-12-01", "realised": realised, "realised_low": realised - error,
        "realised_high": realised + error, "method": "holdout",
    }  # fmt: skip


def reviewed(*rows, **options):
    return review(pd.DataFrame(rows), **options)


def test_what_came_true_is_counted_with_the_error_of_measuring():
    """By hand: half widths 50 and 20 allow √2900 = 53.85 in all."""
    result = reviewed(
        outcome(realised=153.8, n=1), outcome(realised=153.9, n=2), outcome(realised=46.2, n=3)
    )
    came = result.table.set_index("subject")["came"]
    assert (came["channel:1"], came["channel:2"], came["channel:3"]) == (True, False, True)
    assert (result.params["came"], result.params["measured"]) == (2, 3)


def test_honest_intervals_pass_and_narrow_ones_are_named():
    """Truth: 300 actions whose truths are drawn from the stated or from wider intervals."""
    random = np.random.default_rng(11)
    for factor, narrow in ((1.0, False), (2.5, True)):
        truth = 100 + random.standard_normal(300) * factor * 50 / Z
        seen = truth + random.standard_normal(300) * 20 / Z
        result = reviewed(*(outcome(realised=r, n=i) for i, r in enumerate(seen)))
        assert ("narrow" in [f.code for f in result.findings()]) == narrow
        assert (abs(result.params["share"] - 0.9) < 0.05) != narrow


def test_the_measurements_error_alone_does_not_look_like_failure():
    """The naive count (realised inside the expected interval) blames a noisy measurement."""
    random = np.random.default_rng(3)
    truth = 100 + random.standard_normal(300) * 10 / Z
    seen = truth + random.standard_normal(300) * 40 / Z
    result = reviewed(*(outcome(half=10, realised=r, error=40, n=i) for i, r in enumerate(seen)))
    naive = np.mean(np.abs(seen - 100) <= 10)
    assert naive < 0.4
    assert result.params["share"] > 0.86


def test_sums_compare_expected_with_realised():
    result = reviewed(outcome(realised=30, error=10, n=1), outcome(realised=20, error=10, n=2))
    assert result.params["expected"][1] == pytest.approx(200, abs=3)
    low, got, high = result.params["realised"]
    assert (got, high - low) == (pytest.approx(50, abs=1), pytest.approx(20 * 2**0.5, rel=0.05))
    assert "less" in [f.code for f in result.findings()]


def test_what_is_not_measured_is_missing_and_due_in_time():
    rows = [outcome(n=1), outcome(n=2) | {"due_on": "2026-01-01"}]
    result = reviewed(*rows, as_of=date(2025, 12, 1))
    assert result.table["came"].isna().all()
    assert [f.code for f in result.findings()] == ["waiting", "due"]
    assert result.params["due"] == 1
    assert reviewed(*rows).params["due"] == 0
    assert result.plot() is not None


def test_what_was_measured_without_an_expectation_is_no_verdict():
    """By hand: advice to test first states no value, so that nothing can come true or fail."""
    bare = dict.fromkeys(("low", "mid", "high"), np.nan)
    result = reviewed(outcome(realised=90, n=1), outcome(realised=9, n=2) | bare)
    assert result.params["measured"] == result.params["unexpected"] == 1
    assert result.table["came"].tolist() == [True, None]
    assert [f.code for f in result.findings()] == ["came", "sums", "unexpected"]
    alone = reviewed(outcome(realised=9) | bare)
    assert [f.code for f in alone.findings()] == ["unexpected"]
    assert result.plot() is not None


def test_what_cannot_be_measured_stands_there_with_its_reason():
    rows = [outcome(n=1) | {"reason": "not_done"}, outcome(n=2) | {"reason": None}]
    result = reviewed(*rows, as_of=date(2026, 1, 1))
    assert (result.params["refused"], result.params["due"]) == (1, 1)
    texts = [text.get_text() for text in result.plot().texts][1::2]
    assert [("no such change" in text, "not measured yet" in text) for text in texts] == [
        (True, False), (False, True),
    ]  # fmt: skip


def test_an_empty_ledger_locks_the_review_and_wrong_columns_are_named():
    assert review(pd.DataFrame()).locked
    assert "要" in review(pd.DataFrame(), lang="zh")._repr_html_()
    with pytest.raises(DataError, match="realised"):
        review(pd.DataFrame({"analysis": ["x"]}))


def test_it_speaks_both_languages():
    result = reviewed(outcome(realised=90), outcome(n=2))
    for lang in ("zh", "en"):
        html = result.in_language(lang)._repr_html_()
        assert "channel.attribution.price" not in html
    assert "2025-12-01" in result._repr_html_()


@given(st.lists(st.floats(-1e5, 1e5), min_size=1, max_size=9), st.randoms())
def test_order_does_not_matter(values, random):
    rows = [outcome(realised=v, n=i) for i, v in enumerate(values)]
    one, other = reviewed(*rows), reviewed(*random.sample(rows, len(rows)))
    pd.testing.assert_frame_equal(one.table, other.table)
    assert one.params["came"] <= one.params["measured"] == len(rows)
