"""The door: any frame, file or engine table becomes an ibis table with canonical columns."""

from __future__ import annotations

import os
import tempfile
from dataclasses import is_dataclass
from functools import cache, partial
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any
from uuid import UUID
from weakref import WeakSet, finalize

import ibis
import ibis.backends.duckdb  # the door always needs it: loaded with the library, not at first use
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import pyarrow as pa
from ibis.util import gen_name

from ecomops.base import checks
from ecomops.base.errors import DataError, MissingError, OptionError
from ecomops.data.schema import TableSchema, table_schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from ibis.backends import BaseBackend

# Orders may carry one of the two clocks; every other table needs what its schema requires.
NEEDED = {
    "orders": ("order_id", "paid_amount"),
    "order_lines": ("order_id", "quantity", "line_paid_amount"),
    "touchpoints": ("event_time", "visitor_id", "channel"),
    "traffic_daily": ("date", "visitors"),
}
EXACT_FLOAT = 2**53
MONEY = dt.Decimal(18, 4)  # of what may have more than two places
OFFSET = r":\d\d(\.\d+)?\s*(Z|UTC|[+-]\d\d(:?\d\d)?)$"  # of a time from UTC
YES, NO = ibis.literal(value=True), ibis.literal(value=False)
MICRO = 6  # digits of a second that every engine keeps
MEMORY = "5.4GB"  # 100 million lines are aggregated without files, in less than 6 GB
ALONE = RLock()  # a connection of DuckDB answers one thread at a time
GONE: list[Any] = []  # what drops tables that nobody needs any more
PASSED: WeakSet[Any] = WeakSet()  # what came through the door


@ibis.udf.scalar.builtin(name="timezone", signature=(("str", "timestamp('UTC')"), "timestamp"))
def _wall_duckdb(zone: str, at: Any) -> Any: ...


@ibis.udf.scalar.builtin(
    name="convert_timezone", signature=(("str", "str", "timestamp"), "timestamp")
)
def _wall_spark(session: str, shop: str, at: Any) -> Any: ...


@ibis.udf.scalar.builtin(name="current_timezone", signature=((), "str"))
def _session_zone() -> Any: ...


def table(
    source: object, name: str, *, timezone: str = "Asia/Shanghai", once: bool = False
) -> ibis.Table:
    """Return `source` as an ibis table with every canonical column of `name`.

    Parameters
    ----------
    source
        A pandas, polars or pyarrow table, a path to Parquet or CSV, or an ibis table.
        One row per grain of the canonical table; columns by their canonical names.
    name
        The canonical table, such as ``"orders"``.
    timezone
        The shop's zone: zoned time stamps become its local wall time, unzoned ones are taken
        to be that already.
    once
        Whether to refuse rows that repeat the key of another one, which would count twice. Those
        that have been through this door are not asked again: `Shop.check` tells of them.

    Columns that are absent become typed nulls; columns that are not canonical are kept as they
    are. Money becomes decimal (four places from floats and text, so that sums are exact), ids text
    without blanks around them and missing where nothing else is there, currencies upper case; of
    times finer than a microsecond the rest is cut off, on every engine alike.

    Raises `DataError` for missing or unreadable columns (numbers as times and parts of a piece
    among them), ids that a float has rounded and, if asked, rows that repeat a key.

    >>> import pandas as pd
    >>> orders = pd.DataFrame(
    ...     {"order_id": [7], "created_at": ["2025-11-11 00:30"], "paid_amount": [12.5]}
    ... )
    >>> str(table(orders, "orders").order_id.type())
    'string'
    """
    schema = table_schema(name)
    raw = opened(source)
    checks.columns(name, raw.columns, needed(name))
    if name == "orders" and not {"created_at", "paid_at"} & set(raw.columns):
        checks.columns(name, raw.columns, ("created_at",))
    if _is_canonical(raw, schema):
        return raw  # it has been through this door
    _refuse_unreadable(raw, schema)
    typed = {c.name: _typed(raw, c.name, c.dtype, timezone) for c in schema.columns.values()}
    passed = raw.mutate(**typed)
    key = list(dict.fromkeys(("order_id", *schema.key)))  # some number the lines of each order
    if once and (found := repeated(passed.drop_null(schema.key[0]), key))[0]:
        raise DataError("repeated_key", table=name, key=key, count=found[0], examples=found[1])
    PASSED.add(passed.op())
    return passed


