"""Scorecard, rfm, cohorts and repeat on large shops, beside plain pandas and openretailscience.

The peers do what rfm and cohorts do, each in its own usual way, on the same Parquet file.
"""

from __future__ import annotations

import sys
from itertools import pairwise

from benchmarks.measure import Row, environment, interleaved, middle, program
from benchmarks.shops import folder

SIZES = (1_000_000, 10_000_000, 100_000_000)
COMPARED = 10_000_000

OURS = "import sys, ecomops as eo\nfrom ecomops import customer, store\n"
FOUR = """
shop = eo.open(sys.argv[1])
store.scorecard(shop).table
customer.rfm(shop.orders).table
customer.cohorts(shop.orders).table
customer.repeat(shop.orders).table
"""
TWO = """
shop = eo.open(sys.argv[1])
customer.rfm(shop.orders).table
customer.cohorts(shop.orders).table
"""

# decimals become floats before pandas sees them: as objects they would cost it seconds
PANDAS = "import sys, pandas as pd, pyarrow as pa, pyarrow.parquet as pq\n"
PANDAS_TWO = """
columns = ["customer_id", "order_id", "paid_at", "paid_amount"]
arrow = pq.read_table(sys.argv[1] + "/orders.parquet", columns=columns)
money = arrow["paid_amount"].cast(pa.float64())
orders = arrow.set_column(3, "paid_amount", money).to_pandas().dropna()
last = orders["paid_at"].max().normalize()
people = orders.groupby("customer_id").agg(
    recency=("paid_at", "max"), frequency=("order_id", "nunique"), monetary=("paid_amount", "sum"))
people["recency"] = (last - people["recency"].dt.normalize()).dt.days
people["recency"] = -people["recency"]
for column in ("recency", "frequency", "monetary"):
    ranks = people[column].rank(method="average")
    people[column[0]] = pd.qcut(ranks, 5, labels=False, duplicates="drop")
people.groupby(["r", "f"]).agg(customers=("m", "size"), amount=("monetary", "sum"))
orders["month"] = orders["paid_at"].dt.to_period("M").dt.to_timestamp()
orders["cohort"] = orders.groupby("customer_id")["month"].transform("min")
orders["age"] = ((orders["month"].dt.year - orders["cohort"].dt.year) * 12
                 + orders["month"].dt.month - orders["cohort"].dt.month)
orders.pivot_table(index="cohort", columns="age", values="customer_id", aggfunc="nunique")
"""

PEER = """
import sys, warnings, ibis, ibis.backends.duckdb
from openretailscience.analysis.cohort import CohortAnalysis
from openretailscience.segmentation.rfm import RFMSegmentation
warnings.simplefilter("ignore")
"""
PEER_TWO = """
orders = ibis.duckdb.connect().read_parquet(sys.argv[1] + "/orders.parquet")
orders = orders.filter(orders.paid_at.notnull() & orders.customer_id.notnull()).select(
    "customer_id", transaction_date="paid_at", unit_spend="paid_amount", transaction_id="order_id")
rfm = RFMSegmentation(orders, current_date="2025-12-31", r_segments=5, f_segments=5, m_segments=5)
rfm.table.group_by("rfm_segment").agg(
    customers=rfm.table.count(), amount=rfm.table.monetary.sum()).execute()
CohortAnalysis(orders, "customer_id", percentage=True).df
"""
# what the machine and the engine do at best: one grouping of the same orders, by hand
ENGINE = "import sys, duckdb\n"
ENGINE_ONE = """
orders = duckdb.read_parquet(sys.argv[1] + "/orders.parquet")
sums = "customer_id, count(*), sum(paid_amount), min(paid_at), max(paid_at)"
orders.aggregate(sums, "customer_id").arrow().read_all()
"""
PEER_REQUIREMENTS = ("openretailscience==0.48.1", "duckdb>=1.4,<2", "sqlglot<30.18")


def main() -> list[Row]:
    """Return times and memory of the four, ratios of the two to the peers, and growth."""
    return [*compared(), *grown()]


def compared() -> list[Row]:
    """Return the four on 10 million lines, and rfm with cohorts beside the peers."""
    shop = str(folder(COMPARED))
    peer = environment("openretailscience", *PEER_REQUIREMENTS)
    runs = interleaved(
        {
            "four": (program(OURS, FOUR), sys.executable, shop),
            "two": (program(OURS, TWO), sys.executable, shop),
            "openretailscience": (program(PEER, PEER_TWO), peer, shop),
            "pandas": (program(PANDAS, PANDAS_TWO), sys.executable, shop),
            "engine": (program(ENGINE, ENGINE_ONE), sys.executable, shop),
        },
        times=3,
    )
    wall = {name: middle(of, "work_wall") for name, of in runs.items()}
    return [
        Row("scorecard + rfm + cohorts + repeat, 10 M lines", wall["four"], "s", 3),
        Row("  of which CPU", middle(runs["four"], "work_cpu"), "s"),
        Row("  with the interpreter's start and all imports", middle(runs["four"], "wall"), "s"),
        Row("  peak memory", middle(runs["four"], "peak_mb"), "MB", 1500),
        Row("one grouping by customer, DuckDB by hand", wall["engine"], "s"),
        Row("  the four / one grouping", wall["four"] / wall["engine"], "ratio"),
        Row("rfm + cohorts, 10 M lines", wall["two"], "s"),
        Row("  openretailscience 0.48.1", wall["openretailscience"], "s"),
        Row("  plain pandas", wall["pandas"], "s"),
        Row("  ours / openretailscience", wall["two"] / wall["openretailscience"], "ratio", 0.6),
        Row("  ours / pandas", wall["two"] / wall["pandas"], "ratio", 0.4),
        *(
            Row(f"  peak memory, {name}", middle(runs[name], "peak_mb"), "MB")
            for name in ("two", "openretailscience", "pandas")
        ),
    ]


def grown() -> list[Row]:
    """Return how the four grow from 1 to 10 to 100 million lines."""
    shops = {lines: str(folder(lines)) for lines in SIZES}
    code = program(OURS, FOUR)
    runs = interleaved(
        {f"{lines:,} lines": (code, sys.executable, shop) for lines, shop in shops.items()}, times=3
    )
    told = dict(zip(SIZES, runs.values(), strict=True))
    wall = {lines: middle(of, "work_wall") for lines, of in told.items()}
    rows = [Row(f"the four, {lines // 10**6} M lines", wall[lines], "s") for lines in SIZES]
    rows += [
        Row(
            f"  growth of time / growth of lines, {small // 10**6} to {large // 10**6} M",
            wall[large] / wall[small] / (large / small),
            "ratio",
            1,
        )
        for small, large in pairwise(SIZES)
    ]
    return [
        *rows,
        Row("  peak memory, 100 M lines", middle(told[SIZES[-1]], "peak_mb"), "MB", 6000),
    ]
