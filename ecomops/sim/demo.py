"""The embedded demo shop: ``python -m ecomops.sim.demo [folder]`` writes it again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ecomops.sim import write
from ecomops.sim.presets import preset
from ecomops.sim.world import world

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

SEED = 20251209


def tables() -> Mapping[str, pa.Table]:
    """Return the demo shop's canonical tables, the same for ever.

    >>> tables()["stores"]["currency"].to_pylist()
    ['CNY']
    """
    return world("demo", seed=SEED).tables


def main(folder: Path) -> None:
    """Write the demo shop to `folder`: one Parquet file per table, and ``shop.toml``."""
    folder.mkdir(parents=True, exist_ok=True)
    write.shop_toml(preset("demo"), folder)
    for name, table in tables().items():
        write.parquet(table, folder / f"{name}.parquet")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "datasets/demo"))
