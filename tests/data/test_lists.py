"""Lists for CRM and e-mail tools: consent and exclusions respected, no formula, no address lost.

Truth: a handful of people, written by hand.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import ibis
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ecomops as eo
from ecomops.data.formats import formats, load
from ecomops.data.formats.registry import fold
from ecomops.data.lists import FORMULA, LISTS, tame

if TYPE_CHECKING:
    from pathlib import Path

SEGMENT = pd.DataFrame({"customer_id": ["1", "2", "3", "4", "5", "6"], "segment": "champions"})
PEOPLE = pd.DataFrame(
    {
        "customer_id": ["1", "2", "3", "4", "5"],
        "email": ["A@b.org", "b@b.org", "c@b.org", "d***@b.org", "a@b.org"],
        "phone": ["+86 138 0000 0001", None, "13800000003", None, None],
        "first_name": ["=HYPERLINK(1)", "李", "C", "D", "E"],
        "email_opt_in": [True, False, True, True, True],
        "sms_opt_in": [True, True, None, False, None],
    }
)


def rows(path: Path, encoding: str = "utf-8") -> list[dict[str, str]]:
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file))


def test_only_who_agreed_is_written_and_once(tmp_path: Path):
    path = tmp_path / "list.csv"
    done = eo.write(SEGMENT, format="klaviyo_list", path=path, people=PEOPLE)
    assert [(r["Email"], r["Phone Number"], r["Segment"]) for r in rows(path)] == [
        ("a@b.org", "+86 138 0000 0001", "champions"), ("c@b.org", "", "champions"),
    ]  # fmt: skip
    assert rows(path)[0]["First Name"] == "'=HYPERLINK(1)"
    assert done.people == 2
    assert done.left_out == {"no_consent": 2, "no_contact": 1, "duplicate": 1}


def test_excluded_people_and_those_not_chosen_are_left_out(tmp_path: Path):
    chosen = SEGMENT.assign(
        held=[True, False, False, False, False, False],
        send=[True, True, False, True, True, True],
    )
    known = PEOPLE.assign(unsubscribed=[None, None, None, None, True], email_opt_in=True)
    path = tmp_path / "list.csv"
    done = eo.write(chosen, format="mailchimp_list", path=path, people=known)
    assert [r["Email Address"] for r in rows(path)] == ["b@b.org"]
    assert done.left_out == {"excluded": 3, "no_contact": 1, "no_consent": 1}


def test_one_no_outweighs_a_yes_and_words_count(tmp_path: Path):
    mine = SEGMENT.head(3).assign(email_opt_in=["yes", "no", "TRUE"])
    known = PEOPLE.head(3).assign(email_opt_in=["false", "true", "是"])
    done = eo.write(mine, format="mailchimp_list", path=tmp_path / "a.csv", people=known)
    assert (done.people, done.left_out) == (1, {"no_consent": 2})


def test_shopify_is_told_who_agreed(tmp_path: Path):
    path = tmp_path / "customers.csv"
    eo.write(SEGMENT, format="shopify_customers_list", path=path, people=PEOPLE)
    told = {
        r["Note"]: (r["Accepts Email Marketing"], r["Accepts SMS Marketing"]) for r in rows(path)
    }
    assert told == {"1": ("yes", "yes"), "2": ("no", "yes"), "3": ("yes", "no")}


def test_qianniu_knows_its_members_by_name(tmp_path: Path):
    path = tmp_path / "人群.csv"
    named = pd.DataFrame({"customer_id": ["懒人买家", "@小王", "丙"], "segment": "沉睡"})
    done = eo.write(
        named.assign(sms_opt_in=[True, None, False]), format="qianniu_crm_list", path=path
    )
    assert [r["买家会员名"] for r in rows(path, "gb18030")] == ["'@小王", "懒人买家"]
    assert done.left_out == {"no_consent": 1}


@pytest.mark.parametrize(
    ("people", "code"),
    [
        (None, "list_without_contacts"),
        (PEOPLE.drop(columns="email_opt_in"), "list_without_consent"),
    ],
)
def test_nothing_is_assumed(tmp_path: Path, people: pd.DataFrame | None, code: str):
    with pytest.raises(eo.DataError) as error:
        eo.write(SEGMENT, format="klaviyo_list", path=tmp_path / "x.csv", people=people)
    assert error.value.code == code
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format", ["klaviyo_list", "shopify_orders"])
def test_a_folder_that_is_not_there_is_named(tmp_path: Path, format: str):
    for source in (SEGMENT, None):
        with pytest.raises(eo.MissingError, match="nowhere"):
            eo.write(source, format=format, path=tmp_path / "nowhere" / "x.csv", people=PEOPLE)


def test_nothing_is_written_over(tmp_path: Path):
    (tmp_path / "x.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(eo.UnsafeError):
        eo.write(SEGMENT, format="klaviyo_list", path=tmp_path / "x.csv", people=PEOPLE)
    assert (tmp_path / "x.csv").read_text(encoding="utf-8") == "mine"


def test_segments_of_a_shop_go_out(tmp_path: Path):
    shop = eo.open("demo")
    found = eo.customer.rfm(shop.orders)
    done = eo.write(found.customers, format="qianniu_crm_list", path=tmp_path / "rfm.csv")
    assert done.people == int(found.table["customers"].sum())


def test_a_layout_is_written_as_before(tmp_path: Path):
    done = eo.write(eo.open("demo"), format="shopify_orders", path=tmp_path / "orders.csv")
    assert (done.people, [p.name for p in done.paths]) == (None, ["orders.csv"])


@given(st.text(max_size=12))
def test_no_cell_begins_as_a_formula(text: str):
    shown = tame(text)
    assert shown.endswith(text)
    assert (
        not FORMULA.match(shown)
        or shown.strip().lstrip("+-").replace(" ", "").replace(".", "").isdigit()
    )


def test_every_list_names_its_evidence():
    assert {shape.id for shape in LISTS.values() if not shape.evidence} == set()


TEMPLATES = sorted(name for name, fmt in formats().items() if fmt.confidence == "T")


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_is_filled_in_and_recognised(tmp_path: Path, name: str):
    """What no platform exports has a layout of ours, which says so."""
    fmt, path = formats()[name], tmp_path / "sheet.csv"
    eo.write(None, format=name, path=path)
    kinds = {"ts": "2026-06-01 10:00:00", "date": "2026-06-01", "text": "甲", "bool": "是"}
    rules = [fmt.targets[fold(header)][0].rule for header in fmt.headers]
    with path.open("a", encoding="utf-8") as file:
        file.write(",".join(kinds.get(rule, "7") for rule in rules) + "\r\n")
    assert fmt.evidence.startswith("ours: ")
    assert eo.detect(path)[0].format == name
    (rows,) = load(path, con=ibis.duckdb.connect()).tables.values()
    row = rows.to_pandas().iloc[0]
    filled = [fmt.targets[fold(header)][0].column for header in fmt.headers]
    assert row[filled].notna().all()


def test_every_tool_without_a_public_export_has_a_template():
    fed = {table for name in TEMPLATES for table in formats()[name].tables}
    assert fed == {
        "loyalty_ledger", "coupons", "coupon_daily", "message_campaigns", "search_index",
        "customers",
    }  # fmt: skip
