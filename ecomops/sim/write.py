"""Writing a synthetic shop as a folder of Parquet files: whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from json import JSONEncoder
from multiprocessing import get_context
from pathlib import Path
from signal import SIG_IGN, SIGINT, signal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ecomops.base.errors import UnsafeError
from ecomops.sim import ads, build, opinions, traffic, truth
from ecomops.sim.chunk import chunk, chunks
from ecomops.sim.effects import effects
from ecomops.sim.plan import Plan
from ecomops.sim.plan import plan as planned
from ecomops.sim.presets import chosen, possible
from ecomops.sim.world import World, stage

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from ecomops.sim.settings import Settings


def simulate(
    preset: str | Settings,
    out: Path | str,
    *,
    seed: int = 1,
    without: Collection[str] = (),
    customers: int | None = None,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write a synthetic shop to the folder `out`, and the truth about it to ``out/truth``.

    Parameters
    ----------
    preset, seed, without, customers
        As for `ecomops.sim.world`.
    out
        A folder that does not exist yet.
    workers
        Processes that share the chunks of a large shop; the files are the same for any number.
    progress
        Called with (steps done, steps in all) after each chunk of customers.

    The folder appears when everything is written; an error or Ctrl-C leaves nothing behind.
    Raises `UnsafeError` when `out` is there already or cannot be written, `OptionError` as `world`.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     shop = simulate("tiny", Path(folder) / "shop", customers=200)
    ...     sorted(p.name for p in shop.iterdir())[:3]
    ['ad_reports.parquet', 'campaigns.parquet', 'customers.parquet']
    """
    plan = planned(chosen(preset, customers), seed).without(without)
    possible(int, workers, "workers", (1, 256))
    target = Path(out)
    if target.exists():
        raise UnsafeError("sim_out_exists", path=str(target))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        raise UnsafeError("sim_out_unwritable", path=str(target), reason=str(error)) from error
    try:
        (scratch / "truth").mkdir()
        shop_toml(plan, scratch)
        write = _whole if build.needs_all(plan) else _streamed
        write(plan, scratch, workers, progress or (lambda *_: None))
        scratch.chmod(0o755)
        scratch.rename(target)
    except BaseException as error:
        shutil.rmtree(scratch, ignore_errors=True)
        if isinstance(error, OSError):  # the disk is full, say
            raise UnsafeError("sim_out_unwritable", path=str(target), reason=str(error)) from error
        raise
    return target


def _whole(plan: Plan, folder: Path, workers: int, progress: Callable[[int, int], None]) -> None:
    """Write a shop whose tables are made in memory."""
    del workers
    count = len(chunks(plan))
    world = World(plan)
    scenes = []
    for number in range(count):
        scenes.append(stage(plan, chunk(plan, number)))
        progress(number + 1, count + 2)
    vars(world)["scenes"] = scenes
    for name, table in world.tables.items():
        parquet(table, folder / f"{name}.parquet")
    progress(count + 1, count + 2)
    for name, table in world.truth.items():
        parquet(table, folder / "truth" / f"{name}.parquet")
    progress(count + 2, count + 2)


def _streamed(plan: Plan, folder: Path, workers: int, progress: Callable[[int, int], None]) -> None:
    """Write a shop chunk by chunk; memory does not grow with the number of chunks."""
    total = len(chunks(plan))
    writers: dict[str, pq.ParquetWriter] = {}
    daily: Mapping[str, Any] = {}
    whole: dict[str, pa.Table] = {}
    try:
        for done, made in enumerate(_made(plan, total, workers), start=1):
            for name, table in ((n, t) for n, t in made["tables"].items() if len(t)):
                if name not in writers:
                    writers[name] = _writer(folder / f"{name}.parquet", table.schema)
                writers[name].write_table(table, row_group_size=1 << 20)
            daily = traffic.add([daily, made["daily"]]) if daily else made["daily"]
            whole = {n: _added(whole[n], t) if n in whole else t for n, t in made["whole"].items()}
            made.clear()  # while the next chunk is made
            progress(done, total)
    finally:
        for writer in writers.values():
            writer.close()
    _finish(plan, folder, daily, whole)


