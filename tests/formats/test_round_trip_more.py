"""Round trips of layouts of several files, several tables, or columns that are data.

Truth: the planted tables. Beside `test_round_trip` this reaches every layout that can hold
canonical rows; those that cannot are listed here, each with its reason.
"""

from __future__ import annotations

import datetime as dt
import random
from typing import TYPE_CHECKING, Any

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecomops.data.formats import formats, load, write
from tests.formats import test_round_trip as plain
from tests.formats.test_round_trip import arrow, cents, compare, planted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NO_ROUND_TRIP = {
    "olist_category_translation": "a dictionary: its words are in the products already",
    "sycm_live_overview": "maps no column: a day over all sessions has no canonical table",
    "tbk_item_2022": "maps no column: affiliate figures of a product have no canonical table",
}
HERE = {
    "woocommerce_analytics_orders", "taobao_order_lines_2018", "wechat_store_orders_2026",
    "sycm_live_orders", "sycm_item_rank", "sycm_shop_daily_selffetch", "shopify_products_new",
    "superstore", "superstore_returns", "olist_orders", "olist_order_items",
    "olist_order_payments", "olist_customers", "olist_products", "olist_order_reviews",
    "olist_sellers", "wenjuanxing", "google_forms", "typeform", "google_trends_multitimeline",
}  # fmt: skip
Frames = dict[str, pd.DataFrame]


def test_every_layout_goes_round_or_says_why_not() -> None:
    elsewhere = {*plain.ORDERS, *plain.ORDER_ONLY, *plain.LINE_ONLY, *plain.ROWS}
    done = HERE | elsewhere | {"uci_online_retail"}
    ours = {f.id for f in formats().values()}
    assert ours - done == set(NO_ROUND_TRIP)
    empty = {f for f, why in NO_ROUND_TRIP.items() if why.startswith("maps no column")}
    assert all(not formats()[f].targets for f in empty)


def go_round(frames: Frames, files: Mapping[str, str], folder: Path) -> Frames:
    """Write the same tables as several files of one folder and load that folder."""
    con = ibis.duckdb.connect()
    made = {n: con.create_table(f"own_{n}", arrow(f, n)) for n, f in frames.items()}
    for name, fid in files.items():
        write(made, format=fid, path=folder / name)
    loaded = load(folder, con=ibis.duckdb.connect())
    assert {f.format for f in loaded.files} == set(files.values())
    return {n: t.to_pandas() for n, t in loaded.tables.items()}


def restated(frames: Frames, words: Mapping[str, str]) -> Frames:
    """Return planted tables with only the statuses that a layout can tell apart."""
    return {n: f.replace(dict(words)) for n, f in frames.items()}


def cells(frame: pd.DataFrame, key: str | list[str], columns: list[str]) -> list[list[Any]]:
    """Return rows in order of their key, as plain values."""
    rows = frame.sort_values(key)[columns].astype(object).to_numpy().tolist()
    return [[plain.plain(value) for value in row] for row in rows]


def orders_of(seed: int, words: Mapping[str, str] | None = None, count: int = 8) -> Frames:
    return restated(planted(random.Random(seed), count), words or {})  # noqa: S311


def test_wechat_tells_refunds_of_lines(tmp_path: Path) -> None:
    frames = orders_of(1)
    got = go_round(frames, {"a.xlsx": "wechat_store_orders_2026"}, tmp_path)
    got["orders"] = got["orders"].drop(columns="created_at")  # the layout has no times
    paid = frames["orders"].paid_amount > 0
    compare("wechat_store_orders_2026", "orders", frames["orders"][paid],
            got["orders"][got["orders"].paid_amount > 0], ["order_id"])  # fmt: skip
    sides = [t.set_index("order_id").refund_amount.astype(float).sort_index()
             for t in (frames["orders"], got["orders"])]  # fmt: skip
    pd.testing.assert_series_equal(*sides, check_names=False)


def test_orders_of_a_live_room_are_one_row_each(tmp_path: Path) -> None:
    frames = orders_of(2)
    got = go_round(frames, {"a.xlsx": "sycm_live_orders"}, tmp_path)
    compare("sycm_live_orders", "orders", frames["orders"], got["orders"], ["order_id"])
    kept = frames["order_lines"]
    compare("sycm_live_orders", "order_lines", kept, got["order_lines"], ["order_line_id"])
    sums = [t.set_index("order_id").paid_amount.astype(float).sort_index()
            for t in (frames["orders"], got["orders"])]  # fmt: skip
    pd.testing.assert_series_equal(*sums, check_names=False)


