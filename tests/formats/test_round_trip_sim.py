"""A simulated shop, written in every layout that can show it and loaded again: the same tables.

Truth: the simulator's own tables, in every column that the layout holds. The layouts come from the
registry and the data decide whether the shop can fill one; the others are listed with a reason.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import ibis
import pytest

from ecomops.data.formats import formats, load, write
from ecomops.data.formats.write import WRITTEN
from ecomops.data.schema import tables as schemas
from ecomops.sim import world
from tests.formats.test_round_trip import LOST, arrow, plain, suffix_of, written

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from ecomops.data.formats import Format

DAYS = ("2025-11-10", "2025-11-11", "2025-11-12")  # of reports
LEDGER, PARTNERS, POSTS = (
    f"the simulator has no {what}" for what in ("settlements", "affiliate orders", "content posts")
)
UNFILLED = {
    "amazon_settlement_v2": LEDGER,
    "doudian_settlement_2026": LEDGER,
    "jd_settlement_2026a": LEDGER,
    "jd_settlement_2026b": LEDGER,
    "alipay_ledger": LEDGER,
    "stripe_payments": LEDGER,
    "pdd_settlement_2026": LEDGER,
    "tbk_settlement_2022": PARTNERS,
    "tbk_refund_2022": PARTNERS,
    "tbk_item_2022": "maps no column: affiliate figures of a product have no canonical table",
    "douyin_compass_video": POSTS,
    "sycm_short_video_own": POSTS,
    "sycm_live_overview": "maps no column: a day over all sessions has no canonical table",
    "sycm_keyword_inbound": "the simulator's traffic is not told by search word",
    "qianchuan_material_2026": "the simulator's advertising is not told by creative",
    "jd_promotion_2026": "the simulator's advertising is not told by product",
    "olist_category_translation": "a dictionary: its words are in the products already",
}
# Files that say one thing together.
TOGETHER = (
    [f"olist_{n}" for n in ("orders", "order_items", "order_payments", "customers", "products",
                            "order_reviews", "sellers")],
    ["superstore", "superstore_returns"],
    ["taobao_orders_2018", "taobao_order_lines_2018"],
)  # fmt: skip
# Wordings that a layout does not tell apart.
WORDS = {
    "woocommerce_analytics_orders": {"shipped": "paid"},
    "shopify_orders": {"shipped": "completed"},
    "superstore": {"shipped": "completed", "paid": "completed"},
}
TIMES = {"created_at", "paid_at", "shipped_at"}  # Superstore tells the day
REPORTS = {"traffic_daily", "shop_scores", "ad_reports", "search_index"}
ROUNDED = {"superstore": {"line_discount"}}  # told as a share of four places
MEASURES = {"impressions", "clicks", "spend", "conversions", "conversion_value"}


@cache
def shop() -> dict[str, pd.DataFrame]:
    """Return the tables of a small simulated shop, in the columns of the model."""
    made = world("demo", seed=1, customers=150).tables
    stock = made["inventory_snapshots"].slice(0, 300)
    made = {**made, "inventory_snapshots": stock}
    frames = {n: t.to_pandas() for n, t in made.items() if n in schemas()}
    frames = {n: f[[c for c in f if c in schemas()[n].columns]] for n, f in frames.items()}
    return {n: f[f["date"].astype(str).isin(DAYS)] if n in REPORTS else f
            for n, f in frames.items()}  # fmt: skip


def places(fmt: Format) -> list[tuple[str, str]]:
    """Return the canonical tables and columns that a file of the layout is written from."""
    told = [f"{t.table}.{t.column}" for t in written(fmt)]
    found = [WRITTEN.get(place, place).partition(".") for place in told]
    return [(table, column) for table, _, column in found if not table.startswith("_")]


def shown(fid: str) -> tuple[str, ...]:
    """Return the canonical tables that a file of the layout is written from."""
    fmt = formats()[fid]
    if fmt.free_columns:
        return ("search_index",) if "search_index" in fmt.tables else ("surveys", "survey_answers")
    return tuple(dict.fromkeys(name for name, _ in places(fmt)))


def held(fmt: Format, name: str) -> list[str]:
    """Return the columns of a table that a file of the layout holds, or says by being one."""
    own = [column for table, column in places(fmt) if table == name]
    own += [c for t, c in (*fmt.constants, fmt.period or ("", "")) if t == name]
    return list(dict.fromkeys(own))


def told(fid: str, name: str) -> pd.DataFrame:
    """Return the shop's rows as the layout tells them: its level, its name, its grain.

    There are none where it tells rows apart by what the shop does not know.
    """
    fmt, rows = formats()[fid], shop()[name]
    for (table, column), value in fmt.constants.items():
        if table == name and (column == "level" or value in {"google_trends", "baidu_index"}):
            rows = rows[rows[column] == value]
        elif table == name:
            rows = rows.assign(**{column: value})
    for targets in fmt.targets.values():
        # an unpaid order leaves the one time stamp of such a layout blank
        mine = [t.column for t in targets if t.table == name and t.column in rows]
        first, *others = sorted(mine, key=lambda c: c != "paid_at") or [""]
        if others and not targets[0].rule.startswith(("range_", "pct_", "address")):
            rows = rows.assign(**dict.fromkeys(others, rows[first]))
    return at_grain(rows, name, held(fmt, name))


def told_by(group: list[str]) -> dict[str, pd.DataFrame]:
    """Return what the files of a group are written from, in words that all of them know."""
    rows = {n: told(fid, n) for fid in reversed(group) for n in shown(fid)}
    words = {k: v for fid in group for k, v in WORDS.get(fid, {}).items()}
    if "superstore" in group:  # sales alone
        rows = {n: f[f.paid_at.notna()] if "paid_at" in f else f for n, f in rows.items()}
        rows = {n: f.assign(**{c: f[c].dt.normalize() for c in TIMES & {*f}})
                for n, f in rows.items()}  # fmt: skip
    if "olist_orders" in group:  # without guests
        rows["orders"] = rows["orders"].dropna(subset="customer_id")
    if "pdd_orders_2026" in group:
        rows = {n: f.assign(order_id="240601-" + f["order_id"]) for n, f in rows.items()}
        lines = rows["order_lines"].sort_values("order_line_id")
        lines = lines.drop_duplicates("order_id")  # there an order is of one product
        whole = lines.order_id.map(rows["orders"].set_index("order_id").list_amount)
        rows["order_lines"] = lines.assign(line_list_amount=whole)
    return {n: f.replace({"order_status": words}) for n, f in rows.items()}


def at_grain(rows: pd.DataFrame, name: str, columns: list[str]) -> pd.DataFrame:
    key = [c for c in schemas()[name].key if c in columns]
    known = [c for c in key if c in rows]
    if name != "ad_reports" or not rows.duplicated(known).any():
        return rows
    if known != key:
        return rows.iloc[:0]
    sums = {c: "sum" if c in MEASURES else "first" for c in rows if c not in key}
    return rows.groupby(known, as_index=False).agg(sums)


def fills(fid: str) -> bool:
    names = shown(fid)
    return bool(names) and {*names} <= {*shop()} and all(len(told(fid, n)) for n in names)


SINGLE = [[f] for f in formats() if not any(f in group for group in TOGETHER)]
GROUPS = [g for g in (*SINGLE, *TOGETHER) if not {*g} & {*UNFILLED}]


def test_the_shop_fills_every_layout_but_these() -> None:
    assert {f for f in formats() if not fills(f)} == set(UNFILLED)


@pytest.mark.parametrize("group", GROUPS, ids="+".join)
def test_a_simulated_shop_survives(group: list[str], tmp_path: Path) -> None:
    frames = told_by(group)
    con = ibis.duckdb.connect()
    made = {n: con.create_table(f"own_{n}", arrow(f, n)) for n, f in frames.items()}
    names = {fid: tmp_path / f"{fid}.{suffix_of(fid)}" for fid in group}
    files = [file for fid in group for file in write(made, format=fid, path=names[fid])]
    one = len(files) == 1
    loaded = load(files[0] if one else tmp_path, con=ibis.duckdb.connect(),
                  format=group[0] if one else None)  # fmt: skip
    assert {f.format for f in loaded.files} == {*group}
    got = {n: t.to_pandas() for n, t in loaded.tables.items()}
    for fid in group:
        same(fid, frames, got)


def same(fid: str, frames: dict[str, pd.DataFrame], got: dict[str, pd.DataFrame]) -> None:
    """Hold every table of a layout against the shop's."""
    fmt = formats()[fid]
    if fmt.free_columns:
        assert answers(frames) == answers(got)
        return
    for name in shown(fid):
        rows = frames[name]
        if name == "products" and "product_skus" not in frames:  # those that a row is about
            rows = rows[rows.product_id.isin(got[name].product_id)]
            assert not rows.empty
        own = [c for c in held(fmt, name) if c in rows and c in got[name]]
        own = [c for c in own if c not in (LOST | ROUNDED).get(fid, ())]
        key = [c for c in schemas()[name].key if c in rows and (c in own or c in IDS)] or own
        assert own
        left, right = (t.sort_values(key) for t in (rows, got[name]))
        for c in own:
            assert [*map(plain, left[c])] == [*map(plain, right[c])], (fid, name, c)


IDS = {"order_id", "order_line_id"}  # made of the order and the place in it, as the shop's are


def answers(frames: dict[str, pd.DataFrame]) -> list[tuple[object, ...]]:
    """Return who answered what and when, or how much a term was searched."""
    if "search_index" in frames:
        rows = frames["search_index"]
        rows = rows[rows.index_value.notna()]  # each request has days of its own
        return sorted(zip(rows["date"].astype(str), rows.keyword, rows.index_value, strict=True))
    rows = frames["survey_answers"].merge(frames["surveys"], on="response_id")
    return sorted(zip(rows.submitted_at, rows.question_text, rows.answer_text, strict=True))
