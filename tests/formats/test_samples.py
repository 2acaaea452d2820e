"""The 43 synthetic exports, in their platforms' layouts: each recognised, each number as written.

Truth: the values were read off the sample files by hand.
"""

# ruff: noqa: E501 - a table of cases, one a line

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import ibis
import pandas as pd
import pytest

from ecomops.data.formats import detect, load

if TYPE_CHECKING:
    from pathlib import Path

    from ecomops.data.formats import Loaded

# file -> layout, {table: rows}, [(table, row, {column: value})]
ADS = {"impressions": 10000, "clicks": 350, "spend": 420.00, "conversion_value": 1785.00}
SAMPLES: dict[str, tuple[str, dict[str, int], list[tuple[str, int, dict[str, Any]]]]] = {
    "BusinessReport-child-2026.csv": (
        "amazon_business_report_child", {"traffic_daily": 1},
        [("traffic_daily", 0, {"visitors": 12131, "pageviews": 17004, "pay_amount": 12905.25, "pay_quantity": 683})],
    ),
    "ExportOrderDetailList201905311200.csv": (
        "taobao_order_lines_2018", {"order_lines": 3},
        [("order_lines", 0, {"order_id": "431112233445566778", "quantity": 2, "unit_price": 119})],
    ),
    "ExportOrderList201905311200.csv": (
        "taobao_orders_2018", {"orders": 3},
        [("orders", 0, {"order_id": "431112233445566778", "customer_id": "buyer_a01", "paid_amount": 218,
                        "settled_amount": 238, "platform_discount": 20, "order_status": "completed",
                        "receiver_province": "浙江省", "receiver_city": "杭州市", "receiver_district": "余杭区"}),
         ("orders", 1, {"order_status": "closed_unpaid", "paid_amount": 0, "close_reason": "买家未付款"}),
         ("orders", 2, {"order_status": "paid", "sku_kind_count": 2, "buyer_note": None})],
    ),
    "alipay_ledger_2026.csv": (
        "alipay_ledger", {"settlements": 1},
        [("settlements", 0, {"amount": 218, "order_id": "2345678901234567890", "entry_type": "sale"})],
    ),
    "amazon_settlement_v2.txt": (
        "amazon_settlement_v2", {"settlements": 2},
        [("settlements", 0, {"amount": -3.65, "entry_type": "platform_fee", "currency": "USD"}),
         ("settlements", 1, {"amount": 25, "entry_type": "sale"})],
    ),
    "baidu_index_lanrenyifu.xlsx": (
        "baidu_index_tool", {"search_index": 2},
        [("search_index", 0, {"keyword": "懒人衣服", "index_value": 512, "index_pc": 120, "region": "全国"})],
    ),
    "customers_export.csv": (
        "shopify_customers", {"customers": 1},
        [("customers", 0, {"customer_id": "7700000000001", "email_opt_in": True, "sms_opt_in": False, "total_paid": 50})],
    ),
    "doudian_orders_2026.csv": (
        "doudian_orders_2026", {"orders": 2, "order_lines": 3},
        [("orders", 0, {"order_id": "6930000000000000001", "paid_amount": 208, "platform_discount": 20,
                        "shop_discount": 10, "order_status": "completed"}),
         ("orders", 1, {"paid_amount": 238, "order_status": "shipped", "refund_amount": 119}),
         ("order_lines", 1, {"line_status": "closed_refunded", "line_paid_amount": 119})],
    ),
    "douyin_compass_live_list_2026.xlsx": (
        "douyin_compass_live_list", {"live_sessions": 1},
        [("live_sessions", 0, {"viewers": 15093, "gmv": 61045.30, "user_paid_amount": 59847.17, "ad_spend": 24052.43})],
    ),
    "ga4_traffic_acquisition.csv": (
        "ga4_traffic_acquisition", {"traffic_daily": 2},
        [("traffic_daily", 0, {"source_l1": "Organic Search", "visitors": 1000, "pay_amount": 400}),
         ("traffic_daily", 1, {"source_l1": "Paid Search", "visitors": 500})],
    ),
    "google_ads_campaign.csv": (
        "google_ads_campaign", {"ad_reports": 1},
        [("ad_reports", 0, {"clicks": 1234, "impressions": 56789, "spend": 987.20, "conversion_value": 2400})],
    ),
    "google_ads_campaign_excel_utf16.csv": (
        "google_ads_campaign", {"ad_reports": 1},
        [("ad_reports", 0, {"clicks": 1234, "impressions": 56789, "spend": 987.20, "conversion_value": 2400})],
    ),
    "google_forms_nps.csv": (
        "google_forms", {"surveys": 2, "survey_answers": 5},
        [("survey_answers", 0, {"answer_value": 10, "question_text": "How likely are you to recommend us? (0-10)"})],
    ),
    "jd_orders_2017.csv": (
        "jd_orders_2017", {"orders": 1, "order_lines": 1},
        [("orders", 0, {"order_id": "70000000001", "paid_amount": 218, "list_amount": 238, "order_status": "completed"}),
         ("order_lines", 0, {"quantity": 2, "unit_price": 119, "line_paid_amount": 218})],
    ),
    "jd_promotion_2026.xlsx": (
        "jd_promotion_2026", {"ad_reports": 1},
        [("ad_reports", 0, {"product_id": "10160070484512", "impressions": 8328, "clicks": 330, "spend": 33.49})],
    ),
    "jd_settlement_2026.xlsx": (
        "jd_settlement_2026a", {"settlements": 2},
        [("settlements", 0, {"order_id": "3553498017448001"})],
    ),
    "jd_shangzhi_funnel_2026.xlsx": (
        "jd_shangzhi_funnel", {"traffic_daily": 1},
        [("traffic_daily", 0, {"visitors": 5432, "pay_amount": 5432, "source_l2": "搜索"})],
    ),
    "klaviyo_campaigns.csv": (
        "klaviyo_campaigns", {"message_campaigns": 1},
        [("message_campaigns", 0, {"recipients": 1000, "opened": 420, "revenue": 480, "orders": 12})],
    ),
    "kuaishou_orders_2026.xlsx": (
        "kuaishou_orders_2026", {"orders": 1, "order_lines": 1},
        [("orders", 0, {"paid_amount": 1299.90, "shipping_fee": 0, "platform_discount": 5, "shop_discount": 10}),
         ("order_lines", 0, {"quantity": 1, "unit_price": 1314.90, "line_paid_amount": 1299.90})],
    ),
    "meta_ads.csv": (
        "meta_ads", {"ad_reports": 1},
        [("ad_reports", 0, {"spend": 600, "clicks": 450, "impressions": 30000, "conversions": 12})],
    ),
    "multiTimeline.csv": (
        "google_trends_multitimeline", {"search_index": 4},
        [("search_index", 0, {"keyword": "lazy clothes", "index_low": 0, "index_high": 1, "index_value": None}),
         ("search_index", 2, {"keyword": "loungewear", "index_value": 45,
                              "region": "Worldwide-2026053120260607"})],
    ),
    "orders_export.csv": (
        "shopify_orders", {"orders": 2, "order_lines": 3},
        [("orders", 0, {"order_id": "5500000000001", "paid_amount": 50, "refund_amount": 10, "shop_discount": 5,
                        "order_status": "completed", "order_status_raw": "partially_refunded"}),
         ("orders", 1, {"order_id": "5500000000002", "paid_amount": 20, "order_status": "paid"}),
         ("order_lines", 0, {"line_paid_amount": 36}), ("order_lines", 1, {"line_paid_amount": 9})],
    ),
    "pdd_ledger_2026.csv": (
        "pdd_settlement_2026", {"settlements": 2},
        [("settlements", 0, {"amount": -0.33, "entry_type": "platform_fee"}), ("settlements", 1, {"amount": 54.80})],
    ),
    "pdd_orders_2026.csv": (
        "pdd_orders_2026", {"orders": 2, "order_lines": 2},
        [("orders", 0, {"order_id": "260517-607198974342269", "order_status": "closed_refunded", "paid_amount": 29.90,
                        "refund_amount": 29.90, "created_at": pd.Timestamp("2026-05-17")}),
         ("orders", 1, {"paid_amount": 51.30, "merchant_receivable": 54.80, "payment_discount": 0.50})],
    ),
    "pdd_promotion_2026.xlsx": (
        "pdd_promotion_2026", {"ad_reports": 3},
        [("ad_reports", 0, {"spend": 80, "impressions": 6000}),
         ("ad_reports", 2, {"spend": 102.12, "campaign_id": "腊肠"}), ("ad_reports", 1, {"spend": 317.88, "scene_name": "unallocated"})],
    ),
    "qianniu_order_lines_2025.xlsx": (
        "qianniu_order_lines_2025", {"order_lines": 1},
        [("order_lines", 0, {"order_line_id": "2345678901234567890", "line_paid_amount": 218, "refund_status": "none",
                             "line_refund_amount": None, "product_id": "700000000001"})],
    ),
    "qianniu_orders_2025.xlsx": (
        "qianniu_orders_2025", {"orders": 2},
        [("orders", 0, {"order_id": "2345678901234567890", "paid_amount": 218, "settled_amount": 238}),
         ("orders", 1, {"order_status": "closed_unpaid"})],
    ),
    "rees46_events.csv": (
        "rees46_events", {"touchpoints": 1},
        [("touchpoints", 0, {"event_name": "view", "product_id": "44600062", "value": 35.79})],
    ),
    "shengyicanmou_pc_flow_source_2017.xls": (
        "sycm_flow_source_2017_pc", {"traffic_daily": 3},
        [("traffic_daily", 0, {"source_l1": "淘宝付费", "source_l2": "直通车", "visitors": 1234, "pay_amount": 2975,
                               "bounce_rate": 0.612, "level": "source", "device": "pc",
                               "date": pd.Timestamp("2017-11-12")})],
    ),
    "sycm_coupon_shop_2022.xlsx": (
        "sycm_coupon_shop", {"coupon_daily": 1},
        [("coupon_daily", 0, {"claimed": 1000, "used": 120, "pay_amount": 14280})],
    ),
    "sycm_item_rank_2026-07-01.xlsx": (
        "sycm_item_rank", {"traffic_daily": 2, "products": 2},
        [("traffic_daily", 0, {"product_id": "700000000001", "visitors": 1234, "pay_amount": 3094, "bounce_rate": 0.681}),
         ("traffic_daily", 1, {"pay_amount": None, "pay_buyers": 0})],
    ),
    "sycm_live_sessions_2022.xlsx": (
        "sycm_live_sessions", {"live_sessions": 1},
        [("live_sessions", 0, {"viewers": 8765, "gmv": 30940, "buyers": 220})],
    ),
    "sycm_macro_monitor_2025-01-27.xls": (
        "sycm_macro_monitor", {"traffic_daily": 1},
        [("traffic_daily", 0, {"visitors": 877, "pay_amount": 10095, "refund_amount": 14414, "level": "shop"})],
    ),
    "sycm_market_search_rank_2026.xlsx": (
        "sycm_search_rank_2026", {"market_keywords": 2},
        [("market_keywords", 0, {"keyword": "居家服套装", "search_popularity_low": 12000, "search_popularity_high": 24000}),
         ("market_keywords", 1, {"search_popularity_low": 600, "pay_rate_low": 0.05, "pay_rate_high": 0.075})],
    ),
    "tbk_settlement_2022.csv": (
        "tbk_settlement_2022", {"affiliate_orders": 1},
        [("affiliate_orders", 0, {"commission": 5.95, "commission_rate": 0.05, "deal_amount": 119})],
    ),
    "typeform_nps.csv": (
        "typeform", {"surveys": 1, "survey_answers": 2},
        [("survey_answers", 0, {"response_id": "abc123def456", "answer_value": 8})],
    ),
    "unified_payments.csv": (
        "stripe_payments", {"settlements": 3},
        [("settlements", 0, {"amount": -10, "currency": "USD", "entry_type": "refund"}),
         ("settlements", 1, {"amount": -1.75, "currency": "USD", "entry_type": "platform_fee"}),
         ("settlements", 2, {"amount": 50, "currency": "USD", "entry_type": "sale"})],
    ),
    "wenjuanxing_2026.xlsx": (
        "wenjuanxing", {"surveys": 2, "survey_answers": 7},
        [("surveys", 0, {"duration_seconds": 95, "channel": "微信", "region": "浙江-杭州"})],
    ),
    "woocommerce_analytics_orders.csv": (
        "woocommerce_analytics_orders", {"orders": 1},
        [("orders", 0, {"order_id": "1001", "paid_amount": 45, "item_count": 3})],
    ),
    "wxt_account_20220520.csv": (
        "wxt_account_2022", {"ad_reports": 1},
        [("ad_reports", 0, {"spend": 500, "attribution_model": "末次点击归因", "attribution_window_days": 15})],
    ),
    "wxt_onebp_item_report_20251101.zip": (
        "wxt_onebp_item_2025", {"ad_reports": 1}, [("ad_reports", 0, ADS | {"members_joined": 0})],
    ),
    "xhs_orders_2026.xlsx": (
        "xhs_orders_2026", {"orders": 1, "order_lines": 1},
        [("orders", 0, {"paid_amount": 99, "merchant_receivable": 109, "customer_id": "u-001"}),
         ("order_lines", 0, {"line_list_amount": 119, "line_paid_amount": 99, "is_gift": False})],
    ),
    "ztc_adgroup_20220520.csv": (
        "ztc_adgroup_2022", {"ad_reports": 1}, [("ad_reports", 0, ADS | {"campaign_id": "80000001"})],
    ),
}  # fmt: skip


