"""Opening a shop from everywhere, and refusing what cannot be opened."""

from __future__ import annotations

import os
from pathlib import Path

import ibis
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import ecomops as eo
from ecomops.data.tables import frame

FRAME = pd.DataFrame(
    {
        "order_id": ["1", "2"],
        "customer_id": ["a", "b"],
        "created_at": pd.to_datetime(["2025-01-01", "2025-01-02"]),
        "order_status": "paid",
        "paid_amount": [10.0, 20.0],
        "currency": "GBP",
    }
)


def total(shop: eo.Shop) -> float:
    return float(frame(shop.orders.aggregate(x=shop.orders.paid_amount.sum()))["x"].iloc[0])


@pytest.mark.parametrize("convert", [lambda f: f, pl.from_pandas, pa.Table.from_pandas])
def test_a_dict_of_frames_opens(convert) -> None:  # type: ignore[no-untyped-def]
    shop = eo.open({"orders": convert(FRAME)})
    assert total(shop) == 30.0
    assert shop.currency == "GBP"
    assert shop.coverage.sales == 2


def test_a_folder_of_canonical_files_opens_with_its_settings(tmp_path: Path) -> None:
    FRAME.to_parquet(tmp_path / "orders.parquet")
    (tmp_path / "products.csv").write_text("product_id,product_name\n01,袜子\n", encoding="utf-8")
    (tmp_path / "shop.toml").write_text(
        'name = "袜子铺"\nname_en = "Sock shop"\ntimezone = "Europe/London"\n', encoding="utf-8"
    )
    shop = eo.open(tmp_path)
    assert (shop.title("zh"), shop.title("en"), shop.timezone) == (
        "袜子铺",
        "Sock shop",
        "Europe/London",
    )
    assert frame(shop.products)["product_id"].iloc[0] == "01"
    assert sorted(shop.tables) == ["orders", "products"]


@pytest.mark.parametrize("file", ["orders.csv", "Orders.CSV"])
def test_an_export_that_is_called_orders_is_still_that_export(tmp_path: Path, file: str) -> None:
    head = (
        "Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Currency,Subtotal,"
        "Shipping,Taxes,Total,Discount Amount,Created at,Lineitem quantity,Lineitem name,"
        "Lineitem price,Lineitem sku,Cancelled at,Refunded Amount,Id,Source"
    )
    row = (
        "#1001,a@x.com,paid,2025-03-01 10:00:00 -0500,,,USD,20,5,0,25,0,"
        "2025-03-01 09:59:00 -0500,2,Sock,10,S1,,0,5001,web"
    )
    (tmp_path / file).write_text(f"{head}\n{row}\n", encoding="utf-8")
    for path in (tmp_path, tmp_path / file):
        shop = eo.open(path)
        assert (shop.source, shop.currency, total(shop)) == ("shopify_orders", "USD", 25.0)
    with pytest.raises(eo.DataError, match="order_id"):
        eo.open(tmp_path, format="canonical")


def test_a_table_in_an_own_layout_still_hears_which_columns_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("order_id,amount\n1,5\n", encoding="utf-8")
    with pytest.raises(eo.DataError, match="paid_amount ← amount"):
        eo.open(tmp_path)


def test_names_of_files_are_read_in_any_case_and_no_table_twice(tmp_path: Path) -> None:
    FRAME.to_csv(tmp_path / "ORDERS.csv", index=False)
    assert total(eo.open(tmp_path)) == 30.0
    FRAME.to_parquet(tmp_path / "orders.parquet")
    with pytest.raises(eo.DataError, match=r"ORDERS.csv.*orders.parquet"):
        eo.open(tmp_path)


@pytest.mark.parametrize("line", ["timezone = 5", "currency = ['CNY']", "name = 1"])
def test_settings_of_the_wrong_kind_are_told(tmp_path: Path, line: str) -> None:
    FRAME.to_parquet(tmp_path / "orders.parquet")
    (tmp_path / "shop.toml").write_text(line, encoding="utf-8")
    with pytest.raises(eo.DataError, match=line.partition(" ")[0]):
        eo.open(tmp_path)


