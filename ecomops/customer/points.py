"""How many points are used in the end, from the ledger."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from ecomops.base import checks
from ecomops.data.tables import frame
from ecomops.maths.arrays import Z90

if TYPE_CHECKING:
    import ibis

    from ecomops.data.shop import Shop


def usage(shop: Shop, last: date, expires_days: int, assumed: float | None) -> dict[str, Any]:
    """Return ``redeemed`` (share of points used), its ``_low, _high``, ``measured, balance``.

    Points earned so long ago that they are used or lapsed by now tell the share: all that lapsed
    came from them, so used = earned - lapsed. The plain ratio of points used to points earned would
    count points that can still be used as breakage. Without such points, or without a single entry
    of use, the share is `assumed`, else 1.
    """
    checks.between("redeemed", 1 if assumed is None else assumed, 0, 1)
    known = 1.0 if assumed is None else float(assumed)
    unknown = {"redeemed_low": np.nan, "redeemed_high": np.nan, "measured": False}
    empty = unknown | {"redeemed": known, "balance": 0.0}
    if "loyalty_ledger" not in shop:
        return empty
    sums = frame(_sums(shop.loyalty_ledger, last, expires_days)).fillna(0).iloc[0]
    balance = max(float(sums["balance"]), 0.0)
    if assumed is not None or not sums["uses"] or sums["earned"] <= 0:
        return empty | {"balance": balance}
    share = 1 - sums["expired"] / sums["earned"]
    # ratio of two sums over customers: variance of its linear part (Cochran 1977, 6.4)
    spread = sums["xx"] - 2 * (1 - share) * sums["xe"] + (1 - share) ** 2 * sums["ee"]
    half = Z90 * np.sqrt(max(spread, 0.0)) / sums["earned"]
    low, high = max(share - half, 0.0), min(share + half, 1.0)
    return {
        "redeemed": float(np.clip(share, 0, 1)),
        "redeemed_low": float(low),
        "redeemed_high": float(high),
        "measured": True,
        "balance": balance,
    }


def _sums(ledger: ibis.Table, last: date, expires_days: int) -> ibis.Table:
    t = ledger.filter(ledger["at"].date() <= last)
    size, day = t.points.cast("float64"), t["at"].date()
    ripe = (t.reason == "earn") & (day <= last - timedelta(days=expires_days))
    each = t.group_by("customer_id").aggregate(
        e=ripe.ifelse(size, 0.0).sum(),
        x=(t.reason == "expire").ifelse(-size, 0.0).sum(),
        uses=(t.reason == "redeem").ifelse(1, 0).sum(),
        balance=size.sum(),
    )
    return each.aggregate(
        earned=each.e.sum(),
        expired=each.x.sum(),
        uses=each.uses.sum(),
        balance=each.balance.sum(),
        xx=(each.x * each.x).sum(),
        xe=(each.x * each.e).sum(),
        ee=(each.e * each.e).sum(),
    )
