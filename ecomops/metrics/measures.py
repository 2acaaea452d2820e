"""What metrics are made of: each measure an engine expression over the rows of one source.

Counts of people (buyers, who bought again) take two steps in one query: first what each known
person did in a period, then how many did it. A guest order stands for a person of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ibis

from ecomops.base.packaged import packaged
from ecomops.data.days import SUMS
from ecomops.data.policy import kept_cost, line_reasons
from ecomops.data.tables import NO, exact

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Expression = Callable[[Any], Any]


@dataclass(frozen=True)
class Measure:
    """One number per group of rows.

    `columns` are those it cannot do without. `adds` says whether it may be added over periods and
    segments, `level` that a period without rows has no value rather than 0, `sparse` that a
    missing cell means 0 where the column is filled at all (no refund).
    """

    source: str
    columns: tuple[str, ...]
    value: Expression
    adds: bool = True
    level: bool = False
    sparse: bool = False


@dataclass(frozen=True)
class PersonMeasure(Measure):
    """A measure over known persons: `parts` for each person and period, `value` over persons.

    `alone` names the sum over sales (``orders``, ``squares`` …) that it would be if each sale had a
    person of its own; None where that would be 0.
    """

    parts: Mapping[str, Expression] | None = None
    alone: str | None = None


@dataclass(frozen=True)
class Derived(Measure):
    """A measure that adds others up: `of` holds sign and name of each."""

    of: tuple[tuple[int, str], ...] = ()


def _one(test: Any) -> Any:
    # a count keeps eight bytes per group where a sum keeps sixteen
    return test.nullif(NO).count()


def _float(value: Any) -> Any:
    return value.cast("float64")


def _told(source: str, raw: Mapping[str, Any]) -> Measure:
    """Return a measure of ``measures.toml``: a column's sum, weighted or where one is known."""
    column, weight, known = raw["sum"], raw.get("times"), raw.get("known")

    def value(t: Any) -> Any:
        each = t[column] * t[weight] if weight else t[column]
        return each.sum(where=t[known].notnull() if known else None)

    columns = (column, known) if known else (column,)
    return Measure(source, columns, value, raw.get("adds", True))


def _persons(
    source: str,
    value: Expression,
    parts: Mapping[str, Expression],
    columns: tuple[str, ...] = (),
    alone: str | None = None,
) -> PersonMeasure:
    return PersonMeasure(source, columns, value, adds=False, parts=parts, alone=alone)


def _derived(source: str, *names: str, columns: tuple[str, ...] = ()) -> Derived:
    of = tuple((-1 if n[0] == "-" else 1, f"{source}.{n.lstrip('-')}") for n in names)
    return Derived(source, columns, lambda t: t, adds=False, of=of)


def _guest_squares(column: str) -> Expression:
    return lambda t: (_float(t[column]) * _float(t[column])).sum(where=t.customer_id.isnull())


def _counted_buyers(t: Any) -> Any:
    told = t.item_count.notnull()
    return t.customer_id.nunique(where=told) + _one(told & t.customer_id.isnull())


# Purchases (sales not refunded in full) and money of a person in a period.
KEPT: Mapping[str, Expression] = {"kept": lambda t: _one(t.net > 0)}
_AMOUNT: Mapping[str, Expression] = {"amount": lambda t: _float(t.amount).sum()}
_NET: Mapping[str, Expression] = {"kept_amount": lambda t: _float(t.net).sum()}
_SALES: Mapping[str, Expression] = {"sales": lambda t: t.count()}
_CUSTOMER = ("customer_id",)

SALES: Mapping[str, Measure] = {
    **{name: Measure("sales", (), SUMS[name]) for name in ("orders", "amount", "squares")},
    **{
        name: Measure("sales", ("refund_amount",), SUMS[name], sparse=True)
        for name in ("refund", "refunded", "refund_squares", "cross")
    },
    "net": Measure("sales", (), lambda t: t.net.sum()),
    "net_squares": Measure("sales", (), lambda t: (_float(t.net) * _float(t.net)).sum()),
    # people: each guest order stands for a person of its own
    "guests": Measure("sales", (), lambda t: _one(t.customer_id.isnull())),
    "guest_amount": Measure(
        "sales", (), lambda t: t.amount.sum(where=t.customer_id.isnull()), sparse=True
    ),
    **{
        f"guest_{name}": Measure("sales", (), _guest_squares(column), sparse=True)
        for name, column in {"squares": "amount", "net_squares": "net"}.items()
    },
    "persons": _persons("sales", lambda p: p.count(), {}, alone="orders"),
    "person_squares": _persons(
        "sales", lambda p: (p.amount * p.amount).sum(), _AMOUNT, alone="squares"
    ),
    "buyers": _derived("sales", "persons", "guests"),
    "counted_buyers": Measure("sales", ("item_count",), _counted_buyers, adds=False),
    "person_net_squares": _persons(
        "sales", lambda p: (p.kept_amount * p.kept_amount).sum(), _NET, alone="net_squares"
    ),
    "person_order_squares": _persons(
        "sales", lambda p: (p.sales * p.sales).sum(), _SALES, alone="orders"
    ),
    "person_cross": _persons(
        "sales", lambda p: (p.amount * p.sales).sum(), {**_AMOUNT, **_SALES}, alone="amount"
    ),
    "buyer_squares": _derived("sales", "person_squares", "guest_squares"),
    "buyer_cross": _derived("sales", "person_cross", "guest_amount"),
    "buyer_net_squares": _derived("sales", "person_net_squares", "guest_net_squares"),
    "buyer_order_squares": _derived("sales", "person_order_squares", "guests"),
    "known": _persons("sales", lambda p: _one(p.kept >= 1), KEPT, _CUSTOMER, alone="kept"),
    "again": _persons("sales", lambda p: _one(p.kept >= 2), KEPT, _CUSTOMER),  # noqa: PLR2004
    # who purchased first in this period, and who had done so before it
    "first": _persons(
        "sales", lambda p: _one((p.kept >= 1) & (p.period == p.debut)), KEPT, _CUSTOMER
    ),
    "before": _derived("sales", "known", "-first", columns=_CUSTOMER),
}
DEBUT = "sales.first"