def test_the_currency_of_the_settings_counts_like_one_that_is_passed(tmp_path: Path) -> None:
    """A shop that says USD over orders in CNY would show both signs; foreign orders are counted."""
    mixed = FRAME.assign(currency=["CNY", "USD"])
    mixed.to_parquet(tmp_path / "orders.parquet")
    (tmp_path / "shop.toml").write_text('currency = "cny"', encoding="utf-8")
    shop = eo.open(tmp_path)
    assert shop.currency == "CNY"
    assert [(p.code, p.count) for p in shop.problems] == [("other_currency", 1)]
    (tmp_path / "shop.toml").write_text('currency = "EUR"', encoding="utf-8")
    with pytest.raises(eo.DataError, match="EUR"):
        eo.open(tmp_path)


def test_a_connection_opens() -> None:
    con = ibis.duckdb.connect()
    con.create_table("orders", FRAME)
    assert total(eo.open(con)) == 30.0


def test_a_connection_without_canonical_tables_is_refused() -> None:
    con = ibis.duckdb.connect()
    con.create_table("cats", {"a": [1]})
    with pytest.raises(eo.MissingError, match="cats"):
        eo.open(con)


def test_an_absent_table_says_what_would_unlock_it() -> None:
    shop = eo.open({"orders": FRAME})
    assert shop.get("touchpoints") is None
    with pytest.raises(eo.MissingError, match="touchpoints"):
        _ = shop.touchpoints
    with pytest.raises(AttributeError):
        _ = shop.nonsense


def test_mixed_currencies_are_refused_until_one_is_named() -> None:
    mixed = FRAME.assign(currency=["GBP", "USD"])
    with pytest.raises(eo.DataError) as error:
        eo.open({"orders": mixed})
    assert error.value.code == "mixed_currencies"
    shop = eo.open({"orders": mixed}, currency="USD")
    assert total(shop) == 20.0
    assert [(p.code, p.count) for p in shop.problems] == [("other_currency", 1)]


def test_a_currency_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(eo.DataError, match="The data hold: GBP"):
        eo.open({"orders": FRAME}, currency="RMB")


def test_a_currency_may_be_named_in_small_letters() -> None:
    mixed = {"orders": FRAME.assign(currency=["GBP", "USD"])}
    assert total(eo.open(mixed, currency="usd")) == 20.0


def test_a_slip_in_a_tables_name_is_answered_with_the_name() -> None:
    shop = eo.open({"orders": FRAME})
    with pytest.raises(AttributeError, match="Did you mean 'orders'"):
        _ = shop.ordrs
    assert not hasattr(shop, "_repr_pretty_")


def test_money_travels_with_its_currency() -> None:
    lines = pd.DataFrame({"order_id": ["1"], "quantity": [1], "line_paid_amount": [10.0]})
    shop = eo.open({"orders": FRAME, "order_lines": lines.assign(product_id="p")})
    assert eo.product.pareto(shop.order_lines).basis.currency == "GBP"


@pytest.mark.parametrize(
    ("kind", "code"),
    [("absent", "no_such_file"), ("settings", "bad_shop_toml"), ("zone", "unknown_timezone")],
)
def test_what_cannot_be_opened_says_why(tmp_path: Path, kind: str, code: str) -> None:
    FRAME.to_parquet(tmp_path / "orders.parquet")
    if kind == "settings":
        (tmp_path / "shop.toml").write_text("name = ", encoding="utf-8")
    path = tmp_path / "nowhere" if kind == "absent" else tmp_path
    with pytest.raises(eo.EcomopsError) as error:
        eo.open(path, timezone="Mars/Base" if kind == "zone" else None)
    assert error.value.code == code
    assert error.value.message("zh") != error.value.message("en")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_without_rights_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o000)
    with pytest.raises(eo.DataError) as error:
        eo.open(folder)
    assert error.value.code == "no_rights"


