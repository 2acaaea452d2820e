"""Fixtures: one table in every engine, the shared real data, the demo shop, a run of a notebook."""

from __future__ import annotations

import gc
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from tests.needs import absent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd
    import pyarrow as pa

    Columns = Mapping[str, Sequence[Any]] | pd.DataFrame | pa.Table

ROOT = Path(__file__).parent.parent

os.environ["TZ"] = "America/St_Johns"  # no test may lean on the machine's time zone
if hasattr(time, "tzset"):
    time.tzset()
hypothesis.settings.register_profile(
    "ecomops",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
hypothesis.settings.load_profile("ecomops")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Keep Spark, the browser and each module of repeated worlds on one worker.

    What they share is dear: a session of Spark, the pages of the demo shop, a hundred shops.
    """
    for name in ("spark", "browser"):
        if item.get_closest_marker(name):
            item.add_marker(pytest.mark.xdist_group(name))
            return
    if item.path.parent.name == "recovery" and not item.get_closest_marker("xdist_group"):
        item.add_marker(pytest.mark.xdist_group(item.path.stem))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Let rubbish wait: expressions are made of many small parts, and memory is large.

    Stop where xdist does not see the groups: every worker would make everything again.
    """
    gc.freeze()  # what stays anyway need not be looked through again and again
    gc.set_threshold(100_000, 50, 100)
    grouped = [i.nodeid for i in session.items if i.get_closest_marker("xdist_group")]
    if getattr(session.config.option, "loadgroup", False):
        assert all("@" in name for name in grouped), "this pytest-xdist loses groups: see pyproject"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of real data and oracles, which is not part of the repository."""
    folder = Path(os.environ.get("ECOMOPS_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip("the shared data is absent: name its folder in ECOMOPS_SHARED")
    return folder


@pytest.fixture(scope="session")
def demo() -> Any:
    """Return the demo shop, opened once."""
    import ecomops as eo

    return eo.open("demo")


def as_arrow(columns: Columns) -> pa.Table:
    """Return `columns` (a dict of lists, a pandas frame or an Arrow table) as an Arrow table."""
    import pandas as pd
    import pyarrow as pa

    if isinstance(columns, pd.DataFrame):
        return pa.Table.from_pandas(columns, preserve_index=False)
    return columns if isinstance(columns, pa.Table) else pa.table(columns)


def as_pandas(arrow: pa.Table, folder: Path) -> Any:
    return arrow.to_pandas()


def as_polars(arrow: pa.Table, folder: Path) -> Any:
    import polars as pl

    return pl.from_arrow(arrow)


def as_duckdb(arrow: pa.Table, folder: Path) -> Any:
    return duckdb_file(folder / f"{folder.name}.duckdb").create_table(f"t{next(COUNTER)}", arrow)


@cache
def duckdb_file(path: Path) -> Any:
    """Return one connection per test, so that its tables can be joined."""
    import ibis

    return ibis.duckdb.connect(path)


def as_spark(arrow: pa.Table, folder: Path) -> Any:
    """Return the table through Parquet: time stamps stay without a zone, money stays decimal."""
    import pyarrow.parquet as pq

    name = f"t{next(COUNTER)}"
    pq.write_table(arrow, folder / f"{name}.parquet")
    return spark_backend().read_parquet(folder / f"{name}.parquet", table_name=name)


COUNTER = itertools.count()
ENGINES = {"pandas": as_pandas, "polars": as_polars, "duckdb": as_duckdb, "spark": as_spark}


@cache
def spark_backend() -> Any:
    """Return one ibis backend on Spark in local mode; started once per worker, on first use."""
    if not shutil.which("java"):
        absent("Spark needs Java: install openjdk-17-jre-headless")
    if find_spec("pyspark") is None:
        absent("Spark is absent: install ecomops[spark]")
    import ibis
    from pyspark import sql

    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    builder = sql.SparkSession.builder.master("local[1]").appName("ecomops-tests")
    for key, value in SPARK.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return ibis.pyspark.connect(session)


SPARK = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "1",
    "spark.default.parallelism": "1",
    "spark.ui.enabled": "false",
    "spark.driver.memory": "1g",
    # short runs: a JVM that does not compile for the long run, and collects with one thread
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.warehouse.dir": tempfile.gettempdir() + "/ecomops-spark-warehouse",
}


def ecomops(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own, as a person does."""
    code = "import sys; from ecomops.cli import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="session")
def spark() -> Any:
    """Return the ibis backend on Spark; mark tests that use it `spark`."""
    return spark_backend()


@pytest.fixture(
    params=[pytest.param(e, marks=pytest.mark.spark if e == "spark" else ()) for e in ENGINES]
)
def engine(request: pytest.FixtureRequest) -> str:
    """Return the name of the engine under test."""
    return request.param


@pytest.fixture
def table(engine: str, tmp_path: Path) -> Callable[[Columns], Any]:
    """Return a function that puts columns into the engine under test.

    It takes a dict of lists, a pandas frame or an Arrow table (for decimals and time stamps), and
    gives a pandas frame, a polars frame, or an ibis table of a DuckDB file or of Spark.
    """
    return lambda columns: ENGINES[engine](as_arrow(columns), tmp_path)
