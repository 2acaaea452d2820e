"""Write the demo shop again, the same bytes for ever: ``python datasets/demo.py [folder]``."""

from __future__ import annotations

import sys
from pathlib import Path

from ecomops.sim import preset, world, write

SEED = 20251209


def main(folder: Path) -> None:
    """Write the demo shop to `folder`: one Parquet file per table, and ``shop.toml``."""
    folder.mkdir(parents=True, exist_ok=True)
    write.shop_toml(preset("demo"), folder)
    for name, table in world("demo", seed=SEED).tables.items():
        write.parquet(table, folder / f"{name}.parquet")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parent / "demo")
