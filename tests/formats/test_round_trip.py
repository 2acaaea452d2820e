"""Written export → loaded → equal canonical tables, for every layout that can hold them.

Truth: the planted tables. Where a layout has no amount per line, the planted lines share their
order's by largest remainder, worked out here with Python integers.
"""

from __future__ import annotations

import datetime as dt
import math
import random
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import ibis
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecomops.base.errors import UnsafeError
from ecomops.data.formats import formats, load, write
from ecomops.data.formats.registry import fold
from ecomops.data.schema import tables as schemas

if TYPE_CHECKING:
    from pathlib import Path

    from ecomops.data.formats import Format
    from ecomops.data.formats.registry import Target

TEXTS = (
    "懒人居家套装，春秋款",
    'Lazy "Set" - Grey',
    "腊肠; 礼盒",
    "<b>T恤</b>",
    "a,b",
    "灰色 均码",
    "=1+1",
)
ORDERS = [f.id for f in formats().values() if {"orders", "order_lines"} <= set(f.tables)]
ORDERS = [f for f in ORDERS if not f.startswith(("olist", "superstore", "sycm_live", "wechat"))]
ORDER_ONLY = [
    "taobao_orders_2016",
    "taobao_orders_2018",
    "tmall_orders_2022",
    "qianniu_orders_2025",
]
LINE_ONLY = ["tmall_order_lines_2022", "qianniu_order_lines_2025"]
# Layouts of one table, with columns of their own.
ROWS = [
    f.id for f in formats().values()
    if len(f.tables) == 1 and f.tables[0] not in {"orders", "order_lines", "surveys", "stores"}
    and not f.id.startswith(("olist", "uci", "superstore", "google_trends"))
]  # fmt: skip
STATUSES = ("completed", "shipped", "paid", "closed_unpaid", "closed_refunded", "unpaid")
LOST = {
    "shopify_orders": {"customer_id", "line_discount", "line_status", "order_id"},
    "pdd_orders_2026": {"created_at"},
}


def shares(total: int, weights: list[int]) -> list[int]:
    """Return `total` cents by largest remainder, ties to the earlier line."""
    if not sum(weights):
        weights = [1] * len(weights)
    whole = [total * w // sum(weights) for w in weights]
    rest = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % sum(weights)), i))
    for i in rest[: total - sum(whole)]:
        whole[i] += 1
    return whole


def written(fmt: Format) -> list[Target]:
    """Return where the columns go that a written file has: the layout's own, not optional ones."""
    own = {fold(header) for header in fmt.headers}
    return [t for header, targets in fmt.targets.items() if header in own for t in targets]


def cents(value: int) -> Decimal:
    return Decimal(value) / 100


def planted(seed: random.Random, count: int) -> dict[str, pd.DataFrame]:
    orders, lines = [], []
    for number in range(count):
        status = seed.choice(STATUSES)
        at = dt.datetime(2024, 1, 1) + dt.timedelta(seconds=seed.randrange(300 * 86400))
        paid_at = None if "unpaid" in status else at + dt.timedelta(seconds=seed.randrange(1, 3600))
        oid = f"{at:%y%m%d}-{100000000000000 + number}"
        goods = [
            (seed.randrange(1, 50000), seed.randrange(1, 5)) for _ in range(seed.randrange(1, 4))
        ]
        weights = [price * quantity for price, quantity in goods]
        total = 0 if paid_at is None else seed.randrange(1, sum(weights) + 1)
        refund = total if status == "closed_refunded" else 0
        parts = shares(total, weights)
        orders.append(
            {
                "order_id": oid,
                "customer_id": f"buyer{seed.randrange(9)}",
                "created_at": at,
                "paid_at": paid_at,
                "order_status": status,
                "paid_amount": cents(total),
                "refund_amount": cents(refund),
                "shipping_fee": cents(seed.randrange(1000)),
                "shop_discount": cents(seed.randrange(500)),
                "platform_discount": cents(seed.randrange(500)),
                "payment_discount": cents(0),
                "influencer_discount": cents(0),
                "receiver_province": "浙江省",
                "receiver_city": "杭州市",
                "receiver_district": "余杭区",
                "buyer_note": seed.choice(TEXTS),
                "currency": "CNY",
            }
        )
        for place, ((price, quantity), part) in enumerate(zip(goods, parts, strict=True), start=1):
            lines.append(
                {
                    "order_line_id": f"{oid}-{place}",
                    "order_id": oid,
                    "product_id": f"70000000000{place}",
                    "sku_code": f"SKU{place}",
                    "product_name": seed.choice(TEXTS),
                    "sku_name": "灰色;均码",
                    "quantity": quantity,
                    "unit_price": cents(price),
                    "line_list_amount": cents(price * quantity),
                    "line_paid_amount": cents(part),
                    "line_status": status,
                    "created_at": at,
                    "paid_at": paid_at,
                    "refund_status": "refunded" if status == "closed_refunded" else "none",
                    "line_refund_amount": cents(part if refund else 0),
                }
            )
    return {"orders": pd.DataFrame(orders), "order_lines": pd.DataFrame(lines)}


