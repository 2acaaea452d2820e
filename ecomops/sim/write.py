"""Writing a synthetic shop as a folder of Parquet files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from ecomops.sim.catalogue import vocabulary

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from ecomops.sim.settings import Settings


def parquet(table: pa.Table, path: Path) -> None:
    """Write a table as Parquet; the same table gives the same bytes."""
    pq.write_table(table, path, compression="zstd", compression_level=9)


def shop_toml(settings: Settings, folder: Path) -> None:
    """Write ``shop.toml``: names, currency, zone, language, platform and English names."""
    store = settings.store
    rows = {
        "name": store.name_zh,
        "name_zh": store.name_zh,
        "name_en": store.name_en,
        "currency": store.currency,
        "timezone": store.timezone,
        "lang": "zh",
        "platform": store.platform,
    }
    english = {c.name: c.name_en for c in settings.channels}
    english |= {kind["zh"]: kind["en"] for kind in vocabulary()["category"]}
    text = "".join(f'{key} = "{value}"\n' for key, value in rows.items())
    text += "\n[english]\n" + "".join(f'"{zh}" = "{en}"\n' for zh, en in english.items())
    (folder / "shop.toml").write_text(text, encoding="utf-8")