def sample(shared: Path, name: str) -> Path:
    return shared / "samples" / f"SYNTHETIC_{name}"


def ordered(loaded: Loaded, table: str) -> pd.DataFrame:
    """Return a table by its key, amounts as floats (every sample amount is exact in two places)."""
    rows = loaded.tables[table].to_pandas()
    for column in rows.columns:
        if rows[column].dtype == object and column in {"amount", "spend"}:
            rows[column] = rows[column].astype(float)
    keys = [
        c
        for c in rows.columns
        if c.endswith(("_id", "date", "keyword")) or c in {"amount", "posted_at"}
    ]
    if table == "settlements":
        keys = ["amount"]
    if table == "survey_answers":
        keys = ["question_id", "response_id", "option_index"]
    if table == "search_index":
        keys = ["keyword", "date"]
    return rows.sort_values(keys, ignore_index=True) if keys else rows


def test_every_sample_is_expected(shared: Path) -> None:
    found = {p.name.removeprefix("SYNTHETIC_") for p in (shared / "samples").glob("SYNTHETIC_*")}
    assert found == set(SAMPLES)
    assert len(found) == 43


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_sample_is_recognised(shared: Path, name: str) -> None:
    found = detect(sample(shared, name))
    assert found[0].format == SAMPLES[name][0]
    assert found[0].confidence > 0.9


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_sample_loads_with_the_numbers_it_shows(shared: Path, name: str) -> None:
    layout, counts, values = SAMPLES[name]
    loaded = load(sample(shared, name), con=ibis.duckdb.connect())
    assert loaded.format == layout
    assert {t: int(rows.count().to_pandas()) for t, rows in loaded.tables.items()} == counts
    for table, row, expected in values:
        got = ordered(loaded, table).iloc[row]
        for column, value in expected.items():
            assert same(got[column], value), (table, row, column, got[column], value)


