"""The embedded demo shop: ``python -m ecomops.sim.demo [folder]`` writes it again."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

from typing import TYPE_CHECKING

from ecomops.sim import write
from ecomops.sim.plan import plan
from ecomops.sim.settings import Channel, Promotion, Settings
from ecomops.sim.world import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

SEED = 20251209

CHANNELS = (
    Channel("手淘搜索", "Taobao search", paid=False, mix=0.30, again=0.30, conversion=0.036, reach=-0.7, intent=0.9, stage=0.78),
    Channel("手淘推荐", "Taobao feed", paid=False, mix=0.22, again=0.14, conversion=0.017, reach=-0.3, intent=0.1, stage=0.22),
    Channel("我的淘宝", "My Taobao", paid=False, mix=0.04, again=0.26, conversion=0.075, reach=-2.3, intent=1.1, stage=0.86),
    Channel("直通车", "Paid search", paid=True, mix=0.15, again=0.09, conversion=0.030, caused=0.05, reach=-1.3, intent=0.7, stage=0.66, effect=0.011, touch_cost=1.45, holdout=0.2),
    Channel("再营销", "Retargeting", paid=True, mix=0.05, again=0.08, conversion=0.040, reach=-1.9, intent=1.5, stage=0.95, touch_cost=1.20, holdout=0.2),
    Channel("淘宝客", "Affiliates", paid=True, mix=0.06, again=0.05, conversion=0.034, caused=0.012, reach=-1.9, intent=0.4, stage=0.72, effect=0.006, touch_cost=0.60, holdout=0.2),
    Channel("直播", "Live shopping", paid=True, mix=0.10, again=0.05, conversion=0.028, caused=0.06, reach=-1.0, intent=-0.3, stage=0.50, effect=0.125, touch_cost=0.80, holdout=0.2),
    Channel("短视频", "Short video", paid=True, mix=0.08, again=0.03, conversion=0.012, caused=0.02, reach=-0.9, intent=0.0, stage=0.12, effect=0.009, touch_cost=0.45, holdout=0.2),
)  # fmt: skip


def _promotions(year: int) -> tuple[Promotion, ...]:
    big = {"platform_min": 30_000, "platform_off": 4_000}
    rows = (
        Promotion(date(year, 3, 8), "38 女王节", -3, 0, 0.08, arrivals=0.003, extra=5, pulled=0.12, waited=0.06),
        Promotion(date(year, 6, 18), "618", -3, 0, 0.12, **big, arrivals=0.010, extra=9, pulled=0.18, waited=0.12),
        Promotion(date(year, 9, 9), "99 大促", -1, 1, 0.08, arrivals=0.003, extra=4, pulled=0.10, waited=0.05),
        Promotion(date(year, 11, 11), "双11", -2, 0, 0.15, **big, arrivals=0.016, extra=14, pulled=0.22, waited=0.16),
        Promotion(date(year, 12, 12), "双12", -1, 0, 0.10, arrivals=0.005, extra=5, pulled=0.12, waited=0.06),
    )  # fmt: skip
    return rows


def settings() -> Settings:
    """Return the demo shop's settings."""
    last = Settings().store.end
    promotions = [p for year in (2024, 2025) for p in _promotions(year) if p.day <= last]
    return Settings(promotions=tuple(promotions), channels=CHANNELS)


def tables() -> Mapping[str, pa.Table]:
    """Return the demo shop's canonical tables, the same for ever.

    >>> tables()["stores"]["currency"].to_pylist()
    ['CNY']
    """
    return canonical(plan(settings(), SEED))


def main(folder: Path) -> None:
    """Write the demo shop to `folder`: one Parquet file per table, and ``shop.toml``."""
    folder.mkdir(parents=True, exist_ok=True)
    write.shop_toml(settings(), folder)
    for name, table in tables().items():
        write.parquet(table, folder / f"{name}.parquet")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "datasets/demo"))
