"""Which listings break which rule; the rules are data, by platform."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import TYPE_CHECKING, Any

import ibis
import pandas as pd

from ecomops.base.packaged import packaged
from ecomops.data.tables import NO, frame
from ecomops.metrics.sources import item_traffic

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from ecomops.data.shop import Shop

MOST = 2_000  # listings looked at, those with most visitors first
RULES = ("images", "attributes", "video", "title_long", "title_short", "title_twice", "price")


@cache
def rules() -> Mapping[str, Mapping[str, float]]:
    """Return the rules of each platform, those of "default" filled in.

    >>> rules()["jd"]["title_longest"], rules()["jd"]["images_fewest"]
    (90, 5)
    """
    known = packaged("product/listing_rules.toml")
    return {name: known["default"] | own for name, own in known.items()}


def width(title: str) -> int:
    """Return the width of a title: 2 for a Chinese character, 1 for a Latin one.

    >>> width("连衣裙 XL")
    9
    """
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in title)


def listings(shop: Shop, *, since: date, until: date, as_of: date | None = None) -> pd.DataFrame:
    """Return one row per listing with what rules need, and its traffic between two days.

    ``product_id, name, category, article_no, platform, price, image_count, has_video, filled,
    total`` and ``visitors, buyers, amount`` (missing without traffic by product). Listed after
    `as_of` and not seen until then, it was not there.
    """
    t = shop.products
    later = NO if as_of is None else (t.listed_at.date() > ibis.literal(as_of)).fill_null(NO)
    goods = t.select(
        "product_id",
        "article_no",
        "image_count",
        "has_video",
        name=t.product_name,
        category=ibis.coalesce(t.category_l3, t.category_l2, t.category_l1),
        platform=t.source_platform,
        price=ibis.coalesce(t.sale_price, t.list_price).cast("float64"),
        filled=t.attributes_filled,
        total=t.attributes_total,
        later=later,
    )
    if "traffic_daily" not in shop:
        goods = goods.mutate(visitors=_none("float64"), buyers=_none("float64"))
        goods = goods.mutate(amount=_none("float64"))
        there = goods.filter(~goods.later).drop("later")
        return frame(there.order_by("product_id").limit(MOST))
    days = item_traffic(shop.tables).filter(ibis._.day.cast("date").between(since, until))
    by = days.group_by("product_id").aggregate(
        visitors=days.visitors.sum().cast("float64"),
        buyers=days.pay_buyers.sum().cast("float64"),
        amount=days.pay_amount.sum().cast("float64"),
    )
    seen = goods.left_join(by, "product_id").drop("product_id_right")
    seen = seen.filter(~seen.later | (seen.visitors > 0).fill_null(NO)).drop("later")
    return frame(seen.order_by(ibis.desc(seen.visitors.fill_null(-1)), "product_id").limit(MOST))


def _none(kind: str) -> Any:
    return ibis.null().cast(kind)


def defects(rows: pd.DataFrame, platform: str) -> pd.DataFrame:
    """Return one column per rule: whether a listing breaks it, missing where it cannot be told."""
    rule = rules()[platform]
    titles = rows["name"].astype("string")
    wide = titles.map(width, na_action="ignore").astype("Float64")
    filled = rows["filled"].astype("Float64") / rows["total"].astype("Float64")
    tests = {
        "images": rows["image_count"].astype("Float64") < rule["images_fewest"],
        "attributes": filled < rule["attributes_least"],
        "video": ~rows["has_video"].astype("boolean"),
        "title_long": wide > rule["title_longest"],
        "title_short": wide < rule["title_shortest"],
        "title_twice": titles.duplicated(keep=False).astype("boolean").mask(titles.isna()),
        "price": _apart(rows) > rule["price_apart"],
    }
    return pd.DataFrame({name: test.astype("boolean") for name, test in tests.items()})


def _apart(rows: pd.DataFrame) -> pd.Series[Any]:
    """Return by how much one article's price differs between platforms; missing for a single."""
    named = rows["article_no"].where(rows["platform"].notna())
    by = rows.groupby(named)
    spread = by["price"].transform("max") / by["price"].transform("min") - 1
    several = by["platform"].transform("nunique") > 1
    return spread.where(several).astype("Float64")
