"""What opening a shop must not lose or guess: other currencies, zones, files, ids and taxes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

import ecomops as eo

if TYPE_CHECKING:
    from pathlib import Path

SHOPIFY = (
    "Name,Email,Financial Status,Paid at,Fulfillment Status,Currency,Subtotal,Shipping,Taxes,Total,"
    "Discount Amount,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,"
    "Refunded Amount,Lineitem discount,Id,Outstanding Balance\n"
)
AT = "2024-03-01 10:00:00 +0000"


def sold(i: int, money: str, goods: int, name: str, *, ship: int = 0, tax: int = 0) -> str:
    total = goods + ship + tax
    return (
        f"#{i},u{i}@x.com,paid,{AT},fulfilled,{money},{goods},{ship},{tax},{total},0,{AT},1,{name},"
        f"{goods},S{i},0,0,{5000 + i},0\n"
    )


def shopify(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "orders_export.csv"
    path.write_text(SHOPIFY + "".join(rows), encoding="utf-8")
    return path


def codes(shop: eo.Shop) -> dict[str, int]:
    rows = shop.check().table
    rows = rows[rows["kind"] == "problem"]
    return dict(zip(rows["item"], rows["count"], strict=True))


def test_lines_of_another_currency_go_with_their_orders(tmp_path: Path) -> None:
    path = shopify(tmp_path, sold(1, "USD", 100, "A"), sold(2, "EUR", 900, "B"))
    shop = eo.open(path, currency="USD")
    lines = shop.order_lines.to_pandas()
    assert lines["line_paid_amount"].astype(float).tolist() == [100.0]
    assert lines["currency"].tolist() == ["USD"]
    assert "without_order" not in codes(shop)


def test_lines_without_tax_and_shipping_add_up(tmp_path: Path) -> None:
    shop = eo.open(shopify(tmp_path, sold(1, "USD", 50, "A", ship=5, tax=4)))
    assert "lines_differ" not in codes(shop)
    assert shop.check().score == 100


def test_lines_that_miss_money_are_still_told() -> None:
    orders = pd.DataFrame({"order_id": ["1"], "paid_amount": [59.0], "created_at": "2025-01-02",
                           "tax_amount": [4.0], "shipping_fee": [5.0]})  # fmt: skip
    lines = pd.DataFrame({"order_id": ["1"], "quantity": [1], "line_paid_amount": [45.0]})
    assert codes(eo.open({"orders": orders, "order_lines": lines}))["lines_differ"] == 1


@pytest.mark.parametrize(
    ("currency", "day"), [("GBP", "2026-01-31"), ("CNY", "2026-02-01"), ("", "2026-02-01")]
)
def test_the_money_of_the_orders_tells_their_zone(tmp_path: Path, currency: str, day: str) -> None:
    """Eight in the evening in London is four in the morning of the next day in Shanghai."""
    text = "order_id,created_at,currency,paid_amount\n1,2026-01-31T20:00:00Z,{},50\n"
    (tmp_path / "orders.csv").write_text(text.format(currency), encoding="utf-8")
    rows = pd.DataFrame({"order_id": ["1"], "paid_amount": [50.0], "currency": [currency],
                         "created_at": ["2026-01-31T20:00:00Z"]})  # fmt: skip
    for source in (tmp_path, {"orders": rows}):
        at = eo.open(source).orders.to_pandas()["created_at"].iloc[0]
        assert at.date().isoformat() == day


def test_files_of_a_shop_folder_that_are_not_read_are_named(tmp_path: Path) -> None:
    text = "order_id,customer_id,created_at,currency,paid_amount\n1,a,2026-01-31,CNY,50\n"
    (tmp_path / "orders.csv").write_text(text, encoding="utf-8")
    (tmp_path / "order_line.csv").write_text("x\n1\n", encoding="utf-8")
    (tmp_path / "notes.md").write_text("x", encoding="utf-8")
    shop = eo.open(tmp_path)
    assert codes(shop) == {"file_passed_over": 1}
    assert shop.problems[0].examples == ("order_line.csv",)
    assert shop.check().score == 100
    assert eo.open(tmp_path / "orders.csv").problems == ()


def test_one_id_on_two_platforms_is_told() -> None:
    orders = pd.DataFrame({"order_id": ["1", "2", "3"], "customer_id": ["小明", "小明", "小红"],
                           "paid_amount": [5, 6, 7], "created_at": "2025-01-02",
                           "source_platform": ["jd", "taobao", "taobao"]})  # fmt: skip
    assert codes(eo.open({"orders": orders}))["id_on_platforms"] == 1
    alone = orders.assign(source_platform="jd")
    assert "id_on_platforms" not in codes(eo.open({"orders": alone}))


def test_products_without_an_id_are_no_single_product(tmp_path: Path) -> None:
    path = shopify(tmp_path, sold(1, "USD", 10, "Mug"), sold(2, "USD", 100, "Coat"))
    lines = eo.open(path).order_lines
    found = eo.product.pareto(lines), eo.product.price(lines)
    for result in found:
        assert [need.values["column"] for need in result.missing] == ["product_id"]
    assert eo.product.pareto(lines, by="sku_code").table["amount"].tolist() == [100, 10]
    some = pd.DataFrame({"order_id": ["1", "2", "3"], "product_id": ["a", None, None],
                         "product_name": ["Mug", "Coat", "Cap"], "quantity": 1,
                         "line_paid_amount": [10, 70, 30]})  # fmt: skip
    result = eo.product.pareto(some)
    assert result.table["name"].isna().tolist() == [True, False]
    assert "Coat" not in result.explain("en")


def test_tables_have_chinese_names_in_chinese() -> None:
    orders = pd.DataFrame({"order_id": ["1", "1"], "paid_amount": 5, "created_at": "2025-01-02"})
    said = eo.open({"orders": orders}).check(lang="zh").explain()
    assert "订单" in said
    assert "orders" not in said


def test_a_mix_of_currencies_counts_no_blank_one(tmp_path: Path) -> None:
    text = "order_id,created_at,currency,paid_amount\n1,2026-01-31,GBP,50\n2,2026-01-31,USD,5\n"
    (tmp_path / "orders.csv").write_text(text + "3,2026-01-31,,1\n", encoding="utf-8")
    with pytest.raises(eo.DataError, match=r"GBP 1, USD 1\."):
        eo.open(tmp_path)


def test_near_names_are_found_in_any_case() -> None:
    frame = pd.DataFrame({"order_id": ["1"], "Paid Amount": [5], "created_at": "2025-01-02"})
    with pytest.raises(eo.DataError, match="paid_amount ← Paid Amount"):
        eo.open({"orders": frame})


def test_files_that_are_not_read_are_said_first(tmp_path: Path) -> None:
    """A month that a spreadsheet has spoilt is missing in every number of the page."""
    head = "主订单编号,子订单编号,选购商品,商品ID,商品数量,商品金额,订单提交时间,支付完成时间,"
    head += "订单状态,售后状态,订单应付金额,运费,流量体裁,达人ID\n"
    row = "{0},{0},A,361,1,{1},2026-05-18 20:00:00,2026-05-18 20:00:09,已完成,-,{1},0,,\n"
    for name, key in (("05", "6930000000000000001"), ("06", "6.93E+18")):
        text = head + row.format(key, 100)
        (tmp_path / f"2026-{name}.csv").write_text(text, encoding="utf-8")
    shop = eo.open(tmp_path)
    found = [f for f in shop.check().findings() if f.code == "file_refused"]
    assert [f.values["count"] for f in found] == [1]
    assert "2026-06.csv" in shop.check(lang="zh").explain()
    (tmp_path / "2026-06.csv").unlink()
    assert "file_refused" not in {f.code for f in eo.open(tmp_path).check().findings()}