def needed(name: str) -> tuple[str, ...]:
    """Return the columns without which a frame is no table `name`.

    >>> needed("orders")
    ('order_id', 'paid_amount')
    """
    return tuple(NEEDED.get(name, table_schema(name).required))


def frame(expr: ibis.Table) -> pd.DataFrame:
    """Return a small result as pandas: the one way out of the engine.

    Decimals become floats, and so do sums of whole numbers where some are missing.

    >>> frame(ibis.memtable({"a": [1, 2]})).shape
    (2, 1)
    """
    money = {c: expr[c].cast("float64") for c, t in expr.schema().items() if t.is_decimal()}
    with ALONE:
        rows: pd.DataFrame = home(expr).to_pandas(expr.mutate(**money) if money else expr)
    gaps = [c for c, t in expr.schema().items() if t.is_integer() and rows[c].dtype == object]
    return rows.astype(dict.fromkeys(gaps, "float64"))


def number(value: Any) -> int:
    """Return one whole number that an engine counts or adds up; 0 where nothing is there.

    >>> number(ibis.memtable({"a": [1, None]}).a.count())
    1
    """
    return int(frame(value.fill_null(0).name("n").as_table())["n"].iloc[0])


def passing(rows: ibis.Table, tests: Mapping[str, Any]) -> dict[str, int]:
    """Return how many rows pass each test, from one query; a missing answer is no.

    >>> t = ibis.memtable({"a": [1, 2, None]})
    >>> passing(t, {"small": t.a < 2, "large": t.a >= 3})
    {'small': 1, 'large': 0}
    """
    told = {c: test.fill_null(NO).ifelse(1, 0).sum().fill_null(0) for c, test in tests.items()}
    found = frame(rows.aggregate(rows=rows.count(), **told)).iloc[0]
    return {c: int(found[c]) for c in tests}


def examples(rows: ibis.Table, column: str) -> list[str]:
    """Return three values of a column as text, the first in order; each once."""
    few = rows.select(x=rows[column].cast("string")).distinct().order_by("x").limit(3)
    return [str(value) for value in frame(few)["x"].dropna()]


def repeated(rows: ibis.Table, key: Sequence[str]) -> tuple[int, list[str]]:
    """Return how many rows repeat the key of another one, and three examples.

    >>> repeated(ibis.memtable({"a": ["x", "y", "x", "x"]}), ["a"])
    (2, ['x'])
    """
    groups = rows.group_by(key).aggregate(n=rows.count())
    twice = groups.filter(groups.n > 1)
    extra = number((twice.n - 1).sum())
    return extra, examples(twice, key[0]) if extra else []


def exact(value: Any) -> Any:
    """Return a column of floats as decimals with eight places, whose sum is alike in any order."""
    return value.cast("decimal(38, 8)")


def opened(source: object) -> ibis.Table:
    """Return a frame, a file or an engine table as an ibis table, its columns as they are.

    Raises `OptionError` when it is none of these.

    >>> opened({"a": [1]})  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    ecomops.base.errors.OptionError: ...
    """
    if isinstance(source, ibis.Table):
        return source
    if isinstance(source, str | Path):
        return read_file(checks.path(source))
    kind = type(source)  # a lazy frame of polars would have to find its columns first
    if is_dataclass(kind) or not (hasattr(kind, "columns") or hasattr(kind, "schema")):
        raise OptionError("not_a_table", kind=kind.__name__)
    try:
        rows = ibis.memtable(_plain(source))
    except (pa.ArrowException, KeyError, TypeError) as error:
        raise DataError("unreadable_frame", reason=_first_line(error)) from error
    # no engine knows a column without a name: the index of a frame that went through CSV
    return rows if all(rows.columns) else rows.select(*filter(None, rows.columns))


def sources(expr: Any) -> list[BaseBackend]:
    """Return the connection of each table of an engine in `expr`; frames have none."""
    return [op.source for op in expr.op().find((ops.DatabaseTable, ops.SQLQueryResult))]


def home(expr: Any) -> BaseBackend:
    """Return the connection that answers `expr`: frames are read by the process's own."""
    return next(iter(sources(expr)), engine())


