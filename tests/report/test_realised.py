"""What accepted actions brought: each way on shops built by hand, and why others are refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

import ecomops as eo
from ecomops.data.tables import table
from ecomops.report import compared
from ecomops.report.memory import Ledger
from ecomops.report.outcome import Deed, Outcome
from ecomops.report.realised import METHODS, REASONS, realised
from ecomops.result import Action, Value
from ecomops.result.words import Words
from ecomops.store.proposals import Proposal

DECIDED, DUE = date(2025, 6, 30), date(2025, 7, 30)
PRICE = {"item": "P0", "price": 100.0, "best": 80.0, "elasticity": -2.0}
START = date(2025, 1, 1)


def deed(analysis="product.price", code="change", subject="product:P0", change=PRICE, **more):
    return Deed("1" * 16, analysis, code, subject, change, DECIDED, DUE, **more)


def day_of(number):
    return START + timedelta(days=number)


def frames(lines, customers=None):
    """Return orders of one line each and their lines: product, day, price, cost."""
    rows = pd.DataFrame(lines, columns=["product_id", "day", "price", "cost"])
    at = pd.to_datetime(rows["day"]) + pd.Timedelta(hours=12)
    ids = [str(n) for n in range(len(rows))]
    who = customers or ids
    orders = pd.DataFrame({"order_id": ids, "created_at": at, "paid_at": at, "customer_id": who,
                           "paid_amount": rows["price"]})  # fmt: skip
    items = rows[["product_id"]].assign(
        order_line_id=ids, order_id=ids, quantity=1, unit_price=rows["price"],
        line_paid_amount=rows["price"], line_cost=rows["cost"], created_at=at, paid_at=at,
        product_name=rows["product_id"],
    )  # fmt: skip
    return {"orders": orders, "order_lines": items}


def shop_of(lines, customers=None, **tables):
    return eo.open(frames(lines, customers) | tables, currency="CNY")


def steady(products=16, more=10, price=80.0):
    """Return one sale of each product a day; P0 sells `more` in addition after the decision."""
    lines = []
    for number in range(211):
        day = day_of(number)
        later = day > DECIDED
        for item in range(products):
            mine = later and item == 0
            lines.append((f"P{item}", day, price if mine else 100.0, 50.0))
            lines += [("P0", day, price, 50.0)] * (more if mine else 0)
    return lines


def test_a_price_is_measured_beside_untouched_products():
    """By hand: 30 days at 50 become 30 days at 11 × 30: 9,900 - 1,500; nothing else moved."""
    found = realised(shop_of(steady()), deed())
    assert found.method == "controls"
    assert (found.value, found.low <= 8_400 <= found.high) == (pytest.approx(8_400), True)


def test_what_other_deeds_touch_is_no_control():
    """By hand: of 10 other products, 2 belong to another deed; 8 are too few."""
    shop = shop_of(steady(products=11))
    assert realised(shop, deed()).method == "controls"
    others = [replace(deed(), id=str(n), subject=f"product:P{n}") for n in (1, 2)]
    assert realised(shop, deed(), [deed(), *others]).method == "no_controls"
    late = [replace(one, decided=DUE, end=DUE + timedelta(days=30)) for one in others]
    assert realised(shop, deed(), late).method == "controls"


def test_a_listing_is_its_named_products():
    lines = steady(price=100.0)
    goods = pd.DataFrame({"product_id": ["P0", "P1"], "product_name": ["mended", "other"]})
    shop = shop_of(lines, products=goods)
    named = {"rule": "images", "count": 1, "effect": 0.1, "items": ["mended"]}
    mended = deed("product.listing", "mend", "listing:images", named)
    assert realised(shop, mended).value == pytest.approx(15_000)
    assert realised(shop, replace(mended, change=named | {"count": 9})).method == "few"
    assert realised(shop_of(lines), mended).method == "few"


@pytest.mark.parametrize(
    ("options", "what", "reason"),
    [
        ({"price": 100.0, "more": 0}, deed(), "not_done"),
        ({"price": 99.0}, deed(), "not_done"),
        ({}, deed(subject="product:none"), "few"),
        ({"products": 5}, deed(), "no_controls"),
        ({}, deed("product.inventory", "order", ""), "no_trace"),
        ({}, deed("customer.rfm", "win_back", ""), "no_way"),
        ({}, deed("channel.guardrails", "stop", "channel:A", {}), "no_spend"),
        ({}, deed("customer.winback", "contact", "segment:x", {}), "no_sends"),
        ({}, deed("customer.winback", "spare", "segment:x", {}), "left_alone"),
    ],
)
def test_what_cannot_be_measured_is_refused(options, what, reason):
    found = realised(shop_of(steady(**options)), what)
    assert (found.method, found.known) == (reason, False)


def test_without_costs_or_lines_nothing_has_a_margin():
    shop = shop_of(steady())
    bare = replace(shop, tables={"orders": shop.orders})
    assert realised(bare, deed()).method == "no_margin"
    assert compared.products(bare, deed(), []).method == "no_lines"


def exposed(paid, arms=("A", "B"), first=DECIDED + timedelta(days=1), name="product:P0", n=200):
    rows = [
        (name, f"{arm}{i}", arm, pd.Timestamp(first + timedelta(days=i % 5)), money)
        for arm, money in zip(arms, paid, strict=True)
        for i in range(n if np.isscalar(n) else n[arms.index(arm)])
    ]
    columns = ["experiment", "visitor_id", "arm", "exposed_at", "paid_amount"]
    return pd.DataFrame(rows, columns=columns)


def test_a_test_named_like_the_subject_is_believed_first():
    """By hand: 200 visitors of B pay 3 more each, half of which is margin."""
    shop = shop_of(steady(more=0, price=100.0), experiment_exposures=exposed((5.0, 8.0)))
    found = realised(shop, deed())
    assert found.method == "experiment"
    assert (found.low, found.value, found.high) == pytest.approx((300, 300, 300))
    other = deed(subject="P0", analysis="campaign.roadmap", code="run")
    assert realised(shop, other).method == "no_way"
    named = shop_of(
        steady(more=0), experiment_exposures=exposed((8.0, 5.0), ("new", "control"), name="P0")
    )
    assert realised(named, deed()).value == pytest.approx(300 * named.margin / 0.5)


@pytest.mark.parametrize(
    ("exposures", "reason"),
    [
        (exposed((1.0, 2.0, 3.0), ("A", "B", "C")), "arms"),
        (exposed((1.0, 2.0), n=50), "few"),
        (exposed((1.0, 2.0), n=(1_000, 1_180)), "mismatch"),
        (exposed((1.0, 2.0), first=DUE), "running"),
        (exposed((1.0, 2.0), first=DECIDED - timedelta(days=2)), "running"),
    ],
)
def test_a_test_that_cannot_be_read_is_refused(exposures, reason):
    shop = shop_of(steady(), experiment_exposures=exposures)
    assert realised(shop, deed()).method == reason


def test_an_old_test_of_that_name_is_another_one():
    shop = shop_of(steady(), experiment_exposures=exposed((1.0, 2.0), first=date(2025, 3, 1)))
    assert realised(shop, deed()).method == "controls"


def sent(held=0.5, day=DECIDED + timedelta(days=1), last=DUE + timedelta(days=45), chosen=False):
    """Return a shop with a log: of those sent to 40 % buy again, of those held out 20 %."""
    people = 600
    random = np.random.default_rng(4)
    out = random.random(people) < held
    lot = random.random(people)
    back = lot < np.where(out, 0.2, 0.4)
    first = np.where(out & chosen, 150, 20)
    lines = [(f"P{i % 16}", day_of(int(first[i])), 100.0, 50.0) for i in range(people)]
    lines += [("P1", day + timedelta(days=3), 100.0, 50.0) for _ in range(int(back.sum()))]
    lines += [("P2", last, 100.0, 50.0)]
    customers = [*map(str, range(people)), *map(str, np.flatnonzero(back)), "last"]
    log = pd.DataFrame({"message_id": "M1", "customer_id": list(map(str, range(people))),
                        "sent_at": pd.Timestamp(day), "is_holdout": out, "cost": 0.1})  # fmt: skip
    return shop_of(lines, customers, message_sends=log), out, back


REACHED = deed("customer.targeting", "send", "", {})


def test_random_sends_are_measured_by_those_held_out():
    """By hand: the difference of means over those sent to, half of it margin, less 0.1 each."""
    shop, out, back = sent()
    found = realised(shop, REACHED)
    gap = back[~out].mean() - back[out].mean()
    assert found.method == "randomised"
    assert found.value == pytest.approx((~out).sum() * (gap * 100 * 0.5 - 0.1))
    assert found.low < found.value < found.high


def test_only_the_segment_of_the_deed_counts():
    shop, *_ = sent()
    once = deed("customer.activation", "remind", "segment:one order", {"start": 150, "stop": 170})
    assert realised(shop, once).value == pytest.approx(realised(shop, REACHED).value)
    late = deed("customer.activation", "remind", "segment:one order", {"start": 0, "stop": 20})
    assert realised(shop, late).method == "no_holdout"
    several = deed("customer.winback", "contact", "segment:several_lost", {})
    assert realised(shop, several).method == "no_holdout"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"held": 0.0}, "no_holdout"),
        ({"held": 0.05}, "few"),
        ({"held": 1.0}, "not_done"),
        ({"chosen": True}, "not_random"),
        ({"day": date(2025, 5, 1)}, "not_done"),
    ],
)
def test_sends_that_tell_nothing_are_refused(options, reason):
    assert realised(sent(**options)[0], REACHED).method == reason


def test_sends_wait_until_their_days_are_over():
    assert realised(sent(last=DUE - timedelta(days=5))[0], REACHED).method == "running"


def advertised(drop=1.0, days=470, base=1000.0, lost=0.0):
    """Return a shop of one sale a day and reports whose spend falls by a share on the decision."""
    first = DUE - timedelta(days=days - 1)
    every = [first + timedelta(days=n) for n in range(days)]
    later = np.array([day > DECIDED for day in every])
    random = np.random.default_rng(2)
    level = base * np.exp(0.05 * random.standard_normal(days)) * (1 - lost * later)
    shop = shop_of([("P0", day, round(x, 2), x / 2) for day, x in zip(every, level, strict=True)])
    spend = pd.DataFrame({"date": every, "spend": 100.0 * (1 - drop * later)})
    spend = spend.assign(platform="p", scene_name="A", campaign_id="1", campaign_name="C",
                         attribution_model="last_click", attribution_window_days=15, clicks=1,
                         impressions=1, conversions=1.0)  # fmt: skip
    return replace(shop, tables=shop.tables | {"ad_reports": table(spend, "ad_reports")})


STOPPED = deed("channel.guardrails", "stop", "channel:A", {"campaign": "C"})


@pytest.mark.parametrize("lost", [0.0, 0.4])
def test_money_that_moved_is_measured_beside_the_days_before(lost):
    """By hand: 30 days save 100 each and lose a share of a margin of 500 a day."""
    found = realised(advertised(lost=lost), STOPPED)
    truth = 3_000 - lost * 500 * 30
    assert found.method == "days"
    assert found.low <= truth <= found.high
    assert abs(found.value - truth) < 1_500  # a tenth of what the days earn


@pytest.mark.parametrize(
    ("analysis", "change", "method"),
    [
        # by the month, and two thirds of what was spent
        ("channel.attribution", {"channel": "A", "cut": 2 / 3, "amount": 2e3, "to": None}, "days"),
        ("channel.reallocate", {"source": "A", "to": "B", "amount": 60.0}, "days"),
        ("channel.reallocate", {"source": "A", "to": "B", "amount": 600.0}, "not_done"),
    ],
)
def test_a_move_is_held_against_what_was_planned(analysis, change, method):
    """By hand: 100 a day were spent and nothing is; a third of the planned step must be seen."""
    assert realised(advertised(), deed(analysis, "move", "channel:B", change)).method == method


@pytest.mark.parametrize(
    ("options", "what", "reason"),
    [
        ({"drop": 0.1}, STOPPED, "not_done"),
        ({"drop": 0.0}, STOPPED, "not_done"),
        ({"days": 40}, STOPPED, "not_done"),
        ({"days": 120}, STOPPED, "history"),
        ({}, replace(STOPPED, subject="channel:B", change={}), "not_done"),
    ],
)
def test_money_that_did_not_move_or_came_too_early_is_refused(options, what, reason):
    assert realised(advertised(**options), what).method == reason


def test_a_shop_that_sold_nothing_before_has_no_days_to_compare():
    shop = advertised()
    later = shop.orders.filter(shop.orders.paid_at.date() > DECIDED)
    shop = replace(shop, tables=shop.tables | {"orders": later})
    assert realised(shop, STOPPED).method == "history"


def test_products_that_lose_money_are_no_measure_of_growth():
    lines = [(item, day, price, 200.0) for item, day, price, _ in steady()]
    assert realised(shop_of(lines), deed()).method == "no_controls"


def test_two_moves_of_money_at_once_cannot_be_told_apart():
    other = replace(STOPPED, id="2", subject="channel:B")
    assert realised(advertised(), STOPPED, [STOPPED, other]).method == "overlap"


def test_every_method_and_reason_has_words():
    for lang in ("zh", "en"):
        words = Words("store.review", lang)
        assert all(words.find("labels", code) for code in (*METHODS, *REASONS))


def proposal():
    money = Value(low=1e3, mid=8e3, high=2e4, horizon_days=30)
    return Proposal("product.price", Action("change", (), PRICE, "C", DUE, money, "product:P0"))


def test_the_ledger_measures_once_and_what_was_refused_again():
    """Truth: the rows: a refusal, nothing new the same day, then the value, then nothing."""
    step = proposal()
    book = Ledger(None, day=DUE)
    book.propose([step], on=DECIDED)
    book.decide(step, accepted=True, owner="Li", on=DECIDED)
    unmoved, moved = shop_of(steady(more=0, price=100.0)), shop_of(steady())
    assert book.measure(moved, as_of=DUE - timedelta(days=1)).realised.empty
    for shop in (unmoved, unmoved, moved, moved, unmoved):
        book.measure(shop)
    book.measure(moved, as_of=DUE + timedelta(days=9))
    assert list(book.realised["method"]) == ["not_done", "controls"]
    assert list(book.realised["value"].isna()) == [True, False]
    (row,) = book.outcomes.to_dict("records")
    assert (row["method"], row["reason"], row["realised"]) == (
        "controls",
        None,
        pytest.approx(8_400),
    )
    assert book.counts()["measured"] == 1


def test_a_refusal_stands_in_the_outcomes():
    step = proposal()
    book = Ledger(None)
    book.propose([step], on=DECIDED)
    book.decide(step, accepted=True, owner="Li", on=DECIDED)
    book.measure(shop_of(steady(more=0, price=100.0)))
    (row,) = book.outcomes.to_dict("records")
    assert (row["method"], row["reason"]) == (None, "not_done")
    result = eo.store.review(book.outcomes, as_of=DUE)
    assert [f.code for f in result.findings()] == ["waiting", "refused"]
    assert "the data show no such change" in result.explain("en")
    assert "测不了" in result.explain("zh")


def test_an_outcome_knows_whether_it_has_a_value():
    assert Outcome("x", 1.0, 0.0, 2.0).known
    assert not Outcome("x").known
    assert Outcome("x").sharp(deed(most=0.0)).method == "x"


def test_what_is_far_wider_than_what_was_expected_is_refused():
    """By hand: half a width of 501 and of 500 beside 100 that were expected."""
    for half, method in ((500.0, "days"), (501.0, "blunt")):
        assert Outcome("days", 0.0, -half, half).sharp(deed(most=100.0)).method == method