def _finish(
    plan: Plan, folder: Path, daily: Mapping[str, Any], whole: Mapping[str, pa.Table]
) -> None:
    """Write the tables of the shop as a whole."""
    made = {name: make(plan) for name, make in build.WHOLE.items()}
    made["traffic_daily"] = traffic.traffic_daily(plan, daily)
    made["ad_reports"] = ads.ad_reports(plan, daily)
    made |= {
        **whole,
        "truth/params": truth.params(plan),
        "truth/daily": truth.daily(plan),
        "truth/sku": truth.sku(plan),
        "truth/incidents": truth.incidents(plan),
        "truth/promo": truth.promo(plan, whole["truth/interventions"]),
    }
    for name, table in made.items():
        if len(table):
            parquet(table, folder / f"{name}.parquet")


def _made(plan: Plan, total: int, workers: int) -> Iterator[dict[str, Any]]:
    """Yield what each chunk gives, in order, with a bounded number of them under way."""
    on = tuple(key for key in plan.index if not plan.on(key))
    tasks = [(plan.settings, plan.seed, on, number) for number in range(total)]
    if workers <= 1:
        yield from (_task(*task) for task in tasks)
        return
    pool = ProcessPoolExecutor(
        workers, get_context("spawn"), initializer=signal, initargs=(SIGINT, SIG_IGN)
    )
    try:
        waiting = deque(pool.submit(_task, *task) for task in tasks[: 2 * workers])
        for task in [*tasks[2 * workers :], *[None] * len(waiting)]:
            yield waiting.popleft().result()
            if task:
                waiting.append(pool.submit(_task, *task))
    finally:
        pool.shutdown(cancel_futures=True)


@cache
def _plan(settings: Settings, seed: int, off: tuple[str, ...]) -> Plan:
    return planned(settings, seed).without(off)


def _task(settings: Settings, seed: int, off: tuple[str, ...], number: int) -> dict[str, Any]:
    """Return the tables, daily sums and effects of one chunk."""
    plan = _plan(settings, seed, off)
    scene = stage(plan, chunk(plan, number))
    causes = effects(plan, scene.part, scene.sale)
    tables = {name: make(scene) for name, make in build.EACH.items()}
    tables["truth/customers"] = truth.customers(scene)
    tables["truth/orders"] = truth.order_causes(scene, causes)
    tables["truth/reviews"] = opinions.labels(scene)
    return {
        "tables": tables,
        "daily": traffic.sums(scene),
        "whole": {
            "truth/interventions": truth.interventions(plan, [scene], [causes]),
            "truth/channel": truth.channel(plan, [scene]),
        },
    }


def _added(total: pa.Table, part: pa.Table) -> pa.Table:
    """Return two tables of the same rows with their counts and money added up."""
    for place, (name, kind) in enumerate(zip(total.schema.names, total.schema.types, strict=True)):
        if pa.types.is_integer(kind) or pa.types.is_decimal(kind):
            both = pc.add(total[name], part[name]).cast(kind)
            total = total.set_column(place, name, both)
    return total


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    return pq.ParquetWriter(path, schema, compression="zstd", compression_level=3)


def parquet(table: pa.Table, path: Path) -> None:
    """Write a table as Parquet; the same table gives the same bytes."""
    pq.write_table(table, path, compression="zstd", compression_level=9)


def shop_toml(plan: Plan, folder: Path) -> None:
    """Write ``shop.toml``: names, currency, zone, language, platform and English names."""
    store = plan.settings.store
    rows = {
        "name": store.name_zh, "name_zh": store.name_zh, "name_en": store.name_en,
        "currency": store.currency, "timezone": store.timezone, "lang": "zh",
        "platform": store.platform,
    }  # fmt: skip
    english = plan.english.items()
    quoted = JSONEncoder(ensure_ascii=False).encode  # TOML escapes in the same way
    text = "".join(f"{key} = {quoted(value)}\n" for key, value in rows.items())
    text += "\n[english]\n" + "".join(f"{quoted(a)} = {quoted(b)}\n" for a, b in english)
    (folder / "shop.toml").write_text(text, encoding="utf-8")