def held(expr: ibis.Table) -> ibis.Table:
    """Return the rows of `expr`, kept by the connection that answers it until nobody needs them."""
    con: Any = home(expr)
    with ALONE:
        while GONE:  # ibis would drop them amid the query of another thread
            GONE.pop()()
        made = con._create_cached_table(gen_name("held"), expr)  # noqa: SLF001 - nor knows frames
    finalize(made.op(), GONE.append, partial(con._drop_cached_table, made.get_name()))  # noqa: SLF001
    return made


def _plain(source: Any) -> Any:
    """Return a frame as an engine can hold it: pandas without its index and mixed columns.

    Through Arrow, because ibis takes neither decimals with nulls nor nanoseconds from pandas.
    """
    if not type(source).__module__.startswith("pandas"):
        return source
    names = [str(c) for c in source.columns]
    if twice := sorted({c for c in names if names.count(c) > 1}):
        raise DataError("columns_twice", columns=twice)
    told = {c: _told_by_arrow(source.iloc[:, i]) for i, c in enumerate(names)}
    return pa.Table.from_pandas(source.set_axis(names, axis=1).assign(**told), preserve_index=False)


def _told_by_arrow(values: Any) -> Any:
    """Return a column as an engine knows it: periods by their start, kinds it lacks as text."""
    if str(values.dtype).startswith("period"):
        return values.dt.to_timestamp()
    kind = str(getattr(values.dtype, "categories", values).dtype)
    if kind == "float16":
        return values.astype("float32")
    kinds = {type(v) for v in values.dropna()} if values.dtype == object else set()
    text = len(kinds) > 1 or UUID in kinds or kind.startswith(("period", "interval"))
    return values.map(str, na_action="ignore") if text else values


def read_file(path: Path, con: Any = None) -> Any:
    """Return a canonical Parquet or CSV file as a table; CSV cells stay text until they are typed.

    Raises `MissingError` when there is no such file and `DataError` when it cannot be read.
    """
    con = con or engine()
    if not path.exists():
        raise MissingError("no_such_file", path=str(path))
    if path.suffix.lower() != ".parquet":
        from ecomops.data.plain import read_csv  # noqa: PLC0415 - its readers of exports need this module

        return read_csv(path, con)
    try:
        return con.read_parquet(path)
    except Exception as error:
        raise DataError("unreadable_file", path=str(path), reason=_first_line(error)) from error


def engine() -> BaseBackend:
    """Return the process's own DuckDB, in which files and frames are read."""
    with ALONE:  # two threads must not make two
        return _engine()


@cache
def _engine() -> BaseBackend:
    con = ibis.duckdb.connect()
    con.raw_sql("SET enable_progress_bar = false")  # in a notebook it leaves a dead widget behind
    # beyond this the engine works through files of its own, so that a large shop fits a laptop
    con.raw_sql(f"SET temp_directory = '{tempfile.gettempdir()}/ecomops-{os.getpid()}'")
    con.raw_sql(f"SET memory_limit = '{MEMORY}'")
    return con


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def _is_canonical(raw: ibis.Table, schema: TableSchema) -> bool:
    # any other may hold blank ids, and on Spark instants that look like wall times
    if not any(op in PASSED for op in raw.op().find(ops.Relation)):
        return False
    types = raw.schema()
    return all(c.name in types and _fits(types[c.name], c.dtype) for c in schema.columns.values())


def _fits(have: dt.DataType, want: dt.DataType) -> bool:
    if isinstance(want, dt.Timestamp):
        return isinstance(have, dt.Timestamp) and have.timezone is None and not _fine(have)
    if isinstance(have, dt.Decimal) and want.is_decimal():
        # narrower ones are of no type with the others that ibis knows
        return bool((have.precision or 38) >= 18 and have.scale != 0)  # noqa: PLR2004
    return type(have) is type(want)


def _fine(time: dt.Timestamp) -> bool:
    return (time.scale or MICRO) > MICRO


def _typed(raw: ibis.Table, column: str, want: dt.DataType, timezone: str) -> Any:
    if column not in raw.columns:
        return ibis.null(want)
    values = raw[column]
    have = values.type()
    if isinstance(want, dt.Timestamp):
        return _wall(raw, column, timezone)
    if have.is_floating() and want.is_string():
        values = values.cast("int64")
    return _named(column, values if _fits(have, want) else values.cast(_kept_as(have, want)))


