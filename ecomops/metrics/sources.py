"""What a measure is summed over: canonical tables prepared so that each row has its day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ibis

from ecomops.base.errors import OptionError
from ecomops.data.outline import COLUMNS
from ecomops.data.policy import POLICY, line_reasons
from ecomops.data.tables import NO, frame

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Tables = Mapping[str, ibis.Table]

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
    named = dict.fromkeys(("order_id", *COLUMNS, "item_count", *([by] if by else [])))
    sold = POLICY.sales(tables["orders"].select(*named))
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
    """Return the paid lines of orders that count as sales, by the order's day of payment."""
    split_column(("order_lines", "orders"), tables, by)
    told, shared = tables["order_lines"], by if by in tables["orders"].columns else None
    detail = told.filter(~line_reasons(told)["unpaid"])  # not sent, so it cost nothing
    sold = sales(tables, shared)
    if shared is None or shared == "order_id":
        return detail.join(sold.select("order_id", "day"), "order_id")
    rows = detail.join(sold.select("order_id", "day", of_order=shared), "order_id")
    own = (rows[shared],) if shared in detail.columns else ()
    return rows.mutate(**{shared: ibis.coalesce(*own, rows.of_order)})


def traffic(tables: Tables, by: str | None = None) -> ibis.Table:
    """Return the daily traffic at one level, so that no visitor is counted at two.

    The shop's own rows where there are such; the level of `by` when it splits by source, product
    or keyword.
    """
    split_column(("traffic_daily",), tables, by)
    daily = tables["traffic_daily"]
    kept = daily.filter(ibis.coalesce(daily.level, "shop") == _level(daily, by))
    return at_depth(kept.mutate(day=kept.date), by)


DEPTHS = ("source_l1", "source_l2", "source_l3")
_ROW = ("date", "store_id", "level", "product_id", "keyword")
# how exports mark a row over all parts
WHOLE = ("", "all", "total", "汇总", "合计", "全部", "整体")
_BY_LEVEL = dict.fromkeys(DEPTHS, "source") | {"product_id": "product", "keyword": "keyword"}


def at_depth(rows: ibis.Table, by: str | None) -> ibis.Table:
    """Return daily traffic split by `by` and no finer, so that nobody is counted at two depths.

    Where a day tells a source, or all devices, as a whole and in parts the whole is taken,
    elsewhere the parts; of what is split the parts, and the whole only where there are none.
    """
    wholes = {c: ibis.coalesce(rows[c], "").isin(WHOLE) for c in (*DEPTHS, "device")}
    found = frame(rows.aggregate(n=rows.count(), **{c: w.sum() for c, w in wholes.items()})).iloc[0]
    for i, (finer, whole) in enumerate(wholes.items()):
        if found[finer] in (0, found["n"]):
            continue  # all of one kind
        keys = (*_ROW, *DEPTHS[:i], *(() if finer == "device" else ("device",)))
        beside = ibis.window(group_by=keys)
        taken = ~whole if by in (DEPTHS[i:] or ("device",)) else whole  # the kind of rows to take
        marked = rows.mutate(taken=taken, any_taken=taken.any().over(beside))
        rows = marked.filter(marked.taken | ~marked.any_taken).drop("taken", "any_taken")
    return rows


def _level(daily: ibis.Table, by: str | None) -> str:
    """Return the level of rows to take."""
    found = set(frame(daily.select(level=ibis.coalesce(daily.level, "shop")).distinct())["level"])
    first = min(found, key=lambda n: (n != "shop", n != "source", n), default="shop")
    asked = _BY_LEVEL.get(by or "", first)
    return asked if asked in found else "shop"  # what names no level


def item_traffic(tables: Tables, by: str | None = None) -> ibis.Table:
    """Return the daily traffic of product pages."""
    split_column(("traffic_daily",), tables, by)
    daily = tables["traffic_daily"]
    return at_depth(daily.mutate(day=daily.date).filter(daily.level == "product"), by)


def members(tables: Tables, by: str | None = None) -> ibis.Table:
    """Return sales with whether the customer was a member when paying."""
    sold = sales(tables, by)
    people = tables["customers"]  # of several platforms, each with rows of its own
    joined = people.group_by("customer_id").aggregate(joined_at=people.joined_at.min())
    both = sold.left_join(joined, "customer_id")
    return both.mutate(is_member=(both.joined_at <= both["at"]).fill_null(NO))


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


def counted(snapshots: ibis.Table) -> ibis.Table:
    """Return snapshots of stock with their ``day``, those of rarely counted warehouses repeated.

    A warehouse that is counted more rarely than others has its last count on the days between;
    after its last one, for as long as between the two before.
    """
    day: Any = snapshots.date.cast("date")
    place = snapshots.warehouse_id.fill_null("")
    rows = snapshots.mutate(day=day, _at=day.epoch_days(), _place=place)
    counts = rows.select("_place", "_at").distinct()
    at, seen = counts["_at"], ibis.window(group_by="_place", order_by="_at")
    until = ibis.coalesce(at.lead().over(seen), 2 * at - at.lag().over(seen), at + 1)
    counts, days = counts.mutate(_until=until), rows.select("day", _on="_at").distinct()
    held = days.join(counts, [days["_on"] >= counts["_at"], days["_on"] < counts["_until"]])
    return rows.drop("day").join(held, ["_place", "_at"])


def stock(tables: Tables, by: str | None = None) -> ibis.Table:
    """Return what there was of each SKU by day, in all warehouses together unless split by them."""
    split_column(("inventory_snapshots",), tables, by)
    rows = counted(tables["inventory_snapshots"])
    keys = dict.fromkeys(("day", "sku_id", *([by] if by else [])))
    return rows.group_by(*keys).aggregate(
        on_hand=rows.on_hand.sum(),
        available=rows.available.sum(),
        worth=(rows.on_hand * rows.unit_cost).sum(),
    )


SOURCES: Mapping[str, Source] = {
    "sales": Source(("orders",), sales, "customer_id"),
    "placed": Source(("orders",), placed, "customer_id"),
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
    "stock": Source(("inventory_snapshots",), stock),
    "scores": Source(("shop_scores",), dated("shop_scores", "date")),
    "reviews": Source(("reviews",), dated("reviews", "created_at")),
    "surveys": Source(("surveys", "survey_answers"), surveys),
}


def split_column(names: tuple[str, ...], tables: Tables, by: str | None) -> None:
    """Raise `OptionError` unless one of the tables `names` has the column `by`."""
    available = [column for name in names for column in tables[name].columns]
    if by is not None and by not in available:
        raise OptionError("no_such_by", by=by, tables=list(names), available=sorted(set(available)))
