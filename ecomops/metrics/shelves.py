"""Stock of products: what is on hand and on the way, and how much of a sum it can carry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis

from ecomops.data.policy import POLICY, called, sold_lines
from ecomops.data.tables import frame
from ecomops.metrics.sources import counted

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

    from ecomops.data.shop import Shop


def on_hand(shop: Shop, last: date) -> pd.Series[float] | None:
    """Return pieces available and on the way by product on the last day with a snapshot.

    A warehouse that is not counted on that day has its last count, see `sources.counted`.
    None where `inventory_snapshots` or `product_skus` is absent or tells no stock.
    """
    if "inventory_snapshots" not in shop or "product_skus" not in shop:
        return None
    shots = counted(shop.inventory_snapshots.filter(ibis._.date <= ibis.literal(last)))
    latest = shots.filter(shots.day == shots.day.max())
    named = latest.join(shop.product_skus.select("sku_id", "product_id").distinct(), "sku_id")
    stock = named.available.fill_null(named.on_hand) + named.inbound.fill_null(0)
    rows = frame(named.mutate(stock=stock).group_by("product_id").agg(stock=ibis._.stock.sum()))
    found = rows.set_index("product_id")["stock"].astype(float).dropna()
    return found if len(found) else None


def carried(shop: Shop, total: float, last: date, since: date) -> pd.DataFrame | None:
    """Return how much of `total` sales each product's stock carries at the mix since a day.

    ``product_id, name, share`` (of paid money), ``due`` (money of `total`), ``stock`` (pieces),
    ``carried`` (money), the largest shortage first; products without a snapshot carry all. None
    without stock or lines.
    """
    stock = on_hand(shop, last) if "order_lines" in shop else None
    if stock is None:
        return None
    orders = POLICY.sales(shop.orders, as_of=last)
    kept = orders.filter(orders["at"].date() >= since).select("order_id")
    lines = sold_lines(shop.order_lines).join(kept, "order_id")
    by = lines.group_by("product_id").aggregate(
        name=called(lines), pieces=lines.quantity.sum(), paid=lines.line_paid_amount.sum()
    )
    rows = frame(by.filter(by.pieces > 0, by.paid > 0).order_by("product_id"))
    if rows.empty:
        return None
    rows["share"] = rows["paid"] / rows["paid"].sum()
    rows["due"] = rows["share"] * total
    rows["stock"] = rows["product_id"].map(stock)
    worth = rows["stock"].clip(lower=0) * rows["paid"] / rows["pieces"]
    rows["carried"] = worth.fillna(rows["due"]).clip(upper=rows["due"])
    rows["short"] = (rows["due"] - rows["carried"]).round(6)
    rows = rows.sort_values(["short", "product_id"], ascending=[False, True], ignore_index=True)
    return rows[["product_id", "name", "share", "due", "stock", "carried"]]