def _kept_as(have: dt.DataType, want: dt.DataType) -> dt.DataType:
    """Return the type to cast to: money that may have more than two places keeps four."""
    return MONEY if want.is_decimal() and not have.is_integer() else want


def _named(column: str, values: Any) -> Any:
    """Return ids and currencies without blanks around them, missing where nothing else is there.

    Whoever has a blank id is a guest, not one customer with all others.
    """
    if column == "currency":
        return values.strip().upper().nullif("")
    if not column.endswith("_id"):
        return values
    # to trim every id takes the engine three times as long
    blank = (values < "!") | values.endswith(" ") | values.endswith("\t")
    return blank.ifelse(values.strip().nullif(""), values)


def _wall(raw: ibis.Table, column: str, timezone: str) -> Any:
    values = raw[column]
    backend = home(raw)
    if backend.name == "pyspark" and _is_instant(raw, column, backend):
        return _wall_spark(_session_zone(), timezone, values)
    if values.type().is_string() and backend.name in ("duckdb", "pyspark"):
        return _told(values, timezone, backend.name)
    if not isinstance(values.type(), dt.Timestamp):
        return values.cast(dt.Timestamp())
    if not values.type().timezone:
        return values.cast(dt.Timestamp(scale=MICRO)) if _fine(values.type()) else values
    if backend.name == "duckdb":
        return _wall_duckdb(timezone, values.cast("timestamp('UTC')"))
    raise DataError("zoned_time", column=column, backend=backend.name)


def _told(text: Any, timezone: str, engine: str) -> Any:
    """Return times written as text: the shop's wall time, or an instant where an offset follows."""
    plain = text.try_cast(dt.Timestamp())
    if engine == "pyspark":
        zoned = _wall_spark(_session_zone(), timezone, plain)
    else:
        zoned = _wall_duckdb(timezone, text.try_cast("timestamp('UTC')"))
    return text.re_search(OFFSET).ifelse(zoned, plain)


def _is_instant(raw: ibis.Table, column: str, spark: Any) -> bool:
    """Tell Spark's TIMESTAMP (an instant) from TIMESTAMP_NTZ: ibis 12 merges the two."""
    query = ibis.to_sql(raw.select(column), dialect="pyspark")
    return bool(spark.raw_sql(query).dtypes[0][1] == "timestamp")


def _refuse_unreadable(raw: ibis.Table, schema: TableSchema) -> None:
    """Count, in one query, the cells that would be lost by typing; raise when there are any."""
    bad = {}
    for column in schema.columns.values():
        if column.name in raw.columns:
            test = _lost(raw[column.name], column.dtype)
            if test is not None:
                bad[column.name] = test
    if bad and (wrong := {c: n for c, n in passing(raw, bad).items() if n}):
        _raise_unreadable(raw, schema, wrong, bad)


def _lost(values: Any, want: dt.DataType) -> Any:
    have = values.type()
    if have.is_floating() and want.is_string():
        # An integer of 2**53 or more may be the neighbour of the one that was meant.
        return (values.abs() >= EXACT_FLOAT) | (values != values.floor())
    dated = have.is_temporal() and not have.is_time()
    if want.is_string() or _fits(have, want) or (dated and want.is_temporal()):
        return None
    if want.is_temporal() and not have.is_string():
        return values.notnull()  # noqa: PD004 - seconds, or days of a spreadsheet: since when?
    if have.is_integer() and want.is_integer():
        return None
    lost = values.try_cast(_kept_as(have, want)).isnull()  # noqa: PD003 - ibis has no other
    if want.is_integer():  # the engine would round
        lost = lost | (values.try_cast("float64") % 1 != 0)
    return values.notnull() & lost  # noqa: PD004


def _raise_unreadable(
    raw: ibis.Table, schema: TableSchema, wrong: dict[str, int], bad: dict[str, Any]
) -> None:
    column, count = max(wrong.items(), key=lambda item: item[1])
    rounds = raw[column].type().is_floating() and schema.columns[column].dtype.is_string()
    code = "rounded_ids" if rounds else "unreadable_cells"
    raise DataError(
        code,
        table=schema.name,
        column=column,
        count=count,
        columns=[f"{c} ({n:,})" for c, n in sorted(wrong.items())],
        examples=examples(raw.filter(bad[column]), column),
    )