@settings(max_examples=2)
@given(seed=st.integers(0, 10**6))
def test_taobao_orders_and_lines_in_two_files(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    files = {"orders.csv": "taobao_orders_2018", "lines.csv": "taobao_order_lines_2018"}
    frames = orders_of(seed)
    got = go_round(frames, files, tmp_path_factory.mktemp("x"))
    compare("taobao_orders_2018", "orders", frames["orders"], got["orders"], ["order_id"])
    lines = frames["order_lines"].drop(columns="line_paid_amount")
    key = ["order_id", "order_line_id"]
    compare("taobao_order_lines_2018", "order_lines", lines, got["order_lines"], key)
    sides = [t.sort_values(key).line_paid_amount.astype(float).tolist()
             for t in (frames["order_lines"], got["order_lines"])]  # fmt: skip
    assert sides[0] == sides[1]


def test_woocommerce_orders(tmp_path: Path) -> None:
    words = {"shipped": "paid", "unpaid": "unpaid"}
    frames = {"orders": orders_of(4, words)["orders"].drop(columns="currency")}
    got = go_round(frames, {"a.csv": "woocommerce_analytics_orders"}, tmp_path)
    fid = "woocommerce_analytics_orders"
    compare(fid, "orders", frames["orders"], got["orders"], ["order_id"])


def in_dollars(frames: Frames) -> Frames:
    """Return planted orders as Superstore and Olist have them: sold, or returned as a whole."""
    orders, lines = frames["orders"], frames["order_lines"]
    kept = orders[orders.paid_amount > 0].replace(
        {"order_status": {"paid": "completed", "shipped": "completed"}}
    )
    kept = kept.assign(currency="USD")
    lines = lines[lines.order_id.isin(kept.order_id) & (lines.line_paid_amount > 0)]
    sums = lines.groupby("order_id").line_paid_amount.sum()
    kept = kept[kept.order_id.isin(sums.index)]
    lines = lines.assign(line_cost=[cents(int(p * 60)) for p in lines.line_paid_amount])
    return {"orders": kept, "order_lines": lines}


def test_superstore_with_its_returns(tmp_path: Path) -> None:
    frames = in_dollars(orders_of(5, count=12))
    lines = frames["order_lines"]
    lines = lines.assign(line_paid_amount=lines.line_list_amount)
    sums = lines.groupby("order_id").line_paid_amount.sum()
    orders = frames["orders"].assign(paid_amount=frames["orders"].order_id.map(sums))
    orders["created_at"] = orders.paid_at = pd.to_datetime(orders.created_at).dt.normalize()
    back = orders.order_status == "closed_refunded"
    orders["refund_amount"] = orders.paid_amount.where(back)
    assert back.any()
    assert not back.all()
    products = lines.drop_duplicates("product_id")[["product_id", "product_name"]]
    products = products.assign(category_l1="Furniture", category_l2="Chairs")
    lines = lines.drop(columns=["created_at", "paid_at"])
    names = dict(zip(products.product_id, products.product_name, strict=True))
    lines = lines.assign(product_name=lines.product_id.map(names))
    made = {"orders": orders, "order_lines": lines, "products": products}
    files = {"sales.csv": "superstore", "returns.csv": "superstore_returns"}
    got = go_round(made, files, tmp_path)
    compare("superstore", "orders", orders, got["orders"], ["order_id"])
    same = ["order_status", "paid_amount", "refund_amount"]
    sides = [cells(t, "order_id", same) for t in (orders, got["orders"])]
    assert sides[0] == sides[1]
    compare("superstore", "order_lines", lines, got["order_lines"], ["order_line_id"])
    costs = [t.sort_values("order_line_id").line_cost.astype(float).tolist()
             for t in (lines, got["order_lines"])]  # fmt: skip
    assert costs[0] == costs[1]
    compare("superstore", "products", products, got["products"], ["product_id"])


def test_olist_in_seven_files(tmp_path: Path) -> None:
    frames = in_dollars(orders_of(6, count=12))
    lines = frames["order_lines"]
    lines = lines.assign(quantity=1, unit_price=lines.line_paid_amount)
    sums = lines.groupby("order_id").line_paid_amount.sum()
    orders = frames["orders"].assign(currency="BRL", payment_method="boleto")
    orders = orders.assign(paid_amount=orders.order_id.map(sums), refund_amount=None)
    orders["order_status"] = "completed"
    people = orders.drop_duplicates("customer_id")
    people = pd.DataFrame(
        {"customer_id": people.customer_id, "city": "杭州市", "province": "浙江省"}
    )
    goods = pd.DataFrame({"product_id": sorted(set(lines.product_id)), "category_l1": "toys"})
    single = lines.drop_duplicates("order_id", keep=False)
    reviews = pd.DataFrame({
        "review_id": [f"r{i}" for i in single.order_id], "order_line_id": single.order_line_id,
        "product_id": single.product_id, "rating": 4.0, "content": "好用",
        "created_at": dt.datetime(2024, 5, 1, 10),
    })  # fmt: skip
    stores = pd.DataFrame({"store_id": ["s1"], "platform": "olist"})
    made = {"orders": orders, "order_lines": lines, "customers": people, "products": goods,
            "reviews": reviews, "stores": stores}  # fmt: skip
    kinds = ("orders", "order_items", "order_payments", "customers", "products", "order_reviews",
             "sellers")  # fmt: skip
    got = go_round(made, {f"{kind}.csv": f"olist_{kind}" for kind in kinds}, tmp_path)
    compare("olist_orders", "orders", orders, got["orders"], ["order_id"])
    same = ["customer_id", "paid_amount", "shipping_fee", "receiver_city", "payment_method"]
    sides = [cells(t, "order_id", same) for t in (orders, got["orders"])]
    assert sides[0] == sides[1]
    compare("olist_order_items", "order_lines", lines, got["order_lines"], ["order_line_id"])
    compare("olist_customers", "customers", people, got["customers"], ["customer_id"])
    compare("olist_products", "products", goods, got["products"], ["product_id"])
    compare("olist_order_reviews", "reviews", reviews, got["reviews"], ["review_id"])
    tied = [t.sort_values("review_id").order_line_id.tolist() for t in (reviews, got["reviews"])]
    assert tied[0] == tied[1]
    compare("olist_sellers", "stores", stores, got["stores"], ["store_id"])


def test_products_with_their_variants(tmp_path: Path) -> None:
    seed = random.Random(7)  # noqa: S311
    products = pd.DataFrame({
        "product_id": ["dress", "lamp"], "product_name": ['Lazy "Set", grey', "=1+1"],
        "brand": "懒人", "category_l1": "Home", "status": "active",
    })  # fmt: skip
    skus = pd.DataFrame([
        {"sku_id": f"{p}-{n}", "sku_code": f"{p}-{n}", "product_id": p,
         "barcode": f"690000000000{n}", "price": cents(seed.randrange(1, 10**5)),
         "unit_cost": cents(seed.randrange(1, 10**4))}
        for p in products.product_id for n in range(3)
    ])  # fmt: skip
    made = {"products": products, "product_skus": skus}
    got = go_round(made, {"products.csv": "shopify_products_new"}, tmp_path)
    compare("shopify_products_new", "products", products, got["products"], ["product_id"])
    compare("shopify_products_new", "product_skus", skus, got["product_skus"], ["sku_id"])


def columns_of(fid: str, table: str, count: int, seed: int) -> pd.DataFrame:
    """Return invented rows of one of a layout's tables, a day each."""
    targets = {t.column: t for ts in formats()[fid].targets.values() for t in ts
               if t.table == table}  # fmt: skip
    numbers = random.Random(seed)  # noqa: S311
    rows = []
    for n in range(count):
        row = {c: plain.invented_value(t.rule, numbers, n) for c, t in targets.items()}
        row |= {c: dt.date(2024, 3, 1 + n) for c, t in targets.items() if t.rule == "date"}
        rows.append(row)
    constants = {c: v for (t, c), v in formats()[fid].constants.items() if t == table}
    return pd.DataFrame(rows).assign(**constants)


def test_traffic_and_scores_in_one_file(tmp_path: Path) -> None:
    fid = "sycm_shop_daily_selffetch"
    traffic, scores = (columns_of(fid, t, 6, 1) for t in ("traffic_daily", "shop_scores"))
    got = go_round({"traffic_daily": traffic, "shop_scores": scores}, {"a.xlsx": fid}, tmp_path)
    compare(fid, "traffic_daily", traffic, got["traffic_daily"], ["date"])
    compare(fid, "shop_scores", scores, got["shop_scores"], ["date"])


def test_traffic_and_products_in_one_file(tmp_path: Path) -> None:
    fid = "sycm_item_rank"
    traffic, products = (columns_of(fid, t, 6, 2) for t in ("traffic_daily", "products"))
    traffic = traffic.assign(product_id=products.product_id)
    got = go_round({"traffic_daily": traffic, "products": products}, {"a.xlsx": fid}, tmp_path)
    compare(fid, "traffic_daily", traffic, got["traffic_daily"], ["date", "product_id"])
    compare(fid, "products", products, got["products"], ["product_id"])


SURVEYS = {"wenjuanxing": "调查.xlsx", "google_forms": "调查.csv", "typeform": "调查.csv"}


@pytest.mark.parametrize("fid", SURVEYS)
def test_surveys_with_their_answers(fid: str, tmp_path: Path) -> None:
    first = len(formats()[fid].headers) + 1
    unit = fid == "typeform"  # its ids are its own, elsewhere they count within the survey
    responses, answers = [], []
    for n in range(1, 6):
        rid = f"r{n}" if unit else f"调查-{n if fid == 'wenjuanxing' else n + 1}"
        at = dt.datetime(2024, 3, 1, 9, n)
        responses.append(
            {"response_id": rid, "survey_id": "调查", "submitted_at": at,
             "duration_seconds": 60.0 + n, "channel": "微信", "region": "浙江"},
        )  # fmt: skip
        chosen: dict[int, list[Any]] = {0: [str(n)], 1: ["价格", "款式"] if n % 2 else ["质量"]}
        if fid == "typeform":
            chosen[1] = chosen[1][:1]  # commas join its options, and stand in them
        texts = {0: "1、您会推荐给朋友吗?", 1: "2、您看重什么?"}
        for q, options in chosen.items():
            answers += [
                {"response_id": rid, "question_id": f"q{first + q}", "option_index": i,
                 "question_text": texts[q], "answer_text": text}
                for i, text in enumerate(options, start=1)
            ]  # fmt: skip
    frames = {"surveys": pd.DataFrame(responses), "survey_answers": pd.DataFrame(answers)}
    got = go_round(frames, {SURVEYS[fid]: fid}, tmp_path)
    compare(fid, "surveys", frames["surveys"], got["surveys"], ["submitted_at"])
    key = ["response_id", "question_id", "option_index"]
    kept = [*key, "question_text", "answer_text"]
    sides = [cells(t["survey_answers"], key, kept) for t in (frames, got)]
    assert sides[0] == sides[1]
    assert got["surveys"].response_id.tolist() == frames["surveys"].response_id.tolist()


@pytest.mark.parametrize("granularity", ["day", "week", "month"])
def test_search_terms_of_google_trends(granularity: str, tmp_path: Path) -> None:
    step = {"day": 1, "week": 7, "month": 31}[granularity]
    rows = []
    for n in range(5):
        day = (dt.date(2024, 1, 1) + dt.timedelta(days=n * step)).replace(
            **({"day": 1} if granularity == "month" else {})
        )
        for keyword, region, value in (("懒人", "China", n * 20.0), ("家居服", "China", None)):
            rows.append({
                "date": day, "keyword": keyword, "source": "google_trends", "region": region,
                "granularity": granularity, "index_value": value,
                "index_low": 0.0 if value is None else value,
                "index_high": 1.0 if value is None else value,
            })  # fmt: skip
    frame = pd.DataFrame(rows)
    files = {"multiTimeline.csv": "google_trends_multitimeline"}
    got = go_round({"search_index": frame}, files, tmp_path)["search_index"]
    key = ["date", "keyword"]
    asked = f"{frame.date.min():%Y%m%d}{frame.date.max():%Y%m%d}"  # each request has its own scale
    frame["region"] = f"China-{asked}"
    sides = [cells(t, key, list(frame.columns)) for t in (frame, got)]
    assert sides[0] == sides[1]
