"""Equal tables on pandas, polars, DuckDB and Spark, for every analysis of customers."""

from __future__ import annotations

import pandas as pd
import pytest

from ecomops.base.errors import OptionError
from ecomops.customer import cohorts, repeat, rfm

# DuckDB on an in-memory Arrow table is the reference that each engine must equal.
CASES = {
    "rfm": lambda o: rfm(o).table,
    "rfm eight": lambda o: rfm(o, preset="eight").table,
    "rfm shopify in ten": lambda o: rfm(o, preset="shopify", bins=10).table,
    "rfm thresholds": lambda o: rfm(o, thresholds={"recency": (30, 60, 90, 180)}).table,
    "rfm customers": lambda o: scores(rfm(o)),
    "rfm migration": lambda o: rfm(o).migration(rfm(o, as_of="2024-07-31")),
    "cohorts": lambda o: cohorts(o).table,
    "cohorts by quarter and channel": lambda o: (
        cohorts(o, period="quarter", by="source_channel").table
    ),
    "cohorts by week": lambda o: cohorts(o, period="week").table,
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


@pytest.fixture
def reference(mixed):
    return {name: made(mixed) for name, made in CASES.items()}


def test_every_engine_gives_the_same_tables(table, mixed, reference):
    orders = table(mixed)
    for name, made in CASES.items():
        pd.testing.assert_frame_equal(
            made(orders), reference[name], check_dtype=False, rtol=1e-12, obj=name
        )


def test_presets_cannot_be_mixed_in_a_migration(mixed):
    with pytest.raises(OptionError, match="different segments"):
        rfm(mixed).migration(rfm(mixed, preset="eight"))
