"""The fixture `table` itself: what goes in comes back from every engine."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import ibis
import pyarrow as pa

MIDNIGHT_SALE = dt.datetime(2024, 11, 11, 0, 30)


def arrow_of(frame):
    # ibis 12 cannot turn a pandas column of decimals with nulls into a table by itself
    return frame.to_arrow() if hasattr(frame, "to_arrow") else pa.Table.from_pandas(frame)


def test_money_text_and_local_time_survive_every_engine(table):
    arrow = pa.table(
        {
            "order_id": pa.array(["00017", None]),
            "paid_at": pa.array([MIDNIGHT_SALE, None], pa.timestamp("us")),
            "paid_amount": pa.array([Decimal("1.20"), None], pa.decimal128(18, 2)),
        }
    )
    made = table(arrow)
    ibis_table = made if isinstance(made, ibis.Table) else ibis.memtable(arrow_of(made))
    back = ibis_table.select(
        ibis_table.order_id,
        day=ibis_table.paid_at.truncate("D").cast("string").substr(0, 10),
        money=ibis_table.paid_amount.cast("string"),
    )
    rows = back.to_pyarrow().to_pylist()
    assert {(row["order_id"], row["day"], row["money"]) for row in rows} == {
        ("00017", "2024-11-11", "1.20"),
        (None, None, None),
    }


def test_dicts_and_frames_are_taken(table):
    made = table({"a": [1, 2, 3]})
    total = made["a"].sum()
    assert int(total.execute() if isinstance(total, ibis.Value) else total) == 6
