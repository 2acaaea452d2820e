"""How fast synthetic shops are made: orders and lines, all modules, and memory by size."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measure import ROOT, Row
from ecomops.sim import preset, tables, world
from ecomops.sim.chunk import chunk
from ecomops.sim.fulfilment import fulfil
from ecomops.sim.plan import plan
from ecomops.sim.selling import sell

MILLION = 1_000_000
PEAK = """
import resource, sys
from ecomops.sim import simulate
if __name__ == "__main__":
    simulate("bench", sys.argv[1], customers=int(sys.argv[2]))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def orders_and_lines(chunks: int = 6) -> float:
    """Return CPU seconds per million orders: draws, money, fate, both canonical Arrow tables."""
    shared = plan(preset("bench"), 1)
    best, made = float("inf"), 0
    for number in range(chunks):
        start = time.process_time()
        part = chunk(shared, number)
        sale = sell(shared, part)
        scene = tables.Scene(shared, part, sale, fulfil(shared, part, sale), part.orders.source)
        made = len(tables.orders(scene))
        tables.order_lines(scene)
        best = min(best, (time.process_time() - start) / made * MILLION)
    return best


def all_modules(worlds: int = 3) -> float:
    """Return CPU seconds per million orders of the preset in which every module is on.

    The best of some worlds, as of some chunks above: the first also pays for touching memory.
    """
    best = float("inf")
    for seed in range(1, worlds + 1):
        start = time.process_time()
        count = len(world("course", seed=seed).tables["orders"])
        best = min(best, (time.process_time() - start) / count * MILLION)
    return best


def peak(customers: int) -> float:
    """Return the most memory, in MB, that writing a shop of so many customers takes."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", PEAK, str(Path(folder) / "shop"), str(customers)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def main() -> list[Row]:
    """Return seconds per million orders, and memory; ECOMOPS_HUGE=1 writes 100 million orders."""
    small, large = peak(400_000), peak(1_600_000)
    rows = [
        Row("orders and lines, CPU per million orders", orders_and_lines(), "s", 1.0),
        Row("all modules, CPU per million orders", all_modules(), "s", 10.0),
        Row("memory, 0.7 million orders", small, "MB"),
        Row("memory, 2.9 million orders", large, "MB", 3000),
        Row("memory, 4 x the orders", large / small, "ratio", 1.3),
    ]
    if os.environ.get("ECOMOPS_HUGE"):
        rows.append(Row("memory, 100 million orders", peak(56_000_000), "MB", 3000))
    return rows
