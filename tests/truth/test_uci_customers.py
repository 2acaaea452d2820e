"""UCI Online Retail, set S2 (known customers, no cancellations): `truth.json` to the customer.

The truth was computed with pandas, independently of this package.
"""

from __future__ import annotations

import json

import pandas as pd
import pytest

from ecomops.customer import cohorts, repeat, rfm
from ecomops.maths import concentration


@pytest.fixture(scope="module")
def truth(shared):
    return json.loads((shared / "data" / "online_retail_uci" / "truth.json").read_text())


@pytest.fixture(scope="module")
def orders(shared):
    lines = pd.read_parquet(shared / "data" / "online_retail_uci" / "online_retail.parquet")
    sold = (
        ~lines["InvoiceNo"].str.startswith("C") & (lines["Quantity"] > 0) & (lines["UnitPrice"] > 0)
    )
    lines = lines[sold & lines["CustomerID"].notna()]
    lines = lines.assign(amount=lines["Quantity"] * lines["UnitPrice"])
    grouped = lines.groupby(["InvoiceNo", "CustomerID"], as_index=False)
    made = grouped.agg(created_at=("InvoiceDate", "min"), paid_amount=("amount", "sum"))
    names = {"InvoiceNo": "order_id", "CustomerID": "customer_id"}
    return made.rename(columns=names).assign(currency="GBP")


@pytest.fixture(scope="module")
def scored(orders):
    return rfm(orders)


def test_customers_orders_and_money_to_the_cent(scored, truth):
    table = scored.table
    assert table["customers"].sum() == truth["customers_S2"] == 4338
    assert table["amount"].sum() == pytest.approx(truth["revenue_S2"], abs=0.005)
    assert (table["frequency"] * table["customers"]).sum() == pytest.approx(truth["orders_S2"])


def test_rfm_quantiles(scored, truth):
    # truth counts recency to 2011-12-10 00:00 in whole days: the same as days to 2011-12-09
    rows = scored.customers.to_pandas().astype({"monetary": float})
    for letter, column in (("R", "recency_days"), ("F", "frequency"), ("M", "monetary")):
        wanted = dict(truth["rfm_S2"][letter])
        assert rows[column].sum() == pytest.approx(wanted.pop("sum"))
        assert rows[column].mean() == pytest.approx(wanted.pop("mean"))
        for name, value in wanted.items():
            found = rows[column].quantile(int(name[1:]) / 100)
            assert found == pytest.approx(value, abs=0.005), (letter, name)


def test_share_of_revenue_of_the_best_fifth(scored, truth):
    """A Pareto of customers: the floor of a fifth of 4,338 people, by net spend."""
    spent = scored.customers.to_pandas()["monetary"].astype(float)
    share = concentration.top_share(spent.to_numpy())
    assert share == pytest.approx(truth["pareto_share_of_revenue_top20pct_customers_S2"], abs=2e-4)


def test_repeat_rate(orders, truth):
    made = repeat(orders)
    rate = truth["repeat_rate_S2_customers_with_ge2_invoices"]
    assert 1 - made.params["one_time"] == pytest.approx(rate, abs=5e-9)
    assert made.naive[-1] == pytest.approx(rate, abs=5e-9)


@pytest.mark.parametrize("value", ["retention", "orders"])
def test_every_cohort_cell(orders, truth, value):
    made = cohorts(orders, value=value).table.set_index(["cohort", "age"])
    checked = 0
    for cohort, cells in truth["cohorts_S2"].items():
        for name, wanted in cells.items():
            row = made.loc[(cohort, 0 if name == "size" else int(name[1:]))]
            share = row["active"] / row["size"]
            assert (row["size"] if name == "size" else share) == pytest.approx(wanted, abs=5e-9)
            checked += 1
    assert checked == 70


def test_pooled_retention_with_the_partial_month_as_the_truth_has_it(orders, truth):
    # our own line leaves the nine days of December out, so it lies higher
    table = cohorts(orders).table
    for name, wanted in truth["pooled_retention_S2"].items():
        at = table[(table["age"] == int(name[1:])) & (table["observed"] != "none")]
        own = at[at["cohort"] != "all"]
        assert own["active"].sum() / own["size"].sum() == pytest.approx(wanted, abs=5e-9)
        assert at.loc[at["cohort"] == "all", "value"].iloc[0] > wanted


def test_revenue_of_all_cells_is_the_revenue_of_the_shop(orders, truth):
    table = cohorts(orders, value="revenue").table
    own = table[(table["cohort"] != "all") & (table["observed"] != "none")]
    assert (own["value"] * own["size"]).sum() == pytest.approx(truth["revenue_S2"], abs=0.005)


def test_the_first_intake_holds_older_customers(orders):
    # 885 first buyers in December 2010 against 417, 380 and 452 in the months after
    finding = cohorts(orders).findings()[-1]
    assert finding.code == "truncated_seen"
    assert finding.values["ratio"] == pytest.approx(885 / 417)
