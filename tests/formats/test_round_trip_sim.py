"""A simulated shop, written in the layouts of platforms and loaded again: the same tables.

Truth: the simulator's own tables, in every column that the layout holds.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest

from ecomops.sim import world
from tests.formats.test_round_trip import ORDERS, compare, round_trip, suffix_of

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

# Pinduoduo's ids begin with the day; Shopify and UCI have words of their own, tested beside.
HELD = [f for f in ORDERS if not f.startswith(("pdd", "shopify", "uci"))]


@cache
def shop() -> dict[str, pd.DataFrame]:
    """Return orders and lines of a small simulated shop."""
    made = world("tiny", seed=1, customers=150).tables
    return {name: made[name].to_pandas() for name in ("orders", "order_lines")}


@pytest.mark.parametrize("fid", HELD)
def test_a_simulated_shop_survives(fid: str, tmp_path: Path) -> None:
    frames = shop()
    got = round_trip(fid, frames, tmp_path, suffix_of(fid))
    compare(fid, "orders", frames["orders"], got["orders"], ["order_id"])
    compare(fid, "order_lines", frames["order_lines"], got["order_lines"], ["order_line_id"])