_PAID: Mapping[str, Expression] = {"paid": lambda t: _one(t.is_paid)}
PLACED: Mapping[str, Measure] = {
    "guests": Measure("placed", (), lambda t: _one(t.customer_id.isnull())),
    "paying_guests": Measure("placed", (), lambda t: _one(t.customer_id.isnull() & t.is_paid)),
    "persons": _persons("placed", lambda p: p.count(), {}),
    "paying_persons": _persons("placed", lambda p: _one(p.paid >= 1), _PAID),
    "buyers": _derived("placed", "persons", "guests"),
    "payers": _derived("placed", "paying_persons", "paying_guests"),
}


def _where(source: str, column: str, test: Expression) -> Measure:
    return Measure(source, (column,), lambda t: _one(test(t).fill_null(NO)))


def _sold(t: Any) -> Any:
    return ~ibis.or_(*line_reasons(t).values())  # gifts have costs and no sales


def _list_amount(t: Any) -> Any:
    told = ibis.coalesce(t.line_list_amount, t.unit_price * t.quantity)
    return (_sold(t) & (told > 0)).ifelse(told, ibis.null())


LINES: Mapping[str, Measure] = {
    "cost": Measure("lines", ("line_cost",), lambda t: exact(kept_cost(t)).sum()),
    "costed": Measure(
        "lines",
        ("line_cost",),
        lambda t: (t.line_paid_amount - t.line_refund_amount.fill_null(0)).sum(
            where=t.line_cost.notnull()
        ),
    ),
    "quantity": Measure("lines", (), lambda t: t.quantity.sum(where=_sold(t))),
    "list": Measure("lines", (), lambda t: _list_amount(t).sum()),
    "listed_paid": Measure(
        "lines", (), lambda t: t.line_paid_amount.sum(where=_list_amount(t).notnull())
    ),
    "skus": Measure(
        "lines",
        (),
        lambda t: ibis.coalesce(t.sku_id, t.product_id).nunique(where=_sold(t)),
        adds=False,
    ),
}

MEMBERS: Mapping[str, Measure] = {
    "amount": Measure(
        "members", ("customers.joined_at",), lambda t: t.amount.sum(where=t.is_member)
    ),
    "total": Measure("members", (), lambda t: t.amount.sum()),
}


def _sms(column: str) -> Measure:
    return Measure("messages", (column,), lambda t: t[column].sum(where=t.channel.lower() == "sms"))


MESSAGES: Mapping[str, Measure] = {"sms_revenue": _sms("revenue"), "sms_cost": _sms("cost")}


def _level(columns: tuple[str, ...], value: Expression) -> Measure:
    return Measure("stock", columns, value, adds=False, level=True)


# Days of the period that were observed; filled in by compute.py.
CALENDAR: Mapping[str, Measure] = {"days": Measure("calendar", (), lambda t: t, level=True)}

STOCK: Mapping[str, Measure] = {
    "skus": _level(("on_hand",), lambda t: t.sku_id.nunique(where=t.on_hand > 0)),
    "value": _level(("on_hand", "unit_cost"), lambda t: t.worth.sum() / t.day.nunique()),
    "closing": _level(("on_hand",), lambda t: t.on_hand.sum(where=t.day == t.last_day)),
    "empty": _where("stock", "available", lambda t: t.available <= 0),
    "sku_days": _where("stock", "available", lambda t: t.available.notnull()),
}

_SCORES = ("score_description", "score_service", "score_logistics")


def _scored(t: Any) -> Any:
    return t[_SCORES[0]].notnull() & t[_SCORES[1]].notnull() & t[_SCORES[2]].notnull()


SCORES: Mapping[str, Measure] = {
    "points": Measure("scores", _SCORES, lambda t: (sum(t[c] for c in _SCORES) / 3).sum()),
    "count": Measure("scores", _SCORES, lambda t: _one(_scored(t))),
}

REVIEWS: Mapping[str, Measure] = {
    "good": _where("reviews", "rating", lambda t: t.rating >= 4),  # noqa: PLR2004 - four stars of five
    "rated": _where("reviews", "rating", lambda t: t.rating.notnull()),
}


def _answer(kind: str, low: int, high: int) -> Measure:
    return _where(
        "surveys",
        "answer_value",
        lambda t: (t.question_type.lower() == kind) & t.answer_value.between(low, high),
    )


SURVEYS: Mapping[str, Measure] = {
    "promoters": _answer("nps", 9, 10),
    "detractors": _answer("nps", 0, 6),
    "nps": _answer("nps", 0, 10),
    "satisfied": _answer("csat", 4, 5),
    "csat": _answer("csat", 1, 5),
}

_GROUPS = (SALES, PLACED, LINES, MEMBERS, MESSAGES, STOCK, SCORES, CALENDAR, REVIEWS, SURVEYS)
_TOLD: Mapping[str, Mapping[str, Any]] = packaged("metrics/measures.toml")
MEASURES: Mapping[str, Measure] = {
    **{f"{measure.source}.{n}": measure for group in _GROUPS for n, measure in group.items()},
    **{f"{s}.{n}": _told(s, raw) for s, group in _TOLD.items() for n, raw in group.items()},
}
