"""Shops of any size as folders of Parquet, made by the engine from hashed row numbers."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import duckdb

from benchmarks.measure import CACHE, say

if TYPE_CHECKING:
    from pathlib import Path

SEED = 20260101
LINES_PER_ORDER = 1.8
DAYS = 1096
PRODUCTS = 20_000

# u(i, k): a number in [0, 1) that depends on the row, the column and the seed alone
UNIFORM = f"CREATE MACRO u(i, k) AS (hash(i * 64 + k, {SEED}) >> 11) / 9007199254740992.0"

ORDERS = """
SELECT 'o' || lpad(i::text, 10, '0') AS order_id,
  CASE WHEN u(i, 1) < 0.03 THEN NULL
       ELSE 'c' || lpad(floor({customers} * pow(u(i, 2), 1.6))::bigint::text, 9, '0') END
    AS customer_id,
  created_at, CASE WHEN u(i, 3) < 0.06 THEN NULL ELSE created_at + INTERVAL 4 MINUTE END AS paid_at,
  CASE WHEN u(i, 3) < 0.06 THEN 'closed_unpaid' ELSE 'completed' END AS order_status,
  'CNY' AS currency,
  (20 + 400 * pow(u(i, 4), 3))::decimal(18, 2) AS paid_amount,
  (CASE WHEN u(i, 5) < 0.1 THEN 20 ELSE 0 END)::decimal(18, 2) AS refund_amount
FROM (SELECT range AS i, TIMESTAMP '2023-01-01' + INTERVAL (floor(
  {days} * 86400 * pow(range / {orders}, 0.8))) SECOND AS created_at FROM range({orders}))
"""

LINES = """
SELECT 'o' || lpad(o::text, 10, '0') AS order_id,
  'l' || lpad(i::text, 10, '0') AS order_line_id,
  'p' || floor({products} * pow(u(i, 6), 2.5))::bigint AS product_id,
  1 + (u(i, 7) < 0.1)::bigint AS quantity,
  (10 + 200 * pow(u(i, 8), 3))::decimal(18, 4) AS unit_price,
  (10 + 200 * pow(u(i, 8), 3))::decimal(18, 2) AS line_paid_amount
FROM (SELECT range AS i, least(floor(range / {lines} * {orders})::bigint, {orders} - 1) AS o
      FROM range({lines}))
"""

TRAFFIC = """
SELECT (DATE '2023-01-01' + range::int) AS date, 'shop' AS level, 'all' AS device,
  (2 * {orders} / {days} / 0.06)::bigint AS visitors
FROM range({days})
"""


def folder(lines: int) -> Path:
    """Return a shop folder with `lines` order lines, made on first use.

    Tables: orders (one row per order, 3 % guests, 6 % never paid), order_lines, traffic_daily.
    """
    path = CACHE / "shops" / f"{lines}-{SEED}"
    if path.is_dir():
        return path
    half_made = path.with_suffix(".part")
    shutil.rmtree(half_made, ignore_errors=True)
    half_made.mkdir(parents=True)
    orders = int(lines / LINES_PER_ORDER)
    sizes = {"lines": lines, "orders": orders, "customers": lines // 6, "days": DAYS}
    with duckdb.connect(config={"memory_limit": "4GB", "preserve_insertion_order": True}) as con:
        con.execute(UNIFORM)
        for name, query in {
            "orders": ORDERS,
            "order_lines": LINES,
            "traffic_daily": TRAFFIC,
        }.items():
            say(f"making {name} of a shop with {lines:,} order lines")
            target = f"'{half_made / name}.parquet' (FORMAT parquet, COMPRESSION zstd)"
            con.execute(f"COPY ({query.format(**sizes, products=PRODUCTS)}) TO {target}")
    settings = 'name = "bench"\ncurrency = "CNY"\ntimezone = "Asia/Shanghai"\n'
    (half_made / "shop.toml").write_text(settings, encoding="utf-8")
    half_made.rename(path)
    return path