def same(got: Any, wanted: Any) -> bool:
    if wanted is None:
        return bool(pd.isna(got))
    if isinstance(wanted, bool | str | pd.Timestamp):
        return bool(got == wanted)
    return math.isclose(float(got), wanted, rel_tol=1e-12)


def test_nothing_personal_is_kept(shared: Path) -> None:
    for name in ("ExportOrderList201905311200.csv", "doudian_orders_2026.csv", "orders_export.csv"):
        loaded = load(sample(shared, name), con=ibis.duckdb.connect())
        text = loaded.tables["orders"].to_pandas().to_csv()
        assert not [
            w for w in ("13800000000", "138****", "合成路", "example.invalid", "合*") if w in text
        ]
        assert any(p.code == "personal_column" for p in loaded.problems)


def test_pinduoduo_total_beyond_its_rows_is_an_unallocated_row(shared: Path) -> None:
    loaded = load(sample(shared, "pdd_promotion_2026.xlsx"), con=ibis.duckdb.connect())
    assert float(loaded.tables["ad_reports"].spend.sum().to_pandas()) == 500.00
    gap = next(p for p in loaded.problems if p.code == "total_differs")
    assert float(gap.amount) == 317.88


def test_footers_are_left_out_and_named(shared: Path) -> None:
    for name in (
        "google_ads_campaign.csv",
        "meta_ads.csv",
        "pdd_promotion_2026.xlsx",
        "alipay_ledger_2026.csv",
    ):
        loaded = load(sample(shared, name), con=ibis.duckdb.connect())
        assert sum(p.count for p in loaded.problems if p.code == "total_row") >= 1
