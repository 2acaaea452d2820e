"""Write the demo shop again, the same bytes for ever: ``python datasets/demo.py [folder]``."""

from __future__ import annotations

import sys
from itertools import product
from pathlib import Path

from ecomops.sim import world, write

SEED = 20251216
# what pages in English call this shop's campaigns
AIMS = {
    "日常": "always on",
    "新品": "new arrivals",
    "爆款": "best sellers",
    "拉新": "new customers",
}
PAID = {
    "直通车": "Paid search",
    "再营销": "Retargeting",
    "淘宝客": "Affiliates",
    "直播": "Live shopping",
    "短视频": "Short video",
}


def main(folder: Path) -> None:
    """Write the demo shop to `folder`: one Parquet file per table, and ``shop.toml``."""
    folder.mkdir(parents=True, exist_ok=True)
    made = world("demo", seed=SEED)
    write.shop_toml(made.plan, folder)
    campaigns = {p + a: f"{PAID[p]}: {AIMS[a]}" for p, a in product(PAID, AIMS)}
    with (folder / "shop.toml").open("a", encoding="utf-8") as settings:
        settings.writelines(f'"{zh}" = "{en}"\n' for zh, en in campaigns.items())
    for name, table in made.tables.items():
        write.parquet(table, folder / f"{name}.parquet")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parent / "demo")
