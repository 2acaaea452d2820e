"""Equal tables on pandas, polars, DuckDB and Spark, for every analysis of customers."""

from __future__ import annotations

from functools import cache

import pandas as pd
import pytest

from ecomops.customer import cohorts, repeat, rfm

CASES = {
    "rfm": lambda o: rfm(o).table,
    "rfm eight": lambda o: rfm(o, preset="eight").table,
    "rfm shopify in ten": lambda o: rfm(o, preset="shopify", bins=10).table,
    "rfm thresholds": lambda o: rfm(o, thresholds={"recency": (30, 60, 90, 180)}).table,
    "rfm customers": lambda o: scores(rfm(o)),
    "rfm migration": lambda o: rfm(o).migration(rfm(o, as_of="2024-07-31")),
    "cohorts": lambda o: cohorts(o).table,
    "cohorts by channel": lambda o: cohorts(o, period="quarter", by="source_channel").table,
    "cohorts rolling": lambda o: cohorts(o, window="rolling", value="orders").table,
    "cohorts revenue": lambda o: cohorts(o, value="revenue", period="week").table,
    "cohorts aov": lambda o: cohorts(o, value="aov").table,
    "cohorts ltv": lambda o: cohorts(o, value="ltv").table,
    "repeat": lambda o: repeat(o).table,
    "repeat rates": lambda o: repeat(o).rates,
    "repeat any": lambda o: repeat(o, after="any").table,
}


def scores(made):
    rows = made.customers.order_by("customer_id").to_pandas()
    return rows.assign(monetary=rows["monetary"].astype(float))


@pytest.fixture(scope="module")
def reference(mixed):
    """Return each case on an Arrow table in memory, which every engine must equal."""
    return cache(lambda case: CASES[case](mixed))


@pytest.mark.parametrize("case", CASES)
def test_every_engine_gives_the_same_table(case, table, mixed, reference):
    made = CASES[case](table(mixed))
    pd.testing.assert_frame_equal(made, reference(case), check_dtype=False, rtol=1e-12)
