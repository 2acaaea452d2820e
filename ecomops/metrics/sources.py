"""What a measure is summed over: canonical tables prepared so that each row has its day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ibis

from ecomops.base.errors import OptionError
from ecomops.data.outline import COLUMNS
from ecomops.data.policy import POLICY
from ecomops.data.tables import frame

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Tables = Mapping[str, ibis.Table]

GUEST_KEY = "customer_id"
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Source:
    """Rows of one kind of fact: the tables it needs and how they become rows with a ``day``.

    `rows` takes the tables and the column to split by. Where `person` names a column, measures may
    rest on what one person did in a period.
    """

    tables: tuple[str, ...]
    rows: Callable[[Tables, str | None], ibis.Table]
    person: str = ""


def sales(tables: Tables, by: str | None = None) -> ibis.Table:
    """Return the orders that count as sales, by day of payment."""
    split_column(("orders",), tables, by)
    orders = tables["orders"]
    named = dict.fromkeys(("order_id", *COLUMNS, "item_count", *([by] if by else [])))
    sold = POLICY.sales(orders.select(*named))
    return sold.mutate(day=sold.at.date())


def placed(tables: Tables, by: str | None = None) -> ibis.Table:
    """Return all orders but the marked ones, by day of creation, with what was to be paid."""
    split_column(("orders",), tables, by)
    orders = tables["orders"]
    reasons = POLICY.reasons(orders)
    marked, sale = reasons["marked"], ~(reasons["unpaid"] | reasons["no_money"])
    made = ibis.coalesce(orders.created_at, orders.paid_at)
    kept = orders.mutate(
        day=made.date(),
        placed_amount=ibis.coalesce(orders.payable_amount, orders.paid_amount),
        is_paid=sale,
    )
    return kept.filter(~marked, made.notnull())


def lines(tables: Tables, by: str | None = None) -> ibis.Table:
    """Return the lines of orders that count as sales, by the order's day of payment."""
    split_column(("order_lines", "orders"), tables, by)
    detail = tables["order_lines"]
    sold = sales(tables)
    own = ["order_id", "day"] + ([by] if by and by not in detail.columns else [])
    return detail.join(sold.select(*own), "order_id")


def traffic(tables: Tables, by: str | None = None) -> ibis.Table:
    """Return the daily traffic at one level, so that no visitor is counted at two.

    The shop's own rows, over all devices, where there are such; the level of `by` when it splits
    by source, product or keyword.
    """
    split_column(("traffic_daily",), tables, by)
    daily = tables["traffic_daily"]
    level, devices = _levels(daily, by)
    kept = daily.filter(ibis.coalesce(daily.level, "shop") == level)
    if devices is not None:
        kept = kept.filter(ibis.coalesce(kept.device, "").isin(devices))
    return kept.mutate(day=kept.date)


_BY_LEVEL = {
    "source_l1": "source",
    "source_l2": "source",
    "source_l3": "source",
    "product_id": "product",
    "keyword": "keyword",
}
_ALL_DEVICES = ("", "all")


def _levels(daily: ibis.Table, by: str | None) -> tuple[str, tuple[str, ...] | None]:
    """Return the level of rows to take and the devices (None: whatever there is)."""
    found = frame(
        daily.select(
            level=ibis.coalesce(daily.level, "shop"), device=ibis.coalesce(daily.device, "")
        ).distinct()
    )
    levels = set(found["level"])
    wanted = _BY_LEVEL.get(by or "", "shop")
    other = min(levels, key=_preference, default=wanted)
    level = wanted if wanted in levels or by in _BY_LEVEL else other
    whole = set(found.loc[found["level"] == level, "device"]) & set(_ALL_DEVICES)
    return level, (_ALL_DEVICES if whole and by != "device" else None)


def _preference(level: str) -> tuple[bool, bool, str]:
    return level != "shop", level != "source", level


def item_traffic(tables: Tables, by: str | None = None) -> ibis.Table:
    """Return the daily traffic of product pages."""
    split_column(("traffic_daily",), tables, by)
    daily = tables["traffic_daily"]
    kept = daily.filter(daily.level == "product")
    return kept.mutate(day=kept.date)


def members(tables: Tables, by: str | None = None) -> ibis.Table:
    """Return sales with whether the customer was a member when paying."""
    sold = sales(tables, by)
    joined = tables["customers"].select("customer_id", "joined_at")
    both = sold.left_join(joined, "customer_id")
    return both.mutate(is_member=(both.joined_at <= both["at"]).fill_null(False))  # noqa: FBT003


def affiliates(tables: Tables, by: str | None = None) -> ibis.Table:
    """Return affiliate orders by day of settlement."""
    rows = dated("affiliate_orders", "settled_at")(tables, by)
    return rows.filter(rows.settled_at.notnull())


def surveys(tables: Tables, by: str | None = None) -> ibis.Table:
    """Return survey answers by the day the response was submitted."""
    split_column(("survey_answers", "surveys"), tables, by)
    sent = tables["surveys"].select("response_id", "submitted_at", *([by] if by else []))
    both = tables["survey_answers"].join(sent, "response_id")
    return both.mutate(day=both.submitted_at.date())


def dated(name: str, clock: str) -> Callable[[Tables, str | None], ibis.Table]:
    """Return how rows of the table `name` get their day from its column `clock`."""

    def rows(tables: Tables, by: str | None = None) -> ibis.Table:
        split_column((name,), tables, by)
        kept: Any = tables[name]
        day = kept[clock] if kept[clock].type().is_date() else kept[clock].date()
        return kept.mutate(day=day)

    return rows


SOURCES: Mapping[str, Source] = {
    "sales": Source(("orders",), sales, GUEST_KEY),
    "placed": Source(("orders",), placed, GUEST_KEY),
    "lines": Source(("orders", "order_lines"), lines),
    "traffic": Source(("traffic_daily",), traffic),
    "item_traffic": Source(("traffic_daily",), item_traffic),
    "members": Source(("orders", "customers"), members),
    "ads": Source(("ad_reports",), dated("ad_reports", "date")),
    "affiliates": Source(("affiliate_orders",), affiliates),
    "live": Source(("live_sessions",), dated("live_sessions", "started_at")),
    "content": Source(("content_posts",), dated("content_posts", "date")),
    "coupons": Source(("coupon_daily",), dated("coupon_daily", "date")),
    "messages": Source(("message_campaigns",), dated("message_campaigns", "sent_at")),
    "stock": Source(("inventory_snapshots",), dated("inventory_snapshots", "date")),
    "scores": Source(("shop_scores",), dated("shop_scores", "date")),
    "reviews": Source(("reviews",), dated("reviews", "created_at")),
    "surveys": Source(("surveys", "survey_answers"), surveys),
}


def split_column(names: tuple[str, ...], tables: Tables, by: str | None) -> None:
    """Raise `OptionError` unless one of the tables `names` has the column `by`."""
    available = [column for name in names for column in tables[name].columns]
    if by and by not in available:
        raise OptionError("no_such_by", by=by, tables=list(names), available=sorted(set(available)))