def test_a_folder_without_rights_is_refused_for_everyone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same as above where the tests run as root: the listing itself refuses."""

    def refuse(_self: Path) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(eo.DataError) as error:
        eo.open(tmp_path)
    assert error.value.code == "no_rights"


def test_opening_sets_the_language_only_when_asked() -> None:
    before = eo.options.lang
    try:
        eo.open({"orders": FRAME}, lang="zh")
        assert eo.options.lang == "zh"
        with pytest.raises(eo.OptionError, match="lang"):
            eo.open({"orders": FRAME}, lang="fr")
    finally:
        eo.options.lang = before


@pytest.mark.parametrize("rows", [1, 2])
def test_one_customer_and_one_order_are_a_shop(rows: int) -> None:
    assert eo.open({"orders": FRAME.head(rows)}).coverage.purchases == rows


def test_all_guests_are_sales_and_no_customers() -> None:
    facts = eo.open({"orders": FRAME.assign(customer_id=None)}).coverage
    assert (facts.sales, facts.purchases, facts.excluded["guest"]) == (2, 0, 2)


def test_margins_are_what_stays_of_paid_and_of_net_money_by_hand() -> None:
    """100 paid at cost 40; 50 paid, half of it refunded, at cost 30: 60 + 25 − 15 of 150 or 125."""
    lines = pd.DataFrame(
        {
            "order_id": ["1", "2", "2"],
            "quantity": 1,
            "line_paid_amount": [100.0, 50.0, 10.0],
            "line_refund_amount": [None, 25.0, None],
            "line_cost": [40.0, 30.0, None],
        }
    )
    shop = eo.open({"orders": FRAME, "order_lines": lines})
    assert shop.margin == pytest.approx((60 + 25 - 15) / 150)
    assert shop.gross_margin == pytest.approx((60 + 25 - 15) / 125)
    assert eo.open({"orders": FRAME}).margin is None
    assert eo.open({"orders": FRAME, "order_lines": lines.assign(line_cost=None)}).margin is None


def test_tables_in_two_connections_are_refused_by_name() -> None:
    lines = pd.DataFrame({"order_id": ["1"], "quantity": 1, "line_paid_amount": 5.0})
    there = {
        "orders": ibis.duckdb.connect().create_table("orders", FRAME),
        "order_lines": ibis.duckdb.connect().create_table("order_lines", lines),
    }
    with pytest.raises(eo.DataError, match="orders, order_lines") as error:
        eo.open(there)
    assert error.value.code == "several_connections"
    assert eo.open(there | {"order_lines": lines}).check().score <= 100


def test_times_finer_than_a_microsecond_are_cut_to_it() -> None:
    at = pd.to_datetime(["2025-11-01 10:00:00.123456789"] * 2).astype("datetime64[ns]")
    orders = eo.open({"orders": FRAME.head(2).assign(paid_at=at)}).orders
    assert orders.paid_at.type().scale in (None, 6)
    assert str(orders.paid_at.max().to_pandas()) == "2025-11-01 10:00:00.123456"


def test_a_shop_tells_what_it_holds() -> None:
    shop = eo.open({"orders": FRAME})
    assert repr(shop).startswith("<Shop ")
    assert "GBP" in repr(shop)
    assert "orders" in dir(shop)
    assert "orders" in shop
    assert shop.get("orders") is shop.tables["orders"]
    assert shop.get("products") is None


def test_what_is_no_source_is_refused() -> None:
    with pytest.raises(eo.OptionError) as error:
        eo.open(42)
    assert error.value.code == "not_a_table"


def test_a_file_that_is_no_table_says_what_it_could_not_read(tmp_path: Path) -> None:
    path = tmp_path / "orders.parquet"
    path.write_bytes(b"no parquet")
    with pytest.raises(eo.DataError) as error:
        eo.open({"orders": str(path)})
    assert error.value.code == "unreadable_file"
    assert str(path) in error.value.message("zh")
    with pytest.raises(eo.MissingError):
        eo.open({"orders": str(tmp_path / "absent.csv")})


def test_the_currency_of_a_table_is_its_own_or_none() -> None:
    from ecomops.data.policy import currency_of
    from ecomops.data.tables import opened

    assert currency_of(opened(FRAME)) == "GBP"
    assert currency_of(opened(FRAME.drop(columns="currency"))) == "XXX"
    assert currency_of(opened(FRAME.assign(currency=pd.Series([None, None], dtype="str")))) == "XXX"


def test_orders_need_one_of_the_two_clocks() -> None:
    with pytest.raises(eo.DataError) as error:
        eo.open({"orders": FRAME.drop(columns="created_at")})
    assert error.value.values["missing"] == ["created_at"]


def test_a_folder_in_which_nothing_is_known_says_why_of_each_file(tmp_path: Path) -> None:
    (tmp_path / "order.csv").write_text("order_id,paid_at,paid\n1,2025-01-01,5\n")
    with pytest.raises(eo.DataError) as error:
        eo.open(tmp_path)
    assert error.value.code == "nothing_to_load"
    assert "order.csv is in no layout that is known" in error.value.message("en")


SOLD = pd.DataFrame(
    {
        "order_id": ["1", "2", "3"],
        "customer_id": ["a", "b", "c"],
        "paid_at": "2025-01-02",
        "paid_amount": [100.0, 50.0, 20.0],
        "currency": "CNY",
    }
)
SOLD_LINES = pd.DataFrame(
    {
        "order_id": ["1", "1", "2", "3"],
        "order_line_id": ["1", "2", "1", "1"],  # numbered within each order
        "product_id": list("pqpp"),
        "product_name": "n",
        "quantity": 1,
        "unit_price": 50.0,
        "line_paid_amount": [60.0, 40.0, 50.0, 20.0],
        "line_cost": 10.0,
    }
)
TICKETS = pd.DataFrame(
    {
        "refund_id": ["r1", "r2", "r3", "r4"],
        "order_id": ["1", "1", "2", "9"],
        "order_line_id": ["2", None, "1", "1"],
        "refund_type": "refund_only",
        "refund_status": ["refunded", None, "refunding", "refunded"],
        "applied_at": "2025-01-05",
        "refund_amount": [30.0, 10.0, 50.0, 7.0],
    }
)


def test_refunds_that_tickets_alone_tell_reach_orders_and_lines() -> None:
    """By hand: 30 of the second line, 10 over both as 6 and 4; what is asked for is not paid out.

    Net 60 + 50 + 20 of 170; costs kept of 10 a line: 9, 1.5, 10 and 10.
    """
    shop = eo.open({"orders": SOLD, "order_lines": SOLD_LINES, "refunds": TICKETS})
    orders = frame(shop.orders.order_by("order_id"))
    assert orders["refund_amount"].tolist() == [40.0, 0.0, 0.0]
    lines = frame(shop.order_lines.order_by("order_id", "order_line_id"))
    assert lines["line_refund_amount"].tolist() == [6.0, 34.0, 0.0, 0.0]
    net = eo.metrics.compute(shop, ["net_sales", "gross_margin"]).set_index("metric")["value"]
    assert net["net_sales"] == 130
    assert net["gross_margin"] == shop.gross_margin == pytest.approx((130 - 30.5) / 130)
    told = [(p.code, p.table, p.action, p.count) for p in shop.problems]
    assert told == [("refund_from_ticket", t, "changed", 2) for t in ("orders", "order_lines")]
    assert {"refund_from_ticket"} <= set(shop.check().table["item"])


def test_orders_and_lines_that_tell_refunds_are_left_as_they_are() -> None:
    orders = SOLD.assign(refund_amount=[5.0, None, None])
    shop = eo.open({"orders": orders, "refunds": TICKETS})
    assert frame(shop.orders)["refund_amount"].sum() == 5
    assert shop.problems == ()
    unknown = eo.open({"orders": SOLD, "refunds": TICKETS[TICKETS["order_id"] == "9"]})
    assert frame(unknown.orders)["refund_amount"].isna().all()  # of no order that is there
