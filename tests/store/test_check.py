"""The quality report on planted problems: each is counted, named and costs what it should."""

from __future__ import annotations

import re
from dataclasses import replace

import pandas as pd
import pytest

import ecomops as eo
from ecomops.data.problems import Problem
from ecomops.store import check
from tests.metrics.shops import daily_traffic, random_orders, shop, sold


def clean(n: int = 200) -> pd.DataFrame:
    orders = random_orders(n, days=30)
    orders["paid_at"] = orders["created_at"] + pd.Timedelta(minutes=1)
    orders["customer_id"] = [f"c{i % 50}" for i in range(n)]
    return orders.assign(order_status="completed", paid_amount=50.0, refund_amount=0.0)


def lines_of(orders: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "order_line_id": orders["order_id"] + "-1",
            "order_id": orders["order_id"],
            "product_id": "p1",
            "quantity": 1,
            "line_paid_amount": orders["paid_amount"],
        }
    )


def counts(result) -> dict[str, int]:
    rows = result.table
    return rows[rows["kind"] == "problem"].set_index("item")["count"].to_dict()


def test_clean_data_scores_100_and_has_no_problem() -> None:
    orders = clean()
    result = check(shop(orders, order_lines=lines_of(orders)))
    assert result.score == 100
    assert counts(result) == {}
    assert result.findings()[0].level == "good"
    assert "100 out of 100, no problems found" in result.explain("en")
    assert "没有发现问题" in result.explain("zh")


def test_planted_problems_are_counted_to_the_row_on_every_engine(table) -> None:
    """The plan is the truth: 3 doubles, 4 refunds above payment, 2 early payments."""
    orders = clean()
    orders.loc[:3, "refund_amount"] = 60.0
    orders.loc[10:11, "paid_at"] = orders.loc[10:11, "created_at"] - pd.Timedelta(days=1)
    doubled = pd.concat([orders, orders.iloc[50:53]], ignore_index=True)
    found = check(shop(table(doubled)))
    assert counts(found) == {"duplicate_key": 3, "refund_over_paid": 4, "paid_before_created": 2}
    points = found.table.set_index("item")["points"]
    assert points["refund_over_paid"] == pytest.approx(100 * 4 / 203)
    assert found.score == round(100 - found.table["points"].sum())


def test_lines_must_add_up_to_their_orders() -> None:
    """The plan is the truth: 5 wrong sums, 1 order without lines, 1 line without order."""
    orders = clean()
    lines = lines_of(orders)
    lines.loc[20:24, "line_paid_amount"] = 49.0
    lone = lines.head(1).assign(order_id="nowhere", order_line_id="nowhere-1")
    given = pd.concat([lines.drop(index=[30]), lone], ignore_index=True)
    found = check(shop(orders, order_lines=given))
    assert counts(found) == {"lines_differ": 5, "without_lines": 1, "without_order": 1}
    assert found.table.set_index("item")["points"]["without_lines"] == pytest.approx(50 / 200)
    read = Problem("identity_lines", "orders", "flagged", 5)  # the same five, seen on reading
    again = replace(shop(orders, order_lines=given), problems=(read,))
    assert counts(check(again)) == counts(found)


def test_shipping_may_or_may_not_be_in_the_lines() -> None:
    orders = clean().assign(shipping_fee=8.0)
    lines = lines_of(orders)
    lines.loc[:99, "line_paid_amount"] -= 8.0
    assert "lines_differ" not in counts(check(shop(orders, order_lines=lines)))


def test_a_wrong_year_is_seen_without_a_clock() -> None:
    orders = clean()
    orders.loc[0, ["created_at", "paid_at"]] = pd.Timestamp("2052-07-03")
    found = check(shop(orders))
    assert counts(found)["lone_dates"] == 1
    row = found.table.set_index("item").loc["lone_dates"]
    assert row["examples"] == "2052-07-03"


def test_exclusions_are_those_of_the_order_policy() -> None:
    orders = random_orders()
    result = check(shop(orders))
    left = result.table[result.table["kind"] == "excluded"].set_index("item")["count"].to_dict()
    rows = sold(orders)
    known = rows[rows["customer_id"].notna()]
    assert left == {
        "unpaid": int((orders["order_status"] == "closed_unpaid").sum()),
        "guest": int(rows["customer_id"].isna().sum()),
        "refunded": int((known["net"] <= 0).sum()),
    }
    assert result.params["sales"] == len(rows)


def test_analyses_are_possible_partly_or_locked_with_their_key() -> None:
    result = check(shop(random_orders(), traffic_daily=daily_traffic()))
    rows = result.table[result.table["kind"] == "analysis"].set_index("item")
    assert rows["status"].to_dict() == {
        "store.scorecard": "partly",
        "store.drivers": "possible",
        "customer.rfm": "possible",
        "customer.cohorts": "possible",
        "customer.repeat": "possible",
        "product.pareto": "locked",
        "channel.traffic": "partly",
        "channel.attribution": "locked",
        "channel.guardrails": "locked",
        "product.price": "locked",
        "product.inventory": "locked",
        "campaign.promotion": "locked",
    }
    assert rows.loc["channel.attribution", "examples"] == "touchpoints.channel"
    assert rows.loc["store.scorecard", "examples"] == "shop_scores"


def test_an_empty_column_locks_what_needs_it() -> None:
    result = check(shop(random_orders().drop(columns="customer_id")))
    rows = result.table.set_index("item")
    assert rows.loc["customer.rfm", "status"] == "locked"
    assert rows.loc["orders.customer_id", "status"] == "empty"


def test_loader_problems_are_passed_on(shared) -> None:
    found = eo.open(shared / "data/online_retail_uci/online_retail.parquet", format="uci")
    assert {p.code for p in found.problems} - {"guest"} <= set(counts(check(found)))


def test_a_shop_calls_it_and_one_without_tables_is_locked() -> None:
    store = shop(clean())
    assert store.check(lang="zh").explain() == check(store, lang="zh").explain()
    assert check(eo.open({}, currency="CNY")).locked


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("wide", [True, False])
def test_the_chart_draws_the_rows(demo, lang, wide) -> None:
    from ecomops.result import style

    result = check(demo, lang=lang)
    with style.context():
        ax = style.canvas(style.WIDE if wide else style.NARROW, result.layout(wide=wide))
        result.draw(ax, wide=wide, words=result.words())
    assert [bar.get_width() for bar in ax.patches] == pytest.approx(result.bars()["share"].tolist())
    assert result._repr_html_() == check(demo, lang=lang)._repr_html_()


def test_a_clean_shop_draws_a_sentence() -> None:
    texts = [text.get_text() for text in check(shop(clean())).plot().texts]
    assert texts == ["No problem found and nothing left out."]


def test_what_is_counted_has_its_measure_word(demo):
    """Orders are counted in 笔, as everywhere; a table's name stands without."""
    result = check(demo, lang="zh")
    assert f"{result.basis.n:,} 笔订单 " in " ".join(re.split("<[^>]+>", result._repr_html_()))
    assert result.words("zh").label("orders") == "订单"