def arrow(frame: pd.DataFrame, table: str) -> pa.Table:
    columns = schemas()[table].columns
    kinds = {c: columns[c].dtype.to_pyarrow() for c in frame.columns}
    rows = frame.astype(object).where(frame.notna(), None)
    return pa.table({c: pa.array(rows[c].tolist(), kinds[c]) for c in frame.columns})


def round_trip(
    fid: str, frames: dict[str, pd.DataFrame], folder: Path, suffix: str
) -> dict[str, pd.DataFrame]:
    con = ibis.duckdb.connect()
    made = {n: con.create_table(f"own_{n}", arrow(f, n)) for n, f in frames.items()}
    files = write(made, format=fid, path=folder / f"export.{suffix}")
    back = ibis.duckdb.connect()
    loaded = load(
        files[0] if len(files) == 1 else folder, con=back, format=fid if len(files) == 1 else None
    )
    return {n: t.to_pandas() for n, t in loaded.tables.items()}


def compare(
    fid: str, table: str, planted_rows: pd.DataFrame, got: pd.DataFrame, key: list[str]
) -> None:
    fmt = formats()[fid]
    mapped = {t.column for t in written(fmt) if t.table in {table, "_uci"}}
    columns = [
        c
        for c in planted_rows.columns
        if c in mapped and c in got.columns and c not in LOST.get(fid, set())
    ]
    assert columns
    left = planted_rows.sort_values(key, ignore_index=True)
    right = got.sort_values(key, ignore_index=True)
    assert len(left) == len(right)
    for column in columns:
        wanted, have = [plain(v) for v in left[column]], [plain(v) for v in right[column]]
        assert wanted == have, (fid, table, column)


def plain(value: Any) -> Any:
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, pd.Timestamp | dt.datetime | dt.date):
        return pd.Timestamp(value)
    if isinstance(value, float | int | Decimal) and not isinstance(value, bool):
        return round(float(value), 9)
    return value


def suffix_of(fid: str) -> str:
    container = formats()[fid].container
    if "zip" in container:
        return "zip"
    return "csv" if "csv" in container or "tsv" in container else "xlsx"


def orders_survive(fid: str, seed: int, count: int, folder: Path) -> None:
    frames = planted(random.Random(seed), count)  # noqa: S311
    if fid == "shopify_orders":  # "fulfilled" does not say whether the parcel has arrived
        frames = {n: f.replace("shipped", "completed") for n, f in frames.items()}
    got = round_trip(fid, frames, folder, suffix_of(fid))
    compare(fid, "orders", frames["orders"], got["orders"], ["order_id"])
    compare(
        fid, "order_lines", frames["order_lines"], got["order_lines"], ["order_id", "order_line_id"]
    )


@pytest.mark.parametrize("fid", ORDERS)
def test_orders_with_their_lines(fid: str, tmp_path: Path) -> None:
    orders_survive(fid, seed=ORDERS.index(fid), count=12, folder=tmp_path)


