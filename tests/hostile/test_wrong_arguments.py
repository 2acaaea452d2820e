"""What is no shop, no list of names or no period is refused by name, never by a traceback."""

from __future__ import annotations

import inspect
from itertools import chain
from typing import TYPE_CHECKING

import pandas as pd
import pytest

import ecomops as eo
from ecomops.base import checks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ELEMENTS = (eo.store, eo.product, eo.channel, eo.customer, eo.campaign)
OF_A_SHOP = [
    function
    for function in chain.from_iterable((getattr(e, n) for n in e.__all__) for e in ELEMENTS)
    if inspect.isfunction(function)
    and next(iter(inspect.signature(function).parameters.values())).annotation == "Shop"
]
NEEDED = {"metric": "amount", "before": "2025-10", "after": "2025-11", "now": None}


def test_most_analyses_take_a_shop() -> None:
    assert len(OF_A_SHOP) >= 20


@pytest.mark.parametrize("function", OF_A_SHOP, ids=lambda f: f.__name__)
@pytest.mark.parametrize("kind", ["Table", "DataFrame", "dict", "NoneType"])
def test_what_is_no_shop_is_refused(function: object, kind: str) -> None:
    orders = pd.DataFrame({"order_id": ["1"], "paid_amount": [1.0], "created_at": ["2025-01-01"]})
    given = {
        "Table": eo.open({"orders": orders}).orders,
        "DataFrame": orders,
        "dict": {"orders": orders},
        "NoneType": None,
    }[kind]
    parameters = inspect.signature(function).parameters.values()
    more = {p.name: NEEDED[p.name] for p in list(parameters)[1:] if p.default is p.empty}
    with pytest.raises(eo.OptionError, match=rf"is not a shop\. It is a {kind}\."):
        function(given, **more)


@pytest.mark.parametrize(
    ("metrics", "said"),
    [([], "No metric was named"), (None, "No metric was named"), (3, "one name or several")],
)
def test_metrics_that_name_nothing_are_refused(metrics: object, said: str) -> None:
    with pytest.raises(eo.OptionError, match=said):
        eo.metrics.compute(eo.open("demo"), metrics)


def test_names_may_come_one_at_a_time() -> None:
    one = (name for name in ("pay_orders",))
    whole = eo.metrics.compute(eo.open("demo"), "pay_orders")
    pd.testing.assert_frame_equal(eo.metrics.compute(eo.open("demo"), one), whole)


@pytest.mark.parametrize("day", ["0202-11-11", "9999-12-31", "20250-1-1"])
def test_a_year_beyond_reason_is_a_slip(day: str) -> None:
    with pytest.raises(eo.OptionError, match="as_of"):
        eo.customer.cohorts(eo.open("demo").orders, as_of=day)


def test_a_period_that_ends_before_it_starts_is_refused() -> None:
    shop = eo.open("demo")
    period = {"start": "2025-10-02", "end": "2025-10-01"}
    for call in (eo.channel.attribution, eo.campaign.pacing):
        given = shop if call is eo.campaign.pacing else shop.touchpoints
        with pytest.raises(eo.OptionError, match=r"start is 2025-10-02, end is 2025-10-01"):
            call(given, **period)
    assert checks.span("2025-10-01", "2025-10-01")[0] == checks.day("end", "2025-10-01")


@pytest.mark.parametrize("by", ["", [], {}, 3])
def test_a_split_by_no_column_is_refused(by: object) -> None:
    with pytest.raises(eo.OptionError):
        eo.metrics.compute(eo.open("demo"), "pay_amount", by=by)


@pytest.mark.parametrize("given", [pd.DataFrame({"a": [1]}), ["month"], None, 3])
def test_a_choice_is_a_word(given: object) -> None:
    with pytest.raises(eo.OptionError, match="is not a choice for period"):
        eo.store.scorecard(eo.open("demo"), period=given)


def test_lines_in_two_currencies_are_not_added() -> None:
    lines = pd.DataFrame({"order_id": ["1", "2"], "product_id": ["a", "b"], "quantity": [1, 1]})
    lines = lines.assign(line_paid_amount=[5.0, 7.0], currency=["CNY", "usd"])
    with pytest.raises(eo.DataError, match="CNY 1, USD 1"):
        eo.product.pareto(lines)
    told = {"USD": ["usd", "USD"], "XXX": [None, None]}
    for money, cells in told.items():
        assert eo.product.pareto(lines.assign(currency=cells)).basis.currency == money


def test_review_takes_outcomes() -> None:
    with pytest.raises(eo.OptionError, match=r"ledger\.outcomes"):
        eo.store.review(eo.open("demo"))


def test_every_need_is_listed_with_whether_it_is_there() -> None:
    orders = pd.DataFrame({"order_id": ["1"], "paid_amount": [1.0], "created_at": ["2025-01-01"]})
    found = eo.product.selection(eo.open({"orders": orders}))
    assert [(need.values["table"], need.have) for need in found.missing] == [
        ("orders", True),
        ("order_lines", False),
    ]
    assert found.explain("en") == "No answer yet; missing: table order_lines"


@pytest.mark.parametrize("given", [3, "", " "])
@pytest.mark.parametrize("ask", [eo.load, eo.detect, eo.open, eo.customer.rfm])
def test_what_is_no_path_is_refused(ask: Callable[[object], object], given: object) -> None:
    """An empty path is not the current folder, which holds whatever it holds."""
    with pytest.raises(eo.OptionError, match=r"is not (the path of a file|a table)"):
        ask(given)


def test_an_export_goes_into_no_unnamed_folder(tmp_path: Path) -> None:
    with pytest.raises(eo.OptionError, match="is not the path of a file or a folder"):
        eo.load(tmp_path, into="")


@pytest.mark.parametrize(
    ("option", "code"), [("currency", "no_such_currency"), ("timezone", "unknown_timezone")]
)
def test_a_number_names_no_currency_and_no_zone(option: str, code: str) -> None:
    with pytest.raises(eo.EcomopsError) as refused:
        eo.open("demo", **{option: 3})
    assert refused.value.code == code


FAR = ["2025-01-01", "9999-12-31"]


@pytest.mark.parametrize(
    ("ask", "rows"),
    [
        (eo.channel.traffic, {"date": FAR, "source_l1": "search", "visitors": 9}),
        (eo.channel.attribution, {"event_time": FAR, "visitor_id": "v", "channel": "search"}),
        (eo.customer.rfm, {"order_id": ["1", "2"], "created_at": FAR, "paid_amount": 9.0}),
    ],
)
def test_a_date_beyond_reason_is_named_with_its_table(
    ask: Callable[[object], object], rows: dict[str, object]
) -> None:
    with pytest.raises(eo.DataError, match=r"impossible dates: 1\. They run from .* to 9999-12-31"):
        ask(pd.DataFrame(rows))