@settings(max_examples=3)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 8))
def test_any_shop_survives_douyin(
    seed: int, count: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    orders_survive("doudian_orders_2026", seed, count, tmp_path_factory.mktemp("x"))


def test_uci_keeps_its_sales(tmp_path: Path) -> None:
    frames = planted(random.Random(3), 12)  # noqa: S311
    lines = frames["order_lines"].assign(line_paid_amount=frames["order_lines"].line_list_amount)
    sums = lines.groupby("order_id").line_list_amount.sum().rename("paid_amount").reset_index()
    orders = frames["orders"].drop(columns="paid_amount").merge(sums, on="order_id")
    orders["receiver_province"] = "France"
    got = round_trip("uci_online_retail", {"orders": orders, "order_lines": lines}, tmp_path, "csv")
    kept = ["order_id", "customer_id", "created_at", "paid_amount", "receiver_province"]
    sides = [o.sort_values("order_id", ignore_index=True)[kept] for o in (orders, got["orders"])]
    assert [[plain(v) for v in row] for row in sides[0].itertuples(index=False)] == [
        [plain(v) for v in row] for row in sides[1].itertuples(index=False)
    ]
    assert sorted(got["order_lines"].line_paid_amount) == sorted(lines.line_paid_amount)


def test_uci_without_its_descriptions(tmp_path: Path) -> None:
    frames = planted(random.Random(3), 4)  # noqa: S311
    con = ibis.duckdb.connect()
    made = {n: con.create_table(f"own_{n}", arrow(f, n)) for n, f in frames.items()}
    (file,) = write(made, format="uci_online_retail", path=tmp_path / "uci.csv")
    pd.read_csv(file, dtype=str).drop(columns="Description").to_csv(file, index=False)
    got = load(file, con=ibis.duckdb.connect(), format="uci_online_retail").tables["order_lines"]
    assert got.count().to_pandas() == len(frames["order_lines"])
    assert got.product_name.count().to_pandas() == 0


@pytest.mark.parametrize("fid", ORDER_ONLY + LINE_ONLY)
@settings(max_examples=2)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 8))
def test_orders_or_lines_alone(
    fid: str, seed: int, count: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    frames = planted(random.Random(seed), count)  # noqa: S311
    table = "orders" if fid in ORDER_ONLY else "order_lines"
    got = round_trip(fid, {table: frames[table]}, tmp_path_factory.mktemp("x"), suffix_of(fid))
    compare(fid, table, frames[table], got[table], ["order_id", schemas()[table].key[0]])


def invented(fid: str, seed: random.Random, count: int) -> pd.DataFrame:
    """Return rows of the layout's one table with a value for every column it can hold."""
    fmt = formats()[fid]
    table = fmt.tables[0]
    targets = {t.column: t for t in written(fmt) if t.table == table}
    twins = {  # columns that one header fills
        t.column: first.column
        for first, *others in fmt.targets.values() for t in others
        if first.rule in {"text", "id"} and {t.column, first.column} <= targets.keys()
    }  # fmt: skip
    rows = []
    for number in range(count):
        day = dt.date(2024, 3, 1) + dt.timedelta(days=number)
        row = {
            c: invented_value("currency" if c == "currency" else t.rule, seed, number)
            for c, t in targets.items()
        }
        row |= {c: day for c, t in targets.items() if t.rule == "date"}
        kinds = {c: schemas()[table].columns[c].dtype for c in row}
        row |= {
            c: float(int(row[c]))
            for c, t in targets.items()
            if t.rule == "float" and kinds[c].is_integer()
        }
        row |= {c: row[first] for c, first in twins.items()}
        for low, high in (
            ("search_popularity_low", "search_popularity_high"),
            ("pay_rate_low", "pay_rate_high"),
        ):
            if low in row:
                row[high] = row[low] * 2
        rows.append(row | {c: v for (t, c), v in fmt.constants.items() if t == table})
    if fmt.period and fmt.period[1] not in targets:
        for row in rows:
            row[fmt.period[1]] = dt.date(2024, 3, 1)
            if fmt.period[1] == "period_start":
                row["period_end"] = dt.date(2024, 3, 1)
    return pd.DataFrame(rows)


def invented_value(rule: str, seed: random.Random, number: int) -> Any:
    at = dt.datetime(2024, 3, 1) + dt.timedelta(seconds=seed.randrange(10**6))
    values = {
        "id": lambda: f"{number}{seed.randrange(10**15, 10**16)}",
        "int": lambda: seed.randrange(10**6),
        "days": lambda: seed.choice([1, 3, 7, 15, 30]),
        "float": lambda: seed.randrange(10**6) / 100,
        "pct": lambda: seed.randrange(10**4) / 10**4,
        "pct_low": lambda: seed.randrange(10**3) / 10**4,
        "range_low": lambda: float(seed.randrange(10**4)),
        "ts": lambda: at,
        "ts_utc": lambda: at,
        "date": at.date,
        "bool": lambda: seed.random() < 0.5,
        "seconds": lambda: float(seed.randrange(900)),
        "money_in": lambda: cents(seed.randrange(-(10**5), 10**5)),
        "status": lambda: "view",
        "currency": lambda: "CNY",
    }
    if rule.startswith("money") and rule != "money_in":
        return cents(seed.randrange(10**6))
    return values.get(rule, lambda: f"{seed.choice(TEXTS)}{number}")()


@pytest.mark.parametrize("fid", ROWS)
def test_layouts_of_one_table(fid: str, tmp_path: Path) -> None:
    fmt, seed = formats()[fid], random.Random(ROWS.index(fid))  # noqa: S311
    if not fmt.targets:
        pytest.skip(f"{fid} maps no column yet")
    table = fmt.tables[0]
    frame = invented(fid, seed, 9)
    got = round_trip(fid, {table: frame}, tmp_path, suffix_of(fid))
    key = [c for c in schemas()[table].key if c in frame.columns] or list(frame.columns[:1])
    if table == "settlements" and "entry_id" not in key:
        key = ["order_id", "amount"]
    frame = frame.drop_duplicates(key, keep="last")
    compare(fid, table, frame, got[table], key)


def test_the_platforms_own_encoding_and_wrapping(tmp_path: Path) -> None:
    frames = planted(random.Random(1), 2)  # noqa: S311
    con = ibis.duckdb.connect()
    made = {n: con.create_table(f"own_{n}", arrow(f, n)) for n, f in frames.items()}
    (taobao,) = write(made, format="taobao_orders_2018", path=tmp_path / "ExportOrderList.csv")
    assert '"=""24' in taobao.read_bytes().decode("gb18030")
    (douyin,) = write(made, format="doudian_orders_2026", path=tmp_path / "doudian.csv")
    assert douyin.read_bytes().startswith(b"\xef\xbb\xbf")
    with pytest.raises(UnsafeError) as raised:
        write(made, format="doudian_orders_2026", path=douyin)
    assert raised.value.code == "file_in_the_way"
